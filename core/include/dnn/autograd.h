/* autograd.h - gradients: the tape records every operator that has an operand which requires a
 * gradient; backward walks the recorded graph in reverse.
 *
 * Terms   A leaf is a tensor that no recorded operator computed. A tensor is "on the tape" if it is
 *         a leaf that requires a gradient, or if a recorded operator computed it.
 * Errors  A function that returns a dnn_status or a number takes the pending error first. One that
 *         returns a tensor returns NULL while an error is pending.
 * Threads: one thread at a time may use a graph: record it, run backward on it, change its
 * hooks. */
#ifndef DNN_AUTOGRAD_H
#define DNN_AUTOGRAD_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Sets whether the leaf t requires a gradient (torch.Tensor.requires_grad_). Returns t, no new
 * reference. false drops the gradient and the hooks of t; a graph that is already recorded keeps
 * the hooks.
 * Fails   NULL, DNN_E_INVALID: the dtype is not floating ("only f32 f64 f16 bf16 have gradients"),
 *         or t is not a leaf; DNN_E_NOMEM. */
DNN_API dnn_tensor *dnn_requires_grad_(dnn_tensor *t, bool wants);

/* Returns a tensor with the storage and version of t that is not on the tape
 * (torch.Tensor.detach). */
DNN_API dnn_tensor *dnn_detach(dnn_tensor *t);

/* Returns the gradient of a leaf, or of a non-leaf after dnn_retain_grad (torch.Tensor.grad); NULL
 * if there is none. t owns it: it is valid until the next backward, dnn_set_grad or zeroing. */
DNN_API dnn_tensor *dnn_grad(const dnn_tensor *t);
/* Sets the gradient of t, and retains g; NULL drops it. g has the shape, dtype and device of t.
 * Fails   DNN_E_INVALID: t is not a leaf that requires a gradient and does not retain one; another
 *         shape, dtype or device; g shares the storage of t. */
DNN_API DNN_CHECKED dnn_status dnn_set_grad(dnn_tensor *t, dnn_tensor *g);

typedef struct dnn_backward_args {
    dnn_tensor *of; /* the tensor to differentiate */
    DNN_BY_NAME;
    dnn_tensor *seed; /* gradient of `of`, with its shape, dtype and device. NULL = 1, and then
                       * `of` must have one element */
    DNN_BY_NAME_TOO;
    bool retain_graph; /* keep the saved tensors, so that backward may run on the graph again */
    bool create_graph; /* record the backward itself, for second gradients; implies retain_graph */
} dnn_backward_args;

/* Computes the gradients of `of` and adds them to the gradient of every leaf that requires one, and
 * of every non-leaf after dnn_retain_grad. dnn_backward(loss), dnn_backward(loss, .retain_graph =
 * true), dnn_backward_from(y, seed). Frees the graph unless .retain_graph is set. A failed backward
 * changes no gradient and frees the graph: run forward again.
 * Fails   DNN_E_INVALID: `of` is NULL, not on the tape, or has several elements and no seed; a seed
 *         of another shape, dtype or device (both are named); the graph has been freed: run forward
 *         again, or pass .retain_graph; a saved tensor was changed in place (the operator is
 *         named); the operator has no second gradient; the status of a hook or custom function;
 *         DNN_E_NOMEM; DNN_E_DEVICE. */
#define dnn_backward(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_backward_with(DNN_ARGS(dnn_backward_args, .of = __VA_ARGS__))
#define dnn_backward_from(...) DNN_CAT(dnn_backward_from_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_backward_from_missing_(of, seed)
#define dnn_backward_from_given_(of_, ...) \
    dnn_backward_with(DNN_ARGS(dnn_backward_args, .of = of_, .seed = __VA_ARGS__))
DNN_API DNN_CHECKED dnn_status dnn_backward_with(dnn_backward_args args);

typedef struct dnn_grad_of_args {
    dnn_tensor *of;         /* the tensor to differentiate */
    dnn_tensor_list inputs; /* with respect to these leaves and non-leaves: DNN_TENSORS(x, w) */
    dnn_tensor **grads;     /* [inputs.n] results: new tensors of the scope; all NULL on failure */
    DNN_BY_NAME;
    dnn_tensor *seed; /* seed, retain_graph and create_graph as in dnn_backward_args */
    bool retain_graph, create_graph;
    bool allow_unused; /* `of` need not depend on every input: such an input gets NULL */
} dnn_grad_of_args;

/* Returns the gradients of `of` with respect to the inputs (torch.autograd.grad); does not touch
 * .grad. Runs only the operators between `of` and the inputs. An input gets zeros if `of` depends
 * on it through operators without a gradient only.
 *     dnn_grad_of(loss, DNN_TENSORS(x), &dx, .create_graph = true)
 * Fails   as dnn_backward; DNN_E_INVALID: the list is empty, an input is NULL or not on the tape,
 *         or `of` does not depend on it and allow_unused is not set. */
#define dnn_grad_of(...) DNN_CAT(dnn_grad_of_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_grad_of_missing_(of, inputs, grads)
#define dnn_grad_of_given_(of_, inputs_, ...) \
    dnn_grad_of_with(DNN_ARGS(dnn_grad_of_args, .of = of_, .inputs = inputs_, .grads = __VA_ARGS__))
DNN_API DNN_CHECKED dnn_status dnn_grad_of_with(dnn_grad_of_args args);

/* ---- hooks (torch.Tensor.register_hook) ----
 * Every backward and dnn_grad_of that reaches a tensor calls its hooks once, as soon as the
 * gradient that it computes for the tensor is final. The hook of a leaf runs before that gradient
 * is added to dnn_grad, the hook of a non-leaf before it is passed on to the operands. Hooks of a
 * tensor run in order of registration, in the thread that runs backward. */

/* *grad is the gradient; the engine owns it. The hook may read it, or set *grad to another tensor
 * of the same shape, dtype and device, of the hook's scope or one that lives longer. It must not
 * change the gradient in place. It may add hooks, which run from the next time on, remove hooks,
 * and run another backward. With create_graph its operators are recorded. A pending error, or else
 * a status other than DNN_OK (set the text with dnn_fail), makes the backward fail with it. */
typedef dnn_status (*dnn_hook_fn)(void *ctx, dnn_tensor **grad);

/* Adds a hook to t, and stores its number in *id (which may be NULL). A hook on a non-leaf is bound
 * to its current value; later in-place changes are not seen. The hook owns ctx: free_ctx(ctx) is
 * called once, when the hook is removed, when its leaf or graph is freed, or at once if the call
 * fails. free_ctx NULL: the caller keeps ctx.
 * Fails   DNN_E_INVALID: t or fn is NULL, t is not on the tape; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_hook_add(dnn_tensor *t, dnn_hook_fn fn, void *ctx,
                                            void (*free_ctx)(void *ctx), int64_t *id);
/* Removes a hook. Fails with DNN_E_INVALID if t has no hook of that number. */
DNN_API DNN_CHECKED dnn_status dnn_hook_remove(dnn_tensor *t, int64_t id);

/* Makes later backwards add the gradient of the non-leaf t to dnn_grad(t) as well, as for leaves
 * (torch.Tensor.retain_grad). dnn_set_grad(t, NULL) drops that gradient. No effect on a leaf that
 * requires a gradient.
 * Fails   DNN_E_INVALID: t is not on the tape; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_retain_grad(dnn_tensor *t);

/* ---- custom functions (torch.autograd.Function) ----
 * An operator that the program writes: forward and backward, recorded as one node.
 *
 *     static dnn_status exp_forward(dnn_function_call *call, dnn_tensor *const *in,
 *                                   dnn_tensor **out)
 *     {
 *         out[0] = dnn_exp(in[0]);
 *         return dnn_function_save(call, out[0]);
 *     }
 *     static dnn_status exp_backward(dnn_function_call *call, dnn_tensor *const *dout,
 *                                    dnn_tensor **din)
 *     {
 *         din[0] = dnn_mul(dout[0], dnn_function_saved(call, 0));
 *         return DNN_OK;
 *     }
 *     static const dnn_function my_exp = {.name = "my_exp", .forward = exp_forward,
 *                                         .backward = exp_backward};
 *
 *     y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x));
 *
 * Both functions run in the thread that calls dnn_apply or backward. Both fail by a status, whose
 * text dnn_fail sets, or by a pending error. */

typedef struct dnn_function_call { /* one call; valid while forward or backward runs */
    void *ctx;                     /* from dnn_function_apply */
    int n_in, n_out;
    const bool *wants; /* [n_in]: does input i require a gradient */
    struct dnn_function_state *dnn_state;
} dnn_function_call;

typedef struct dnn_function {
    const char *name; /* shown in messages and graphs; the first 63 bytes of it */
    /* Sets out[0 .. n_out-1]. Nothing inside is recorded. It must not change its inputs. An input
     * that it returns as an output becomes a second tensor with the same storage. */
    dnn_status (*forward)(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out);
    /* Sets din[i] for every i with call->wants[i]: floating, with the shape and device of input i;
     * NULL = zero. dout[j] is the gradient of output j: zeros if none arrived, NULL if output j has
     * no gradient. It must not change dout. With create_graph its operators are recorded.
     * backward NULL: running backward through the function is an error that names it. */
    dnn_status (*backward)(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din);
    /* Called once with ctx when nothing needs ctx any more, also if the call failed. NULL: the
     * caller keeps ctx. */
    void (*free_ctx)(void *ctx);
    bool once; /* backward is not made of operators: a second gradient through it is an error */
} dnn_function;

/* Calls forward on the inputs and stores n_out new tensors of the scope in out; all NULL on
 * failure. If an input requires a gradient, the tape keeps a copy of *function, ctx and the saved
 * tensors. An output of integer dtype has no gradient. 0 to 32767 inputs, all on one device, and 1
 * to 32767 outputs. With create_graph, a gradient that backward does not compute by operators is an
 * error unless the function is declared .once, so that no second gradient is silently zero.
 * Fails   DNN_E_INVALID: a NULL argument, two devices, an output left NULL, an input changed in
 *         place; the status of forward; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_function_apply(const dnn_function *function, void *ctx,
                                                  dnn_tensor_list in, dnn_tensor **out, int n_out);
/* The same for one output, which it returns: NULL and a pending error on failure. */
DNN_API dnn_tensor *dnn_apply(const dnn_function *function, void *ctx, dnn_tensor_list in);

/* In forward: saves t for backward. Saved tensors are numbered 0, 1, .. in order. With
 * create_graph, a saved floating tensor that is neither an input nor an output is an error, because
 * it would count as a constant.
 * Fails   DNN_E_INVALID: a NULL argument, or called in backward; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_function_save(dnn_function_call *call, dnn_tensor *t);
/* In backward: returns saved tensor number `index`; it belongs to the scope. NULL and a pending
 * DNN_E_INVALID if it was changed in place since, if there is no such number, or in forward. */
DNN_API dnn_tensor *dnn_function_saved(dnn_function_call *call, int64_t index);
/* In forward: output number `output` has no gradient, whatever its dtype (an index, a mask, a
 * count).
 * Fails   DNN_E_INVALID: no such output, or called in backward. */
DNN_API DNN_CHECKED dnn_status dnn_function_no_gradient(dnn_function_call *call, int output);

/* ---- the graph as text ---- */
typedef struct dnn_graph_format_args {
    dnn_tensor *of;
    DNN_BY_NAME;
    const struct dnn_module *module; /* shows its parameters by name ("conv1.weight"); NULL: every
                                      * leaf is shown as "leaf" */
    bool dot;                        /* Graphviz DOT instead of a tree */
} dnn_graph_format_args;

/* Writes the operators that computed a tensor, with the shapes of their results (and dtypes other
 * than f32), down to the leaves:
 *     softmax_cross_entropy []
 *       linear [64,10]
 *         relu [64,84]
 *           ...
 *         fc3.weight [10,84]
 *         fc3.bias [10]
 * An operator whose result is used several times gets a number, "mul [2] #1"; later uses show the
 * number only, "mul [2] = #1". Operands that require no gradient are left out.
 * Returns a text of the scope: dnn_graph_format(loss, .module = net).
 * Fails   NULL and a pending error: DNN_E_INVALID: `of` is NULL or not on the tape; DNN_E_NOMEM. */
#define dnn_graph_format(...)  \
    DNN_NEEDS_ONE(__VA_ARGS__) \
    dnn_graph_format_with(DNN_ARGS(dnn_graph_format_args, .of = __VA_ARGS__))
DNN_API const char *dnn_graph_format_with(dnn_graph_format_args args);

/* ---- anomaly mode (torch.autograd.set_detect_anomaly) ---- */
/* While it is on, in all threads, an operator fails with DNN_E_INVALID if it computes a NaN, or an
 * infinity while no operand holds one. The message names the operator, its output, their number,
 * the index of the first, the operand that held one already, and the shapes; in backward also the
 * operator whose gradient was computed. Filling a tensor (dnn_full) and copying NaN do not
 * fail. A destination that was changed in place holds the new elements then. Slow: every result is
 * read on the host. Environment: DNN_ANOMALY=1.
 * Threads: any thread may call both, also while others run operators. */
DNN_API void dnn_set_anomaly(bool on);
DNN_API bool dnn_get_anomaly(void);

#ifdef __cplusplus
}
#endif
#endif
