/* operands.c - operands out of bytes. Every storage is filled from a table, so that it can be
 * compared after a refusal without having been copied. */
#include <string.h>
#include "dnn/autograd.h"
#include "operands.h"

enum { ROOM = 4096 }; /* elements of a storage, at most */

static uint8_t patterns[2][DNN__N_DTYPES][ROOM * 8];
fuzz_counts fuzz_count;

/* Small numbers, which are right as labels, places and divisors; and any bits. */
static void fill_patterns(void)
{
    uint64_t state = 1;

    for (int d = 0; d < DNN__N_DTYPES; d++) {
        for (int i = 0; i < ROOM; i++) {
            size_t item = dnn__dtype_bytes[d];
            uint8_t *tame = patterns[0][d] + (size_t)i * item,
                    *wild = patterns[1][d] + (size_t)i * item;

            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            dnn__store_double(1u << d, tame, (double)(state >> 33 & 3) - (double)(state >> 40 & 1));
            memcpy(wild, (const uint8_t *)&state + 2, item < 6 ? item : 6);
            if (1u << d == DNN_T_BOOL) {
                *tame &= 1;
                *wild &= 1;
            }
        }
    }
}

void fuzz_operands_start(fuzz_call *c, const uint8_t *data, size_t size)
{
    if (patterns[1][0][0] == 0) {
        fill_patterns();
    }
    *c = (fuzz_call){.bytes = {data, size}, .name = "operands"};
    c->dtype = fuzz_one_in(&c->bytes, 2) ? 1u << fuzz_below(&c->bytes, DNN__N_DTYPES) : DNN_T_F32;
}

void fuzz_judge_refusal(fuzz_call *c, const char *name, dnn_status status)
{
    const char *text = dnn_error_message();

    fuzz_count.refused++;
    FUZZ_CHECK(status <= DNN_E_INVALID && status >= DNN_E_FORMAT && status != DNN_E_INTERNAL,
               "%s: status %d: %s", c->name, (int)status, text);
    fuzz_count.by_status[-status]++;
    FUZZ_CHECK(strlen(text) > 8 && (name == NULL || strncmp(text, name, strlen(name)) == 0),
               "%s (%s): the message is \"%s\"", c->name, name != NULL ? name : "any", text);
    FUZZ_CHECK(dnn__pending() == DNN_OK, "%s: an error is left", c->name);
    for (int i = 0; i < c->n_bases; i++) {
        const dnn__storage *s = c->base[i]->storage;

        FUZZ_CHECK(s->bytes == 0 || memcmp(s->data, c->pattern[i], s->bytes) == 0,
                   "%s: operand %d changed: %s", c->name, i, text);
        FUZZ_CHECK(atomic_load(&c->base[i]->version->count) == c->version[i],
                   "%s: the version of operand %d rose: %s", c->name, i, text);
    }
}

void fuzz_judge_null(fuzz_call *c, const char *name)
{
    dnn_status status = dnn_take_error();

    FUZZ_CHECK(status != DNN_OK, "%s: NULL, and no error is pending", c->name);
    fuzz_judge_refusal(c, name, status);
}

void fuzz_go_back(fuzz_call *c, dnn_tensor *y)
{
    dnn_status status;

    if (y == NULL || !dnn_requires_grad(y) || dnn_is_leaf(y) || dnn_numel(y) == 0) {
        return;
    }
    status = dnn_backward_from(y, dnn_ones_like(y));
    FUZZ_CHECK(status <= DNN_OK && status != DNN_E_INTERNAL, "%s: backward: %s", c->name,
               dnn_error_message());
    FUZZ_CHECK(status == DNN_OK || strlen(dnn_error_message()) > 8, "%s: backward says nothing",
               c->name);
    fuzz_count.backwards++;
}

/* ---- shapes ---- */

/* Elements, a size of 0 counted as 1: it may be replaced. More than ROOM: ROOM + 1. */
static int64_t room_of(dnn_shape shape)
{
    int64_t n = 1;

    for (int d = 0; d < shape.ndim; d++) {
        n = shape.dim[d] > ROOM ? ROOM + 1 : shape.dim[d] > 1 ? n * shape.dim[d] : n;
        n = n > ROOM ? ROOM + 1 : n;
    }
    return n;
}

static dnn_shape small_shape(fuzz_call *c)
{
    static const uint8_t sizes[] = {1, 2, 3, 4, 5, 7, 1, 0};
    dnn_shape shape = {.ndim = 0};
    int64_t n = 1;

    if (c->n_made > 0 && fuzz_one_in(&c->bytes, 2)) { /* as an operand before, or nearly */
        const dnn_tensor *t = c->made[fuzz_below(&c->bytes, (unsigned)c->n_made)];

        if (t->ndim > 0 && room_of(dnn_shape_of(t)) <= ROOM) {
            shape = dnn_shape_of(t);
            if (fuzz_one_in(&c->bytes, 4)) {
                shape.dim[fuzz_below(&c->bytes, (unsigned)t->ndim)] = 1;
            }
            if (fuzz_one_in(&c->bytes, 8)) {
                shape.ndim--;
            } else if (fuzz_one_in(&c->bytes, 6) && shape.ndim > 1) { /* as class numbers */
                shape.ndim--;
                memmove(&shape.dim[1], &shape.dim[2],
                        sizeof shape.dim[0] * (size_t)(shape.ndim - 1));
            }
            return shape;
        }
    }
    shape.ndim = fuzz_one_in(&c->bytes, 2) ? 4 : fuzz_below(&c->bytes, DNN_MAX_DIMS + 1);
    for (int d = 0; d < shape.ndim; d++) {
        int64_t size = sizes[fuzz_below(&c->bytes, 8)];

        shape.dim[d] = n * size <= ROOM / 4 ? size : 1; /* a quarter: a sliced one needs more */
        n *= shape.dim[d] > 0 ? shape.dim[d] : 1;
    }
    return shape;
}

dnn_shape fuzz_shape(fuzz_call *c)
{
    dnn_shape shape;

    if (fuzz_one_in(&c->bytes, 2)) {
        return small_shape(c);
    }
    shape.ndim = fuzz_one_in(&c->bytes, 8) ? fuzz_number(&c->bytes)
                                           : fuzz_below(&c->bytes, DNN_MAX_DIMS + 1);
    for (int d = 0; d < DNN_MAX_DIMS; d++) {
        shape.dim[d] = fuzz_number(&c->bytes);
    }
    return shape;
}

/* ---- storages ---- */

static dnn_dtype some_dtype(fuzz_call *c)
{
    static const dnn_dtype class_numbers[] = {DNN_T_I64, DNN_T_I32, DNN_T_U8};
    unsigned n = fuzz_below(&c->bytes, 16);

    return n < 3   ? 1u << fuzz_below(&c->bytes, DNN__N_DTYPES)
           : n < 5 ? class_numbers[n - 3 + fuzz_below(&c->bytes, 2)]
                   : c->dtype;
}

static dnn_tensor *new_base(fuzz_call *c, dnn_dtype dtype, dnn_shape shape)
{
    dnn_tensor *t = dnn_empty(shape, .dtype = dtype, .device = "cpu");
    const uint8_t *pattern = patterns[fuzz_one_in(&c->bytes, 4)][dnn__dtype_index(dtype)];

    if (t == NULL) {
        fuzz_judge_null(c, "empty");
        return NULL;
    }
    FUZZ_CHECK(t->storage->bytes <= sizeof patterns[0][0] && c->n_bases < FUZZ_BASES, "too large");
    if (t->storage->bytes > 0) {
        memcpy(t->storage->data, pattern, t->storage->bytes);
    }
    c->pattern[c->n_bases] = pattern;
    c->version[c->n_bases] = atomic_load(&t->version->count);
    c->base[c->n_bases++] = t;
    return t;
}

/* t, or the operand it came from where the view is refused. */
static dnn_tensor *or_else(fuzz_call *c, dnn_tensor *view, dnn_tensor *t)
{
    if (view != NULL) {
        return view;
    }
    fuzz_judge_null(c, NULL);
    return t;
}

/* ---- layouts ---- */

static dnn_tensor *transposed(fuzz_call *c, dnn_dtype dtype, dnn_shape shape)
{
    dnn_tensor *t;
    int a = (int)fuzz_below(&c->bytes, (unsigned)shape.ndim),
        b = (int)fuzz_below(&c->bytes, (unsigned)shape.ndim);
    int64_t size = shape.dim[a];

    shape.dim[a] = shape.dim[b];
    shape.dim[b] = size;
    t = new_base(c, dtype, shape);
    return t != NULL ? or_else(c, dnn_transpose(t, a, b), t) : NULL;
}

static dnn_tensor *sliced(fuzz_call *c, dnn_dtype dtype, dnn_shape shape)
{
    int d = (int)fuzz_below(&c->bytes, (unsigned)shape.ndim);
    int64_t size = shape.dim[d];
    dnn_tensor *t;

    if (size > 7) {
        return new_base(c, dtype, shape);
    }
    shape.dim[d] = 2 * size + 1;
    t = new_base(c, dtype, shape);
    return t != NULL ? or_else(c, dnn_slice(t, d, 1, 2 * size + 1, 2), t) : NULL;
}

static dnn_tensor *expanded(fuzz_call *c, dnn_dtype dtype, dnn_shape shape)
{
    dnn_shape whole = shape;
    dnn_tensor *t;

    shape.dim[fuzz_below(&c->bytes, (unsigned)shape.ndim)] = 1;
    t = new_base(c, dtype, shape);
    return t != NULL ? or_else(c, dnn_expand(t, whole), t) : NULL;
}

static dnn_tensor *unaligned(fuzz_call *c, dnn_dtype dtype, dnn_shape shape)
{
    dnn_shape whole = {.ndim = 1};
    dnn_tensor *t;

    whole.dim[0] = dnn__numel_of((int)shape.ndim, shape.dim) + 1;
    t = new_base(c, dtype, whole);
    return t != NULL ? or_else(c, dnn_view_to(dnn_slice(t, 0, 1, INT64_MAX, 1), shape), t) : NULL;
}

static dnn_tensor *laid_out(fuzz_call *c, dnn_dtype dtype, dnn_shape shape)
{
    unsigned layout = fuzz_below(&c->bytes, 8);

    if (shape.ndim > 0 && layout == 7) {
        return transposed(c, dtype, shape);
    }
    if (shape.ndim > 0 && layout == 6 && room_of(shape) <= ROOM / 4) {
        return sliced(c, dtype, shape);
    }
    if (shape.ndim > 0 && layout == 5) {
        return expanded(c, dtype, shape);
    }
    if (layout == 4 && room_of(shape) < ROOM) {
        return unaligned(c, dtype, shape);
    }
    return new_base(c, dtype, shape);
}

/* Sizes that no memory holds, over one element or none. */
static dnn_tensor *absurd(fuzz_call *c, dnn_dtype dtype)
{
    dnn_shape shape = fuzz_shape(c), one = {.ndim = fuzz_below(&c->bytes, DNN_MAX_DIMS + 1)};
    dnn_tensor *t;

    for (int d = 0; d < DNN_MAX_DIMS; d++) {
        one.dim[d] = 1;
    }
    if (fuzz_one_in(&c->bytes, 2)) { /* empty, with absurd sizes beside the 0 */
        shape.dim[0] = 0;
        t = dnn_empty(shape, .dtype = dtype, .device = "cpu");
        if (t == NULL) {
            fuzz_judge_null(c, "empty");
        } else if (t->storage->bytes == 0) {
            return t;
        }
    }
    t = new_base(c, dtype, one);
    return t != NULL ? or_else(c, dnn_expand(t, shape), t) : NULL;
}

/* ---- operands ---- */

/* On the tape now and then: a leaf, or a result. */
static dnn_tensor *on_tape(fuzz_call *c, dnn_tensor *t)
{
    unsigned how = fuzz_below(&c->bytes, 16);

    if (how < 12 || t == NULL || (t->dtype & DNN__FLOATS) == 0) {
        return t;
    }
    if (t->leaf == NULL && dnn_requires_grad_(t, true) == NULL) {
        fuzz_judge_null(c, NULL);
        return t;
    }
    return how == 15 ? or_else(c, dnn_unsqueeze(dnn_select(t, 0, 0), 0), t) : t;
}

static dnn_tensor *keep_made(fuzz_call *c, dnn_tensor *t)
{
    if (t != NULL && c->n_made < FUZZ_OPERANDS) {
        c->made[c->n_made++] = t;
    }
    return t;
}

dnn_tensor *fuzz_overlapping(fuzz_call *c)
{
    dnn_tensor *t;
    int d;

    if (c->n_made == 0) {
        return fuzz_some_operand(c);
    }
    t = c->made[fuzz_below(&c->bytes, (unsigned)c->n_made)];
    d = t->ndim > 0 ? (int)fuzz_below(&c->bytes, (unsigned)t->ndim) : 0;
    switch (fuzz_below(&c->bytes, 4)) {
    case 0:
        return or_else(c, dnn_transpose(t, d, -1), t);
    case 1:
        return or_else(c, dnn_slice(t, d, 1, INT64_MAX, 1), t);
    case 2:
        return or_else(c, dnn_slice(t, d, 0, -1, 1 + (int64_t)fuzz_below(&c->bytes, 2)), t);
    default:
        return or_else(c, dnn_narrow(t, d, 0, 1), t);
    }
}

dnn_tensor *fuzz_some_operand(fuzz_call *c)
{
    dnn_tensor *t = NULL;

    if (c->n_bases < FUZZ_BASES - 4) {
        t = !c->tame && fuzz_one_in(&c->bytes, 12) ? absurd(c, some_dtype(c))
                                                   : laid_out(c, some_dtype(c), small_shape(c));
        t = on_tape(c, t);
    }
    if (t == NULL) {
        t = c->n_made > 0 ? c->made[0] : new_base(c, DNN_T_F32, DNN_SCALAR);
    }
    FUZZ_CHECK(t != NULL, "no scalar: %s", dnn_error_message());
    return keep_made(c, t);
}

dnn_tensor *fuzz_alike(fuzz_call *c, const dnn_tensor *t)
{
    if (room_of(dnn_shape_of(t)) > ROOM || c->n_bases >= FUZZ_BASES - 4) {
        return fuzz_some_operand(c);
    }
    return keep_made(c, new_base(c, t->dtype, dnn_shape_of(t)));
}

dnn_tensor *fuzz_operand(fuzz_call *c)
{
    unsigned kind = fuzz_below(&c->bytes, 32);

    if (kind == 0) {
        return NULL;
    }
    if (kind < 4 && c->n_made > 0) {
        return c->made[fuzz_below(&c->bytes, (unsigned)c->n_made)];
    }
    if (kind < 6) {
        return fuzz_overlapping(c);
    }
    return fuzz_some_operand(c);
}
