/* The writers, their clocks, and the line at the end. */
#include "commit.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WRITERS_MAX = 1024,
    BUCKETS = 4000, /* of 1 % each: from 1 us to far beyond a day */
    WARM_UP_PART = 4,
};

typedef struct Measured {
    const Run *run;
    CommitCall commit;
    void *context;
    atomic_uint_fast64_t next_row;
    atomic_bool counts;
    atomic_bool stops;
    atomic_uint_fast64_t commits;
    atomic_uint_fast32_t waited[BUCKETS];
} Measured;

typedef struct Writer {
    Measured *measured;
    size_t number;
    pthread_t thread;
} Writer;

void commit_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_seconds(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    nanosleep(&time, NULL);
}

/* The finalizer of MurmurHash3: a number to one that looks like chance, each to another. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

/* printf would cost as much as what is measured. */
static void put_hex(uint64_t number, char *out, size_t digits)
{
    for (size_t i = digits; i-- > 0; number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
    out[digits] = '\0';
}

void commit_row(uint64_t number, Row *out)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz";
    uint64_t random = mix(number + 1);
    put_hex(random, out->key, KEY_BYTES);
    memcpy(out->kind, "kind-", 5);
    put_hex(random % 4096, out->kind + 5, 3);
    for (size_t i = 0; i < 5; i++)
        out->numbers[i] = (int64_t)(random >> (8 * i));
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        out->text[i] = letters[(random >> 58) & 63];
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    }
    out->text[TEXT_BYTES] = '\0';
}

static void count(Measured *measured, double seconds)
{
    double bucket = log(seconds * 1e6 + 1) / log(1.01);
    size_t at = bucket < BUCKETS - 1 ? (size_t)bucket : BUCKETS - 1;
    atomic_fetch_add_explicit(&measured->waited[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&measured->commits, 1, memory_order_relaxed);
}

static void *write_rows(void *argument)
{
    Writer *writer = argument;
    Measured *measured = writer->measured;
    size_t rows = measured->run->rows;
    Row *made = calloc(rows, sizeof(Row));
    if (made == NULL)
        commit_fail("rows", "out of memory");
    while (!atomic_load_explicit(&measured->stops, memory_order_relaxed)) {
        uint64_t first = atomic_fetch_add(&measured->next_row, rows);
        for (size_t i = 0; i < rows; i++)
            commit_row(first + i, &made[i]);
        bool counts = atomic_load_explicit(&measured->counts, memory_order_relaxed);
        double began = now_seconds();
        measured->commit(measured->context, writer->number, made, rows);
        if (counts && !atomic_load_explicit(&measured->stops, memory_order_relaxed))
            count(measured, now_seconds() - began);
    }
    free(made);
    return NULL;
}

static double percentile_us(const Measured *measured, double part)
{
    uint64_t left = (uint64_t)((double)measured->commits * (1 - part));
    for (size_t i = BUCKETS; i-- > 0;) {
        if (measured->waited[i] > left)
            return pow(1.01, (double)i);
        left -= measured->waited[i];
    }
    return 0;
}

void commit_read_arguments(int argc, char **argv, Run *out)
{
    if (argc < 5)
        commit_fail(argv[0], "DIRECTORY WRITERS SECONDS ROWS_PER_COMMIT");
    *out = (Run){argv[1], strtoul(argv[2], NULL, 10), strtod(argv[3], NULL),
                 strtoul(argv[4], NULL, 10)};
    if (out->writers == 0 || out->writers > WRITERS_MAX || out->rows == 0 ||
        out->rows > ROWS_PER_COMMIT_MAX || out->seconds <= 0)
        commit_fail(argv[0], "a number is out of its range");
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void commit_measure(const Run *run, CommitCall commit, SyncsCall syncs, void *context)
{
    static Measured measured;
    static Writer writers[WRITERS_MAX];
    measured.run = run;
    measured.commit = commit;
    measured.context = context;
    for (size_t i = 0; i < run->writers; i++) {
        writers[i] = (Writer){.measured = &measured, .number = i};
        if (pthread_create(&writers[i].thread, NULL, write_rows, &writers[i]) != 0)
            commit_fail("thread", "cannot be started");
    }
    sleep_seconds(run->seconds / WARM_UP_PART);
    uint64_t syncs_before = syncs == NULL ? 0 : syncs(context);
    double began = now_seconds();
    double processor_before = processor_seconds();
    atomic_store(&measured.counts, true);
    sleep_seconds(run->seconds);
    double processor = processor_seconds() - processor_before;
    double took = now_seconds() - began;
    uint64_t syncs_done = syncs == NULL ? 0 : syncs(context) - syncs_before;
    atomic_store(&measured.stops, true);
    for (size_t i = 0; i < run->writers; i++)
        pthread_join(writers[i].thread, NULL);
    double commits = (double)measured.commits;
    printf("{\"commits_per_second\":%.1f,\"rows_per_second\":%.1f,\"syncs_per_second\":%.1f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us_per_commit\":%.2f}\n",
           commits / took, commits * (double)run->rows / took, (double)syncs_done / took,
           percentile_us(&measured, 0.5), percentile_us(&measured, 0.99),
           processor * 1e6 / (commits > 0 ? commits : 1));
}
