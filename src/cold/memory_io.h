/* Memory I/O: the seam of data_file.h without Parquet, for tests and the simulation. Rows lie in
 * files of a format of our own (table of bytes in memory_io_file.c), written and read through env,
 * so that the simulated disk can tear them and lose them like any other; each has one checksum.
 *
 * Statistics are exact. Files are read whole: they are as large as tests are.
 *
 * Threading: any thread. Ownership: the caller's memory; it must outlive its users. Errors: I/O
 * codes; DATA_CORRUPTED for a file that is not whole. */
#ifndef FIRN_COLD_MEMORY_IO_H
#define FIRN_COLD_MEMORY_IO_H

#include "cold/data_file.h"

enum { MEMORY_IO_FILE_BYTES_MAX = 1 << 30 };

typedef struct MemoryIo {
    DataFileIo io;
    Env *env;
    uint64_t sorted_rows_max; /* a merge that has to sort more is OUT_OF_MEMORY; 0: any number */
} MemoryIo;

void memory_io_open(Env *env, MemoryIo *out);

/* A delete file read back, for tests: calls `visit` for each data file it names. */
typedef void (*MemoryDeletesVisitor)(void *context, Slice path, Slice positions);
CHECKED Status memory_io_read_deletes(MemoryIo *io, const char *path, MemoryDeletesVisitor visit,
                                      void *context, Error *error);

#endif
