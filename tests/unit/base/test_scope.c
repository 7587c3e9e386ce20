/* test_scope.c - tests scopes and errors: what a scope frees, what dnn_keep saves, where an error
 * stays pending. */
#include "unit.h"

TestSuite(scope, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(scope, closing_a_scope_frees_its_tensors)
{
    int64_t before = dnn_live_tensors();

    {
        DNN_SCOPE();
        dnn_zeros(S(3));
        {
            DNN_SCOPE();
            dnn_zeros(S(3));
            cr_expect_eq(dnn_live_tensors(), before + 2);
        }
        cr_expect_eq(dnn_live_tensors(), before + 1);
    }
    cr_expect_eq(dnn_live_tensors(), before);
}

static dnn_tensor *made_in_a_scope(void)
{
    dnn_tensor *out = NULL;

    {
        DNN_SCOPE();
        return dnn_keep(dnn_full(S(1), 3));
    }
    return out;
}

Test(scope, keep_hands_a_tensor_out)
{
    dnn_tensor *y = made_in_a_scope();

    EXPECT(y, DNN_T_F32, S(1), 3);
}

Test(scope, retain_outlives_the_scope)
{
    dnn_tensor *y = NULL;

    {
        DNN_SCOPE();
        y = dnn_retain(dnn_full(S(1), 3));
    }
    EXPECT(y, DNN_T_F32, S(1), 3);
    dnn_release(y);
}

Test(scope, a_view_outlives_what_it_looks_at)
{
    dnn_tensor *row = NULL;

    {
        DNN_SCOPE();
        row = dnn_keep(dnn_select(F32(S(2, 2), 1, 2, 3, 4), 0, 1));
    }
    EXPECT(row, DNN_T_F32, S(2), 3, 4);
}

Test(scope, release_ahead_of_the_scope_frees_at_once)
{
    int64_t before = dnn_live_tensors();
    dnn_tensor *y = dnn_zeros(S(3));

    dnn_release(y);
    cr_expect_eq(dnn_live_tensors(), before);
    dnn_release(NULL);
}

Test(scope, break_leaves_the_loop_and_closes_the_scope)
{
    int64_t before = dnn_live_tensors();
    int rounds = 0, continued = 0;

    for (int i = 0; i < 10; i++) {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_zeros(S(1));
        if (i == 1) {
            continued++;
            continue;
        }
        if (i == 3) {
            break;
        }
        rounds++;
    }
    cr_expect_eq(rounds, 2);
    cr_expect_eq(continued, 1);
    cr_expect_eq(dnn_live_tensors(), before);
    cr_expect(dnn_grad_enabled());
}

Test(scope, the_block_form_runs_once)
{
    int64_t before = dnn_live_tensors();
    int rounds = 0;

    for (int i = 0; i < 3; i++) {
        DNN_SCOPED
        {
            dnn_zeros(S(1));
            if (i == 1) {
                break;
            }
        }
        rounds++;
    }
    cr_expect_eq(rounds, 3);
    cr_expect_eq(dnn_live_tensors(), before);
}

Test(scope, more_scopes_than_the_block_of_a_thread_has)
{
    dnn_scope outermost = dnn_scope_begin(NULL);
    int64_t before = dnn_live_tensors();

    for (int i = 0; i < 1000; i++) {
        dnn_scope_begin(NULL);
        dnn_zeros(S(1));
    }
    cr_expect_eq(dnn_live_tensors(), before + 1000);
    dnn_scope_end(&outermost);
    cr_expect_eq(dnn_live_tensors(), before);
}

Test(scope, the_first_error_waits_and_operators_return_null_meanwhile)
{
    dnn_tensor *a = F32(S(2), 1, 2), *b = F32(S(3), 1, 2, 3);

    {
        DNN_SCOPE();
        cr_expect_null(dnn_add(a, b));
        cr_expect_null(dnn_matmul(a, NULL));
        cr_expect_null(dnn_linear(a, a, dnn_add(a, b)), "a failed bias was read as no bias");
        cr_expect_null(dnn_zeros(S(2)));
    }
    cr_expect_not_null(strstr(dnn_error_message(), "add: "), "%s", dnn_error_message());
    cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
    cr_expect_eq(dnn_take_error(), DNN_OK);
    cr_expect_not_null(dnn_add(a, a));
}

Test(scope, statuses_take_the_error_that_waits)
{
    dnn_tensor *a = F32(S(2), 1, 2);
    double value = 42;

    cr_expect_null(dnn_reshape(a, S(3)));
    cr_expect_eq(read_value(NULL, &value), DNN_E_INVALID);
    cr_expect_not_null(strstr(dnn_error_message(), "reshape"), "%s", dnn_error_message());
    cr_expect_eq(value, 42);
    cr_expect_eq(dnn_take_error(), DNN_OK);
}

Test(scope, ends_out_of_order_close_what_was_opened_after)
{
    dnn_scope outer, stranger = {0};
    int64_t before = dnn_live_tensors();

    outer = dnn_scope_begin("outer");
    dnn_zeros(S(1));
    dnn_scope_begin(NULL);
    (void)dnn_no_grad_begin();
    dnn_zeros(S(1));
    dnn_scope_end(&stranger);
    dnn_scope_end(NULL);
    cr_expect_eq(dnn_live_tensors(), before + 2);
    dnn_scope_end(&outer);
    cr_expect_eq(dnn_live_tensors(), before);
    cr_expect(dnn_grad_enabled());
}

Test(scope, a_message_shows_a_nan_without_sign)
{
    static const struct {
        const char *format, *expected;
        double number;
    } texts[] = {{"pow: b is %g, must be 0", "pow: b is nan, must be 0", -__builtin_nan("")},
                 {"beta=%g", "beta=nan", -__builtin_nan("")},
                 {"%g", "nan", -__builtin_nan("")},
                 {"x-nan.txt: %g", "x-nan.txt: 1", 1},
                 {"-nano: %g", "-nano: -1", -1}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_expect_eq(dnn_fail(DNN_E_INVALID, texts[i].format, texts[i].number), DNN_E_INVALID);
        cr_expect_str_eq(dnn_error_message(), texts[i].expected);
    }
}

Test(scope, names_of_statuses)
{
    cr_expect_str_eq(dnn_status_name(DNN_E_NOMEM), "DNN_E_NOMEM");
    cr_expect_str_eq(dnn_status_name(12345), "unknown status");
}

/* ---- what fails ---- */

/* A failed call retains nothing: the scope frees all that it made. */
#define LEAVES_NOTHING(expr)                                                                      \
    do {                                                                                          \
        int64_t unit_alive = dnn_live_objects(), unit_bytes = dnn_live_bytes(NULL);               \
        {                                                                                         \
            DNN_SCOPE();                                                                          \
            (void)(expr);                                                                         \
            cr_expect_neq(dnn_take_error(), DNN_OK, "line %d: %s did not fail", __LINE__, #expr); \
        }                                                                                         \
        cr_expect_eq(dnn_live_objects(), unit_alive, "line %d: %s leaves %lld objects", __LINE__, \
                     #expr, (long long)(dnn_live_objects() - unit_alive));                        \
        cr_expect_eq(dnn_live_bytes(NULL), unit_bytes, "line %d: %s leaves bytes", __LINE__,      \
                     #expr);                                                                      \
    } while (0)

/* Turns a failed status into a pending error. */
static dnn_tensor *fail_as_value(dnn_status status)
{
    return status != DNN_OK ? dnn_neg(NULL) : NULL;
}

static dnn_status fail_after_work(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    (void)call;
    out[0] = dnn_neg(in[0]);
    return dnn_fail(DNN_E_INVALID, "it fails");
}

static dnn_status get_nothing(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = dnn_ones(S(2));
    return index == 1 ? dnn_fail(DNN_E_IO, "it fails") : DNN_OK;
}

static dnn_dataset *set_of_two(void)
{
    return dnn_dataset_function(2, 1, get_nothing, NULL, NULL);
}

Test(scope, values_that_fail_leave_nothing)
{
    const dnn_function function = {.name = "Own", .forward = fail_after_work};
    dnn_tensor *leaf = dnn_ones(S(2), .requires_grad = true), *grad;

    LEAVES_NOTHING(dnn_ones(S(-1)));
    LEAVES_NOTHING(dnn_add(dnn_ones(S(2)), dnn_ones(S(3))));
    LEAVES_NOTHING(dnn_add(dnn_ones(S(2)), dnn_ones(S(3)), .alpha = 2));
    LEAVES_NOTHING(dnn_split(dnn_ones(S(2)), 0, 0));
    LEAVES_NOTHING(dnn_cat(DNN_TENSORS(leaf, dnn_ones(S(2, 2))), 0));
    LEAVES_NOTHING(dnn_index(leaf, "0, 0"));
    LEAVES_NOTHING(dnn_apply(&function, NULL, DNN_TENSORS(leaf)));
    LEAVES_NOTHING(fail_as_value(dnn_backward(dnn_neg(leaf))));
    LEAVES_NOTHING(fail_as_value(dnn_grad_of(dnn_sum(leaf), DNN_TENSORS(dnn_neg(leaf)), &grad)));
    LEAVES_NOTHING(dnn_value(dnn_neg(leaf)));
}

Test(scope, objects_that_fail_leave_nothing)
{
    const int64_t index[2] = {0, 5};
    dnn_tensor *leaf = dnn_ones(S(2), .requires_grad = true);
    dnn_batch batch;

    LEAVES_NOTHING(dnn_nn_linear(-1, 2));
    LEAVES_NOTHING(dnn_nn_conv2d(1, 1, 0));
    LEAVES_NOTHING(dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), NULL)));
    LEAVES_NOTHING(dnn_module_add(dnn_nn_relu(), "a name", dnn_nn_relu()));
    LEAVES_NOTHING(dnn_module_add_parameter(dnn_nn_relu(), "w", dnn_neg(leaf)));
    LEAVES_NOTHING(dnn_optim_sgd(DNN_TENSORS(leaf), -1));
    LEAVES_NOTHING(dnn_optim_sgd(DNN_TENSORS(leaf, leaf), 1));
    LEAVES_NOTHING(dnn_optim_sgd(DNN_TENSORS(leaf), 1, .nesterov = true));
    LEAVES_NOTHING(dnn_dataset_open("no/such/file"));
    LEAVES_NOTHING(dnn_dataset_subset(set_of_two(), index, 2));
    LEAVES_NOTHING(dnn_dataset_concat((dnn_dataset *const[]){set_of_two(), NULL}, 2));
    LEAVES_NOTHING(dnn_dataset_tensors((dnn_tensor *const[]){dnn_t(dnn_ones(S(2, 3))), leaf}, 2));
    LEAVES_NOTHING(dnn_dataset_get(set_of_two(), (const int64_t[]){0, 1}, 2));
    LEAVES_NOTHING(dnn_dataset_sample(set_of_two(), 1));
    LEAVES_NOTHING(dnn_compose(DNN_TRANSFORMS(dnn_transform_to_tensor(DNN_IMAGE_CHW), NULL)));
    LEAVES_NOTHING(dnn_transform_apply(dnn_transform_random_crop(9), dnn_ones(S(1, 8, 8))));
    LEAVES_NOTHING(dnn_dataset_map(set_of_two(), dnn_transform_center_crop(0)));
    LEAVES_NOTHING(
        dnn_loader(set_of_two(), .shuffle = true, .sampler = dnn_sampler_sequential(set_of_two())));
    LEAVES_NOTHING(dnn_loader(set_of_two(), .workers = -1));
    LEAVES_NOTHING(dnn_loader(set_of_two(), .device = "no device"));
    LEAVES_NOTHING(dnn_loader_next(dnn_loader(set_of_two(), .batch_size = 2), &batch));
    LEAVES_NOTHING(
        dnn_loader_next(dnn_loader(set_of_two(), .batch_size = 2, .workers = 2), &batch));
    LEAVES_NOTHING(dnn_file_open("no/such/file"));
    LEAVES_NOTHING(dnn_file_open("/dev/null"));
}
