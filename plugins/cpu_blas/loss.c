/* loss.c - nll_loss, softmax cross entropy and their gradients. Every label is checked before
 * anything is written. Sums over rows are in double, in pieces of fixed size that are added in
 * order. Nothing is allocated. */
#include "cpu_blas.h"
#include <math.h>
#include <string.h>

enum {
    ROWS = 32,   /* rows whose exponentials are summed together */
    PIECE = 1024 /* rows of one partial sum */
};

/* A call as [n, classes, inner]: row r = sample * inner + j. Class c of row r is element (sample *
 * classes + c) * inner + j. total and divisor are the sums over the rows. */
struct loss {
    const dnn_call *call;
    int64_t n, classes, inner, rows, pieces, ignore;
    uint32_t reduction;
    double smoothing, scale; /* bwd: scale is 1/divisor for a mean, else 1 */
    double weight_sum;       /* bwd with smoothing: the sum of the weights of all classes */
    const dnn_view *target;
    const void *x, *weight, *lse, *dloss;
    void *to, *lse_to;
    double *partial; /* [2 pieces]: the sum of losses of each piece, then the sums of weights */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Fills in the sizes. x, or dlogp, has the target's shape with the axis of classes added. */
static struct loss loss_of(const dnn_call *c, const dnn_view *x, const dnn_view *target,
                           const dnn_view *weight)
{
    const dnn_attr_loss *attr = c->attr;
    int axis = x->ndim > 1;
    struct loss s = {.call = c,
                     .n = axis ? x->dim[0] : 1,
                     .classes = x->dim[axis],
                     .inner = 1,
                     .ignore = attr->ignore_index,
                     .reduction = attr->reduction,
                     .smoothing = attr->smoothing,
                     .scale = 1,
                     .target = target,
                     .x = x->data,
                     .weight = weight ? weight->data : NULL};

    for (int d = 2; d < x->ndim; d++)
        s.inner *= x->dim[d];
    s.rows = s.n * s.inner;
    s.pieces = (s.rows + PIECE - 1) / PIECE;
    return s;
}

static int64_t label_at(const struct loss *s, int64_t row)
{
    const void *data = s->target->data;

    if (s->target->dtype == DNN_T_I64)
        return ((const int64_t *)data)[row];
    if (s->target->dtype == DNN_T_I32)
        return ((const int32_t *)data)[row];
    return ((const uint8_t *)data)[row];
}

static dnn_status check_labels(const struct loss *s, const char *op)
{
    for (int64_t r = 0; r < s->rows; r++) {
        int64_t t = label_at(s, r);

        if (t != s->ignore && (t < 0 || t >= s->classes))
            return s->call->host->fail(DNN_E_INVALID,
                                       "%s: target is %lld at row %lld, there are %lld classes", op,
                                       (long long)t, (long long)r, (long long)s->classes);
    }
    return DNN_OK;
}

/* Returns the element of class 0 of a row. */
static int64_t row_start(const struct loss *s, int64_t row)
{
    return row / s->inner * s->classes * s->inner + row % s->inner;
}

/* Returns how many rows from this one on are adjacent in memory and can be computed together. */
static int64_t neighbours(const struct loss *s, int64_t row, int64_t end)
{
    int64_t count = least(least(end - row, ROWS), s->inner - row % s->inner);

    return count;
}

#define REAL_BITS 32
#include "loss_real.h"
#undef REAL_BITS
#define REAL_BITS 64
#include "loss_real.h"

/* ---- kernels ---- */

typedef void loss_task(void *arg, int64_t begin, int64_t end, int worker);

static bool is_f32(const dnn_call *c)
{
    return c->in[0]->dtype == DNN_T_F32;
}

/* Adds the partial sums of the pieces in order. */
static void add_pieces(const struct loss *s, double *total, double *divisor)
{
    *total = 0;
    *divisor = 0;
    for (int64_t p = 0; p < s->pieces; p++) {
        *total += s->partial[p];
        *divisor += s->partial[s->pieces + p];
    }
}

static dnn_status plan_pieces(const dnn_call *c, int64_t rows, dnn_plan *plan)
{
    int64_t bytes;

    if (__builtin_mul_overflow(rows / PIECE + 1, (int64_t)(2 * sizeof(double)), &bytes))
        return c->host->fail(DNN_DECLINED,
                             "the partial sums of %lld rows take more than 2^63 bytes",
                             (long long)rows);
    plan->workspace_bytes = (uint64_t)bytes;
    return DNN_OK;
}

static dnn_status plan_forward(const dnn_call *c, dnn_plan *plan)
{
    return plan_pieces(c, cpu_count(c->in[1]), plan);
}

/* The targets are in[1] of nll_loss_bwd and in[2] of softmax_cross_entropy_bwd. */
static dnn_status plan_nll_loss_bwd(const dnn_call *c, dnn_plan *plan)
{
    return plan_pieces(c, cpu_count(c->in[1]), plan);
}

static dnn_status plan_cross_entropy_bwd(const dnn_call *c, dnn_plan *plan)
{
    return plan_pieces(c, cpu_count(c->in[2]), plan);
}

/* Without a reduction the task writes the loss of each row, else the partial sums. */
static dnn_status run_forward(const dnn_call *c, struct loss *s, const char *op, loss_task *task)
{
    dnn_status status = check_labels(s, op);
    double total, divisor;

    if (status != DNN_OK)
        return status;
    s->partial = c->workspace;
    s->to = c->out[0] ? c->out[0]->data : NULL;
    cpu_parallel(c->host, s->pieces, cpu_grain(PIECE * (s->classes + 1)), task, s);
    if (!s->to || s->reduction == DNN_REDUCE_NONE)
        return DNN_OK;
    add_pieces(s, &total, &divisor);
    if (s->reduction == DNN_REDUCE_MEAN)
        total /= divisor;
    if (is_f32(c))
        *(float *)s->to = (float)total;
    else
        *(double *)s->to = total;
    return DNN_OK;
}

static dnn_status run_nll_loss(const dnn_call *c)
{
    struct loss s = loss_of(c, c->in[0], c->in[1], c->in[2]);

    return run_forward(c, &s, "nll_loss", is_f32(c) ? nll_pieces_f32 : nll_pieces_f64);
}

static dnn_status run_softmax_cross_entropy(const dnn_call *c)
{
    struct loss s = loss_of(c, c->in[0], c->in[1], c->in[2]);

    s.lse_to = c->n_out > 1 && c->out[1] ? c->out[1]->data : NULL;
    return run_forward(c, &s, "softmax_cross_entropy",
                       is_f32(c) ? cross_entropy_pieces_f32 : cross_entropy_pieces_f64);
}

static dnn_status run_backward(const dnn_call *c, struct loss *s, const char *op, loss_task *weigh,
                               loss_task *task)
{
    dnn_status status = check_labels(s, op);
    double total, divisor;

    if (status != DNN_OK)
        return status;
    s->partial = c->workspace;
    s->to = c->out[0]->data;
    s->dloss = c->in[0]->data;
    if (s->reduction == DNN_REDUCE_MEAN) {
        cpu_parallel(c->host, s->pieces, CPU_GRAIN / PIECE, weigh, s);
        add_pieces(s, &total, &divisor);
        s->scale = 1 / divisor;
    }
    cpu_parallel(c->host, s->rows, cpu_grain(s->classes), task, s);
    return DNN_OK;
}

static dnn_status run_nll_loss_bwd(const dnn_call *c)
{
    struct loss s = loss_of(c, c->out[0], c->in[1], c->in[2]);

    return run_backward(c, &s, "nll_loss_bwd", is_f32(c) ? weigh_pieces_f32 : weigh_pieces_f64,
                        is_f32(c) ? nll_bwd_rows_f32 : nll_bwd_rows_f64);
}

static dnn_status run_softmax_cross_entropy_bwd(const dnn_call *c)
{
    struct loss s = loss_of(c, c->in[1], c->in[2], c->in[3]);

    s.lse = c->n_in > 4 && c->in[4] ? c->in[4]->data : NULL;
    for (int64_t k = 0; k < s.classes; k++)
        s.weight_sum += is_f32(c) ? weight_of_f32(&s, k) : weight_of_f64(&s, k);
    return run_backward(c, &s, "softmax_cross_entropy_bwd",
                        is_f32(c) ? weigh_pieces_f32 : weigh_pieces_f64,
                        is_f32(c) ? cross_entropy_bwd_rows_f32 : cross_entropy_bwd_rows_f64);
}

#define PROMISES (DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)

CPU_FAMILY(loss) = {
    CPU_KERNEL_PLANNED(nll_loss, "rows", PROMISES, CPU_T_FLOAT, plan_forward),
    CPU_KERNEL_PLANNED(nll_loss_bwd, "rows", PROMISES, CPU_T_FLOAT, plan_nll_loss_bwd),
    CPU_KERNEL_PLANNED(softmax_cross_entropy, "fused", PROMISES, CPU_T_FLOAT, plan_forward),
    CPU_KERNEL_PLANNED(softmax_cross_entropy_bwd, "fused", PROMISES, CPU_T_FLOAT,
                       plan_cross_entropy_bwd),
    NULL,
};
