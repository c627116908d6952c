/* Private to base: the parts of a simulation and what its files give each other.
 *
 * The simulation's own memory comes from simulation_allocate, past base/memory.h: it must neither
 * be freed with a crashed run nor be counted where a test fails the n-th allocation. */
#ifndef FIRN_BASE_SIMULATION_INT_H
#define FIRN_BASE_SIMULATION_INT_H

#include <ucontext.h>

#include "base/env_int.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/simulation.h"

void *simulation_allocate(size_t size); /* zeroed; stops the process without memory */
void *simulation_resize(void *memory, size_t size);
char *simulation_clone_text(const char *text);
void simulation_free(void *memory);

/* ---- simulation_fiber.c: contexts, their stacks, and what the sanitizers must be told ---- */

typedef struct Stack Stack;

struct Stack {
    Stack *next; /* of the pool */
    uint8_t *memory;
    size_t size; /* without the guard page below it */
};

typedef struct StackPool {
    Stack *unused;
    size_t count;
} StackPool;

typedef struct Fiber {
    ucontext_t context;
    Stack *stack; /* NULL: the stack of the OS thread */
    const void *bottom;
    size_t size;
    void *fake_stack; /* ASan's */
    void *handle;     /* TSan's */
    void (*run)(void *argument);
    void *argument;
} Fiber;

void fiber_open_own(Fiber *fiber); /* of the calling OS thread */
/* `run` must never return; the fiber stays where it is. */
void fiber_open(Fiber *fiber, StackPool *pool, size_t stack_bytes, void (*run)(void *argument),
                void *argument);
void fiber_close(Fiber *fiber, StackPool *pool); /* must not be running */
void fiber_switch(Fiber *from, Fiber *to);
void stack_pool_close(StackPool *pool);
/* Before pages go back to the system: ASan keeps what was marked as forbidden there, frames and
 * free parts of shared memory, and would hold it against whatever is mapped at that place next. */
void simulation_forget_marks(const void *data, size_t size);

/* ---- threads ---- */

typedef enum CoroutineState {
    COROUTINE_RUNNABLE,
    COROUTINE_WAITING,
    COROUTINE_ENDED,
} CoroutineState;

typedef struct Coroutine {
    Thread base;
    Simulation *simulation;
    char name[16];
    uint32_t number;
    CoroutineState state;
    size_t place;        /* in `runnable` while it is runnable */
    const void *channel; /* what wakes it while it waits */
    int64_t deadline_ns;
    bool timed_out;
    const Mutex *mutex; /* while it waits for one */
    uint64_t priority;
    uint32_t streak;   /* steps without a break */
    const char *point; /* where it stands, for reports */
    const char *point_name;
    void (*run)(void *argument);
    void *argument;
    Fiber fiber;
} Coroutine;

enum {
    TRACE_NAME_BYTES = 40,
    REPORT_BYTES_MAX = 4096,
};

typedef struct TraceEvent {
    uint64_t step;
    char thread[16];
    const char *point;
    char name[TRACE_NAME_BYTES]; /* the end of it, where it is longer */
} TraceEvent;

/* ---- the disk ---- */

enum {
    DISK_PAGE_BYTES = 4096,
    DISK_NAME_BYTES_MAX = 255,
};

typedef struct Page {
    uint32_t references; /* contents that share it */
    uint8_t bytes[DISK_PAGE_BYTES];
} Page;

/* What a file holds; bytes beyond the size are zeros. */
typedef struct Content {
    uint64_t size;
    size_t page_count; /* of `pages` */
    Page **pages;      /* NULL: zeros */
} Content;

typedef struct Inode Inode;

/* A change of a file's content that is not durable yet. */
typedef struct Change {
    uint64_t sequence;
    bool is_write;       /* else the size alone changed */
    uint64_t offset;     /* whole sectors */
    size_t size;         /* of `sectors` */
    uint8_t *sectors;    /* what they hold after the change */
    uint64_t size_after; /* of the file */
} Change;

typedef struct Entry {
    char *name;
    Inode *inode;
} Entry;

typedef struct EntryList {
    Entry *entries; /* in byte order of their names */
    size_t count;
    size_t capacity;
} EntryList;

/* A change of a directory that is not durable yet: the name means `inode` (NULL: nothing). */
typedef struct EntryChange {
    char *name;
    Inode *inode;
    uint64_t rename_id; /* other than 0: one atomic step with its other half */
    bool crosses;       /* the other half is another directory's */
} EntryChange;

struct Inode {
    Inode *next; /* of all */
    Inode *previous;
    uint64_t number;
    size_t references; /* entries, durable or not, changes and handles */
    size_t links;      /* entries as they are seen now */
    size_t handles;
    int64_t modified_us;
    bool is_directory;
    bool is_locked;
    /* a file */
    Content current;
    Content durable;
    Change *changes;
    size_t change_count;
    size_t change_capacity;
    bool has_lost_writes; /* a failed sync: `current` holds what will never be durable */
    size_t reserved_pages;
    size_t used_pages; /* reserved or written */
    /* a directory */
    Inode *parent; /* not counted as a reference; NULL: the root, or no longer linked */
    EntryList entries;
    EntryList durable_entries;
    EntryChange *entry_changes;
    size_t entry_change_count;
    size_t entry_change_capacity;
    size_t settled; /* of entry_changes, while a sync or a crash decides */
};

typedef struct DiskFile DiskFile;

struct DiskFile {
    File base;
    DiskFile *next; /* of all that are open */
    DiskFile *previous;
    Inode *inode;
    unsigned flags;
    uint64_t run; /* in which it was opened; 0: outside */
    bool is_lock;
    char path[];
};

/* ---- sockets and shared memory ---- */

typedef struct SimulatedSocket SimulatedSocket;

typedef struct SharedBlock SharedBlock;

struct SharedBlock {
    SharedBlock *next;
    void *data;
    size_t size;
    uint64_t run;
};

enum { LINKS_MAX = 64 };

typedef struct LinkState {
    char address[64];
    SimulationLink link;
} LinkState;

/* ---- all of it ---- */

struct Simulation {
    Env env; /* first: an Env is its Simulation */
    SimulationOptions options;
    MemoryTracker *tracker;
    Random schedule_random;
    Random disk_random;
    Random program_random; /* what env_random gives */

    StackPool stacks;
    Fiber outside;
    Coroutine *current; /* NULL outside a run */
    Coroutine **threads;
    size_t thread_count;
    size_t thread_capacity;
    Coroutine **runnable;
    size_t runnable_count;
    uint32_t threads_started;
    uint64_t low_priority; /* counts down: each lowered thread is below those before it */
    int64_t now_ns;
    int64_t earliest_ns; /* no deadline of a waiting thread is before it */
    int64_t wall_moved_us;
    uint64_t steps;
    uint64_t steps_of_run;
    uint64_t switches;
    uint64_t runs;
    uint64_t crash_step; /* 0: none */
    SimulationEnd end;
    SimulationCrash crash_policy;
    bool is_crash_chosen; /* crash_policy was given for this end */
    char report[REPORT_BYTES_MAX];
    uint64_t trace_count;
    uint64_t trace_hash;
    TraceEvent trace[SIMULATION_TRACE_EVENTS];

    Inode *inodes;
    Inode *root;
    uint64_t inode_numbers;
    uint64_t sequences;
    uint64_t rename_ids;
    uint64_t used_pages;
    DiskFile *files;
    uint64_t counts[SIMULATION_OPERATION_COUNT];
    uint64_t changes;
    uint64_t crash_change; /* 0: none */
    SimulationCrash crash_change_policy;
    SimulationCrash crash_step_policy;
    SimulationFault faults[SIMULATION_FAULTS_MAX];
    size_t fault_count;
    uint64_t faults_fired;
    uint64_t refusals; /* for want of space */

    SharedBlock *shared;
    SimulatedSocket *sockets;
    uint16_t next_port;
    LinkState links[LINKS_MAX];
    size_t link_count;
};

static inline Simulation *simulation_of(Env *env)
{
    return (Simulation *)env;
}

/* ---- simulation_scheduler.c ---- */

/* A point at which another thread may go on. Points and names must outlive the call. */
void simulation_step(Simulation *simulation, const char *point, const char *name);

/* Sleeps until simulation_wake for this channel; false where the deadline passed first. */
bool simulation_wait(Simulation *simulation, const void *channel, int64_t deadline_ns,
                     const char *point, const char *name);

/* One of those who wait, chosen by the seed, or all. */
void simulation_wake(Simulation *simulation, const void *channel, bool all);

void simulation_sleep(Simulation *simulation, int64_t duration_ns, const char *point,
                      const char *name);
Coroutine *simulation_start_thread(Simulation *simulation, const char *name,
                                   void (*run)(void *argument), void *argument);
void simulation_free_thread(Coroutine *thread);
noreturn void simulation_end_run(Simulation *simulation, SimulationEnd end);
void simulation_add_report(Simulation *simulation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void simulation_report_threads(Simulation *simulation);

/* ---- simulation_lock.c ---- */

void simulated_mutex_open(Mutex *mutex);
void simulated_mutex_close(Mutex *mutex);
void simulated_mutex_lock(Mutex *mutex);
bool simulated_mutex_try_lock(Mutex *mutex);
void simulated_mutex_unlock(Mutex *mutex);
void simulated_condition_open(Condition *condition);
void simulated_condition_close(Condition *condition);
bool simulated_condition_wait_until(Condition *condition, Mutex *mutex, int64_t deadline_ns);
void simulated_condition_wake(Condition *condition, bool all);
Status simulated_thread_start(Env *env, const char *name, size_t stack_bytes, void (*run)(void *),
                              void *argument, Thread **out, Error *error);
void simulated_thread_join(Thread *thread);

/* ---- simulation_operation.c ---- */

/* An operation between its begin, where it may be failed or crash the machine, and its end. */
typedef struct Operation {
    Simulation *simulation;
    Status fault; /* it must fail so; the error is set */
    bool crashes; /* once it is done, or half done */
} Operation;

Operation operation_begin(Simulation *simulation, SimulationOperation operation, const char *path,
                          Error *error);

/* Returns what it is given, unless the machine crashes now. */
Status operation_end(const Operation *operation, Status status);

/* ---- simulation_content.c ---- */

void content_read(const Content *content, uint64_t offset, uint8_t *out, size_t size);
void content_write(Content *content, uint64_t offset, const uint8_t *data, size_t size);
void content_set_size(Content *content, uint64_t size); /* what is cut off becomes zeros */
void content_share(Content *content, const Content *from);
void content_close(Content *content);

/* ---- simulation_inode.c ---- */

Inode *inode_create(Simulation *simulation, bool is_directory);
Inode *inode_take(Inode *inode); /* one more reference */
void inode_release(Simulation *simulation, Inode *inode);
void inode_count_pages(Simulation *simulation, Inode *inode);
void inode_add_change(Simulation *simulation, Inode *inode, uint64_t offset, size_t size);
void inode_add_size_change(Simulation *simulation, Inode *inode);

Inode *entries_find(const EntryList *list, const char *name);
void entries_set(Simulation *simulation, EntryList *list, const char *name, Inode *inode);
void entries_close(Simulation *simulation, EntryList *list);

/* A directory's entry as it is seen from now on; the change is not durable. */
void directory_set(Simulation *simulation, Inode *directory, const char *name, Inode *inode,
                   uint64_t rename_id, bool crosses);

/* Where a path leads. FILE_NOT_FOUND where a part is missing. */
CHECKED Status path_find(Simulation *simulation, const char *path, const char *verb, Inode **out,
                         Error *error);

/* The directory that holds (or would hold) its last part; *inode is NULL where that is missing. */
typedef struct Place {
    Inode *directory;
    Inode *inode;
    char name[DISK_NAME_BYTES_MAX + 1];
} Place;

int place_look(Simulation *simulation, const char *path, Place *out); /* 0, or an errno */
CHECKED Status place_find(Simulation *simulation, const char *path, const char *verb, Place *out,
                          Error *error);

/* ---- simulation_file.c, simulation_directory.c ---- */

Status simulated_file_open(Env *env, const char *path, unsigned flags, File **out, Error *error);
Status simulated_lock_open(Env *env, const char *path, File **out, Error *error);
void disk_file_free(Simulation *simulation, DiskFile *file);
Status simulated_stat(Env *env, const char *path, FileInformation *out, Error *error);
Status simulated_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries,
                      size_t *count, Error *error);
Status simulated_make_directory(Env *env, const char *path, Error *error);
Status simulated_sync_directory(Env *env, const char *path, Error *error);
Status simulated_rename(Env *env, const char *from, const char *to, Error *error);
Status simulated_link(Env *env, const char *from, const char *to, Error *error);
Status simulated_remove(Env *env, const char *path, Error *error);
Status simulated_remove_directory(Env *env, const char *path, Error *error);
Status simulated_free_space(Env *env, const char *path, uint64_t *out, Error *error);

/* ---- simulation_crash.c: what becomes durable ---- */

typedef enum Settlement {
    SETTLE_ALL,    /* a sync */
    SETTLE_NONE,   /* the worst crash */
    SETTLE_RANDOM, /* another crash, or a sync that failed */
} Settlement;

/* Decides on all changes up to this sequence; later ones stay as they are. */
void inode_settle(Simulation *simulation, Inode *inode, uint64_t up_to, Settlement settlement);

/* Makes the directory's changes durable, and what is one step with them elsewhere. */
void directory_settle(Simulation *simulation, Inode *directory);

/* The whole disk after a power loss. */
void disk_crash(Simulation *simulation, bool lose_all);

/* ---- simulation_socket.c ---- */

Status simulated_socket_listen(Env *env, const char *address, int backlog, Socket **out,
                               Error *error);
Status simulated_socket_connect(Env *env, const char *address, int64_t timeout_ns, Socket **out,
                                Error *error);
size_t simulated_sockets_of_run(const Simulation *simulation);
void simulated_sockets_close(Simulation *simulation);

#endif
