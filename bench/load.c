/* load: keeps N connections busy with one request each, over HTTP or PostgreSQL's protocol, and
 * measures what comes back.
 *
 *     gcc -O2 -std=c17 -D_GNU_SOURCE -Wall -Wextra -o build/release/load bench/load*.c
 *     build/release/load -a 127.0.0.1:7700 -c 16 -t 5 -u /v1/sql -H 'Authorization: Bearer …' \
 *         -b '{"sql":"INSERT INTO b.t VALUES ($1, $2)","params":[{counter},"{random:100}"]}'
 *
 * In the body {counter} becomes a number that no other request has (from -s on), {random:N} N
 * random letters, {random_below:N} a random number below N, {connection} the connection's number.
 * Every request waits for its answer; the next one follows at once (-r limits the rate of all
 * together). Statuses are counted, latencies kept in a histogram with an error below 2 %. With -P
 * PID the CPU time of that process is measured too.
 *
 * With -q SQL -v VALUE… it speaks PostgreSQL's protocol instead (load_postgres.c): the statement is
 * prepared once on each connection, each request binds the values and runs it, as libpq's
 * PQsendQueryPrepared does.
 *
 * One thread, epoll, no library. Exit: 0, 1 where an answer was not 200 or a connection broke, 2
 * wrong use. Times are of the monotonic clock; the warm-up (-w) counts nowhere. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum {
    CONNECTIONS_MAX = 30000,
    RESPONSE_BYTES = 64 << 10, /* read at once; a head must fit */
    BUCKETS_PER_OCTAVE = 64,
    OCTAVES = 36, /* 1 ns to 68 s */
    STATUSES = 600,
};

Options options = {.address = "127.0.0.1:7700",
                   .method = "POST",
                   .path = "/v1/sql",
                   .body = "",
                   .user = "postgres",
                   .database = "postgres",
                   .connections = 16,
                   .seconds = 5,
                   .warm_up_seconds = 0.5};
static uint64_t histogram[OCTAVES * BUCKETS_PER_OCTAVE];
static uint64_t statuses[STATUSES];
static uint64_t answers;
static uint64_t broken;
static uint64_t latency_max_ns;
static uint64_t requests_begun;
static bool is_counting;
static uint64_t random_state = 0x2545f4914f6cdd1du;
static int poll_descriptor;
static Connection *connections;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

void refuse(const char *why)
{
    fprintf(stderr, "load: %s\n", why);
    exit(2);
}

/* ---- latencies ---- */

static size_t bucket_of(uint64_t ns)
{
    if (ns < BUCKETS_PER_OCTAVE)
        return (size_t)ns;
    unsigned top = 63 - (unsigned)__builtin_clzll(ns);
    size_t octave = top - 5; /* 64 buckets: 6 bits below the top one */
    size_t within = (size_t)(ns >> (top - 6)) & (BUCKETS_PER_OCTAVE - 1);
    size_t bucket = octave * BUCKETS_PER_OCTAVE + within;
    size_t last = OCTAVES * BUCKETS_PER_OCTAVE - 1;
    return bucket < last ? bucket : last;
}

static uint64_t bucket_floor_ns(size_t bucket)
{
    if (bucket < BUCKETS_PER_OCTAVE)
        return bucket;
    size_t octave = bucket / BUCKETS_PER_OCTAVE;
    uint64_t within = bucket % BUCKETS_PER_OCTAVE;
    return (BUCKETS_PER_OCTAVE + within) << (octave - 1);
}

static double percentile_us(double share)
{
    uint64_t wanted = (uint64_t)((double)answers * share);
    uint64_t seen = 0;
    for (size_t i = 0; i < sizeof histogram / sizeof histogram[0]; i++) {
        seen += histogram[i];
        if (seen > wanted)
            return (double)bucket_floor_ns(i) / 1e3;
    }
    return 0;
}

static void count_answer(const Connection *connection, uint64_t ended_ns)
{
    if (!is_counting)
        return;
    uint64_t took_ns = ended_ns - connection->began_ns;
    answers++;
    histogram[bucket_of(took_ns)]++;
    statuses[connection->status]++;
    if (took_ns > latency_max_ns)
        latency_max_ns = took_ns;
}

/* ---- requests ---- */

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

void put(Writer *writer, const char *text, size_t size)
{
    if ((size_t)(writer->end - writer->at) < size)
        refuse("a request is larger than 1 MiB");
    memcpy(writer->at, text, size);
    writer->at += size;
}

static void put_number(Writer *writer, uint64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put(writer, text, (size_t)size);
}

static void put_random(Writer *writer, unsigned long count)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (unsigned long i = 0; i < count; i++)
        put(writer, &letters[next_random() >> 58], 1);
}

/* A placeholder at `at`; returns its size, 0 where there is none. */
static size_t put_placeholder(Writer *writer, const char *at, const Connection *connection)
{
    if (strncmp(at, "{counter}", 9) == 0) {
        put_number(writer, options.counter++);
        return 9;
    }
    if (strncmp(at, "{connection}", 12) == 0) {
        put_number(writer, connection->number);
        return 12;
    }
    char *end;
    if (strncmp(at, "{random_below:", 14) == 0) {
        unsigned long below = strtoul(at + 14, &end, 10);
        if (*end != '}' || below == 0)
            return 0;
        put_number(writer, (next_random() >> 11) % below);
        return (size_t)(end + 1 - at);
    }
    if (strncmp(at, "{random:", 8) != 0)
        return 0;
    unsigned long count = strtoul(at + 8, &end, 10);
    if (*end != '}' || count > REQUEST_BYTES_MAX)
        return 0;
    put_random(writer, count);
    return (size_t)(end + 1 - at);
}

size_t put_template(char *out, size_t size, const char *text, const Connection *connection)
{
    Writer writer = {out, out + size};
    for (const char *at = text; *at != '\0';) {
        size_t taken = *at == '{' ? put_placeholder(&writer, at, connection) : 0;
        if (taken == 0) {
            put(&writer, at, 1);
            taken = 1;
        }
        at += taken;
    }
    return (size_t)(writer.at - out);
}

static void make_http_request(Connection *connection)
{
    static char body[REQUEST_BYTES_MAX];
    size_t body_size = put_template(body, sizeof body, options.body, connection);
    Writer writer = {connection->request, connection->request + REQUEST_BYTES_MAX};
    char line[1024];
    int size = snprintf(line, sizeof line, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n",
                        options.method, options.path, options.address, body_size);
    if (size < 0 || (size_t)size >= sizeof line)
        refuse("the path is too long");
    put(&writer, line, (size_t)size);
    for (size_t i = 0; i < options.header_count; i++) {
        put(&writer, options.headers[i], strlen(options.headers[i]));
        put(&writer, "\r\n", 2);
    }
    put(&writer, "\r\n", 2);
    put(&writer, body, body_size);
    connection->request_size = (size_t)(writer.at - connection->request);
}

/* ---- connections ---- */

static struct addrinfo *resolve(void)
{
    char host[256];
    const char *colon = strrchr(options.address, ':');
    if (colon == NULL || (size_t)(colon - options.address) >= sizeof host)
        refuse("the address is not HOST:PORT");
    memcpy(host, options.address, (size_t)(colon - options.address));
    host[colon - options.address] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        refuse("the address cannot be resolved");
    return found;
}

static void watch(Connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poll_descriptor, operation, connection->descriptor, &event) != 0)
        die("epoll_ctl");
}

static void connect_one(Connection *connection, const struct addrinfo *to)
{
    int on = 1;
    connection->descriptor = socket(to->ai_family, SOCK_STREAM, 0);
    if (connection->descriptor < 0)
        die("socket");
    if (connect(connection->descriptor, to->ai_addr, to->ai_addrlen) != 0)
        die("connect");
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->request = malloc(REQUEST_BYTES_MAX);
    if (connection->request == NULL)
        die("malloc");
    if (options.sql != NULL)
        postgres_open(connection);
    if (fcntl(connection->descriptor, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl");
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

static void close_one(Connection *connection)
{
    if (connection->descriptor < 0)
        return;
    if (connection->began_ns != 0)
        broken++;
    close(connection->descriptor);
    connection->descriptor = -1;
}

static void send_some(Connection *connection)
{
    while (connection->request_sent < connection->request_size) {
        ssize_t n = send(connection->descriptor, connection->request + connection->request_sent,
                         connection->request_size - connection->request_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n <= 0) {
            close_one(connection);
            return;
        }
        connection->request_sent += (size_t)n;
    }
}

static void begin_request(Connection *connection)
{
    requests_begun++;
    connection->request_sent = 0;
    if (options.sql != NULL)
        postgres_make_request(connection);
    else
        make_http_request(connection);
    connection->part = READS_HEAD;
    connection->head_size = 0;
    connection->began_ns = now_ns();
    send_some(connection);
}

/* ---- responses ---- */

static const char *header_value(const char *head, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = strstr(head, "\r\n"); at != NULL; at = strstr(at, "\r\n")) {
        at += 2;
        if (strncasecmp(at, name, size) == 0 && at[size] == ':')
            return at + size + 1 + strspn(at + size + 1, " ");
    }
    return NULL;
}

static void read_head(Connection *connection)
{
    int status = 0;
    if (sscanf(connection->head, "HTTP/1.%*d %d", &status) != 1 || status < 100 ||
        status >= STATUSES)
        refuse("the answer is not HTTP");
    const char *length = header_value(connection->head, "Content-Length");
    const char *coding = header_value(connection->head, "Transfer-Encoding");
    connection->status = status;
    connection->is_chunked = coding != NULL && strncasecmp(coding, "chunked", 7) == 0;
    connection->left = length == NULL ? 0 : strtoull(length, NULL, 10);
    connection->part = connection->is_chunked ? READS_CHUNK_SIZE : READS_BODY;
    connection->line_size = 0;
}

static size_t take_head(Connection *connection, const char *data, size_t size)
{
    size_t before = connection->head_size;
    size_t room = sizeof connection->head - 1 - before;
    size_t taken = size < room ? size : room;
    memcpy(connection->head + before, data, taken);
    connection->head[before + taken] = '\0';
    char *end = strstr(connection->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
    connection->head_size += taken;
    if (end == NULL) {
        if (connection->head_size == sizeof connection->head - 1)
            refuse("the head of an answer is too long");
        return taken;
    }
    end[2] = '\0';
    read_head(connection);
    return (size_t)(end + 4 - connection->head) - before;
}

/* A line of the chunked coding, collected in `head`. */
static size_t take_line(Connection *connection, const char *data, bool *whole)
{
    *whole = *data == '\n';
    if (!*whole && connection->line_size < 32)
        connection->head[connection->line_size++] = *data;
    return 1;
}

static size_t take_chunk_line(Connection *connection, const char *data, bool *done)
{
    bool whole;
    size_t taken = take_line(connection, data, &whole);
    if (!whole)
        return taken;
    connection->head[connection->line_size] = '\0';
    bool is_empty = connection->head[0] == '\r';
    connection->line_size = 0;
    if (connection->part == READS_TRAILER) {
        *done = is_empty;
    } else if (!is_empty) {
        connection->left = strtoull(connection->head, NULL, 16);
        connection->part = connection->left == 0 ? READS_TRAILER : READS_CHUNK_DATA;
    }
    return taken;
}

static size_t take_data(Connection *connection, size_t size)
{
    size_t taken = size < connection->left ? size : (size_t)connection->left;
    connection->left -= taken;
    if (connection->left == 0 && connection->part == READS_CHUNK_DATA)
        connection->part = READS_CHUNK_SIZE; /* behind the line end of the data */
    return taken;
}

/* True when the answer is whole. */
static bool take_http_response(Connection *connection, const char *data, size_t size)
{
    bool done = false;
    for (size_t at = 0; !done;) {
        if (connection->part == READS_BODY && connection->left == 0)
            return true;
        if (at == size)
            return false;
        if (connection->part == READS_HEAD)
            at += take_head(connection, data + at, size - at);
        else if (connection->part == READS_CHUNK_SIZE || connection->part == READS_TRAILER)
            at += take_chunk_line(connection, data + at, &done);
        else
            at += take_data(connection, size - at);
    }
    return true;
}

static bool may_begin(uint64_t start_ns)
{
    if (options.requests_max > 0 && requests_begun >= options.requests_max)
        return false;
    double elapsed = (double)(now_ns() - start_ns) / 1e9;
    return options.rate == 0 || (double)requests_begun < elapsed * options.rate;
}

static void on_readable(Connection *connection, uint64_t start_ns)
{
    static char data[RESPONSE_BYTES];
    ssize_t n = recv(connection->descriptor, data, sizeof data, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_one(connection);
        return;
    }
    if (connection->began_ns == 0)
        return;
    if (!(options.sql != NULL ? postgres_take_response(connection, data, (size_t)n)
                              : take_http_response(connection, data, (size_t)n)))
        return;
    count_answer(connection, now_ns());
    connection->began_ns = 0;
    if (may_begin(start_ns))
        begin_request(connection);
}

/* ---- the run ---- */

static double own_cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* User and system time of another process, all threads, in clock ticks of 10 ms. */
static double watched_cpu_seconds(void)
{
    char path[64];
    char text[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    if (options.watched_pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", options.watched_pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *behind_name = strrchr(text, ')');
    if (behind_name == NULL ||
        sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void begin_idle(uint64_t start_ns)
{
    for (size_t i = 0; i < options.connections && may_begin(start_ns); i++) {
        if (connections[i].descriptor >= 0 && connections[i].began_ns == 0)
            begin_request(&connections[i]);
    }
}

static bool is_over(uint64_t end_ns)
{
    bool is_enough = options.requests_max > 0 && answers + broken >= options.requests_max;
    return now_ns() >= end_ns || is_enough || broken >= options.connections;
}

static void run_until(uint64_t start_ns, uint64_t end_ns)
{
    struct epoll_event events[256];
    while (!is_over(end_ns)) {
        begin_idle(start_ns);
        int count = epoll_wait(poll_descriptor, events, 256, options.rate > 0 ? 1 : 100);
        for (int i = 0; i < count; i++) {
            Connection *connection = events[i].data.ptr;
            if (connection->descriptor >= 0 && (events[i].events & EPOLLOUT)) {
                watch(connection, EPOLL_CTL_MOD, EPOLLIN);
                send_some(connection);
            }
            if (connection->descriptor >= 0 && (events[i].events & ~(unsigned)EPOLLOUT))
                on_readable(connection, start_ns);
        }
    }
}

typedef struct Measured {
    double seconds;
    double own_cpu;
    double watched_cpu;
} Measured;

static void print_text(const Measured *measured)
{
    printf("answers      %llu in %.3f s: %.0f/s\n", (unsigned long long)answers, measured->seconds,
           (double)answers / measured->seconds);
    printf("latency us   p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n", percentile_us(0.5),
           percentile_us(0.9), percentile_us(0.99), percentile_us(0.999),
           (double)latency_max_ns / 1e3);
    printf("cpu us/req   own %.2f", measured->own_cpu * 1e6 / (double)(answers + 1));
    if (options.watched_pid != 0)
        printf("  watched %.2f", measured->watched_cpu * 1e6 / (double)(answers + 1));
    printf("\nstatuses    ");
    for (int i = 0; i < STATUSES; i++) {
        if (statuses[i] > 0)
            printf(" %d: %llu", i, (unsigned long long)statuses[i]);
    }
    printf("\nbroken       %llu\n", (unsigned long long)broken);
}

static void print_json(const Measured *measured)
{
    printf("{\"answers\":%llu,\"seconds\":%.6f,\"per_second\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,"
           "\"p99_us\":%.1f,\"max_us\":%.1f,\"own_cpu_seconds\":%.6f,\"watched_cpu_seconds\":%.6f,"
           "\"broken\":%llu,\"statuses\":{",
           (unsigned long long)answers, measured->seconds, (double)answers / measured->seconds,
           percentile_us(0.5), percentile_us(0.9), percentile_us(0.99),
           (double)latency_max_ns / 1e3, measured->own_cpu, measured->watched_cpu,
           (unsigned long long)broken);
    const char *comma = "";
    for (int i = 0; i < STATUSES; i++) {
        if (statuses[i] == 0)
            continue;
        printf("%s\"%d\":%llu", comma, i, (unsigned long long)statuses[i]);
        comma = ",";
    }
    printf("}}\n");
}

static Measured run(void)
{
    uint64_t start_ns = now_ns();
    uint64_t counted_ns = start_ns + (uint64_t)(options.warm_up_seconds * 1e9);
    if (options.requests_max == 0)
        run_until(start_ns, counted_ns);
    is_counting = true;
    uint64_t began_ns = now_ns();
    double own = own_cpu_seconds();
    double watched = watched_cpu_seconds();
    run_until(start_ns, began_ns + (uint64_t)(options.seconds * 1e9));
    return (Measured){.seconds = (double)(now_ns() - began_ns) / 1e9,
                      .own_cpu = own_cpu_seconds() - own,
                      .watched_cpu = watched_cpu_seconds() - watched};
}

static void read_body_file(const char *path)
{
    static char text[REQUEST_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(path);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    options.body = text;
}

static void add_header(const char *header)
{
    if (options.header_count == HEADERS_MAX)
        refuse("too many headers");
    options.headers[options.header_count++] = header;
}

static void add_value(const char *value)
{
    if (options.value_count == VALUES_MAX)
        refuse("too many values");
    options.values[options.value_count++] = value;
}

static void read_options(int count, char **arguments)
{
    static const char usage[] =
        "usage: load [-a HOST:PORT] [-c CONNECTIONS] [-t SECONDS] [-w WARM_UP] [-n REQUESTS]\n"
        "            [-m METHOD] [-u PATH] [-H 'Name: value']... [-b BODY | -f FILE]\n"
        "            [-s FIRST_COUNTER] [-r REQUESTS_PER_SECOND] [-P PID] [-j]\n"
        "       load -q SQL [-v VALUE]... [-U USER] [-d DATABASE] [the others as above]";
    int letter;
    while ((letter = getopt(count, arguments, "a:c:t:w:n:m:u:H:b:f:s:r:P:jq:v:U:d:")) != -1) {
        switch (letter) {
        case 'a':
            options.address = optarg;
            break;
        case 'c':
            options.connections = strtoul(optarg, NULL, 10);
            break;
        case 't':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'w':
            options.warm_up_seconds = strtod(optarg, NULL);
            break;
        case 'n':
            options.requests_max = strtoull(optarg, NULL, 10);
            break;
        case 'm':
            options.method = optarg;
            break;
        case 'u':
            options.path = optarg;
            break;
        case 'H':
            add_header(optarg);
            break;
        case 'b':
            options.body = optarg;
            break;
        case 'f':
            read_body_file(optarg);
            break;
        case 's':
            options.counter = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            options.rate = strtod(optarg, NULL);
            break;
        case 'P':
            options.watched_pid = strtol(optarg, NULL, 10);
            break;
        case 'j':
            options.as_json = true;
            break;
        case 'q':
            options.sql = optarg;
            break;
        case 'v':
            add_value(optarg);
            break;
        case 'U':
            options.user = optarg;
            break;
        case 'd':
            options.database = optarg;
            break;
        default:
            refuse(usage);
        }
    }
    if (options.connections == 0 || options.connections > CONNECTIONS_MAX || options.seconds <= 0)
        refuse(usage);
}

int main(int count, char **arguments)
{
    read_options(count, arguments);
    poll_descriptor = epoll_create1(0);
    connections = calloc(options.connections, sizeof *connections);
    if (poll_descriptor < 0 || connections == NULL)
        die("start");
    struct addrinfo *to = resolve();
    for (size_t i = 0; i < options.connections; i++) {
        connections[i].number = i;
        connect_one(&connections[i], to);
    }
    freeaddrinfo(to);
    Measured measured = run();
    if (options.as_json)
        print_json(&measured);
    else
        print_text(&measured);
    return broken == 0 && statuses[200] == answers ? 0 : 1;
}
