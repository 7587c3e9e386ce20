/* split.c - lists of views of all pieces along an axis: split, chunk, unbind. */
#include "ops_impl.h"

/* The number of pieces of `size` (0 < size) along the axis; an axis of size 0 is one empty piece.
 */
static int64_t count_pieces(const dnn_tensor *x, int axis, int64_t size)
{
    return x->dim[axis] > 0 ? (x->dim[axis] - 1) / size + 1 : 1;
}

static dnn_tensor_list pieces_of(dnn_tensor *x, int64_t size, int axis)
{
    int64_t count = count_pieces(x, axis, size);
    dnn_tensor **piece = dnn__scope_array(count);

    for (int64_t i = 0; piece != NULL && i < count; i++) {
        int64_t start = i * size, rest = x->dim[axis] - start;

        piece[i] = dnn__slice_view(x, axis, start, 1, rest < size ? rest : size);
        if (piece[i] == NULL) {
            return (dnn_tensor_list){.n = 0};
        }
    }
    return (dnn_tensor_list){.n = piece != NULL ? count : 0, .item = piece};
}

/* Returns false, with an error pending, if x cannot be divided along dim into `number`, which the
 * message calls `name`. */
static bool divisible(const char *op, const dnn_tensor *x, int dim, const char *name,
                      int64_t number, int *axis)
{
    dnn_status st;

    if (!dnn__ready(op, x)) {
        return false;
    }
    st = dnn__real_axis(op, x, dim, axis);
    if (st == DNN_OK && number < 1) {
        st = dnn__fail(DNN_E_INVALID, "%s: %s is %lld in dim %d of x %s, must be >= 1", op, name,
                       (long long)number, *axis, dnn__dims_text(x));
    }
    if (st != DNN_OK) {
        dnn__null(st);
    }
    return st == DNN_OK;
}

dnn_tensor_list dnn_split(dnn_tensor *x, int64_t size, int dim)
{
    int axis = 0;

    return divisible("split", x, dim, "size", size, &axis) ? pieces_of(x, size, axis)
                                                           : (dnn_tensor_list){.n = 0};
}

dnn_tensor_list dnn_chunk(dnn_tensor *x, int64_t chunks, int dim)
{
    int axis = 0;

    if (!divisible("chunk", x, dim, "chunks", chunks, &axis)) {
        return (dnn_tensor_list){.n = 0};
    }
    return pieces_of(x, x->dim[axis] > 0 ? (x->dim[axis] - 1) / chunks + 1 : 1, axis);
}

dnn_tensor_list dnn_unbind(dnn_tensor *x, int dim)
{
    dnn_tensor **piece;
    int axis = 0;

    if (!divisible("unbind", x, dim, "size", 1, &axis)) {
        return (dnn_tensor_list){.n = 0};
    }
    piece = dnn__scope_array(x->dim[axis]);
    for (int64_t i = 0; piece != NULL && i < x->dim[axis]; i++) {
        piece[i] = dnn_select(x, axis, i);
        if (piece[i] == NULL) {
            return (dnn_tensor_list){.n = 0};
        }
    }
    return (dnn_tensor_list){.n = piece != NULL ? x->dim[axis] : 0, .item = piece};
}
