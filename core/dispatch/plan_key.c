/* plan_key.c - the exact key of a call: operator, mode, threads, device, attributes, and for each
 * operand dtype, dims, strides, alignment and layout. */
#include <string.h>
#include "plan_key.h"

/* log2 of the alignment of an operand, at most 64 bytes. A result that is not made yet will be
 * aligned to 64. */
static uint64_t alignment_of(const dnn_tensor *t)
{
    uint64_t address;

    if (t == NULL || t->storage->data == NULL) {
        return 6;
    }
    address =
        (uint64_t)(uintptr_t)t->storage->data + (uint64_t)t->offset * dnn__item_size(t->dtype);
    return (uint64_t)__builtin_ctzll(address | 64);
}

static inline int64_t put_view(uint64_t *key, const dnn_view *v, const dnn_tensor *t)
{
    int64_t n = 1;

    if (v == NULL) {
        key[0] = 0;
        return 1;
    }
    key[0] = 1 | (uint64_t)v->dtype << 8 | (uint64_t)v->ndim << 32 | alignment_of(t) << 40 |
             (uint64_t)v->layout << 48;
    for (int i = 0; i < v->ndim; i++) {
        key[n++] = (uint64_t)v->dim[i];
    }
    for (int i = 0; i < v->ndim && v->stride != NULL; i++) {
        key[n++] = v->dim[i] > 1 ? (uint64_t)v->stride[i]
                                 : 0; /* the stride of an axis of size 1 does not count */
    }
    return n;
}

int64_t dnn__key_make(const dnn__frame *f)
{
    uint64_t *key = f->key;
    int64_t n = 4;

    key[0] = (uint64_t)f->op->id | (uint64_t)f->mode << 16 | (uint64_t)f->inplace << 32 |
             (uint64_t)dnn__threads() << DNN__KEY_THREADS_AT;
    key[1] = (uint64_t)f->n_in | (uint64_t)f->n_out << 32;
    key[2] = (uint64_t)dnn__dev(f->device)->kind << 32 | (uint32_t)dnn__dev(f->device)->ordinal;
    key[3] = f->pair != NULL;
    if (DNN__UNLIKELY(f->pair != NULL)) {
        key[n++] = (uint64_t)(uintptr_t)f->pair->plugin;
        key[n++] = f->pair->bytes;
    }
    if (f->op->attr_bytes > 0) {
        key[n + f->op->attr_bytes / 8] = 0;
        memcpy(key + n, f->attr, f->op->attr_bytes);
        n += (f->op->attr_bytes + 7) / 8;
    }
    for (int i = 0; i < f->n_in; i++) {
        n += put_view(key + n, f->pointer[i], f->in[i]);
    }
    for (int i = 0; i < f->n_out; i++) {
        n += put_view(key + n, f->pointer[f->n_in + i], dnn__is_direct(f, i) ? f->out[i] : NULL);
    }
    return n;
}
