/* cases_reduce.c - cases of reductions, softmax and matrix products. The harness gets them through
 * the operator table. */
#include "cases.h"

static bool is_float(const conf_sink *s)
{
    return ref_is_float(s->dtype);
}

static dnn_shape reduced(dnn_shape x, uint32_t dims, bool keepdim)
{
    dnn_shape y = {.ndim = 0};

    for (int d = 0; d < x.ndim; d++) {
        if ((dims >> d & 1) == 0) {
            y.dim[y.ndim++] = x.dim[d];
        } else if (keepdim) {
            y.dim[y.ndim++] = 1;
        }
    }
    return y;
}

static int64_t elements(dnn_shape x)
{
    return ref_count((int)x.ndim, x.dim);
}

/* Every set of axes of each shape, if there are few. some: the reduced axes are not empty. */
static void reduce_cases(conf_sink *s, enum conf_values values, double low, double high,
                         uint32_t out, enum conf_judge judge, bool some)
{
    for (const dnn_shape *x = conf_axes_shapes(s->mode); x->ndim >= 0; x++) {
        for (uint32_t dims = 1; dims < 1u << x->ndim; dims++) {
            conf_case c = conf_case_new(is_float(s) ? judge : CONF_EXACT);
            bool keepdim = dims & 1;

            if (some && elements(*x) == 0) {
                dnn_shape rest = reduced(*x, ~dims, false);

                if (elements(rest) == 0) {
                    continue;
                }
            }
            conf_in(&c, s->dtype, *x, is_float(s) ? values : CONF_INTEGER, is_float(s) ? low : -120,
                    is_float(s) ? high : 127);
            c.attr.reduce =
                (dnn_attr_reduce){.size = sizeof c.attr.reduce, .keepdim = keepdim, .dims = dims};
            conf_out(&c, out, reduced(*x, dims, keepdim));
            s->emit(s, &c);
        }
    }
}

/* Values are -1 .. 2: sums of numbers with mean 0 would measure cancellation, not the kernel. */
void cases_sum(conf_sink *s)
{
    reduce_cases(s, CONF_UNIFORM, -1, 2, is_float(s) ? s->dtype : DNN_T_I64, CONF_SUM, false);
}

void cases_mean(conf_sink *s)
{
    reduce_cases(s, CONF_UNIFORM, -1, 2, s->dtype, CONF_SUM, false);
}

void cases_amax(conf_sink *s)
{
    reduce_cases(s, CONF_DISTINCT, 0.03, 0, s->dtype, CONF_EXACT, true);
}

void cases_amin(conf_sink *s)
{
    reduce_cases(s, CONF_DISTINCT, 0.03, 0, s->dtype, CONF_EXACT, true);
}

/* ---- along one axis ---- */

/* Few different values, so that some are equal; but all different for gradient checks, which equal
 * values would spoil. */
static void index_cases(conf_sink *s, bool values)
{
    for (const dnn_shape *x = conf_axes_shapes(s->mode); x->ndim >= 0; x++) {
        for (int dim = 0; dim < x->ndim; dim++) {
            conf_case c = conf_case_new(CONF_EXACT);
            bool keepdim = dim & 1;
            dnn_shape y = reduced(*x, 1u << dim, keepdim);

            if (x->dim[dim] == 0) {
                continue;
            }
            if (s->mode == CONF_GRAD) {
                conf_in(&c, s->dtype, *x, CONF_DISTINCT, 0.03, 0);
            } else {
                conf_in(&c, s->dtype, *x, CONF_INTEGER, -3, 3);
            }
            c.attr.reduce_dim = (dnn_attr_reduce_dim){
                .size = sizeof c.attr.reduce_dim, .dim = dim, .keepdim = keepdim};
            if (values) {
                conf_out(&c, s->dtype, y);
            }
            conf_out(&c, DNN_T_I64, y);
            s->emit(s, &c);
        }
    }
}

void cases_max_dim(conf_sink *s)
{
    index_cases(s, true);
}

void cases_min_dim(conf_sink *s)
{
    index_cases(s, true);
}

void cases_argmax(conf_sink *s)
{
    index_cases(s, false);
}

void cases_argmin(conf_sink *s)
{
    index_cases(s, false);
}

void cases_max_dim_bwd(conf_sink *s)
{
    for (const dnn_shape *x = conf_axes_shapes(s->mode); x->ndim >= 0; x++) {
        for (int dim = 0; dim < x->ndim; dim++) {
            conf_case c = conf_case_new(CONF_EXACT);
            dnn_shape y = reduced(*x, 1u << dim, true);

            if (x->dim[dim] == 0) {
                continue;
            }
            conf_in(&c, s->dtype, y, CONF_UNIFORM, -3, 3);
            conf_in(&c, DNN_T_I64, y, CONF_INTEGER, 0, (double)x->dim[dim] - 1)->plain = true;
            c.attr.dim = (dnn_attr_dim){.size = sizeof c.attr.dim, .dim = dim};
            c.destination = true;
            conf_out(&c, s->dtype, *x);
            s->emit(s, &c);
        }
    }
}

static void softmax_cases(conf_sink *s, int n_in, double low, double high)
{
    for (const dnn_shape *x = conf_axes_shapes(s->mode); x->ndim >= 0; x++) {
        for (int dim = 0; dim < x->ndim; dim++) {
            conf_case c = conf_case_new(n_in == 1 ? CONF_ELEMENT : CONF_SUM);

            for (int i = 0; i < n_in; i++) {
                conf_in(&c, s->dtype, *x, CONF_UNIFORM, i == 0 ? -2 : low, i == 0 ? 2 : high);
            }
            c.attr.dim = (dnn_attr_dim){.size = sizeof c.attr.dim, .dim = dim};
            conf_out(&c, s->dtype, *x);
            s->emit(s, &c);
        }
    }
}

void cases_softmax(conf_sink *s)
{
    softmax_cases(s, 1, 0, 0);
}

void cases_log_softmax(conf_sink *s)
{
    softmax_cases(s, 1, 0, 0);
}

void cases_softmax_bwd(conf_sink *s)
{
    softmax_cases(s, 2, 0, 0.5);
}

void cases_log_softmax_bwd(conf_sink *s)
{
    softmax_cases(s, 2, -4, -1);
}

/* ---- products ----
 * Values do not have mean 0: in an expanded layout all results are one number, which could cancel.
 */

static void matmul_case(conf_sink *s, dnn_shape batch, int64_t m, int64_t k, int64_t n)
{
    conf_case c = conf_case_new(CONF_SUM);
    dnn_shape a = batch, b = batch, y = batch;

    a.dim[batch.ndim] = y.dim[batch.ndim] = m;
    a.dim[batch.ndim + 1] = b.dim[batch.ndim] = k;
    b.dim[batch.ndim + 1] = y.dim[batch.ndim + 1] = n;
    a.ndim = b.ndim = y.ndim = batch.ndim + 2;
    conf_in(&c, s->dtype, a, CONF_UNIFORM, -0.5, 1);
    conf_in(&c, s->dtype, b, CONF_UNIFORM, -0.5, 1);
    conf_out(&c, s->dtype, y);
    s->emit(s, &c);
}

void cases_matmul(conf_sink *s)
{
    if (s->mode == CONF_PROMISES) {
        matmul_case(s, DNN_SCALAR, 130, 784, 70);
        matmul_case(s, DNN_SHAPE(9), 33, 40, 17);
        return;
    }
    matmul_case(s, DNN_SCALAR, 2, 3, 4);
    matmul_case(s, DNN_SCALAR, 1, 1, 1);
    matmul_case(s, DNN_SCALAR, 2, 0, 3);
    matmul_case(s, DNN_SCALAR, 0, 3, 2);
    matmul_case(s, DNN_SHAPE(2), 2, 3, 2);
    matmul_case(s, DNN_SHAPE(0), 2, 3, 2);
    if (s->mode == CONF_VALUE) {
        matmul_case(s, DNN_SCALAR, 17, 67, 33);
        matmul_case(s, DNN_SCALAR, 3, 4096, 5);
        matmul_case(s, DNN_SCALAR, 1, 50, 9);
        matmul_case(s, DNN_SHAPE(3, 2), 5, 1, 7);
    }
}

static void linear_case(conf_sink *s, dnn_shape x, int64_t out, bool bias)
{
    conf_case c = conf_case_new(CONF_SUM);
    int64_t in = x.dim[x.ndim - 1];
    dnn_shape y = x;

    y.dim[y.ndim - 1] = out;
    conf_in(&c, s->dtype, x, CONF_UNIFORM, -0.5, 1);
    conf_in(&c, s->dtype, DNN_SHAPE(out, in), CONF_UNIFORM, -0.5, 1);
    if (bias) {
        conf_in(&c, s->dtype, DNN_SHAPE(out), CONF_UNIFORM, -0.5, 1);
    } else {
        conf_no_in(&c);
    }
    conf_out(&c, s->dtype, y);
    s->emit(s, &c);
}

void cases_linear(conf_sink *s)
{
    for (int bias = 0; bias < 2; bias++) {
        if (s->mode == CONF_PROMISES) {
            linear_case(s, DNN_SHAPE(128, 784), 10, bias != 0);
            linear_case(s, DNN_SHAPE(200, 33), 257, bias != 0);
            continue;
        }
        linear_case(s, DNN_SHAPE(3, 4), 2, bias != 0);
        linear_case(s, DNN_SHAPE(5), 3, bias != 0);
        linear_case(s, DNN_SHAPE(2, 1, 3), 2, bias != 0);
        linear_case(s, DNN_SHAPE(0, 3), 2, bias != 0);
        linear_case(s, DNN_SHAPE(2, 0), 3, bias != 0);
        if (s->mode == CONF_VALUE) {
            linear_case(s, DNN_SHAPE(7, 784), 31, bias != 0);
        }
    }
}
