/* decompose.c - DECOMPOSED: computes an operator for which no kernel of the device accepts the
 * call by its row's decomposition, smaller operators on the same device. The tape records one
 * node, that of the operator. select.c asks whether it can be planned; dispatch.c runs it. */
#include <string.h>
#include "convert.h"
#include "decompose.h"
#include "dispatch_state.h"
#include "plan.h"

static dnn_status call_decomposition(const dnn__frame *f, dnn_tensor *const *in,
                                     dnn__decomposition *parts)
{
    *parts = (dnn__decomposition){
        .op = f->op, .attr = f->op->attr_bytes > 0 ? f->attr : NULL, .n_in = f->n_in, .in = in};
    f->op->decompose(parts);
    return dnn__take();
}

/* A result with another dtype or shape than the row's is a fault of the decomposition. A result
 * that shares memory with an operand is copied: it must be a tensor of its own. */
static dnn_status own_result(const dnn__frame *f, int i, dnn_tensor **out)
{
    dnn_tensor *t = *out;
    bool owned;

    if (t == NULL || !dnn__same_desc(&f->desc[i], t)) {
        return dnn__fail(DNN_E_INTERNAL, "%s: its decomposition gives %s, not %s", f->op->name,
                         t != NULL ? dnn__shape_text(t->ndim, t->dim) : "nothing",
                         dnn__shape_text(f->desc[i].ndim, f->desc[i].dim));
    }
    owned = !t->is_view && dnn__dense(t);
    for (int k = 0; k < f->n_in; k++) {
        owned = owned && (f->in[k] == NULL || f->in[k]->storage != t->storage);
    }
    *out = owned ? t : dnn__copy_as("clone", t, t->dtype);
    return *out != NULL ? DNN_OK : dnn__take();
}

/* Runs on dense operands, as the plan was made. */
static dnn_status run_decomposition(dnn__frame *f, dnn_tensor **made)
{
    dnn_tensor *in[DNN__FEW_OPERANDS];
    dnn__decomposition parts;

    for (int i = 0; i < f->n_in; i++) {
        in[i] = f->in[i] != NULL ? dnn__contiguous(f->in[i]) : NULL;
        DNN_TRY(f->in[i] == NULL || in[i] != NULL ? DNN_OK : dnn__take());
    }
    DNN_TRY(call_decomposition(f, in, &parts));
    for (int i = 0; i < f->n_out; i++) {
        if (f->pointer[f->n_in + i] != NULL) {
            DNN_TRY(own_result(f, i, &parts.out[i]));
            made[i] = dnn_keep(parts.out[i]);
        }
    }
    return DNN_OK;
}

dnn_status dnn__run_decomposition(dnn__frame *f, dnn_tensor **made)
{
    dnn_status st = DNN_OK;

    memset(made, 0, sizeof(*made) * (size_t)f->n_out);
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = run_decomposition(f, made);
    }
    return st;
}

/* Plans the decomposition on operands without values, all strided. */
static dnn_status try_decomposition(const dnn__frame *f)
{
    dnn_tensor *in[DNN__FEW_OPERANDS];
    dnn__decomposition parts;

    for (int i = 0; i < f->n_in; i++) {
        const dnn_tensor *t = f->in[i];

        in[i] =
            t != NULL ? dnn__tensor_new(f->op->name, t->dtype, t->ndim, t->dim, f->device) : NULL;
        if (t != NULL && in[i] == NULL) {
            return dnn__take();
        }
    }
    return call_decomposition(f, in, &parts);
}

dnn_status dnn__can_decompose(const dnn__frame *f, const char **says)
{
    dnn_explain_fn explain = dnn__dispatch_self.explain;
    dnn_status st = DNN_OK;

    if (f->op->decompose == NULL || f->n_in + f->n_out > DNN__FEW_OPERANDS) {
        return dnn__decline(says, f->op->decompose == NULL
                                      ? "the operator has no decomposition"
                                      : "it has more operands than a decomposition takes");
    }
    dnn__dry_run++;
    dnn__dispatch_self.no_host_fallback++;
    dnn__dispatch_self.explain = NULL;
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = try_decomposition(f);
    }
    dnn__dispatch_self.explain = explain;
    dnn__dispatch_self.no_host_fallback--;
    dnn__dry_run--;
    if (st == DNN_OK || st == DNN_E_NOMEM) {
        return st;
    }
    return dnn__decline(says, "not decomposed either: %.400s", dnn__message_text());
}
