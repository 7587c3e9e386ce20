/* custom_function.c - custom functions (torch.autograd.Function): the public functions, and the
 * call of forward. Forward runs without recording; then one node is recorded, whose gradient rule
 * calls the program's backward (custom_function_backward.c). */
#include <string.h>
#include "custom_function_state.h"
#include "custom_function_backward.h"
#include "nan_check.h"
#include "autograd_impl.h"
#include "call.h"
#include "dispatch_state.h"
#include "ops_impl.h"

enum { MAX_OPERANDS = INT16_MAX };

/* ---- functions that forward and backward call ---- */

dnn_status dnn_function_save(dnn_function_call *call, dnn_tensor *t)
{
    dnn__function_state *s;
    struct dnn__function_saved *p;

    DNN_TRY(dnn__require(call, "dnn_function_save", "call"));
    DNN_TRY(dnn__require(t, "dnn_function_save", "t"));
    s = call->dnn_state;
    if (s->node != NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: dnn_function_save is for forward alone", s->name);
    }
    DNN_TRY(
        dnn__reserve((void **)&s->saved, &s->capacity, s->n_saved + 1, sizeof *s->saved, s->name));
    p = &s->saved[s->n_saved];
    p->input = p->output = -1;
    dnn__save(&p->saved, t, s->recorded);
    s->n_saved++;
    return DNN_OK;
}

dnn_tensor *dnn_function_saved(dnn_function_call *call, int64_t index)
{
    static const dnn__edge nowhere;
    dnn__edge self = {0};
    const dnn__edge *from = &nowhere;
    const struct dnn__function_saved *p;
    dnn_tensor *t = NULL;
    dnn__function_state *s;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (call == NULL || call->dnn_state->node == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_function_saved is for backward alone"));
    }
    s = call->dnn_state;
    if (index < 0 || index >= s->n_saved) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: saved tensor %lld of %lld does not exist",
                                   s->name, (long long)index, (long long)s->n_saved));
    }
    p = &s->saved[index];
    if (p->input >= 0) {
        from = &s->node->edge[p->input];
    } else if (p->output >= 0 && s->node->out[p->output].desc.ndim >= 0) {
        self = (dnn__edge){.node = s->node, .out = (uint32_t)p->output};
        from = &self;
    } else if (p->output < 0 && dnn_grad_enabled() && (p->saved.desc.dtype & DNN__FLOATS) != 0) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "saved tensor %lld is neither input nor output of the function, so a second gradient "
            "would take it for a constant; make it an output (of dnn_function_no_gradient if it is "
            "one), or declare the function .once",
            (long long)index));
    }
    st = dnn__unwrap(s->node, &p->saved, "saved tensor", (int)index, from, dnn_grad_enabled(), &t);
    return st == DNN_OK ? t : dnn__null(st);
}

dnn_status dnn_function_no_gradient(dnn_function_call *call, int output)
{
    dnn__function_state *s;

    DNN_TRY(dnn__require(call, "dnn_function_no_gradient", "call"));
    s = call->dnn_state;
    if (s->node != NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: dnn_function_no_gradient is for forward alone",
                         s->name);
    }
    if (output < 0 || output >= call->n_out) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: dnn_function_no_gradient: output %d of %d does not exist", s->name,
                         output, call->n_out);
    }
    s->flat[output] = true;
    return DNN_OK;
}

/* ---- release ---- */

static void drop_saved(dnn__function_state *s)
{
    for (int64_t i = 0; i < s->n_saved; i++) {
        dnn__saved_drop(&s->saved[i].saved);
    }
}

static void free_state(dnn__function_state *s)
{
    drop_saved(s);
    dnn__free(s->saved);
    if (s->table.free_ctx != NULL) {
        s->table.free_ctx(s->ctx);
    }
}

static void forget_node(dnn__node *node)
{
    drop_saved(node->attr);
}

static void end_node(dnn__node *node)
{
    free_state(node->attr);
}

/* ---- forward ---- */

struct forward {
    dnn__function_state s;
    dnn_tensor_list in;
    int n_out;
    dnn__node *node;    /* NULL: the call is not recorded */
    uint64_t *versions; /* [n_in]: versions of the inputs before forward */
    dnn_tensor **out;   /* [n_out] */
    dnn_tensor **tape;  /* [n_out]: the outputs to record; NULL: the output has no gradient */
    bool *wants;        /* [n_in] */
};

static dnn_status check_input(const dnn__function_state *s, dnn_tensor_list in, int64_t i)
{
    if (in.item[i] == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: input %s is NULL", s->name, dnn__member_text(in, i));
    }
    if (dnn__device_of(in.item[i]) != dnn__device_of(in.item[0])) {
        return dnn__fail(DNN_E_INVALID, "%s: input %s is on %s, input %s on %s", s->name,
                         dnn__member_text(in, 0), dnn_device_of(in.item[0]),
                         dnn__member_text(in, i), dnn_device_of(in.item[i]));
    }
    return DNN_OK;
}

static dnn_status check_call(const dnn_function *f, dnn_tensor_list in, dnn_tensor **out, int n_out)
{
    DNN_TRY(dnn__require(f, "dnn_function_apply", "function"));
    if (f->forward == NULL || f->name == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_function_apply: function.%s is NULL",
                         f->name == NULL ? "name" : "forward");
    }
    if (out == NULL || n_out < 1 || n_out > MAX_OPERANDS) {
        return dnn__fail(DNN_E_INVALID, "%s: %d outputs%s; 1 to %d are possible", f->name, n_out,
                         out == NULL ? " in a list that is NULL" : "", MAX_OPERANDS);
    }
    if (in.n < 0 || in.n > MAX_OPERANDS || (in.n > 0 && in.item == NULL)) {
        return dnn__fail(DNN_E_INVALID, "%s: %lld inputs%s; 0 to %d are possible", f->name,
                         (long long)in.n, in.item == NULL ? " in a list that is NULL" : "",
                         MAX_OPERANDS);
    }
    return dnn__check_alive_list(f->name, "in", in.item, in.n);
}

static dnn_status open_forward(struct forward *w, void **memory)
{
    size_t n_in = (size_t)w->in.n, n_out = (size_t)w->n_out;
    size_t bytes = n_in * (sizeof *w->versions + 1) + n_out * (2 * sizeof *w->out + 1);
    bool any = false;

    for (int64_t i = 0; i < w->in.n; i++) {
        DNN_TRY(check_input(&w->s, w->in, i));
    }
    *memory = dnn__calloc(1, bytes);
    if (*memory == NULL) {
        return dnn__nomem(w->s.name, bytes);
    }
    w->versions = *memory;
    w->out = (dnn_tensor **)(void *)(w->versions + n_in);
    w->tape = w->out + n_out;
    w->wants = (bool *)(w->tape + n_out);
    w->s.flat = w->wants + n_in;
    for (size_t i = 0; i < n_in; i++) {
        w->versions[i] = dnn__version_of(w->in.item[i]);
        w->wants[i] = dnn_grad_enabled() && dnn__tracked(w->in.item[i]);
        any = any || w->wants[i];
    }
    w->s.recorded = any;
    if (any) { /* allocated before forward runs, so that recording cannot fail */
        w->node = dnn__node_new(&w->s.op, (int)n_in, (int)n_out);
        return w->node != NULL ? DNN_OK : dnn__nomem(w->s.name, sizeof *w->node);
    }
    return DNN_OK;
}

static dnn_status call_forward(struct forward *w)
{
    dnn_function_call call = {.ctx = w->s.ctx,
                              .n_in = (int)w->in.n,
                              .n_out = w->n_out,
                              .wants = w->wants,
                              .dnn_state = &w->s};
    bool before = dnn__callback_begin();
    dnn_status st = w->s.table.forward(&call, w->in.item, w->out);

    DNN_TRY(dnn__callback_end(before, st, "forward", w->s.name));
    for (int64_t i = 0; i < w->in.n; i++) {
        if (dnn__version_of(w->in.item[i]) != w->versions[i]) {
            return dnn__fail(DNN_E_INVALID,
                             "forward of %s: it changed input %s in place; clone it first",
                             w->s.name, dnn__member_text(w->in, i));
        }
    }
    return DNN_OK;
}

/* Makes output j a handle of its own: keeps a tensor that forward created in this scope, and
 * detaches any other one, as an input or an output that occurs twice. */
static dnn_status make_own_handle(struct forward *w, int j, const dnn__scope *scope)
{
    dnn_tensor *t = w->out[j];
    bool fresh;

    if (t == NULL) {
        return dnn__fail(DNN_E_INVALID, "forward of %s: output %d was left NULL", w->s.name, j);
    }
    DNN_TRY(dnn__check_alive(w->s.name, "an output of forward", t));
    fresh = t->object.dnn_scope == scope && !dnn__tracked(t);
    for (int k = 0; k < j; k++) {
        fresh = fresh && w->out[k] != t;
    }
    if (!fresh) {
        t = w->out[j] = dnn_detach(t);
        if (t == NULL) {
            return dnn__take();
        }
    }
    w->tape[j] = (t->dtype & DNN__FLOATS) != 0 && !w->s.flat[j] ? t : NULL;
    return DNN_OK;
}

static bool is_same_tensor(const dnn__saved *s, const dnn_tensor *t)
{
    return s->version == t->version && s->offset == t->offset && dnn__same_desc(&s->desc, t) &&
           memcmp(s->stride, t->stride, sizeof(int64_t) * (size_t)t->ndim) == 0;
}

/* Finds for each saved tensor the input or output that it is: with create_graph, the saved tensor
 * gets the edge of that operand. */
static void find_operands(struct forward *w)
{
    for (int64_t k = 0; k < w->s.n_saved; k++) {
        struct dnn__function_saved *p = &w->s.saved[k];

        for (int64_t i = 0; i < w->in.n && p->input < 0; i++) {
            p->input = is_same_tensor(&p->saved, w->in.item[i]) ? (int)i : -1;
        }
        for (int j = 0; j < w->n_out && p->input < 0 && p->output < 0; j++) {
            p->output = is_same_tensor(&p->saved, w->out[j]) ? j : -1;
        }
    }
}

static void record(struct forward *w)
{
    static const dnn__rng none;
    dnn__node *node = w->node;
    dnn__function_state *s;

    find_operands(w);
    w->s.node = node;
    w->s.flat = NULL;
    atomic_fetch_add_explicit(&node->history.refs, 1, memory_order_relaxed);
    dnn__node_record(node, w->in.item, w->tape, &w->s, &none);
    s = node->attr;
    s->op.name = s->name;
    node->op = &s->op;
    dnn__node_release(node);
}

static dnn_status run_forward(struct forward *w)
{
    DNN_SCOPE();
    DNN_NO_GRAD();
    const dnn__scope *scope = dnn__self.scope;
    dnn_status st = call_forward(w);

    for (int j = 0; j < w->n_out && st == DNN_OK; j++) {
        st = make_own_handle(w, j, scope);
    }
    if (st == DNN_OK && dnn__nan_check_on()) {
        st = dnn__function_nan_check(w->s.name, w->in.item, (int)w->in.n, w->out, w->n_out);
    }
    for (int j = 0; j < w->n_out && st == DNN_OK; j++) {
        dnn_keep(w->out[j]);
    }
    return st;
}

static dnn_status apply(struct forward *w, dnn_tensor **out)
{
    void *memory = NULL;
    dnn_status st = open_forward(w, &memory);

    if (st == DNN_OK) {
        st = run_forward(w);
    }
    if (st == DNN_OK) {
        memcpy(out, w->out, (size_t)w->n_out * sizeof *out);
    }
    if (st == DNN_OK && w->node != NULL) {
        record(w);
    } else {
        dnn__node_drop(w->node);
        free_state(&w->s);
    }
    dnn__free(memory);
    return st;
}

static dnn__function_state new_state(const dnn_function *f, void *ctx)
{
    dnn__function_state s = {.op = {.id = -1,
                                    .n_in = -1,
                                    .n_out = -1,
                                    .attr_bytes = sizeof s,
                                    .backward = -1,
                                    .gradient = f->backward != NULL ? dnn__function_gradient : NULL,
                                    .forget = forget_node,
                                    .end = end_node},
                             .table = *f,
                             .ctx = ctx};
    dnn__text text = dnn__text_to(s.name, sizeof s.name);

    dnn__put(&text, "%s", f->name);
    return s;
}

dnn_status dnn_function_apply(const dnn_function *function, void *ctx, dnn_tensor_list in,
                              dnn_tensor **out, int n_out)
{
    struct forward w = {.in = in, .n_out = n_out};
    dnn_status st = check_call(function, in, out, n_out);

    for (int j = 0; out != NULL && j < n_out; j++) {
        out[j] = NULL;
    }
    if (st != DNN_OK) {
        if (function != NULL && function->free_ctx != NULL) {
            function->free_ctx(ctx);
        }
        return st;
    }
    w.s = new_state(function, ctx);
    w.s.op.name = w.s.name;
    return apply(&w, out);
}

dnn_tensor *dnn_apply(const dnn_function *function, void *ctx, dnn_tensor_list in)
{
    dnn_tensor *out = NULL;

    dnn__null(dnn_function_apply(function, ctx, in, &out, 1));
    return out;
}
