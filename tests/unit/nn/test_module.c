/* test_module.c - tests module trees: registration, names, walks, lists, modes, conversion between
 * dtypes, ownership when a call fails. */
#include "nn_impl.h"
#include "unit.h"
#include <stdio.h>

static void init(void)
{
    unit_init();
    dnn_manual_seed(3);
}

TestSuite(module, .init = init, .fini = unit_fini, .timeout = 60);

/* ---- a module type of one's own ---- */

typedef struct block {
    dnn_module base;
    dnn_module *fc1, *fc2;
    dnn_tensor *scale;
    int *freed;
} block;

static dnn_tensor *block_forward(dnn_module *self, dnn_tensor *x)
{
    block *b = (block *)self;

    return dnn_add(x, dnn_mul(dnn_forward(b->fc2, dnn_relu(dnn_forward(b->fc1, x))), b->scale));
}

static void block_free(dnn_module *self)
{
    block *b = (block *)self;

    if (b->freed != NULL) {
        ++*b->freed;
    }
}

static const dnn_module_type block_type = {.size = sizeof(dnn_module_type),
                                           .name = "Block",
                                           .bytes = sizeof(block),
                                           .forward = block_forward,
                                           .free = block_free};
static const dnn_module_type bare_type = {
    .size = sizeof(dnn_module_type), .name = "Bare", .bytes = sizeof(dnn_module)};

static block *new_block(int *freed)
{
    block *b = (block *)dnn_module_new(&block_type);

    cr_assert_not_null(b, "%s", dnn_error_message());
    b->freed = freed;
    b->fc1 = dnn_module_add(&b->base, "fc1", dnn_nn_linear(2, 3));
    b->fc2 = dnn_module_add(&b->base, "fc2", dnn_nn_linear(3, 2, .no_bias = true));
    b->scale = dnn_module_add_parameter(&b->base, "scale", F32(S(2), 1, 10));
    cr_assert_not_null(dnn_module_add_buffer(&b->base, "steps", I64(DNN_SCALAR, 4)), "%s",
                       dnn_error_message());
    cr_assert(b->fc1 != NULL && b->fc2 != NULL && b->scale != NULL, "%s", dnn_error_message());
    return b;
}

static dnn_module *bare(void)
{
    dnn_module *m = dnn_module_new(&bare_type);

    cr_assert_not_null(m, "%s", dnn_error_message());
    return m;
}

/* ---- names ---- */

static void expect_names(const dnn_module *module, int kinds, const char *const *names, int64_t n)
{
    char name[64];

    for (int64_t i = 0; i < n; i++) {
        dnn_tensor *t = dnn__module_tensor_at(module, kinds, i, name, sizeof name);

        cr_assert_not_null(t, "tensor %lld", (long long)i);
        cr_expect_str_eq(name, names[i]);
        cr_expect_eq(dnn_module_tensor(module, name), t, "%s", name);
    }
    cr_expect_null(dnn__module_tensor_at(module, kinds, n, name, sizeof name));
    cr_expect_null(dnn__module_tensor_at(module, kinds, -1, name, sizeof name));
}

Test(module, names_come_in_the_order_of_a_state_dict)
{
    static const char *const all[] = {"0.scale",      "0.steps",  "0.fc1.weight", "0.fc1.bias",
                                      "0.fc2.weight", "2.weight", "2.bias"};
    static const char *const parameters[] = {"0.scale",      "0.fc1.weight", "0.fc1.bias",
                                             "0.fc2.weight", "2.weight",     "2.bias"};
    static const char *const buffers[] = {"0.steps"};
    dnn_module *net =
        dnn_nn_sequential(DNN_MODULES(&new_block(NULL)->base, dnn_nn_relu(), dnn_nn_linear(2, 1)));

    expect_names(net, DNN__PARAMETERS | DNN__BUFFERS, all, 7);
    expect_names(net, DNN__PARAMETERS, parameters, 6);
    expect_names(net, DNN__BUFFERS, buffers, 1);
    dnn_release(net);
}

Test(module, paths_find_modules_and_tensors)
{
    block *b = new_block(NULL);
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), &b->base));

    cr_expect_eq(dnn_module_child(net, "1"), &b->base);
    cr_expect_eq(dnn_module_child(net, "1.fc2"), b->fc2);
    cr_expect_null(dnn_module_child(net, "2"));
    cr_expect_null(dnn_module_child(net, "1.scale"));
    cr_expect_null(dnn_module_child(net, ""));
    cr_expect_null(dnn_module_child(net, NULL));
    cr_expect_null(dnn_module_child(NULL, "1"));
    cr_expect_eq(dnn_module_tensor(net, "1.scale"), b->scale);
    cr_expect_null(dnn_module_tensor(net, "1.fc1"));
    cr_expect_null(dnn_module_tensor(net, "1.scale."));
    cr_expect_null(dnn_module_tensor(net, "1..scale"));
    cr_expect_null(dnn_module_tensor(net, ".1.scale"));
    cr_expect_null(dnn_module_tensor(net, "1.scal"));
    cr_expect_null(dnn_module_tensor(net, "1.scale.x"));
    dnn_release(net);
}

Test(module, a_name_is_cut_to_the_room)
{
    dnn_module *net = &new_block(NULL)->base;
    char name[6] = "?????";

    cr_assert_not_null(dnn__module_tensor_at(net, DNN__PARAMETERS, 1, name, sizeof name));
    cr_expect_eq(strlen(name), 5);
    cr_expect_not_null(dnn__module_tensor_at(net, DNN__PARAMETERS, 1, NULL, 0));
    dnn_release(net);
}

Test(module, bad_names_are_refused)
{
    dnn_module *m = bare();
    dnn_tensor *t = F32(S(1), 1);
    char longer[257];

    memset(longer, 'x', 256);
    longer[256] = 0;
    EXPECT_FAIL(dnn_module_add_parameter(m, "", t), "dnn_module_add_parameter", "1 to 255");
    EXPECT_FAIL(dnn_module_add_parameter(m, "a.b", t), "\"a.b\"");
    EXPECT_FAIL(dnn_module_add_parameter(m, "a b", t), "\"a b\"");
    EXPECT_FAIL(dnn_module_add_parameter(m, "\xc3\xa9", t), "[A-Za-z0-9_]");
    EXPECT_FAIL(dnn_module_add_parameter(m, longer, t), "255");
    EXPECT_FAIL(dnn_module_add_parameter(m, "dnn_x", t), "begins with \"dnn\"");
    EXPECT_FAIL(dnn_module_add_parameter(m, NULL, t), "name is NULL");
    EXPECT_FAIL(dnn_module_add_parameter(NULL, "a", t), "module is NULL");
    EXPECT_FAIL(dnn_module_add_parameter(m, "a", NULL), "\"a\" is NULL");
    EXPECT_FAIL(dnn_module_add_buffer(m, "a.", t), "dnn_module_add_buffer", "\"a.\"");
    EXPECT_FAIL(dnn_module_add(m, "a.b", dnn_nn_relu()), "dnn_module_add", "\"a.b\"");
    cr_expect_null(dnn__module_tensor_at(m, DNN__PARAMETERS | DNN__BUFFERS, 0, NULL, 0));
    cr_expect_not(dnn_requires_grad(t), "a refused parameter became a leaf that wants gradients");
    dnn_release(m);
}

Test(module, names_are_unique_among_all_kinds)
{
    dnn_module *m = bare();
    dnn_tensor *t = F32(S(1), 1);

    cr_assert_not_null(dnn_module_add_parameter(m, "p", t));
    cr_assert_not_null(dnn_module_add_buffer(m, "b", t));
    cr_assert_not_null(dnn_module_add(m, "c", dnn_nn_relu()));
    EXPECT_FAIL(dnn_module_add_parameter(m, "b", t), "Bare", "\"b\" already");
    EXPECT_FAIL(dnn_module_add_buffer(m, "c", t), "\"c\" already");
    EXPECT_FAIL(dnn_module_add(m, "p", dnn_nn_relu()), "\"p\" already");
    dnn_release(m);
}

Test(module, values_that_cannot_be_parameters)
{
    dnn_module *m = bare();
    dnn_tensor *x = LEAF(S(2), 1, 2);

    EXPECT_FAIL(dnn_module_add_parameter(m, "a", I64(S(1), 1)), "i64");
    EXPECT_FAIL(dnn_module_add_parameter(m, "a", dnn_mul(x, x)), "recorded", "dnn_detach");
    EXPECT_FAIL(dnn_module_add_parameter(m, "a", dnn_transpose(F32(S(2, 2), 1, 2, 3, 4), 0, 1)),
                "not contiguous", "[2,2]");
    cr_assert_not_null(dnn_module_add_parameter(m, "a", F32(S(1), 1)),
                       "a name that failed is free again");
    dnn_release(m);
}

/* ---- trees and ownership ---- */

Test(module, a_null_child_is_an_error_and_an_error_that_waits_stays)
{
    dnn_module *m = bare();

    EXPECT_FAIL(dnn_module_add(m, "a", NULL), "child is NULL");
    EXPECT_FAIL(dnn_module_add(m, "a", dnn_nn_dropout(2)), "Dropout", "p is 2");
    EXPECT_FAIL(dnn_module_add(NULL, "a", dnn_nn_relu()), "parent is NULL");
    dnn_release(m);
}

Test(module, a_child_lives_as_long_as_its_parent)
{
    int freed = 0;
    dnn_module *root = bare(), *other = bare();
    block *b = new_block(&freed);

    cr_assert_eq(dnn_module_add(root, "b", &b->base), &b->base);
    dnn_release(&b->base); /* the reference of the scope */
    cr_expect_eq(freed, 0, "a child was freed under its parent");
    EXPECT_FAIL(dnn_module_add(other, "b", &b->base), "has a parent already");
    cr_expect_eq(freed, 0);
    EXPECT_FAIL(dnn_module_add(&b->base, "up", root), "inside itself");
    EXPECT_FAIL(dnn_module_add(root, "self", root), "inside itself");
    dnn_release(root);
    cr_expect_eq(freed, 1);
    dnn_release(other);
    dnn_release(NULL);
}

Test(module, what_no_parent_took_is_freed_by_the_scope)
{
    int freed = 0;

    {
        DNN_SCOPE();
        EXPECT_FAIL(dnn_module_add(bare(), "a.b", &new_block(&freed)->base), "a.b");
        EXPECT_FAIL(dnn_nn_sequential(
                        DNN_MODULES(&new_block(&freed)->base, NULL, &new_block(&freed)->base)),
                    "Sequential", "module 1 is NULL");
        EXPECT_FAIL(dnn_nn_sequential(DNN_MODULES(&new_block(&freed)->base, dnn_nn_linear(-1, 2))),
                    "Linear", "-1");
        cr_expect_eq(freed, 0);
    }
    cr_expect_eq(freed, 4);
}

Test(module, a_child_that_was_retained_outlives_its_parent)
{
    int freed = 0;
    dnn_module *other = bare();
    block *b = NULL;

    {
        DNN_SCOPE();
        b = new_block(&freed);
        dnn_retain(&b->base);
        cr_assert_not_null(dnn_module_add(bare(), "b", &b->base));
    }
    cr_expect_eq(freed, 0);
    cr_expect_eq(dnn_module_add(other, "b", &b->base), &b->base, "%s", dnn_error_message());
    dnn_release(&b->base);
    cr_expect_eq(freed, 0);
    dnn_release(other);
    cr_expect_eq(freed, 1);
}

Test(module, types_that_cannot_be)
{
    static const dnn_module_type nameless = {.size = sizeof(dnn_module_type),
                                             .bytes = sizeof(dnn_module)},
                                 small = {
                                     .size = sizeof(dnn_module_type), .name = "Small", .bytes = 4};

    EXPECT_FAIL(dnn_module_new(NULL), "type");
    EXPECT_FAIL(dnn_module_new(&nameless), "name");
    EXPECT_FAIL(dnn_module_new(&small), "Small has 4 bytes");
}

/* A type without its size is told, also one whose size is a number of something else; members of a
 * newer libdnn must be zero. */
Test(module, a_type_begins_with_its_size)
{
    static const struct {
        dnn_module_type type;
        const void *more[2];
    } newer = {.type = {.size = sizeof newer, .name = "Newer", .bytes = sizeof(dnn_module)}},
      demands = {.type = {.size = sizeof demands, .name = "Newer", .bytes = sizeof(dnn_module)},
                 .more = {NULL, &newer}};
    dnn_module_type none = {.name = "Old", .bytes = sizeof(dnn_module)}, shorter = none;
    char number[24];
    dnn_module *module;

    snprintf(number, sizeof number, "%zu", sizeof(dnn_module_type));
    EXPECT_FAIL(dnn_module_new(&none), "the type Old has size 0", number,
                "sizeof(dnn_module_type)");
    none.name = NULL;
    EXPECT_FAIL(dnn_module_new(&none), "size is 0", number);
    none.size = 8;
    EXPECT_FAIL(dnn_module_new(&none), "size is 8", number);
    none.size = sizeof(dnn_module_type) - 1;
    EXPECT_FAIL(dnn_module_new(&none), number);
    none.size = SIZE_MAX;
    EXPECT_FAIL(dnn_module_new(&none), "size is 18446744073709551615", number);
    cr_expect_not_null(dnn_module_new(&newer.type), "%s", dnn_error_message());
    EXPECT_FAIL(dnn_module_new(&demands.type), "Newer", "behind", number);
    /* What an older program's type lacks is zero, whatever lies behind it. */
    memset(&shorter, 0xff, sizeof shorter);
    shorter.size = offsetof(dnn_module_type, forward);
    shorter.name = "Short";
    shorter.bytes = sizeof(dnn_module);
    module = dnn_module_new(&shorter);
    cr_assert_not_null(module, "%s", dnn_error_message());
    cr_expect_str_eq(dnn_module_format(module), "Short()");
    EXPECT_FAIL(dnn_forward(module, F32(S(1), 1)), "Short");
    dnn_release(module);
}

Test(module, a_child_is_replaced)
{
    int freed = 0;
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(2, 3), dnn_nn_relu()));
    dnn_module *inner = dnn_module_add(net, "inner", bare());
    block *b = new_block(&freed), *last = new_block(NULL);

    cr_assert_not_null(dnn_module_add(inner, "b", &b->base));
    dnn_release(&b->base);
    dnn_module_eval(net);
    cr_assert_eq(dnn_module_replace(net, "inner.b", &last->base), &last->base, "%s",
                 dnn_error_message());
    cr_expect_eq(freed, 1, "the old child");
    cr_expect_eq(dnn_module_child(net, "inner.b"), &last->base);
    cr_expect_not(dnn_module_training(&last->base), "the mode of the old child");
    EXPECT_FAIL(dnn_module_replace(net, "inner.c", bare()), "no child", "inner.c");
    EXPECT_FAIL(dnn_module_replace(net, "0.weight", bare()), "no child", "0.weight");
    EXPECT_FAIL(dnn_module_replace(net, "0", &last->base), "has a parent already");
    EXPECT_FAIL(dnn_module_replace(net, "inner", net), "inside itself");
    EXPECT_FAIL(dnn_module_replace(net, "0", NULL), "child is NULL");
    EXPECT_FAIL(dnn_module_replace(NULL, "0", bare()), "module is NULL");
}

static dnn_status note_path(void *ctx, dnn_module *module, const char *path)
{
    char *paths = ctx;

    (void)module;
    strcat(strcat(paths, path), ";");
    return strcmp(path, "1.0") == 0 && strlen(paths) > 40 ? dnn_fail(DNN_E_INVALID, "enough")
                                                          : DNN_OK;
}

Test(module, apply_visits_the_tree)
{
    dnn_module *net = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_relu(), dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), dnn_nn_tanh()))));
    char paths[128] = "";

    cr_assert_eq(dnn_module_apply(net, note_path, paths), DNN_OK, "%s", dnn_error_message());
    cr_expect_str_eq(paths, ";0;1;1.0;1.1;");
    memset(paths, '.', 40);
    EXPECT_STATUS_FAIL(dnn_module_apply(net, note_path, paths), "1.0", "enough");
    EXPECT_STATUS_FAIL(dnn_module_apply(net, NULL, NULL), "fn is NULL");
    EXPECT_STATUS_FAIL(dnn_module_apply(NULL, note_path, paths), "module is NULL");
}

Test(module, the_state_has_the_tensors_themselves)
{
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(2, 3), dnn_nn_relu()));
    dnn_state state = dnn_module_state(net);

    cr_assert_eq(state.n, 2);
    cr_expect_str_eq(state.item[0].name, "0.weight");
    cr_expect_str_eq(state.item[1].name, "0.bias");
    cr_expect_eq(dnn_state_tensor(state, "0.bias"), dnn_module_tensor(net, "0.bias"));
    cr_expect_null(dnn_state_tensor(state, "0.other"));
    cr_expect_eq(dnn_module_state(dnn_nn_relu()).n, 0);
    cr_expect_eq(dnn_take_error(), DNN_OK);
}

/* ---- running ---- */

Test(module, a_type_of_its_own_runs_and_learns)
{
    block *b = new_block(NULL);

    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(b->fc1, "weight"), 1));
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(b->fc1, "bias"), 0.5));
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(b->fc2, "weight"), 2));
    /* fc1: 1 + 2 + 0.5 three times; fc2: 3 x 2 x 3.5 = 21 */
    EXPECT(dnn_forward(&b->base, F32(S(1, 2), 1, 2)), DNN_T_F32, S(1, 2), 22, 212);
    unit_backward(dnn_forward(&b->base, F32(S(1, 2), 1, 2)));
    EXPECT(dnn_grad(b->scale), DNN_T_F32, S(2), 21, 21);
    EXPECT(dnn_grad(dnn_module_tensor(&b->base, "fc1.bias")), DNN_T_F32, S(3), 22, 22, 22);
    dnn_release(&b->base);
}

Test(module, forward_fails_with_a_name)
{
    dnn_module *m = bare(), *linear = dnn_nn_linear(3, 2);

    EXPECT_FAIL(dnn_forward(NULL, F32(S(1), 1)), "module is NULL");
    EXPECT_FAIL(dnn_forward(m, F32(S(1), 1)), "the type Bare has neither forward nor forward_n");
    EXPECT_FAIL(dnn_forward(linear, NULL), "Linear");
    EXPECT_FAIL(dnn_forward(linear, F32(S(1, 2), 1, 2)), "linear", "[1,2]");
    dnn_release(m);
    dnn_release(linear);
}

Test(module, an_error_names_the_place_in_the_tree_and_a_hint)
{
    dnn_module *conv = dnn_nn_conv2d(1, 2, 3), *fc = dnn_nn_linear(8, 3);
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_sequential(DNN_MODULES(conv)), fc));
    dnn_tensor *logits = dnn_zeros(S(2, 3));

    EXPECT_FAIL(dnn_forward(net, dnn_zeros(S(5, 1, 4, 4))),
                "Sequential.1 (Linear): linear: x is [5,2,2,2]", "dnn_flatten(x, 1, -1)");
    EXPECT_FAIL(dnn_forward(net, dnn_zeros(S(5, 4, 4, 1))),
                "Sequential.0.0 (Conv2d): conv2d: x has 4", "channels last");
    EXPECT_FAIL(dnn_forward(net, dnn_zeros(S(28, 28))),
                "Sequential.0.0 (Conv2d): conv2d: x is [28,28]", "dnn_unsqueeze(x, 0)");
    EXPECT_FAIL(dnn_forward(conv, dnn_zeros(S(2, 2))), "Sequential.0.0 (Conv2d): ");
    EXPECT_FAIL(dnn_cross_entropy(logits, logits), "dnn_argmax(target, 1)");
    dnn_release(net);
}

Test(module, train_and_eval_go_through_the_tree)
{
    block *b = new_block(NULL);
    dnn_module *drop = dnn_nn_dropout(0.5),
               *net =
                   dnn_nn_sequential(DNN_MODULES(&b->base, dnn_nn_sequential(DNN_MODULES(drop))));

    cr_expect(dnn_module_training(net) && dnn_module_training(drop) && dnn_module_training(b->fc1));
    dnn_module_eval(net);
    cr_expect(!dnn_module_training(net) && !dnn_module_training(drop) &&
              !dnn_module_training(b->fc1));
    dnn_module_train(dnn_module_child(net, "1"), true);
    cr_expect(!dnn_module_training(net) && dnn_module_training(drop) &&
              !dnn_module_training(b->fc1));
    dnn_module_train(NULL, true);
    cr_expect_not(dnn_module_training(NULL));
    dnn_release(net);
}

/* ---- lists ---- */

Test(module, parameters_are_counted_and_listed_once)
{
    dnn_module *m = bare();
    dnn_tensor *w = F32(S(2, 3), 1, 2, 3, 4, 5, 6), *b = F32(S(3), 1, 2, 3);
    dnn_tensor_list list;

    cr_assert_not_null(dnn_module_add_parameter(m, "w", w));
    cr_assert_not_null(dnn_module_add_parameter(m, "tied", w));
    cr_assert_not_null(dnn_module_add_parameter(m, "b", b));
    cr_assert_not_null(dnn_module_add_buffer(m, "buffer", F32(S(1), 1)));
    list = dnn_parameters(m);
    cr_assert_eq(list.n, 2);
    cr_expect(list.item[0] == w && list.item[1] == b);
    cr_expect_eq(dnn_module_parameter_count(m), 9);
    cr_expect_eq(dnn_module_parameter_count(NULL), 0);
    dnn_release(m);
}

Test(module, a_tree_without_parameters)
{
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), dnn_nn_flatten()));

    cr_expect_eq(dnn_parameters(net).n, 0);
    cr_expect_eq(dnn_take_error(), DNN_OK);
    cr_expect_eq(dnn_module_parameter_count(net), 0);
    dnn_module_zero_grad(net);
    cr_expect_eq(dnn_module_to(net, .dtype = DNN_T_F64), DNN_OK, "%s", dnn_error_message());
    dnn_release(net);
    cr_expect_eq(dnn_parameters(NULL).n, 0);
    EXPECT_FAIL(NULL, "dnn_parameters", "NULL");
}

Test(module, parameters_outlive_the_module_for_who_retains_them)
{
    dnn_module *m = dnn_nn_linear(1, 1);
    dnn_tensor *w = dnn_retain(dnn_module_tensor(m, "weight"));

    dnn_release(m);
    cr_assert_not_null(dnn_init_constant(w, 5));
    EXPECT(w, DNN_T_F32, S(1, 1), 5);
    dnn_release(w);
}

Test(module, zero_grad_drops_all_gradients)
{
    block *b = new_block(NULL);

    unit_backward(dnn_forward(&b->base, F32(S(1, 2), 1, 2)));
    cr_expect_not_null(dnn_grad(b->scale));
    dnn_module_zero_grad(&b->base);
    for (int64_t i = 0; i < dnn_parameters(&b->base).n; i++) {
        cr_expect_null(dnn_grad(dnn_parameters(&b->base).item[i]));
    }
    dnn_module_zero_grad(&b->base);
    dnn_module_zero_grad(NULL);
    dnn_release(&b->base);
}

/* ---- dtypes ---- */

Test(module, to_f64_and_back_keeps_handles_values_and_gradients)
{
    block *b = new_block(NULL);
    dnn_tensor *before[4], *steps = dnn_module_tensor(&b->base, "steps");

    cr_assert_eq(dnn_parameters(&b->base).n, 4);
    memcpy(before, dnn_parameters(&b->base).item, sizeof before);
    unit_backward(dnn_mul(b->scale, 3));
    cr_assert_eq(dnn_module_to(&b->base, .dtype = DNN_T_F64), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_parameters(&b->base).n, 4);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(dnn_parameters(&b->base).item[i], before[i]);
        cr_expect_eq(dnn_dtype_of(before[i]), DNN_T_F64);
        cr_expect(dnn_requires_grad(before[i]) && dnn_is_leaf(before[i]));
    }
    cr_expect_eq(dnn_module_tensor(&b->base, "steps"), steps);
    EXPECT(steps, DNN_T_I64, DNN_SCALAR, 4);
    EXPECT(b->scale, DNN_T_F64, S(2), 1, 10);
    EXPECT(dnn_grad(b->scale), DNN_T_F64, S(2), 3, 3);
    unit_backward(dnn_forward(&b->base, F64(S(1, 2), 1, 2)));
    cr_assert_eq(dnn_module_to(&b->base, .dtype = DNN_T_F32), DNN_OK, "%s", dnn_error_message());
    EXPECT(b->scale, DNN_T_F32, S(2), 1, 10);
    cr_expect_not_null(dnn_forward(&b->base, F32(S(1, 2), 1, 2)));
    dnn_release(&b->base);
}

Test(module, to_what_it_is_already_changes_nothing)
{
    block *b = new_block(NULL);

    cr_expect_eq(dnn_module_to(&b->base), DNN_OK);
    cr_expect_eq(dnn_module_to(&b->base, .dtype = DNN_T_F32, .device = "cpu"), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(b->scale, DNN_T_F32, S(2), 1, 10);
    dnn_release(&b->base);
}

Test(module, to_refuses_what_is_no_floating_dtype_or_device)
{
    block *b = new_block(NULL);

    EXPECT_STATUS_FAIL(dnn_module_to(&b->base, .dtype = DNN_T_I64), "i64", "floating");
    EXPECT_STATUS_FAIL(dnn_module_to(&b->base, .dtype = DNN_T_F32 | DNN_T_F64), "floating");
    EXPECT_STATUS_FAIL(dnn_module_to(NULL, .dtype = DNN_T_F32), "module");
    cr_expect_neq(dnn_module_to(&b->base, .device = "nowhere:9"), DNN_OK);
    cr_expect_not_null(strstr(dnn_error_message(), "nowhere:9"), "%s", dnn_error_message());
    EXPECT(b->scale, DNN_T_F32, S(2), 1, 10);
    dnn_release(&b->base);
}

Test(module, to_names_the_tensor_that_is_mapped)
{
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), dnn_nn_linear(3, 2)));
    dnn_tensor *bias = dnn_module_tensor(net, "1.bias");
    void *data;

    cr_assert_eq(dnn_map(bias, DNN_MAP_READ, &data), DNN_OK, "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_module_to(net, .dtype = DNN_T_F64), "1.bias [2]", "dnn_unmap");
    cr_expect_eq(dnn_unmap(bias), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(dnn_dtype_of(dnn_module_tensor(net, "1.weight")), DNN_T_F32);
    dnn_release(net);
}

Test(module, an_optimizer_from_before_a_move_goes_on)
{
    dnn_module *m = dnn_nn_linear(1, 1);
    dnn_optimizer *sgd = dnn_optim_sgd(dnn_parameters(m), 0.5);

    cr_assert_not_null(sgd, "%s", dnn_error_message());
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(m, "weight"), 1));
    cr_assert_eq(dnn_module_to(m, .dtype = DNN_T_F64), DNN_OK, "%s", dnn_error_message());
    unit_backward(dnn_forward(m, F64(S(1, 1), 2)));
    cr_assert_eq(dnn_step(sgd), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_module_tensor(m, "weight"), DNN_T_F64, S(1, 1), 0);
    dnn_release(sgd);
    dnn_release(m);
}

/* ---- text ---- */

static dnn_module *lenet(void)
{
    dnn_module *net = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_conv2d(1, 6, 5, .padding = 2), dnn_nn_tanh(),
                    dnn_nn_avg_pool2d(.kernel = 2), dnn_nn_conv2d(6, 16, 5), dnn_nn_tanh(),
                    dnn_nn_avg_pool2d(.kernel = 2), dnn_nn_flatten(), dnn_nn_linear(400, 120),
                    dnn_nn_tanh(), dnn_nn_linear(120, 84), dnn_nn_tanh(), dnn_nn_linear(84, 10)));

    cr_assert_not_null(net, "%s", dnn_error_message());
    return net;
}

static void expect_text(dnn_module *module, const char *want)
{
    char text[2048];

    cr_assert_not_null(module, "%s", dnn_error_message());
    cr_assert_eq(copy_text(dnn_module_format(module), text, sizeof text), (int64_t)strlen(want),
                 "%s", text);
    cr_expect_str_eq(text, want);
    dnn_release(module);
}

/* The text is what PyTorch 1.13 prints for the same network. */
Test(module, lenet_prints_as_in_pytorch)
{
    expect_text(lenet(), "Sequential(\n"
                         "  (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))\n"
                         "  (1): Tanh()\n"
                         "  (2): AvgPool2d(kernel_size=2, stride=2, padding=0)\n"
                         "  (3): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))\n"
                         "  (4): Tanh()\n"
                         "  (5): AvgPool2d(kernel_size=2, stride=2, padding=0)\n"
                         "  (6): Flatten(start_dim=1, end_dim=-1)\n"
                         "  (7): Linear(in_features=400, out_features=120, bias=True)\n"
                         "  (8): Tanh()\n"
                         "  (9): Linear(in_features=120, out_features=84, bias=True)\n"
                         "  (10): Tanh()\n"
                         "  (11): Linear(in_features=84, out_features=10, bias=True)\n"
                         ")");
}

/* Likewise, for all other layers. */
Test(module, every_layer_prints_as_in_pytorch)
{
    expect_text(
        dnn_nn_sequential(DNN_MODULES(
            dnn_nn_conv2d(1, 4, 3, .stride = 2, .padding = 1, .no_bias = true), dnn_nn_relu(),
            dnn_nn_max_pool2d(.kernel = 2), dnn_nn_dropout(0.25), dnn_nn_leaky_relu(0.1),
            dnn_nn_elu(1), dnn_nn_gelu(false), dnn_nn_softmax(1), dnn_nn_log_softmax(1),
            dnn_nn_identity(), dnn_nn_silu(), dnn_nn_sigmoid(), dnn_nn_adaptive_avg_pool2d(2, 3),
            dnn_nn_adaptive_max_pool2d(1, 1), dnn_nn_linear(3, 2, .no_bias = true),
            dnn_nn_sequential(DNN_MODULES(dnn_nn_relu())),
            dnn_nn_conv2d(4, 8, 3, .dilation = 2, .groups = 2, .padding_h = 1), dnn_nn_gelu(true))),
        "Sequential(\n"
        "  (0): Conv2d(1, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)\n"
        "  (1): ReLU()\n"
        "  (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
        "  (3): Dropout(p=0.25, inplace=False)\n"
        "  (4): LeakyReLU(negative_slope=0.1)\n"
        "  (5): ELU(alpha=1.0)\n"
        "  (6): GELU(approximate='none')\n"
        "  (7): Softmax(dim=1)\n"
        "  (8): LogSoftmax(dim=1)\n"
        "  (9): Identity()\n"
        "  (10): SiLU()\n"
        "  (11): Sigmoid()\n"
        "  (12): AdaptiveAvgPool2d(output_size=(2, 3))\n"
        "  (13): AdaptiveMaxPool2d(output_size=(1, 1))\n"
        "  (14): Linear(in_features=3, out_features=2, bias=False)\n"
        "  (15): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        "  (16): Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 0), dilation=(2, 2), "
        "groups=2)\n"
        "  (17): GELU(approximate='tanh')\n"
        ")");
}

Test(module, text_is_cut_to_the_room)
{
    dnn_module *net = dnn_nn_linear(3, 2);
    char text[8];

    cr_expect_eq(copy_text(dnn_module_format(net), NULL, 0),
                 (int64_t)strlen("Linear(in_features=3, out_features=2, bias=True)"));
    cr_expect_eq(copy_text(dnn_module_format(net), text, sizeof text),
                 (int64_t)strlen("Linear(in_features=3, out_features=2, bias=True)"));
    cr_expect_str_eq(text, "Linear(");
    EXPECT_FAIL(dnn_module_format(NULL), "dnn_module_format", "NULL");
    EXPECT_FAIL(dnn_module_summary(NULL, NULL), "dnn_module_summary", "module");
    dnn_release(net);
}

/* The line of the summary that begins with the path, up to its end. */
static void expect_row(const char *summary, const char *path, const char *type, const char *shape,
                       const char *parameters)
{
    char row[256] = "";

    for (const char *line = summary; line != NULL && *line != 0;
         line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
        if (strncmp(line, path, strlen(path)) == 0 && line[strlen(path)] == ' ') {
            snprintf(row, sizeof row, "%.*s", (int)strcspn(line, "\n"), line);
        }
    }
    cr_expect(strstr(row, type) && strstr(row, shape) && strstr(row, parameters), "row %s: \"%s\"",
              path, row);
}

Test(module, the_summary_has_shapes_and_the_total)
{
    dnn_module *net = lenet();
    char text[4096], again[4096];
    int64_t n = copy_text(dnn_module_summary(net, dnn_zeros(S(2, 1, 28, 28))), text, sizeof text);

    cr_assert_gt(n, 0, "%s", dnn_error_message());
    cr_expect_eq((size_t)n, strlen(text));
    expect_row(text, "0", "Conv2d", "[2,6,28,28]", "156");
    expect_row(text, "2", "AvgPool2d", "[2,6,14,14]", "-");
    expect_row(text, "6", "Flatten", "[2,400]", "-");
    expect_row(text, "7", "Linear", "[2,120]", "48,120");
    expect_row(text, "11", "Linear", "[2,10]", "850");
    cr_expect_not_null(strstr(text, "61,706 parameters"), "%s", text);
    cr_expect_eq(dnn_module_parameter_count(net), 61706);
    cr_expect_not_null(strstr(text, "246,824 bytes"), "%s", text);
    cr_expect(dnn_module_training(net) && dnn_module_training(dnn_module_child(net, "7")),
              "the mode is not what it was");
    cr_assert_gt(copy_text(dnn_module_summary(net, NULL), again, sizeof again), 0);
    expect_row(again, "7", "Linear", "-", "48,120");
    cr_expect_null(strstr(again, "["));
    EXPECT_FAIL(dnn_module_summary(net, dnn_zeros(S(2, 3, 28, 28))), "conv2d");
    cr_expect(dnn_module_training(net), "the mode is not what it was after a failure");
    dnn_release(net);
}
