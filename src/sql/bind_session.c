/* Values of the session and of the moment: CURRENT_DATE, CURRENT_USER … */
#include "sql/binder_int.h"

typedef struct SessionValue {
    const char *operation;
    const char *function; /* NULL: not supported */
    bool takes_precision;
} SessionValue;

static const SessionValue VALUES[] = {
    {"SVFOP_CURRENT_DATE", "current_date", false},
    {"SVFOP_CURRENT_TIME", NULL, false},
    {"SVFOP_CURRENT_TIME_N", NULL, false},
    {"SVFOP_CURRENT_TIMESTAMP", "now", false},
    {"SVFOP_CURRENT_TIMESTAMP_N", "now", true},
    {"SVFOP_LOCALTIME", "localtime", false},
    {"SVFOP_LOCALTIME_N", "localtime", true},
    {"SVFOP_LOCALTIMESTAMP", "localtimestamp", false},
    {"SVFOP_LOCALTIMESTAMP_N", "localtimestamp", true},
    {"SVFOP_CURRENT_ROLE", "current_user", false},
    {"SVFOP_CURRENT_USER", "current_user", false},
    {"SVFOP_USER", "current_user", false},
    {"SVFOP_SESSION_USER", "current_user", false},
    {"SVFOP_CURRENT_CATALOG", "current_database", false},
    {"SVFOP_CURRENT_SCHEMA", "current_schema", false},
};

static Status call_without_arguments(Binder *binder, const char *name, int32_t position,
                                     Bound **out, Error *error)
{
    const CatalogueFunction *function = catalogue_get(name, NULL, 0);
    TRY(bound_new(binder, BOUND_CALL, argument_type_to_type(function->result), position, 0, out,
                  error));
    (*out)->as.function = function;
    return OK;
}

Status bind_session_value(Binder *binder, const Node *node, Bound **out, Error *error)
{
    Slice operation = node_text(node, "op");
    int32_t position = node_location(node);
    const SessionValue *value = NULL;
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        if (slice_equal_text(operation, VALUES[i].operation))
            value = &VALUES[i];
    }
    if (value == NULL || value->function == NULL)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "TIME WITH TIME ZONE (CURRENT_TIME) is not supported");
    if (slice_equal_text(operation, "SVFOP_CURRENT_SCHEMA"))
        return bound_constant(binder, TYPE(TEXT),
                              binder->context->namespace_name.size == 0
                                  ? value_null(TYPE_TEXT)
                                  : value_text(binder->context->namespace_name),
                              position, out, error);
    if (value->takes_precision && node_integer(node, "typmod", 0) != 6)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "a precision of times other than 6 is not supported");
    return call_without_arguments(binder, value->function, position, out, error);
}
