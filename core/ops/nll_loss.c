/* nll_loss.c - the negative log-likelihood loss of class indices, and its gradient row. */
#include "loss_impl.h"
#include "rules.h"

dnn_tensor *dnn_nll_loss_with(dnn_loss_args args)
{
    dnn_attr_loss attr = {.size = sizeof attr};

    if (!dnn__class_attr("nll_loss", &args, &attr)) {
        return NULL;
    }
    if (args.label_smoothing != 0.0) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "nll_loss: label_smoothing is %s, must be 0: only cross_entropy smooths labels",
            dnn__float_text(args.label_smoothing)));
    }
    return dnn__class_loss(DNN_OP_nll_loss, &args, &attr);
}

/* (input, target, weight) -> loss of rank 0; of target's dims where it is not reduced. */
dnn_status dnn__nll_loss_shape(dnn__sig *sig)
{
    const dnn_attr_loss *attr = sig->attr;
    const dnn_tensor *input = sig->in[0], *target = sig->in[1];
    const dnn__desc desc = dnn__desc_like(input);
    dnn__desc *out = &sig->out[0];

    DNN_TRY(dnn__check_reduction(sig->op->name, attr->reduction));
    DNN_TRY(dnn__check_class_target(sig->op->name, input, target));
    DNN_TRY(dnn__check_class_weight(sig->op->name, &desc, sig->in[2]));
    out->dtype = input->dtype;
    out->ndim = 0;
    if (attr->reduction == DNN_NONE) {
        dnn__take_dims(out, target);
    }
    return DNN_OK;
}

dnn_tensor *dnn__nll_loss_bwd(const dnn_attr_loss *given, dnn_tensor *dloss, const dnn__desc *desc,
                              dnn_tensor *target, dnn_tensor *weight, uint32_t reduction)
{
    const dnn_attr_loss attr = {
        .size = sizeof attr, .reduction = reduction, .ignore_index = given->ignore_index};
    dnn__device *device = dnn__device_of(target);
    dnn_tensor *in[] = {dloss, target, weight};

    return dnn__call_to(DNN_OP_nll_loss_bwd, dnn__empty_desc("nll_loss_bwd", desc, device), in, 3,
                        &attr);
}

void dnn__nll_loss_backward(dnn__grad *g)
{
    const dnn_attr_loss *attr = g->attr;

    dnn__refuse_weight_gradient(g);
    if (g->wants[0]) {
        g->din[0] = dnn__nll_loss_bwd(attr, g->dout[0], &g->in_desc[0], g->in[1], g->in[2],
                                      attr->reduction);
    }
}

/* (dloss, target, weight) -> dlogp: the destination has the dims of logp. */
dnn_status dnn__nll_loss_bwd_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    const dnn_tensor *dloss = sig->in[0], *target = sig->in[1];

    DNN_TRY(dnn__check_dloss(op, sig->attr, dloss, target));
    DNN_TRY(dnn__check_destination_of(sig));
    DNN_TRY(dnn__check_class_target(op, sig->given[0], target));
    return dnn__check_class_weight(op, &sig->out[0], sig->in[2]);
}

/* dlogp = dloss c, and the row itself gives c, where dloss = 1. Ignored targets have c = 0, also
 * where all are ignored and the mean is NaN. */
void dnn__nll_loss_bwd_backward(dnn__grad *g)
{
    const dnn_attr_loss *attr = g->attr;
    const dnn__desc logp = dnn__desc_like(g->dout[0]);
    dnn_tensor *ones, *each;

    if (!g->wants[0]) {
        return;
    }
    ones = dnn_fill_(dnn__empty_desc("nll_loss_bwd", &g->in_desc[0], g->device), 1.0);
    each = dnn_mul(g->dout[0],
                   dnn__nll_loss_bwd(attr, ones, &logp, g->in[1], g->in[2], attr->reduction));
    g->din[0] = attr->reduction == DNN_NONE ? dnn_sum(each, .dims = DNN_DIMS(1)) : dnn_sum(each);
}
