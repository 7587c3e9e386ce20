/* direct_run.c - the memory of a direct call, its run, and the bytes that the kernel changed. The
 * checks of the kit call it after direct.c has planned the call. */
#include "direct.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* ---- memory ---- */

static size_t alignment(const kit_call *call, int i)
{
    bool loose = kit_has(call->k, DNN_K_UNALIGNED) && !call->setup.at_start;

    return loose ? dnn_dtype_size(call->seen[i].dtype) : 64;
}

static void store_values(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    size_t item = dnn_dtype_size(a->dtype);

    for (int64_t k = 0; k < a->n; k++)
        conf_store(call->block[i].at + (size_t)conf_base_index(a, call->layout[i], k) * item, a, k);
}

/* Makes the dense values, which the plugin's reorder then converts into the private layout. */
static bool make_private_input(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    kit_block dense = {0};
    kit_side from = {.bytes = kit_dense_bytes(a), .block = &dense},
             to = {.layout = call->layout_id[i], .block = &call->block[i]};
    bool good = kit_block_new(&call->k->device, &dense, from.bytes, 0, 64, true, 0xff);

    for (int64_t k = 0; k < a->n && good; k++)
        conf_store(dense.at + (size_t)k * dnn_dtype_size(a->dtype), a, k);
    good = good && kit_block_give(&call->k->device, &dense, true) == DNN_OK &&
           kit_reorder(call->k, a, &from, &to, call->setup.poison_beside) == DNN_OK;
    kit_block_free(&call->k->device, &dense);
    return good;
}

/* Maps only the pages of the rows; the pages between them fault. */
static bool make_far_block(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    size_t item = dnn_dtype_size(a->dtype), apart = (size_t)KIT_FAR * item;
    int64_t inner = a->n / a->dim[0];
    kit_block *b = &call->block[i];

    *b = (kit_block){.map_bytes = (size_t)a->dim[0] * apart, .bytes = (size_t)a->dim[0] * apart};
    b->map =
        mmap(NULL, b->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (b->map == MAP_FAILED) {
        b->map = NULL;
        return false;
    }
    b->room = b->at = b->map;
    for (int64_t k = 0; k < a->n; k++) {
        char *row = b->map + (size_t)(k / inner) * apart;

        if (k % inner == 0 && mprotect((void *)((uintptr_t)row & ~(uintptr_t)4095),
                                       (size_t)inner * item + 4096, PROT_READ | PROT_WRITE) != 0)
            return false;
        conf_store(row + (size_t)(k % inner) * item, a, k);
    }
    return true;
}

static bool make_block(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    bool input = i < call->c->n_in;
    size_t bytes = (size_t)conf_base_count(a, call->layout[i]) * dnn_dtype_size(a->dtype);
    /* For UNALIGNED the base is aligned and the view in it is not. */
    size_t offset = call->layout[i] == CONF_UNALIGNED ? 0 : call->offset[i];

    if (call->layout_id[i] != 0 && input)
        return make_private_input(call, i);
    if (call->setup.far && i == 0)
        return make_far_block(call, i);
    if (call->layout_id[i] != 0)
        return kit_block_new(&call->k->device, &call->block[i], call->physical[i], 0, 64,
                             !call->setup.at_start, call->setup.poison_out);
    if (!kit_block_new(&call->k->device, &call->block[i], bytes, offset, alignment(call, i),
                       !call->setup.at_start,
                       input ? call->setup.poison_beside : call->setup.poison_out))
        return false;
    if (input)
        store_values(call, i);
    return true;
}

static bool is_written(const kit_call *call, int i)
{
    for (int j = call->c->n_in; j < call->n; j++) {
        if (call->pointer[j] != NULL && call->owner[j] == i)
            return true;
    }
    return false;
}

static bool private_block(kit_call *call, kit_block *b, uint64_t bytes, void **address)
{
    *address = NULL;
    if (bytes == 0)
        return true;
    if (!kit_block_new(&call->k->device, b, bytes, 0, 256, !call->setup.at_start,
                       call->setup.poison_workspace))
        return false;
    *address = kit_block_address(b, 0);
    return kit_block_give(&call->k->device, b, false) == DNN_OK;
}

bool kit_call_memory(kit_call *call)
{
    for (int i = 0; i < call->n; i++) {
        if (call->pointer[i] == NULL)
            continue;
        if (call->owner[i] == i &&
            (!make_block(call, i) ||
             kit_block_give(&call->k->device, &call->block[i], !is_written(call, i)) != DNN_OK))
            return false;
        if (call->view[i].s.nbytes > 0)
            call->view[i].s.data = kit_block_address(&call->block[call->owner[i]],
                                                     call->layout_id[i] != 0 ? 0 : call->offset[i]);
    }
    call->call.s.stream = call->k->device.stream;
    call->call.s.rng_seed = conf_rng.seed;
    call->call.s.rng_stream = conf_rng.stream;
    call->call.s.rng_offset = conf_rng.offset;
    return private_block(call, &call->workspace, call->plan.s.workspace_bytes,
                         &call->call.s.workspace) &&
           private_block(call, &call->stash, call->plan.s.stash_bytes, &call->call.s.stash);
}

/* ---- run ---- */

/* Converts a private result to dense elements. */
static dnn_status read_private(kit_call *call, int j)
{
    int i = call->c->n_in + j;
    kit_side from = {.layout = call->layout_id[i],
                     .bytes = call->physical[i],
                     .block = &call->block[call->owner[i]]},
             to = {.bytes = kit_dense_bytes(&call->seen[i]), .block = &call->back[j]};

    if (call->pointer[i] == NULL || call->layout_id[i] == 0)
        return DNN_OK;
    kit_block_free(&call->k->device, &call->back[j]);
    return kit_reorder(call->k, &call->seen[i], &from, &to, 0xff);
}

dnn_status kit_call_run(kit_call *call)
{
    dnn_status status;

    kit_said_forget();
    kit_count.allocs_in_run = 0;
    kit_count.running++;
    status = call->k->table->run(&call->call.s);
    kit_count.running--;
    return status == DNN_OK ? kit_call_fetch(call) : status;
}

dnn_status kit_call_fetch(kit_call *call)
{
    const kit_device *device = &call->k->device;
    dnn_status status = DNN_OK;

    for (int i = 0; i < call->n && status == DNN_OK; i++)
        status = kit_block_take(device, &call->block[i]);
    status = status == DNN_OK ? kit_block_take(device, &call->workspace) : status;
    status = status == DNN_OK ? kit_block_take(device, &call->stash) : status;
    if (device->stream != NULL && status == DNN_OK)
        status = device->api->stream_sync(0, device->stream);
    for (int j = 0; j < call->c->n_out && status == DNN_OK; j++)
        status = read_private(call, j);
    return status;
}

static char *element(const kit_call *call, int i, int64_t k)
{
    const ref_array *a = &call->seen[i];

    if (i >= call->c->n_in && call->layout_id[i] != 0)
        return call->back[i - call->c->n_in].at + (size_t)k * dnn_dtype_size(a->dtype);
    return call->block[call->owner[i]].at +
           (size_t)conf_base_index(a, call->layout[i], k) * dnn_dtype_size(a->dtype);
}

bool kit_call_read(const kit_call *call, int output, ref_array *out)
{
    int i = call->c->n_in + output;
    const ref_array *a = &call->seen[i];

    if (!ref_array_new(out, a->dtype, a->ndim, a->dim))
        return false;
    for (int64_t k = 0; k < a->n; k++)
        conf_load(out, k, element(call, i, k));
    return true;
}

bool kit_call_same(const kit_call *a, const kit_call *b, int output, int64_t *where)
{
    int i = a->c->n_in + output;
    size_t item = dnn_dtype_size(a->seen[i].dtype);

    for (*where = 0; *where < a->seen[i].n; ++*where) {
        if (memcmp(element(a, i, *where), element(b, i, *where), item) != 0)
            return false;
    }
    return true;
}

/* ---- stray writes ---- */

/* Finds the first byte that has changed although it belongs to no element; *at is its offset from
 * the operand's first byte. */
static bool find_stray(kit_call *call, int i, ptrdiff_t *at)
{
    kit_block *b = &call->block[i];

    for (int j = call->c->n_in; j < call->n; j++) {
        if (call->pointer[j] == NULL || call->owner[j] != i)
            continue;
        if (call->layout_id[j] != 0)
            memset(b->at, b->poison, b->bytes);
        for (int64_t k = 0; k < call->seen[j].n && call->layout_id[j] == 0; k++)
            memset(element(call, j, k), b->poison, dnn_dtype_size(call->seen[j].dtype));
    }
    for (size_t k = 0; k < b->room_bytes; k++) {
        if ((uint8_t)b->room[k] != b->poison) {
            *at = b->room + k - b->at;
            return true;
        }
    }
    return false;
}

static const char *stray_text(const char *what, int number, ptrdiff_t at, size_t bytes, char *text,
                              size_t room)
{
    char name[64];

    snprintf(name, sizeof name, number < 0 ? "%s" : "%s %d", what, number);
    if (at < 0)
        snprintf(text, room, "it writes %td bytes before %s", -at, name);
    else if ((size_t)at >= bytes)
        snprintf(text, room, "it writes past %s: byte %td of %zu", name, at, bytes);
    else
        snprintf(text, room, "it writes into the gaps of %s: byte %td of %zu", name, at, bytes);
    return text;
}

static bool scratch_strayed(const kit_block *b, ptrdiff_t *at)
{
    for (size_t k = 0; k < b->room_bytes; k++) {
        char *byte = b->room + k;

        if ((byte < b->at || byte >= b->at + b->bytes) && (uint8_t)*byte != b->poison) {
            *at = byte - b->at;
            return true;
        }
    }
    return false;
}

const char *kit_call_strayed(kit_call *call, char *text, size_t bytes)
{
    ptrdiff_t at;

    for (int i = 0; i < call->n; i++) {
        kit_block *b = &call->block[i];

        if (call->pointer[i] == NULL || call->owner[i] != i)
            continue;
        if (!is_written(call, i)) {
            if (b->before != NULL && memcmp(b->before, b->room, b->room_bytes) != 0) {
                snprintf(text, bytes, "it writes into input %d", i);
                return text;
            }
        } else if (find_stray(call, i, &at)) {
            return stray_text(i < call->c->n_in ? "input" : "output",
                              i < call->c->n_in ? i : i - call->c->n_in, at, b->bytes, text, bytes);
        }
    }
    if (scratch_strayed(&call->workspace, &at))
        return stray_text("the workspace", -1, at, call->workspace.bytes, text, bytes);
    if (scratch_strayed(&call->stash, &at))
        return stray_text("the stash", -1, at, call->stash.bytes, text, bytes);
    return NULL;
}

const char *kit_call_padding(const kit_call *call, char *text, size_t bytes)
{
    for (int j = 0; j < call->c->n_out; j++) {
        int i = call->c->n_in + j;
        int64_t at = -1;

        if (call->pointer[i] != NULL && call->layout_id[i] != 0)
            at = kit_padding_at(call->k, &call->seen[i], call->layout_id[i],
                                &call->block[call->owner[i]]);
        if (at >= 0) {
            snprintf(
                text, bytes,
                "the padding of output %d in %s is not zero at item %lld: FLAT kernels rely on "
                "it",
                j, kit_host.layout_name(call->layout_id[i]), (long long)at);
            return text;
        }
    }
    return NULL;
}

void kit_call_close(kit_call *call)
{
    if (call->plan.s.state != NULL && call->k->table->unplan != NULL)
        call->k->table->unplan(call->plan.s.state);
    for (int i = 0; i < call->n; i++) {
        ref_array_free(&call->seen[i]);
        if (call->owner[i] == i)
            kit_block_free(&call->k->device, &call->block[i]);
    }
    for (int j = 0; j < call->c->n_out; j++)
        kit_block_free(&call->k->device, &call->back[j]);
    kit_block_free(&call->k->device, &call->workspace);
    kit_block_free(&call->k->device, &call->stash);
}
