/* test_oom_autograd.c - functions, hooks, kept gradients, gradients of gradients and graphs as
 * text, with each of their requests for memory failing: once, and for ever after. Each failure is
 * DNN_E_NOMEM, leaves gradients as they were, frees contexts, and the same program then succeeds.
 *
 * prints "sites= modes= leak= wrong_status= retry_failed= contexts=" */
#include <string.h>
#include "../support/read_value.h"
#include "failing_memory.h"

static long contexts; /* made and not freed */
static bool torn;     /* a failed backward left a gradient */

static void free_context(void *ctx)
{
    contexts--;
    free(ctx);
}

static void *new_context(void)
{
    contexts++;
    return malloc(1);
}

/* ---- y = a b, and how many of a are above b ---- */

static dnn_status product_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    DNN_TRY(dnn_function_save(call, in[0]));
    DNN_TRY(dnn_function_save(call, in[1]));
    out[0] = dnn_mul(in[0], in[1]);
    out[1] = dnn_sum(dnn_gt(in[0], in[1]));
    return DNN_OK;
}

static dnn_status product_backward(dnn_function_call *call, dnn_tensor *const *dout,
                                   dnn_tensor **din)
{
    din[0] = dnn_mul(dout[0], dnn_function_saved(call, 1));
    din[1] = dnn_mul(dout[0], dnn_function_saved(call, 0));
    return DNN_OK;
}

static const dnn_function product = {.name = "product",
                                     .forward = product_forward,
                                     .backward = product_backward,
                                     .free_ctx = free_context};

static dnn_status square_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    out[0] = dnn_square(in[0]);
    return dnn_function_save(call, in[0]);
}

static dnn_status square_backward(dnn_function_call *call, dnn_tensor *const *dout,
                                  dnn_tensor **din)
{
    din[0] = dnn_mul(dnn_mul(dout[0], dnn_function_saved(call, 0)), 2);
    return DNN_OK;
}

static const dnn_function square_once = {
    .name = "square", .forward = square_forward, .backward = square_backward, .once = true};

static dnn_status halve(void *ctx, dnn_tensor **grad)
{
    (void)ctx;
    *grad = dnn_mul(*grad, 0.5);
    return DNN_OK;
}

static dnn_status add_hook(dnn_tensor *t)
{
    return dnn_hook_add(t, halve, new_context(), free_context, NULL);
}

static dnn_status show(dnn_tensor *t)
{
    char text[2048];
    int64_t length = copy_text(dnn_graph_format(t), text, sizeof text);

    DNN_TRY(length < 0 ? (dnn_status)length : DNN_OK);
    length = copy_text(dnn_graph_format(t, .dot = true), text, sizeof text);
    return length < 0 ? (dnn_status)length : DNN_OK;
}

/* The second gradient by operators, functions, hooks; then a plain backward. */
static dnn_status work(dnn_tensor *x, dnn_tensor *w, dnn_tensor *target)
{
    dnn_tensor *out[2], *loss, *g[2];

    DNN_TRY(dnn_function_apply(&product, new_context(), DNN_TENSORS(x, w), out, 2));
    DNN_TRY(dnn_retain_grad(out[0]));
    DNN_TRY(add_hook(out[0]));
    DNN_TRY(add_hook(x));
    loss =
        dnn_add(dnn_cross_entropy(out[0], target, .label_smoothing = 0.1),
                dnn_sum(dnn_gelu(dnn_softmax(dnn_apply(&square_once, NULL, DNN_TENSORS(w)), 1))));
    DNN_TRY(show(loss));
    DNN_TRY(dnn_grad_of(loss, DNN_TENSORS(out[0], x), g, .create_graph = true));
    loss = dnn_add(loss, dnn_sum(dnn_square(g[1])));
    return dnn_backward(loss);
}

static dnn_status run(void)
{
    static const float value[] = {1, 2, 3, -1, 0.5f, 4};
    static const int64_t class[] = {0, 2};
    dnn_tensor *x = dnn_requires_grad_(dnn_from_data(value, DNN_SHAPE(2, 3)), true);
    dnn_tensor *w = dnn_requires_grad_(dnn_from_data(value, DNN_SHAPE(2, 3)), true);
    dnn_tensor *target = dnn_from_data(class, DNN_SHAPE(2), .dtype = DNN_T_I64);
    dnn_status st = dnn_take_error();

    if (st == DNN_OK) {
        st = work(x, w, target);
        torn = torn || (st != DNN_OK && (dnn_grad(x) != NULL || dnn_grad(w) != NULL));
    }
    return st;
}

static dnn_status program(void)
{
    dnn_status st = dnn_init(NULL);

    if (st == DNN_OK) {
        DNN_SCOPE();
        st = run();
    }
    return st;
}

int main(void)
{
    dnn_allocator allocator = {NULL, failing_alloc, failing_free};
    failing_result result = {0, 0, 0, 0};
    long failed;

    if (dnn_set_allocator(&allocator) != DNN_OK || program() != DNN_OK) {
        fprintf(stderr, "test_oom_autograd: %s\n", dnn_error_message());
        return 1;
    }
    dnn_shutdown();
    failing_walk(program, false, &result);
    failing_walk(program, true, &result);
    printf("sites=%ld modes=2 leak=%ld wrong_status=%ld retry_failed=%ld contexts=%ld torn=%d\n",
           result.sites, result.leaks, result.wrong, result.retry, contexts, torn);
    failed = result.leaks + result.wrong + result.retry + (contexts != 0) + torn;
    printf("%ld passed, %ld failed\n", result.sites, failed);
    return failed != 0;
}
