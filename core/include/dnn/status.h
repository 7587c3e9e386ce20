/* status.h - the errors of libdnn, and scopes, which release tensors.
 *
 * Two idioms
 *   Operators and constructors return a pointer, or NULL. The first NULL records its error as the
 *   pending error of the thread. While an error is pending, every operator returns NULL and does
 *   nothing, so one check at the end of an expression is enough.
 *   Every other function that can fail returns a dnn_status. Most of them take the pending error
 *   first: they return it, clear it and do nothing else. So the check at the end is usually a call
 *   that the program makes anyway: DNN_TRY(dnn_item(dnn_sum(x), &sum)).
 *
 * Threads: all state of this header belongs to the calling thread. */
#ifndef DNN_STATUS_H
#define DNN_STATUS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Repeated word for word in dnn_plugin.h, dnn_reader.h and dnn/status.h; a test compares them. */
#ifndef DNN_ABI_COMMON
#define DNN_ABI_COMMON 1
#define DNN_EXPORT __attribute__((visibility("default")))
/* DNN_FITS: the size of the struct includes member m. DNN_HAS: it does, and m is not zero. */
#define DNN_FITS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))
#define DNN_HAS(p, m) (DNN_FITS(p, m) && (p)->m)
typedef int32_t dnn_status;
enum {
    DNN_OK = 0,
    DNN_DECLINED = 1,    /* init() and plan() only: "not me, ask the next one"; not an error */
    DNN_E_INVALID = -1,  /* an argument is wrong */
    DNN_E_NOMEM = -2,    /* no memory, on the host or on a device */
    DNN_E_DEVICE = -3,   /* a backend or device is missing, refused, or failed */
    DNN_E_INTERNAL = -4, /* a fault of libdnn or of a plugin */
    DNN_E_IO = -5,       /* the operating system refused to read or write */
    DNN_E_FORMAT = -6    /* a file breaks its format's rules */
};
enum { /* one bit per element type: a tensor has one, a kernel's list has several */
       DNN_T_F32 = 1 << 0,
       DNN_T_F64 = 1 << 1,
       DNN_T_F16 = 1 << 2,
       DNN_T_BF16 = 1 << 3,
       DNN_T_I8 = 1 << 4,
       DNN_T_U8 = 1 << 5,
       DNN_T_I32 = 1 << 6,
       DNN_T_I64 = 1 << 7,
       DNN_T_BOOL = 1 << 8 /* one byte, 0 or 1 */
};
#endif

#define DNN_API DNN_EXPORT
#define DNN_CHECKED __attribute__((warn_unused_result))
#define DNN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* Evaluates expr; if it is not DNN_OK, returns it from the calling function. For functions that
 * hold no resource at that point. */
#define DNN_TRY(expr)                       \
    do {                                    \
        dnn_status dnn_try_status = (expr); \
        if (dnn_try_status != DNN_OK) {     \
            return dnn_try_status;          \
        }                                   \
    } while (0)

/* Assigns expr to the variable `st` and jumps to label if it is not DNN_OK. For functions with one
 * clean-up label. */
#define DNN_TRY_TO(label, expr) \
    do {                        \
        st = (expr);            \
        if (st != DNN_OK) {     \
            goto label;         \
        }                       \
    } while (0)

/* Returns the name of the status ("DNN_E_NOMEM"), or "unknown status". Never NULL; static text. */
DNN_API const char *dnn_status_name(dnn_status status);

/* Returns the message of the pending error, else of the last error of this thread. It names
 * the operator or path, the operand and the numbers. "" if there was no error. Valid until the next
 * error of this thread. */
DNN_API const char *dnn_error_message(void);

/* Sets the message of this thread and returns status. For functions of the program that libdnn
 * calls (custom functions, hooks): return dnn_fail(DNN_E_INVALID, "..."). */
DNN_API dnn_status dnn_fail(dnn_status status, const char *fmt, ...) DNN_PRINTF(2, 3);

/* Returns the status of the pending error and clears it; DNN_OK if there is none. Operators work
 * again afterwards. */
DNN_API DNN_CHECKED dnn_status dnn_scope_status(void);

/* ---- scopes ----
 * A tensor that a function returns belongs to the innermost open scope of the thread. Closing the
 * scope releases it. Outside every scope it belongs to the root scope of the thread, which is
 * closed when the thread ends or calls dnn_shutdown. The pending error belongs to the thread: it
 * survives the scope. The struct is public only so that it can be on the stack; its members are
 * private. */
typedef struct dnn_scope {
    struct dnn_scope *dnn_parent;
    struct dnn__owned *dnn_first;
    int dnn_flags, dnn_once;
} dnn_scope;

/* Open and close a scope by hand, for other compilers and languages. dnn_scope_end also closes the
 * scopes that were opened after `scope` and are still open. It ignores NULL and a scope that is not
 * open. */
DNN_API void dnn_scope_begin(dnn_scope *scope);
DNN_API void dnn_scope_end(dnn_scope *scope);

/* As dnn_scope_begin, and operators are not recorded until the scope ends (torch.no_grad). */
DNN_API void dnn_no_grad_begin(dnn_scope *scope);

/* As dnn_scope_begin, and operators are recorded until the scope ends (torch.enable_grad), also
 * inside a scope of dnn_no_grad_begin, a backward or a hook. */
DNN_API void dnn_enable_grad_begin(dnn_scope *scope);

/* Moves t from the innermost scope to the scope around it and returns t. `return dnn_keep(y);`
 * returns y from inside a DNN_SCOPE. NULL gives NULL. A tensor of another scope, or of the root
 * scope, stays there. */
DNN_API struct dnn_tensor *dnn_keep(struct dnn_tensor *t);

#define DNN_CAT_(a, b) a##b
#define DNN_CAT(a, b) DNN_CAT_(a, b)
#define DNN_SCOPE_(name, begin)                                                       \
    for (dnn_scope name __attribute__((cleanup(dnn_scope_end))) = {NULL, NULL, 0, 1}; \
         name.dnn_once && (begin(&name), name.dnn_once = 0, 1);)

/* DNN_SCOPE { ... } opens a scope for the block. It closes at the end of the block and on return
 * and goto out of it. `break` and `continue` inside leave the scope, not a loop around it.
 * DNN_NO_GRAD { ... } also stops recording. DNN_ENABLE_GRAD { ... } also turns recording on. */
#define DNN_SCOPE DNN_SCOPE_(DNN_CAT(dnn_scope_, __COUNTER__), dnn_scope_begin)
#define DNN_NO_GRAD DNN_SCOPE_(DNN_CAT(dnn_scope_, __COUNTER__), dnn_no_grad_begin)
#define DNN_ENABLE_GRAD DNN_SCOPE_(DNN_CAT(dnn_scope_, __COUNTER__), dnn_enable_grad_begin)

#ifdef __cplusplus
}
#endif
#endif
