/* cross_entropy.c - cross entropy of logits and class indices: one row for log_softmax and
 * nll_loss, with label smoothing, and its gradient row. */
#include "loss_impl.h"
#include "rules.h"

dnn_tensor *dnn_cross_entropy_with(dnn_cross_entropy_args args)
{
    dnn_attr_loss attr = {.size = sizeof attr,
                          .smoothing = args.label_smoothing + 0.0}; /* -0 becomes 0 */

    return dnn__class_attr("cross_entropy", &args, &attr)
               ? dnn__class_loss(DNN_OP_softmax_cross_entropy, &args, &attr)
               : NULL;
}

dnn_status dnn__cross_entropy_shape(dnn__sig *sig)
{
    const dnn_attr_loss *attr = sig->attr;

    DNN_TRY(dnn__check_smoothing(sig->op->name, attr->smoothing));
    DNN_TRY(dnn__nll_loss_shape(sig));
    sig->out[1].dtype = sig->in[0]->dtype;
    dnn__take_dims(&sig->out[1], sig->in[1]);
    return DNN_OK;
}

void dnn__cross_entropy_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[0], g->in[1], g->in[2], g->out[1]};

    dnn__refuse_weight_gradient(g);
    if (g->wants[0]) {
        g->din[0] = dnn__gradient_row(DNN_OP_softmax_cross_entropy_bwd, in, 5, g->attr);
    }
}

/* (dloss, x, target, weight, lse) -> dx. */
dnn_status dnn__cross_entropy_bwd_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    const dnn_tensor *dloss = sig->in[0], *x = sig->in[1], *target = sig->in[2], *lse = sig->in[4];

    DNN_TRY(dnn__check_dloss(op, sig->attr, dloss, target));
    DNN_TRY(dnn__check_class_target(op, x, target));
    if (x->dtype != dloss->dtype || lse->dtype != dloss->dtype ||
        !dnn__same_dims(lse->ndim, lse->dim, target->ndim, target->dim)) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: dloss is %s, x is %s, lse is %s %s, target is %s: must have one dtype, and "
            "lse target's shape",
            op, dnn_dtype_name(dloss->dtype), dnn_dtype_name(x->dtype), dnn_dtype_name(lse->dtype),
            dnn__dims_text(lse), dnn__dims_text(target));
    }
    sig->out[0] = dnn__desc_like(x);
    return dnn__check_class_weight(op, &sig->out[0], sig->in[3]);
}

/* The operands of softmax_cross_entropy_bwd but lse. */
struct cross_entropy {
    const dnn_attr_loss *attr;
    dnn__desc desc; /* of x */
    dnn_tensor *dloss, *x, *target, *weight;
};

static dnn_tensor *ones(const struct cross_entropy *c, const dnn__desc *desc)
{
    return dnn_fill_(dnn__empty_desc("cross_entropy", desc, dnn__device_of(c->x)), 1.0);
}

/* The gradient of each sample's loss as [N,1,d..]: 0 where the target is ignored; for the mean
 * dloss / sum(w[t]). */
static dnn_tensor *dloss_of_samples(const struct cross_entropy *c)
{
    const dnn__desc one = {.dtype = c->desc.dtype};
    dnn_tensor *dloss = c->dloss, *target = dnn_to(c->target, .dtype = DNN_T_I64), *ignored;

    if (c->attr->reduction == DNN_REDUCTION_MEAN) {
        dnn_tensor *weights = dnn__nll_loss_bwd(c->attr, ones(c, &one), &c->desc, c->target,
                                                c->weight, DNN_REDUCTION_SUM);

        dloss = dnn_div(dloss, dnn_neg(dnn_sum(weights)));
    }
    ignored = dnn_eq(target, (double)c->attr->ignore_index);
    return dnn_unsqueeze(dnn_masked_fill(dloss, ignored, 0.0), 1);
}

/* The gradient of the log-probabilities by label smoothing, without its factor e/C: -w[k] for each
 * class k of each sample. */
static dnn_tensor *smoothing_dlogp(const struct cross_entropy *c)
{
    const dnn__desc *x = &c->desc, classes = {.dtype = x->dtype, .ndim = 1, {x->dim[1]}};
    dnn_tensor *weight = c->weight != NULL ? c->weight : ones(c, &classes);
    dnn_shape shape = {.ndim = x->ndim, .dim = {1}};

    for (int d = 0; d < x->ndim; d++) {
        shape.dim[d] = d == 1 ? x->dim[1] : 1;
    }
    return dnn_neg(dnn_mul(dloss_of_samples(c), dnn_reshape(weight, shape)));
}

/* With d the gradient of the log-probabilities and p = softmax(x): dx = d - p sum(d). */
void dnn__softmax_cross_entropy_bwd_decompose(dnn__decomposition *parts)
{
    const struct cross_entropy c = {.attr = parts->attr,
                                    .desc = dnn__desc_like(parts->in[1]),
                                    .dloss = parts->in[0],
                                    .x = parts->in[1],
                                    .target = parts->in[2],
                                    .weight = parts->in[3]};
    dnn_tensor *p = dnn_exp(dnn_log_softmax(c.x, 1));
    dnn_tensor *d =
        dnn__nll_loss_bwd(c.attr, c.dloss, &c.desc, c.target, c.weight, c.attr->reduction);
    double e = c.attr->smoothing;

    if (e != 0.0) {
        d = dnn_add(dnn_mul(d, 1.0 - e), dnn_mul(smoothing_dlogp(&c), e / (double)c.desc.dim[1]));
    }
    parts->out[0] = dnn_sub(d, dnn_mul(p, dnn_sum(d, .dims = DNN_DIMS(1), .keepdim = true)));
}
