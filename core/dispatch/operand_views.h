/* operand_views.h - the operands as kernels see them. Private. */
#ifndef DNN__OPERAND_VIEWS_H
#define DNN__OPERAND_VIEWS_H
#include "frame.h"

/* Fills frame->view. Takes the layouts' lock if an operand lies in a private layout;
 * dnn__operand_views_close releases it. */
dnn_status dnn__operand_views_open(dnn__frame *frame);
void dnn__operand_views_close(dnn__frame *frame);
/* Sets the views to what they were when they were opened, under the same lock. */
void dnn__operand_views_again(dnn__frame *frame);
/* Makes every operand strided for good. Must not hold the layouts' lock. */
dnn_status dnn__all_strided(dnn__frame *frame);
/* Bytes from a view's first element on; s NULL: it is dense. */
static inline uint64_t dnn__view_bytes(const dnn_view *v, const dnn__storage *s, int64_t offset)
{
    uint64_t item = dnn__item_size(v->dtype);
    int64_t n = 1;
    bool dense = true;

    for (int i = v->ndim - 1; i >= 0; i--) {
        dense = dense && (v->dim[i] == 1 || v->stride[i] == n);
        n *= v->dim[i];
    }
    return n == 0 || s == NULL || dense ? (uint64_t)n * item : s->bytes - (uint64_t)offset * item;
}

#endif
