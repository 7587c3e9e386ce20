/* test_weights.c - tests saving and loading the weights of a module: which files fit, which do not,
 * and that a failed load changes nothing. */
#include "nn_impl.h"
#include "folder.h"

static void init(void)
{
    unit_init();
    folder_make();
    dnn_manual_seed(7);
}

static void fini(void)
{
    folder_drop();
    unit_fini();
}

TestSuite(weights, .init = init, .fini = fini, .timeout = 60);

static dnn_module *small_net(dnn_dtype dtype)
{
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(
        dnn_nn_linear(3, 4, .dtype = dtype), dnn_nn_tanh(), dnn_nn_linear(4, 2, .dtype = dtype)));

    cr_assert_not_null(net, "%s", dnn_error_message());
    return net;
}

/* All bytes of all parameters, one after the other. */
static size_t bytes_of(dnn_module *net, unsigned char *bytes, size_t room)
{
    dnn_tensor *t;
    size_t at = 0;

    for (int64_t i = 0;
         (t = dnn__module_tensor_at(net, DNN__PARAMETERS | DNN__BUFFERS, i, NULL, 0)) != NULL;
         i++) {
        size_t n = (size_t)dnn_numel(t) * dnn_dtype_size(dnn_dtype_of(t));

        cr_assert(at + n <= room);
        cr_assert_eq(dnn_read(t, bytes + at, n), DNN_OK, "%s", dnn_error_message());
        at += n;
    }
    return at;
}

static bool same_bytes(dnn_module *a, dnn_module *b)
{
    unsigned char x[4096], y[4096];
    size_t n = bytes_of(a, x, sizeof x);

    return n == bytes_of(b, y, sizeof y) && memcmp(x, y, n) == 0;
}

static void save_net(dnn_module *net, const char *name)
{
    cr_assert_eq(dnn_save_weights(net, in_folder(name)), DNN_OK, "%s", dnn_error_message());
}

Test(weights, saved_and_loaded_they_are_the_same)
{
    dnn_module *a = small_net(DNN_T_F32), *b = small_net(DNN_T_F32);
    int64_t n = -1;

    cr_expect_not(same_bytes(a, b));
    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(b, in_folder("a"), .n_loaded = &n), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect(same_bytes(a, b));
    cr_expect_eq(n, 4);
    dnn_release(a);
    dnn_release(b);
}

Test(weights, the_file_has_the_dotted_names_and_the_format)
{
    static const char *const names[] = {"0.bias", "0.weight", "2.bias", "2.weight"};
    dnn_module *a = small_net(DNN_T_F32);
    dnn_file_entry_info info;
    const char *key, *value;
    dnn_file *file = NULL;

    save_net(a, "a");
    cr_assert_eq(open_file(in_folder("a"), &file), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(dnn_file_count(file), 4);
    for (int i = 0; i < 4; i++) {
        cr_assert(dnn_file_entry(file, i, &info));
        cr_expect_str_eq(info.name, names[i]);
    }
    cr_assert(dnn_file_metadata(file, 0, &key, &value));
    cr_expect_str_eq(key, "format");
    cr_expect_str_eq(value, "pt");
    dnn_release(file);
    dnn_release(a);
}

Test(weights, buffers_of_any_dtype_are_saved_too)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Counter", .bytes = sizeof(dnn_module)};
    dnn_module *a = dnn_module_new(&type), *b = dnn_module_new(&type);

    cr_assert_not_null(dnn_module_add_buffer(a, "count", I64(DNN_SCALAR, 5)));
    cr_assert_not_null(dnn_module_add_buffer(b, "count", I64(DNN_SCALAR, 0)));
    cr_assert_not_null(dnn_module_add_parameter(a, "empty", dnn_zeros(S(0, 3))));
    cr_assert_not_null(dnn_module_add_parameter(b, "empty", dnn_zeros(S(0, 3))));
    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(b, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_module_tensor(b, "count"), DNN_T_I64, DNN_SCALAR, 5);
    cr_expect_not(dnn_requires_grad(dnn_module_tensor(b, "count")));
    dnn_release(a);
    dnn_release(b);
}

/* A file that has one of every fault for small_net. */
static void save_misfit(void)
{
    dnn_named_tensor list[] = {{"0.weight", dnn_ones(S(4, 3))},
                               {"0.bias", dnn_ones(S(5))},
                               {"2.weight", dnn_ones(S(2, 4), .dtype = DNN_T_I64)},
                               {"extra.weight", dnn_ones(S(1))}};

    cr_assert_eq(dnn_save_tensors(in_folder("misfit"), list, 4, NULL, 0), DNN_OK, "%s",
                 dnn_error_message());
}

Test(weights, all_that_does_not_fit_is_told_at_once_and_nothing_changes)
{
    dnn_module *a = small_net(DNN_T_F32);
    unsigned char before[4096], after[4096];
    size_t n = bytes_of(a, before, sizeof before);
    int64_t loaded = -1;

    save_misfit();
    EXPECT_STATUS_FAIL(dnn_load_weights(a, in_folder("misfit"), .n_loaded = &loaded),
                       in_folder("misfit"), "misshapen 0.bias", "[5] in the file",
                       "[4] in the module", "of another dtype 2.weight", "I64", "f32",
                       "missing 2.bias", "unexpected extra.weight", "partial");
    cr_expect_eq(bytes_of(a, after, sizeof after), n);
    cr_expect_eq(memcmp(before, after, n), 0);
    cr_expect_eq(loaded, -1);
    dnn_release(a);
}

Test(weights, partial_loads_what_fits)
{
    dnn_module *a = small_net(DNN_T_F32), *b = small_net(DNN_T_F32);
    double bias[4], want[4];
    int64_t n = -1;

    save_misfit();
    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(b, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_load_weights(b, in_folder("misfit"), .partial = true, .n_loaded = &n), DNN_OK,
                 "%s", dnn_error_message());
    cr_expect_eq(n, 1);
    EXPECT(dnn_module_tensor(b, "0.weight"), DNN_T_F32, S(4, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
           1);
    cr_assert_eq(dnn_to_list(dnn_module_tensor(b, "0.bias"), bias, 4), DNN_OK);
    cr_assert_eq(dnn_to_list(dnn_module_tensor(a, "0.bias"), want, 4), DNN_OK);
    cr_expect_eq(memcmp(bias, want, sizeof bias), 0);
    dnn_release(a);
    dnn_release(b);
}

Test(weights, long_lists_of_faults_end_in_a_count)
{
    dnn_module *a = small_net(DNN_T_F32);
    dnn_named_tensor list[20];
    char name[20][16];

    for (int i = 0; i < 20; i++) {
        snprintf(name[i], sizeof name[i], "x%d", i);
        list[i] = (dnn_named_tensor){name[i], dnn_ones(S(1))};
    }
    cr_assert_eq(dnn_save_tensors(in_folder("many"), list, 20, NULL, 0), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_load_weights(a, in_folder("many")), "missing 0.weight", "unexpected x",
                       "and 14 more");
    dnn_release(a);
}

Test(weights, a_prefix_is_dropped_where_it_is)
{
    dnn_module *a = small_net(DNN_T_F32), *b = small_net(DNN_T_F32),
               *outer = dnn_nn_sequential(DNN_MODULES(a));

    cr_assert_not_null(outer, "%s", dnn_error_message());
    save_net(outer, "a"); /* 0.0.weight, ... */
    EXPECT_STATUS_FAIL(dnn_load_weights(b, in_folder("a")), "unexpected 0.0.weight",
                       "missing 0.weight");
    cr_assert_eq(dnn_load_weights(b, in_folder("a"), .prefix = "0."), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect(same_bytes(a, b));
    save_net(b, "b");
    cr_assert_eq(dnn_load_weights(b, in_folder("b"), .prefix = "module."), DNN_OK, "%s",
                 dnn_error_message());
    dnn_release(outer);
    dnn_release(b);
}

Test(weights, floating_dtypes_are_cast)
{
    static const dnn_dtype floats[] = {DNN_T_F32, DNN_T_F64, DNN_T_F16, DNN_T_BF16};
    dnn_module *a = dnn_nn_linear(2, 1, .dtype = DNN_T_F64);

    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(a, "weight"), 0.375));
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(a, "bias"), -2));
    save_net(a, "a");
    for (int i = 0; i < 4; i++) {
        dnn_module *b = dnn_nn_linear(2, 1);

        cr_assert_eq(dnn_module_to(b, .dtype = floats[i]), DNN_OK, "%s", dnn_error_message());
        cr_assert_eq(dnn_load_weights(b, in_folder("a")), DNN_OK, "%s", dnn_error_message());
        EXPECT(dnn_module_tensor(b, "weight"), floats[i], S(1, 2), 0.375, 0.375);
        EXPECT(dnn_module_tensor(b, "bias"), floats[i], S(1), -2);
        dnn_release(b);
    }
    dnn_release(a);
}

Test(weights, handles_stay_and_still_want_gradients)
{
    dnn_module *a = small_net(DNN_T_F32), *b = small_net(DNN_T_F32);
    dnn_tensor *before[4];

    for (int i = 0; i < 4; i++) {
        before[i] = dnn__module_tensor_at(b, DNN__PARAMETERS, i, NULL, 0);
    }
    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(b, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(before[i], dnn__module_tensor_at(b, DNN__PARAMETERS, i, NULL, 0));
        cr_expect(dnn_requires_grad(before[i]) && dnn_is_leaf(before[i]));
    }
    unit_backward(dnn_forward(b, F32(S(1, 3), 1, 2, 3)));
    cr_expect_not_null(dnn_grad(before[0]));
    dnn_release(a);
    dnn_release(b);
}

Test(weights, views_of_a_parameter_see_what_is_loaded)
{
    dnn_module *a = dnn_nn_linear(2, 2), *b = dnn_nn_linear(2, 2);
    dnn_tensor *row = dnn_select(dnn_detach(dnn_module_tensor(b, "weight")), 0, 1),
               *t = dnn_detach(dnn_module_tensor(b, "bias"));

    cr_assert_not_null(row, "%s", dnn_error_message());
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(a, "weight"), 3));
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(a, "bias"), 4));
    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(b, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    EXPECT(row, DNN_T_F32, S(2), 3, 3);
    EXPECT(t, DNN_T_F32, S(2), 4, 4);
    EXPECT(dnn_module_tensor(b, "weight"), DNN_T_F32, S(2, 2), 3, 3, 3, 3);
    dnn_release(a);
    dnn_release(b);
}

Test(weights, what_was_recorded_before_the_load_is_refused)
{
    dnn_module *a = dnn_nn_linear(2, 1);
    dnn_tensor *x = dnn_requires_grad_(F32(S(1, 2), 1, 2), true), *y = dnn_forward(a, x);

    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(a, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_backward(y), "in place");
    dnn_release(a);
}

Test(weights, an_optimizer_from_before_goes_on)
{
    dnn_module *a = dnn_nn_linear(2, 1), *b = dnn_nn_linear(2, 1);
    dnn_optimizer *sgd = dnn_optim_sgd(dnn_parameters(b), 0.5, .momentum = 0.5);

    cr_assert_not_null(sgd, "%s", dnn_error_message());
    unit_backward(dnn_forward(b, F32(S(1, 2), 1, 2)));
    cr_assert_eq(dnn_step(sgd), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_zero_grad(sgd), DNN_OK);
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(a, "weight"), 10));
    cr_assert_not_null(dnn_init_constant(dnn_module_tensor(a, "bias"), 20));
    save_net(a, "a");
    cr_assert_eq(dnn_load_weights(b, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    unit_backward(dnn_forward(b, F32(S(1, 2), 1, 2)));
    cr_assert_eq(dnn_step(sgd), DNN_OK, "%s",
                 dnn_error_message()); /* the buffer is 1.5 times the gradient now */
    EXPECT(dnn_module_tensor(b, "weight"), DNN_T_F32, S(1, 2), 9.25, 8.5);
    EXPECT(dnn_module_tensor(b, "bias"), DNN_T_F32, S(1), 19.25);
    dnn_release(sgd);
    dnn_release(a);
    dnn_release(b);
}

Test(weights, broken_files_and_missing_arguments)
{
    dnn_module *a = small_net(DNN_T_F32);
    unsigned char before[4096], after[4096];
    size_t n = bytes_of(a, before, sizeof before);

    write_whole(in_folder("broken"), "what is this?", 13);
    expect_status(dnn_load_weights(a, in_folder("broken")), DNN_E_FORMAT, "broken", "broken");
    expect_status(dnn_load_weights(a, in_folder("none")), DNN_E_IO, "No such file", "none");
    EXPECT_STATUS_FAIL(dnn_load_weights(NULL, in_folder("none")), "module");
    EXPECT_STATUS_FAIL(dnn_load_weights(a, NULL), "path");
    EXPECT_STATUS_FAIL(dnn_save_weights(NULL, in_folder("none")), "module");
    EXPECT_STATUS_FAIL(dnn_save_weights(a, NULL), "path");
    cr_expect_eq(bytes_of(a, after, sizeof after), n);
    cr_expect_eq(memcmp(before, after, n), 0);
    dnn_release(a);
}

/* ---- a file as a state ---- */

Test(weights, a_file_is_read_as_a_state)
{
    dnn_module *a = small_net(DNN_T_F32), *b = small_net(DNN_T_F32);
    dnn_state state;

    save_net(a, "a");
    state = dnn_load_tensors(in_folder("a"));
    cr_assert_eq(state.n, 4, "%s", dnn_error_message());
    cr_expect_str_eq(state.item[0].name, "0.bias");
    cr_expect_str_eq(state.item[3].name, "2.weight");
    cr_expect_eq(dnn_size(dnn_state_tensor(state, "2.weight"), 1), 4);
    cr_assert_eq(dnn_module_load_state(b, state), DNN_OK, "%s", dnn_error_message());
    cr_expect(same_bytes(a, b));
    dnn_release(a);
    dnn_release(b);
}

Test(weights, a_file_that_is_no_state_leaves_nothing)
{
    dnn_tensor *mask = BOOL(S(1), 1), *w = F32(S(2), 1, 2);
    dnn_named_tensor item[] = {{"a", w}, {"mask", mask}};
    unsigned char *data;
    int64_t before;
    size_t bytes;

    cr_assert_eq(dnn_save_tensors(in_folder("a"), item, 2, NULL, 0), DNN_OK);
    data = read_whole(in_folder("a"), &bytes);
    for (size_t i = bytes - 9; i < bytes; i++) {
        data[i] = 2; /* the bool too, wherever it lies */
    }
    write_whole(in_folder("a"), data, bytes);
    free(data);
    before = dnn_live_tensors();
    cr_expect_null(dnn_load_tensors(in_folder("a")).item);
    expect_status(dnn_take_error(), DNN_E_FORMAT, "mask", "mask");
    cr_expect_eq(dnn_live_tensors(), before);
    cr_expect_eq(dnn_load_tensors(in_folder("none")).n, 0);
    expect_status(dnn_take_error(), DNN_E_IO, "none", "none");
    cr_expect_eq(dnn_load_tensors(NULL).n, 0);
    EXPECT_FAIL(NULL, "dnn_load_tensors: path is NULL");
    cr_assert_eq(dnn_save_tensors(in_folder("a"), NULL, 0, NULL, 0), DNN_OK);
    cr_expect_eq(dnn_load_tensors(in_folder("a")).n, 0);
    cr_expect_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
}

/* The last tensor of the file has a bool byte of 2: the first ones have been read when it is found.
 */
Test(weights, a_file_that_breaks_while_it_is_read_changes_nothing)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Masked", .bytes = sizeof(dnn_module)};
    dnn_module *a = dnn_module_new(&type);
    unsigned char *data;
    size_t bytes;

    cr_assert_not_null(dnn_module_add_parameter(a, "w", F32(S(2), 1, 2)));
    cr_assert_not_null(dnn_module_add_buffer(a, "mask", BOOL(S(1), 1)));
    save_net(a, "a");
    data = read_whole(in_folder("a"), &bytes);
    memset(data + bytes - 9, 0, 8);
    data[bytes - 1] = 2;
    write_whole(in_folder("a"), data, bytes);
    free(data);
    expect_status(dnn_load_weights(a, in_folder("a")), DNN_E_FORMAT, "the byte 2", "mask");
    expect_status(dnn_load_weights(a, in_folder("a"), .partial = true), DNN_E_FORMAT, "the byte 2",
                  "mask");
    EXPECT(dnn_module_tensor(a, "w"), DNN_T_F32, S(2), 1, 2);
    EXPECT(dnn_module_tensor(a, "mask"), DNN_T_BOOL, S(1), 1);
    dnn_release(a);
}

Test(weights, a_parameter_that_two_modules_share_is_loaded)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Tied", .bytes = sizeof(dnn_module)};
    dnn_module *a = dnn_module_new(&type);
    dnn_tensor *w = F32(S(2), 1, 2);

    cr_assert_not_null(dnn_module_add_parameter(a, "encoder", w));
    cr_assert_not_null(dnn_module_add_parameter(a, "decoder", w));
    save_net(a, "a");
    cr_assert_not_null(dnn_init_constant(w, 9));
    cr_assert_eq(dnn_load_weights(a, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    EXPECT(w, DNN_T_F32, S(2), 1, 2);
    cr_expect_eq(dnn_module_tensor(a, "decoder"), w);
    dnn_release(a);
}

Test(weights, one_entry_for_two_names_by_prefix_is_refused)
{
    dnn_module *a = dnn_nn_linear(1, 1);
    dnn_named_tensor list[] = {
        {"weight", F32(S(1, 1), 1)}, {"bias", F32(S(1), 2)}, {"m.weight", F32(S(1, 1), 3)}};

    cr_assert_eq(dnn_save_tensors(in_folder("a"), list, 3, NULL, 0), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_load_weights(a, in_folder("a"), .prefix = "m."),
                       "with and without the prefix weight");
    dnn_release(a);
}

Test(weights, a_parameter_that_is_mapped_is_left_alone)
{
    dnn_module *a = dnn_nn_linear(2, 1);
    void *data;

    save_net(a, "a");
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        cr_assert_eq(dnn_map(dnn_module_tensor(a, "bias"), DNN_MAP_READ, &data), DNN_OK, "%s",
                     dnn_error_message());
        EXPECT_STATUS_FAIL(dnn_load_weights(a, in_folder("a")), "bias is mapped", "dnn_unmap");
        cr_assert_eq(dnn_unmap(dnn_module_tensor(a, "bias")), DNN_OK, "%s", dnn_error_message());
    }
    cr_assert_eq(dnn_load_weights(a, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    dnn_release(a);
}

/* ---- memory that ends in the middle of a load ---- */

static struct {
    long left; /* requests until one fails; below 0: none does */
} memory = {-1};

static void *failing_alloc(void *ctx, size_t bytes, size_t align)
{
    void *p = NULL;

    (void)ctx;
    if (memory.left == 0 ||
        posix_memalign(&p, align < sizeof(void *) ? sizeof(void *) : align, bytes) != 0) {
        return NULL;
    }
    memory.left -= memory.left > 0;
    return p;
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

/* After the suite's own init: the library is started anew, upon the allocator above. */
static void init_failing(void)
{
    dnn_allocator allocator = {NULL, failing_alloc, plain_free};

    dnn_shutdown();
    cr_assert_eq(dnn_set_allocator(&allocator), DNN_OK, "%s", dnn_error_message());
    unit_init();
}

/* Both parameters have views, so both are written in place; whichever request fails, neither may
 * have changed. The file is of another dtype in the second round, so that casts are among what can
 * fail. */
Test(weights, a_load_that_runs_out_of_memory_changes_nothing, .init = init_failing)
{
    static const dnn_dtype dtypes[] = {DNN_T_F32, DNN_T_F64};

    for (int i = 0; i < 2; i++) {
        dnn_module *a = dnn_nn_linear(3, 2, .dtype = dtypes[i]), *b = dnn_nn_linear(3, 2);
        dnn_tensor *w = dnn_detach(dnn_module_tensor(b, "weight")),
                   *v = dnn_detach(dnn_module_tensor(b, "bias"));
        unsigned char before[256], after[256];
        size_t n = bytes_of(b, before, sizeof before);
        dnn_status st = DNN_E_NOMEM;
        long at;

        save_net(a, "a");
        for (at = 0; at < 1000 && st != DNN_OK; at++) {
            memory.left = at;
            st = dnn_load_weights(b, in_folder("a"));
            memory.left = -1;
            cr_assert(st == DNN_OK || st == DNN_E_NOMEM, "request %ld: %s", at,
                      dnn_error_message());
            cr_assert_eq(bytes_of(b, after, sizeof after), n);
            cr_assert(st == DNN_OK || memcmp(before, after, n) == 0,
                      "request %ld failed, and the module changed", at);
        }
        cr_assert_eq(st, DNN_OK, "%s", dnn_error_message());
        cr_expect_gt(at, 3, "hardly anything failed");
        dnn_release(w);
        dnn_release(v);
        dnn_release(a);
        dnn_release(b);
    }
}
