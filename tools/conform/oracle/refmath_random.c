/* refmath_random.c - Philox4x32-10 and the operators of the oracle that draw from it. The rounds
 * are written out here, so that a wrong use of Random123 in libdnn or a plugin is detected. The
 * harness calls it. */
#include "refmath.h"
#include <math.h>
#include <stddef.h>

/* Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", table of constants. */
void ref_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0],
             k1 = key[1];

    for (int round = 0; round < 10; round++) {
        uint64_t p = UINT64_C(0xD2511F53) * c0, q = UINT64_C(0xCD9E8D57) * c2;

        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)q;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t ref_word(const ref_call *c, uint64_t w)
{
    uint64_t block = c->rng_offset + w / 4;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)c->rng_stream,
                           (uint32_t)(c->rng_stream >> 32)};
    uint32_t key[2] = {(uint32_t)c->rng_seed, (uint32_t)(c->rng_seed >> 32)}, out[4];

    ref_philox(counter, key, out);
    return out[w % 4];
}

/* Returns u in [0,1) for element k of a result of this dtype. */
static double uniform(const ref_call *c, uint32_t dtype, int64_t k)
{
    uint64_t w = (uint64_t)k, high, low;

    switch (dtype) {
    case DNN_T_F64:
        high = ref_word(c, 2 * w);
        low = ref_word(c, 2 * w + 1);
        return ldexp((double)((high << 32 | low) >> 11), -53);
    case DNN_T_F16:
        return ldexp((double)(ref_word(c, w) >> 21), -11);
    case DNN_T_BF16:
        return ldexp((double)(ref_word(c, w) >> 24), -8);
    default:
        return ldexp((double)(ref_word(c, w) >> 8), -24);
    }
}

void ref_uniform(const ref_call *c)
{
    const dnn_attr_uniform *a = c->attr;

    for (int64_t k = 0; k < c->out[0]->n; k++)
        c->out[0]->f[k] = a->low + (a->high - a->low) * uniform(c, c->out[0]->dtype, k);
}

void ref_normal(const ref_call *c)
{
    const dnn_attr_normal *a = c->attr;
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++) {
        double r = sqrt(-2 * log(1 - uniform(c, y->dtype, k & ~INT64_C(1))));
        double turn = 2 * 3.14159265358979323846 * uniform(c, y->dtype, k | 1);

        y->f[k] = a->mean + a->std * r * (k % 2 == 0 ? cos(turn) : sin(turn));
    }
}

void ref_bernoulli(const ref_call *c)
{
    double p = ((const dnn_attr_bernoulli *)c->attr)->p;

    for (int64_t k = 0; k < c->out[0]->n; k++)
        ref_put(c->out[0], k, uniform(c, c->out[0]->dtype, k) < p);
}

void ref_dropout(const ref_call *c)
{
    double p = ((const dnn_attr_bernoulli *)c->attr)->p;
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++)
        y->f[k] = c->in[0]->f[k] * (uniform(c, y->dtype, k) >= p ? 1 / (1 - p) : 0);
}

void ref_dropout_bwd(const ref_call *c)
{
    ref_dropout(c);
}
