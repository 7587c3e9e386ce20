/* direct.c - one call of a kernel by hand: views and memory as the contract allows them for the
 * kernel's flags, plan, run, and what it left behind. Called by the checks of the kit. */
#include "direct.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the operands as the kernel sees them ---- */

static const int64_t FAR = ((int64_t)1 << 31) + 1024; /* elements between rows */

static bool has(const kit_kernel *k, uint32_t flag)
{
    return (k->table->flags & flag) != 0;
}

static bool is_elementwise(const kit_kernel *k)
{
    return (dnn__ops[k->op].traits & DNN__ELEMENTWISE) != 0;
}

static bool is_stretched(const conf_operand *o, const conf_operand *y)
{
    return o->shape.ndim != y->shape.ndim ||
           memcmp(o->shape.dim, y->shape.dim, (size_t)o->shape.ndim * sizeof o->shape.dim[0]) != 0;
}

bool kit_allowed(const kit_kernel *k, const conf_case *c, const ref_array *in,
                 const kit_setup *setup)
{
    enum conf_layout l = setup->layout;
    bool applied = l == CONF_DENSE;

    for (int i = 0; i < c->n_in && !applied; i++)
        applied = c->in[i].dtype != 0 && conf_layout_of(c, in, i, l, setup->only) == l;
    if (!applied ||
        (l != CONF_DENSE && !has(k, l == CONF_UNALIGNED ? DNN_K_UNALIGNED : DNN_K_STRIDED)))
        return false;
    if (setup->out_layout != CONF_DENSE && !has(k, DNN_K_STRIDED))
        return false;
    if (setup->far && (!has(k, DNN_K_STRIDED) || k->place.device != NULL || conf_is_alias(c, 0) ||
                       c->in[0].dtype == 0 || c->in[0].plain || in[0].n == 0 || in[0].ndim < 2 ||
                       in[0].dim[0] < 2 || in[0].dim[0] > 4))
        return false;
    return !setup->in_place || has(k, DNN_K_INPLACE);
}

/* Dims and strides of the base's view, in elements, and where its first element lies. */
static void lay_out(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    enum conf_layout layout = call->layout[i];
    int64_t first = a->n > 0 ? conf_base_index(a, layout, 0) : 0, inner = 1;

    for (int d = a->ndim - 1; d >= 0; d--) {
        call->dim[i][d] = a->dim[d];
        call->stride[i][d] = inner;
        if (a->n > 0 && a->dim[d] > 1)
            call->stride[i][d] = conf_base_index(a, layout, inner) - first;
        inner *= a->dim[d];
    }
    call->offset[i] = (size_t)first * dnn_dtype_size(a->dtype);
}

/* An elementwise input of fewer dims: expanded by strides of 0, or as a dense copy. */
static bool stretch_input(kit_call *call, int i)
{
    const conf_operand *y = &call->c->out[0];
    ref_array wide = {0};

    if (!is_elementwise(call->k) || !is_stretched(&call->c->in[i], y))
        return true;
    if (has(call->k, DNN_K_STRIDED)) {
        int64_t stride[DNN_DIM_MAX];

        dnn__expand_strides(call->seen[i].ndim, call->dim[i], call->stride[i], (int)y->shape.ndim,
                            y->shape.dim, stride);
        memcpy(call->stride[i], stride, sizeof stride);
        memcpy(call->dim[i], y->shape.dim, sizeof y->shape.dim);
        call->view[i].s.ndim = (int32_t)y->shape.ndim;
        return true;
    }
    if (!conf_stretch(call->c, &call->seen[i], &wide))
        return false;
    ref_array_free(&call->seen[i]);
    call->seen[i] = wide;
    call->layout[i] = CONF_DENSE;
    call->view[i].s.ndim = wide.ndim;
    lay_out(call, i);
    return true;
}

static bool copy_array(ref_array *to, const ref_array *from)
{
    if (!ref_array_new(to, from->dtype, from->ndim, from->dim))
        return false;
    for (int64_t k = 0; k < from->n; k++)
        ref_move(to, k, from, k);
    return true;
}

/* What lies behind `data`: all elements of a dense view, else up to the end of its memory. */
static uint64_t bytes_behind(const kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    size_t item = dnn_dtype_size(a->dtype);
    const dnn_view *v = &call->view[i].s;
    int64_t n = dnn__numel_of(v->ndim, v->dim);

    if (n == 0)
        return 0;
    if (call->setup.far && i == 0)
        return (uint64_t)a->dim[0] * (uint64_t)FAR * item;
    if (dnn__is_dense(v->ndim, v->dim, v->stride))
        return (uint64_t)n * item;
    return (uint64_t)conf_base_count(a, call->layout[i]) * item - call->offset[i];
}

static void finish_view(kit_call *call, int i)
{
    dnn_view *v = &call->view[i].s;

    v->size = (uint32_t)(sizeof *v + (call->setup.grown ? KIT_GROWN : 0));
    v->dtype = call->seen[i].dtype;
    v->mem = call->k->place.device != NULL ? DNN_MEM_DEVICE : DNN_MEM_HOST;
    v->dim = call->dim[i];
    v->stride = call->stride[i];
    v->nbytes = bytes_behind(call, i);
    call->pointer[i] = v;
}

static uint64_t dense_bytes(const ref_array *a)
{
    return (uint64_t)a->n * dnn_dtype_size(a->dtype);
}

/* What the view of an operand in a private layout is. */
static void show_private(kit_call *call, int i, uint32_t layout, uint64_t bytes)
{
    dnn_view *v = &call->view[i].s;

    call->layout_id[i] = layout;
    call->physical[i] = bytes;
    v->layout = layout;
    v->stride = NULL;
    v->nbytes = bytes;
}

/* An input arrives in the layout that another kernel of the plugin has left it in. */
static void offer(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    kit_side from = {.bytes = dense_bytes(a)}, to = {.layout = call->setup.offer};

    if (call->setup.offer == 0 || (call->setup.offer_only >= 0 && call->setup.offer_only != i) ||
        a->n == 0 || call->view[i].s.ndim != a->ndim || call->layout[i] != CONF_DENSE)
        return;
    if (kit_reorder_plan(call->k, a, &from, &to) == DNN_OK)
        show_private(call, i, to.layout, to.bytes);
}

static bool open_input(kit_call *call, int i, const ref_array *in)
{
    const ref_array *a = &in[i];

    if (!copy_array(&call->seen[i], a))
        return false;
    call->layout[i] = conf_layout_of(call->c, in, i, call->setup.layout, call->setup.only);
    call->view[i].s.ndim = a->ndim;
    lay_out(call, i);
    if (call->setup.far && i == 0)
        call->stride[i][0] = FAR;
    if (!stretch_input(call, i))
        return false;
    finish_view(call, i);
    offer(call, i);
    return true;
}

static bool open_output(kit_call *call, int j)
{
    const conf_operand *o = &call->c->out[j];
    int i = call->c->n_in + j;
    enum conf_layout layout = call->setup.out_layout;

    if (!ref_array_new(&call->seen[i], o->dtype, (int)o->shape.ndim, o->shape.dim))
        return false;
    if (call->c->alias[j] >= 0) {
        call->owner[i] = call->c->alias[j];
        call->layout[i] = call->layout[call->owner[i]];
    } else if (call->setup.in_place && j == 0) {
        call->owner[i] = 0;
        call->layout[i] = call->layout[0];
    } else {
        call->layout[i] = conf_applies(&call->seen[i], layout) ? layout : CONF_DENSE;
    }
    call->view[i].s.ndim = (int32_t)o->shape.ndim;
    lay_out(call, i);
    finish_view(call, i);
    return true;
}

/* Everything that a newer host would have appended is noise to a kernel of today. */
static void grow(kit_call *call)
{
    uint32_t more = call->setup.grown ? KIT_GROWN : 0;

    memset(&call->call, 0x5a, sizeof call->call);
    memset(&call->plan, 0x5a, sizeof call->plan);
    memset(&call->host, 0x5a, sizeof call->host);
    for (int i = 0; i < call->n; i++)
        memset(call->view[i].grown + sizeof(dnn_view), 0x5a, KIT_GROWN);
    call->host.s = kit_host;
    call->host.s.size = (uint32_t)sizeof(dnn_host) + more;
    call->plan.s = (dnn_plan){.size = (uint32_t)sizeof(dnn_plan) + more,
                              .in_layout = call->layouts,
                              .out_layout = call->layouts + call->c->n_in,
                              .out_bytes = call->out_bytes};
    call->call.s = (dnn_call){.size = (uint32_t)sizeof(dnn_call) + more,
                              .n_in = (uint32_t)call->c->n_in,
                              .n_out = (uint32_t)call->c->n_out,
                              .mode = call->setup.mode,
                              .in = call->pointer,
                              .out = call->pointer + call->c->n_in,
                              .attr = dnn__ops[call->k->op].attr_bytes != 0 ? &call->c->attr : NULL,
                              .host = &call->host.s};
}

bool kit_call_open(kit_call *call, const kit_kernel *k, const conf_case *c, const ref_array *in,
                   const kit_setup *setup)
{
    memset(call, 0, sizeof *call);
    call->k = k;
    call->c = c;
    call->setup = *setup;
    call->n = c->n_in + c->n_out;
    for (int i = 0; i < call->n; i++)
        call->owner[i] = i;
    for (int i = 0; i < c->n_in; i++) {
        if (c->in[i].dtype != 0 && !open_input(call, i, in))
            return false;
    }
    for (int j = 0; j < c->n_out; j++) {
        if (c->out[j].dtype != 0 && !open_output(call, j))
            return false;
    }
    grow(call);
    return true;
}

/* ---- plan ---- */

static void show_strided(kit_call *call, int i)
{
    call->view[i].s.layout = call->layout_id[i] = 0;
    call->view[i].s.stride = call->stride[i];
    call->view[i].s.nbytes = bytes_behind(call, i);
}

/* FLAT, on operands that share a layout where zeros stay zeros: the results lie as they do. Rows
 * whose results are operands have nothing to settle. */
static bool runs_flat(const kit_call *call)
{
    const dnn__op *op = &dnn__ops[call->k->op];

    if (!has(call->k, DNN_K_FLAT) || (op->traits & DNN__KEEPS_ZEROS) == 0 ||
        (op->traits & DNN__MUTATES) != 0 || call->c->n_in == 0 || call->layout_id[0] == 0)
        return false;
    for (int i = 1; i < call->c->n_in; i++) {
        if (call->pointer[i] != NULL &&
            (call->layout_id[i] != call->layout_id[0] || call->physical[i] != call->physical[0]))
            return false;
    }
    return true;
}

static dnn_status settle_input(kit_call *call, int i)
{
    uint32_t want = call->layouts[i];
    const ref_array *a = &call->seen[i];
    kit_side from = {.bytes = dense_bytes(a)}, to = {.layout = want};
    dnn_status status;

    if (call->pointer[i] == NULL || want == call->layout_id[i])
        return DNN_OK;
    show_strided(call, i);
    if (want == 0)
        return DNN_OK;
    kit_layout_seen(want, a->dtype);
    if (call->view[i].s.ndim != a->ndim || a->n == 0)
        return kit_host.fail(DNN_DECLINED, "it wants input %d, which is stretched or empty, in %s",
                             i, kit_host.layout_name(want));
    status = kit_reorder_plan(call->k, a, &from, &to);
    if (status == DNN_OK)
        show_private(call, i, want, to.bytes);
    return status;
}

static dnn_status settle_output(kit_call *call, int j)
{
    int i = call->c->n_in + j;
    uint32_t gives = call->layouts[i];
    kit_side from = {.bytes = dense_bytes(&call->seen[i])}, to = {.layout = gives};

    if (call->pointer[i] == NULL || gives == 0)
        return DNN_OK;
    kit_layout_seen(gives, call->seen[i].dtype);
    DNN_TRY(kit_reorder_plan(call->k, &call->seen[i], &from, &to));
    if (to.bytes != call->out_bytes[j])
        return kit_host.fail(DNN_E_INVALID,
                             "it says %llu bytes for output %d in %s, and its reorder says %llu",
                             (unsigned long long)call->out_bytes[j], j, kit_host.layout_name(gives),
                             (unsigned long long)to.bytes);
    show_private(call, i, gives, to.bytes);
    call->owner[i] = i;
    return DNN_OK;
}

/* Only a forward kernel fills a stash, and only if a backward follows. */
static dnn_status settle_stash(kit_call *call)
{
    const dnn__op *op = &dnn__ops[call->k->op];

    if (call->plan.s.stash_bytes == 0)
        return DNN_OK;
    call->reads_stash = op->gradient == NULL || op->backward == DNN_OP_none;
    if (call->reads_stash)
        return kit_host.fail(DNN_DECLINED, "it reads a stash, so the gradients alone can try it");
    if ((call->setup.mode & DNN_M_GRAD) == 0)
        call->plan.s.stash_bytes = 0;
    return DNN_OK;
}

static dnn_status check_sizes(const kit_call *call)
{
    const uint64_t most = (uint64_t)1 << 40;
    const dnn_plan *p = &call->plan.s;

    return p->workspace_bytes <= most && p->stash_bytes <= most
               ? DNN_OK
               : kit_host.fail(
                     DNN_E_INVALID, "it asks for a workspace of %llu bytes and a stash of %llu",
                     (unsigned long long)p->workspace_bytes, (unsigned long long)p->stash_bytes);
}

/* What the kernel takes and gives, after it has accepted. */
static dnn_status settle(kit_call *call)
{
    DNN_TRY(check_sizes(call));
    DNN_TRY(settle_stash(call));
    if (runs_flat(call)) {
        for (int j = 0; j < call->c->n_out; j++) {
            if (call->pointer[call->c->n_in + j] != NULL)
                show_private(call, call->c->n_in + j, call->layout_id[0], call->physical[0]);
        }
        return DNN_OK;
    }
    for (int i = 0; i < call->c->n_in; i++)
        DNN_TRY(settle_input(call, i));
    for (int j = 0; j < call->c->n_out; j++)
        DNN_TRY(settle_output(call, j));
    return DNN_OK;
}

dnn_status kit_call_plan(kit_call *call)
{
    dnn_status status = DNN_OK;

    kit_said_forget();
    if (call->k->table->plan != NULL)
        status = call->k->table->plan(&call->call.s, &call->plan.s);
    if (status == DNN_OK)
        status = settle(call);
    if (status != DNN_OK && call->plan.s.state != NULL && call->k->table->unplan != NULL)
        call->k->table->unplan(call->plan.s.state);
    if (status != DNN_OK)
        call->plan.s.state = NULL;
    call->call.s.state = call->plan.s.state;
    return status;
}

/* ---- memory ---- */

static size_t alignment(const kit_call *call, int i)
{
    bool loose = has(call->k, DNN_K_UNALIGNED) && !call->setup.at_start;

    return loose ? dnn_dtype_size(call->seen[i].dtype) : 64;
}

static void store_values(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    size_t item = dnn_dtype_size(a->dtype);

    for (int64_t k = 0; k < a->n; k++)
        conf_store(call->block[i].at + (size_t)conf_base_index(a, call->layout[i], k) * item, a, k);
}

/* The dense values, brought into the private layout by the plugin's reorder. */
static bool make_private_input(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    kit_block dense = {0};
    kit_side from = {.bytes = dense_bytes(a), .block = &dense},
             to = {.layout = call->layout_id[i], .block = &call->block[i]};
    bool good = kit_block_new(&call->k->place, &dense, from.bytes, 0, 64, true, 0xff);

    for (int64_t k = 0; k < a->n && good; k++)
        conf_store(dense.at + (size_t)k * dnn_dtype_size(a->dtype), a, k);
    good = good && kit_block_give(&call->k->place, &dense, true) == DNN_OK &&
           kit_reorder(call->k, a, &from, &to, call->setup.poison_beside) == DNN_OK;
    kit_block_free(&call->k->place, &dense);
    return good;
}

/* Only the rows' own pages are there; all between them faults. */
static bool make_far_block(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    size_t item = dnn_dtype_size(a->dtype), apart = (size_t)FAR * item;
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
    /* Against UNALIGNED the base is aligned and its view is not. */
    size_t offset = call->layout[i] == CONF_UNALIGNED ? 0 : call->offset[i];

    if (call->layout_id[i] != 0 && input)
        return make_private_input(call, i);
    if (call->setup.far && i == 0)
        return make_far_block(call, i);
    if (call->layout_id[i] != 0)
        return kit_block_new(&call->k->place, &call->block[i], call->physical[i], 0, 64,
                             !call->setup.at_start, call->setup.poison_out);
    if (!kit_block_new(&call->k->place, &call->block[i], bytes, offset, alignment(call, i),
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
    if (!kit_block_new(&call->k->place, b, bytes, 0, 256, !call->setup.at_start,
                       call->setup.poison_workspace))
        return false;
    *address = kit_block_address(b, 0);
    return kit_block_give(&call->k->place, b, false) == DNN_OK;
}

bool kit_call_memory(kit_call *call)
{
    for (int i = 0; i < call->n; i++) {
        if (call->pointer[i] == NULL)
            continue;
        if (call->owner[i] == i &&
            (!make_block(call, i) ||
             kit_block_give(&call->k->place, &call->block[i], !is_written(call, i)) != DNN_OK))
            return false;
        if (call->view[i].s.nbytes > 0)
            call->view[i].s.data = kit_block_address(&call->block[call->owner[i]],
                                                     call->layout_id[i] != 0 ? 0 : call->offset[i]);
    }
    call->call.s.stream = call->k->place.stream;
    call->call.s.rng_seed = conf_rng.seed;
    call->call.s.rng_stream = conf_rng.stream;
    call->call.s.rng_offset = conf_rng.offset;
    return private_block(call, &call->workspace, call->plan.s.workspace_bytes,
                         &call->call.s.workspace) &&
           private_block(call, &call->stash, call->plan.s.stash_bytes, &call->call.s.stash);
}

/* ---- run ---- */

/* A private result as dense elements. */
static dnn_status bring_back(kit_call *call, int j)
{
    int i = call->c->n_in + j;
    kit_side from = {.layout = call->layout_id[i],
                     .bytes = call->physical[i],
                     .block = &call->block[call->owner[i]]},
             to = {.bytes = dense_bytes(&call->seen[i]), .block = &call->back[j]};

    if (call->pointer[i] == NULL || call->layout_id[i] == 0)
        return DNN_OK;
    kit_block_free(&call->k->place, &call->back[j]);
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
    const kit_place *place = &call->k->place;
    dnn_status status = DNN_OK;

    for (int i = 0; i < call->n && status == DNN_OK; i++)
        status = kit_block_take(place, &call->block[i]);
    status = status == DNN_OK ? kit_block_take(place, &call->workspace) : status;
    status = status == DNN_OK ? kit_block_take(place, &call->stash) : status;
    if (place->stream != NULL && status == DNN_OK)
        status = place->device->stream_sync(0, place->stream);
    for (int j = 0; j < call->c->n_out && status == DNN_OK; j++)
        status = bring_back(call, j);
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

/* ---- what it left behind ---- */

/* The first byte of the room that is not as it was, seen from the operand's; elements do not count.
 */
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
            kit_block_free(&call->k->place, &call->block[i]);
    }
    for (int j = 0; j < call->c->n_out; j++)
        kit_block_free(&call->k->place, &call->back[j]);
    kit_block_free(&call->k->place, &call->workspace);
    kit_block_free(&call->k->place, &call->stash);
}
