/* type_promotion.c - the dtypes of a call: casts operands to their common dtype, or checks that
 * they are equal, or leaves them, by the row's dtype rule. dispatch.c calls it before the shape
 * rule. */
#include "convert.h"
#include "type_promotion.h"

/* Writes the dtypes of a mask, as "f32 f64". */
static void put_dtypes(char *buffer, size_t bytes, uint32_t mask)
{
    dnn__text text = dnn__text_to(buffer, bytes);

    for (int i = 0; i < DNN__N_DTYPES; i++) {
        if ((mask >> i & 1) != 0) {
            dnn__put(&text, text.length > 0 ? " %s" : "%s", dnn_dtype_name(1u << i));
        }
    }
}

static dnn_status check_accepts(const dnn__frame *f, int i, dnn_dtype dtype)
{
    char accepts[64];

    if ((f->op->accepts & dtype) != 0) {
        return DNN_OK;
    }
    put_dtypes(accepts, sizeof accepts, f->op->accepts);
    return dnn__fail(DNN_E_INVALID, "%s: %s is %s, not one of %s (dnn_to converts)", f->op->name,
                     dnn__input_name(f->op, i).text, dnn_dtype_name(dtype), accepts);
}

/* The common dtype of the operands; for FLOAT rows a floating dtype. 0: there is no operand. */
static dnn_dtype meeting_dtype(const dnn__frame *f)
{
    dnn_dtype meet = 0;
    bool scalar = false;

    for (int i = 0; i < f->n_in; i++) {
        const dnn_tensor *t = f->in[i];

        if (t == NULL) {
            continue;
        }
        if (meet == 0) {
            meet = t->dtype;
            scalar = t->ndim == 0;
        } else {
            meet = dnn__promote(meet, scalar, t->dtype, t->ndim == 0);
            scalar = scalar && t->ndim == 0;
        }
    }
    if (f->op->dtype_rule == DNN__FLOAT && meet != 0 && (meet & DNN__FLOATS) == 0) {
        meet = DNN_T_F32;
    }
    return meet;
}

static dnn_status equal_dtypes(const dnn__frame *f)
{
    int first = -1;

    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] == NULL) {
            continue;
        }
        if (first < 0) {
            first = i;
            DNN_TRY(check_accepts(f, i, f->in[i]->dtype));
        } else if (f->in[i]->dtype != f->in[first]->dtype) {
            return dnn__fail(DNN_E_INVALID,
                             "%s: dtypes differ: %s is %s, %s is %s (dnn_to converts)", f->op->name,
                             dnn__input_name(f->op, first).text,
                             dnn_dtype_name(f->in[first]->dtype), dnn__input_name(f->op, i).text,
                             dnn_dtype_name(f->in[i]->dtype));
        }
    }
    return DNN_OK;
}

/* The ordinary call, where nothing is cast. false may also mean that only the slow path can
 * tell. */
static bool nothing_to_promote(const dnn__frame *f)
{
    dnn_dtype dtype = f->n_in > 0 && f->in[0] != NULL ? f->in[0]->dtype : 0;

    for (int i = 1; i < f->n_in; i++) {
        if (f->in[i] != NULL && f->in[i]->dtype != dtype) {
            return false;
        }
    }
    return (f->op->accepts & dtype) != 0 &&
           (f->op->dtype_rule != DNN__FLOAT || (dtype & DNN__FLOATS) != 0);
}

dnn_status dnn__promote_types(dnn__frame *f)
{
    dnn_dtype meet;

    if (DNN__LIKELY(f->op->dtype_rule != DNN__AS_IS && nothing_to_promote(f))) {
        return DNN_OK;
    }
    if (f->op->dtype_rule == DNN__AS_IS) {
        return f->op->primary < f->n_in && f->in[f->op->primary] != NULL
                   ? check_accepts(f, f->op->primary, f->in[f->op->primary]->dtype)
                   : DNN_OK;
    }
    if (f->op->dtype_rule == DNN__EQUAL) {
        return equal_dtypes(f);
    }
    meet = meeting_dtype(f);
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] == NULL || f->in[i]->dtype == meet) {
            continue;
        }
        f->in[i] = dnn__copy_as("cast", f->in[i], meet);
        if (f->in[i] == NULL) {
            dnn_status status = dnn__take();

            return dnn__fail(status, "%s: %s as %s: %s", f->op->name,
                             dnn__input_name(f->op, i).text, dnn_dtype_name(meet),
                             dnn__message_text());
        }
        f->any_layout = f->any_layout || dnn__layout_of(f->in[i]->storage) != 0;
    }
    return meet != 0 ? check_accepts(f, 0, meet) : DNN_OK;
}
