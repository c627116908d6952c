/* Random: a small seeded generator (xoshiro256**) for everything whose choices must come back from
 * a seed: tests, the simulation, levels of a skip list, jitter. Never for secrets (env_random is).
 *
 * Threading: one thread at a time. Ownership: a plain value. Errors: none. The sequence of a seed
 * never changes: seeds of failures stay good. */
#ifndef FIRN_BASE_RANDOM_H
#define FIRN_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Random {
    uint64_t state[4];
} Random;

Random random_of(uint64_t seed);
uint64_t random_u64(Random *random);

/* Evenly in [0, limit); limit > 0. */
uint64_t random_below(Random *random, uint64_t limit);

/* True `hits` times in `of`. */
bool random_chance(Random *random, uint64_t hits, uint64_t of);
void random_bytes(Random *random, void *out, size_t size);

#endif
