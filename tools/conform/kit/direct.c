/* direct.c - the views of a direct call and its plan: the calls that the kernel's flags allow, the
 * operands as the kernel sees them, and the layouts, stash and workspace that its plan requests.
 * The checks of the kit call it; direct_run.c follows. */
#include "direct.h"
#include <string.h>

/* ---- the operands as the kernel sees them ---- */

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
        (l != CONF_DENSE && !kit_has(k, l == CONF_UNALIGNED ? DNN_K_UNALIGNED : DNN_K_STRIDED)))
        return false;
    if (setup->out_layout != CONF_DENSE && !kit_has(k, DNN_K_STRIDED))
        return false;
    if (setup->far && (!kit_has(k, DNN_K_STRIDED) || k->device.api != NULL || conf_is_alias(c, 0) ||
                       c->in[0].dtype == 0 || c->in[0].plain || in[0].n == 0 || in[0].ndim < 2 ||
                       in[0].dim[0] < 2 || in[0].dim[0] > 4))
        return false;
    return !setup->in_place || kit_has(k, DNN_K_INPLACE);
}

/* Sets dims and strides of the view in its base, in elements, and the offset of its first element.
 */
static void set_base_view(kit_call *call, int i)
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

/* Gives an elementwise input of fewer dims the dims of the result: by strides of 0, or as a dense
 * copy. */
static bool stretch_input(kit_call *call, int i)
{
    const conf_operand *y = &call->c->out[0];
    ref_array wide = {0};

    if (!is_elementwise(call->k) || !is_stretched(&call->c->in[i], y))
        return true;
    if (kit_has(call->k, DNN_K_STRIDED)) {
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
    set_base_view(call, i);
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

/* Returns nbytes: all elements of a dense view, else up to the end of its memory. */
static uint64_t bytes_behind(const kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    size_t item = dnn_dtype_size(a->dtype);
    const dnn_view *v = &call->view[i].s;
    int64_t n = dnn__numel_of(v->ndim, v->dim);

    if (n == 0)
        return 0;
    if (call->setup.far && i == 0)
        return (uint64_t)a->dim[0] * (uint64_t)KIT_FAR * item;
    if (dnn__is_dense(v->ndim, v->dim, v->stride))
        return (uint64_t)n * item;
    return (uint64_t)conf_base_count(a, call->layout[i]) * item - call->offset[i];
}

static void finish_view(kit_call *call, int i)
{
    dnn_view *v = &call->view[i].s;

    v->size = (uint32_t)(sizeof *v + (call->setup.grown ? KIT_GROWN : 0));
    v->dtype = call->seen[i].dtype;
    v->mem = call->k->device.api != NULL ? DNN_MEM_DEVICE : DNN_MEM_HOST;
    v->dim = call->dim[i];
    v->stride = call->stride[i];
    v->nbytes = bytes_behind(call, i);
    call->pointer[i] = v;
}

/* Sets the view of an operand in a private layout. */
static void set_private_view(kit_call *call, int i, uint32_t layout, uint64_t bytes)
{
    dnn_view *v = &call->view[i].s;

    call->layout_id[i] = layout;
    call->physical[i] = bytes;
    v->layout = layout;
    v->stride = NULL;
    v->nbytes = bytes;
}

/* Gives an input the private layout in which another kernel of the plugin has left it. */
static void offer(kit_call *call, int i)
{
    const ref_array *a = &call->seen[i];
    kit_side from = {.bytes = kit_dense_bytes(a)}, to = {.layout = call->setup.offer};

    if (call->setup.offer == 0 || (call->setup.offer_only >= 0 && call->setup.offer_only != i) ||
        a->n == 0 || call->view[i].s.ndim != a->ndim || call->layout[i] != CONF_DENSE)
        return;
    if (kit_reorder_plan(call->k, a, &from, &to) == DNN_OK)
        set_private_view(call, i, to.layout, to.bytes);
}

static bool open_input(kit_call *call, int i, const ref_array *in)
{
    const ref_array *a = &in[i];

    if (!copy_array(&call->seen[i], a))
        return false;
    call->layout[i] = conf_layout_of(call->c, in, i, call->setup.layout, call->setup.only);
    call->view[i].s.ndim = a->ndim;
    set_base_view(call, i);
    if (call->setup.far && i == 0)
        call->stride[i][0] = KIT_FAR;
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
    set_base_view(call, i);
    finish_view(call, i);
    return true;
}

/* Makes structs of a newer host: the appended members hold noise, which a kernel of today must
 * ignore. */
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

static void set_strided_view(kit_call *call, int i)
{
    call->view[i].s.layout = call->layout_id[i] = 0;
    call->view[i].s.stride = call->stride[i];
    call->view[i].s.nbytes = bytes_behind(call, i);
}

/* A FLAT kernel gets operands that share a private layout, if zeros stay zeros; its results get
 * that layout too. Rows whose results are operands have no layout to select. */
static bool runs_flat(const kit_call *call)
{
    const dnn__op *op = &dnn__ops[call->k->op];

    if (!kit_has(call->k, DNN_K_FLAT) || (op->traits & DNN__KEEPS_ZEROS) == 0 ||
        (op->traits & DNN__MUTATES) != 0 || call->c->n_in == 0 || call->layout_id[0] == 0)
        return false;
    for (int i = 1; i < call->c->n_in; i++) {
        if (call->pointer[i] != NULL &&
            (call->layout_id[i] != call->layout_id[0] || call->physical[i] != call->physical[0]))
            return false;
    }
    return true;
}

static dnn_status resolve_input(kit_call *call, int i)
{
    uint32_t want = call->layouts[i];
    const ref_array *a = &call->seen[i];
    kit_side from = {.bytes = kit_dense_bytes(a)}, to = {.layout = want};
    dnn_status status;

    if (call->pointer[i] == NULL || want == call->layout_id[i])
        return DNN_OK;
    set_strided_view(call, i);
    if (want == 0)
        return DNN_OK;
    kit_layout_seen(want, a->dtype);
    if (call->view[i].s.ndim != a->ndim || a->n == 0)
        return kit_host.fail(DNN_DECLINED, "it wants input %d, which is stretched or empty, in %s",
                             i, kit_host.layout_name(want));
    status = kit_reorder_plan(call->k, a, &from, &to);
    if (status == DNN_OK)
        set_private_view(call, i, want, to.bytes);
    return status;
}

static dnn_status resolve_output(kit_call *call, int j)
{
    int i = call->c->n_in + j;
    uint32_t gives = call->layouts[i];
    kit_side from = {.bytes = kit_dense_bytes(&call->seen[i])}, to = {.layout = gives};

    if (call->pointer[i] == NULL || gives == 0)
        return DNN_OK;
    kit_layout_seen(gives, call->seen[i].dtype);
    DNN_TRY(kit_reorder_plan(call->k, &call->seen[i], &from, &to));
    if (to.bytes != call->out_bytes[j])
        return kit_host.fail(DNN_E_INVALID,
                             "it says %llu bytes for output %d in %s, and its reorder says %llu",
                             (unsigned long long)call->out_bytes[j], j, kit_host.layout_name(gives),
                             (unsigned long long)to.bytes);
    set_private_view(call, i, gives, to.bytes);
    call->owner[i] = i;
    return DNN_OK;
}

/* Only a forward kernel with a backward to follow may request a stash. */
static dnn_status accept_stash(kit_call *call)
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

/* Sets the layouts that the kernel has requested, after it has accepted. */
static dnn_status resolve_layouts(kit_call *call)
{
    DNN_TRY(check_sizes(call));
    DNN_TRY(accept_stash(call));
    if (runs_flat(call)) {
        for (int j = 0; j < call->c->n_out; j++) {
            if (call->pointer[call->c->n_in + j] != NULL)
                set_private_view(call, call->c->n_in + j, call->layout_id[0], call->physical[0]);
        }
        return DNN_OK;
    }
    for (int i = 0; i < call->c->n_in; i++)
        DNN_TRY(resolve_input(call, i));
    for (int j = 0; j < call->c->n_out; j++)
        DNN_TRY(resolve_output(call, j));
    return DNN_OK;
}

dnn_status kit_call_plan(kit_call *call)
{
    dnn_status status = DNN_OK;

    kit_said_forget();
    if (call->k->table->plan != NULL)
        status = call->k->table->plan(&call->call.s, &call->plan.s);
    if (status == DNN_OK)
        status = resolve_layouts(call);
    if (status != DNN_OK && call->plan.s.state != NULL && call->k->table->unplan != NULL)
        call->k->table->unplan(call->plan.s.state);
    if (status != DNN_OK)
        call->plan.s.state = NULL;
    call->call.s.state = call->plan.s.state;
    return status;
}
