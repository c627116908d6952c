/* Keepers: readers that read nothing, but stand in the log, so that no segment from there on is
 * removed while somebody who will need it reads his initial rows. Neighbours share one: each holds
 * a descriptor. Under the lock "live". */
#include "live/live_int.h"

struct LiveKeeper {
    LiveKeeper *next;
    LogReader *reader;
    LogPosition from;
    size_t users;
};

static LiveKeeper *find_keeper(Live *live, LogPosition from)
{
    LiveKeeper *keeper = live->keepers;
    while (keeper != NULL && (keeper->from > from || from - keeper->from > KEEPER_BYTES))
        keeper = keeper->next;
    return keeper;
}

static Status open_keeper(Live *live, LogPosition from, LiveKeeper **out, Error *error)
{
    LiveKeeper *keeper = MEMORY_NEW(LiveKeeper);
    if (keeper == NULL)
        return error_out_of_memory(error);
    Status status = log_reader_open(live->log, from, &keeper->reader, error);
    if (status != OK) {
        memory_free(keeper);
        return status;
    }
    keeper->from = from;
    keeper->next = live->keepers;
    live->keepers = keeper;
    *out = keeper;
    return OK;
}

Status keeper_take(Live *live, LogPosition from, LiveKeeper **out, Error *error)
{
    LiveKeeper *keeper = find_keeper(live, from);
    if (keeper == NULL)
        TRY(open_keeper(live, from, &keeper, error));
    keeper->users++;
    *out = keeper;
    return OK;
}

void keeper_release(Live *live, LiveKeeper *keeper)
{
    if (keeper == NULL || --keeper->users > 0)
        return;
    LiveKeeper **at = &live->keepers;
    while (*at != keeper)
        at = &(*at)->next;
    *at = keeper->next;
    log_reader_close(keeper->reader);
    memory_free(keeper);
}
