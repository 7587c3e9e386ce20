/* decompose.c - the road DECOMPOSED: an operator that nobody has a kernel for on a device is
 * computed by its row's parts, smaller operators on the same device. Below the tape: the graph has
 * one node, the operator's. select.c asks whether it can be done, dispatch does it. */
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

/* A result that is not what the row says is a fault of the decomposition; one that shares memory
 * with an operand would make two tensors of one. */
static dnn_status own_result(const dnn__frame *f, int i, dnn_tensor **out)
{
    dnn_tensor *t = *out;
    bool owned;

    if (t == NULL || !dnn__same_desc(&f->desc[i], t)) {
        return dnn__fail(DNN_E_INTERNAL, "%s: its parts give %s, not %s", f->op->name,
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

/* On dense operands, as they were when the parts were tried. */
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
    DNN_NO_GRAD
    {
        st = run_decomposition(f, made);
    }
    return st;
}

/* Operands without values, all strided: what is asked is whether somebody has the parts. */
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
                                      : "it has more operands than its parts take");
    }
    dnn__dry_run++;
    dnn__dispatch_self.no_host_fallback++;
    dnn__dispatch_self.explain = NULL;
    DNN_NO_GRAD
    {
        st = try_decomposition(f);
    }
    dnn__dispatch_self.explain = explain;
    dnn__dispatch_self.no_host_fallback--;
    dnn__dry_run--;
    if (st == DNN_OK || st == DNN_E_NOMEM) {
        return st;
    }
    return dnn__decline(says, "not in parts either: %.400s", dnn__self.message.text);
}
