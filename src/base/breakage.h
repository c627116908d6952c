/* Breakages: rules of the protocol that can be broken on purpose, one at a time, in builds with
 * FIRN_FAULTS, so that a test can show that it would notice (make canary).
 *
 *     if (!BROKEN(tail))
 *         superseded_to_marks(…);
 * In other builds BROKEN is the constant false and leaves nothing in the program.
 * FIRN_BREAKAGE=NAME in the environment breaks one from the start: a server, a unit test. A name
 * that no rule has stops the process: a test that breaks nothing proves nothing.
 *
 * Threading: set before threads start. */
#ifndef FIRN_BASE_BREAKAGE_H
#define FIRN_BASE_BREAKAGE_H

#include <stdbool.h>

/* X(name, what goes wrong) */
#define BREAKAGES(X)                                                                          \
    X(tail, "a flush forgets what newer memtables superseded while it ran")                   \
    X(resolve, "a writer keeps the place it found although something was installed since")    \
    X(pin_seq_first, "a reader takes the visible sequence first and the super-version later") \
    X(pin_sv_first, "a reader takes the super-version first and the visible sequence later")  \
    X(compact_deletes, "a compaction ignores deletes committed while it was copying")         \
    X(compact_marks, "a compaction leaves the memtables' marks on the files it replaced")     \
    X(compact_pending, "marks made while a compaction commits are not made on its output")    \
    X(cold_lock, "flush and compaction build their commits on the same base")                 \
    X(ack_early, "a write is acknowledged before its sync")                                   \
    X(visible_early, "a write is visible before its sync")                                    \
    X(user_marks, "one owner's flush commits every owner's deletes")                          \
    X(user_replay, "recovery forgets that one owner's rows were flushed on their own")        \
    X(order, "sealed memtables are flushed newest first")                                     \
    X(no_lock, "two writers look the same key up at once")                                    \
    X(gone, "a memtable goes on answering for an owner who was flushed out of it")            \
    X(release, "recovery begins at the checkpoint, not at the oldest unsettled row")          \
    X(recheck, "a flush does not look again whether its memtable is still there")             \
    X(truncate_lock, "TRUNCATE does not hold the table")                                      \
    X(install_early, "a definition is installed when it is appended")                         \
    X(schema_check, "a statement bound to an old schema is not sent back")                    \
    X(checkpoint_early, "a checkpoint is published before the log is durable up to it")       \
    X(sweep_in_flight, "the sweep removes files of a flush at work")                          \
    X(sweep_pinned, "the sweep removes files that a pin still reads")                         \
    X(noop_ack, "an answer without a record does not wait for what it saw")                   \
    X(cold_sync, "a cold commit is not synced where the mode does not sync")                  \
    X(lazy_pin, "the tables of one statement are pinned one after the other")                 \
    X(release_per_table, "the log is released when one table of several has settled")         \
    X(swap_before_commit, "a flush is installed before its commit record is durable")         \
    X(skip_sync, "the log is not synced")                                                     \
    X(skip_directory_sync, "a new segment's folder is not synced")                            \
    X(drop_last, "replay forgets the last frame")                                             \
    X(skip_data_sync, "data files are not synced before the commit")                          \
    X(handover, "a subscription pins before it is registered")                                \
    X(replay_lookup, "replay does not look for the row that a record replaced")               \
    X(compact_recheck, "a compaction does not look again whether its inputs are still there") \
    X(truncate_seal, "TRUNCATE goes on with the memtable that it found")                      \
    X(checkpoint_state, "a checkpoint names what is installed, not what is appended")         \
    X(define_sync, "a definition is not synced where the mode does not sync")                 \
    X(rotate_sync, "a segment is begun before the one before it is synced")

enum Breakage {
    BREAKAGE_NONE,
#define X(name, meaning) BREAKAGE_##name,
    BREAKAGES(X)
#undef X
        BREAKAGE_COUNT
};

#ifdef FIRN_FAULTS
bool breakage_is(enum Breakage breakage);
void breakage_set(enum Breakage breakage);
#define BROKEN(name) breakage_is(BREAKAGE_##name)
#else
#define BROKEN(name) false
#endif

const char *breakage_name(enum Breakage breakage);
const char *breakage_meaning(enum Breakage breakage);
bool breakage_find(const char *name, enum Breakage *out);

#endif
