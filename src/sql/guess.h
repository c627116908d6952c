/* The nearest of several names to a mistyped one, for hints: "Did you mean \"body\"?".
 *
 * Threading: plain values. Ownership: the candidate found is borrowed. Errors: none. */
#ifndef FIRN_SQL_GUESS_H
#define FIRN_SQL_GUESS_H

#include "base/error.h"

typedef struct NameGuess {
    Slice wanted;
    Slice best;        /* empty: none is near */
    uint32_t distance; /* of best: insertions, deletions, replacements, swaps of neighbours */
    uint32_t offers;   /* so far; those behind GUESS_OFFERS_MAX are not looked at */
} NameGuess;

enum { GUESS_OFFERS_MAX = 1000 };

void guess_open(NameGuess *guess, Slice wanted);
void guess_offer(NameGuess *guess, Slice candidate);

/* Sets the error's hint where one was near enough. */
void guess_hint(const NameGuess *guess, Error *error);

#endif
