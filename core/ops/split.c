/* split.c - views of all pieces along an axis: split, chunk, unbind. */
#include "ops_impl.h"

/* The number of pieces of `size` (0 < size) along the axis; an axis of size 0 is one empty piece.
 */
static int64_t count_pieces(const dnn_tensor *x, int axis, int64_t size)
{
    return x->dim[axis] > 0 ? (x->dim[axis] - 1) / size + 1 : 1;
}

static dnn_status check_room(const char *op, const dnn_tensor *x, int64_t count, dnn_tensor **out,
                             int64_t n)
{
    if (count > n || (out == NULL && count > 0)) {
        return dnn__fail(DNN_E_INVALID, "%s: x %s gives %lld pieces, out has room for %lld", op,
                         dnn__dims_text(x), (long long)count, (long long)(out == NULL ? 0 : n));
    }
    return DNN_OK;
}

/* Releases the pieces made before a failure, and returns the error. */
static int64_t release_pieces(dnn_tensor **out, int64_t made)
{
    for (int64_t i = 0; i < made; i++) {
        dnn_release(out[i]);
        out[i] = NULL;
    }
    return dnn__take();
}

static int64_t split(const char *op, dnn_tensor *x, int64_t size, int axis, dnn_tensor **out,
                     int64_t n)
{
    int64_t count = count_pieces(x, axis, size);

    DNN_TRY(check_room(op, x, count, out, n));
    for (int64_t i = 0; i < count; i++) {
        int64_t start = i * size, rest = x->dim[axis] - start;

        out[i] = dnn__slice_view(x, axis, start, 1, rest < size ? rest : size);
        if (out[i] == NULL) {
            return release_pieces(out, i);
        }
    }
    return count;
}

int64_t dnn_split(dnn_tensor *x, int64_t size, int dim, dnn_tensor **out, int64_t n)
{
    int axis = 0;

    DNN_TRY(dnn__require(x, "dnn_split", "x"));
    DNN_TRY(dnn__real_axis("split", x, dim, &axis));
    if (size < 1) {
        return dnn__fail(DNN_E_INVALID, "split: size is %lld in dim %d of x %s, must be >= 1",
                         (long long)size, axis, dnn__dims_text(x));
    }
    return split("split", x, size, axis, out, n);
}

int64_t dnn_chunk(dnn_tensor *x, int64_t chunks, int dim, dnn_tensor **out, int64_t n)
{
    int axis = 0;

    DNN_TRY(dnn__require(x, "dnn_chunk", "x"));
    DNN_TRY(dnn__real_axis("chunk", x, dim, &axis));
    if (chunks < 1) {
        return dnn__fail(DNN_E_INVALID, "chunk: chunks is %lld in dim %d of x %s, must be >= 1",
                         (long long)chunks, axis, dnn__dims_text(x));
    }
    return split("chunk", x, x->dim[axis] > 0 ? (x->dim[axis] - 1) / chunks + 1 : 1, axis, out, n);
}

int64_t dnn_unbind(dnn_tensor *x, int dim, dnn_tensor **out, int64_t n)
{
    int axis = 0;

    DNN_TRY(dnn__require(x, "dnn_unbind", "x"));
    DNN_TRY(dnn__real_axis("unbind", x, dim, &axis));
    DNN_TRY(check_room("unbind", x, x->dim[axis], out, n));
    for (int64_t i = 0; i < x->dim[axis]; i++) {
        out[i] = dnn_select(x, axis, i);
        if (out[i] == NULL) {
            return release_pieces(out, i);
        }
    }
    return x->dim[axis];
}
