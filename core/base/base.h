/* base.h - what every file of the core uses: errors, checked sizes, memory, the state of a thread.
 * Private. */
#ifndef DNN__BASE_H
#define DNN__BASE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dnn/backend.h"
#include "dnn/status.h"
#include "dnn/tensor.h"

#define DNN__LIKELY(x) __builtin_expect(!!(x), 1)
#define DNN__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define DNN__COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- errors (status.c) ---- */

/* Formats the thread's message and returns status. Does not touch a pending error. */
dnn_status dnn__fail(dnn_status status, const char *fmt, ...) DNN_PRINTF(2, 3);
/* "what: 4,096 bytes: out of memory" and DNN_E_NOMEM. */
dnn_status dnn__nomem(const char *what, size_t bytes);
/* Makes `status`, with the message that dnn__fail has set, the pending error, unless there is an
 * earlier one. Returns NULL. */
void *dnn__null(dnn_status status);
/* The status of the pending error of this thread, or DNN_OK. Does not take it. */
dnn_status dnn__pending(void);
/* Takes the pending error: dnn_scope_status by its internal name. */
dnn_status dnn__take(void);
/* Around a call of a function of the program. Pass what begin returns to end. end takes the pending
 * error and returns it, or the function's status, with the message "backward of name: ...". After
 * DNN_OK the thread's message is the old one. */
bool dnn__callback_begin(void);
dnn_status dnn__callback_end(bool before, dnn_status status, const char *part, const char *name);
/* The head of every public operator: if (!dnn__ready("flatten", x)) return NULL;
 * Returns false if an error is pending. If x is NULL: sets the pending error and returns false. */
bool dnn__ready(const char *op, const void *x);
/* For functions of the status idiom at their head: a pending error comes first, then `pointer` must
 * not be NULL. */
dnn_status dnn__require(const void *pointer, const char *function, const char *argument);
/* To the log callback, or standard error from WARN on. */
void dnn__log(int level, const char *fmt, ...) DNN_PRINTF(2, 3);
void dnn__vlog(int level, const char *fmt, __builtin_va_list list);

/* ---- a sink for text: formatting that never overruns and counts what did not fit (text.c) ---- */
typedef struct dnn__text {
    char *at;
    size_t room, length; /* bytes left with the final 0; length of the whole text */
} dnn__text;
dnn__text dnn__text_to(char *buffer, size_t bytes); /* ends the buffer with 0 */
void dnn__put(dnn__text *text, const char *fmt, ...) DNN_PRINTF(2, 3);
void dnn__put_shape(dnn__text *text, int ndim, const int64_t *dim); /* "[3,4]" */
/* number as Python prints a float: "0.5", "1.0", "1e-05". */
void dnn__put_float(dnn__text *text, double number);

/* A shape as text in one of a few buffers of the thread, for messages: at most six at a time. */
const char *dnn__shape_text(int ndim, const int64_t *dim);
/* "60,000" likewise. */
const char *dnn__number_text(int64_t number);

/* ---- checked sizes: false on overflow ---- */
static inline bool dnn__mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool dnn__add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* ---- host memory (allocator.c): 64-byte aligned, through the replaceable table ---- */
void *dnn__alloc(size_t bytes); /* NULL when there is none (no message); bytes 0 gives a pointer
                                   that may be freed */
void *dnn__calloc(size_t count, size_t bytes);
void *dnn__alloc_aligned(size_t bytes, size_t align);
void dnn__free(void *memory);
char *dnn__strdup(const char *text);
/* Grows *array of *capacity elements so that it holds `need`; the contents stay. DNN_E_NOMEM leaves
 * it as it was. */
dnn_status dnn__reserve(void **array, int64_t *capacity, int64_t need, size_t element,
                        const char *what);

/* Small objects of a few sizes, recycled by each thread without a lock (slab.c). bytes must be the
 * same at both ends. */
void *dnn__slab_alloc(size_t bytes); /* not zeroed; 64-byte aligned; NULL when there is no memory */
void dnn__slab_free(void *object, size_t bytes);
/* Gives all slabs back to the allocator if no object of them is alive (dnn_shutdown). */
void dnn__slab_shutdown(void);

/* The last message of a thread. Assign it to keep it over calls that may set another. */
typedef struct dnn__message {
    bool is_new; /* set since dnn__callback_begin */
    char text[1024];
} dnn__message;

/* ---- state of a thread ----
 * Of this layer (status.c); device, plugin and dispatch keep their own. */
typedef struct dnn__thread {
    dnn_status pending; /* the pending error; its text is in pending_message */
    int no_grad;        /* depth of DNN_NO_GRAD */
    dnn_scope *scope;   /* the innermost; NULL until the first use, then &root at least */
    dnn_scope root;
    bool registered;  /* the thread's end closes root (scope.c) */
    bool in_pool;     /* the thread runs a piece of a parallel_for */
    int call_threads; /* number of threads that the running call has scratch for; 0: no call runs */
    dnn__message message, pending_message;
} dnn__thread;
/* initial-exec: dispatch reads it in every call. */
extern _Thread_local dnn__thread dnn__self __attribute__((tls_model("initial-exec")));

/* ---- forked children ----
 * Set in a child of fork; every entry that would compute is an error then (threads.c). */
extern atomic_bool dnn__forked;

/* ---- threads (threads.c) ---- */
int dnn__threads(void);
int dnn__call_threads(void); /* the same for the whole of a call, dnn_set_threads or not */
void dnn__parallel_for(int64_t n, int64_t grain,
                       void (*fn)(void *arg, int64_t begin, int64_t end, int worker), void *arg);
dnn_status
dnn__pool_start(void); /* DNN_THREADS or the CPUs of the process; called once the library starts */
void dnn__pool_stop(void); /* joins the workers */

/* ---- random numbers (rng.c) ---- */
enum { DNN__STREAM_DEFAULT = 0, DNN__STREAM_LOADER = 1, DNN__STREAM_SPLIT = 2 };
typedef struct dnn__rng {
    uint64_t seed, stream, offset;
} dnn__rng;
/* Takes `words` 32-bit words of the default generator, rounded up to blocks of four, and tells
 * where they begin. */
dnn__rng dnn__rng_take(uint64_t words);
/* The default generator as it stands, and as a checkpoint brings it back. */
dnn__rng dnn__rng_state(void);
void dnn__rng_restore(dnn__rng state);
/* A permutation of 0..n-1 by (seed, stream, offset): sorted by 64-bit keys, ties by index. out[n].
 * DNN_E_NOMEM. */
dnn_status dnn__permutation(uint64_t seed, uint64_t stream, uint64_t offset, int64_t n,
                            int64_t *out);

/* ---- dtypes (dtype.c) ---- */
enum {
    DNN__N_DTYPES = 9,
    DNN__FLOATS = DNN_T_F32 | DNN_T_F64 | DNN_T_F16 | DNN_T_BF16,
    DNN__INTS = DNN_T_I8 | DNN_T_U8 | DNN_T_I32 | DNN_T_I64,
    DNN__NUMBERS = DNN__FLOATS | DNN__INTS,
    DNN__ALL_DTYPES = DNN__NUMBERS | DNN_T_BOOL
};
static inline bool dnn__dtype_ok(dnn_dtype d)
{
    return d != 0 && (d & (d - 1)) == 0 && d <= DNN_T_BOOL;
}
static inline int dnn__dtype_index(dnn_dtype d)
{
    return __builtin_ctz(d);
}
extern const uint8_t dnn__dtype_bytes[DNN__N_DTYPES];
static inline size_t dnn__item_size(dnn_dtype d)
{
    return dnn__dtype_bytes[dnn__dtype_index(d)];
}
/* The dtype in which a and b meet; a rank-0 operand (a_scalar, b_scalar) does not lift a tensor of
 * its class. */
dnn_dtype dnn__promote(dnn_dtype a, bool a_scalar, dnn_dtype b, bool b_scalar);
double dnn__load_double(dnn_dtype d, const void *element);
int64_t dnn__load_i64(dnn_dtype d, const void *element, bool *exact);
void dnn__store_double(dnn_dtype d, void *element,
                       double value);      /* as copy casts: saturates, NaN 0 */
bool dnn__fits(dnn_dtype d, double value); /* value is integral and in range, or d is floating */

/* ---- shapes (shape.c) ---- */
typedef struct dnn__desc { /* what a tensor is without its data; ndim -1 = no tensor */
    dnn_dtype dtype;
    int32_t ndim;
    int64_t dim[DNN_MAX_DIMS];
} dnn__desc;
/* Checks sizes >= 0, rank, and that numel * item size fits in int64; *bytes may be NULL. `what`
 * begins the message. */
dnn_status dnn__check_shape(const char *what, dnn_dtype dtype, int64_t ndim, const int64_t *dim,
                            size_t *bytes);
int64_t dnn__numel_of(int ndim, const int64_t *dim); /* of dims that were checked */
void dnn__dense_strides(int ndim, const int64_t *dim, int64_t *stride);
bool dnn__is_dense(int ndim, const int64_t *dim,
                   const int64_t *stride); /* row-major, no gaps; strides of size-1 dims aside */
/* dim, negative from the end, into 0..ndim-1; rank 0 counts as rank 1 (dim 0 and -1). */
dnn_status dnn__axis(const char *op, int dim, int ndim, int *out);
dnn_status dnn__axes_mask(const char *op, const dnn_dims *dims, int ndim,
                          uint32_t *mask); /* none named: all; twice: error */
/* Broadcast of two shapes into out (may be one of them). */
dnn_status dnn__broadcast(const char *op, int an, const int64_t *a, int bn, const int64_t *b,
                          int32_t *out_n, int64_t *out);
/* Strides of t's dims seen as `dim` (stride 0 where stretched); the shapes broadcast. */
void dnn__expand_strides(int tn, const int64_t *tdim, const int64_t *tstride, int ndim,
                         const int64_t *dim, int64_t *stride);
/* Strides for a reshape of (dim, stride) to new dims without a copy; false if there are none.
 * Element counts are equal. */
bool dnn__view_strides(int ndim, const int64_t *dim, const int64_t *stride, int new_ndim,
                       const int64_t *new_dim, int64_t *new_stride);
/* Do the elements of a view lie at distinct places (no stride 0 on a size > 1, no overlap)?
 * Conservative: false when unsure. */
bool dnn__is_injective(int ndim, const int64_t *dim, const int64_t *stride);
/* Elements from the first to behind the last; 0 if there are none. No stride is negative. */
uint64_t dnn__extent(int ndim, const int64_t *dim, const int64_t *stride);
/* Do they fill one run of memory, in any order of the dims? */
bool dnn__is_run(int ndim, const int64_t *dim, const int64_t *stride);

#endif
