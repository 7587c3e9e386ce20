/* test_lifecycle.c - the entries of the library. Criterion runs each test in a process of its own,
 * so that each call here is the first of its process, or the first after dnn_shutdown. Only the
 * tests of variables call dnn_init. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dnn/dnn.h"
#include "read_value.h"

static void find_plugins(void)
{
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
}

TestSuite(lifecycle, .init = find_plugins);

static void expect_running(void)
{
    int32_t n = 0;
    dnn_backend_info info;

    while (dnn_backend_at(n, &info)) {
        n++;
    }
    cr_expect_gt(n, 0, "no plugin file was looked for: the call did not start the library");
}

static void expect_made(dnn_tensor *t)
{
    cr_expect_not_null(t, "%s", dnn_error_message());
    expect_running();
    cr_expect_eq(dnn_take_error(), DNN_OK);
    dnn_shutdown();
}

#define FIRST_CALL_MAKES(name, call) \
    Test(lifecycle, name)            \
    {                                \
        expect_made(call);           \
    }

FIRST_CALL_MAKES(zeros_may_be_the_first_call, dnn_zeros(DNN_SHAPE(2, 3)))
FIRST_CALL_MAKES(empty_may_be_the_first_call, dnn_empty(DNN_SHAPE(2, 3)))
FIRST_CALL_MAKES(full_may_be_the_first_call, dnn_full(DNN_SHAPE(2, 3), 2))
FIRST_CALL_MAKES(rand_may_be_the_first_call, dnn_rand(DNN_SHAPE(2, 3)))
FIRST_CALL_MAKES(randn_may_be_the_first_call, dnn_randn(DNN_SHAPE(2, 3)))
FIRST_CALL_MAKES(arange_may_be_the_first_call, dnn_arange(.end = 5, .dtype = DNN_T_F32))
FIRST_CALL_MAKES(linspace_may_be_the_first_call, dnn_linspace(0, 1, 5, .dtype = DNN_T_F32))
FIRST_CALL_MAKES(scalar_may_be_the_first_call, dnn_scalar(1, .dtype = DNN_T_F32))

Test(lifecycle, from_data_may_be_the_first_call)
{
    const float one = 1;

    expect_made(dnn_from_data(&one, DNN_SHAPE(1)));
}

Test(lifecycle, from_buffer_may_be_the_first_call)
{
    float one = 1;

    expect_made(dnn_from_buffer(&one, DNN_SHAPE(1), DNN_T_F32, NULL, NULL));
}

Test(lifecycle, a_module_may_be_the_first_call)
{
    dnn_module *linear = dnn_nn_linear(3, 2);

    cr_expect_not_null(linear, "%s", dnn_error_message());
    expect_running();
    dnn_release(linear);
    dnn_shutdown();
}

Test(lifecycle, the_default_device_may_be_the_first_call)
{
    cr_expect_str_eq(dnn_default_device(), "cpu");
    expect_running();
    dnn_shutdown();
}

Test(lifecycle, a_pin_may_be_the_first_call)
{
    cr_expect_eq(dnn_set_prefer("add=cpu_blas"), DNN_OK, "%s", dnn_error_message());
    expect_running();
    dnn_shutdown();
}

/* The readers are asked: a file that none takes is refused with their names. */
static void expect_readers(void)
{
    dnn_dataset *set = dnn_dataset_open("/proc/self/exe");

    cr_expect_null(set);
    cr_expect_not_null(strstr(dnn_error_message(), "mnist"), "the readers were not found: %s",
                       dnn_error_message());
    cr_expect_neq(dnn_take_error(), DNN_OK);
}

Test(lifecycle, opening_a_data_set_may_be_the_first_call)
{
    expect_readers();
    expect_running();
    dnn_shutdown();
}

Test(lifecycle, a_data_set_may_be_opened_after_shutdown)
{
    cr_assert_not_null(dnn_zeros(DNN_SHAPE(1)));
    dnn_shutdown();
    expect_readers();
    dnn_shutdown();
}

/* ---- tensors that outlive dnn_shutdown ---- */

static dnn_tensor *outlive(dnn_tensor *t)
{
    cr_assert_not_null(t, "%s", dnn_error_message());
    dnn_retain(t);
    dnn_shutdown();
    return t;
}

static void expect_item(dnn_tensor *t, double want)
{
    double got = 0;

    cr_expect_not_null(t, "%s", dnn_error_message());
    cr_expect_eq(read_value(t, &got), DNN_OK, "%s", dnn_error_message());
    cr_expect_float_eq(got, want, 1e-6);
}

Test(lifecycle, an_operator_starts_the_library_again)
{
    dnn_tensor *x = outlive(dnn_full(DNN_SHAPE(3), 2));

    expect_item(dnn_sum(dnn_mul(x, x)), 12);
    dnn_release(x);
    dnn_shutdown();
}

Test(lifecycle, a_change_in_place_starts_the_library_again)
{
    dnn_tensor *x = outlive(dnn_full(DNN_SHAPE(1), 2));

    expect_item(dnn_add_(x, 1), 3);
    dnn_release(x);
    dnn_shutdown();
}

Test(lifecycle, a_cast_starts_the_library_again)
{
    dnn_tensor *x = outlive(dnn_full(DNN_SHAPE(1), 2));

    expect_item(dnn_to(x, .dtype = DNN_T_F64), 2);
    dnn_release(x);
    dnn_shutdown();
}

Test(lifecycle, reading_what_is_not_dense_starts_the_library_again)
{
    dnn_tensor *x = outlive(dnn_arange(.end = 6, .dtype = DNN_T_F32));
    dnn_tensor *columns = dnn_transpose(dnn_reshape(x, DNN_SHAPE(2, 3)), 0, 1);
    float got[6];

    cr_expect_eq(dnn_read(columns, got, sizeof got), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(got[1], 3);
    dnn_release(x);
    dnn_shutdown();
}

Test(lifecycle, backward_starts_the_library_again)
{
    dnn_tensor *x = dnn_retain(dnn_full(DNN_SHAPE(3), 2, .requires_grad = true));
    dnn_tensor *loss = outlive(dnn_sum(dnn_mul(x, x)));

    cr_expect_eq(dnn_backward(loss), DNN_OK, "%s", dnn_error_message());
    expect_item(dnn_sum(dnn_grad(x)), 12);
    dnn_release(loss);
    dnn_release(x);
    dnn_shutdown();
}

Test(lifecycle, an_optimizer_step_starts_the_library_again)
{
    dnn_tensor *w = dnn_retain(dnn_full(DNN_SHAPE(1), 2, .requires_grad = true));
    dnn_optimizer *sgd = dnn_retain(dnn_optim_sgd(DNN_TENSORS(w), 0.5));

    cr_assert_not_null(sgd, "%s", dnn_error_message());
    cr_assert_eq(dnn_backward(dnn_sum(dnn_mul(w, w))), DNN_OK);
    dnn_shutdown();
    cr_expect_eq(dnn_step(sgd), DNN_OK, "%s", dnn_error_message());
    expect_item(w, 0);
    dnn_release(sgd);
    dnn_release(w);
    dnn_shutdown();
}

static int64_t cap_of_variable(const char *text)
{
    dnn_memory memory = {0};

    setenv("DNN_MEMORY_CAP", text, 1);
    cr_assert_eq(dnn_init(NULL), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_get_memory("cpu", &memory), DNN_OK);
    dnn_shutdown();
    return memory.cap_bytes;
}

Test(lifecycle, the_memory_cap_of_the_environment_is_set)
{
    cr_expect_eq(cap_of_variable(""), 0);
    cr_expect_eq(cap_of_variable("0"), 0);
    cr_expect_eq(cap_of_variable("1048576"), 1 << 20);
    cr_expect_eq(cap_of_variable("64K"), 64 << 10);
    cr_expect_eq(cap_of_variable("512M"), 512 << 20);
    cr_expect_eq(cap_of_variable("3G"), INT64_C(3) << 30);
}

Test(lifecycle, a_call_overrides_the_memory_cap_of_the_environment)
{
    dnn_memory memory = {0};

    setenv("DNN_MEMORY_CAP", "1M", 1);
    cr_assert_eq(dnn_set_memory_cap("cpu", 0), DNN_OK);
    cr_assert_eq(dnn_init(NULL), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_get_memory("cpu", &memory), DNN_OK);
    cr_expect_eq(memory.cap_bytes, 0);
    dnn_shutdown();
}

Test(lifecycle, the_memory_cap_of_the_environment_holds)
{
    setenv("DNN_MEMORY_CAP", "1M", 1);
    cr_expect_null(dnn_zeros(DNN_SHAPE(1 << 20)));
    cr_expect_eq(dnn_take_error(), DNN_E_NOMEM);
    dnn_shutdown();
}

Test(lifecycle, a_wrong_memory_cap_is_an_error_at_start)
{
    static const char *const wrong[] = {"M",          "1T", "-1", "1.5G", "1 M",
                                        "12MB",       "+1", "k",  "1k",   "99999999999999999999",
                                        "9999999999G"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("DNN_MEMORY_CAP", wrong[i], 1);
        cr_expect_eq(dnn_init(NULL), DNN_E_DEVICE, "%s", wrong[i]);
        cr_expect(strstr(dnn_error_message(), "DNN_MEMORY_CAP=") != NULL, "%s",
                  dnn_error_message());
    }
}

Test(lifecycle, another_list_while_the_library_runs_is_an_error)
{
    cr_assert_not_null(dnn_zeros(DNN_SHAPE(2)), "%s", dnn_error_message());
    cr_expect_eq(dnn_init("cuda"), DNN_E_INVALID);
    cr_expect(strstr(dnn_error_message(), "\"cuda\": the library runs with all plugins") != NULL,
              "%s", dnn_error_message());
    cr_expect(strstr(dnn_error_message(), "dnn_shutdown") != NULL, "%s", dnn_error_message());
    cr_expect_eq(dnn_init(NULL), DNN_OK);
    cr_expect_eq(dnn_init(""), DNN_OK);
    dnn_shutdown();
    cr_expect_eq(dnn_init("cpu_blas"), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(dnn_init("cpu_blas"), DNN_OK);
    cr_expect_eq(dnn_init(NULL), DNN_OK);
    cr_expect_eq(dnn_init("cuda,cpu_blas"), DNN_E_INVALID);
    cr_expect(strstr(dnn_error_message(), "runs with \"cpu_blas\"") != NULL, "%s",
              dnn_error_message());
    dnn_shutdown();
}

static int warnings;
static char warning[512];

static void note_warning(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    if (level == DNN_LOG_WARN && strstr(text, "DNN_") != NULL) {
        warnings++;
        snprintf(warning, sizeof warning, "%s", text);
    }
}

Test(lifecycle, an_unknown_variable_is_told_once)
{
    dnn_set_log(note_warning, NULL);
    setenv("DNN_TREADS", "2", 1);
    setenv("DNN_DATA_DIR", "/nowhere", 1); /* of the training programs */
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(dnn_init(NULL), DNN_OK, "%s", dnn_error_message());
        dnn_shutdown();
    }
    cr_expect_eq(warnings, 1);
    cr_expect(strstr(warning, "DNN_TREADS") != NULL && strstr(warning, "DNN_THREADS") != NULL, "%s",
              warning);
}
