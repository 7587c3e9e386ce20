/* common.h - what bad.c and zoo.c share: the values of relu, and functions of a device that is host
 * memory under another name. */
#ifndef BAD_COMMON_H
#define BAD_COMMON_H
#include <string.h>
#include "dnn_plugin.h"

static inline void relu_values(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    for (uint64_t i = 0; i < c->out[0]->nbytes / sizeof(float); i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
}

static inline void give_back(int32_t ordinal, void *p, uint32_t mem)
{
    (void)ordinal;
    (void)p;
    (void)mem;
}

static inline dnn_status copy(int32_t ordinal, void *stream, void *dst, uint32_t dst_mem,
                              const void *src, uint32_t src_mem, uint64_t bytes)
{
    (void)ordinal;
    (void)stream;
    (void)dst_mem;
    (void)src_mem;
    memcpy(dst, src, bytes);
    return DNN_OK;
}

static inline dnn_status fill(int32_t ordinal, void *stream, void *dst, uint8_t byte,
                              uint64_t bytes)
{
    (void)ordinal;
    (void)stream;
    memset(dst, byte, bytes);
    return DNN_OK;
}

#endif
