#include "query/data_file_io.h"

#include "query/data_file_int.h"

void data_file_io_open(DataFileIo *io)
{
    *io = (DataFileIo){
        .write = data_file_write,
        .merge = data_file_merge,
        .write_deletes = data_file_write_deletes,
        .fetch = data_file_fetch,
        .scan = data_file_scan,
    };
}
