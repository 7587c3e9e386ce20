/* loss.c - losses: classes by number (nll_loss, cross_entropy), squared and absolute error.
 * Programs call it. What the targets hold is checked by the kernel; everything else about a loss is
 * checked here. */
#include "ops_impl.h"
#include "rules.h"

/* ---- shape rules ---- */

static dnn_status check_target(const char *op, const dnn_tensor *input, const dnn_tensor *target)
{
    bool fits =
        input->ndim >= 2 && target->ndim == input->ndim - 1 && target->dim[0] == input->dim[0];

    if ((target->dtype & (DNN_T_I64 | DNN_T_I32 | DNN_T_U8)) == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: target is %s, class numbers must be i64, i32 or u8",
                         op, dnn_dtype_name(target->dtype));
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

static dnn_status check_weight(const char *op, const dnn__desc *input, const dnn_tensor *weight)
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

static dnn_status check_reduction(const char *op, int64_t reduction)
{
    if (reduction != DNN_MEAN && reduction != DNN_SUM && reduction != DNN_NONE) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: reduction %lld is none of DNN_MEAN %d, DNN_SUM %d, DNN_NONE %d", op,
                         (long long)reduction, DNN_MEAN, DNN_SUM, DNN_NONE);
    }
    return DNN_OK;
}

static dnn_status check_smoothing(const char *op, double smoothing)
{
    if (!(smoothing >= 0.0 && smoothing <= 1.0)) {
        return dnn__fail(DNN_E_INVALID, "%s: label_smoothing %g is not in [0, 1]", op, smoothing);
    }
    return DNN_OK;
}

/* (input, target, weight) -> the loss: rank 0, or of the target's dims. */
dnn_status dnn__nll_loss_shape(dnn__sig *sig)
{
    const dnn_attr_loss *attr = sig->attr;
    const dnn_tensor *input = sig->in[0], *target = sig->in[1];
    const dnn__desc desc = dnn__desc_like(input);
    dnn__desc *out = &sig->out[0];

    DNN_TRY(check_reduction(sig->op->name, attr->reduction));
    DNN_TRY(check_target(sig->op->name, input, target));
    DNN_TRY(check_weight(sig->op->name, &desc, sig->in[2]));
    out->dtype = input->dtype;
    out->ndim = 0;
    if (attr->reduction == DNN_NONE) {
        dnn__take_dims(out, target);
    }
    return DNN_OK;
}

dnn_status dnn__cross_entropy_shape(dnn__sig *sig)
{
    const dnn_attr_loss *attr = sig->attr;

    DNN_TRY(check_smoothing(sig->op->name, attr->smoothing));
    DNN_TRY(dnn__nll_loss_shape(sig));
    sig->out[1].dtype = sig->in[0]->dtype;
    dnn__take_dims(&sig->out[1], sig->in[1]);
    return DNN_OK;
}

/* dloss is rank 0, or of the target's dims where the loss was not reduced. */
static dnn_status check_dloss(const char *op, const dnn_attr_loss *attr, const dnn_tensor *dloss,
                              const dnn_tensor *target)
{
    bool fits = attr->reduction == DNN_NONE
                    ? dnn__same_dims(dloss->ndim, dloss->dim, target->ndim, target->dim)
                    : dloss->ndim == 0;

    if (!fits) {
        return dnn__fail(DNN_E_INVALID, "%s: dloss is %s, target is %s, reduction %u", op,
                         dnn__dims_text(dloss), dnn__dims_text(target), attr->reduction);
    }
    return DNN_OK;
}

/* (dloss, target, weight) -> the destination, which has the dims of the log-probabilities. */
dnn_status dnn__nll_loss_bwd_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    const dnn_tensor *dloss = sig->in[0], *target = sig->in[1];

    DNN_TRY(check_dloss(op, sig->attr, dloss, target));
    if (sig->given[0] == NULL || sig->out[0].dtype != dloss->dtype) {
        return dnn__fail(DNN_E_INVALID, "%s: needs a target of dloss's dtype %s", op,
                         dnn_dtype_name(dloss->dtype));
    }
    DNN_TRY(check_target(op, sig->given[0], target));
    return check_weight(op, &sig->out[0], sig->in[2]);
}

/* (dloss, x, target, weight, lse) -> dx. */
dnn_status dnn__cross_entropy_bwd_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    const dnn_tensor *dloss = sig->in[0], *x = sig->in[1], *target = sig->in[2], *lse = sig->in[4];

    DNN_TRY(check_dloss(op, sig->attr, dloss, target));
    DNN_TRY(check_target(op, x, target));
    if (x->dtype != dloss->dtype || lse->dtype != dloss->dtype ||
        !dnn__same_dims(lse->ndim, lse->dim, target->ndim, target->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: dloss is %s, x is %s, lse is %s %s, target is %s", op,
                         dnn_dtype_name(dloss->dtype), dnn_dtype_name(x->dtype),
                         dnn_dtype_name(lse->dtype), dnn__dims_text(lse), dnn__dims_text(target));
    }
    sig->out[0] = dnn__desc_like(x);
    return check_weight(op, &sig->out[0], sig->in[3]);
}

/* ---- gradients: to the input only ---- */

/* What dloss is to log-probabilities of desc, as nll_loss reduces them. */
static dnn_tensor *to_logp(const dnn_attr_loss *given, dnn_tensor *dloss, const dnn__desc *desc,
                           dnn_tensor *target, dnn_tensor *weight, uint32_t reduction)
{
    const dnn_attr_loss attr = {
        .size = sizeof attr, .reduction = reduction, .ignore_index = given->ignore_index};
    dnn__device *device = dnn__device_of(target);
    dnn_tensor *in[] = {dloss, target, weight};

    return dnn__call_to(DNN_OP_nll_loss_bwd, dnn__empty_desc("nll_loss_bwd", desc, device), in, 3,
                        &attr);
}

/* The weights are numbers of the problem. A zero in their gradient would be wrong, so asking is an
 * error. */
static void refuse_weight(const dnn__grad *g)
{
    if (g->wants[2] && dnn__dry_run == 0) { /* a dry run wants every gradient */
        dnn__null(dnn__fail(DNN_E_INVALID,
                            "backward of %s: the weights of the classes want a gradient, and have "
                            "none; dnn_detach them",
                            g->op->name));
    }
}

void dnn__nll_loss_backward(dnn__grad *g)
{
    const dnn_attr_loss *attr = g->attr;

    refuse_weight(g);
    if (g->wants[0]) {
        g->din[0] = to_logp(attr, g->dout[0], &g->in_desc[0], g->in[1], g->in[2], attr->reduction);
    }
}

/* dlogp = dloss c with numbers c: where all is ignored they are 0, though the mean of nothing is
 * NaN.
 */
void dnn__nll_loss_bwd_backward(dnn__grad *g)
{
    const dnn_attr_loss *attr = g->attr;
    const dnn__desc logp = dnn__desc_like(g->dout[0]);
    dnn_tensor *ones, *each;

    if (!g->wants[0]) {
        return;
    }
    ones = dnn_fill_(dnn__empty_desc("nll_loss_bwd", &g->in_desc[0], g->device), 1.0);
    each = dnn_mul(g->dout[0], to_logp(attr, ones, &logp, g->in[1], g->in[2], attr->reduction));
    g->din[0] = attr->reduction == DNN_NONE ? dnn_sum(each, .dims = DNN_DIMS(1)) : dnn_sum(each);
}

/* The operands of softmax_cross_entropy_bwd. */
struct cross_entropy {
    const dnn_attr_loss *attr;
    dnn__desc desc; /* of x */
    dnn_tensor *dloss, *x, *target, *weight;
};

static dnn_tensor *ones(const struct cross_entropy *c, const dnn__desc *desc)
{
    return dnn_fill_(dnn__empty_desc("cross_entropy", desc, dnn__device_of(c->x)), 1.0);
}

/* dloss by row: [N,1,d..], 0 where the target is ignored, divided by the weights of the mean. */
static dnn_tensor *by_row(const struct cross_entropy *c)
{
    const dnn__desc one = {.dtype = c->desc.dtype};
    dnn_tensor *dloss = c->dloss, *target = dnn_cast(c->target, DNN_T_I64), *ignored;

    if (c->attr->reduction == DNN_MEAN) {
        dnn_tensor *weights =
            to_logp(c->attr, ones(c, &one), &c->desc, c->target, c->weight, DNN_SUM);

        dloss = dnn_div(dloss, dnn_neg(dnn_sum(weights)));
    }
    ignored = dnn_eq_scalar(target, (double)c->attr->ignore_index);
    return dnn_unsqueeze(dnn_masked_fill(dloss, ignored, 0.0), 1);
}

/* The share of label smoothing: -w[k] for every class, in every row. */
static dnn_tensor *to_all_logp(const struct cross_entropy *c)
{
    const dnn__desc *x = &c->desc, classes = {.dtype = x->dtype, .ndim = 1, {x->dim[1]}};
    dnn_tensor *weight = c->weight != NULL ? c->weight : ones(c, &classes);
    dnn_shape shape = {x->ndim, {1}};

    for (int d = 0; d < x->ndim; d++) {
        shape.dim[d] = d == 1 ? x->dim[1] : 1;
    }
    return dnn_neg(dnn_mul(by_row(c), dnn_reshape(weight, shape)));
}

/* Through log_softmax: with d the gradient of the log-probabilities, dx = d - p sum(d). */
void dnn__softmax_cross_entropy_bwd_decompose(dnn__decomposition *parts)
{
    const struct cross_entropy c = {.attr = parts->attr,
                                    .desc = dnn__desc_like(parts->in[1]),
                                    .dloss = parts->in[0],
                                    .x = parts->in[1],
                                    .target = parts->in[2],
                                    .weight = parts->in[3]};
    dnn_tensor *p = dnn_exp(dnn_log_softmax(c.x, 1));
    dnn_tensor *d = to_logp(c.attr, c.dloss, &c.desc, c.target, c.weight, c.attr->reduction);
    double e = c.attr->smoothing;

    if (e != 0.0) {
        d = dnn_add(dnn_mul_scalar(d, 1.0 - e),
                    dnn_mul_scalar(to_all_logp(&c), e / (double)c.desc.dim[1]));
    }
    parts->out[0] = dnn_sub(d, dnn_mul(p, dnn_sum(d, .dims = DNN_DIMS(1), .keepdim = true)));
}

void dnn__cross_entropy_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[0], g->in[1], g->in[2], g->out[1]};

    refuse_weight(g);
    if (g->wants[0]) {
        g->din[0] = dnn__gradient_row(DNN_OP_softmax_cross_entropy_bwd, in, 5, g->attr);
    }
}

/* ---- classes by number ---- */

/* One row [C] with its class of rank 0 becomes a batch of one. false: the error is pending. */
static bool make_batch(const char *op, const dnn_loss_args *args, dnn_tensor **input,
                       dnn_tensor **target)
{
    if (args->target->ndim != 0) {
        dnn__null(dnn__fail(DNN_E_INVALID,
                            "%s: input is %s, target is %s: one row needs a target of rank 0", op,
                            dnn__dims_text(args->input), dnn__dims_text(args->target)));
        return false;
    }
    *input = dnn_unsqueeze(args->input, 0);
    *target = dnn_unsqueeze(args->target, 0);
    return *input != NULL && *target != NULL;
}

static dnn_tensor *class_loss(dnn__op_id op, const dnn_loss_args *args, const dnn_attr_loss *attr)
{
    dnn_tensor *in[] = {args->input, args->target, args->weight}, *out[2] = {NULL}, *loss, *single;
    bool row = args->input->ndim == 1;

    if (!row || make_batch(dnn__ops[op].name, args, &in[0], &in[1])) {
        bool keep_lse = dnn__ops[op].n_out > 1 && dnn__recording(in[0]);

        dnn__call_results(op, in, 3, attr, DNN__RESULT(0) | (keep_lse ? DNN__RESULT(1) : 0), out);
    }
    loss = out[0];
    dnn_release(out[1]);
    if (!row) {
        return loss;
    }
    if (in[0] != args->input) {
        dnn_release(in[0]);
        dnn_release(in[1] != args->target ? in[1] : NULL);
    }
    if (loss == NULL || loss->ndim == 0) {
        return loss;
    }
    single = dnn_squeeze(loss, (dnn_dims){1, {0}});
    dnn_release(loss);
    return single;
}

/* The attributes of a class loss; false: an error is pending. */
static bool class_attr(const char *op, const dnn_loss_args *args, dnn_attr_loss *attr)
{
    dnn_status st;

    if (!dnn__ready(op, args->input) || !dnn__ready(op, args->target)) {
        return false;
    }
    st = check_reduction(op, args->reduction);
    if (st == DNN_OK) {
        st = check_smoothing(op, args->label_smoothing);
    }
    if (st != DNN_OK) {
        dnn__null(st);
        return false;
    }
    attr->reduction = (uint32_t)args->reduction;
    attr->ignore_index = args->ignore_index == 0              ? -100
                         : args->ignore_index == DNN_ZERO_INT ? 0
                                                              : args->ignore_index;
    return true;
}

dnn_tensor *dnn_nll_loss_with(dnn_loss_args args)
{
    dnn_attr_loss attr = {.size = sizeof attr};

    if (!class_attr("nll_loss", &args, &attr)) {
        return NULL;
    }
    if (args.label_smoothing != 0.0) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "nll_loss: label_smoothing %g: only cross_entropy smooths",
                                   args.label_smoothing));
    }
    return class_loss(DNN_OP_nll_loss, &args, &attr);
}

dnn_tensor *dnn_cross_entropy_with(dnn_loss_args args)
{
    dnn_attr_loss attr = {.size = sizeof attr,
                          .smoothing = args.label_smoothing + 0.0}; /* -0 becomes 0 */

    return class_attr("cross_entropy", &args, &attr)
               ? class_loss(DNN_OP_softmax_cross_entropy, &args, &attr)
               : NULL;
}

/* ---- errors place by place ---- */

static bool pair_ready(const char *op, const dnn_loss_args *args)
{
    const dnn_tensor *a = args->input, *b = args->target;
    dnn_status st;

    if (!dnn__ready(op, a) || !dnn__ready(op, b)) {
        return false;
    }
    st = check_reduction(op, args->reduction);
    if (st == DNN_OK && (!dnn__is_float(a->dtype) || a->dtype != b->dtype)) {
        st = dnn__fail(
            DNN_E_INVALID,
            "%s: input is %s, target is %s: must be one floating dtype (dnn_cast converts)", op,
            dnn_dtype_name(a->dtype), dnn_dtype_name(b->dtype));
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

/* op(input - target), reduced. */
static dnn_tensor *pair_loss(const char *op, const dnn_loss_args *args,
                             dnn_tensor *(*measure)(dnn_tensor *))
{
    dnn_tensor *apart, *each, *loss;

    if (!pair_ready(op, args)) {
        return NULL;
    }
    apart = dnn_sub(args->input, args->target);
    each = measure(apart);
    dnn_release(apart);
    if (args->reduction == DNN_NONE) {
        return each;
    }
    loss = args->reduction == DNN_SUM ? dnn_sum(each) : dnn_mean(each);
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
