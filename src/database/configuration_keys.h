/* The keys of the configuration, all of them, once: what they are called, what they may be, what
 * they are where nobody says, and what they mean.
 *
 *     X(type, field, "section.key", default, least, most, when, feature, "description")
 *
 * type         TEXT LIST INTEGER DURATION SIZE PERCENT RATIO BOOLEAN CHOICE
 * field        of struct Configuration; durations end in _ns, sizes in _bytes, shares in _percent
 * default      as one would write it; one of the machine's (CONFIGURATION_MACHINE_TEXTS) begins
 *              with '@'
 * least, most  the range, both ends in it, as one would write them. TEXT: bytes; LIST: items;
 *              CHOICE: the names, then NULL; BOOLEAN: NULL both
 * when         LIVE: may change while the server runs; START: read once
 * feature      NULL, or the feature that is not built yet: only the default is accepted then
 *
 * Threading: constants. Ownership: static. Errors: none. */
#ifndef FIRN_DATABASE_CONFIGURATION_KEYS_H
#define FIRN_DATABASE_CONFIGURATION_KEYS_H

#define CONFIGURATION_KEYS(X) \
    CONFIGURATION_KEYS_DOORS(X) CONFIGURATION_KEYS_STORAGE(X) CONFIGURATION_KEYS_SERVICES(X)

/* clang-format off */
#define CONFIGURATION_KEYS_DOORS(X)                                                                \
    X(LIST, server_listen, "server.listen", "127.0.0.1:7700", "1", "16", START, NULL,              \
      "Addresses of all doors, HOST:PORT")                                                         \
    X(INTEGER, server_node_id, "server.node_id", "1", "1", "65535", START, NULL,                   \
      "Number of this server in snowflake_id()")                                                   \
    X(INTEGER, server_workers, "server.workers", "@cores", "1", "256", START, NULL,                \
      "Threads that run statements")                                                               \
    X(INTEGER, server_loops, "server.loops", "@loops", "1", "64", START, NULL,                     \
      "Network loops")                                                                             \
    X(BOOLEAN, server_ui, "server.ui", "on", NULL, NULL, LIVE, NULL,                               \
      "Serve /ui/")                                                                                \
    X(TEXT, tls_certificate, "tls.certificate", "", "0", "1023", LIVE, "TLS",                      \
      "PEM file of the certificate and its chain")                                                 \
    X(TEXT, tls_key, "tls.key", "", "0", "1023", LIVE, "TLS",                                      \
      "PEM file of the private key")                                                               \
    X(TEXT, tls_client_ca, "tls.client_ca", "", "0", "1023", LIVE, "TLS",                          \
      "PEM file of the authorities that sign clients' certificates")                               \
    X(BOOLEAN, tls_required, "tls.required", "off", NULL, NULL, LIVE, "TLS",                       \
      "Refuse connections without TLS")                                                            \
    X(SIZE, http_header_bytes, "http.header_bytes_max", "16KiB", "1KiB", "32KiB", LIVE, NULL,      \
      "Of a request's head")                                                                       \
    X(SIZE, http_body_bytes, "http.body_bytes_max", "64MiB", "1KiB", "1GiB", LIVE, NULL,           \
      "Of a request's body that is taken whole")                                                   \
    X(DURATION, http_header_timeout_ns, "http.header_timeout", "10s", "100ms", "10m", LIVE, NULL,  \
      "From the first byte of a request's head to its last")                                       \
    X(DURATION, http_idle_timeout_ns, "http.idle_timeout", "75s", "1s", "1d", LIVE, NULL,          \
      "Between requests")                                                                          \
    X(LIST, http_cors_origins, "http.cors_origins", "", "0", "64", LIVE, NULL,                     \
      "Origins of web pages that may call; * for all")                                             \
    X(SIZE, ws_message_bytes, "ws.message_bytes_max", "1MiB", "1KiB", "64MiB", LIVE, NULL,         \
      "Of a WebSocket message")                                                                    \
    X(INTEGER, ws_messages_per_second, "ws.messages_per_second", "50", "0", "1000000", LIVE, NULL, \
      "From one WebSocket; 0: any number")                                                         \
    X(DURATION, ws_auth_timeout_ns, "ws.auth_timeout", "5s", "100ms", "10m", LIVE, NULL,           \
      "For a WebSocket to say who it is")                                                          \
    X(DURATION, ws_silence_timeout_ns, "ws.silence_timeout", "10s", "1s", "1h", LIVE, NULL,        \
      "Of a WebSocket without a sign of life")                                                     \
    X(SIZE, ws_queue_bytes, "ws.queue_bytes_max", "1MiB", "16KiB", "1GiB", LIVE, NULL,             \
      "Waiting for a subscription's client, then it is told to resync")                            \
    X(INTEGER, limits_connections, "limits.connections", "25000", "1", "1000000", LIVE, NULL,      \
      "At one time")                                                                               \
    X(INTEGER, limits_subscriptions_per_connection, "limits.subscriptions_per_connection", "100",  \
      "1", "100000", LIVE, NULL, "At one time")                                                    \
    X(SIZE, limits_sql_bytes, "limits.sql_bytes_max", "1MiB", "1KiB", "64MiB", LIVE, NULL,         \
      "Of a statement's text")                                                                     \
    X(INTEGER, limits_sql_tokens, "limits.sql_tokens_max", "50000", "100", "50000", LIVE, NULL,    \
      "Of a statement")                                                                            \
    X(INTEGER, limits_params, "limits.params_max", "65535", "1", "65535", LIVE, NULL,              \
      "Parameters of a statement")                                                                 \
    X(SIZE, limits_param_bytes, "limits.param_bytes_max", "16MiB", "1KiB", "64MiB", LIVE, NULL,    \
      "Of one parameter")                                                                          \
    X(SIZE, limits_key_bytes, "limits.key_bytes_max", "16KiB", "16KiB", "16KiB", LIVE,             \
      "a limit of keys other than 16KiB", "Of an encoded key")                                     \
    X(SIZE, limits_transaction_bytes, "limits.transaction_bytes_max", "256MiB", "64KiB", "16GiB",  \
      LIVE, NULL, "Of what one transaction writes")                                                \
    X(SIZE, limits_load_bytes, "limits.load_bytes_max", "4GiB", "1KiB", "16TiB", LIVE, NULL,       \
      "Of the body of a bulk load")                                                                \
    X(INTEGER, limits_requests_per_second, "limits.requests_per_second", "0", "0", "1000000",      \
      LIVE, NULL, "Of one user; 0: any number")                                                    \
    X(INTEGER, limits_failed_logins, "limits.failed_logins_per_minute", "10", "0", "1000000",      \
      LIVE, NULL, "From one address; 0: any number")                                               \
    X(INTEGER, limits_statements_per_user, "limits.statements_per_user", "0", "0", "100000",       \
      LIVE, NULL, "At one time; 0: any number")                                                    \
    X(DURATION, statement_timeout_ns, "statement.timeout", "60s", "1ms", "7d", LIVE, NULL,         \
      "Of a statement")                                                                            \
    X(DURATION, statement_write_timeout_ns, "statement.write_timeout", "10s", "1ms", "1h", LIVE,   \
      NULL, "Of a write that waits for room")                                                      \
    X(DURATION, statement_lock_timeout_ns, "statement.lock_timeout", "10s", "1ms", "1h", LIVE,     \
      NULL, "Of a wait for another's lock")

#define CONFIGURATION_KEYS_STORAGE(X)                                                              \
    X(DURATION, snapshot_age_ns, "snapshot.age_max", "10m", "1s", "7d", LIVE, NULL,                \
      "Of what a reader holds; the oldest is cancelled")                                           \
    X(SIZE, snapshot_bytes, "snapshot.bytes_max", "256MiB", "1MiB", "16TiB", LIVE, NULL,           \
      "Memory that readers keep from being freed")                                                 \
    X(CHOICE, log_durability, "log.durability", "always", "always|interval|none", NULL, LIVE,      \
      NULL, "When a write is acknowledged: synced, synced soon, or when the system likes")         \
    X(DURATION, log_interval_ns, "log.interval", "100ms", "1ms", "1m", LIVE, NULL,                 \
      "Between syncs where log.durability is interval")                                            \
    X(SIZE, log_segment_bytes, "log.segment_bytes", "64MiB", "1MiB", "1GiB", LIVE, NULL,           \
      "Of a file of the log")                                                                      \
    X(SIZE, log_bytes, "log.bytes_max", "1GiB", "4MiB", "16TiB", LIVE, NULL,                       \
      "Of the log that is not flushed yet; what pins it is flushed")                               \
    X(DURATION, feed_retention_ns, "feed.retention", "7d", "0s", "3650d", LIVE, NULL,              \
      "How long released segments are kept for subscriptions to resume from")                      \
    X(SIZE, feed_bytes, "feed.bytes_max", "4GiB", "0B", "16TiB", LIVE, NULL,                       \
      "Of released segments that are kept")                                                        \
    X(INTEGER, flush_rows, "flush.rows", "100000", "1", "1000000000", LIVE, NULL,                  \
      "In memory, of a table without its own policy")                                              \
    X(DURATION, flush_interval_ns, "flush.interval", "300s", "10ms", "365d", LIVE, NULL,           \
      "Of a table without its own policy")                                                         \
    X(SIZE, flush_bytes, "flush.bytes", "64MiB", "1KiB", "1TiB", LIVE, NULL,                       \
      "In memory, of a table without its own policy")                                              \
    X(SIZE, flush_memory_bytes, "flush.memory_max", "512MiB", "1MiB", "16TiB", LIVE, NULL,         \
      "Of all tables; the largest is flushed")                                                     \
    X(DURATION, flush_check_ns, "flush.check_every", "5s", "10ms", "1h", LIVE, NULL,               \
      "Round of the scheduler; no trigger waits for it")                                           \
    X(PERCENT, stall_soft_percent, "stall.soft", "75%", "1%", "200%", LIVE, NULL,                  \
      "Of flush.memory_max and log.bytes_max: above it writers are slowed")                        \
    X(PERCENT, stall_hard_percent, "stall.hard", "100%", "1%", "200%", LIVE, NULL,                 \
      "Of flush.memory_max and log.bytes_max: above it writers wait")                              \
    X(CHOICE, cold_compression, "cold.compression", "zstd", "zstd|snappy|lz4|none", NULL, LIVE,    \
      NULL, "Of data files")                                                                       \
    X(SIZE, cold_target_file_bytes, "cold.target_file_size", "128MiB", "64KiB", "64GiB", LIVE,     \
      NULL, "Of the data files that a compaction writes")                                          \
    X(INTEGER, cold_small_files, "cold.small_files_max", "16", "1", "10000", LIVE, NULL,           \
      "More of them in a partition are compacted")                                                 \
    X(RATIO, cold_deleted_percent, "cold.deleted_ratio_max", "0.3", "0.01", "1", LIVE, NULL,       \
      "A file with more rows deleted is compacted")                                                \
    X(INTEGER, cold_delete_files, "cold.delete_files_max", "8", "1", "10000", LIVE, NULL,          \
      "A data file with more delete files is compacted")                                           \
    X(DURATION, cold_snapshot_retention_ns, "cold.snapshot_retention", "1h", "1ms", "3650d", LIVE, \
      NULL, "Counted from when a snapshot was superseded")                                         \
    X(INTEGER, cold_snapshots, "cold.snapshots_max", "100", "1", "10000", LIVE, NULL,              \
      "Snapshots of a table that are kept")                                                        \
    X(SIZE, cache_rows_bytes, "cache.rows_bytes", "64MiB", "0B", "1TiB", LIVE, NULL,               \
      "Rows of files, decoded")                                                                    \
    X(SIZE, cache_files_bytes, "cache.files_bytes", "10GiB", "0B", "16TiB", LIVE,                  \
      "remote storage", "Local copies of remote files")

#define CONFIGURATION_KEYS_SERVICES(X)                                                             \
    X(INTEGER, engine_workers, "engine.workers", "2", "1", "64", LIVE, NULL,                       \
      "Processes of the analytic engine")                                                          \
    X(SIZE, engine_worker_memory_bytes, "engine.worker_memory_max", "@memory", "64MiB", "16TiB",   \
      LIVE, NULL, "Of each process of the analytic engine")                                        \
    X(INTEGER, engine_threads, "engine.threads", "@cores", "1", "1024", LIVE, NULL,                \
      "Of all processes of the analytic engine together")                                          \
    X(SIZE, engine_temp_bytes, "engine.temp_bytes_max", "10GiB", "0B", "1024TiB", LIVE, NULL,      \
      "On disk, of each process of the analytic engine")                                           \
    X(TEXT, engine_worker_path, "engine.worker_path", "@worker", "1", "1023", LIVE, NULL,          \
      "The program firn-worker")                                                                   \
    X(INTEGER, jobs_workers, "jobs.workers", "2", "1", "16", LIVE, NULL,                           \
      "Threads that run jobs")                                                                     \
    X(DURATION, jobs_retention_ns, "jobs.retention", "7d", "1s", "3650d", LIVE, NULL,              \
      "How long finished jobs are listed")                                                         \
    X(DURATION, jobs_stuck_after_ns, "jobs.stuck_after", "5m", "1s", "7d", LIVE, NULL,             \
      "A running job that does not move for so long is reported")                                  \
    X(DURATION, shutdown_wait_ns, "shutdown.wait", "300s", "0s", "1d", LIVE, NULL,                 \
      "For active flushes when the server stops")                                                  \
    X(BOOLEAN, auth_anonymous, "auth.anonymous", "on", NULL, NULL, LIVE, NULL,                     \
      "Requests without a token are served, with the rights of anonymous")                         \
    X(DURATION, auth_access_ttl_ns, "auth.access_ttl", "15m", "1s", "30d", LIVE, NULL,             \
      "Life of an access token")                                                                   \
    X(DURATION, auth_refresh_ttl_ns, "auth.refresh_ttl", "30d", "1s", "3650d", LIVE, NULL,         \
      "Life of a refresh token")                                                                   \
    X(LIST, auth_oidc_issuers, "auth.oidc_issuers", "", "0", "16", LIVE, "OpenID Connect",         \
      "Issuers whose tokens are accepted")                                                         \
    X(TEXT, auth_oidc_audience, "auth.oidc_audience", "", "0", "255", LIVE, "OpenID Connect",      \
      "The audience that their tokens must name")                                                  \
    X(LIST, auth_oidc_keys, "auth.oidc_keys", "", "0", "16", LIVE, "OpenID Connect",               \
      "Files of their keys, for machines without the network")                                     \
    X(DURATION, audit_retention_ns, "audit.retention", "90d", "1s", "36500d", LIVE,                \
      "the audit log", "How long entries of the audit log are kept")                               \
    X(CHOICE, logging_level, "logging.level", "info", "debug|info|warn|error", NULL, LIVE, NULL,   \
      "The least that is logged")                                                                  \
    X(CHOICE, logging_format, "logging.format", "json", "json|text", NULL, LIVE, NULL,             \
      "Of the lines of the server's log")                                                          \
    X(DURATION, logging_slow_query_ns, "logging.slow_query", "1s", "0s", "1d", LIVE, NULL,         \
      "Statements that take longer are logged; 0: none is")                                        \
    X(TEXT, metrics_listen, "metrics.listen", "", "0", "255", START,                               \
      "an address of its own for metrics", "Empty: the common port, for loopback or with a token")
/* clang-format on */

/* Sections whose keys are not known yet, because their feature is not built: X(section, feature) */
#define CONFIGURATION_SECTIONS_LATER(X) X("cluster", "cluster")

/* Defaults that the machine decides. */
#define CONFIGURATION_MACHINE_TEXTS(X) X("@cores") X("@loops") X("@memory") X("@worker")

#endif
