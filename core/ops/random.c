/* random.c - random fills and dropout. A kernel computes each number from its position (Philox).
 * Dispatch takes the range of positions from the generator; a gradient rule uses that of the
 * forward call again. */
#include "ops_impl.h"
#include "rules.h"

static dnn_tensor *fill_random(dnn__op_id op, dnn_tensor *target, const void *attr)
{
    return dnn__call_to(op, target, NULL, 0, attr);
}

dnn_tensor *dnn_uniform_(dnn_tensor *target, double low, double high)
{
    const dnn_attr_uniform attr = {.size = sizeof attr, .low = low, .high = high};

    if (!dnn__ready("uniform", target)) {
        return NULL;
    }
    if (!isfinite(low) || !isfinite(high) || low > high) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "uniform: low %s and high %s must be finite, low <= high",
                                   dnn__float_text(low), dnn__float_text(high)));
    }
    return fill_random(DNN_OP_uniform, target, &attr);
}

dnn_tensor *dnn_normal_(dnn_tensor *target, double mean, double std)
{
    const dnn_attr_normal attr = {.size = sizeof attr, .mean = mean, .std = std};

    if (!dnn__ready("normal", target)) {
        return NULL;
    }
    if (!isfinite(mean) || !isfinite(std) || std < 0.0) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "normal: mean %s and std %s must be finite, std >= 0",
                                   dnn__float_text(mean), dnn__float_text(std)));
    }
    return fill_random(DNN_OP_normal, target, &attr);
}

static dnn_status check_probability(const char *op, double p)
{
    if (!(p >= 0.0 && p <= 1.0)) {
        return dnn__fail(DNN_E_INVALID, "%s: p %s is not in [0, 1]", op, dnn__float_text(p));
    }
    return DNN_OK;
}

dnn_tensor *dnn_bernoulli_(dnn_tensor *target, double p)
{
    const dnn_attr_bernoulli attr = {.size = sizeof attr, .p = p};
    dnn_status st;

    if (!dnn__ready("bernoulli", target)) {
        return NULL;
    }
    st = check_probability("bernoulli", p);
    return st == DNN_OK ? fill_random(DNN_OP_bernoulli, target, &attr) : dnn__null(st);
}

dnn_tensor *dnn_dropout(dnn_tensor *x, double p)
{
    const dnn_attr_bernoulli attr = {.size = sizeof attr, .p = p};
    dnn_status st;

    if (!dnn__ready("dropout", x)) {
        return NULL;
    }
    st = check_probability("dropout", p);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    return p == 0.0 && dnn__is_float(x->dtype) ? x : dnn__call(DNN_OP_dropout, &x, 1, &attr);
}

/* dropout and dropout_bwd: dx = dy times the factors of the forward call, from its numbers. */
void dnn__dropout_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0]}, *out[] = {NULL};
    const dnn__request request = {.op = DNN_OP_dropout_bwd,
                                  .n_in = 1,
                                  .n_out = 1,
                                  .in = in,
                                  .out = out,
                                  .want = 1,
                                  .attr = g->attr,
                                  .rng = &g->rng};
    dnn_status st = dnn__call_request(&request);

    g->din[0] = st == DNN_OK ? out[0] : dnn__null(st);
}
