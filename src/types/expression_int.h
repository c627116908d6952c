/* What the files about expressions share. */
#ifndef FIRN_TYPES_EXPRESSION_INT_H
#define FIRN_TYPES_EXPRESSION_INT_H

#include "types/expression.h"

Status expression_too_deep(Error *error);

/* Is the node, with its children, one that may be evaluated: their number, their kinds? Of its
 * children only the types are looked at. */
bool expression_is_sound(const Expression *node);

#endif
