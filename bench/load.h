/* load: what its files share. One thread; everything lives until the process ends. */
#ifndef FIRN_BENCH_LOAD_H
#define FIRN_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEADERS_MAX = 32,
    VALUES_MAX = 256,
    REQUEST_BYTES_MAX = 1 << 20,
};

typedef struct Options {
    const char *address;
    const char *method;
    const char *path;
    const char *body;
    const char *headers[HEADERS_MAX];
    size_t header_count;
    size_t connections;
    double seconds;
    double warm_up_seconds;
    uint64_t requests_max;
    uint64_t counter;
    double rate; /* requests a second; 0: as many as go */
    long watched_pid;
    bool as_json;
    const char *sql; /* PostgreSQL's protocol; NULL: HTTP */
    const char *values[VALUES_MAX];
    size_t value_count;
    const char *user;
    const char *database;
} Options;

typedef enum ResponsePart {
    READS_HEAD,
    READS_BODY,
    READS_CHUNK_SIZE,
    READS_CHUNK_DATA,
    READS_TRAILER,
} ResponsePart;

typedef struct Connection {
    int descriptor;
    size_t number;
    char *request;
    size_t request_size;
    size_t request_sent;
    uint64_t began_ns; /* 0: idle */
    ResponsePart part;
    char head[8192];
    size_t head_size;
    int status;
    bool is_chunked;
    uint64_t left; /* of the body or chunk */
    size_t line_size;
} Connection;

extern Options options;

void die(const char *what) __attribute__((noreturn));
void refuse(const char *why) __attribute__((noreturn));

typedef struct Writer {
    char *at;
    char *end;
} Writer;

void put(Writer *writer, const char *text, size_t size);

/* The text with its placeholders filled in; its size. */
size_t put_template(char *out, size_t size, const char *text, const Connection *connection);

/* ---- PostgreSQL's protocol (load_postgres.c) ---- */

/* Logs in (trust) and prepares the statement; the socket still blocks. */
void postgres_open(Connection *connection);
void postgres_make_request(Connection *connection);

/* True when the answer is whole. status is 200, or 500 where the server said ERROR. */
bool postgres_take_response(Connection *connection, const char *data, size_t size);

#endif
