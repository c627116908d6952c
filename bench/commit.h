/* commit: what the three programs that measure durable commits share (commit_disk, commit_firn,
 * commit_rocksdb): writers in threads of one process, the row they write, what is printed.
 *
 *     commit_x DIRECTORY WRITERS SECONDS ROWS_PER_COMMIT
 *
 * A row has 8 columns and about 150 bytes, its key 16 bytes. Prints one line of JSON. */
#ifndef FIRN_BENCH_COMMIT_H
#define FIRN_BENCH_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEY_BYTES = 16,
    TEXT_BYTES = 90,
    ROWS_PER_COMMIT_MAX = 1000,
};

typedef struct Run {
    const char *directory;
    size_t writers;
    double seconds;
    size_t rows; /* per commit */
} Run;

typedef struct Row {
    char key[KEY_BYTES + 1]; /* no two are alike in a process, and hashed: in no order */
    int64_t numbers[5];
    char kind[9];
    char text[TEXT_BYTES + 1];
} Row;

void commit_row(uint64_t number, Row *out);

/* One durable commit of `count` rows by the writer `writer`; ends the process where it fails. */
typedef void (*CommitCall)(void *context, size_t writer, const Row *rows, size_t count);

/* Syncs so far, as the other side counts them; NULL where it does not. */
typedef uint64_t (*SyncsCall)(void *context);

void commit_read_arguments(int argc, char **argv, Run *out);
void commit_measure(const Run *run, CommitCall commit, SyncsCall syncs, void *context);

void commit_fail(const char *what, const char *why) __attribute__((noreturn));

#endif
