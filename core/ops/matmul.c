/* matmul.c - products of matrices: matmul, mm, bmm, dot, addmm, linear. The row matmul takes
 * matrices with equal batch axes; dnn_matmul makes them of vectors and of operands that broadcast,
 * with views.
 */
#include "ops_impl.h"
#include "rules.h"

static dnn_status check_inner_sizes(const char *op, const dnn_tensor *a, const dnn_tensor *b,
                                    int64_t columns, int64_t rows)
{
    if (columns == rows) {
        return DNN_OK;
    }
    return dnn__fail(DNN_E_INVALID, "%s: inner sizes differ: a is %s, b is %s: %lld against %lld",
                     op, dnn__dims_text(a), dnn__dims_text(b), (long long)columns, (long long)rows);
}

dnn_status dnn__matmul_shape(dnn__sig *sig)
{
    const dnn_tensor *a = sig->in[0], *b = sig->in[1];
    dnn__desc *out = &sig->out[0];
    int n = a->ndim;

    if (n < 2 || b->ndim != n || !dnn__same_dims(n - 2, a->dim, n - 2, b->dim)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: a is %s, b is %s: must be matrices with equal batch axes",
                         sig->op->name, dnn__dims_text(a), dnn__dims_text(b));
    }
    DNN_TRY(check_inner_sizes(sig->op->name, a, b, a->dim[n - 1], b->dim[n - 2]));
    out->dtype = a->dtype;
    dnn__take_dims(out, a);
    out->dim[n - 1] = b->dim[n - 1];
    return dnn__check_shape(sig->op->name, out->dtype, out->ndim, out->dim, NULL);
}

/* y = a b: da = dy b', db = a' dy. The batch axes are equal: dnn_matmul has expanded them, and the
 * gradient of expand sums. */
void dnn__matmul_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        g->din[0] = dnn_matmul(g->dout[0], dnn_transpose(g->in[1], -1, -2));
    }
    if (g->wants[1]) {
        g->din[1] = dnn_matmul(dnn_transpose(g->in[0], -1, -2), g->dout[0]);
    }
}

static dnn_tensor *product(dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *in[] = {a, b};

    return dnn__call(DNN_OP_matmul, in, 2, NULL);
}

/* a [.., M, K] with b [K, N]: one product of a as [..*M, K], without expanding b. */
static dnn_tensor *times_matrix(dnn_tensor *a, dnn_tensor *b)
{
    dnn_shape shape = dnn_shape_of(a);
    int64_t rows = 1;
    dnn_tensor *flat, *y, *shaped;

    for (int d = 0; d < a->ndim - 1; d++) {
        rows *= a->dim[d];
    }
    flat = dnn_reshape(a, DNN_SHAPE(rows, a->dim[a->ndim - 1]));
    y = product(flat, b);
    shape.dim[a->ndim - 1] = b->dim[1];
    shaped = y == NULL ? NULL : dnn_reshape(y, shape);
    dnn_release(flat);
    dnn_release(y);
    return shaped;
}

/* Both have rank >= 2: expands the batch axes to their common dims. */
static dnn_tensor *times_batches(dnn_tensor *a, dnn_tensor *b)
{
    dnn_shape as = {.ndim = 0}, bs;
    int32_t n = 0;
    dnn_tensor *x, *y, *z;
    dnn_status st = dnn__broadcast("matmul", a->ndim - 2, a->dim, b->ndim - 2, b->dim, &n, as.dim);

    if (st != DNN_OK) {
        return dnn__null(st);
    }
    as.ndim = n + 2;
    bs = as;
    as.dim[n] = a->dim[a->ndim - 2];
    as.dim[n + 1] = a->dim[a->ndim - 1];
    bs.dim[n] = b->dim[b->ndim - 2];
    bs.dim[n + 1] = b->dim[b->ndim - 1];
    x = dnn__same_dims(a->ndim, a->dim, n + 2, as.dim) ? a : dnn_expand(a, as);
    y = dnn__same_dims(b->ndim, b->dim, n + 2, bs.dim) ? b : dnn_expand(b, bs);
    z = x == NULL || y == NULL ? NULL : product(x, y);
    dnn__drop(x, a);
    dnn__drop(y, b);
    return z;
}

/* a [K] is a row, b [K] a column. The result does not have the added axis. */
static dnn_tensor *times_vectors(dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *x = a->ndim == 1 ? dnn_unsqueeze(a, 0) : a,
               *y = b->ndim == 1 ? dnn_unsqueeze(b, 1) : b;
    dnn_tensor *z = x == NULL || y == NULL ? NULL : dnn_matmul(x, y), *result = NULL;

    if (z != NULL) {
        dnn_shape shape = {.ndim = 0};

        for (int d = 0; d < z->ndim; d++) {
            bool row = a->ndim == 1 && d == z->ndim - 2, column = b->ndim == 1 && d == z->ndim - 1;

            if (!row && !column) {
                shape.dim[shape.ndim++] = z->dim[d];
            }
        }
        result = dnn_reshape(z, shape);
    }
    dnn__drop(x, a);
    dnn__drop(y, b);
    dnn_release(z);
    return result;
}

dnn_tensor *dnn_matmul(dnn_tensor *a, dnn_tensor *b)
{
    dnn_status st = DNN_OK;

    if (!dnn__ready("matmul", a) || !dnn__ready("matmul", b)) {
        return NULL;
    }
    if (a->ndim == 0 || b->ndim == 0) {
        st = dnn__fail(DNN_E_INVALID,
                       "matmul: a is %s, b is %s: must have rank >= 1: use dnn_mul for rank 0",
                       dnn__dims_text(a), dnn__dims_text(b));
    } else {
        st = check_inner_sizes("matmul", a, b, a->dim[a->ndim - 1],
                               b->dim[b->ndim == 1 ? 0 : b->ndim - 2]);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (a->ndim == 1 || b->ndim == 1) {
        return times_vectors(a, b);
    }
    if (a->ndim == 2 && b->ndim == 2) {
        return product(a, b);
    }
    return b->ndim == 2 ? times_matrix(a, b) : times_batches(a, b);
}

/* matmul of two operands of the given rank. */
static dnn_tensor *product_of_rank(const char *op, dnn_tensor *a, dnn_tensor *b, int rank)
{
    if (!dnn__ready(op, a) || !dnn__ready(op, b)) {
        return NULL;
    }
    if (a->ndim != rank || b->ndim != rank) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: a is %s, b is %s: both must have rank %d",
                                   op, dnn__dims_text(a), dnn__dims_text(b), rank));
    }
    return dnn_matmul(a, b);
}

dnn_tensor *dnn_mm(dnn_tensor *a, dnn_tensor *b)
{
    return product_of_rank("mm", a, b, 2);
}

/* Does not broadcast the batch axis, as PyTorch's bmm. */
dnn_tensor *dnn_bmm(dnn_tensor *a, dnn_tensor *b)
{
    if (!dnn__ready("bmm", a) || !dnn__ready("bmm", b)) {
        return NULL;
    }
    if (a->ndim == 3 && b->ndim == 3 && a->dim[0] != b->dim[0]) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "bmm: batches differ: a is %s, b is %s: %lld against %lld",
            dnn__dims_text(a), dnn__dims_text(b), (long long)a->dim[0], (long long)b->dim[0]));
    }
    return product_of_rank("bmm", a, b, 3);
}

dnn_tensor *dnn_dot(dnn_tensor *a, dnn_tensor *b)
{
    return product_of_rank("dot", a, b, 1);
}

dnn_tensor *dnn_addmm(dnn_tensor *c, dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *ab, *y;

    if (!dnn__ready("addmm", c)) {
        return NULL;
    }
    ab = product_of_rank("addmm", a, b, 2);
    y = ab == NULL ? NULL : dnn_add(c, ab);
    dnn_release(ab);
    return y;
}

/* ---- linear ---- */

/* A flatten was forgotten: w fits the elements of each sample. */
static bool fits_flattened(const dnn_tensor *x, const dnn_tensor *w)
{
    return x->ndim > 2 && w->ndim == 2 && dnn__numel_of(x->ndim - 1, x->dim + 1) == w->dim[1];
}

dnn_status dnn__linear_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0], *w = sig->in[1], *bias = sig->in[2];
    dnn__desc *out = &sig->out[0];

    if (x->ndim < 1) {
        return dnn__fail(DNN_E_INVALID, "linear: x is %s, w is %s: x must have rank >= 1",
                         dnn__dims_text(x), dnn__dims_text(w));
    }
    if (w->ndim != 2 || x->dim[x->ndim - 1] != w->dim[1]) {
        return dnn__fail(DNN_E_INVALID, "linear: x is %s, w is %s: w must be [out,%lld]%s",
                         dnn__dims_text(x), dnn__dims_text(w), (long long)x->dim[x->ndim - 1],
                         fits_flattened(x, w) ? "; dnn_flatten(x, 1, -1) makes x fit" : "");
    }
    if (bias != NULL && (bias->ndim != 1 || bias->dim[0] != w->dim[0])) {
        return dnn__fail(DNN_E_INVALID, "linear: bias is %s, w is %s: bias must be [%lld]",
                         dnn__dims_text(bias), dnn__dims_text(w), (long long)w->dim[0]);
    }
    out->dtype = x->dtype;
    dnn__take_dims(out, x);
    out->dim[x->ndim - 1] = w->dim[0];
    return dnn__check_shape("linear", out->dtype, out->ndim, out->dim, NULL);
}

dnn_tensor *dnn_linear(dnn_tensor *x, dnn_tensor *w, dnn_tensor *bias)
{
    dnn_tensor *in[] = {x, w, bias};

    return dnn__call(DNN_OP_linear, in, 3, NULL);
}

void dnn__linear_decompose(dnn__decomposition *p)
{
    dnn_tensor *y = dnn_matmul(p->in[0], dnn_transpose(p->in[1], 0, 1));

    p->out[0] = p->in[2] != NULL ? dnn_add(y, p->in[2]) : y;
}

/* With x [R,in] and y [R,out]: dx = dy w, dw = dy' x, dbias = the sum of the rows of dy. */
void dnn__linear_backward(dnn__grad *g)
{
    const dnn__desc *x = &g->in_desc[0], *w = &g->in_desc[1];
    int64_t rows = 1;
    dnn_tensor *dy;

    for (int d = 0; d < x->ndim - 1; d++) {
        rows *= x->dim[d];
    }
    dy = dnn_reshape(g->dout[0], DNN_SHAPE(rows, w->dim[0]));
    if (g->wants[0]) {
        g->din[0] = dnn_reshape(dnn_matmul(dy, g->in[1]), dnn__shape(x));
    }
    if (g->wants[1]) {
        g->din[1] = dnn_matmul(dnn_t(dy), dnn_reshape(g->in[0], DNN_SHAPE(rows, w->dim[1])));
    }
    if (g->wants[2]) {
        g->din[2] = dnn_sum(dy, .dims = DNN_DIMS(0));
    }
}
