/* nan_check.c - anomaly mode: after every operator, checks that its results are finite, and
 * names the operator that made a NaN or an infinity. Reads the elements on the host, so it
 * works, slowly, on every device. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "convert.h"
#include "nan_check.h"

atomic_bool dnn__nan_check;

void dnn_set_anomaly(bool on)
{
    atomic_store(&dnn__nan_check, on);
}

bool dnn_get_anomaly(void)
{
    return dnn__nan_check_on();
}

dnn_status dnn__nan_check_start(void)
{
    const char *text = secure_getenv("DNN_ANOMALY");

    if (text == NULL || *text == 0 || strcmp(text, "0") == 0) {
        return DNN_OK;
    }
    if (strcmp(text, "1") != 0) {
        return dnn__fail(DNN_E_INVALID, "DNN_ANOMALY is \"%s\", must be 0 or 1", text);
    }
    dnn_set_anomaly(true);
    return DNN_OK;
}

/* ---- one tensor ---- */

struct census { /* of the elements */
    int64_t nan, inf, first_nan, first_inf;
};

static void take_census(struct census *c, dnn_dtype dtype, const char *data, int64_t n)
{
    size_t item = dnn__item_size(dtype);

    *c = (struct census){0, 0, -1, -1};
    for (int64_t i = n - 1; i >= 0; i--) {
        double value = dnn__load_double(dtype, data + (size_t)i * item);

        if (isnan(value)) {
            c->nan++;
            c->first_nan = i;
        } else if (isinf(value)) {
            c->inf++;
            c->first_inf = i;
        }
    }
}

/* An exponent of ones is a NaN or an infinity. Most tensors have none, so this loop is the usual
 * one. */
#define DEFINE_ALL_FINITE(bits)                                                            \
    static bool all_finite_##bits(const uint##bits##_t *x, int64_t n, uint##bits##_t ones) \
    {                                                                                      \
        int found = 0;                                                                     \
                                                                                           \
        for (int64_t i = 0; i < n; i++) {                                                  \
            found |= (x[i] & ones) == ones;                                                \
        }                                                                                  \
        return !found;                                                                     \
    }
DEFINE_ALL_FINITE(16)
DEFINE_ALL_FINITE(32)
DEFINE_ALL_FINITE(64)

static bool all_finite(dnn_dtype dtype, const void *data, int64_t n)
{
    switch (dtype) {
    case DNN_T_F64:
        return all_finite_64(data, n, UINT64_C(0x7ff0000000000000));
    case DNN_T_F32:
        return all_finite_32(data, n, 0x7f800000);
    case DNN_T_F16:
        return all_finite_16(data, n, 0x7c00);
    default: /* bf16 */
        return all_finite_16(data, n, 0x7f80);
    }
}

static dnn_status read_elements(dnn_tensor *t, void *to, size_t bytes)
{
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *dense = dnn__contiguous(t);

        st = dense == NULL
                 ? dnn__take()
                 : dnn__storage_read(dense->storage,
                                     (uint64_t)dense->offset * dnn__item_size(dense->dtype), to,
                                     bytes);
    }
    return st;
}

/* The elements, row-major: in place, or a copy that the caller frees. */
static dnn_status elements(dnn_tensor *t, const void **data, void **copy)
{
    size_t item = dnn__item_size(t->dtype), bytes = (size_t)dnn__numel(t) * item;
    dnn_status st;

    if (dnn__dense(t) && t->storage->layout == 0 && dnn__dev(dnn__device_of(t))->api == NULL) {
        *data = (const char *)t->storage->data + (size_t)t->offset * item;
        return DNN_OK;
    }
    *data = *copy = dnn__alloc(bytes);
    if (*copy == NULL) {
        return dnn__nomem("anomaly mode", bytes);
    }
    dnn__dispatch_self.in_nan_check = true; /* reading a tensor must not check it again */
    st = read_elements(t, *copy, bytes);
    dnn__dispatch_self.in_nan_check = false;
    return st;
}

static dnn_status count_nonfinite(dnn_tensor *t, struct census *c)
{
    int64_t n = t != NULL ? dnn__numel(t) : 0;
    const void *data = NULL;
    void *copy = NULL;
    dnn_status st;

    *c = (struct census){0, 0, -1, -1};
    if (n == 0 || (t->dtype & DNN__FLOATS) == 0) {
        return DNN_OK;
    }
    st = elements(t, &data, &copy);
    if (st == DNN_OK && !all_finite(t->dtype, data, n)) {
        take_census(c, t->dtype, data, n);
    }
    dnn__free(copy);
    return st;
}

/* ---- an operator ---- */

dnn_status dnn__nan_check_before(dnn_tensor *const *in, int n_in, dnn__nonfinite *held)
{
    struct census c;

    *held = (dnn__nonfinite){-1, -1};
    for (int i = 0; i < n_in && (held->nan < 0 || held->inf < 0); i++) {
        DNN_TRY(count_nonfinite(in[i], &c));
        held->nan = held->nan < 0 && c.nan > 0 ? i : held->nan;
        held->inf = held->inf < 0 && c.inf > 0 ? i : held->inf;
    }
    return DNN_OK;
}

enum { SHOWN = 8 };

static void put_tensors(dnn__text *text, dnn_tensor *const *in, int n)
{
    for (int i = 0; i < n && i < SHOWN; i++) {
        dnn__put(text, i > 0 ? ", " : "");
        if (in[i] == NULL) {
            dnn__put(text, "none");
            continue;
        }
        dnn__put_shape(text, in[i]->ndim, in[i]->dim);
        dnn__put(text, " %s", dnn_dtype_name(in[i]->dtype));
    }
    dnn__put(text, n > SHOWN ? ", .." : "");
}

/* [1,7] for element 11 of [4,10]. */
static void put_place(dnn__text *text, const dnn_tensor *t, int64_t at)
{
    int64_t place[DNN_MAX_DIMS];

    for (int d = t->ndim - 1; d >= 0; d--) {
        place[d] = at % t->dim[d];
        at /= t->dim[d];
    }
    dnn__put_shape(text, t->ndim, place);
}

static dnn_status report(const dnn__op *op, dnn_tensor *const *in, int n_in, const dnn_tensor *made,
                         int output, const struct census *c, const dnn__nonfinite *held)
{
    char text[512];
    dnn__text t = dnn__text_to(text, sizeof text);
    bool nan = c->nan > 0;

    dnn__put(&t, "%s: anomaly: %s ", op->name, dnn__result_name(op, output).text);
    put_tensors(&t, &(dnn_tensor *){(dnn_tensor *)(uintptr_t)made}, 1);
    dnn__put(&t, " has %s %s, the first at ", dnn__number_text(nan ? c->nan : c->inf),
             nan ? "NaN" : "infinities");
    put_place(&t, made, nan ? c->first_nan : c->first_inf);
    dnn__put(&t, "; ");
    if (nan && held->nan >= 0) {
        dnn__put(&t, "%s holds NaN already", dnn__input_name(op, held->nan).text);
    } else if (held->inf >= 0) {
        dnn__put(&t, "%s holds an infinity", dnn__input_name(op, held->inf).text);
    } else {
        dnn__put(&t, "its inputs are finite");
    }
    dnn__put(&t, "; inputs: ");
    put_tensors(&t, in, n_in);
    return dnn__fail(DNN_E_INVALID, "%s", text);
}

dnn_status dnn__nan_check_after(const dnn__op *op, dnn_tensor *const *in, int n_in,
                                dnn_tensor *const *made, int n_out, bool moves,
                                const dnn__nonfinite *held)
{
    struct census c;

    for (int j = 0; j < n_out; j++) {
        DNN_TRY(count_nonfinite(made[j], &c));
        if ((c.nan > 0 && !(moves && held->nan >= 0)) || (c.inf > 0 && held->inf < 0)) {
            return report(op, in, n_in, made[j], j, &c, held);
        }
    }
    return DNN_OK;
}

/* ---- backward ---- */

static void put_descs(dnn__text *text, const dnn__saved *s, int n)
{
    bool first = true;

    for (int i = 0; i < n && i < SHOWN; i++) {
        if (s[i].desc.ndim >= 0) {
            dnn__put(text, first ? "" : ", ");
            dnn__put_shape(text, s[i].desc.ndim, s[i].desc.dim);
            dnn__put(text, " %s", dnn_dtype_name(s[i].desc.dtype));
            first = false;
        }
    }
    dnn__put(text, n > SHOWN ? ", .." : "");
}

dnn_status dnn__nan_check_backward(const dnn__node *node, dnn_status status)
{
    char text[384];
    dnn__text t = dnn__text_to(text, sizeof text);

    put_descs(&t, node->out, node->n_out);
    dnn__put(&t, " of ");
    put_descs(&t, node->in, node->n_in);
    return dnn__fail(status, "%s; in the backward of %s, which made %s", dnn__message_text(),
                     node->op->name, text);
}
