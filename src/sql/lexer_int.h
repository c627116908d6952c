/* Private to sql's front half: what the lexer's two files share. */
#ifndef FIRN_SQL_LEXER_INT_H
#define FIRN_SQL_LEXER_INT_H

#include "sql/lexer.h"

/* The offset behind the quote with which a literal that was closed before `at` goes on, or `at`
 * itself where it does not. */
size_t lexer_skip_to_continuation(Slice text, size_t at);

#endif
