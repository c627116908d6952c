/* System tables: which filler makes a table's rows, and the row that they fill. */
#include "database/system_tables.h"

#include "database/system_int.h"

/* ---- a row ---- */

static Value *next_value(SystemRows *rows, TypeKind *kind)
{
    ASSERT(rows->at < rows->table->column_count);
    *kind = rows->table->columns[rows->at].type.kind;
    return &rows->values[rows->at++];
}

void row_null(SystemRows *rows)
{
    TypeKind kind;
    Value *value = next_value(rows, &kind);
    *value = value_null(kind);
}

void row_text(SystemRows *rows, Slice text)
{
    TypeKind kind;
    Value *value = next_value(rows, &kind);
    ASSERT(kind == TYPE_TEXT || kind == TYPE_JSON);
    *value = value_bytes(kind, text);
}

void row_text_or_null(SystemRows *rows, Slice text)
{
    if (text.size == 0)
        row_null(rows);
    else
        row_text(rows, text);
}

void row_words(SystemRows *rows, const char *text)
{
    row_text_or_null(rows, text == NULL ? SLICE_EMPTY : slice_of_text(text));
}

void *row_allocate(SystemRows *rows, size_t size)
{
    void *memory = arena_allocate(&rows->scratch, size);
    if (memory == NULL)
        rows->status = STATUS_OUT_OF_MEMORY;
    return memory;
}

void row_copy(SystemRows *rows, Slice text)
{
    void *copy = row_allocate(rows, text.size);
    if (copy == NULL) {
        row_null(rows);
        return;
    }
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    row_text(rows, slice_of(copy, text.size));
}

void row_integer(SystemRows *rows, int64_t number)
{
    TypeKind kind;
    Value *value = next_value(rows, &kind);
    ASSERT(kind == TYPE_INTEGER || kind == TYPE_BIGINT);
    if (kind == TYPE_INTEGER && number > INT32_MAX)
        number = INT32_MAX;
    if (kind == TYPE_INTEGER && number < INT32_MIN)
        number = INT32_MIN;
    *value = value_integer(kind, number);
}

void row_unsigned(SystemRows *rows, uint64_t number)
{
    row_integer(rows, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

void row_unsigned_or_null(SystemRows *rows, uint64_t number)
{
    if (number == 0)
        row_null(rows);
    else
        row_unsigned(rows, number);
}

void row_boolean(SystemRows *rows, bool is_true)
{
    TypeKind kind;
    Value *value = next_value(rows, &kind);
    ASSERT(kind == TYPE_BOOLEAN);
    *value = value_boolean(is_true);
}

void row_real(SystemRows *rows, double x)
{
    TypeKind kind;
    Value *value = next_value(rows, &kind);
    ASSERT(kind == TYPE_REAL || kind == TYPE_DOUBLE);
    *value = value_double(kind == TYPE_REAL ? (double)(float)x : x);
    value->kind = (uint8_t)kind;
}

void row_time_or_null(SystemRows *rows, int64_t us)
{
    TypeKind kind;
    Value *value = next_value(rows, &kind);
    ASSERT(kind == TYPE_TIMESTAMPTZ);
    *value = us == 0 ? value_null(kind) : value_integer(kind, us);
}

void row_texts(SystemRows *rows, const Slice *texts, uint32_t count)
{
    ArrayValue *array = texts == NULL ? NULL : row_allocate(rows, sizeof *array);
    Value *elements = array == NULL ? NULL : row_allocate(rows, count * sizeof *elements);
    TypeKind kind;
    if (elements == NULL) {
        row_null(rows);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        elements[i] = value_text(texts[i]);
    *array = (ArrayValue){count, elements};
    Value *value = next_value(rows, &kind);
    ASSERT(kind == TYPE_ARRAY);
    *value = (Value){.kind = TYPE_ARRAY, .as.array = array};
}

Status row_end(SystemRows *rows, Error *error)
{
    ASSERT(rows->at == rows->table->column_count);
    Status status = rows->status;
    rows->at = 0;
    rows->status = OK;
    if (status == OK)
        status = rows->sink->row(rows->sink->context, rows->values, error);
    else
        (void)error_of(error, status);
    arena_reset(&rows->scratch);
    return status;
}

/* ---- who sees what ---- */

bool system_sees_table(const SystemRows *rows, const CatalogTable *table)
{
    static const ObjectKind kinds[] = {[TABLE_SHARED] = OBJECT_SHARED_TABLE,
                                       [TABLE_USER] = OBJECT_USER_TABLE,
                                       [TABLE_STREAM] = OBJECT_STREAM_TABLE};
    GuardedObject object = {.kind = kinds[table->kind], .access = table->access};
    return rows->sees_all || guard_allows(rows->who->role, ACTION_SELECT, &object);
}

OwnerId system_owner_seen(const SystemRows *rows, const CatalogTable *table)
{
    GuardedObject object = {.kind = OBJECT_USER_TABLE};
    if (table->kind == TABLE_SHARED ||
        guard_allows(rows->who->role, ACTION_SELECT_ALL_USERS, &object))
        return 0;
    return rows->who->user_id;
}

bool system_sees_user(const SystemRows *rows, OwnerId user_id)
{
    return rows->sees_all || (user_id != 0 && user_id == rows->who->user_id);
}

Slice system_user_name(const SystemRows *rows, OwnerId user_id)
{
    const CatalogUser *user = user_id == 0 ? NULL : catalog_user_by_id(rows->snapshot, user_id);
    return user == NULL ? SLICE_EMPTY : user->name;
}

/* ---- tables at one moment ---- */

Status system_pin_open(const SystemRows *rows, uint64_t table_id, SystemPin *out, Error *error)
{
    SystemPin made = {.table = engine_table(rows->sources->engine, table_id)};
    if (made.table != NULL) {
        Status status = pin_open(rows->sources->engine, &made.table, 1, &made.pin, error);
        if (status != OK) {
            engine_table_release(made.table);
            return status;
        }
    }
    *out = made;
    return OK;
}

void system_pin_close(SystemPin *pin)
{
    if (pin->pin != NULL)
        pin_release(pin->pin);
    if (pin->table != NULL)
        engine_table_release(pin->table);
}

Status system_each_table(SystemRows *rows, SystemTableFiller fill, Error *error)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(rows->snapshot, &tables);
    Status status = OK;
    for (size_t i = 0; i < count && status == OK; i++) {
        SystemPin pin;
        if (!system_sees_table(rows, tables[i]))
            continue;
        TRY(system_pin_open(rows, tables[i]->id, &pin, error));
        if (pin.pin != NULL)
            status = fill(rows, tables[i], &pin, error);
        system_pin_close(&pin);
    }
    return status;
}

uint64_t system_file_size(const SystemRows *rows, const SystemPin *pin, const char *relative)
{
    FileInformation information;
    Path path;
    Error ignored;
    if (engine_table_path(pin->table, relative, &path, &ignored) != OK ||
        env_stat(rows->sources->env, path.text, &information, &ignored) != OK)
        return 0;
    return information.size;
}

void row_path(SystemRows *rows, const CatalogTable *table, const char *relative)
{
    char *path = arena_format(&rows->scratch, "%.*s/%s", SLICE_ARGUMENTS(table->folder), relative);
    if (path == NULL)
        rows->status = STATUS_OUT_OF_MEMORY;
    row_words(rows, path);
}

/* ---- which filler ---- */

enum { ALL, DBA };

typedef struct Filler {
    const char *name;
    int who;
    Status (*fill)(SystemRows *rows, Error *error);
} Filler;

static const Filler fillers[] = {
#define X(name, who) {#name, who, system_rows_##name},
    SYSTEM_FILLERS(X)
#undef X
};

static const Filler *filler_of(const SystemTable *table)
{
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        if (strcmp(fillers[i].name, table->name) == 0)
            return &fillers[i];
    }
    return NULL;
}

Status system_rows(const SystemSources *sources, const SystemTable *table, const Principal *who,
                   Arena *arena, const SystemRowSink *sink, Error *error)
{
    const Filler *filler = filler_of(table);
    GuardedObject none = {.kind = OBJECT_NONE};
    SystemRows rows = {.sources = sources,
                       .table = table,
                       .who = who,
                       .arena = arena,
                       .sink = sink,
                       .sees_all = guard_allows(who->role, ACTION_SHOW_ALL, &none)};
    if (filler == NULL)
        return error_set(error, STATUS_UNDEFINED_TABLE, "relation \"system.%s\" does not exist",
                         table->name);
    if (filler->who == DBA && !rows.sees_all)
        return OK;
    ASSERT(table->column_count <= SYSTEM_COLUMNS_MAX);
    arena_open(&rows.scratch, 0);
    rows.snapshot = catalog_snapshot(sources->catalog);
    Status status = filler->fill(&rows, error);
    catalog_snapshot_release(rows.snapshot);
    arena_close(&rows.scratch);
    return status;
}
