/* function.c - functions of the program on the tape: forward runs without a tape, and backward is
 * the gradient rule of the one node that is recorded. Programs call it. */
#include <string.h>
#include "nan_check.h"
#include "autograd_impl.h"
#include "call.h"
#include "dispatch_state.h"
#include "ops_impl.h"

struct place { /* a tensor that forward saved; input, output: which operand it is, -1 none */
    dnn__saved saved;
    int input, output;
};

enum { NAME_BYTES = 64, MOST = INT16_MAX };

struct dnn_function_state { /* the attributes of the node */
    dnn__op op;             /* what the node points at */
    char name[NAME_BYTES];
    dnn_function table;
    void *ctx;
    struct place *place;
    int64_t n_places, capacity;
    dnn__node *node;      /* NULL while forward runs */
    bool recorded, *flat; /* flat: outputs without a gradient, while forward runs */
};
typedef struct dnn_function_state state;

/* ---- what forward and backward may ask ---- */

dnn_status dnn_function_save(dnn_function_call *call, dnn_tensor *t)
{
    state *s;
    struct place *p;

    DNN_TRY(dnn__require(call, "dnn_function_save", "call"));
    DNN_TRY(dnn__require(t, "dnn_function_save", "t"));
    s = call->dnn_state;
    if (s->node != NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: dnn_function_save is for forward alone", s->name);
    }
    DNN_TRY(
        dnn__reserve((void **)&s->place, &s->capacity, s->n_places + 1, sizeof *s->place, s->name));
    p = &s->place[s->n_places];
    p->input = p->output = -1;
    dnn__save(&p->saved, t, s->recorded);
    s->n_places++;
    return DNN_OK;
}

dnn_tensor *dnn_function_saved(dnn_function_call *call, int64_t index)
{
    static const dnn__edge nowhere;
    dnn__edge self = {0};
    const dnn__edge *from = &nowhere;
    const struct place *p;
    dnn_tensor *t = NULL;
    state *s;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (call == NULL || call->dnn_state->node == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_function_saved is for backward alone"));
    }
    s = call->dnn_state;
    if (index < 0 || index >= s->n_places) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: saved tensor %lld of %lld", s->name,
                                   (long long)index, (long long)s->n_places));
    }
    p = &s->place[index];
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
    state *s;

    DNN_TRY(dnn__require(call, "dnn_function_no_gradient", "call"));
    s = call->dnn_state;
    if (s->node != NULL || output < 0 || output >= call->n_out) {
        return dnn__fail(DNN_E_INVALID, "%s: dnn_function_no_gradient of output %d of %d%s",
                         s->name, output, call->n_out, s->node != NULL ? " in backward" : "");
    }
    s->flat[output] = true;
    return DNN_OK;
}

/* ---- letting go ---- */

static void drop_places(state *s)
{
    for (int64_t i = 0; i < s->n_places; i++) {
        dnn__saved_drop(&s->place[i].saved);
    }
}

static void end(state *s)
{
    drop_places(s);
    dnn__free(s->place);
    if (s->table.free_ctx != NULL) {
        s->table.free_ctx(s->ctx);
    }
}

static void forget(dnn__node *node)
{
    drop_places(node->attr);
}

static void end_of_node(dnn__node *node)
{
    end(node->attr);
}

/* ---- anomaly mode: operators are looked at as they run; what is made without them, here ---- */

static dnn_status watch(const char *name, dnn_tensor *const *in, int n_in, dnn_tensor *const *made,
                        int n_out)
{
    dnn__held held;

    DNN_TRY(dnn__anomaly_before(in, n_in, &held));
    return dnn__anomaly_after(name, in, n_in, made, n_out, false, &held);
}

/* ---- backward ---- */

struct call { /* of a backward */
    state *s;
    dnn__grad *g;
    dnn_tensor **dout; /* [n_out], and room for n_in more */
    uint64_t *seen;    /* [n_out]: versions before */
};

static uint64_t version_of(const dnn_tensor *t)
{
    return atomic_load_explicit(&t->version->count, memory_order_relaxed);
}

/* A gradient that did not arrive is zero. */
static dnn_status fill_dout(struct call *c)
{
    for (int j = 0; j < c->g->n_out; j++) {
        const dnn__desc *d = &c->s->node->out[j].desc;

        c->dout[j] = c->g->dout[j];
        if (c->dout[j] == NULL && d->ndim >= 0) {
            dnn_tensor *zeros =
                dnn__tensor_new(c->s->name, d->dtype, d->ndim, d->dim, c->g->device);

            c->dout[j] = dnn_fill_(zeros, 0.0);
            if (c->dout[j] == NULL) {
                return dnn__take();
            }
        }
        c->seen[j] = c->dout[j] != NULL ? version_of(c->dout[j]) : 0;
    }
    return DNN_OK;
}

/* Could the gradient hang on something that is on the tape? */
static bool hangs(const struct call *c)
{
    for (int64_t i = 0; i < c->s->n_places; i++) {
        const struct place *p = &c->s->place[i];

        if (p->output >= 0 || (p->input >= 0 && c->g->wants[p->input])) {
            return true;
        }
    }
    for (int j = 0; j < c->g->n_out; j++) {
        if (c->dout[j] != NULL && dnn__tracked(c->dout[j])) {
            return true;
        }
    }
    return false;
}

/* Puts the gradients that are not on the tape there as leaves: what backward makes of them by
 * operators is on the tape then, and what is not was made in another way. */
static dnn_status probe(struct call *c)
{
    for (int j = 0; j < c->g->n_out; j++) {
        dnn_tensor *t = c->dout[j];

        if (t != NULL && !dnn__tracked(t)) {
            c->dout[j] = dnn_requires_grad_(dnn_detach(t), true);
            if (c->dout[j] == NULL) {
                return dnn__take();
            }
        }
    }
    return DNN_OK;
}

static dnn_status check_dout(const struct call *c)
{
    for (int j = 0; j < c->g->n_out; j++) {
        if (c->dout[j] != NULL && version_of(c->dout[j]) != c->seen[j]) {
            return dnn__fail(DNN_E_INVALID,
                             "backward of %s: it changed the gradient of output %d in place, which "
                             "others read too; use the form without _",
                             c->s->name, j);
        }
    }
    return DNN_OK;
}

static dnn_status check_din(const struct call *c, int i, bool probed)
{
    const dnn_tensor *g = c->g->din[i];
    const dnn__desc *x = &c->g->in_desc[i];

    if ((g->dtype & DNN__FLOATS) == 0 || g->ndim != x->ndim ||
        memcmp(g->dim, x->dim, sizeof(int64_t) * (size_t)x->ndim) != 0 ||
        dnn__device_of(g) != c->g->device) {
        return dnn__fail(DNN_E_INVALID,
                         "backward of %s: input %d is %s of %s on %s, its gradient %s of %s on %s",
                         c->s->name, i, dnn__shape_text(x->ndim, x->dim), dnn_dtype_name(x->dtype),
                         dnn__dev(c->g->device)->name, dnn__shape_text(g->ndim, g->dim),
                         dnn_dtype_name(g->dtype), dnn_device_of(g));
    }
    if (probed && !dnn__tracked(g)) {
        return dnn__fail(DNN_E_INVALID,
                         "backward of %s: the gradient of input %d was not made by operators from "
                         "the gradients given, so it cannot be differentiated again; use operators "
                         "or declare the function .once",
                         c->s->name, i);
    }
    return DNN_OK;
}

static dnn_status check_all_din(const struct call *c, bool probed)
{
    for (int i = 0; i < c->g->n_in; i++) {
        if (c->g->wants[i] && c->g->din[i] != NULL) {
            DNN_TRY(check_din(c, i, probed));
        }
    }
    return DNN_OK;
}

struct seal { /* attributes of a node that cannot be passed */
    dnn__op op;
    char name[NAME_BYTES + 16];
};

/* The gradient of input i leads to a node without a rule, and that to all that it may hang on. */
static dnn_status seal(struct call *c, int i)
{
    struct seal attr = {.op = {.id = -1, .attr_bytes = sizeof attr, .n_out = 1, .backward = -1}};
    int n_in = c->g->n_in, n_out = c->g->n_out;
    dnn_tensor *dx = dnn_detach(c->g->din[i]);
    dnn__text text = dnn__text_to(attr.name, sizeof attr.name);
    dnn__node *node = dx != NULL ? dnn__node_new(&attr.op, n_out + n_in, 1) : NULL;
    struct seal *own;

    if (node == NULL) {
        return dx == NULL ? dnn__take() : dnn__nomem(c->s->name, sizeof *node);
    }
    dnn__put(&text, "%s's backward", c->s->name);
    dnn__node_record(node, c->dout, &dx, &attr, &c->g->rng);
    for (int k = 0; k < n_in; k++) {
        node->edge[n_out + k] = c->s->node->edge[k];
        dnn__edge_retain(&node->edge[n_out + k]);
    }
    own = node->attr;
    own->op.name = own->name;
    node->op = &own->op;
    c->g->din[i] = dx;
    return DNN_OK;
}

static dnn_status seal_all(struct call *c)
{
    for (int k = 0; k < c->g->n_in; k++) {
        c->dout[c->g->n_out + k] = NULL;
    }
    for (int i = 0; i < c->g->n_in; i++) {
        if (c->g->din[i] != NULL && !dnn__tracked(c->g->din[i])) {
            DNN_TRY(seal(c, i));
        }
    }
    return DNN_OK;
}

static dnn_status call_backward(struct call *c)
{
    dnn_function_call call = {.ctx = c->s->ctx,
                              .n_in = c->g->n_in,
                              .n_out = c->g->n_out,
                              .wants = c->g->wants,
                              .dnn_state = c->s};
    int once = c->s->table.once ? 1 : 0;
    char before = dnn__listen();
    dnn_status st;

    dnn__self.no_grad += once;
    st = c->s->table.backward(&call, c->dout, c->g->din);
    dnn__self.no_grad -= once;
    return dnn__heard(before, st, "backward", c->s->name);
}

static dnn_status run_backward(struct call *c)
{
    bool create = dnn_grad_enabled(), probed = false;

    DNN_TRY(fill_dout(c));
    if (create && !c->s->table.once && hangs(c)) {
        DNN_TRY(probe(c));
        probed = true;
    }
    DNN_TRY(call_backward(c));
    DNN_TRY(check_dout(c));
    if (dnn__anomaly_on()) {
        DNN_TRY(watch(c->s->name, c->dout, c->g->n_out, c->g->din, c->g->n_in));
    }
    DNN_TRY(check_all_din(c, probed));
    return create && c->s->table.once ? seal_all(c) : DNN_OK;
}

/* The gradient rule of the nodes of this file. */
static void function_gradient(dnn__grad *g)
{
    struct call c = {.s = (state *)(uintptr_t)g->attr, .g = g};
    size_t n_in = (size_t)g->n_in, n_out = (size_t)g->n_out;
    size_t bytes = (n_in + n_out) * sizeof *c.dout + n_out * sizeof *c.seen;

    c.dout = dnn__alloc(bytes);
    if (c.dout == NULL) {
        dnn__null(dnn__nomem(c.s->name, bytes));
        return;
    }
    c.seen = (uint64_t *)(void *)(c.dout + n_in + n_out);
    dnn__null(run_backward(&c));
    dnn__free(c.dout);
}

/* ---- forward ---- */

struct forward {
    state s;
    dnn_tensor_list in;
    int n_out;
    dnn__node *node;          /* NULL: not recorded */
    uint64_t *seen;           /* [n_in]: versions before */
    dnn_tensor **out, **tape; /* [n_out]; tape: what is not flat */
    bool *wants;              /* [n_in] */
};

static dnn_status check_input(const state *s, dnn_tensor_list in, int64_t i)
{
    if (in.item[i] == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: input %lld is NULL", s->name, (long long)i);
    }
    if (dnn__device_of(in.item[i]) != dnn__device_of(in.item[0])) {
        return dnn__fail(DNN_E_INVALID, "%s: input 0 is on %s, input %lld on %s", s->name,
                         dnn_device_of(in.item[0]), (long long)i, dnn_device_of(in.item[i]));
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
    if (out == NULL || n_out < 1 || n_out > MOST) {
        return dnn__fail(DNN_E_INVALID, "%s: %d outputs%s; 1 to %d are possible", f->name, n_out,
                         out == NULL ? " in a list that is NULL" : "", MOST);
    }
    if (in.n < 0 || in.n > MOST || (in.n > 0 && in.item == NULL)) {
        return dnn__fail(DNN_E_INVALID, "%s: %lld inputs%s; 0 to %d are possible", f->name,
                         (long long)in.n, in.item == NULL ? " in a list that is NULL" : "", MOST);
    }
    return DNN_OK;
}

static dnn_status open_forward(struct forward *w, void **memory)
{
    size_t n_in = (size_t)w->in.n, n_out = (size_t)w->n_out;
    size_t bytes = n_in * (sizeof *w->seen + 1) + n_out * (2 * sizeof *w->out + 1);
    bool any = false;

    for (int64_t i = 0; i < w->in.n; i++) {
        DNN_TRY(check_input(&w->s, w->in, i));
    }
    *memory = dnn__calloc(1, bytes);
    if (*memory == NULL) {
        return dnn__nomem(w->s.name, bytes);
    }
    w->seen = *memory;
    w->out = (dnn_tensor **)(void *)(w->seen + n_in);
    w->tape = w->out + n_out;
    w->wants = (bool *)(w->tape + n_out);
    w->s.flat = w->wants + n_in;
    for (size_t i = 0; i < n_in; i++) {
        w->seen[i] = version_of(w->in.item[i]);
        w->wants[i] = dnn_grad_enabled() && dnn__tracked(w->in.item[i]);
        any = any || w->wants[i];
    }
    w->s.recorded = any;
    if (any) { /* made ahead: recording cannot fail then */
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
    char before = dnn__listen();
    dnn_status st = w->s.table.forward(&call, w->in.item, w->out);

    DNN_TRY(dnn__heard(before, st, "forward", w->s.name));
    for (int64_t i = 0; i < w->in.n; i++) {
        if (version_of(w->in.item[i]) != w->seen[i]) {
            return dnn__fail(DNN_E_INVALID,
                             "forward of %s: it changed input %lld in place; clone it first",
                             w->s.name, (long long)i);
        }
    }
    return DNN_OK;
}

/* Output j as a tensor that is nobody else's: a new one of this scope, or another handle. */
static dnn_status own_output(struct forward *w, int j, const dnn_scope *scope)
{
    dnn_tensor *t = w->out[j];
    bool fresh;

    if (t == NULL) {
        return dnn__fail(DNN_E_INVALID, "forward of %s: output %d was left NULL", w->s.name, j);
    }
    fresh = t->owned.scope == scope && !dnn__tracked(t);
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

static bool same_place(const dnn__saved *s, const dnn_tensor *t)
{
    return s->version == t->version && s->offset == t->offset && dnn__same_desc(&s->desc, t) &&
           memcmp(s->stride, t->stride, sizeof(int64_t) * (size_t)t->ndim) == 0;
}

/* Which operands the saved tensors are: these lead somewhere when backward is recorded. */
static void name_places(struct forward *w)
{
    for (int64_t k = 0; k < w->s.n_places; k++) {
        struct place *p = &w->s.place[k];

        for (int64_t i = 0; i < w->in.n && p->input < 0; i++) {
            p->input = same_place(&p->saved, w->in.item[i]) ? (int)i : -1;
        }
        for (int j = 0; j < w->n_out && p->input < 0 && p->output < 0; j++) {
            p->output = same_place(&p->saved, w->out[j]) ? j : -1;
        }
    }
}

static void record(struct forward *w)
{
    static const dnn__rng none;
    dnn__node *node = w->node;
    state *s;

    name_places(w);
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
    dnn_scope scope;
    dnn_status st;

    dnn_no_grad_begin(&scope);
    st = call_forward(w);
    for (int j = 0; j < w->n_out && st == DNN_OK; j++) {
        st = own_output(w, j, &scope);
    }
    if (st == DNN_OK && dnn__anomaly_on()) {
        st = watch(w->s.name, w->in.item, (int)w->in.n, w->out, w->n_out);
    }
    for (int j = 0; j < w->n_out && st == DNN_OK; j++) {
        dnn_keep(w->out[j]);
    }
    dnn_scope_end(&scope);
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
        end(&w->s);
    }
    dnn__free(memory);
    return st;
}

static state new_state(const dnn_function *f, void *ctx)
{
    state s = {.op = {.id = -1,
                      .n_in = -1,
                      .n_out = -1,
                      .attr_bytes = sizeof s,
                      .traits = DNN__FUNCTION,
                      .forget = forget,
                      .end = end_of_node,
                      .backward = -1,
                      .gradient = f->backward != NULL ? function_gradient : NULL},
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
