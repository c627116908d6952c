/* What the disk can do by itself: 4 KiB written in place and synced, one after the other. */
#include "commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    PAGES = 16384,
};

typedef struct Disk {
    int file;
    size_t page;
    atomic_uint_fast64_t syncs;
    char bytes[PAGE];
} Disk;

static void must(bool holds, const char *what)
{
    if (!holds)
        commit_fail(what, strerror(errno));
}

/* Written once before, so that a sync has nothing but data to write. */
static void open_file(const char *directory, Disk *disk)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/disk", directory);
    disk->file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(disk->file >= 0, path);
    for (size_t i = 0; i < PAGES; i++)
        must(pwrite(disk->file, disk->bytes, PAGE, (off_t)(i * PAGE)) == PAGE, "write");
    must(fsync(disk->file) == 0, "sync");
}

static void commit(void *context, size_t writer, const Row *rows, size_t count)
{
    Disk *disk = context;
    (void)writer;
    (void)count;
    memcpy(disk->bytes, rows, sizeof *rows);
    off_t at = (off_t)(disk->page++ % PAGES * PAGE);
    must(pwrite(disk->file, disk->bytes, PAGE, at) == PAGE, "write");
    must(fdatasync(disk->file) == 0, "sync");
    atomic_fetch_add(&disk->syncs, 1);
}

static uint64_t syncs(void *context)
{
    Disk *disk = context;
    return atomic_load(&disk->syncs);
}

int main(int argc, char **argv)
{
    static Disk disk;
    Run run;
    commit_read_arguments(argc, argv, &run);
    if (run.writers != 1)
        commit_fail(argv[0], "one writer");
    open_file(run.directory, &disk);
    commit_measure(&run, commit, syncs, &disk);
    must(close(disk.file) == 0, "close");
    return 0;
}
