/* Literals whose meaning is more than their type's input syntax: 'today', a zone's name at the end,
 * interval '3' DAY, timestamp(0) '…'. */
#ifndef FIRN_SQL_LITERAL_H
#define FIRN_SQL_LITERAL_H

#include "sql/binder_int.h"

/* After value_from_text refused a literal of a time type: 'now' and 'today' become calls, a time in
 * a named zone AT TIME ZONE. *out is NULL where it is none of these. */
CHECKED Status literal_read_special(Binder *binder, const Bound *literal, Type to, Bound **out,
                                    Error *error);

/* What a TypeName says beyond the type. */
typedef struct TimeModifiers {
    int precision;  /* digits of seconds, -1: all */
    int64_t fields; /* INTERVAL's, as PostgreSQL's bits; 0: all */
} TimeModifiers;

/* The modifiers of a time type taken off its TypeName; false where there are none to mind. */
bool time_modifiers_read(const Node *type_name, TimeModifiers *out);

/* The text of INTERVAL '3' DAY with its unit written out. */
CHECKED Status interval_text_with_unit(Arena *arena, Slice text, int64_t fields, Slice *out,
                                       Error *error);

/* Rounds a constant of a time type to so many digits of seconds. */
void time_round(Type type, int precision, Value *value);

#endif
