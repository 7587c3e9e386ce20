/* status.h - the errors of libdnn.
 *
 * Two idioms
 *   A function that makes a value - a tensor, a module, a data set, a list, a text, a number -
 *   returns it, or NULL (an empty list, NaN). The first failure records its error as the pending
 *   error of the thread. While an error is pending, every such function returns NULL and does
 *   nothing, so one check at the end of an expression is enough.
 *   Every other function that can fail returns a dnn_status, and stores results through pointers.
 *   Most of them take the pending error first: they return it, clear it and do nothing else. So the
 *   check at the end is usually a call that the program makes anyway: DNN_TRY(dnn_backward(loss)).
 *   dnn_take_error is that check where there is no such call.
 *
 * An error that is still pending when the thread ends, at dnn_shutdown, or when the process exits,
 * is written to the log.
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

/* ---- options by name ----
 * Functions take options by name: dnn_sum(x, .dims = DNN_DIMS(0), .keepdim = true). They are macros
 * that fill a struct, dnn_sum_args, and call dnn_sum_with. What is not named is zero, which means
 * the default. In such a struct the first member behind the operands has no element: a value
 * without a name, dnn_sum(x, 0), lands on it, and the compiler says so at the call ("excess
 * elements"). A forgotten operand is an error at the call too: "macro dnn_conv2d_missing_ requires
 * 3 arguments". In C++ the names must be in the order of the struct, and -Wextra wants
 * -Wno-missing-field-initializers; or fill the struct. */
#ifdef __cplusplus
/* C++ has no such member; the layout is the same. */
#define DNN_BY_NAME static_assert(true, "options go by name")
#define DNN_BY_NAME_TOO static_assert(true, "options go by name")
/* Before C++20 the names are an extension of the compilers. */
#define DNN_ARGS(type, ...) \
    __extension__ type      \
    {                       \
        __VA_ARGS__         \
    }
#else
#define DNN_BY_NAME __extension__ char options_go_by_name[0]
#define DNN_BY_NAME_TOO __extension__ char options_go_by_name_too[0]
#define DNN_ARGS(type, ...) ((type){__VA_ARGS__})
#endif

#define DNN_CAT_(a, b) a##b
#define DNN_CAT(a, b) DNN_CAT_(a, b)
#define DNN_TEXT_(x) #x
#define DNN_TEXT(x) DNN_TEXT_(x)
/* DNN_GIVEN2(...) is given_ for two arguments or more, else missing_; DNN_GIVEN3 likewise. At most
 * 32. */
#define DNN_33RD_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, A, \
                  B, C, D, E, F, it, ...)                                                          \
    it
#define DNN_SIX_GIVEN_ given_, given_, given_, given_, given_, given_
#define DNN_33RD(...) DNN_33RD_(__VA_ARGS__)
#define DNN_GIVEN2(...)                                                                   \
    DNN_33RD(__VA_ARGS__, DNN_SIX_GIVEN_, DNN_SIX_GIVEN_, DNN_SIX_GIVEN_, DNN_SIX_GIVEN_, \
             DNN_SIX_GIVEN_, given_, missing_, 0)
#define DNN_GIVEN3(...)                                                                   \
    DNN_33RD(__VA_ARGS__, DNN_SIX_GIVEN_, DNN_SIX_GIVEN_, DNN_SIX_GIVEN_, DNN_SIX_GIVEN_, \
             DNN_SIX_GIVEN_, missing_, missing_, 0)

/* DNN_GIVEN1(...) is missing_ for no argument, else given_. Nothing has no comma in it, and makes
 * one only between DNN_COMMA_ and (). */
#define DNN_COMMA_(...) ,
#define DNN_GIVEN1(...)                                                                         \
    DNN_SECOND(DNN_CAT5(DNN_NONE_, DNN_GIVEN2(__VA_ARGS__), DNN_GIVEN2(DNN_COMMA_ __VA_ARGS__), \
                        DNN_GIVEN2(__VA_ARGS__()), DNN_GIVEN2(DNN_COMMA_ __VA_ARGS__())),       \
               given_, 0)
#define DNN_NONE_missing_missing_missing_given_ 0, missing_
#define DNN_SECOND_(a, b, ...) b
#define DNN_SECOND(...) DNN_SECOND_(__VA_ARGS__)
#define DNN_CAT5_(a, b, c, d, e) a##b##c##d##e
#define DNN_CAT5(a, b, c, d, e) DNN_CAT5_(a, b, c, d, e)
/* Nothing, or an error at a call without arguments. */
#define DNN_NEEDS_ONE(...) DNN_CAT(dnn_argument_, DNN_GIVEN1(__VA_ARGS__))(__VA_ARGS__)
#define dnn_argument_given_(...)
#define dnn_argument_missing_(argument, options)

/* Evaluates expr; if it is not DNN_OK, returns it from the calling function. For functions that
 * hold no resource at that point. */
#define DNN_TRY(expr)                       \
    do {                                    \
        dnn_status dnn_try_status = (expr); \
        if (dnn_try_status != DNN_OK) {     \
            return dnn_try_status;          \
        }                                   \
    } while (0)

/* Assigns expr to the variable `status` and jumps to label if it is not DNN_OK. For functions with
 * one clean-up label. */
#define DNN_TRY_TO(status, label, expr) \
    do {                                \
        (status) = (expr);              \
        if ((status) != DNN_OK) {       \
            goto label;                 \
        }                               \
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

/* Takes the pending error: returns its status and clears it; DNN_OK if there is none. Operators
 * work again afterwards. */
DNN_API DNN_CHECKED dnn_status dnn_take_error(void);
/* Returns the status of the pending error, which stays pending; DNN_OK if there is none. */
DNN_API dnn_status dnn_pending(void);

#ifdef __cplusplus
}
#endif
#endif
