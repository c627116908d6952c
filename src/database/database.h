/* Database: one data directory, opened: log, tables, catalog, jobs, workers, live queries and
 * sessions put together. Every door (HTTP, WebSocket, the library of include/firn) stands on this.
 *
 *     database_open            recovers, starts workers and jobs
 *     database_login, database_authenticate    who asks
 *     database_execute         text → statements → rows
 *     database_subscribe       initial rows, then every change
 *     database_stop, database_close
 *
 * Threading: any thread. What may wait (everything but the functions that say "quick") belongs on a
 * thread of database_submit, which has the stack that PostgreSQL's parser needs; called elsewhere
 * it is given to such a thread and waited for. Ownership: everything handed in is borrowed for the
 * call. Errors: see each function; an Error's `internal` text is logged here, never shown. */
#ifndef FIRN_DATABASE_DATABASE_H
#define FIRN_DATABASE_DATABASE_H

#include "base/json.h"
#include "database/configuration.h"
#include "database/thread_pool.h"
#include "execute/execute.h"
#include "live/live.h"

typedef struct Database Database;

/* ---- what the server above provides; all may be NULL ---- */

/* One row of system.connections. */
typedef struct ConnectionInformation {
    char connection_id[SESSION_ID_BYTES];
    const char *protocol; /* "http", "websocket" */
    OwnerId user_id;
    Slice user_name;
    const char *role;
    Slice client_address;
    int64_t connected_us;
    int64_t last_active_us;
    uint64_t requests;
    uint32_t subscriptions;
    uint64_t queued_bytes;
} ConnectionInformation;

typedef Status (*ConnectionVisitor)(void *context, const ConnectionInformation *connection,
                                    Error *error);

typedef struct DatabaseHooks {
    void *context;
    /* Calls `visit` for each connection. */
    Status (*visit_connections)(void *context, ConnectionVisitor visit, void *visit_context,
                                Error *error);
    /* Closes a connection; UNDEFINED_OBJECT where there is none, or `only_of_user` is set and it is
     * not his. */
    Status (*kill_connection)(void *context, Slice id, bool only_of_user, OwnerId user_id,
                              Error *error);
    /* A user's password, role or existence changed: his connections look again. Quick. */
    void (*rights_changed)(void *context, OwnerId user_id);
    /* Live keys of the configuration changed. Quick. */
    void (*configured)(void *context);
} DatabaseHooks;

/* ---- opening ---- */

typedef struct DatabaseOptions {
    const char *directory;        /* made where it is missing */
    const char *worker_path;      /* firn-worker; NULL: what the configuration says */
    Configuration *configuration; /* taken over: released by database_close, also where opening
                                     fails */
    Logger *logger;               /* NULL: nothing is logged */
    Slice root_password;          /* first start; empty: one is made and kept in a file */
    DatabaseHooks hooks;
    LiveFrameMaker frames; /* of changes; all NULL: live_plain_frames */
    bool is_embedded;      /* a library inside a program: no passwords are made */
} DatabaseOptions;

typedef struct DatabaseOpening {
    EngineRecovery recovery;
    bool is_new;                             /* the directory held no database */
    char root_password[64];                  /* made at this start; "" otherwise */
    char root_password_file[PATH_BYTES_MAX]; /* where it is kept; "" otherwise */
} DatabaseOpening;

/* DIRECTORY_LOCKED, DATA_CORRUPTED, VERSION_NOT_SUPPORTED … */
CHECKED Status database_open(Env *env, const DatabaseOptions *options, Database **out,
                             DatabaseOpening *opening, Error *error);

/* Refuses new statements (SHUTTING_DOWN), ends subscriptions with SHUTDOWN, cancels queries that
 * run for 5 s more and other statements that run at `deadline_ns`, and waits for jobs until then;
 * `waiting` is told once a second for which. database_hurry, from any thread or another signal,
 * ends the waiting at once. */
void database_stop(Database *database, int64_t deadline_ns,
                   void (*waiting)(void *context, const JobRow *job), void *context);
void database_hurry(Database *database);

/* Stops where that was not done, commits what is pending, writes a checkpoint, and frees. Nobody
 * may be inside a call. */
CHECKED Status database_close(Database *database, Error *error);

/* Able to serve? A log that refused a write, or a stop, says no. Quick. */
CHECKED Status database_check_ready(Database *database, Error *error);

Env *database_env(Database *database);
Metrics *database_metrics(Database *database); /* figures of gauges are brought up to date */
Logger *database_logger(Database *database);

/* What is in force now, with a reference (configuration_release). Quick. */
Configuration *database_configuration(Database *database);

/* The live keys are read again from files and environment (SIGHUP). */
CHECKED Status database_reload_configuration(Database *database, Error *error);

/* The rooms inside, for the library of include/firn; borrowed. */
Engine *database_engine(Database *database);
Catalog *database_catalog(Database *database);
Jobs *database_jobs(Database *database);
Executor *database_executor(Database *database);
Live *database_live(Database *database);

/* ---- threads for what waits ---- */

typedef enum DatabaseThreads {
    THREADS_STATEMENTS,    /* statements: server.workers of them and some for waiting ones */
    THREADS_SUBSCRIPTIONS, /* initial rows of subscriptions, and loads: may take long */
    THREADS_COUNT
} DatabaseThreads;

/* Embedded in what it is about. */
typedef PoolTask DatabaseTask;

/* Runs the task on one of these threads, in the order of submission as far as there are threads.
 * Quick. TOO_MANY_REQUESTS where the queue is full, SHUTTING_DOWN after a stop. */
CHECKED Status database_submit(Database *database, DatabaseThreads threads, DatabaseTask *task,
                               Error *error);

/* ---- who asks ---- */

typedef struct DatabaseSession {
    Session session;
    uint64_t user_version; /* of the user's record when it logged in */
    int64_t expires_us;    /* of the token; INT64_MAX: never */
} DatabaseSession;

/* A new connection's id ("c-" and 12 characters). */
void database_connection_id(Database *database, char out[SESSION_ID_BYTES]);

/* Fill in a session (id and address are the caller's to set afterwards). Quick.
 * anonymous: INVALID_AUTHORIZATION where auth.anonymous is off. as: an embedder's, by user id. */
CHECKED Status database_anonymous(Database *database, DatabaseSession *out, Error *error);
CHECKED Status database_authenticate(Database *database, Slice access_token, DatabaseSession *out,
                                     Error *error);
CHECKED Status database_session_as(Database *database, Slice user_name, DatabaseSession *out,
                                   Error *error);

/* Looks the user up again: his role as it is now. INVALID_AUTHORIZATION where the token has expired
 * or password, role or user changed since. Quick; database_execute and the like call it. */
CHECKED Status database_session_refresh(Database *database, DatabaseSession *session, Error *error);

typedef struct LoginTokens {
    char access[TOKEN_BYTES_MAX];
    char refresh[TOKEN_BYTES_MAX];
    int64_t expires_in_s; /* of the access token */
    char user_name[USER_NAME_BYTES_MAX + 1];
    Role role;
} LoginTokens;

/* About 20 ms of CPU. INVALID_PASSWORD, the same for a wrong name; TOO_MANY_REQUESTS after too many
 * failures from one address. */
CHECKED Status database_login(Database *database, Slice user_name, Slice password,
                              Slice client_address, LoginTokens *out, Error *error);

/* A refresh token serves once: new tokens for it, durable before they are given. */
CHECKED Status database_refresh(Database *database, Slice refresh_token, LoginTokens *out,
                                Error *error);

/* Revokes it, durably. */
CHECKED Status database_logout(Database *database, Slice refresh_token, Error *error);

/* ---- statements ---- */

/* Parameters of a statement: a JSON array as it was read, or values with their types. */
typedef struct Parameters {
    const JsonValue *json; /* NULL: the values */
    const Value *values;
    const Type *types; /* NULL: of the values' kinds */
    uint32_t count;
} Parameters;

typedef struct StatementRequest {
    Slice text; /* one or more statements; parameters only with a single one */
    Parameters parameters;
    int64_t began_ns; /* monotonic; for the timeout; 0: now */
} StatementRequest;

/* One statement's answer after the other's: `begin`, columns and rows (ResultSink), `end`. Anything
 * but OK from any of them ends the whole with that. */
typedef struct StatementSink {
    ResultSink rows;
    Status (*begin)(void *context, uint32_t number, Error *error); /* from 1; may be NULL */
    Status (*end)(void *context, uint32_t number, const ResultSummary *summary, int64_t took_ns,
                  Error *error); /* may be NULL */
    void *context;
} StatementSink;

/* Where a text failed. Positions count from 1, but bytes from 0; as of the whole text. */
typedef struct StatementPlace {
    uint32_t statement; /* from 1 */
    bool has_position;
    uint32_t line;
    uint32_t column; /* characters */
    uint32_t byte;
} StatementPlace;

/* Runs the statements one after the other, each a transaction of its own, until one fails. */
CHECKED Status database_execute(Database *database, DatabaseSession *session,
                                const StatementRequest *request, const StatementSink *sink,
                                StatementPlace *place, Error *error);

/* Quick: runs a text whose plan is known already and needs no waiting, on a network loop.
 * WOULD_BLOCK, with nothing done, where database_execute is to run it; columns that the sink was
 * given are to be forgotten then. Where it returns OK with *pending, `done` is called on another
 * thread, exactly once, maybe before this returns; the summary is complete by then. `arena` keeps
 * what the call needs until then. */
CHECKED Status database_execute_quick(Database *database, DatabaseSession *session,
                                      const StatementRequest *request, Arena *arena,
                                      const ResultSink *sink, ResultSummary *summary,
                                      QuickDone done, void *done_context, bool *pending,
                                      Error *error);

/* Ends what runs for a connection. Quick. */
void database_cancel(Database *database, const char *connection_id);

/* Text of the place for people: fills line, column and byte from an offset in the text. */
void statement_place_at(Slice text, int64_t byte, StatementPlace *out);

/* ---- live queries ---- */

/* What a subscriber is given, in this order: subscribed, rows … (the last with `more` false), then
 * what the LiveSink gets. A resumed one gets no rows. */
typedef struct SubscriberSink {
    void *context;
    Status (*subscribed)(void *context, LiveSubscription *subscription, const ResultColumn *columns,
                         const bool *is_key, uint32_t count, uint64_t snapshot_seq, Error *error);
    /* JSON arrays separated by commas. May wait: for the client that pulls, or reads slowly. */
    Status (*rows)(void *context, Slice json, uint64_t count, bool more, Error *error);
    LiveSink live;
} SubscriberSink;

typedef struct SubscribeRequest {
    Slice text; /* SELECT …, or SUBSCRIBE TO … */
    Parameters parameters;
    SubscribeOptions options; /* -1: what the text says */
    SubscriberSink sink;
} SubscribeRequest;

enum { SUBSCRIBE_BATCH_ROWS_DEFAULT = 1000, SUBSCRIBE_BATCH_ROWS_MAX = 100000 };

#define SUBSCRIBE_OPTIONS_NONE ((SubscribeOptions){-1, -1, -1, -1, -1, -1, false})

/* Returns when the subscription is live. Where it fails, `live.ended` may have told why already
 * (QUERY_CANCELED: it was ended from outside, nothing more is to be said). NOT_FOUND: from_seq
 * cannot be resumed, or the table was altered meanwhile: the client is to be told `resync`. *out is
 * the caller's reference, to be unsubscribed and released; NULL where it fails. */
CHECKED Status database_subscribe(Database *database, DatabaseSession *session,
                                  const SubscribeRequest *request, LiveSubscription **out,
                                  Error *error);

/* ---- bulk load ---- */

typedef enum LoadFormat { LOAD_NDJSON, LOAD_CSV, LOAD_PARQUET } LoadFormat;

typedef struct LoadRequest {
    Slice namespace_name;
    Slice table_name;
    LoadFormat format;
    Slice as_user;       /* USER tables: whose rows; empty: `_user` of each row, or the caller's */
    uint64_t batch_rows; /* of a transaction; 0: 65,536 */
    bool is_atomic;      /* one transaction in all */
    /* The body: waits for at least one byte; *got is 0 at its end. */
    Status (*read)(void *context, void *out, size_t size, size_t *got, Error *error);
    /* After each transaction; may be NULL. */
    Status (*progress)(void *context, uint64_t rows, uint64_t bytes, Error *error);
    void *context;
} LoadRequest;

typedef struct LoadResult {
    uint64_t rows; /* durable, also where it failed in the middle */
    uint64_t transactions;
    uint64_t bytes;
    uint64_t seq;
} LoadResult;

CHECKED Status database_load(Database *database, DatabaseSession *session,
                             const LoadRequest *request, LoadResult *out, Error *error);

#endif
