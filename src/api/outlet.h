/* Outlet: where a long answer goes piece by piece, from a statement thread.
 *
 * Threading: the thread that answers the exchange. Ownership: everything is borrowed.
 * Errors: CONNECTION_FAILURE where the client went away, QUERY_CANCELED where it does not read. */
#ifndef FIRN_API_OUTLET_H
#define FIRN_API_OUTLET_H

#include "api/api_int.h"

enum { OUTLET_PIECE_BYTES = 64 << 10 }; /* gathered before they are sent, once it has begun */

typedef struct Outlet {
    Api *api;
    HttpExchange *exchange;
    const char *content_type;
    const char *opening; /* sent first; NULL: nothing */
    bool is_open;        /* the status is sent: the answer is a stream now */
} Outlet;

/* Begins the stream with the first piece. */
CHECKED Status outlet_send(Outlet *outlet, Slice piece, Error *error);

/* Ends a stream that is open, and the exchange. */
void outlet_end(Outlet *outlet, bool whole);

#endif
