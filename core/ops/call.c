/* call.c - calls of operators in the value idiom: NULL in, NULL out, the first error stays pending.
 * Public operators of core/ops call it. It packs a request for dispatch. */
#include <string.h>
#include "call.h"
#include "relayout.h"
#include "runtime.h"
#include "tape.h"

/* Operands and destinations: here for all operators, because many of them look at their first
 * operand alone before the call. */
static dnn_status check_alive(const dnn__request *request)
{
    const dnn__op *op = &dnn__ops[request->op];

    for (int i = 0; i < request->n_in; i++) {
        DNN_TRY(dnn__freed_fail(op->name, dnn__input_name(op, i).text, request->in[i]));
    }
    for (int i = 0; i < request->n_out; i++) {
        DNN_TRY(dnn__freed_fail(op->name, dnn__result_name(op, i).text, request->out[i]));
    }
    return DNN_OK;
}

dnn_status dnn__call_request(const dnn__request *request)
{
    if (DNN__UNLIKELY(dnn__check_handles)) {
        DNN_TRY(check_alive(request));
    }
    DNN_TRY(dnn__start());
    return dnn__dispatch(request);
}

dnn_status dnn__strided(dnn_tensor *t)
{
    if (DNN__LIKELY(dnn__layout_of(t->storage) == 0)) {
        return DNN_OK;
    }
    DNN_TRY(dnn__start()); /* the tensor may have outlived dnn_shutdown */
    return dnn__make_strided(t);
}

bool dnn__call_results(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr,
                       uint32_t want, dnn_tensor **out)
{
    dnn__request request = {.op = op,
                            .n_in = n_in,
                            .n_out = dnn__ops[op].n_out,
                            .in = (dnn_tensor **)(uintptr_t)in,
                            .out = out,
                            .want = want,
                            .attr = attr};
    dnn_status status;

    if (dnn__pending() != DNN_OK) {
        return false;
    }
    status = dnn__call_request(&request);
    if (status != DNN_OK) {
        dnn__null(status);
    }
    return status == DNN_OK;
}

dnn_tensor *dnn__call(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr)
{
    dnn_tensor *out[DNN__RESULTS] = {NULL};

    return dnn__call_results(op, in, n_in, attr, DNN__RESULT(0), out) ? out[0] : NULL;
}

dnn_tensor *dnn__call_to(dnn__op_id op, dnn_tensor *target, dnn_tensor *const *in, int n_in,
                         const void *attr)
{
    dnn_tensor *out[DNN__RESULTS] = {target};

    if (DNN__UNLIKELY(target == NULL) && n_in > 0 && in[0] == NULL) { /* in place: it is input 0 */
        dnn__operand_ready(dnn__ops[op].name, dnn__input_name(&dnn__ops[op], 0).text, NULL);
        return NULL;
    }
    return dnn__ready(dnn__ops[op].name, target) && dnn__call_results(op, in, n_in, attr, 0, out)
               ? target
               : NULL;
}

/* true: the view has the dims, strides and offset of x. */
static bool is_same_view(const dnn_tensor *x, int ndim, const int64_t *dim, const int64_t *stride,
                         int64_t offset)
{
    size_t bytes = sizeof(int64_t) * (size_t)ndim;

    return ndim == x->ndim && offset == x->offset && memcmp(dim, x->dim, bytes) == 0 &&
           memcmp(stride, x->stride, bytes) == 0;
}

dnn_tensor *dnn__call_view(dnn__op_id op, dnn_tensor *x, int ndim, const int64_t *dim,
                           const int64_t *stride, int64_t offset, const void *attr)
{
    dnn_tensor *view;
    dnn_status status;

    if (!dnn__ready(dnn__ops[op].name, x)) {
        return NULL;
    }
    status = is_same_view(x, ndim, dim, stride, offset) ? DNN_OK : dnn__strided(x);
    if (status != DNN_OK) {
        return dnn__null(status);
    }
    view = dnn__tensor_alias(x, ndim, dim, stride, offset);
    if (view == NULL) {
        return NULL;
    }
    view->is_view = true;
    if (dnn__tracked(x) && dnn_grad_enabled()) {
        status = dnn__record(&dnn__ops[op], &x, 1, &view, 1, attr, &(dnn__rng){0, 0, 0});
        if (status != DNN_OK) {
            dnn_release(view);
            return dnn__null(status);
        }
    }
    return view;
}
