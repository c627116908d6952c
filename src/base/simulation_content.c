/* The bytes of simulated files: pages that contents share until one of them writes. */
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

static size_t page_count_of(uint64_t size)
{
    return (size_t)((size + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES);
}

static void release_page(Page *page)
{
    if (page != NULL && --page->references == 0)
        simulation_free(page);
}

static void grow_table(Content *content, size_t count)
{
    if (count <= content->page_count)
        return;
    size_t wanted = content->page_count * 2;
    wanted = wanted < count ? count : wanted;
    content->pages = simulation_resize(content->pages, wanted * sizeof(Page *));
    memset(content->pages + content->page_count, 0,
           (wanted - content->page_count) * sizeof(Page *));
    content->page_count = wanted;
}

/* A page of the content's own, to be written to. */
static Page *own_page(Content *content, size_t index)
{
    grow_table(content, index + 1);
    Page *page = content->pages[index];
    if (page != NULL && page->references == 1)
        return page;
    Page *own = simulation_allocate(sizeof *own);
    own->references = 1;
    if (page != NULL)
        memcpy(own->bytes, page->bytes, sizeof own->bytes);
    release_page(page);
    content->pages[index] = own;
    return own;
}

static size_t part_of_page(uint64_t offset, size_t size)
{
    size_t rest = DISK_PAGE_BYTES - (size_t)(offset % DISK_PAGE_BYTES);
    return size < rest ? size : rest;
}

void content_read(const Content *content, uint64_t offset, uint8_t *out, size_t size)
{
    while (size > 0) {
        size_t part = part_of_page(offset, size);
        size_t index = (size_t)(offset / DISK_PAGE_BYTES);
        const Page *page = index < content->page_count ? content->pages[index] : NULL;
        if (page == NULL)
            memset(out, 0, part);
        else
            memcpy(out, page->bytes + offset % DISK_PAGE_BYTES, part);
        offset += part;
        out += part;
        size -= part;
    }
}

void content_write(Content *content, uint64_t offset, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t part = part_of_page(offset, size);
        Page *page = own_page(content, (size_t)(offset / DISK_PAGE_BYTES));
        memcpy(page->bytes + offset % DISK_PAGE_BYTES, data, part);
        offset += part;
        data += part;
        size -= part;
    }
}

void content_set_size(Content *content, uint64_t size)
{
    size_t kept = page_count_of(size);
    for (size_t i = kept; i < content->page_count; i++) {
        release_page(content->pages[i]);
        content->pages[i] = NULL;
    }
    size_t used = (size_t)(size % DISK_PAGE_BYTES);
    bool is_cut = used > 0 && kept <= content->page_count && content->pages[kept - 1] != NULL;
    if (is_cut)
        memset(own_page(content, kept - 1)->bytes + used, 0, DISK_PAGE_BYTES - used);
    content->size = size;
}

void content_close(Content *content)
{
    for (size_t i = 0; i < content->page_count; i++)
        release_page(content->pages[i]);
    simulation_free(content->pages);
    *content = (Content){.size = 0};
}

void content_share(Content *content, const Content *from)
{
    content_close(content);
    content->size = from->size;
    grow_table(content, from->page_count);
    for (size_t i = 0; i < from->page_count; i++) {
        content->pages[i] = from->pages[i];
        if (from->pages[i] != NULL)
            from->pages[i]->references++;
    }
}
