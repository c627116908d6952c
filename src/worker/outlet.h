/* Outlet: the way of a statement's rows to the server, through the slots of the ring.
 *
 * Rows are encoded behind one another into `rows`; outlet_row says where one ends. Full slots leave
 * at once, or, where the outlet holds, wait in memory and then in a file of the spill folder until
 * the statement has ended well: then nobody has seen a row of a statement that fails.
 *
 * Threading: the worker's main thread. Ownership: borrows channel and ring.
 * Errors: those of the channel; DISK_FULL where more would be held than may be; PROTOCOL_VIOLATION.
 */
#ifndef FIRN_WORKER_OUTLET_H
#define FIRN_WORKER_OUTLET_H

#include "worker/protocol.h"

enum { HELD_MEMORY_BYTES_MAX = 4 << 20 };

typedef struct Outlet {
    Channel *channel;
    uint8_t *ring;
    uint64_t statement;
    bool holds;
    bool was_stopped;   /* the server wants no more */
    const char *folder; /* for a file of what is held */
    uint64_t held_bytes_max;
    bool is_taken[SLOT_COUNT];
    Buffer rows;        /* encoded, not in a slot yet */
    size_t whole_bytes; /* of them, ending with a row's end */
    uint64_t whole_rows;
    uint64_t rows_sent; /* rows that ended in slots, held ones too */
    Buffer held;        /* bytes of slots that wait */
    Buffer held_slots;  /* HeldSlot each */
    int file;           /* -1: none; behind `held` */
    uint64_t file_bytes;
} Outlet;

void outlet_open(Outlet *outlet, Channel *channel, uint8_t *ring, uint64_t statement);
void outlet_close(Outlet *outlet);

/* From here on everything is held until outlet_finish. */
void outlet_hold(Outlet *outlet, const char *folder, uint64_t bytes_max);

/* outlet->rows holds one more whole row. */
CHECKED Status outlet_row(Outlet *outlet, Error *error);

/* Sends what is left, and the statement's end. */
CHECKED Status outlet_finish(Outlet *outlet, uint64_t hot_rows_read, Error *error);

#endif
