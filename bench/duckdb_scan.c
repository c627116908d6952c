/* duckdb_scan: runs one query N times in a process of plain DuckDB and prints the seconds of each,
 * one a line: what the same Parquet files cost without us.
 *
 *     duckdb_scan THREADS TIMES SQL
 */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(duckdb_connection connection, const char *sql)
{
    duckdb_result result;
    if (duckdb_query(connection, sql, &result) != DuckDBSuccess) {
        fprintf(stderr, "%s\n", duckdb_result_error(&result));
        exit(1);
    }
    duckdb_destroy_result(&result);
}

int main(int count, char **arguments)
{
    duckdb_database database;
    duckdb_connection connection;
    char threads[64];
    long thread_count = count == 4 ? strtol(arguments[1], NULL, 10) : 0;
    long times = count == 4 ? strtol(arguments[2], NULL, 10) : 0;
    if (thread_count < 1 || times < 1 || duckdb_open(NULL, &database) != DuckDBSuccess ||
        duckdb_connect(database, &connection) != DuckDBSuccess)
        return 2;
    snprintf(threads, sizeof threads, "SET threads = %ld", thread_count);
    run(connection, threads);
    for (long i = 0; i < times; i++) {
        double began = now();
        run(connection, arguments[3]);
        printf("%.6f\n", now() - began);
    }
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return 0;
}
