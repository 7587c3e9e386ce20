/* stash.c - pairs of forward and backward. A forward kernel may keep private bytes (a stash) for
 * the backward kernels of its own plugin. The pair is planned together, so that every stash has
 * a reader: the row's gradient rule runs dry, which plans its calls and computes nothing.
 * negotiate.c calls it when a plan is made. */
#include <string.h>
#include "dispatch_state.h"
#include "plan.h"
#include "stash.h"

const dnn__stash_pair *dnn__stash_pair_for(const dnn__op *op)
{
    const dnn__stash_pair *pair = dnn__dispatch_self.pair;

    if (pair == NULL) {
        return NULL;
    }
    return pair->forward->backward == op->id ||
                   (pair->forward->backward_too > 0 && pair->forward->backward_too == op->id)
               ? pair
               : NULL;
}

struct dry { /* the arrays of a gradient rule, over operands without values */
    dnn_tensor *in[8], *out[DNN__RESULTS], *dout[DNN__RESULTS], *din[8];
    dnn__desc in_desc[8];
    bool wants[8];
};

static dnn_tensor *empty(const dnn__frame *f, const dnn_view *v)
{
    return dnn__tensor_new(f->op->name, v->dtype, v->ndim, v->dim, f->device);
}

static void fill_in(struct dry *d, const dnn__frame *f)
{
    memset(d, 0, sizeof *d);
    for (int i = 0; i < f->n_in; i++) {
        d->in_desc[i].ndim = -1;
        if (f->in[i] == NULL) {
            continue;
        }
        d->in_desc[i] = (dnn__desc){.dtype = f->in[i]->dtype, .ndim = f->in[i]->ndim};
        memcpy(d->in_desc[i].dim, f->in[i]->dim, sizeof f->in[i]->dim);
        d->wants[i] = (f->in[i]->dtype & DNN__FLOATS) != 0;
        if ((f->op->keep & DNN__IN(i)) != 0) {
            d->in[i] = dnn__tensor_new(f->op->name, f->in[i]->dtype, f->in[i]->ndim, f->in[i]->dim,
                                       f->device);
        }
    }
    for (int i = 0; i < f->n_out; i++) {
        const dnn_view *v = f->pointer[f->n_in + i];

        if (v != NULL && (f->op->keep & DNN__OUT(i)) != 0) {
            d->out[i] = empty(f, v);
        }
        if (v != NULL && (v->dtype & DNN__FLOATS) != 0) {
            d->dout[i] = empty(f, v);
        }
    }
}

static void run_rule(const dnn__frame *f)
{
    struct dry d;
    dnn__grad grad = {.op = f->op,
                      .attr = f->op->attr_bytes > 0 ? f->attr : NULL,
                      .n_in = f->n_in,
                      .n_out = f->n_out,
                      .in = d.in,
                      .out = d.out,
                      .in_desc = d.in_desc,
                      .dout = d.dout,
                      .wants = d.wants,
                      .din = d.din,
                      .device = f->device};

    fill_in(&d, f);
    if (dnn__pending() == DNN_OK) {
        f->op->gradient(&grad);
    }
}

dnn_status dnn__pair_check(const dnn__frame *f, const dnn__kernel *k, uint64_t bytes,
                           const char **says)
{
    int readers = 0;
    dnn__stash_pair pair = {
        .forward = f->op, .plugin = k->plugin, .bytes = bytes, .readers = &readers};
    const dnn__stash_pair *before = dnn__dispatch_self.pair;
    dnn_explain_fn explain = dnn__dispatch_self.explain;
    dnn_scope scope;
    dnn_status status;

    if (f->n_in > 8) {
        return dnn__decline(says, "it asks for a stash in a row of more than 8 inputs");
    }
    scope = dnn_scope_begin(NULL);
    (void)dnn_no_grad_begin(); /* until the scope ends */
    dnn__dispatch_self.pair = &pair;
    dnn__dry_run++;
    dnn__dispatch_self.explain = NULL;
    run_rule(f);
    status = dnn__take();
    dnn__dispatch_self.explain = explain;
    dnn__dry_run--;
    dnn__dispatch_self.pair = before;
    dnn_scope_end(&scope);
    if (status == DNN_E_NOMEM || (status == DNN_OK && readers > 0)) {
        return status;
    }
    return dnn__decline(
        says, "it asks for a stash that no backward kernel of its plugin would read%s%.300s",
        status == DNN_OK ? "" : ": ", status == DNN_OK ? "" : dnn__message_text());
}
