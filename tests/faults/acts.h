/* Acts: steps of the life that are calls of the library, or more than one statement; and the list
 * of the kinds of statement that the steps have to cover.
 *
 * Threading, ownership, errors: as those of Step.act. */
#ifndef FIRN_TESTS_FAULTS_ACTS_H
#define FIRN_TESTS_FAULTS_ACTS_H

#include "tests/faults/faults.h"

enum { STEP_SQL_BYTES = 4096 };

/* clang-format off */
#define STATEMENT_NAMES(X)                                                                   \
    X(SELECT) X(INSERT) X(UPDATE) X(DELETE) X(CREATE_NAMESPACE) X(DROP_NAMESPACE)            \
    X(CREATE_TABLE) X(ALTER_TABLE) X(DROP_TABLE) X(TRUNCATE) X(COMMENT) X(CREATE_USER)       \
    X(ALTER_USER) X(DROP_USER) X(CREATE_STORAGE) X(ALTER_STORAGE) X(DROP_STORAGE)            \
    X(CHECK_STORAGE) X(FLUSH_TABLE) X(FLUSH_ALL) X(COMPACT_TABLE) X(COMPACT_ALL)             \
    X(DESCRIBE) X(EXPLAIN) X(USE) X(SET) X(SHOW_SETTING) X(ALTER_SYSTEM) X(KILL_JOB)         \
    X(KILL_QUERY) X(KILL_LIVE_QUERY) X(KILL_CONNECTION) X(SUBSCRIBE) X(BEGIN) X(COMMIT)      \
    X(ROLLBACK)
/* clang-format on */

typedef int Act(Life *life, firn_session *session, Text *answer, firn_error *error);

Act act_put, act_put_batch, act_put_large, act_delete, act_get, act_scan, act_each, act_statistics;
Act act_load, act_load_csv, act_flush, act_flush_async, act_compact;
Act act_subscribe, act_kill_live, act_login, act_system_tables, act_reopen, act_jobs_rest;

/* The statement with the directory's path in it. */
void step_text(const Life *life, const char *sql, char *out, size_t size);

#endif
