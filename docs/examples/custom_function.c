/* custom_function.c - an operator of the program, a gradient penalty, and a hook that scales a
 * gradient. */
#include <dnn/dnn.h>
#include <math.h>
#include <stdio.h>

static dnn_status cube_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    out[0] = dnn_mul(dnn_square(in[0]), in[0]);
    return dnn_function_save(call, in[0]);
}

static dnn_status cube_backward(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din)
{
    dnn_tensor *x = dnn_function_saved(call, 0);

    din[0] = dnn_mul(dout[0], dnn_mul(dnn_square(x), 3)); /* 3 x^2 */
    return DNN_OK;
}

static const dnn_function cube = {
    .name = "cube", .forward = cube_forward, .backward = cube_backward};

static dnn_status halve(void *ctx, dnn_tensor **grad) /* a hook */
{
    *(int *)ctx += 1;
    *grad = dnn_mul(*grad, 0.5);
    return DNN_OK;
}

static dnn_status run(void)
{
    DNN_SCOPE();
    int calls = 0;
    dnn_tensor *x = dnn_scalar(2, .dtype = DNN_T_F64, .requires_grad = true), *dx;
    dnn_tensor *y = dnn_apply(&cube, NULL, DNN_TENSORS(x));

    /* The penalty (dy/dx - 1)^2 depends on x through the gradient. */
    DNN_TRY(dnn_grad_of(y, DNN_TENSORS(x), &dx, .create_graph = true));
    dnn_tensor *penalty = dnn_square(dnn_sub(dx, 1));

    DNN_TRY(dnn_hook_add(x, halve, &calls, NULL, NULL));
    DNN_TRY(dnn_backward(penalty)); /* 2 (3 x^2 - 1) 6 x = 264, halved by the hook */
    double slope = dnn_value(dx), second = dnn_value(dnn_grad(x));

    printf("dy/dx = %g; the gradient of the penalty, halved, is %g\n", slope, second);
    DNN_TRY(dnn_take_error());
    return calls == 1 && slope == 12 && fabs(second - 132) < 1e-9
               ? DNN_OK
               : dnn_fail(DNN_E_INVALID, "a gradient is wrong");
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "custom_function: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
