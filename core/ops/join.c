/* join.c - tensors made of several: cat, stack, slice_scatter, select_scatter. */
#include "ops_impl.h"
#include "rules.h"

/* ---- cat and stack ---- */

/* cat ignores operands of shape [0], as in PyTorch. */
static bool is_ignored(const dnn_tensor *x)
{
    return x->ndim == 1 && x->dim[0] == 0;
}

/* The index of the first operand that is not ignored; if there is none, 0. */
static int first_shaped(dnn_tensor *const *x, int n)
{
    for (int i = 0; i < n; i++) {
        if (!is_ignored(x[i])) {
            return i;
        }
    }
    return 0;
}

static dnn_status join(const dnn_tensor *first, const dnn_tensor *x, int i, int dim, dnn__desc *out)
{
    bool same = x->ndim == first->ndim;

    for (int d = 0; same && d < first->ndim; d++) {
        same = d == dim || x->dim[d] == first->dim[d];
    }
    if (!same) {
        return dnn__fail(DNN_E_INVALID,
                         "cat: tensors[%d] is %s, which does not join %s along dim %d", i,
                         dnn__dims_text(x), dnn__dims_text(first), dim);
    }
    if (__builtin_add_overflow(out->dim[dim], x->dim[dim], &out->dim[dim])) {
        return dnn__fail(DNN_E_INVALID,
                         "cat: the sizes of tensors[0] to tensors[%d] along dim %d sum beyond 2^63",
                         i, dim);
    }
    return DNN_OK;
}

dnn_status dnn__cat_shape(dnn__sig *sig)
{
    const dnn_attr_dim *attr = sig->attr;
    const dnn_tensor *first;
    dnn__desc *out = &sig->out[0];

    for (int i = 0; i < sig->n_in; i++) {
        if (sig->in[i] == NULL) {
            return dnn__fail(DNN_E_INVALID, "cat: tensors[%d] is NULL", i);
        }
    }
    if (sig->n_in < 1) {
        return dnn__fail(DNN_E_INVALID, "cat: %d operands, must be at least 1", sig->n_in);
    }
    first = sig->in[first_shaped(sig->in, sig->n_in)];
    if (attr->dim < 0 || attr->dim >= first->ndim) {
        return dnn__fail(DNN_E_INVALID, "cat: dim %d of tensors %s must be 0 to %d", attr->dim,
                         dnn__dims_text(first), first->ndim - 1);
    }
    out->dtype = first->dtype;
    dnn__take_dims(out, first);
    out->dim[attr->dim] = 0;
    for (int i = 0; i < sig->n_in; i++) {
        if (!is_ignored(sig->in[i])) {
            DNN_TRY(join(first, sig->in[i], i, attr->dim, out));
        }
    }
    return DNN_OK;
}

/* The gradient of each operand is its slice of dy. */
void dnn__cat_backward(dnn__grad *g)
{
    const dnn_attr_dim *attr = g->attr;
    int64_t start = 0;

    for (int i = 0; i < g->n_in; i++) {
        const dnn__desc *x = &g->in_desc[i];

        if (x->ndim == 1 && x->dim[0] == 0) { /* ignored: its gradient is empty */
            continue;
        }
        if (g->wants[i]) {
            g->din[i] = dnn__slice_view(g->dout[0], attr->dim, start, 1, x->dim[attr->dim]);
        }
        start += x->dim[attr->dim];
    }
}

/* cat and stack need 1 or more operands, none of them NULL. false: an error is pending. */
static bool operands_ready(const char *op, dnn_tensor *const *x, int64_t n)
{
    if (dnn__pending() != DNN_OK) {
        return false;
    }
    if (x == NULL || n < 1 || n > INT16_MAX) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: n is %lld%s, must be 1 to %d", op, (long long)n,
                            x == NULL ? " and tensors is NULL" : "", INT16_MAX));
        return false;
    }
    if (!dnn__ok(dnn__check_alive_list(op, "tensors", x, n))) {
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        if (x[i] == NULL) {
            dnn__null(dnn__fail(DNN_E_INVALID, "%s: tensors[%lld] of %lld is NULL", op,
                                (long long)i, (long long)n));
            return false;
        }
    }
    return true;
}

dnn_tensor *dnn_cat(dnn_tensor_list list, int dim)
{
    dnn_tensor *const *x = list.item;
    int64_t n = list.n;
    dnn_attr_dim attr = {.size = sizeof attr};
    dnn_status st = DNN_OK;
    int axis = 0, first;

    if (!operands_ready("cat", x, n)) {
        return NULL;
    }
    first = first_shaped(x, (int)n);
    if (x[first]->ndim == 0) {
        st = dnn__fail(DNN_E_INVALID,
                       "cat: tensors[%d] has rank 0, which has no dim to join along: use dnn_stack",
                       first);
    } else {
        st = dnn__axis("cat", dim, x[first]->ndim, &axis);
    }
    attr.dim = axis;
    return st == DNN_OK ? dnn__call(DNN_OP_cat, x, (int)n, &attr) : dnn__null(st);
}

dnn_tensor *dnn_stack(dnn_tensor_list list, int dim)
{
    dnn_tensor *const *x = list.item;
    int64_t n = list.n;
    dnn_tensor **row, *y = NULL;
    int64_t made = 0;

    if (!operands_ready("stack", x, n)) {
        return NULL;
    }
    for (int64_t i = 1; i < n; i++) {
        if (!dnn__same_dims(x[0]->ndim, x[0]->dim, x[i]->ndim, x[i]->dim)) {
            return dnn__null(dnn__fail(
                DNN_E_INVALID, "stack: tensors[%lld] is %s, tensors[0] is %s: shapes must be equal",
                (long long)i, dnn__dims_text(x[i]), dnn__dims_text(x[0])));
        }
    }
    row = dnn__alloc((size_t)n * sizeof *row); /* n <= INT16_MAX */
    if (row == NULL) {
        return dnn__null(dnn__nomem("stack", (size_t)n * sizeof *row));
    }
    while (made < n && (row[made] = dnn_unsqueeze(x[made], dim)) != NULL) {
        made++;
    }
    if (made == n) {
        y = dnn_cat((dnn_tensor_list){.n = n, .item = row}, dim);
    }
    while (made > 0) {
        dnn_release(row[--made]);
    }
    dnn__free(row);
    return y;
}

/* ---- slice_scatter, select_scatter ---- */

dnn_status dnn__slice_scatter_shape(dnn__sig *sig)
{
    const dnn_attr_slice *attr = sig->attr;
    const dnn_tensor *x = sig->in[0], *src = sig->in[1];
    bool fits = attr->dim >= 0 && attr->dim < x->ndim && src->ndim == x->ndim;
    int64_t n = fits ? src->dim[attr->dim] : 0, last = 0;

    for (int d = 0; fits && d < x->ndim; d++) {
        fits = d == attr->dim || src->dim[d] == x->dim[d];
    }
    fits = fits && attr->step >= 1 && attr->start >= 0;
    if (fits && n > 0) {
        fits = !__builtin_mul_overflow(n - 1, attr->step, &last) &&
               !__builtin_add_overflow(last, attr->start, &last) && last < x->dim[attr->dim];
    }
    if (!fits) {
        return dnn__fail(DNN_E_INVALID,
                         "slice_scatter: src is %s, x is %s: src does not fill indices %lld, +%lld "
                         "... of dim %d",
                         dnn__dims_text(src), dnn__dims_text(x), (long long)attr->start,
                         (long long)attr->step, attr->dim);
    }
    sig->out[0].dtype = x->dtype;
    dnn__take_dims(&sig->out[0], x);
    return DNN_OK;
}

/* y is src in the slice and x elsewhere. dx is dy with zeros in the slice, dsrc is the slice of dy.
 */
void dnn__slice_scatter_backward(dnn__grad *g)
{
    const dnn_attr_slice *attr = g->attr;
    dnn_tensor *in[] = {g->dout[0], NULL};

    if (g->wants[0]) {
        in[1] = dnn__zeros_desc("slice_scatter", &g->in_desc[1], g->device);
        g->din[0] = dnn__call(DNN_OP_slice_scatter, in, 2, g->attr);
    }
    if (g->wants[1]) {
        g->din[1] = dnn__slice_view(g->dout[0], attr->dim, attr->start, attr->step,
                                    g->in_desc[1].dim[attr->dim]);
    }
}

dnn_tensor *dnn_slice_scatter(dnn_tensor *x, dnn_tensor *src, int dim, int64_t start, int64_t stop,
                              int64_t step)
{
    dnn_attr_slice attr = {.size = sizeof attr, .step = step};
    dnn_tensor *in[] = {x, src};
    int64_t to, n;
    int axis = 0;
    dnn_status st;

    if (!dnn__ready("slice_scatter", x) || !dnn__ready("slice_scatter", src)) {
        return NULL;
    }
    st = dnn__axis("slice_scatter", dim, x->ndim, &axis);
    if (st == DNN_OK && (x->ndim == 0 || step < 1)) {
        st = dnn__fail(DNN_E_INVALID,
                       "slice_scatter: step is %lld, x has rank %d: both must be >= 1",
                       (long long)step, x->ndim);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    attr.dim = axis;
    attr.start = dnn__clamp_index(start, x->dim[axis]);
    to = dnn__clamp_index(stop, x->dim[axis]);
    n = to > attr.start ? (to - attr.start - 1) / step + 1 : 0;
    attr.step = n > 1 ? step : 1;
    if (src->ndim != x->ndim || src->dim[axis] != n) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID,
                      "slice_scatter: src is %s, the slice of x %s has %lld elements in dim %d",
                      dnn__dims_text(src), dnn__dims_text(x), (long long)n, axis));
    }
    return dnn__call(DNN_OP_slice_scatter, in, 2, &attr);
}

dnn_tensor *dnn_select_scatter(dnn_tensor *x, dnn_tensor *src, int dim, int64_t index)
{
    int64_t position = index;
    dnn_tensor *row, *y;
    int axis = 0;
    dnn_status st;

    if (!dnn__ready("select_scatter", x) || !dnn__ready("select_scatter", src)) {
        return NULL;
    }
    st = dnn__axis("select_scatter", dim, x->ndim, &axis);
    if (st == DNN_OK && src->ndim != x->ndim - 1) {
        st = dnn__fail(
            DNN_E_INVALID,
            "select_scatter: src is %s with rank %d, x is %s: must have rank %d without dim %d",
            dnn__dims_text(src), src->ndim, dnn__dims_text(x), x->ndim - 1, axis);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    position += position < 0 ? x->dim[axis] : 0;
    if (position < 0 || position >= x->dim[axis]) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "select_scatter: index is %lld, x is %s with %lld elements in dim %d",
            (long long)index, dnn__dims_text(x), (long long)x->dim[axis], axis));
    }
    row = dnn_unsqueeze(src, axis);
    y = dnn_slice_scatter(x, row, axis, position, position + 1, 1);
    dnn_release(row);
    return y;
}
