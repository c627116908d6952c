/* firn-worker: runs statements for a Firn server, which starts it with a socket as descriptor 3. */
#include <duckdb.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "worker/limits.h"
#include "worker/protocol.h"
#include "worker/serve.h"

int main(int argc, char **argv)
{
    Error error;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("DuckDB %s\n", duckdb_library_version()) < 0;
    if (fcntl(WORKER_DESCRIPTOR, F_GETFD) < 0) {
        (void)fprintf(stderr, "firn-worker is started by the server, not by hand\n");
        return 2;
    }
    if (limits_begin(&error) != OK) {
        (void)fprintf(stderr, "firn-worker: %s\n", error.message);
        return 1;
    }
    return worker_serve(env_real(), WORKER_DESCRIPTOR, limits_restrict);
}
