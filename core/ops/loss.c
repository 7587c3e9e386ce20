/* loss.c - losses of two tensors of one shape: mse_loss and l1_loss, which other operators compute;
 * the check of a reduction, which every loss calls. */
#include "loss_impl.h"

dnn_status dnn__check_reduction(const char *op, int64_t reduction)
{
    if (reduction != DNN_REDUCTION_MEAN && reduction != DNN_REDUCTION_SUM &&
        reduction != DNN_REDUCTION_NONE) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: reduction %lld is none of DNN_REDUCTION_MEAN %d, DNN_REDUCTION_SUM "
                         "%d, DNN_REDUCTION_NONE %d",
                         op, (long long)reduction, DNN_REDUCTION_MEAN, DNN_REDUCTION_SUM,
                         DNN_REDUCTION_NONE);
    }
    return DNN_OK;
}

static bool check_pair(const char *op, const dnn_loss_args *args)
{
    const dnn_tensor *a = args->input, *b = args->target;
    dnn_status st;

    if (!dnn__ready(op, args->input) || !dnn__ready(op, args->target)) {
        return false;
    }
    st = dnn__check_reduction(op, (int)args->reduction);
    if (st == DNN_OK && (!dnn__is_float(a->dtype) || a->dtype != b->dtype)) {
        st =
            dnn__fail(DNN_E_INVALID,
                      "%s: input is %s, target is %s: must be one floating dtype (dnn_to converts)",
                      op, dnn_dtype_name(a->dtype), dnn_dtype_name(b->dtype));
    }
    if (st == DNN_OK && !dnn__same_dims(a->ndim, a->dim, b->ndim, b->dim)) {
        st = dnn__fail(DNN_E_INVALID, "%s: input is %s, target is %s: shapes must be equal", op,
                       dnn__dims_text(a), dnn__dims_text(b));
    }
    if (st != DNN_OK) {
        dnn__null(st);
    }
    return st == DNN_OK;
}

/* measure(input - target), reduced. */
static dnn_tensor *pair_loss(const char *op, const dnn_loss_args *args,
                             dnn_tensor *(*measure)(dnn_tensor *))
{
    dnn_tensor *difference, *each, *loss;

    if (!check_pair(op, args)) {
        return NULL;
    }
    difference = dnn_sub(args->input, args->target);
    each = measure(difference);
    dnn_release(difference);
    if (args->reduction == DNN_REDUCTION_NONE) {
        return each;
    }
    loss = args->reduction == DNN_REDUCTION_SUM ? dnn_sum(each) : dnn_mean(each);
    dnn_release(each);
    return loss;
}

dnn_tensor *dnn_mse_loss_with(dnn_loss_args args)
{
    return pair_loss("mse_loss", &args, dnn_square);
}

dnn_tensor *dnn_l1_loss_with(dnn_loss_args args)
{
    return pair_loss("l1_loss", &args, dnn_abs);
}
