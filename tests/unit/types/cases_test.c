/* Cases with PostgreSQL 15's answers: every line of cases.tsv is a cast or a call of a function.
 *     cast  from  text  to  context  expected
 *     call  symbol  result type  expected  [type  text]…
 * Fields are separated by tabs; \t, \n and \\ are escaped, \N is NULL. Expected is "=text", "~" for
 * NULL, or "!SQLSTATE message". tests/conformance/types_cases.py writes the file and checks it
 * against a PostgreSQL. CASES names another file. */
#include "tests/unit/types/random_value.h"
#include "types/function.h"

enum { FIELDS_MAX = 24, NOW_SECONDS = 1582113906 }; /* 2020-02-19 12:05:06 */

static const char *const cases_path = "tests/unit/types/cases.tsv";

typedef struct Case {
    Slice fields[FIELDS_MAX];
    bool is_null[FIELDS_MAX];
    size_t count;
    int line;
} Case;

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s: run the tests from the repository's root", path);
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    (void)fclose(file);
    return text;
}

/* Undoes the escapes in place. */
static Slice unescape(char *field)
{
    char *to = field;
    for (const char *from = field; *from != '\0'; from++) {
        char c = *from;
        if (c == '\\') {
            from++;
            c = (char)(*from == 't' ? '\t' : *from == 'n' ? '\n' : *from);
        }
        *to++ = c;
    }
    return slice_of(field, (size_t)(to - field));
}

static void split_case(char *line, Case *out)
{
    out->count = 0;
    for (char *next = line; next != NULL && out->count < FIELDS_MAX;) {
        char *field = strsep(&next, "\t");
        out->is_null[out->count] = strcmp(field, "\\N") == 0;
        out->fields[out->count++] = unescape(field);
    }
}

/* "numeric(10,2)", "int4[]", "vector(3)" */
static Type type_of(Slice name)
{
    Type type = {0};
    char text[64] = "";
    TypeKind kind = TYPE_UNKNOWN;
    assert_true(name.size < sizeof text);
    memcpy(text, name.data, name.size);
    char *bracket = strstr(text, "[]");
    if (bracket != NULL)
        *bracket = '\0';
    char *modifiers = strchr(text, '(');
    if (modifiers != NULL) {
        (void)sscanf(modifiers, "(%d,%d)", &type.a, &type.b);
        *modifiers = '\0';
    }
    if (!type_from_name(slice_of_text(text), &kind))
        fail_msg("unknown type %s", text);
    type.kind = (uint8_t)(bracket != NULL ? TYPE_ARRAY : kind);
    type.element = (uint8_t)(bracket != NULL ? kind : 0);
    return type;
}

static void put_outcome(Buffer *out, Type type, Status status, const Value *value,
                        const Error *error)
{
    if (status != OK)
        buffer_put_format(out, "!%s %s", status_sqlstate(status), error->message);
    else if (value->is_null)
        buffer_put_text(out, "~");
    else
        buffer_put_text(out, "=");
    if (status == OK && !value->is_null) {
        Type shown = type.kind == value->kind ? type : TYPE_OF_KIND(value->kind);
        value_put_text(out, shown, value);
    }
}

static enum CastContext context_of(Slice name)
{
    return name.data[0] == 'i'   ? CAST_IMPLICIT
           : name.data[0] == 'a' ? CAST_ASSIGNMENT
                                 : CAST_EXPLICIT;
}

static Status value_of(Arena *arena, const Case *line, size_t type_field, Type *type, Value *out,
                       Error *error)
{
    *type = type_of(line->fields[type_field]);
    *out = value_null((TypeKind)type->kind);
    if (line->is_null[type_field + 1])
        return OK;
    return value_from_text_at(arena, *type, line->fields[type_field + 1],
                              NOW_SECONDS * MICROS_PER_SECOND, out, error);
}

static Status run_cast(Arena *arena, const Case *line, Type *to, Value *out, Error *error)
{
    Type from;
    Value value;
    TRY(value_of(arena, line, 1, &from, &value, error));
    *to = type_of(line->fields[3]);
    return value_cast_at(arena, &value, from, *to, context_of(line->fields[4]),
                         NOW_SECONDS * MICROS_PER_SECOND, out, error);
}

static Status run_call(Arena *arena, const Case *line, Type *type, Value *out, Error *error)
{
    Value arguments[FIELDS_MAX];
    Type types[FIELDS_MAX];
    uint32_t count = 0;
    bool has_null = false;
    const FunctionImplementation *function = function_describe(line->fields[1]);
    if (function == NULL)
        fail_msg("line %d: no function %.*s", line->line, SLICE_ARGUMENTS(line->fields[1]));
    *type = type_of(line->fields[2]);
    for (size_t i = 4; i + 1 < line->count; i += 2, count++) {
        TRY(value_of(arena, line, i, &types[count], &arguments[count], error));
        has_null = has_null || arguments[count].is_null;
    }
    if (!function_takes(function, types, count, *type))
        fail_msg("line %d: %s does not take these", line->line, function->symbol);
    *out = value_null((TypeKind)type->kind);
    if (has_null && function->is_strict)
        return OK;
    EvaluationContext context = {.env = env_real(),
                                 .arena = arena,
                                 .now_us = NOW_SECONDS * MICROS_PER_SECOND,
                                 .clock_us = NOW_SECONDS * MICROS_PER_SECOND,
                                 .current_user = SLICE("alice")};
    return function->function(&context, arguments, count, out, error);
}

static bool run_case(Arena *arena, const Case *line)
{
    bool is_cast = slice_equal_text(line->fields[0], "cast");
    Slice expected = line->fields[is_cast ? 5 : 3];
    Type type = TYPE(TEXT);
    Value value = value_null(TYPE_UNKNOWN);
    Error error;
    Buffer got;
    error_clear(&error);
    buffer_open(&got, 0);
    Status status = is_cast ? run_cast(arena, line, &type, &value, &error)
                            : run_call(arena, line, &type, &value, &error);
    put_outcome(&got, type, status, &value, &error);
    bool good = slice_equal(buffer_slice(&got), expected);
    if (!good) {
        printf("line %d:", line->line);
        for (size_t i = 0; i < line->count; i++)
            printf(" %.*s", SLICE_ARGUMENTS(line->fields[i]));
        printf("\n     got %.*s\n", SLICE_ARGUMENTS(buffer_slice(&got)));
    }
    buffer_close(&got);
    return good;
}

static void test_cases(void **state)
{
    (void)state;
    const char *path = getenv("CASES") != NULL ? getenv("CASES") : cases_path;
    char *text = read_file(path);
    int failures = 0;
    int lines = 0;
    int number = 0;
    Arena arena;
    arena_open(&arena, 0);
    for (char *next = text; next != NULL && *next != '\0';) {
        Case line;
        char *begin = strsep(&next, "\n");
        line.line = ++number;
        if (begin[0] == '#' || begin[0] == '\0')
            continue;
        split_case(begin, &line);
        lines++;
        failures += !run_case(&arena, &line);
        arena_reset(&arena);
    }
    arena_close(&arena);
    free(text);
    printf("%d cases, %d differ\n", lines, failures);
    assert_true(lines > 0);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
