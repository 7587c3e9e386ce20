/* status.h - how libdnn reports errors, and scopes: who frees what, and where an error waits.
 *
 * Two idioms. Operators return a tensor or NULL; a NULL operand gives NULL, the first error waits in the thread, and one
 * check at the end of an expression is enough. Everything that owns a resource returns a dnn_status.
 *
 * Threads: all state here is the calling thread's own. */
#ifndef DNN_STATUS_H
#define DNN_STATUS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Repeated word for word in dnn_plugin.h, dnn_reader.h and dnn/status.h; a test compares the copies. */
#ifndef DNN_ABI_COMMON
#define DNN_ABI_COMMON 1
#define DNN_EXPORT __attribute__((visibility("default")))
/* DNN_FITS: does the struct reach as far as member m. DNN_HAS: is m there and not zero. */
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

/* Returns the status of expr from the calling function if it is not DNN_OK; for functions that own nothing. */
#define DNN_TRY(expr)                             \
    do {                                          \
        dnn_status dnn_try_status = (expr);       \
        if (dnn_try_status != DNN_OK) {           \
            return dnn_try_status;                \
        }                                         \
    } while (0)

/* Sets the variable `st` and jumps to label; for functions with one clean-up label. */
#define DNN_TRY_TO(label, expr)                   \
    do {                                          \
        st = (expr);                              \
        if (st != DNN_OK) {                       \
            goto label;                           \
        }                                         \
    } while (0)

/* The code's name: "DNN_E_NOMEM"; "unknown status" for a number that is none. Never NULL. */
DNN_API const char *dnn_status_name(dnn_status status);

/* The message of the last error that this thread was told of (by a returned status, or by an operator's NULL): it names
 * the operator or path, the thing and the numbers. "" if there was none. Valid until the thread's next error. */
DNN_API const char *dnn_error_message(void);

/* For functions of the program that libdnn calls (dnn_function, hooks): sets the message and returns status, which the
 * function then returns. */
DNN_API dnn_status dnn_fail(dnn_status status, const char *fmt, ...) DNN_PRINTF(2, 3);

/* Takes the error that waits in this thread and returns its status; DNN_OK if none waits. After it operators work again. */
DNN_API DNN_CHECKED dnn_status dnn_scope_status(void);

/* ---- scopes ----
 * A tensor that a function returns belongs to the innermost open scope of the thread; closing the scope releases it. With no
 * scope open it belongs to the thread's root scope, which ends with the thread or with dnn_shutdown. An error that nobody took
 * stays for the enclosing scope. The struct is public only so that it can live on the stack: its members are private. */
typedef struct dnn_scope {
    struct dnn_scope *dnn_parent;
    struct dnn_tensor *dnn_first;
    int dnn_flags, dnn_once;
} dnn_scope;

/* Open and close by hand, for other compilers and languages; closed innermost first. end(NULL) and a scope that is not the
 * innermost one close what was opened after it as well. */
DNN_API void dnn_scope_begin(dnn_scope *scope);
DNN_API void dnn_scope_end(dnn_scope *scope);

/* As dnn_scope_begin, and operators record no gradients until the scope ends. */
DNN_API void dnn_no_grad_begin(dnn_scope *scope);

/* As dnn_scope_begin, and operators record gradients until the scope ends, also inside a scope of dnn_no_grad_begin, a
 * backward or a hook. */
DNN_API void dnn_enable_grad_begin(dnn_scope *scope);

/* Moves t from the innermost scope to the one around it and returns it; NULL for NULL. `return dnn_keep(y);` is how a
 * function with a DNN_SCOPE hands out its result. A tensor that belongs to an outer scope already is left there. */
DNN_API struct dnn_tensor *dnn_keep(struct dnn_tensor *t);

#define DNN_CAT_(a, b) a##b
#define DNN_CAT(a, b) DNN_CAT_(a, b)
#define DNN_SCOPE_(name, begin)                                                            \
    for (dnn_scope name __attribute__((cleanup(dnn_scope_end))) = {NULL, NULL, 0, 1};      \
         name.dnn_once && (begin(&name), name.dnn_once = 0, 1);)

/* DNN_SCOPE { ... }: a scope that closes however the block is left: at its end, by return or by goto. `break` and `continue`
 * inside leave the scope, not a loop around it. DNN_NO_GRAD { ... }: the same, and nothing in it is recorded. DNN_ENABLE_GRAD
 * { ... }: the same, and it is. */
#define DNN_SCOPE DNN_SCOPE_(DNN_CAT(dnn_scope_, __COUNTER__), dnn_scope_begin)
#define DNN_NO_GRAD DNN_SCOPE_(DNN_CAT(dnn_scope_, __COUNTER__), dnn_no_grad_begin)
#define DNN_ENABLE_GRAD DNN_SCOPE_(DNN_CAT(dnn_scope_, __COUNTER__), dnn_enable_grad_begin)

#ifdef __cplusplus
}
#endif
#endif
