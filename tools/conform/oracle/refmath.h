/* refmath.h - the oracle: every operator as plain loops in double (or int64), written from the
 * formulas of dnn_ops.h and from no kernel. The harness calls it. It knows no tensors, strides,
 * devices or threads. */
#ifndef REFMATH_H
#define REFMATH_H
#include "dnn_ops.h"
#include "dnn_plugin.h"
#include <stdbool.h>
#include <stdint.h>

enum { REF_MAX_IN = 20, REF_MAX_OUT = 8 };

/* A dense row-major operand. Floating dtypes use f, integers and bool use i; the other is NULL. */
typedef struct ref_array {
    uint32_t dtype; /* one DNN_T_ bit */
    int ndim;
    int64_t dim[DNN_DIM_MAX];
    int64_t n; /* elements */
    double *f;
    int64_t *i;
} ref_array;

/* One call. Operands of elementwise rows have the dims of out[0]. A row writes only the elements of
 * its outputs; the caller sets dims and dtypes. */
typedef struct ref_call {
    int n_in, n_out;
    const ref_array *in[REF_MAX_IN]; /* NULL: omitted */
    ref_array *out[REF_MAX_OUT];     /* NULL: not requested */
    const void *attr;
    uint64_t rng_seed, rng_stream, rng_offset;
} ref_call;
typedef void ref_fn(const ref_call *c);

/* ---- arrays and dtypes (refmath.c) ---- */
bool ref_is_float(uint32_t dtype);
/* Copies the dims and sets all elements to zero; false if there is no memory. */
bool ref_array_new(ref_array *a, uint32_t dtype, int ndim, const int64_t *dim);
void ref_array_free(ref_array *a);
int64_t ref_count(int ndim, const int64_t *dim);
/* Returns x rounded to the dtype, to nearest even; f64 and integers are unchanged. */
double ref_rounded(uint32_t dtype, double x);
/* Integer arithmetic modulo 2^n. */
int64_t ref_wrap(uint32_t dtype, int64_t x);
int64_t ref_int_min(uint32_t dtype);
int64_t ref_int_max(uint32_t dtype);
/* Returns element k of any dtype as a number; sets one with the cast of the operator copy. */
double ref_get(const ref_array *a, int64_t k);
void ref_put(ref_array *a, int64_t k, double x);
/* Copies element k of `from` to element j of `to`: the same dtype, exact. */
void ref_move(ref_array *to, int64_t j, const ref_array *from, int64_t k);
/* Returns the index of the element of a that broadcasts to index k of the dims. */
int64_t ref_broadcast_index(const ref_array *a, int ndim, const int64_t *dim, int64_t k);

/* ---- Philox4x32-10, scalar (refmath_random.c) ---- */
void ref_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* Returns 32-bit word number w of a call. */
uint32_t ref_word(const ref_call *c, uint64_t w);

/* One reference for each row of the operator table; a row without one does not link. */
#define DNN_OP(name, ...) ref_fn ref_##name;
#include "op_table.def"
#undef DNN_OP

#endif
