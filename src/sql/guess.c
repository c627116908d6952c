#include "sql/guess.h"

enum { GUESS_BYTES_MAX = 64 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* A third of the name may be wrong, at least one byte. */
static uint32_t distance_max(Slice wanted)
{
    return wanted.size < 6 ? 1 : (uint32_t)(wanted.size / 3);
}

void guess_open(NameGuess *guess, Slice wanted)
{
    *guess = (NameGuess){.wanted = wanted, .distance = distance_max(wanted) + 1};
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Restricted Damerau-Levenshtein distance, with three rows. */
static uint32_t distance_of(Slice a, Slice b)
{
    uint32_t rows[3][GUESS_BYTES_MAX + 1];
    uint32_t *before = rows[0];
    uint32_t *above = rows[1];
    uint32_t *row = rows[2];
    for (uint32_t j = 0; j <= b.size; j++)
        above[j] = j;
    for (uint32_t i = 1; i <= a.size; i++) {
        row[0] = i;
        for (uint32_t j = 1; j <= b.size; j++) {
            uint8_t x = lower(a.data[i - 1]);
            uint8_t y = lower(b.data[j - 1]);
            uint32_t cost = least(above[j] + 1, row[j - 1] + 1);
            cost = least(cost, above[j - 1] + (x == y ? 0 : 1));
            if (i > 1 && j > 1 && x == lower(b.data[j - 2]) && y == lower(a.data[i - 2]))
                cost = least(cost, before[j - 2] + 1);
            row[j] = cost;
        }
        uint32_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.size];
}

void guess_offer(NameGuess *guess, Slice candidate)
{
    Slice wanted = guess->wanted;
    if (wanted.size == 0 || wanted.size > GUESS_BYTES_MAX || candidate.size > GUESS_BYTES_MAX ||
        guess->offers++ >= GUESS_OFFERS_MAX)
        return;
    size_t larger = wanted.size > candidate.size ? wanted.size : candidate.size;
    size_t smaller = wanted.size + candidate.size - larger;
    if (larger - smaller >= guess->distance)
        return;
    uint32_t distance = distance_of(wanted, candidate);
    if (distance >= guess->distance)
        return;
    guess->distance = distance;
    guess->best = candidate;
}

void guess_hint(const NameGuess *guess, Error *error)
{
    if (guess->best.size > 0)
        error_set_hint(error, "Did you mean \"%.*s\"?", SLICE_ARGUMENTS(guess->best));
}
