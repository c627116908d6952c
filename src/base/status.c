#include "base/status.h"

#include <string.h>

typedef struct StatusEntry {
    const char *name;
    const char *sqlstate;
    int http;
    const char *text;
} StatusEntry;

static const StatusEntry entries[STATUS_COUNT] = {
#define X(name, sqlstate, http, text) {#name, sqlstate, http, text},
    STATUS_CATALOGUE(X)
#undef X
};

static const StatusEntry *entry_of(Status status)
{
    if ((unsigned)status >= STATUS_COUNT)
        return &entries[STATUS_INTERNAL];
    return &entries[status];
}

const char *status_name(Status status)
{
    return entry_of(status)->name;
}

const char *status_sqlstate(Status status)
{
    return entry_of(status)->sqlstate;
}

int status_http(Status status)
{
    return entry_of(status)->http;
}

const char *status_text(Status status)
{
    return entry_of(status)->text;
}

Status status_from_sqlstate(const char *sqlstate)
{
    for (int i = 0; i < STATUS_COUNT; i++) {
        if (strncmp(entries[i].sqlstate, sqlstate, 5) == 0)
            return (Status)i;
    }
    return STATUS_INTERNAL;
}
