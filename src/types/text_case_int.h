/* Case of any character, as PostgreSQL's C.UTF-8 has it.
 *
 * Threading: constant tables. Ownership, errors: none. */
#ifndef FIRN_TYPES_TEXT_CASE_INT_H
#define FIRN_TYPES_TEXT_CASE_INT_H

#include "types/text_int.h"

uint32_t text_lower_code(uint32_t code);
uint32_t text_upper_code(uint32_t code);
bool text_is_letter_or_digit(uint32_t code);

#endif
