/* Aggregates. */
#include "sql/catalogue_int.h"

#define FIRST .scale = SCALE_RULE_FIRST
#define EXTREME(NAME, KIND, TEXT_) \
    AGGREGATE(NAME, KIND, TAKES(KIND), WRITE_EXTREME, TEXT_, .engine = NAME, FIRST)
#define EXTREMES(NAME, TEXT_)                                                                      \
    EXTREME(NAME, INT2, TEXT_), EXTREME(NAME, INT4, TEXT_), EXTREME(NAME, INT8, TEXT_),            \
        EXTREME(NAME, FLOAT4, TEXT_), EXTREME(NAME, FLOAT8, TEXT_), EXTREME(NAME, NUMERIC, TEXT_), \
        EXTREME(NAME, TEXT, TEXT_), EXTREME(NAME, BPCHAR, TEXT_), EXTREME(NAME, DATE, TEXT_),      \
        EXTREME(NAME, TIME, TEXT_), EXTREME(NAME, TIMESTAMP, TEXT_),                               \
        EXTREME(NAME, TIMESTAMPTZ, TEXT_), EXTREME(NAME, INTERVAL, TEXT_),                         \
        EXTREME(NAME, ANY_ARRAY, TEXT_)
#define PLAIN(NAME, RESULT, KIND, ENGINE, TEXT_) \
    AGGREGATE(NAME, RESULT, TAKES(KIND), WRITE_AGGREGATE, TEXT_, .engine = ENGINE)
#define INTEGERS(NAME, TEXT_)                                                   \
    PLAIN(NAME, INT2, INT2, NAME, TEXT_), PLAIN(NAME, INT4, INT4, NAME, TEXT_), \
        PLAIN(NAME, INT8, INT8, NAME, TEXT_)
#define VARIANCE(NAME, TEXT_)                                                          \
    AGGREGATE(NAME, NUMERIC, TAKES(INT2), WRITE_VARIANCE, TEXT_, .engine = NAME),      \
        AGGREGATE(NAME, NUMERIC, TAKES(INT4), WRITE_VARIANCE, TEXT_, .engine = NAME),  \
        AGGREGATE(NAME, NUMERIC, TAKES(INT8), WRITE_VARIANCE, TEXT_, .engine = NAME),  \
        AGGREGATE(NAME, FLOAT8, TAKES(FLOAT4), WRITE_VARIANCE, TEXT_, .engine = NAME), \
        AGGREGATE(NAME, FLOAT8, TAKES(FLOAT8), WRITE_VARIANCE, TEXT_, .engine = NAME), \
        AGGREGATE(NAME, NUMERIC, TAKES(NUMERIC), WRITE_VARIANCE, TEXT_, .engine = NAME)
#define REGRESSION(NAME, RESULT, TEXT_) \
    AGGREGATE(NAME, RESULT, TAKES(FLOAT8, FLOAT8), WRITE_REGRESSION, TEXT_, .engine = NAME)
#define ORDERED_SET(NAME, RESULT, ARGUMENTS, WRITER, ENGINE, TEXT_)                        \
    ROW(FUNCTION_ORDERED_SET, NAME, RESULT, ARGUMENTS, .writer = WRITER, .engine = ENGINE, \
        .flags = FUNCTION_NULL_CALLED, FIRST, .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    AGGREGATE("array_agg", ANY_ARRAY, TAKES(NOT_ARRAY), WRITE_ARRAY_AGGREGATE,
              "All values as an array"),
    AGGREGATE("avg", NUMERIC, TAKES(INT2), WRITE_AVERAGE, "Average"),
    AGGREGATE("avg", NUMERIC, TAKES(INT4), WRITE_AVERAGE, "Average"),
    AGGREGATE("avg", NUMERIC, TAKES(INT8), WRITE_AVERAGE, "Average"),
    AGGREGATE("avg", FLOAT8, TAKES(FLOAT4), WRITE_AVERAGE, "Average"),
    AGGREGATE("avg", FLOAT8, TAKES(FLOAT8), WRITE_AVERAGE, "Average"),
    AGGREGATE("avg", NUMERIC, TAKES(NUMERIC), WRITE_AVERAGE, "Average"),
    AGGREGATE("avg", INTERVAL, TAKES(INTERVAL), WRITE_AVERAGE, "Average"),
    INTEGERS("bit_and", "And of all bits"),
    INTEGERS("bit_or", "Or of all bits"),
    INTEGERS("bit_xor", "Exclusive or of all bits"),
    PLAIN("bool_and", BOOL, BOOL, "bool_and", "Are all true?"),
    PLAIN("bool_or", BOOL, BOOL, "bool_or", "Is one true?"),
    REGRESSION("corr", FLOAT8, "Correlation"),
    AGGREGATE("count", INT8, TAKES_NOTHING, WRITE_COUNT, "Rows"),
    AGGREGATE("count", INT8, TAKES(ANY), WRITE_COUNT, "Rows where it is not NULL"),
    REGRESSION("covar_pop", FLOAT8, "Covariance of the population"),
    REGRESSION("covar_samp", FLOAT8, "Covariance of the sample"),
    PLAIN("every", BOOL, BOOL, "bool_and", "Are all true?"),
    AGGREGATE("json_agg", JSON, TAKES(ELEMENT), WRITE_JSON_AGGREGATE, "All values as an array"),
    AGGREGATE("json_object_agg", JSON, TAKES(ANY, ANY), WRITE_JSON_OBJECT_AGGREGATE,
              "All keys and values as an object"),
    AGGREGATE("jsonb_agg", JSONB, TAKES(ELEMENT), WRITE_JSON_AGGREGATE, "All values as an array"),
    AGGREGATE("jsonb_object_agg", JSONB, TAKES(ANY, ANY), WRITE_JSON_OBJECT_AGGREGATE,
              "All keys and values as an object"),
    EXTREMES("max", "Greatest value"),
    EXTREMES("min", "Least value"),
    ORDERED_SET("mode", ELEMENT, TAKES(ELEMENT), WRITE_MODE, NULL, "The most frequent value"),
    ORDERED_SET("percentile_cont", FLOAT8, TAKES(FLOAT8, FLOAT8), WRITE_PERCENTILE, "quantile_cont",
                "Percentile, between the values where it falls there"),
    ORDERED_SET("percentile_cont", INTERVAL, TAKES(FLOAT8, INTERVAL), WRITE_PERCENTILE,
                "quantile_cont", "Percentile, between the values where it falls there"),
    ORDERED_SET("percentile_cont", FLOAT8S, TAKES(FLOAT8S, FLOAT8), WRITE_PERCENTILE,
                "quantile_cont", "Percentiles"),
    ORDERED_SET("percentile_disc", ELEMENT, TAKES(FLOAT8, ELEMENT), WRITE_PERCENTILE,
                "quantile_disc", "Percentile, one of the values"),
    ORDERED_SET("percentile_disc", ANY_ARRAY, TAKES(FLOAT8S, ELEMENT), WRITE_PERCENTILE,
                "quantile_disc", "Percentiles"),
    REGRESSION("regr_avgx", FLOAT8, "Average of x"),
    REGRESSION("regr_avgy", FLOAT8, "Average of y"),
    REGRESSION("regr_count", INT8, "Rows where neither is NULL"),
    REGRESSION("regr_intercept", FLOAT8, "Where the regression line meets the y axis"),
    REGRESSION("regr_r2", FLOAT8, "Square of the correlation"),
    REGRESSION("regr_slope", FLOAT8, "Slope of the regression line"),
    REGRESSION("regr_sxx", FLOAT8, "Sum of squares of x"),
    REGRESSION("regr_sxy", FLOAT8, "Sum of products"),
    REGRESSION("regr_syy", FLOAT8, "Sum of squares of y"),
    VARIANCE("stddev", "Standard deviation of the sample"),
    VARIANCE("stddev_pop", "Standard deviation of the population"),
    VARIANCE("stddev_samp", "Standard deviation of the sample"),
    AGGREGATE("string_agg", TEXT, TAKES(TEXT, TEXT), WRITE_STRING_AGGREGATE,
              "All texts with a separator between"),
    AGGREGATE("sum", INT8, TAKES(INT2), WRITE_SUM, "Sum"),
    AGGREGATE("sum", INT8, TAKES(INT4), WRITE_SUM, "Sum"),
    AGGREGATE("sum", NUMERIC, TAKES(INT8), WRITE_SUM, "Sum", .scale = SCALE_RULE_ZERO),
    AGGREGATE("sum", FLOAT4, TAKES(FLOAT4), WRITE_SUM, "Sum"),
    AGGREGATE("sum", FLOAT8, TAKES(FLOAT8), WRITE_SUM, "Sum"),
    AGGREGATE("sum", NUMERIC, TAKES(NUMERIC), WRITE_SUM, "Sum", FIRST),
    AGGREGATE("sum", INTERVAL, TAKES(INTERVAL), WRITE_SUM, "Sum"),
    VARIANCE("var_pop", "Variance of the population"),
    VARIANCE("var_samp", "Variance of the sample"),
    VARIANCE("variance", "Variance of the sample"),
};

const CatalogueFamily catalogue_aggregates = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
