/* probe.c - starts libdnn as the environment says and runs relu once: a child process for
 * test_bad_plugins, so that a plugin that brings the process down is seen. Prints what it was told;
 * exits with 0, 4 (the backend cannot be used) or 1 (the call failed). With the word "twice" the
 * library is stopped and started again, with "read FILE" a data set is read instead. */
#include <stdio.h>
#include <string.h>
#include "dnn/dnn.h"

static void answer(void *ctx, const char *op, const char *plugin, const char *kernel,
                   const char *text)
{
    (void)ctx;
    printf("asked %s for %s (%s): %s\n", plugin, op, kernel, text);
}

static void print_skipped(void)
{
    dnn_backend_info info;
    const char *kernel, *reason;

    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.reason != NULL) {
            printf("not in use: %s\n", info.reason);
        }
        for (int k = 0; dnn_backend_skipped(i, k, &kernel, &reason); k++) {
            printf("skipped %s: %s\n", kernel, reason);
        }
    }
}

static int run_relu(void)
{
    float x[3] = {-1, 0, 2}, y[3] = {9, 9, 9}, before[3];
    int code = 0;

    {
        DNN_SCOPE();
        dnn_tensor *t = dnn_from_data(x, DNN_SHAPE(3)), *r;

        dnn_explain(answer, NULL);
        r = dnn_relu(t);
        dnn_explain(NULL, NULL);
        if (r == NULL || dnn_read(r, y, sizeof y) != DNN_OK) {
            dnn_status status = dnn_take_error();

            printf("relu: %s: %s\n", dnn_status_name(status), dnn_error_message());
            /* The operand lives on. */
            code = t == NULL || (dnn_read(t, before, sizeof before) == DNN_OK &&
                                 memcmp(before, x, sizeof x) == 0)
                       ? 1
                       : 9;
        } else if (y[0] != 0 || y[1] != 0 || y[2] != 2) {
            printf("relu: %g %g %g\n", (double)y[0], (double)y[1], (double)y[2]);
            code = 9;
        }
    }
    return code;
}

static int print_error(dnn_status status)
{
    printf("%s: %s\n", dnn_status_name(status), dnn_error_message());
    return status == DNN_E_DEVICE ? 4 : 1;
}

/* The first three samples, in one batch. */
static int read_set(const char *path)
{
    static const int64_t index[3] = {0, 1, 2};
    dnn_dataset *set = dnn_dataset_open(path);
    dnn_status status;

    if (set == NULL) {
        return print_error(dnn_take_error());
    }
    {
        DNN_SCOPE();
        dnn_dataset_get(set, index, 3);
        status = dnn_take_error();
    }
    dnn_release(set);
    if (status != DNN_OK) {
        return print_error(status);
    }
    printf("read 3 samples\n");
    return 0;
}

/* Starts, runs and stops the library. */
static int once(const char *data)
{
    dnn_status status = dnn_init(NULL);
    int code;

    if (status != DNN_OK) {
        printf("%s\n", dnn_error_message());
        dnn_shutdown();
        return status == DNN_E_DEVICE ? 4 : 1;
    }
    print_skipped();
    code = data != NULL ? read_set(data) : run_relu();
    dnn_shutdown();
    if (dnn_live_tensors() != 0) {
        printf("%lld tensors are alive\n", (long long)dnn_live_tensors());
        return 9;
    }
    return code;
}

int main(int argc, char **argv)
{
    const char *data = argc > 2 && strcmp(argv[1], "read") == 0 ? argv[2] : NULL;
    int code = once(data);

    return code == 0 && argc > 1 && strcmp(argv[1], "twice") == 0 ? once(NULL) : code;
}
