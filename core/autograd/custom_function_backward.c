/* custom_function_backward.c - the gradient rule of custom functions: calls the program's backward
 * and checks the gradients that it returns. With create_graph the gradients stay differentiable,
 * or, for a function declared .once, get a node whose backward fails. */
#include <string.h>
#include "custom_function_backward.h"
#include "custom_function_state.h"
#include "nan_check.h"

dnn_status dnn__function_nan_check(const char *name, dnn_tensor *const *in, int n_in,
                                   dnn_tensor *const *made, int n_out)
{
    const dnn__op op = {.name = name};
    dnn__nonfinite held;

    DNN_TRY(dnn__nan_check_before(in, n_in, &held));
    return dnn__nan_check_after(&op, in, n_in, made, n_out, false, &held);
}

struct call { /* one call of backward */
    dnn__function_state *s;
    dnn__grad *g;
    dnn_tensor **dout;  /* [n_out], followed by room for n_in more */
    uint64_t *versions; /* [n_out]: versions of dout before backward */
};

/* Copies the gradients of the outputs to c->dout, with zeros where none arrived. */
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
        c->versions[j] = c->dout[j] != NULL ? dnn__version_of(c->dout[j]) : 0;
    }
    return DNN_OK;
}

/* Can the gradient depend on a tensor that is on the tape? */
static bool may_depend(const struct call *c)
{
    for (int64_t i = 0; i < c->s->n_saved; i++) {
        const struct dnn__function_saved *p = &c->s->saved[i];

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

/* Makes the gradients that are not on the tape leaves that require a gradient. Then each result
 * that backward computes with operators is on the tape; a result that is not was computed without
 * them. */
static dnn_status make_dout_tracked(struct call *c)
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
        if (c->dout[j] != NULL && dnn__version_of(c->dout[j]) != c->versions[j]) {
            return dnn__fail(DNN_E_INVALID,
                             "backward of %s: it changed the gradient of output %d in place, which "
                             "others read too; use the form without _",
                             c->s->name, j);
        }
    }
    return DNN_OK;
}

static dnn_status check_din(const struct call *c, int i, bool must_track)
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
    if (must_track && !dnn__tracked(g)) {
        return dnn__fail(DNN_E_INVALID,
                         "backward of %s: the gradient of input %d was not made by operators from "
                         "the gradients given, so it cannot be differentiated again; use operators "
                         "or declare the function .once",
                         c->s->name, i);
    }
    return DNN_OK;
}

static dnn_status check_all_din(const struct call *c, bool must_track)
{
    for (int i = 0; i < c->g->n_in; i++) {
        if (c->g->wants[i] && c->g->din[i] != NULL) {
            DNN_TRY(check_din(c, i, must_track));
        }
    }
    return DNN_OK;
}

struct no_rule { /* the attributes of a node without a gradient rule */
    dnn__op op;
    char name[DNN__FUNCTION_NAME + 16];
};

/* Gives the gradient of input i a node without a gradient rule, so that a second backward fails
 * instead of taking the gradient for a constant. The edges of the node lead to everything that the
 * gradient may depend on. */
static dnn_status add_node_without_rule(struct call *c, int i)
{
    struct no_rule attr = {.op = {.id = -1,
                                  .attr_bytes = sizeof attr,
                                  .n_out = 1,
                                  .backward = -1,
                                  .grad_fn = {"Error"}}}; /* PyTorch's once_differentiable */
    int n_in = c->g->n_in, n_out = c->g->n_out;
    dnn_tensor *dx = dnn_detach(c->g->din[i]);
    dnn__text text = dnn__text_to(attr.name, sizeof attr.name);
    dnn__node *node = dx != NULL ? dnn__node_new(&attr.op, n_out + n_in, 1) : NULL;
    struct no_rule *own;

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

static dnn_status forbid_second_gradient(struct call *c)
{
    for (int k = 0; k < c->g->n_in; k++) {
        c->dout[c->g->n_out + k] = NULL;
    }
    for (int i = 0; i < c->g->n_in; i++) {
        if (c->g->din[i] != NULL && !dnn__tracked(c->g->din[i])) {
            DNN_TRY(add_node_without_rule(c, i));
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
    dnn_grad_mode mode = {dnn__self.no_grad};
    bool before = dnn__callback_begin();
    dnn_status st;

    dnn__self.no_grad = dnn__self.no_grad || c->s->table.once;
    st = c->s->table.backward(&call, c->dout, c->g->din);
    dnn_grad_mode_end(&mode);
    return dnn__callback_end(before, st, "backward", c->s->name);
}

static dnn_status run_backward(struct call *c)
{
    bool create = dnn_grad_enabled(), must_track = false;

    DNN_TRY(fill_dout(c));
    if (create && !c->s->table.once && may_depend(c)) {
        DNN_TRY(make_dout_tracked(c));
        must_track = true;
    }
    DNN_TRY(call_backward(c));
    DNN_TRY(check_dout(c));
    if (dnn__nan_check_on()) {
        DNN_TRY(dnn__function_nan_check(c->s->name, c->dout, c->g->n_out, c->g->din, c->g->n_in));
    }
    DNN_TRY(check_all_din(c, must_track));
    return create && c->s->table.once ? forbid_second_gradient(c) : DNN_OK;
}

void dnn__function_gradient(dnn__grad *g)
{
    struct call c = {.s = (dnn__function_state *)(uintptr_t)g->attr, .g = g};
    size_t n_in = (size_t)g->n_in, n_out = (size_t)g->n_out;
    size_t bytes = (n_in + n_out) * sizeof *c.dout + n_out * sizeof *c.versions;

    c.dout = dnn__alloc(bytes);
    if (c.dout == NULL) {
        dnn__null(dnn__nomem(c.s->name, bytes));
        return;
    }
    c.versions = (uint64_t *)(void *)(c.dout + n_in + n_out);
    dnn__null(run_backward(&c));
    dnn__free(c.dout);
}
