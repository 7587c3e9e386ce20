/* test_grad_fn.c - a tensor prints the grad_fn that PyTorch 2.15 prints: prints.def has the
 * names, and docs/printing.md the differences. */
#include "inspect_impl.h"
#include "unit.h"

TestSuite(grad_fn, .init = unit_init, .fini = unit_fini);

/* ---- operands ---- */

static dnn_tensor *leaf(dnn_shape shape)
{
    return dnn_requires_grad_(dnn_uniform_(dnn_empty(shape), 0.25, 1.25), true);
}

#define X leaf(S(3, 4))
#define Y leaf(S(3, 4))
#define V leaf(S(4))
#define A leaf(S(2, 3, 4))
#define IMAGE leaf(S(2, 3, 8, 8))
#define W leaf(S(4, 3, 3, 3))
#define W4 leaf(S(5, 4))
#define B5 leaf(S(5))
#define CLASSES I64(S(3), 0, 1, 2)
#define PIXELS dnn_zeros(S(2, 8, 8), .dtype = DNN_T_I64)

static dnn_tensor *of; /* the leaf of `second` */

/* The gradient of result^2 to `of`, recorded. */
static dnn_tensor *second(dnn_tensor *result)
{
    dnn_tensor *gradient = NULL;

    cr_assert_eq(
        dnn_grad_of(dnn_sum(dnn_square(result)), DNN_TENSORS(of), &gradient, .create_graph = true),
        DNN_OK, "%s", dnn_error_message());
    return gradient;
}

static dnn_tensor *first_of_split(void)
{
    return dnn_split(X, 2, 0).item[0];
}

static dnn_status exp_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    (void)call;
    out[0] = dnn_exp(in[0]);
    return DNN_OK;
}

static dnn_status exp_backward(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din)
{
    (void)call;
    din[0] = dnn_mul(dout[0], 2);
    return DNN_OK;
}

static const dnn_function my_exp = {
    .name = "my_exp", .forward = exp_forward, .backward = exp_backward};

static const dnn_function once = {
    .name = "once", .forward = exp_forward, .backward = exp_backward, .once = true};

static dnn_tensor *adaptive_max_pool(void)
{
    dnn_tensor *indices;

    return dnn_adaptive_max_pool2d(IMAGE, 2, 2, &indices);
}

/* ---- the expressions of prints.def ---- */

#define OF_neg dnn_neg(X)
#define OF_abs dnn_abs(X)
#define OF_sign dnn_sign(X)
#define OF_square dnn_square(X)
#define OF_floor dnn_floor(X)
#define OF_ceil dnn_ceil(X)
#define OF_round dnn_round(X)
#define OF_trunc dnn_trunc(X)
#define OF_reciprocal dnn_reciprocal(X)
#define OF_sqrt dnn_sqrt(X)
#define OF_rsqrt dnn_rsqrt(X)
#define OF_exp dnn_exp(X)
#define OF_exp2 dnn_exp2(X)
#define OF_expm1 dnn_expm1(X)
#define OF_log dnn_log(X)
#define OF_log2 dnn_log2(X)
#define OF_log10 dnn_log10(X)
#define OF_log1p dnn_log1p(X)
#define OF_sin dnn_sin(X)
#define OF_cos dnn_cos(X)
#define OF_tan dnn_tan(X)
#define OF_asin dnn_asin(X)
#define OF_acos dnn_acos(X)
#define OF_atan dnn_atan(X)
#define OF_sinh dnn_sinh(X)
#define OF_cosh dnn_cosh(X)
#define OF_tanh dnn_tanh(X)
#define OF_erf dnn_erf(X)
#define OF_erfc dnn_erfc(X)
#define OF_sigmoid dnn_sigmoid(X)
#define OF_relu dnn_relu(X)
#define OF_silu dnn_silu(X)
#define OF_gelu dnn_gelu(X)
#define OF_leaky_relu dnn_leaky_relu(X, 0.01)
#define OF_elu dnn_elu(X, 1)
#define OF_softplus dnn_softplus(X, 1, 20)
#define OF_softsign dnn_softsign(X)
#define OF_add dnn_add(X, Y)
#define OF_sub dnn_sub(X, Y)
#define OF_mul dnn_mul(X, Y)
#define OF_div dnn_div(X, Y)
#define OF_pow dnn_pow(X, Y)
#define OF_maximum dnn_maximum(X, Y)
#define OF_minimum dnn_minimum(X, Y)
#define OF_fmax dnn_fmax(X, Y)
#define OF_fmin dnn_fmin(X, Y)
#define OF_atan2 dnn_atan2(X, Y)
#define OF_remainder dnn_remainder(X, Y)
#define OF_fmod dnn_fmod(X, Y)
#define OF_clone dnn_clone(X)
#define OF_cast dnn_to(X, .dtype = DNN_T_F64)
#define OF_cat dnn_cat(DNN_TENSORS(X, Y), 0)
#define OF_slice_scatter dnn_slice_scatter(X, leaf(S(1, 4)), 0, 0, 1, 1)
#define OF_view dnn_view_to(X, S(12))
#define OF_flatten dnn_flatten(X, 0, -1)
#define OF_reshape dnn_reshape(X, S(2, 6))
#define OF_permute dnn_permute(X, DNN_DIMS(1, 0))
#define OF_movedim dnn_movedim(X, 0, 1)
#define OF_expand dnn_expand(X, S(2, 3, 4))
#define OF_slice dnn_slice(X, 0, 0, 2, 1)
#define OF_narrow dnn_narrow(X, 0, 0, 2)
#define OF_add_number dnn_add(X, 1)
#define OF_sub_number dnn_sub(X, 1)
#define OF_rsub dnn_rsub(X, 1)
#define OF_mul_number dnn_mul(X, 2)
#define OF_div_number dnn_div(X, 2)
#define OF_pow_number dnn_pow(X, 2)
#define OF_pow_tensor dnn_pow(X, leaf(DNN_SCALAR))
#define OF_where dnn_where(dnn_gt(X, 0.5), X, Y)
#define OF_clamp dnn_clamp(X, Y, Y)
#define OF_clamp_low dnn_clamp(X, Y, NULL)
#define OF_clamp_number dnn_clamp(X, 0, 1)
#define OF_clamp_number_low dnn_clamp(X, 0, INFINITY)
#define OF_sum dnn_sum(X)
#define OF_sum_dim dnn_sum(X, .dims = DNN_DIMS(0))
#define OF_sum_keepdim dnn_sum(X, .dims = DNN_DIMS(0), .keepdim = true)
#define OF_mean dnn_mean(X)
#define OF_mean_dim dnn_mean(X, .dims = DNN_DIMS(0))
#define OF_amax dnn_amax(X, .dims = DNN_DIMS(0))
#define OF_amin dnn_amin(X, .dims = DNN_DIMS(0))
#define OF_max_dim dnn_max_dim(X, 0)
#define OF_min_dim dnn_min_dim(X, 0)
#define OF_softmax dnn_softmax(X, 1)
#define OF_log_softmax dnn_log_softmax(X, 1)
#define OF_mm dnn_mm(X, dnn_t(Y))
#define OF_bmm dnn_bmm(A, dnn_transpose(A, 1, 2))
#define OF_linear dnn_linear(X, W4, B5)
#define OF_linear_no_bias dnn_linear(X, W4, NULL)
#define OF_linear_3d dnn_linear(A, W4, B5)
#define OF_linear_3d_no_bias dnn_linear(A, W4, NULL)
#define OF_linear_1d dnn_linear(V, W4, B5)
#define OF_conv2d dnn_conv2d(IMAGE, W, NULL)
#define OF_max_pool2d dnn_max_pool2d(IMAGE, .kernel = 2)
#define OF_avg_pool2d dnn_avg_pool2d(IMAGE, .kernel = 2)
#define OF_adaptive_avg_pool2d dnn_adaptive_avg_pool2d(IMAGE, 2, 2)
#define OF_adaptive_avg_pool2d_to_1 dnn_adaptive_avg_pool2d(IMAGE, 1, 1)
#define OF_adaptive_max_pool2d adaptive_max_pool()
#define OF_nll_loss dnn_nll_loss(X, CLASSES)
#define OF_nll_loss_2d dnn_nll_loss(IMAGE, PIXELS)
#define OF_cross_entropy dnn_cross_entropy(X, CLASSES)
#define OF_cross_entropy_2d dnn_cross_entropy(IMAGE, PIXELS)
#define OF_dropout dnn_dropout(X, 0.5)
#define OF_relu_in_place dnn_relu_(dnn_clone(X))
#define OF_add_in_place dnn_add_(dnn_clone(X), Y)
#define OF_mul_in_place dnn_mul_(dnn_clone(X), Y)
#define OF_custom_function dnn_apply(&my_exp, NULL, DNN_TENSORS(X))
#define OF_second_once (of = X, second(dnn_apply(&once, NULL, DNN_TENSORS(of))))
#define OF_second_relu (of = X, second(dnn_relu(of)))
#define OF_second_leaky_relu (of = X, second(dnn_leaky_relu(of, 0.01)))
#define OF_second_max_dim (of = X, second(dnn_max_dim(of, 0)))
#define OF_second_maximum (of = X, second(dnn_maximum(of, Y)))
#define OF_second_clamp (of = X, second(dnn_clamp(of, 0, 1)))
#define OF_second_nll_loss (of = X, second(dnn_nll_loss(of, CLASSES)))
#define OF_second_dropout (of = X, second(dnn_dropout(of, 0.5)))
#define OF_second_conv2d_input (of = IMAGE, second(dnn_conv2d(of, W, NULL)))
#define OF_second_conv2d_weight (of = W, second(dnn_conv2d(IMAGE, of, NULL)))
#define OF_second_avg_pool2d (of = IMAGE, second(dnn_avg_pool2d(of, .kernel = 2)))
#define OF_second_adaptive_avg_pool2d (of = IMAGE, second(dnn_adaptive_avg_pool2d(of, 3, 3)))

/* Those whose name differs, with ours: one row serves several functions of PyTorch, or several rows
 * serve one. */
#define OF_transpose dnn_transpose(X, 0, 1)
#define OURS_transpose "PermuteBackward0"
#define OF_t dnn_t(X)
#define OURS_t "PermuteBackward0"
#define OF_unsqueeze dnn_unsqueeze(X, 0)
#define OURS_unsqueeze "ViewBackward0"
#define OF_squeeze dnn_squeeze(dnn_slice(X, 0, 0, 1, 1), (dnn_dims){.n = 0})
#define OURS_squeeze "ViewBackward0"
#define OF_select dnn_select(X, 0, 0)
#define OURS_select "ViewBackward0"
#define OF_reshape_copy dnn_reshape(dnn_t(X), S(12))
#define OURS_reshape_copy "ViewBackward0"
#define OF_split first_of_split()
#define OURS_split "SliceBackward0"
#define OF_stack dnn_stack(DNN_TENSORS(X, Y), 0)
#define OURS_stack "CatBackward0"
#define OF_copy_in_place dnn_copy_(dnn_clone(X), Y)
#define OURS_copy_in_place "CloneBackward0"
#define OF_masked_fill dnn_masked_fill(X, dnn_gt(X, 0.5), 0)
#define OURS_masked_fill "WhereBackward0"
#define OF_max dnn_max(X)
#define OURS_max "AmaxBackward0"
#define OF_min dnn_min(X)
#define OURS_min "AminBackward0"
#define OF_sum_of_vector dnn_sum(V, .dims = DNN_DIMS(0))
#define OURS_sum_of_vector "SumBackward0"
#define OF_mean_of_all_dims dnn_mean(X, .dims = DNN_DIMS(0, 1))
#define OURS_mean_of_all_dims "MeanBackward0"
#define OF_matmul_3d dnn_matmul(A, dnn_transpose(A, 1, 2))
#define OURS_matmul_3d "BmmBackward0"
#define OF_matmul_vector dnn_matmul(X, V)
#define OURS_matmul_vector "ViewBackward0"
#define OF_dot dnn_dot(V, V)
#define OURS_dot "ViewBackward0"
#define OF_addmm dnn_addmm(leaf(S(3, 3)), X, dnn_t(Y))
#define OURS_addmm "AddBackward0"
#define OF_linear_1d_no_bias dnn_linear(V, W4, NULL)
#define OURS_linear_1d_no_bias "UnsafeViewBackward0"
#define OF_floor_divide dnn_floor_divide(X, Y)
#define OURS_floor_divide "FloorDivideBackward0"
#define OF_mse_loss dnn_mse_loss(X, Y)
#define OURS_mse_loss "MeanBackward0"
#define OF_cross_entropy_smoothing dnn_cross_entropy(X, CLASSES, .label_smoothing = 0.1)
#define OURS_cross_entropy_smoothing "NllLossBackward0"

static bool seen[DNN__N_OPS];

static void expect_name(const char *name, dnn_tensor *t, const char *want)
{
    char text[128];
    dnn__text to = dnn__text_to(text, sizeof text);

    cr_assert(t != NULL && t->node != NULL, "%s: %s", name, dnn_error_message());
    dnn__put_grad_fn(&to, t->node);
    cr_expect_str_eq(text, want, "%s: %s is not %s", name, text, want);
    if (t->node->op->id >= 0) {
        seen[t->node->op->id] = true;
    }
}

#define PRINT(...)
#define MODULE(...)
#define STATE(...)
#define LIST(...)
#define GRAD_FN(name, text) expect_name(#name, OF_##name, text);
#define DIFFERS(name, text)                     \
    expect_name(#name, OF_##name, OURS_##name); \
    cr_expect_str_neq(OURS_##name, text, #name " does not differ");

/* A row that has names of its own is in prints.def. to_device needs a second device. */
Test(grad_fn, every_name_is_pytorchs)
{
#include "../../golden/prints.def"
    for (int i = 0; i < DNN__N_OPS; i++) {
        const dnn__op *op = &dnn__ops[i];

        cr_expect(seen[i] || op->gradient == NULL || op->grad_fn[0] == NULL ||
                      i == DNN_OP_to_device,
                  "make_prints.py has no expression with %s", op->name);
    }
}

/* Names of rows that the expressions above do not reach. */
Test(grad_fn, a_row_has_its_own_name_in_capitals)
{
    static const struct {
        dnn__op_id row;
        const char *name;
    } rows[] = {{DNN_OP_elu_bwd, "EluBackwardBackward0"},
                {DNN_OP_softmax_bwd, "SoftmaxBackwardDataBackward0"},
                {DNN_OP_max_pool2d_bwd, "MaxPool2DWithIndicesBackwardBackward0"},
                {DNN_OP_to_device, "ToCopyBackward0"}};

    for (size_t i = 0; i < DNN__COUNT(rows); i++) {
        dnn__node node = {.op = &dnn__ops[rows[i].row]};
        char text[128];
        dnn__text to = dnn__text_to(text, sizeof text);

        dnn__put_grad_fn(&to, &node);
        cr_expect_str_eq(text, rows[i].name, "%s is not %s", text, rows[i].name);
    }
}
