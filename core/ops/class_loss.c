/* class_loss.c - what nll_loss and cross_entropy share (loss_impl.h): checks, and the common part
 * of their calls. The kernel checks the values of a target, these functions everything else. */
#include "loss_impl.h"

/* ---- checks ---- */

dnn_status dnn__check_class_target(const char *op, const dnn_tensor *input,
                                   const dnn_tensor *target)
{
    bool fits =
        input->ndim >= 2 && target->ndim == input->ndim - 1 && target->dim[0] == input->dim[0];

    if ((target->dtype & (DNN_T_I64 | DNN_T_I32 | DNN_T_U8)) == 0) {
        bool one_hot = dnn__same_dims(input->ndim, input->dim, target->ndim, target->dim);

        return dnn__fail(DNN_E_INVALID, "%s: target is %s, class indices must be i64, i32 or u8%s",
                         op, dnn_dtype_name(target->dtype),
                         one_hot ? "; dnn_argmax(target, 1) gives those of one-hot targets" : "");
    }
    for (int d = 2; fits && d < input->ndim; d++) {
        fits = target->dim[d - 1] == input->dim[d];
    }
    if (!fits) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: input is %s, target is %s: must be [N,C,d..] and [N,d..]", op,
                         dnn__dims_text(input), dnn__dims_text(target));
    }
    return DNN_OK;
}

dnn_status dnn__check_class_weight(const char *op, const dnn__desc *input, const dnn_tensor *weight)
{
    if (weight == NULL) {
        return DNN_OK;
    }
    if (weight->dtype != input->dtype) {
        return dnn__fail(DNN_E_INVALID, "%s: dtypes differ: input is %s, weight is %s", op,
                         dnn_dtype_name(input->dtype), dnn_dtype_name(weight->dtype));
    }
    if (weight->ndim != 1 || weight->dim[0] != input->dim[1]) {
        return dnn__fail(DNN_E_INVALID, "%s: weight is %s, input is %s: weight must be [%lld]", op,
                         dnn__dims_text(weight), dnn__shape_text(input->ndim, input->dim),
                         (long long)input->dim[1]);
    }
    return DNN_OK;
}

dnn_status dnn__check_smoothing(const char *op, double smoothing)
{
    if (!(smoothing >= 0.0 && smoothing <= 1.0)) {
        return dnn__fail(DNN_E_INVALID, "%s: label_smoothing %s is not in [0, 1]", op,
                         dnn__float_text(smoothing));
    }
    return DNN_OK;
}

dnn_status dnn__check_dloss(const char *op, const dnn_attr_loss *attr, const dnn_tensor *dloss,
                            const dnn_tensor *target)
{
    bool fits = attr->reduction == DNN_REDUCTION_NONE
                    ? dnn__same_dims(dloss->ndim, dloss->dim, target->ndim, target->dim)
                    : dloss->ndim == 0;

    if (!fits) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: dloss is %s, target is %s, reduction is %u: dloss must have rank 0, or "
            "target's shape under DNN_REDUCTION_NONE",
            op, dnn__dims_text(dloss), dnn__dims_text(target), attr->reduction);
    }
    return DNN_OK;
}

/* ---- calls ---- */

bool dnn__class_attr(const char *op, const dnn_cross_entropy_args *args, dnn_attr_loss *attr)
{
    dnn_status st;

    if (!dnn__ready(op, args->input) || !dnn__ready(op, args->target)) {
        return false;
    }
    st = dnn__check_reduction(op, (int)args->reduction);
    if (st == DNN_OK && args->ignore_zero && args->ignore_index != 0) {
        st = dnn__fail(DNN_E_INVALID, "%s: ignore_zero ignores class 0, ignore_index is %lld too",
                       op, (long long)args->ignore_index);
    }
    if (st == DNN_OK) {
        st = dnn__check_smoothing(op, args->label_smoothing);
    }
    if (st != DNN_OK) {
        dnn__null(st);
        return false;
    }
    attr->reduction = (uint32_t)args->reduction;
    attr->ignore_index = args->ignore_zero || args->ignore_index != 0 ? args->ignore_index : -100;
    return true;
}

/* input [C] and its target of rank 0 become a batch of one. false: an error is pending. */
static bool add_batch_axis(const char *op, const dnn_cross_entropy_args *args, dnn_tensor **input,
                           dnn_tensor **target)
{
    if (args->target->ndim != 0) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: input is %s, target is %s: target must have rank 0",
                            op, dnn__dims_text(args->input), dnn__dims_text(args->target)));
        return false;
    }
    *input = dnn_unsqueeze(args->input, 0);
    *target = dnn_unsqueeze(args->target, 0);
    return *input != NULL && *target != NULL;
}

dnn_tensor *dnn__class_loss(dnn__op_id op, const dnn_cross_entropy_args *args,
                            const dnn_attr_loss *attr)
{
    dnn_tensor *in[] = {args->input, args->target, args->weight}, *out[2] = {NULL}, *loss, *single;
    bool one_sample = args->input->ndim == 1;

    if (!one_sample || add_batch_axis(dnn__ops[op].name, args, &in[0], &in[1])) {
        bool keep_lse = dnn__ops[op].n_out > 1 && dnn__recording(in[0]);

        dnn__call_results(op, in, 3, attr, DNN__RESULT(0) | (keep_lse ? DNN__RESULT(1) : 0), out);
    }
    loss = out[0];
    dnn_release(out[1]);
    if (!one_sample) {
        return loss;
    }
    if (in[0] != args->input) {
        dnn_release(in[0]);
        dnn_release(in[1] != args->target ? in[1] : NULL);
    }
    if (loss == NULL || loss->ndim == 0) {
        return loss;
    }
    single = dnn_squeeze(loss, DNN_DIMS(0));
    dnn_release(loss);
    return single;
}

/* ---- gradients ---- */

void dnn__refuse_weight_gradient(const dnn__grad *g)
{
    if (g->wants[2] && dnn__dry_run == 0) { /* a dry run wants every gradient */
        dnn__null(dnn__fail(
            DNN_E_INVALID,
            "backward of %s: weight, the weights of the classes, requires a gradient, which "
            "the row does not have; dnn_detach it",
            g->op->name));
    }
}
