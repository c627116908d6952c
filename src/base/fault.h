/* Fault points: named places at which a test makes the machine fail (spec: hooks H1).
 *
 * FAULT(env, NAME, error) stands where a step of a protocol ends or begins. In builds with
 * FIRN_FAULTS it asks whether the point was armed, by the variable FIRN_FAULT or fault_arm:
 *     FIRN_FAULT=flush_before_write:kill,log_sync:eio*3@2,flush_write:pause
 * action      kill  SIGKILL of this process      eio, enospc  the step fails so
 *             short a write stops half-way        pause        waits until disarmed
 * *N          only N times (default: for good)    @K           from the K-th passing on
 * A text that says something else stops the process: a test that arms nothing proves nothing.
 * In other builds FAULT is the constant OK and leaves nothing in the program.
 *
 * A caller that can write half of something asks FAULT_IS_SHORT(NAME) before it passes the point:
 * if the coming passing ends in `short`, it writes the half, passes the point and returns its
 * IO_ERROR. A pause ends when the point is disarmed by fault_arm. Where FIRN_FAULT_PAUSE_FILE names
 * a file, the pause makes that file when it begins (so that a test sees it), and ends, disarmed,
 * when somebody removes it. In the simulated Env `kill` is a crash of the simulation.
 *
 * The list of names is FAULT_POINTS, so that a test can prove that it hit them all: each passing of
 * a point is counted, and each time that it fired. Where FIRN_FAULT_COUNTS_FILE names a file, these
 * numbers stand in it, for each point in order two of 64 bits, and are added to what is there: they
 * outlive the process, kill -9 included.
 * Threading: any thread. Errors: those of the action. */
#ifndef FIRN_BASE_FAULT_H
#define FIRN_BASE_FAULT_H

#include "base/env.h"
#include "base/error.h"

/* X(name, what has just happened when it fires) */
#define FAULT_POINTS(X)                                                          \
    X(log_append, "frames are in the group buffer")                              \
    X(log_write, "a group is about to be written")                               \
    X(log_append_mid_batch, "half of a group is written")                        \
    X(log_sync, "a group is written, not synced")                                \
    X(log_after_sync, "a group is synced, nobody was told")                      \
    X(log_segment_create, "a new segment is about to be made")                   \
    X(log_directory_sync, "a new segment is made, its folder not synced")        \
    X(log_unlink, "a released segment is about to be removed")                   \
    X(flush_rotate_memtable, "a memtable is sealed")                             \
    X(flush_rotate_log, "a new segment is made, the one before it not sealed")   \
    X(flush_before_write, "a flush has made nothing on disk yet")                \
    X(flush_write, "a data file is being written")                               \
    X(flush_mid_write, "a data file is written in part")                         \
    X(flush_after_write, "a data file is written, not synced")                   \
    X(flush_after_file_sync, "data files are synced, their folders not")         \
    X(flush_after_directory_sync, "data files are safe, nothing names them")     \
    X(flush_multi_file, "one of several data files is written")                  \
    X(flush_mid_metadata, "metadata is written in part")                         \
    X(flush_after_metadata_sync, "metadata is safe under its private name")      \
    X(flush_before_commit, "the commit record is about to be appended")          \
    X(flush_after_commit, "the commit record is durable, nothing installed")     \
    X(flush_after_install, "the flush is installed, the metadata not linked")    \
    X(flush_after_link, "the metadata is linked, the hint not moved")            \
    X(flush_mid_release, "one of several released segments is removed")          \
    X(flush_after_release, "segments are released, the memtable is still there") \
    X(compact_write, "a compaction's file is being written")                     \
    X(compaction_commit, "a compaction's commit record is about to be appended") \
    X(ddl_commit, "a DDL record is about to be appended")                        \
    X(checkpoint_write, "a checkpoint is being written")                         \
    X(checkpoint_publish, "a checkpoint is synced, not named yet")               \
    X(recover_mid, "some more rows of the log are replayed")                     \
    X(recover_rewrite, "the log's tail is about to be written again")

enum FaultPoint {
#define X(name, meaning) FAULT_##name,
    FAULT_POINTS(X)
#undef X
        FAULT_POINT_COUNT
};

enum FaultAction {
    FAULT_ACTION_KILL,
    FAULT_ACTION_EIO,
    FAULT_ACTION_ENOSPC,
    FAULT_ACTION_SHORT,
    FAULT_ACTION_PAUSE,
};

#ifdef FIRN_FAULTS

CHECKED Status fault_check(Env *env, enum FaultPoint point, Error *error);

#define FAULT(env, name, error) fault_check((env), FAULT_##name, (error))

/* Will the next passing of the point end in this action? */
bool fault_is_armed(enum FaultPoint point, enum FaultAction action);

#define FAULT_IS_SHORT(name) fault_is_armed(FAULT_##name, FAULT_ACTION_SHORT)

/* Arms by text (the syntax above), in place of everything armed before; "" disarms all. Nothing is
 * changed where the text is wrong (INVALID_PARAMETER_VALUE). Passings are counted from here. */
CHECKED Status fault_arm(const char *text, Error *error);

/* How often a point was passed since the start. */
uint64_t fault_passed(enum FaultPoint point);

/* How often what was armed there has happened. */
uint64_t fault_fired(enum FaultPoint point);

#else

#define FAULT(env, name, error) ((void)(env), (void)(error), OK)
#define FAULT_IS_SHORT(name)    false

#endif

const char *fault_name(enum FaultPoint point);

#endif
