/* Statistics of DOUBLEs by PostgreSQL's own way of computing them (Youngs and Cramer), so that the
 * last digits are the same over the same rows in the same order. */
#include <math.h>

#include "worker/sql_functions_int.h"
#include "worker/vector.h"

typedef struct Moments {
    double n;
    double sx;
    double sxx;
    double sy;
    double syy;
    double sxy;
} Moments;

static bool is_null_at(const uint64_t *validity, idx_t row)
{
    return validity != NULL && ((validity[row / 64] >> (row % 64)) & 1) == 0;
}

static idx_t moments_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(Moments);
}

static void moments_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    Moments none = {.n = 0};
    memcpy(state, &none, sizeof none);
}

/* False where a finite value made a sum overflow. */
static bool add_value(Moments *m, double x)
{
    double before = m->n;
    m->n += 1;
    m->sx += x;
    if (before > 0) {
        double distance = x * m->n - m->sx;
        m->sxx += distance * distance / (m->n * before);
        bool overflowed = (isinf(m->sx) || isinf(m->sxx)) && !isinf(x) && before > 0;
        if (overflowed && !isnan(m->sxx))
            return false;
    } else if (isnan(x) || isinf(x)) {
        m->sxx = NAN;
    }
    return true;
}

static bool add_pair(Moments *m, double y, double x)
{
    double before = m->n;
    m->n += 1;
    m->sx += x;
    m->sy += y;
    if (before > 0) {
        double distance_x = x * m->n - m->sx;
        double distance_y = y * m->n - m->sy;
        double scale = 1.0 / (m->n * before);
        m->sxx += distance_x * distance_x * scale;
        m->syy += distance_y * distance_y * scale;
        m->sxy += distance_x * distance_y * scale;
        bool overflowed =
            isinf(m->sx) || isinf(m->sxx) || isinf(m->sy) || isinf(m->syy) || isinf(m->sxy);
        return !overflowed || isinf(x) || isinf(y) || isnan(m->sxy);
    }
    if (isnan(x) || isinf(x))
        m->sxx = m->sxy = NAN;
    if (isnan(y) || isinf(y))
        m->syy = m->sxy = NAN;
    return true;
}

static void fail_overflow(duckdb_function_info info)
{
    duckdb_aggregate_function_set_error(info, "PG22003 value out of range: overflow");
}

static void update_one(duckdb_function_info info, duckdb_data_chunk input,
                       duckdb_aggregate_state *states)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const double *xs = duckdb_vector_get_data(vector);
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    idx_t rows = duckdb_data_chunk_get_size(input);
    bool fits = true;
    for (idx_t row = 0; row < rows; row++) {
        Moments m;
        if (is_null_at(validity, row))
            continue;
        memcpy(&m, states[row], sizeof m);
        fits = add_value(&m, xs[row]) && fits;
        memcpy(states[row], &m, sizeof m);
    }
    if (!fits)
        fail_overflow(info);
}

static void update_two(duckdb_function_info info, duckdb_data_chunk input,
                       duckdb_aggregate_state *states)
{
    duckdb_vector y_vector = duckdb_data_chunk_get_vector(input, 0);
    duckdb_vector x_vector = duckdb_data_chunk_get_vector(input, 1);
    const double *ys = duckdb_vector_get_data(y_vector);
    const double *xs = duckdb_vector_get_data(x_vector);
    const uint64_t *y_validity = duckdb_vector_get_validity(y_vector);
    const uint64_t *x_validity = duckdb_vector_get_validity(x_vector);
    idx_t rows = duckdb_data_chunk_get_size(input);
    bool fits = true;
    for (idx_t row = 0; row < rows; row++) {
        Moments m;
        if (is_null_at(y_validity, row) || is_null_at(x_validity, row))
            continue;
        memcpy(&m, states[row], sizeof m);
        fits = add_pair(&m, ys[row], xs[row]) && fits;
        memcpy(states[row], &m, sizeof m);
    }
    if (!fits)
        fail_overflow(info);
}

static void merge(Moments *to, const Moments *from)
{
    if (from->n == 0)
        return;
    if (to->n == 0) {
        *to = *from;
        return;
    }
    double n = to->n + from->n;
    double dx = to->sx / to->n - from->sx / from->n;
    double dy = to->sy / to->n - from->sy / from->n;
    double weight = to->n * from->n;
    to->sxx += from->sxx + weight * dx * dx / n;
    to->syy += from->syy + weight * dy * dy / n;
    to->sxy += from->sxy + weight * dx * dy / n;
    to->sx += from->sx;
    to->sy += from->sy;
    to->n = n;
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *source,
                    duckdb_aggregate_state *target, idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        Moments from;
        Moments to;
        memcpy(&from, source[i], sizeof from);
        memcpy(&to, target[i], sizeof to);
        merge(&to, &from);
        memcpy(target[i], &to, sizeof to);
    }
}

/* ---- results: false for NULL ---- */

typedef bool (*Statistic)(const Moments *m, double *out);

static bool var_samp(const Moments *m, double *out)
{
    *out = m->sxx / (m->n - 1);
    return m->n > 1;
}

static bool var_pop(const Moments *m, double *out)
{
    *out = m->sxx / m->n;
    return m->n > 0;
}

static bool stddev_samp(const Moments *m, double *out)
{
    bool is_there = var_samp(m, out);
    *out = sqrt(*out);
    return is_there;
}

static bool stddev_pop(const Moments *m, double *out)
{
    bool is_there = var_pop(m, out);
    *out = sqrt(*out);
    return is_there;
}

static bool regr_sxx(const Moments *m, double *out)
{
    *out = m->sxx;
    return m->n > 0;
}

static bool regr_syy(const Moments *m, double *out)
{
    *out = m->syy;
    return m->n > 0;
}

static bool regr_sxy(const Moments *m, double *out)
{
    *out = m->sxy;
    return m->n > 0;
}

static bool regr_avgx(const Moments *m, double *out)
{
    *out = m->sx / m->n;
    return m->n > 0;
}

static bool regr_avgy(const Moments *m, double *out)
{
    *out = m->sy / m->n;
    return m->n > 0;
}

static bool covar_pop(const Moments *m, double *out)
{
    *out = m->sxy / m->n;
    return m->n > 0;
}

static bool covar_samp(const Moments *m, double *out)
{
    *out = m->sxy / (m->n - 1);
    return m->n > 1;
}

static bool corr(const Moments *m, double *out)
{
    *out = m->sxy / sqrt(m->sxx * m->syy);
    return m->n > 0 && m->sxx != 0 && m->syy != 0;
}

static bool regr_r2(const Moments *m, double *out)
{
    *out = m->syy == 0 ? 1.0 : (m->sxy * m->sxy) / (m->sxx * m->syy);
    return m->n > 0 && m->sxx != 0;
}

static bool regr_slope(const Moments *m, double *out)
{
    *out = m->sxy / m->sxx;
    return m->n > 0 && m->sxx != 0;
}

static bool regr_intercept(const Moments *m, double *out)
{
    *out = (m->sy - m->sx * m->sxy / m->sxx) / m->n;
    return m->n > 0 && m->sxx != 0;
}

static const struct {
    const char *name;
    Statistic statistic; /* NULL: the count */
    bool of_pairs;
} statistics[] = {
    {"pg_f8_var_samp", var_samp, false},
    {"pg_f8_var_pop", var_pop, false},
    {"pg_f8_stddev_samp", stddev_samp, false},
    {"pg_f8_stddev_pop", stddev_pop, false},
    {"pg_corr", corr, true},
    {"pg_covar_pop", covar_pop, true},
    {"pg_covar_samp", covar_samp, true},
    {"pg_regr_avgx", regr_avgx, true},
    {"pg_regr_avgy", regr_avgy, true},
    {"pg_regr_count", NULL, true},
    {"pg_regr_intercept", regr_intercept, true},
    {"pg_regr_r2", regr_r2, true},
    {"pg_regr_slope", regr_slope, true},
    {"pg_regr_sxx", regr_sxx, true},
    {"pg_regr_sxy", regr_sxy, true},
    {"pg_regr_syy", regr_syy, true},
};

enum { STATISTIC_COUNT = sizeof statistics / sizeof *statistics };

static size_t number_of(const char *name)
{
    size_t i = 0;
    while (i + 1 < STATISTIC_COUNT && strcmp(statistics[i].name, name) != 0)
        i++;
    return i;
}

static void finalize(duckdb_function_info info, duckdb_aggregate_state *source,
                     duckdb_vector result, idx_t count, idx_t offset)
{
    const char *name = duckdb_aggregate_function_get_extra_info(info);
    Statistic statistic = statistics[number_of(name)].statistic;
    void *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        Moments m;
        double value;
        memcpy(&m, source[i], sizeof m);
        if (statistic == NULL)
            ((int64_t *)data)[offset + i] = (int64_t)m.n;
        else if (statistic(&m, &value))
            ((double *)data)[offset + i] = value;
        else
            vector_put_null(result, offset + i);
    }
}

static Status make(duckdb_connection connection, const char *name, Error *error)
{
    size_t number = number_of(name);
    bool of_pairs = statistics[number].of_pairs;
    duckdb_aggregate_function function = duckdb_create_aggregate_function();
    duckdb_logical_type argument = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    duckdb_logical_type result = duckdb_create_logical_type(
        statistics[number].statistic == NULL ? DUCKDB_TYPE_BIGINT : DUCKDB_TYPE_DOUBLE);
    duckdb_aggregate_function_set_name(function, name);
    duckdb_aggregate_function_add_parameter(function, argument);
    if (of_pairs)
        duckdb_aggregate_function_add_parameter(function, argument);
    duckdb_aggregate_function_set_return_type(function, result);
    duckdb_aggregate_function_set_functions(function, moments_size, moments_init,
                                            of_pairs ? update_two : update_one, combine, finalize);
    /* The name is static: nothing to free. */
    duckdb_aggregate_function_set_extra_info(function, (void *)(uintptr_t)statistics[number].name,
                                             NULL);
    duckdb_state state = duckdb_register_aggregate_function(connection, function);
    duckdb_destroy_logical_type(&argument);
    duckdb_destroy_logical_type(&result);
    duckdb_destroy_aggregate_function(&function);
    return state == DuckDBSuccess ? OK : error_set(error, STATUS_INTERNAL, "%s was refused", name);
}

const SqlAggregate sql_statistics[] = {
    {"pg_f8_var_samp", make},   {"pg_f8_var_pop", make},     {"pg_f8_stddev_samp", make},
    {"pg_f8_stddev_pop", make}, {"pg_corr", make},           {"pg_covar_pop", make},
    {"pg_covar_samp", make},    {"pg_regr_avgx", make},      {"pg_regr_avgy", make},
    {"pg_regr_count", make},    {"pg_regr_intercept", make}, {"pg_regr_r2", make},
    {"pg_regr_slope", make},    {"pg_regr_sxx", make},       {"pg_regr_sxy", make},
    {"pg_regr_syy", make},
};

const size_t sql_statistic_count = sizeof sql_statistics / sizeof *sql_statistics;
