/* autograd.h - gradients: the tape records every operator whose operands want one, and backward walks it in reverse.
 *
 * Threads: a graph is for one thread at a time. */
#ifndef DNN_AUTOGRAD_H
#define DNN_AUTOGRAD_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Makes t a leaf that wants a gradient (or not), and returns it.
 * Fails   NULL, DNN_E_INVALID: dtype is not floating ("only f32 f64 f16 bf16 have gradients"), or t is not a leaf. */
DNN_API dnn_tensor *dnn_requires_grad_(dnn_tensor *t, bool wants);

/* A tensor with the same storage and version that the tape does not know. */
DNN_API dnn_tensor *dnn_detach(dnn_tensor *t);

/* The gradient that backward left in a leaf (or a result, dnn_retain_grad); NULL if there is none. Borrowed: it lives until the next backward or zeroing. */
DNN_API dnn_tensor *dnn_grad(const dnn_tensor *t);
/* Sets or (NULL) drops it. g must have t's shape, dtype and device. */
DNN_API DNN_CHECKED dnn_status dnn_set_grad(dnn_tensor *t, dnn_tensor *g);

typedef struct dnn_backward_args {
    dnn_tensor *of;    /* what is differentiated */
    dnn_tensor *seed;  /* gradient of `of`; NULL = 1, then `of` must have one element. Else of's shape and dtype */
    bool retain_graph; /* keep what was saved, so that backward may run again */
    bool create_graph; /* record the gradients too, so that they can be differentiated; implies retain_graph */
} dnn_backward_args;

/* Adds the gradient of `of` to the gradient of every leaf that wants one. Takes a waiting error of this thread first.
 * A failed backward changes no leaf's gradient, and its graph is spent: run forward again.
 * Fails   DNN_E_INVALID: NULL; not on the tape; more than one element without a seed; a seed of another shape (both are
 *         named); a graph that is spent; a saved tensor that was changed in place (the operator is named); DNN_E_NOMEM. */
#define dnn_backward(...) dnn_backward_with((dnn_backward_args){.of = __VA_ARGS__})
#define dnn_backward_from(of_, ...) dnn_backward_with((dnn_backward_args){.of = (of_), .seed = __VA_ARGS__})
DNN_API DNN_CHECKED dnn_status dnn_backward_with(dnn_backward_args args);

typedef struct dnn_grad_of_args {
    dnn_tensor *of;         /* what is differentiated */
    dnn_tensor_list inputs; /* by what: leaves and results, DNN_TENSORS(x, w) */
    dnn_tensor **grads;     /* [inputs.n]: the gradients, new tensors of the scope; NULLs on failure */
    dnn_tensor *seed;       /* these as in dnn_backward_args */
    bool retain_graph, create_graph;
    bool allow_unused; /* an input that `of` does not come from gets NULL, and is no error */
} dnn_grad_of_args;

/* The gradient of `of` by each input, as numbers in the hand: no leaf's dnn_grad changes. Runs only the operators between `of` and the
 * inputs. An input whose operators give it no gradient gets zeros.
 *     dnn_grad_of(loss, DNN_TENSORS(x), &dx, .create_graph = true)
 * Fails   as dnn_backward; DNN_E_INVALID: inputs NULL or not on the tape, or (without allow_unused) not part of what made `of`. */
#define dnn_grad_of(of_, inputs_, ...) \
    dnn_grad_of_with((dnn_grad_of_args){.of = (of_), .inputs = inputs_, .grads = __VA_ARGS__})
DNN_API DNN_CHECKED dnn_status dnn_grad_of_with(dnn_grad_of_args args);

/* ---- hooks ----
 * A hook is called in every backward (and dnn_grad_of) that reaches its tensor, once, as soon as the gradient that this
 * backward gives the tensor is final: no operator will add to it. For a leaf that is before it is added to what dnn_grad
 * returns, for a result before it goes on to the operands. Hooks of a tensor run in order of registration. */

/* *grad is the gradient, borrowed. The hook may look at it, or set *grad to another tensor (of its own scope, or one that lives
 * longer) of the same shape, dtype and device; it changes none in place. Another status than DNN_OK (dnn_fail gives it a text),
 * or an error left waiting, fails the backward, which then commits no gradient. It may add and remove hooks, and run another
 * backward. Under create_graph what it does is recorded. */
typedef dnn_status (*dnn_hook_fn)(void *ctx, dnn_tensor **grad);

/* Returns the hook's number (> 0), or a negative status. free_ctx(ctx) is called when the hook goes: removed, with its leaf or its
 * graph, or at once if the call fails; NULL: ctx is the caller's. A hook of a result is of the value it has now: what is done
 * in place later comes behind it.
 * Fails   DNN_E_INVALID: NULL, a tensor that is not on the tape; DNN_E_NOMEM. */
DNN_API DNN_CHECKED int64_t dnn_hook_add(dnn_tensor *t, dnn_hook_fn fn, void *ctx, void (*free_ctx)(void *ctx));
/* Fails   DNN_E_INVALID: t has no hook of that number. */
DNN_API DNN_CHECKED dnn_status dnn_hook_remove(dnn_tensor *t, int64_t id);

/* From now on backward leaves the gradient of a result in dnn_grad too, as it does for leaves: it adds up, and dnn_set_grad drops
 * it. Of a leaf that wants a gradient: nothing changes. Fails   DNN_E_INVALID: not on the tape; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_retain_grad(dnn_tensor *t);

/* ---- functions of the program ----
 * An operator that the program writes itself: forward and backward, on the tape as one node.
 *
 *     static dnn_status exp_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
 *     {
 *         out[0] = dnn_exp(in[0]);
 *         return dnn_function_save(call, out[0]);
 *     }
 *     static dnn_status exp_backward(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din)
 *     {
 *         din[0] = dnn_mul(dout[0], dnn_function_saved(call, 0));
 *         return DNN_OK;
 *     }
 *     static const dnn_function my_exp = {.name = "my_exp", .forward = exp_forward, .backward = exp_backward};
 *
 *     y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x));
 *
 * Errors: both may return a status, its text set by dnn_fail, or leave the error of an operator waiting. */

typedef struct dnn_function_call { /* one call; for the two functions while they run */
    void *ctx;         /* of dnn_function_apply */
    int n_in, n_out;
    const bool *wants; /* [n_in]: does input i want a gradient */
    struct dnn_function_state *dnn_state;
} dnn_function_call;

typedef struct dnn_function {
    const char *name; /* in messages and graphs; 63 bytes of it */
    /* Sets out[0 .. n_out-1]. Nothing in it is recorded. It leaves its inputs unchanged; an input that it returns becomes
     * another handle of the same memory. */
    dnn_status (*forward)(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out);
    /* dout[j]: the gradient of output j, zeros if none arrived, NULL if it has none. Sets din[i], of the shape and device of
     * input i, where call->wants[i]; NULL = zero. It leaves dout unchanged. Under create_graph its operators are recorded.
     * NULL: backward through the function is an error that names it. */
    dnn_status (*backward)(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din);
    void (*free_ctx)(void *ctx); /* called once, when nothing needs ctx any more, also if apply failed; NULL: ctx is the caller's */
    bool once;                   /* backward is not made of operators, so it cannot be differentiated: trying is an error */
} dnn_function;

/* Calls forward on in and puts n_out new tensors of the scope in out (NULLs on failure). The tape keeps ctx and what was saved
 * if an input wants a gradient; out[j] of an integer dtype has none. Inputs: one device. Under create_graph a backward that
 * makes a gradient without operators and is not declared .once is an error, never a gradient that leads nowhere.
 * Fails   NULL, two devices, an output left NULL, an input changed in place: DNN_E_INVALID; DNN_E_NOMEM; what forward says. */
DNN_API DNN_CHECKED dnn_status dnn_function_apply(const dnn_function *function, void *ctx, dnn_tensor_list in, dnn_tensor **out,
                                                  int n_out);
/* The same for one output, in the idiom of operators: NULL, and the error waits. */
DNN_API dnn_tensor *dnn_apply(const dnn_function *function, void *ctx, dnn_tensor_list in);

/* In forward: keeps t for backward, where the tensors saved are numbered 0, 1, .. in order. Inputs and outputs lead on under
 * create_graph; another floating tensor is then an error, for it would count as a constant. */
DNN_API DNN_CHECKED dnn_status dnn_function_save(dnn_function_call *call, dnn_tensor *t);
/* In backward: the tensor that was saved as number index. NULL, and the error waits: it was changed in place meanwhile. */
DNN_API dnn_tensor *dnn_function_saved(dnn_function_call *call, int64_t index);
/* In forward: output has no gradient, whatever its dtype (an index, a mask, a count). */
DNN_API DNN_CHECKED dnn_status dnn_function_no_gradient(dnn_function_call *call, int output);

/* ---- the graph as text ---- */
typedef struct dnn_graph_args {
    dnn_tensor *of;
    const struct dnn_module *module; /* its parameters are shown by name ("conv1.weight"); NULL: every leaf is a "leaf" */
    bool dot;                        /* Graphviz DOT instead of a tree */
} dnn_graph_args;

/* Writes the operators that made a tensor, with the shapes of their results (and dtypes other than f32), down to the leaves:
 *     softmax_cross_entropy []
 *       linear [64,10]
 *         relu [64,84]
 *           ...
 *         fc3.weight [10,84]
 *         fc3.bias [10]
 * An operator whose result is used more than once has a number, "mul [2] #1", and is only named where it comes again, "mul [2] = #1".
 * Operands that want no gradient are left out. At most bytes with the final 0; returns the length of the whole text as snprintf, or a
 * negative status.   dnn_format_graph(text, sizeof text, loss, .module = net)
 * Fails   DNN_E_INVALID: NULL, not on the tape; DNN_E_NOMEM. */
#define dnn_format_graph(text_, bytes_, ...) \
    dnn_format_graph_with((dnn_graph_args){.of = __VA_ARGS__}, (text_), (bytes_))
DNN_API int64_t dnn_format_graph_with(dnn_graph_args args, char *text, size_t bytes);

/* ---- anomaly mode ---- */
/* While it is on, in all threads, every operator fails (DNN_E_INVALID) that makes a NaN, or an infinity where no operand held one.
 * The message names the operator, its output, how many there are, where the first is, which operand held one already, and the
 * shapes; in backward also the operator whose gradient was computed, with the shapes of its results and operands. Filling a
 * tensor (dnn_full) is no fault, nor is copying. A target that was changed in place holds the new elements then.
 * Everything that is computed is copied to the host and looked at: it is slow. Environment: DNN_ANOMALY=1. */
DNN_API void dnn_set_anomaly(bool on);
DNN_API bool dnn_anomaly_enabled(void);

/* Is recording on in this thread (it is, outside DNN_NO_GRAD)? */
DNN_API bool dnn_grad_enabled(void);

#ifdef __cplusplus
}
#endif
#endif
