/* guard.c - guarded memory: faulting pages around an operand, and bytes of a known value.
 * direct_run.c uses it for every operand of a direct call. */
#include "direct.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    static size_t page;

    if (page == 0)
        page = (size_t)sysconf(_SC_PAGESIZE);
    return page;
}

enum { MARGIN = 4096 }; /* around a device block, on each side */

static bool map_host(kit_block *b, size_t bytes)
{
    size_t page = page_size(), inside = (bytes + page - 1) / page * page;
    void *map;

    inside = inside == 0 ? page : inside;
    map = mmap(NULL, inside + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
               0);
    if (map == MAP_FAILED)
        return false;
    b->map = map;
    b->map_bytes = inside + 2 * page;
    b->room = b->map + page;
    b->room_bytes = inside;
    return mprotect(b->room, inside, PROT_READ | PROT_WRITE) == 0;
}

static bool map_device(const kit_device *device, kit_block *b, size_t bytes)
{
    b->room_bytes = b->map_bytes = (bytes + 2 * MARGIN + 255) / 256 * 256;
    b->map = b->room = aligned_alloc(256, b->room_bytes);
    b->before = malloc(b->room_bytes);
    return b->room != NULL && b->before != NULL &&
           device->api->alloc(0, b->room_bytes, DNN_MEM_DEVICE, &b->on_device) == DNN_OK;
}

bool kit_block_new(const kit_device *device, kit_block *b, size_t bytes, size_t offset,
                   size_t align, bool at_end, uint8_t poison)
{
    size_t last;

    *b = (kit_block){.bytes = bytes, .poison = poison};
    if (device->api != NULL ? !map_device(device, b, bytes) : !map_host(b, bytes + align)) {
        kit_block_free(device, b);
        return false;
    }
    memset(b->room, poison, b->room_bytes);
    /* The accessible memory begins at a multiple of every alignment. */
    last = device->api != NULL ? MARGIN : at_end ? b->room_bytes - bytes : align - 1;
    last = (last + offset) / align * align;
    b->at = b->room + (last >= offset ? last - offset : last + align - offset);
    return true;
}

void *kit_block_address(const kit_block *b, size_t offset)
{
    return (b->on_device != NULL ? (char *)b->on_device + (b->at - b->room) : b->at) + offset;
}

dnn_status kit_block_give(const kit_device *device, kit_block *b, bool read_only)
{
    if (b->map == NULL)
        return DNN_OK;
    if (device->api != NULL) {
        memcpy(b->before, b->room, b->room_bytes);
        return device->api->copy(0, device->stream, b->on_device, DNN_MEM_DEVICE, b->before,
                                 DNN_MEM_HOST, b->room_bytes);
    }
    return !read_only || mprotect(b->room, b->room_bytes, PROT_READ) == 0 ? DNN_OK : DNN_E_NOMEM;
}

dnn_status kit_block_take(const kit_device *device, kit_block *b)
{
    if (b->map == NULL)
        return DNN_OK;
    if (device->api != NULL)
        return device->api->copy(0, device->stream, b->room, DNN_MEM_HOST, b->on_device,
                                 DNN_MEM_DEVICE, b->room_bytes);
    return mprotect(b->room, b->room_bytes, PROT_READ | PROT_WRITE) == 0 ? DNN_OK : DNN_E_NOMEM;
}

bool kit_block_is_poison(const kit_block *b, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if ((uint8_t)b->room[i] != b->poison)
            return false;
    }
    return true;
}

void kit_block_free(const kit_device *device, kit_block *b)
{
    if (device->api != NULL) {
        if (b->on_device != NULL)
            device->api->free(0, b->on_device, DNN_MEM_DEVICE);
        free(b->map);
        free(b->before);
    } else if (b->map != NULL) {
        munmap(b->map, b->map_bytes);
    }
    *b = (kit_block){0};
}
