/* test_determinism.c - one SHA-256 of LeNet's weights after 200 steps for 1, 2, 3, 4 threads and 0,
 * 1, 3 loader workers, with random crops and flips of the images. */
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nets.h"

enum { SAMPLES = 1000, BATCH = 64 };

static dnn_status add_to_digest(struct sha256_ctx *sha, dnn_tensor *t)
{
    size_t bytes = (size_t)dnn_numel(t) * dnn_dtype_size(dnn_dtype_of(t));
    void *data;

    DNN_TRY(dnn_map(t, DNN_MAP_READ, &data));
    sha256_update(sha, bytes, data);
    return dnn_unmap(t);
}

static dnn_status digest(dnn_module *net, char *hex)
{
    struct sha256_ctx sha;
    uint8_t bytes[SHA256_DIGEST_SIZE];
    dnn_tensor_list list = dnn_parameters(net);

    sha256_init(&sha);
    for (int64_t i = 0; i < list.n; i++) {
        DNN_TRY(add_to_digest(&sha, list.item[i]));
    }
    sha256_digest(&sha, sizeof bytes, bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    return DNN_OK;
}

static dnn_status train(dnn_module *net, dnn_optimizer *optimizer, dnn_loader *loader, int steps)
{
    dnn_batch batch;

    for (int i = 0; i < steps;) {
        while (i < steps && dnn_loader_next(loader, &batch)) {
            {
                DNN_SCOPE();
                dnn_tensor *loss = dnn_cross_entropy(dnn_forward(net, batch.input), batch.target);

                DNN_TRY(dnn_zero_grad(optimizer));
                DNN_TRY(dnn_backward(loss));
                DNN_TRY(dnn_step(optimizer));
            }
            i++;
        }
        DNN_TRY(dnn_take_error());
    }
    return DNN_OK;
}

static dnn_status run(int threads, int workers, int steps, char *hex)
{
    dnn_status st = DNN_OK;

    DNN_TRY(dnn_set_threads(threads));
    dnn_manual_seed(7);
    {
        DNN_SCOPE();
        dnn_tensor *data[2] = {formula(1, DNN_SHAPE(SAMPLES, 1, 28, 28), 0, 1, DNN_T_F32), NULL};
        int64_t class[SAMPLES];
        dnn_dataset *set;
        dnn_loader *loader;
        dnn_module *net = lenet_new(DNN_T_F32);
        dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);

        for (int64_t i = 0; i < SAMPLES; i++) {
            class[i] = (int64_t)(uniform_at(2, (uint64_t)i) * 10);
        }
        data[1] = dnn_from_data(class, DNN_SHAPE(SAMPLES), .dtype = DNN_T_I64);
        set =
            dnn_dataset_map(dnn_dataset_tensors(data, 2),
                            dnn_compose(DNN_TRANSFORMS(dnn_transform_random_crop(28, .padding = 2),
                                                       dnn_transform_random_horizontal_flip(0.5))));
        loader = dnn_loader(set, .batch_size = BATCH, .shuffle = true, .workers = workers);
        st = dnn_take_error();
        if (st == DNN_OK) {
            st = train(net, optimizer, loader, steps);
        }
        if (st == DNN_OK) {
            st = digest(net, hex);
        }
        dnn_release(loader);
        dnn_release(set);
        dnn_release(optimizer);
        dnn_release(net);
    }
    return st;
}

int main(int argc, char **argv)
{
    static const int workers[] = {0, 1, 3};
    int steps = argc > 1 ? atoi(argv[1]) : 200, failed = 0, passed = 0;
    char first[65] = "", hex[65];

    for (int threads = 1; threads <= 4; threads++) {
        for (int i = 0; i < 3; i++) {
            if (run(threads, workers[i], steps, hex) != DNN_OK) {
                printf("%d threads, %d workers: %s\n", threads, workers[i], dnn_error_message());
                failed++;
                continue;
            }
            if (first[0] == 0) {
                memcpy(first, hex, sizeof first);
            }
            printf("%d threads, %d workers: %s\n", threads, workers[i], hex);
            if (strcmp(first, hex) == 0) {
                passed++;
            } else {
                failed++;
            }
        }
    }
    dnn_shutdown();
    if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0) {
        printf("left alive: %lld tensors\n", (long long)dnn_live_tensors());
        failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
