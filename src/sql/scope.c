/* Names: which column or table of FROM a name means, here or in the queries around. */
#include "sql/binder_int.h"
#include "sql/guess.h"

Status scope_add(Binder *binder, Scope *scope, ScopeItem *item, Error *error)
{
    TRY(list_grow(binder->arena, (void **)&scope->items, scope->item_count, &scope->item_capacity,
                  sizeof item, error));
    scope->items[scope->item_count++] = item;
    return OK;
}

Status scope_item_of(Binder *binder, Relation *relation, ScopeItem **out, Error *error)
{
    ScopeItem *item = ARENA_NEW(binder->arena, ScopeItem);
    ScopeColumn *columns = ARENA_ARRAY(binder->arena, ScopeColumn, relation->column_count);
    if (item == NULL || columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < relation->column_count; i++)
        columns[i] = (ScopeColumn){.name = relation->columns[i].name,
                                   .relation = relation,
                                   .index = i,
                                   .hidden = relation->columns[i].hidden};
    *item = (ScopeItem){.name = relation->alias,
                        .namespace_name = relation->namespace_name,
                        .relation = relation,
                        .columns = columns,
                        .column_count = relation->column_count,
                        .columns_visible = true,
                        .name_visible = relation->alias.size > 0,
                        .lateral_ok = true};
    *out = item;
    return OK;
}

static bool names_clash(const ScopeItem *a, const ScopeItem *b)
{
    /* Two tables of one name in two namespaces may stand together. */
    return a->name_visible && b->name_visible && slice_equal(a->name, b->name) &&
           (slice_equal(a->namespace_name, b->namespace_name) || a->namespace_name.size == 0 ||
            b->namespace_name.size == 0);
}

Status scope_check_names(const Scope *scope, ScopeItem *const *items, uint32_t count, Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < scope->item_count; j++) {
            if (scope->items[j] != items[i] && names_clash(scope->items[j], items[i]))
                return error_set(error, STATUS_DUPLICATE_ALIAS,
                                 "table name \"%.*s\" specified more than once",
                                 SLICE_ARGUMENTS(items[i]->name));
        }
    }
    return OK;
}

/* ---- columns ---- */

Status scope_column_value(Binder *binder, const ScopeColumn *column, int32_t position, Bound **out,
                          Error *error)
{
    if (column->merged == NULL)
        return bound_column(binder, column->relation, column->index, position, out, error);
    TRY(bound_clone(binder, column->merged, out, error));
    (*out)->position_byte = position;
    return OK;
}

Status scope_error_ambiguous(Slice name, int32_t position, Error *error)
{
    return error_set_at(error, position, STATUS_AMBIGUOUS_COLUMN,
                        "column reference \"%.*s\" is ambiguous", SLICE_ARGUMENTS(name));
}

static Status error_not_lateral(const ScopeItem *item, int32_t position, Error *error)
{
    error_set_at(error, position, STATUS_UNDEFINED_TABLE,
                 "invalid reference to FROM-clause entry for table \"%.*s\"",
                 SLICE_ARGUMENTS(item->name));
    error_set_detail(error,
                     "There is an entry for table \"%.*s\", but it cannot be referenced "
                     "from this part of the query.",
                     SLICE_ARGUMENTS(item->name));
    return error->status;
}

static Status find_in_item(const ScopeItem *item, Slice name, int32_t position,
                           const ScopeColumn **out, Error *error)
{
    for (uint32_t i = 0; i < item->column_count; i++) {
        if (!slice_equal(item->columns[i].name, name))
            continue;
        if (*out != NULL)
            return scope_error_ambiguous(name, position, error);
        *out = &item->columns[i];
    }
    return OK;
}

Status scope_item_column(Binder *binder, ScopeItem *item, Slice name, int32_t position, Bound **out,
                         Error *error)
{
    const ScopeColumn *column = NULL;
    *out = NULL;
    TRY(find_in_item(item, name, position, &column, error));
    return column == NULL ? OK : scope_column_value(binder, column, position, out, error);
}

static Status find_in_scope(Scope *scope, Slice name, int32_t position, const ScopeColumn **out,
                            Error *error)
{
    for (uint32_t i = 0; i < scope->item_count; i++) {
        const ScopeItem *item = scope->items[i];
        if (!item->columns_visible || (item->lateral_only && !scope->lateral_active))
            continue;
        const ScopeColumn *before = *out;
        TRY(find_in_item(item, name, position, out, error));
        if (*out != before && item->lateral_only && !item->lateral_ok)
            return error_not_lateral(item, position, error);
    }
    return OK;
}

Status scope_find_column(Binder *binder, Scope *scope, Slice name, int32_t position, Bound **out,
                         Error *error)
{
    *out = NULL;
    for (Scope *level = scope; level != NULL; level = level->parent) {
        const ScopeColumn *column = NULL;
        TRY(find_in_scope(level, name, position, &column, error));
        if (column != NULL)
            return scope_column_value(binder, column, position, out, error);
    }
    return OK;
}

/* ---- entries ---- */

static bool item_is(const ScopeItem *item, Slice namespace_name, Slice name)
{
    return item->name_visible && slice_equal(item->name, name) &&
           (namespace_name.size == 0 || slice_equal(item->namespace_name, namespace_name));
}

Status scope_find_item(Scope *scope, Slice namespace_name, Slice name, int32_t position,
                       ScopeItem **out, Error *error)
{
    *out = NULL;
    for (Scope *level = scope; level != NULL && *out == NULL; level = level->parent) {
        for (uint32_t i = 0; i < level->item_count; i++) {
            ScopeItem *item = level->items[i];
            if (!item_is(item, namespace_name, name) ||
                (item->lateral_only && !level->lateral_active))
                continue;
            if (*out != NULL)
                return error_set_at(error, position, STATUS_AMBIGUOUS_COLUMN,
                                    "table reference \"%.*s\" is ambiguous", SLICE_ARGUMENTS(name));
            if (item->lateral_only && !item->lateral_ok)
                return error_not_lateral(item, position, error);
            *out = item;
        }
    }
    return OK;
}

/* ---- errors that help ---- */

/* Is there an entry that the name would mean, if only it could be seen from here? */
static const ScopeItem *find_hidden(const Scope *scope, Slice name)
{
    for (const Scope *level = scope; level != NULL; level = level->parent) {
        for (uint32_t i = 0; i < level->item_count; i++) {
            if (slice_equal(level->items[i]->name, name))
                return level->items[i];
        }
    }
    return NULL;
}

/* FROM emp e … emp.id: the table is there under another name. */
static const ScopeItem *find_renamed(const Scope *scope, Slice name)
{
    for (const Scope *level = scope; level != NULL; level = level->parent) {
        for (uint32_t i = 0; i < level->item_count; i++) {
            const Relation *relation = level->items[i]->relation;
            if (relation != NULL && slice_equal(relation->table_name, name))
                return level->items[i];
        }
    }
    return NULL;
}

Status scope_error_no_item(const Scope *scope, Slice name, int32_t position, Error *error)
{
    const ScopeItem *renamed = find_renamed(scope, name);
    if (renamed != NULL && renamed->name_visible) {
        error_set_at(error, position, STATUS_UNDEFINED_TABLE,
                     "invalid reference to FROM-clause entry for table \"%.*s\"",
                     SLICE_ARGUMENTS(name));
        error_set_hint(error, "Perhaps you meant to reference the table alias \"%.*s\".",
                       SLICE_ARGUMENTS(renamed->name));
        return error->status;
    }
    const ScopeItem *hidden = find_hidden(scope, name);
    if (hidden != NULL)
        return error_not_lateral(hidden, position, error);
    return error_set_at(error, position, STATUS_UNDEFINED_TABLE,
                        "missing FROM-clause entry for table \"%.*s\"", SLICE_ARGUMENTS(name));
}

static void offer_columns(const Scope *scope, Slice qualifier, NameGuess *guess)
{
    for (uint32_t i = 0; i < scope->item_count; i++) {
        const ScopeItem *item = scope->items[i];
        if (qualifier.size > 0 && !slice_equal(item->name, qualifier))
            continue;
        for (uint32_t c = 0; c < item->column_count; c++)
            guess_offer(guess, item->columns[c].name);
    }
}

Status scope_error_no_column(const Scope *scope, Slice qualifier, Slice name, int32_t position,
                             Error *error)
{
    if (qualifier.size == 0)
        error_set_at(error, position, STATUS_UNDEFINED_COLUMN, "column \"%.*s\" does not exist",
                     SLICE_ARGUMENTS(name));
    else
        error_set_at(error, position, STATUS_UNDEFINED_COLUMN, "column %.*s.%.*s does not exist",
                     SLICE_ARGUMENTS(qualifier), SLICE_ARGUMENTS(name));
    NameGuess guess;
    guess_open(&guess, name);
    for (; scope != NULL; scope = scope->parent)
        offer_columns(scope, qualifier, &guess);
    guess_hint(&guess, error);
    return error->status;
}
