/* test_small_stack.c - the public calls work on a thread whose stack has 64 KiB: the start with its
 * plugins, the readers, training, texts, files. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include "folder.h"

enum { STACK = 64 << 10, SAMPLES = 3 };

static void begin(void)
{
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
    folder_make();
}

static void end(void)
{
    folder_drop();
    unit_fini();
}

TestSuite(small_stack, .init = begin, .fini = end);

static void on_small_stack(void *(*fn)(void *))
{
    pthread_attr_t attr;
    pthread_t thread;
    void *said = NULL;

    if (PTHREAD_STACK_MIN > STACK) {
        cr_skip_test("the system has no stacks of 64 KiB");
    }
    pthread_attr_init(&attr);
    cr_assert_eq(pthread_attr_setstacksize(&attr, STACK), 0);
    cr_assert_eq(pthread_create(&thread, &attr, fn, NULL), 0);
    cr_assert_eq(pthread_join(thread, &said), 0);
    pthread_attr_destroy(&attr);
    cr_expect(said == NULL, "%s", (const char *)said);
}

#define MUST(condition)                                                                   \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            static char failure[600];                                                     \
            snprintf(failure, sizeof failure, "%s: %s", #condition, dnn_error_message()); \
            return failure;                                                               \
        }                                                                                 \
    } while (0)

static void put_idx(const char *name, const unsigned char *head, size_t bytes, size_t elements)
{
    char path[512], command[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    file = fopen(path, "wb");
    cr_assert_not_null(file);
    fwrite(head, 1, bytes, file);
    for (size_t i = 0; i < elements; i++) {
        fputc((int)(i % 10), file);
    }
    fclose(file);
    snprintf(command, sizeof command, "gzip -n '%s'", path);
    cr_assert_eq(system(command), 0);
}

static void *read_mnist(void *unused)
{
    dnn_dataset *set;

    (void)unused;
    MUST((set = dnn_dataset_open(folder_path)) != NULL);
    MUST(dnn_dataset_size(set) == SAMPLES);
    dnn_release(set);
    return NULL;
}

Test(small_stack, a_packed_data_set_is_opened)
{
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, SAMPLES, 0, 0, 0, 28, 0, 0, 0, 28};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, SAMPLES};

    put_idx("train-images-idx3-ubyte", images, sizeof images, SAMPLES * 28 * 28);
    put_idx("train-labels-idx1-ubyte", labels, sizeof labels, SAMPLES);
    on_small_stack(read_mnist);
}

static dnn_loader *augmented(void)
{
    dnn_tensor *x = dnn_ones(DNN_SHAPE(8, 1, 28, 28));
    dnn_transform *transform = dnn_compose(DNN_TRANSFORMS(
        dnn_transform_random_crop(28, .padding = 2), dnn_transform_random_horizontal_flip(0.5)));

    return dnn_loader(dnn_dataset_map(dnn_dataset_tensors(&x, 1), transform), .batch_size = 4,
                      .sampler = dnn_sampler_subset_random((int64_t[]){1, 2, 3, 4, 5}, 5),
                      .collate = dnn_collate_pad);
}

static void *train(void *unused)
{
    char text[2000], path[512];
    dnn_batch batch;

    (void)unused;
    snprintf(path, sizeof path, "%s/weights.safetensors", folder_path);
    {
        DNN_SCOPE();
        dnn_module *net = dnn_nn_sequential(DNN_MODULES(
            dnn_nn_conv2d(1, 6, 5, .padding = 2), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
            dnn_nn_flatten(), dnn_nn_linear(6 * 14 * 14, 10)));
        dnn_tensor *y = dnn_forward(net, dnn_rand(DNN_SHAPE(8, 1, 28, 28)));

        MUST(dnn_backward(dnn_mean(dnn_square(y))) == DNN_OK);
        copy_text(dnn_tensor_format(y), text, sizeof text);
        MUST(strstr(text, "tensor(") != NULL);
        MUST(dnn_loader_next(augmented(), &batch));
        MUST(dnn_save_weights(net, path) == DNN_OK);
        MUST(dnn_load_weights(net, path) == DNN_OK);
        dnn_release(net);
    }
    return NULL;
}

Test(small_stack, a_network_is_trained_printed_saved_and_loaded)
{
    on_small_stack(train);
}
