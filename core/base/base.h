/* base.h - declarations for every file of the core: errors, checked sizes, memory, the state of a
 * thread. Private. */
#ifndef DNN__BASE_H
#define DNN__BASE_H
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dnn/backend.h"
#include "dnn/status.h"
#include "dnn/tensor.h"
#include "thread.h"

#define DNN__LIKELY(x) __builtin_expect(!!(x), 1)
#define DNN__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define DNN__COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- errors (status.c) ---- */

/* Formats the thread's message and returns status. It does not touch a pending error. */
dnn_status dnn__fail(dnn_status status, const char *fmt, ...) DNN_PRINTF(2, 3);
/* Sets the message "what: 4,096 bytes: out of memory" and returns DNN_E_NOMEM. */
dnn_status dnn__nomem(const char *what, size_t bytes);
/* Puts "place: " before the message of the pending error, once: the innermost place stays. */
void dnn__place_pending(const char *place);
/* Returns the last message of this thread, which stays valid until the next one. */
const char *dnn__message_text(void);
/* Keep the message over calls that may set another. */
dnn__message dnn__message_save(void);
void dnn__message_restore(const dnn__message *message);
/* Makes `status`, with the message that dnn__fail has set, the pending error, unless one is pending
 * already. Returns NULL. */
void *dnn__null(dnn_status status);
/* Makes a failure the pending error as dnn__null does; returns true for DNN_OK. */
bool dnn__ok(dnn_status status);
/* Returns the status of the pending error of this thread, or DNN_OK. The error stays pending. */
dnn_status dnn__pending(void);
/* Returns the status of the pending error and clears it: the internal name of dnn_take_error. */
dnn_status dnn__take(void);
/* Call these before and after a function of the program. Pass the result of begin to end, and the
 * status that the function returned. end clears the pending error. It returns the pending error,
 * which is the first, or else the function's failure; the message begins "backward of name: ". */
bool dnn__callback_begin(void);
dnn_status dnn__callback_end(bool before, dnn_status status, const char *part, const char *name);
/* The same for a caller that names the place of the error itself (dnn__place_pending): the failure
 * becomes the pending error. "part: " begins its message if part is not NULL and the message names
 * no place yet. Returns true for DNN_OK without a pending error. */
bool dnn__callback_left(bool before, dnn_status status, const char *part);
/* Returns the status of the message that the function of the program has set since
 * dnn__callback_begin; DNN_E_INVALID if it has set none. For functions that return NULL to fail. */
dnn_status dnn__callback_message(void);
/* Every public operator begins with: if (!dnn__ready("flatten", x)) return NULL;
 * Returns false if an error is pending. If x is NULL, sets the pending error and returns false. The
 * message has the name of the operand, which is the expression x: "conv2d: w is NULL" of args.w. */
#define dnn__ready(op, x) dnn__operand_ready((op), #x, (x))
bool dnn__operand_ready(const char *op, const char *operand, const void *x);
/* Makes the block of this thread (thread.h), which objects need. */
dnn_status dnn__thread_register(void);
/* Functions that return a status begin with this. It returns the pending error if there is one,
 * else DNN_E_INVALID if `pointer` is NULL. */
dnn_status dnn__require(const void *pointer, const char *function, const char *argument);
/* Writes to the log callback. Without one, writes to standard error from level WARN on. */
void dnn__log(int level, const char *fmt, ...) DNN_PRINTF(2, 3);
void dnn__vlog(int level, const char *fmt, __builtin_va_list list);

/* ---- text.c: formatting into a buffer of fixed size; it counts the bytes that did not fit ---- */
typedef struct dnn__text {
    char *at;
    size_t room, length; /* free bytes, with the final 0; length of the whole text */
} dnn__text;
dnn__text dnn__text_to(char *buffer, size_t bytes); /* sets buffer to "" */
/* Returns the text behind "NAME: ", or the text itself if it begins otherwise: a message of a
 * plugin or a callback may begin with the name that the caller puts in front. */
const char *dnn__after_name(const char *text, const char *name);
void dnn__put(dnn__text *text, const char *fmt, ...) DNN_PRINTF(2, 3);
/* vsnprintf and strtod of the C locale, whatever the locale of the process or the thread is. */
int dnn__vformat(char *buffer, size_t bytes, const char *fmt, va_list list) DNN_PRINTF(3, 0);
double dnn__strtod(const char *text, char **end);
void dnn__put_shape(dnn__text *text, int ndim, const int64_t *dim); /* "[3,4]" */
/* Writes a finite number in the notation 'f' or 'e' of printf (form), as in the C locale. precision
 * is 0 to DNN__MOST_DIGITS. */
enum { DNN__MOST_DIGITS = 100 };
void dnn__put_number(dnn__text *text, double number, int precision, char form);
/* Writes number as Python prints a float: "0.5", "1.0", "1e-05". */
void dnn__put_float(dnn__text *text, double number);

/* Returns a shape as text, for messages. The text is valid until the sixth later call in the
 * thread. */
const char *dnn__shape_text(int ndim, const int64_t *dim);
/* The same for a number: "60,000". */
const char *dnn__number_text(int64_t number);
const char *dnn__float_text(double number); /* as %g in the C locale: "0.25" */

/* ---- checked sizes: false on overflow ---- */
static inline bool dnn__size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool dnn__size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* ---- allocator.c: host memory, 64-byte aligned, from the replaceable table ---- */
/* Returns NULL, without a message, if there is no memory. bytes 0 gives a pointer that can be
 * freed. */
void *dnn__alloc(size_t bytes);
void *dnn__calloc(size_t count, size_t bytes);
void *dnn__alloc_aligned(size_t bytes, size_t align);
void dnn__free(void *memory);
/* Blocks that the system gets back when they are freed: malloc keeps freed blocks of up to 32 MiB,
 * in which nothing of another size fits. bytes and align are multiples of the page size (4096).
 * A replaced table serves them too. */
void *dnn__alloc_pages(size_t bytes, size_t align);
void dnn__free_pages(void *memory, size_t bytes);
char *dnn__strdup(const char *text);
/* Grows *array of *capacity elements so that it holds `need`, and keeps the contents. On
 * DNN_E_NOMEM the array is unchanged. */
dnn_status dnn__reserve(void **array, int64_t *capacity, int64_t need, size_t element,
                        const char *what);

/* slab.c: small objects of a few sizes. Each thread recycles its own without a lock. Pass the same
 * bytes to alloc and free. */
void *dnn__slab_alloc(size_t bytes); /* not zeroed; 64-byte aligned; NULL if there is no memory */
void dnn__slab_free(void *object, size_t bytes);
/* Returns all slabs to the allocator if no object of them is alive (dnn_shutdown). */
void dnn__slab_shutdown(void);

/* ---- forked children ----
 * True in a child of fork. Functions that compute then return an error (threads.c). */
extern atomic_bool dnn__forked;

/* ---- threads (threads.c) ---- */
int dnn__threads(void);
/* Like dnn__threads, but constant for the length of a call, also if dnn_set_threads is called
 * meanwhile. */
int dnn__call_threads(void);
void dnn__parallel_for(int64_t n, int64_t grain,
                       void (*fn)(void *arg, int64_t begin, int64_t end, int worker), void *arg);
/* Starts DNN_THREADS threads, or as many as the process has CPUs. Called once the library starts.
 */
dnn_status dnn__pool_start(void);
void dnn__pool_stop(void); /* joins the workers */

/* ---- random numbers (generator.c; permutations: rng.c) ---- */
enum { DNN__RNG_DEFAULT = 0, DNN__RNG_LOADER = 1, DNN__RNG_SPLIT = 2, DNN__RNG_SAMPLE = 3 };
typedef dnn_generator_state dnn__rng;
/* Reserves `words` 32-bit words of the thread's current generator, rounded up to blocks of four.
 * The result says where they begin. */
dnn__rng dnn__rng_take(uint64_t words);
/* Read and set the state of a generator; NULL means the default one. */
dnn__rng dnn__rng_state(const dnn_generator *generator);
void dnn__rng_restore(dnn_generator *generator, dnn__rng state);
/* Random operators of this thread draw the numbers that begin at `from`, until dnn_generator_end.
 * Makes no object, and allocates nothing unless DNN__FIRST_DRAWINGS are open. DNN_E_NOMEM. */
dnn_status dnn__rng_begin(dnn__rng from, dnn_generator_guard *out);
/* Returns word i, of 64 bits, behind a place of a stream. */
uint64_t dnn__random_word(dnn__rng rng, uint64_t i);
/* Writes a permutation of 0..n-1 to out[n]. It sorts the indices by 64-bit keys drawn from (seed,
 * stream, offset), ties by index. Fails with DNN_E_NOMEM. */
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
/* Returns the promoted dtype of a and b. A rank-0 operand (a_scalar, b_scalar) does not change the
 * dtype of a tensor of its class (bool, integer, floating). */
dnn_dtype dnn__promote(dnn_dtype a, bool a_scalar, dnn_dtype b, bool b_scalar);
double dnn__load_double(dnn_dtype d, const void *element);
int64_t dnn__load_i64(dnn_dtype d, const void *element, bool *exact);
void dnn__store_double(
    dnn_dtype d, void *element,
    double value); /* casts as the operator copy does: saturates, NaN becomes 0 */
/* Returns true if value is integral and in range, or d is floating. */
bool dnn__fits(dnn_dtype d, double value);

/* ---- shapes (shape.c) ---- */
/* A tensor without its data. ndim -1: no tensor. */
typedef struct dnn__desc {
    dnn_dtype dtype;
    int32_t ndim;
    int64_t dim[DNN_MAX_DIMS];
} dnn__desc;
/* Checks that sizes are >= 0, that the rank is allowed, and that numel * item size fits in int64.
 * bytes may be NULL. `what` begins the message. */
dnn_status dnn__check_shape(const char *what, dnn_dtype dtype, int64_t ndim, const int64_t *dim,
                            size_t *bytes);
int64_t dnn__numel_of(int ndim, const int64_t *dim); /* dims that were checked */
void dnn__dense_strides(int ndim, const int64_t *dim, int64_t *stride);
/* True if the elements are row-major without gaps. Strides of dims of size 1 are ignored. */
bool dnn__is_dense(int ndim, const int64_t *dim, const int64_t *stride);
/* Maps dim, negative from the end, to 0..ndim-1. Rank 0 counts as rank 1 (dim 0 and -1). */
dnn_status dnn__axis(const char *op, int dim, int ndim, int *out);
/* Collects dims in a bit mask. No dim: all. A dim named twice is an error. */
dnn_status dnn__axes_mask(const char *op, const dnn_dims *dims, int ndim, uint32_t *mask);
/* Broadcasts two shapes into out, which may be one of them. */
dnn_status dnn__broadcast(const char *op, int an, const int64_t *a, int bn, const int64_t *b,
                          int32_t *out_n, int64_t *out);
/* Sets the strides of t expanded to `dim`: 0 where a dim of size 1 is stretched. The shapes must
 * broadcast. */
void dnn__expand_strides(int tn, const int64_t *tdim, const int64_t *tstride, int ndim,
                         const int64_t *dim, int64_t *stride);
/* Sets the strides that reshape (dim, stride) to new dims without a copy; false if none exist. The
 * element counts must be equal. */
bool dnn__view_strides(int ndim, const int64_t *dim, const int64_t *stride, int new_ndim,
                       const int64_t *new_dim, int64_t *new_stride);
/* True if no two elements of a view share memory (no stride 0 on a size > 1, no overlap). May
 * return false for some views where none do. */
bool dnn__is_injective(int ndim, const int64_t *dim, const int64_t *stride);
/* Number of elements spanned from the first to the last, inclusive; 0 if there are none. No stride
 * is negative. */
uint64_t dnn__extent(int ndim, const int64_t *dim, const int64_t *stride);
/* True if the elements are contiguous in memory, in any order of the dims. */
bool dnn__is_run(int ndim, const int64_t *dim, const int64_t *stride);

#endif
