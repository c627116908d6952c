/* Api: what the server's doors do. Turns HTTP requests and WebSocket messages into calls of the
 * database, and what the database says into answers (spec/protocols.md §1, §2).
 *
 *     api_create                 first: the database is opened with its hooks and frames
 *     database_open(…)
 *     api_bind                   now it can serve
 *     net_open(… api_handlers …)
 *     api_attach, net_start
 *     net_stop, database_stop, database_close, net_close, api_destroy     in this order
 *
 * Threading: the functions here by the thread that starts and stops the server; everything it gives
 * to others (handlers, hooks, frames) from any. The order of locks: README.md.
 * Ownership: it must outlive the Database and the Net that were given its functions.
 * Errors: of memory and of registering metrics. */
#ifndef FIRN_API_API_H
#define FIRN_API_API_H

#include "database/database.h"
#include "net/net.h"

typedef struct Api Api;

CHECKED Status api_create(Env *env, Logger *logger, Api **out, Error *error);
void api_destroy(Api *api); /* NULL is allowed */

/* For DatabaseOptions. */
DatabaseHooks api_database_hooks(Api *api);
LiveFrameMaker api_frame_maker(void);

/* From here on requests are answered; before, they would get STARTING_UP. */
CHECKED Status api_bind(Api *api, Database *database, Error *error);

NetHandlers api_handlers(Api *api);

/* The limits of the network, as the configuration has them; its lists are borrowed. */
void api_net_limits(const Configuration *configuration, NetLimits *out);

/* The Net whose handlers they are: told of changes of the configuration. Before net_start. */
void api_attach(Api *api, Net *net);

/* Ends the statements of every request that is under way: whoever stops waits for nobody more. Any
 * thread. */
void api_cancel_all(Api *api);

/* Brings the gauges of net and api up to date, in the database's metrics. Any thread. */
void api_refresh_metrics(Api *api);

#endif
