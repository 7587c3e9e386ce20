/* test_trajectory.c - the first 50 losses from PyTorch's weights and batches: within 1e-10 of
 * PyTorch's in f64, 1e-5 in f32. */
#include <stdio.h>
#include <string.h>
#include "nets.h"

enum { STEPS = 50 };

static int compare(const char *model, dnn_dtype dtype, const double *golden, double bound)
{
    int failed = 0;
    double worst = 0;

    {
        DNN_SCOPE();
        bool mlp = strcmp(model, "mlp") == 0;
        dnn_module *net = mlp ? mlp_new(dtype) : lenet_new(dtype);
        dnn_optimizer *optimizer =
            dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = mlp ? 0.5 : 0.9);

        if (set_weights(net) != DNN_OK) {
            printf("%s: %s\n", model, dnn_error_message());
            failed = 1;
        }
        for (int i = 0; i < STEPS && failed == 0; i++) {
            double loss = 0, error;

            if (train_step(net, optimizer, i, dtype, &loss) != DNN_OK) {
                printf("%s %s step %d: %s\n", model, dnn_dtype_name(dtype), i, dnn_error_message());
                failed = 1;
            }
            error = fabs(loss - golden[i]) / fabs(golden[i]);
            worst = error > worst ? error : worst;
            if (failed == 0 && !(error <= bound)) {
                printf("%s %s step %d: loss %.17g, PyTorch %.17g, relative error %.3g > %.3g\n",
                       model, dnn_dtype_name(dtype), i, loss, golden[i], error, bound);
                failed = 1;
            }
        }
        dnn_release(optimizer);
        dnn_release(net);
    }
    printf("%s %s: worst relative error of %d losses %.3g, bound %.3g\n", model,
           dnn_dtype_name(dtype), STEPS, worst, bound);
    return failed;
}

int main(int argc, char **argv)
{
    double f64[STEPS], f32[STEPS];
    char line[256];
    FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
    int n = 0, failed;

    if (file == NULL) {
        fprintf(stderr, "usage: test_trajectory mlp|lenet GOLDEN\n");
        return 2;
    }
    while (n < STEPS && fgets(line, sizeof line, file) != NULL) {
        n += sscanf(line, "%lf %lf", &f64[n], &f32[n]) == 2;
    }
    fclose(file);
    if (n != STEPS) {
        fprintf(stderr, "%s: %d losses, not %d\n", argv[2], n, STEPS);
        return 1;
    }
    failed = compare(argv[1], DNN_T_F64, f64, 1e-10) + compare(argv[1], DNN_T_F32, f32, 1e-5);
    dnn_shutdown();
    if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0) {
        printf("left alive: %lld tensors, %lld bytes\n", (long long)dnn_live_tensors(),
               (long long)dnn_live_bytes(NULL));
        failed++;
    }
    printf("%d passed, %d failed\n", 3 - failed, failed);
    return failed != 0;
}
