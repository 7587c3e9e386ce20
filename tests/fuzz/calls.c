/* calls.c - public functions with arguments out of bytes: views, options that are resolved ahead of
 * the table, and functions made of several rows. op_args.c calls it where its byte names no row. */
#include <string.h>
#include "operands.h"

#define B (&c->bytes)

/* Drawn before the call, one after the other: the order in which a compiler evaluates arguments is
 * its own. */
typedef struct arguments {
    dnn_tensor *x, *y, *z;
    int64_t n[4];
    int i[4];
    double r[3];
    bool yes;
    dnn_shape shape;
    dnn_dims dims;
} arguments;

enum {
    ABSURD = 1,
    Y = 2,
    Z = 4
}; /* absurd sizes are let in: nothing computes; a second and a third operand */

static dnn_dims some_dims(fuzz_call *c)
{
    dnn_dims dims;

    dims.n = (int32_t)(fuzz_one_in(B, 16) ? fuzz_number(B) : fuzz_below(B, 5));
    for (int i = 0; i < DNN_MAX_DIMS; i++) {
        dims.dim[i] = fuzz_one_in(B, 8) ? (int)fuzz_number(B) : (int)fuzz_below(B, 5);
    }
    return dims;
}

static void draw(fuzz_call *c, arguments *a, int flags)
{
    a->x = fuzz_operand(c);
    a->y = (flags & Y) != 0 ? fuzz_operand(c) : NULL;
    a->z = (flags & Z) != 0 && fuzz_one_in(B, 2) ? fuzz_operand(c) : NULL;
    for (int i = 0; i < 4; i++) {
        a->n[i] = fuzz_number(B);
        a->i[i] = fuzz_below(B, 8) < 6 ? (int)fuzz_below(B, 3) : (int)fuzz_number(B);
    }
    for (int i = 0; i < 3; i++) {
        a->r[i] = fuzz_real(B);
    }
    a->yes = fuzz_one_in(B, 2);
    a->shape = fuzz_shape(c);
    a->dims = some_dims(c);
}

/* ---- functions that need more than one line ---- */

static dnn_tensor *first_piece(dnn_tensor_list list)
{
    return list.n > 0 ? list.item[0] : dnn_scalar(0);
}

/* An expanded axis may have 2^40 pieces, whose views no machine holds. */
static bool few(const arguments *a)
{
    return dnn_size(a->x, a->i[0]) <= 4096;
}

static dnn_tensor *index_text(fuzz_call *c, const arguments *a)
{
    static const char signs[] = "0123:::,,..-- Noe9[";
    unsigned n = fuzz_below(B, 24);
    char text[32];

    for (unsigned i = 0; i < n; i++) {
        text[i] = fuzz_one_in(B, 32) ? (char)fuzz_byte(B) : signs[fuzz_below(B, sizeof signs - 1)];
    }
    text[n] = 0;
    return dnn_index(a->x, "%s", text);
}

static dnn_tensor *max_along(const arguments *a)
{
    dnn_tensor *places = NULL;

    return dnn_max_dim(a->x, a->i[0], .indices = &places, .keepdim = a->yes);
}

static dnn_tensor *conv(fuzz_call *c, const arguments *a)
{
    dnn_conv2d_args args = {.x = a->x, .w = a->y, .bias = a->z};
    int64_t *const option[] = {&args.stride,  &args.stride_h,  &args.padding,  &args.padding_w,
                               &args.pad_top, &args.pad_right, &args.dilation, &args.groups};

    for (size_t i = 0; i < DNN__COUNT(option); i++) {
        *option[i] = fuzz_below(B, 8) < 7 ? (int)fuzz_below(B, 3) : (int)fuzz_number(B);
    }
    args.same = fuzz_one_in(B, 8);
    return dnn_conv2d_with(args);
}

static int64_t option(fuzz_call *c)
{
    return fuzz_below(B, 8) < 7 ? fuzz_below(B, 3) : fuzz_number(B);
}

static dnn_tensor *max_pool(fuzz_call *c, const arguments *a)
{
    dnn_tensor *places = NULL;

    return dnn_max_pool2d(a->x, .kernel = a->i[0], .kernel_w = option(c), .stride = option(c),
                          .stride_h = option(c), .padding = option(c), .padding_h = option(c),
                          .dilation = option(c), .ceil_mode = a->yes,
                          .indices = fuzz_one_in(B, 2) ? &places : NULL);
}

static dnn_tensor *avg_pool(fuzz_call *c, const arguments *a)
{
    return dnn_avg_pool2d(a->x, .kernel = a->i[0], .kernel_w = option(c), .stride = option(c),
                          .stride_h = option(c), .padding = option(c), .padding_h = option(c),
                          .divisor = option(c), .ceil_mode = a->yes,
                          .exclude_pad = fuzz_one_in(B, 2));
}

static dnn_tensor *adaptive_max(const arguments *a)
{
    dnn_tensor *places = NULL;

    return dnn_adaptive_max_pool2d(a->x, a->n[0], a->n[1], a->yes ? &places : NULL);
}

static dnn_loss_args loss(const arguments *a)
{
    return (dnn_loss_args){.input = a->x, .target = a->y, .reduction = (dnn_reduction)a->i[0]};
}

static dnn_rand_args create(fuzz_call *c, const arguments *a)
{
    return (dnn_rand_args){.shape = a->shape,
                           .dtype = a->yes ? (dnn_dtype)a->i[0] : c->dtype,
                           .device = a->i[1] == -1 ? "cuda:9999999999" : NULL,
                           .requires_grad = a->i[2] == 1};
}

static dnn_tensor *joined(fuzz_call *c, const arguments *a, bool stacked)
{
    dnn_tensor *list[12];
    int n = (int)fuzz_below(B, 12);

    for (int i = 0; i <= n; i++) {
        list[i] = i == 0 ? a->x : fuzz_operand(c);
    }
    return stacked ? dnn_stack((dnn_tensor_list){.n = n, .item = list}, a->i[0])
                   : dnn_cat((dnn_tensor_list){.n = n, .item = list}, a->i[0]);
}

/* ---- the list ---- */

#define CALLS(CALL)                                                                                \
    CALL(reshape, ABSURD, dnn_reshape(a->x, a->shape))                                             \
    CALL(view_to, ABSURD, dnn_view_to(a->x, a->shape))                                             \
    CALL(view_as, ABSURD | Y, dnn_view_as(a->x, a->y))                                             \
    CALL(flatten, ABSURD, dnn_flatten(a->x, a->i[0], a->i[1]))                                     \
    CALL(unflatten, ABSURD, dnn_unflatten(a->x, a->i[0], a->shape))                                \
    CALL(squeeze, ABSURD, dnn_squeeze(a->x, a->dims))                                              \
    CALL(unsqueeze, ABSURD, dnn_unsqueeze(a->x, a->i[0]))                                          \
    CALL(transpose, ABSURD, dnn_transpose(a->x, a->i[0], a->i[1]))                                 \
    CALL(permute, ABSURD, dnn_permute(a->x, a->dims))                                              \
    CALL(movedim, ABSURD, dnn_movedim(a->x, a->i[0], a->i[1]))                                     \
    CALL(t, ABSURD, dnn_t(a->x))                                                                   \
    CALL(expand, ABSURD, dnn_expand(a->x, a->shape))                                               \
    CALL(slice, ABSURD, dnn_slice(a->x, a->i[0], a->n[0], a->n[1], a->n[2]))                       \
    CALL(narrow, ABSURD, dnn_narrow(a->x, a->i[0], a->n[0], a->n[1]))                              \
    CALL(select, ABSURD, dnn_select(a->x, a->i[0], a->n[0]))                                       \
    CALL(index, ABSURD, index_text(c, a))                                                          \
    CALL(unbind, ABSURD, few(a) ? first_piece(dnn_unbind(a->x, a->i[0])) : a->x)                   \
    CALL(split, ABSURD, few(a) ? first_piece(dnn_split(a->x, a->n[0], a->i[0])) : a->x)            \
    CALL(chunk, ABSURD, few(a) ? first_piece(dnn_chunk(a->x, a->n[0], a->i[0])) : a->x)            \
    CALL(cat, 0, joined(c, a, false))                                                              \
    CALL(stack, 0, joined(c, a, true))                                                             \
    CALL(slice_scatter, Y, dnn_slice_scatter(a->x, a->y, a->i[0], a->n[0], a->n[1], a->n[2]))      \
    CALL(select_scatter, Y, dnn_select_scatter(a->x, a->y, a->i[0], a->n[0]))                      \
    CALL(cast, 0, dnn_to(a->x, .dtype = (dnn_dtype)a->n[0]))                                       \
    CALL(copy_, Y, dnn_copy_(a->x, a->y))                                                          \
    CALL(fill_, 0, dnn_fill_(a->x, a->r[0]))                                                       \
    CALL(add_, Y, dnn_add_(a->x, a->y))                                                            \
    CALL(mul_scalar_, 0, dnn_mul_(a->x, a->r[0]))                                                  \
    CALL(relu_, 0, dnn_relu_(a->x))                                                                \
    CALL(pow_scalar, 0, dnn_pow(a->x, a->r[0]))                                                    \
    CALL(clamp_scalar, 0, dnn_clamp(a->x, a->r[0], a->r[1]))                                       \
    CALL(masked_fill, Y, dnn_masked_fill(a->x, a->y, a->r[0]))                                     \
    CALL(leaky_relu, 0, dnn_leaky_relu(a->x, a->r[0]))                                             \
    CALL(softplus, 0, dnn_softplus(a->x, a->r[0], a->r[1]))                                        \
    CALL(sum, 0, dnn_sum(a->x, .dims = a->dims, .keepdim = a->yes))                                \
    CALL(sum_to, 0, dnn_sum_to(a->x, a->shape))                                                    \
    CALL(argmax, 0, dnn_argmax(a->x, a->i[0] == 2 ? DNN_ALL : a->i[1], .keepdim = a->yes))         \
    CALL(max_dim, 0, max_along(a))                                                                 \
    CALL(softmax, 0, dnn_softmax(a->x, a->i[0]))                                                   \
    CALL(log_softmax, 0, dnn_log_softmax(a->x, a->i[0]))                                           \
    CALL(matmul, Y, dnn_matmul(a->x, a->y))                                                        \
    CALL(mm, Y, dnn_mm(a->x, a->y))                                                                \
    CALL(bmm, Y, dnn_bmm(a->x, a->y))                                                              \
    CALL(dot, Y, dnn_dot(a->x, a->y))                                                              \
    CALL(linear, Y | Z, dnn_linear(a->x, a->y, a->z))                                              \
    CALL(conv2d, Y | Z, conv(c, a))                                                                \
    CALL(max_pool2d, 0, max_pool(c, a))                                                            \
    CALL(avg_pool2d, 0, avg_pool(c, a))                                                            \
    CALL(adaptive_avg_pool2d, 0, dnn_adaptive_avg_pool2d(a->x, a->n[0], a->n[1]))                  \
    CALL(adaptive_max_pool2d, 0, adaptive_max(a))                                                  \
    CALL(dropout, 0, dnn_dropout(a->x, a->r[0]))                                                   \
    CALL(mse_loss, Y, dnn_mse_loss_with(loss(a)))                                                  \
    CALL(l1_loss, Y, dnn_l1_loss_with(loss(a)))                                                    \
    CALL(nll_loss, Y | Z,                                                                          \
         dnn_nll_loss(a->x, a->y, .reduction = (dnn_reduction)a->i[0], .weight = a->z,             \
                      .ignore_index = a->yes ? a->n[0] : 0))                                       \
    CALL(cross_entropy, Y | Z,                                                                     \
         dnn_cross_entropy(a->x, a->y, .reduction = (dnn_reduction)a->i[0], .weight = a->z,        \
                           .ignore_zero = a->yes, .label_smoothing = a->yes ? a->r[0] : 0))        \
    CALL(uniform_, 0, dnn_uniform_(a->x, a->r[0], a->r[1]))                                        \
    CALL(normal_, 0, dnn_normal_(a->x, a->r[0], a->r[1]))                                          \
    CALL(bernoulli_, 0, dnn_bernoulli_(a->x, a->r[0]))                                             \
    CALL(full, 0, dnn_full(a->shape, a->r[0], .dtype = c->dtype))                                  \
    CALL(rand, 0, dnn_rand_with(create(c, a)))                                                     \
    CALL(arange, 0,                                                                                \
         dnn_arange(.start = a->r[0], .end = (double)a->n[0], .step = a->r[1], .dtype = c->dtype)) \
    CALL(linspace, 0, dnn_linspace(a->r[0], a->r[1], a->n[0], .dtype = c->dtype))                  \
    CALL(logspace, 0, dnn_logspace(a->r[0], a->r[1], a->n[0], .dtype = c->dtype))                  \
    CALL(eye, 0, dnn_eye(a->n[0], .m = a->n[1], .dtype = c->dtype))

#define CALL(name_, flags_, expression)                               \
    static dnn_tensor *call_##name_(fuzz_call *c, const arguments *a) \
    {                                                                 \
        (void)c;                                                      \
        return expression;                                            \
    }
CALLS(CALL)
#undef CALL

static const struct public_call {
    const char *name;
    int flags;
    dnn_tensor *(*fn)(fuzz_call *c, const arguments *a);
} calls[] = {
#define CALL(name_, flags_, expression) {#name_, flags_, call_##name_},
    CALLS(CALL)
#undef CALL
};

void fuzz_public_call(fuzz_call *c)
{
    const struct public_call *call = &calls[fuzz_byte(B) % DNN__COUNT(calls)];
    arguments a;
    dnn_tensor *y;

    c->name = call->name;
    c->tame = (call->flags & ABSURD) == 0;
    draw(c, &a, call->flags);
    y = call->fn(c, &a);
    if (y == NULL) {
        fuzz_judge_null(c, NULL);
        return;
    }
    fuzz_count.accepted++;
    if (c->tame) {
        fuzz_go_back(c, y);
    }
}
