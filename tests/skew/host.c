/* host.c - the host of one pair: starts the library, calls relu, leaky_relu and sign, reads a data
 * set, and prints who answered what. Linked to today's libdnn (skew_host_old) and to that of the
 * next version (skew_host_next), where leaky_relu and sign are called with a new attribute as well.
 * In v1.0 leaky_relu has attributes and sign has none.
 *
 * usage: skew_host [FILE] */
#include <stdio.h>
#include <string.h>
#include "dnn/dnn.h"
#include "call.h"

static void answer(void *ctx, const char *op, const char *plugin, const char *kernel,
                   const char *text)
{
    (void)ctx;
    printf("asked %s for %s (%s): %s\n", plugin, op, kernel, text);
}

static int print_backends(void)
{
    dnn_backend_info info;
    const char *kernel, *reason;
    int n = 0;

    for (int i = 0; dnn_backend_at(i, &info); i++, n++) {
        if (info.reason != NULL) {
            printf("not in use: %s\n", info.reason);
            continue;
        }
        printf("in use: %s with %d kernels\n", info.id, info.n_kernels);
        for (int k = 0; dnn_backend_skipped(i, k, &kernel, &reason); k++) {
            printf("skipped %s of %s: %s\n", kernel, info.id, reason);
        }
    }
    return n;
}

static dnn_status call(const char *what, dnn_tensor *y, float second)
{
    float got[2];

    DNN_TRY(dnn_read(y, got, sizeof got));
    printf("%s: %s\n", what, got[0] == 2 && got[1] == second ? "right" : "WRONG");
    return DNN_OK;
}

#if DNN_PLUGIN_TARGET >= 1
static dnn_status call_with_new_attribute(dnn_tensor *x)
{
    dnn_attr_alpha attr = {.size = sizeof attr, .alpha = 0.5, .next = 3};
    float got[2];
    dnn_tensor *y = dnn__call(DNN_OP_leaky_relu, (dnn_tensor *[]){x}, 1, &attr);

    DNN_TRY(dnn_read(y, got, sizeof got));
    printf("leaky_relu with the new attribute: %s\n", got[0] == 5 && got[1] == 2    ? "known"
                                                      : got[0] == 2 && got[1] == -1 ? "ignored"
                                                                                    : "WRONG");
    return DNN_OK;
}

static dnn_tensor *sign_with(dnn_tensor *x, uint64_t next)
{
    dnn_attr_sign attr = {.size = sizeof attr, .next = next};

    return dnn__call(DNN_OP_sign, (dnn_tensor *[]){x}, 1, &attr);
}

static dnn_status call_sign(dnn_tensor *x)
{
    float got[2];

    DNN_TRY(dnn_read(sign_with(x, 0), got, sizeof got));
    printf("sign: %s\n", got[0] == 1 && got[1] == -1 ? "right" : "WRONG");
    DNN_TRY(dnn_read(sign_with(x, 3), got, sizeof got));
    printf("sign with the new attribute: %s\n", got[0] == 4 && got[1] == 2    ? "known"
                                                : got[0] == 1 && got[1] == -1 ? "ignored"
                                                                              : "WRONG");
    return DNN_OK;
}
#else
static dnn_status call_sign(dnn_tensor *x)
{
    float got[2];

    DNN_TRY(dnn_read(dnn_sign(x), got, sizeof got));
    printf("sign: %s\n", got[0] == 1 && got[1] == -1 ? "right" : "WRONG");
    return DNN_OK;
}
#endif

static dnn_status run_operators(void)
{
    static const float numbers[2] = {2, -2};
    dnn_status status = DNN_OK;

    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_from_data(numbers, DNN_SHAPE(2));

        dnn_explain(answer, NULL);
        status = call("relu", dnn_relu(x), 0);
        if (status == DNN_OK) {
            status = call("leaky_relu", dnn_leaky_relu(x, 0.5), -1);
        }
#if DNN_PLUGIN_TARGET >= 1
        if (status == DNN_OK) {
            status = call_with_new_attribute(x);
        }
#endif
        dnn_status of_sign = call_sign(x); /* also where nobody knows the attribute of leaky_relu */

        status = status != DNN_OK ? status : of_sign;
        dnn_explain(NULL, NULL);
    }
    return status;
}

static dnn_status read_set(const char *path)
{
    dnn_dataset *set = dnn_dataset_open(path);
    uint8_t got[3];
    int64_t index[3] = {0, 1, 2};
    dnn_status status = DNN_OK;

    if (set == NULL) {
        return dnn_take_error();
    }
    {
        DNN_SCOPE();
        dnn_tensor_list field = dnn_dataset_get(set, index, 3);

        status = dnn_read(field.n > 0 ? field.item[0] : NULL, got, sizeof got);
    }
    dnn_release(set);
    DNN_TRY(status);
    printf("read: %s\n", got[0] == 7 && got[1] == 8 && got[2] == 9 ? "right" : "WRONG");
    return DNN_OK;
}

int main(int argc, char **argv)
{
    dnn_status status = dnn_init(NULL);

    if (status == DNN_OK && print_backends() > 0) {
        status = argc > 1 ? read_set(argv[1]) : run_operators();
    }
    if (status != DNN_OK) {
        printf("%s: %s\n", dnn_status_name(status), dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : status == DNN_E_DEVICE ? 4 : 1;
}
