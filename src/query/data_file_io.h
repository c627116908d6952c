/* Private to query/: the pool's DataFileIo. */
#ifndef FIRN_QUERY_DATA_FILE_IO_H
#define FIRN_QUERY_DATA_FILE_IO_H

#include "cold/data_file.h"

void data_file_io_open(DataFileIo *io);

#endif
