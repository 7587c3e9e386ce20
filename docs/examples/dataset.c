/* dataset.c - a data set of the program, composed transforms over it, and a loader with workers. */
#include <dnn/dnn.h>
#include <stdio.h>

/* Sample i: the input [2] = i, 2 i and the target i mod 10 (torch's __getitem__). */
static dnn_status get(void *ctx, int64_t index, dnn_tensor **field)
{
    double i = (double)index;

    (void)ctx;
    field[0] = dnn_values(DNN_T_F32, DNN_SHAPE(2), i, 2 * i);
    field[1] = dnn_full(DNN_SCALAR, (double)(index % 10), .dtype = DNN_T_I64);
    return DNN_OK; /* a pending error of the lines above makes the sample fail */
}

static dnn_tensor *halve(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_div(x, 2);
}

static dnn_tensor *add_offset(void *ctx, dnn_tensor *x)
{
    return dnn_add(x, *(const double *)ctx);
}

static dnn_status run(void)
{
    DNN_SCOPE();
    static double offset = 1;
    dnn_transform *transform = dnn_compose(DNN_TRANSFORMS(
        dnn_transform_lambda(halve, NULL, NULL), dnn_transform_lambda(add_offset, NULL, &offset)));
    dnn_dataset *set = dnn_dataset_map(dnn_dataset_function(100, 2, get, NULL, NULL), transform);
    dnn_loader *loader = dnn_loader(set, .batch_size = 32, .shuffle = true, .workers = 2);
    dnn_batch batch;
    double sum = 0, labels = 0;
    int64_t samples = 0;

    while (dnn_loader_next(loader, &batch)) {
        DNN_SCOPE();
        printf("batch %d: [%d,%d]\n", (int)batch.index, (int)dnn_size(batch.input, 0),
               (int)dnn_size(batch.input, 1));
        samples += batch.size;
        sum += dnn_value(dnn_sum(batch.input));
        labels += dnn_value(dnn_sum(batch.target));
    }
    DNN_TRY(dnn_take_error());
    /* The sum over i of i/2 + 1 + i + 1 is 1.5 * 4950 + 200. */
    return samples == 100 && sum == 7625 && labels == 450
               ? DNN_OK
               : dnn_fail(DNN_E_INVALID, "%d samples, sum %.1f", (int)samples, sum);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "dataset: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
