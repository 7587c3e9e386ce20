/* training.h - a small training run for the tests of checkpoints: a net with dropout, SGD with
 * momentum, a loader that shuffles and whose last batch is smaller. Included by each of them; all
 * they differ in is what happens to the run. */
#ifndef DNN_TEST_TRAINING_H
#define DNN_TEST_TRAINING_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../support/read_value.h"
#include "dnn/dnn.h"

enum { SAMPLES = 18, BATCH = 4, EPOCH = 5, IN = 6, CLASSES = 3 };

typedef struct training {
    dnn_module *net;
    dnn_optimizer *optimizer;
    dnn_dataset *set;
    dnn_loader *loader;
    double mean; /* of the losses */
    int64_t step, epoch, best_step;
    double best;
    dnn_run *run;
} training;

static dnn_dataset *training_set(void)
{
    float input[SAMPLES * IN];
    int64_t target[SAMPLES];
    dnn_tensor *field[2];

    for (int i = 0; i < SAMPLES * IN; i++) {
        input[i] = (float)((i * 37) % 101) / 101.0f - 0.5f;
    }
    for (int i = 0; i < SAMPLES; i++) {
        target[i] = (i * 5) % CLASSES;
    }
    field[0] = dnn_from_data(input, DNN_SHAPE(SAMPLES, IN), .device = "cpu");
    field[1] = dnn_from_data(target, DNN_SHAPE(SAMPLES), .dtype = DNN_T_I64, .device = "cpu");
    return dnn_dataset_tensors(field, 2);
}

/* To be ended also when it fails. */
static dnn_status training_begin(training *t, uint64_t seed, int workers)
{
    *t = (training){0};
    dnn_manual_seed(seed);
    t->net = dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(IN, 8), dnn_nn_tanh(), dnn_nn_dropout(0.3),
                                           dnn_nn_linear(8, CLASSES)));
    t->optimizer = dnn_optim_sgd(dnn_parameters(t->net), 0.05, .momentum = 0.9);
    t->set = training_set();
    t->loader =
        dnn_loader(t->set, .batch_size = BATCH, .shuffle = true, .seed = seed, .workers = workers);
    t->run = dnn_run_new();
    DNN_TRY(dnn_run_add(t->run, "", t->net));
    DNN_TRY(dnn_run_add(t->run, "sgd", t->optimizer));
    DNN_TRY(dnn_run_add(t->run, "train", t->loader));
    DNN_TRY(dnn_run_add(t->run, "step", &t->step));
    DNN_TRY(dnn_run_add(t->run, "epoch", &t->epoch));
    DNN_TRY(dnn_run_add(t->run, "best_step", &t->best_step));
    DNN_TRY(dnn_run_add(t->run, "best", &t->best));
    return dnn_run_add(t->run, "mean", &t->mean);
}

static void training_end(training *t)
{
    dnn_release(t->run);
    dnn_release(t->loader);
    dnn_release(t->set);
    dnn_release(t->optimizer);
    dnn_release(t->net);
}

static dnn_status training_step(training *t)
{
    dnn_batch batch;

    if (!dnn_loader_next(t->loader, &batch)) {
        DNN_TRY(dnn_take_error());
        t->epoch++;
        if (!dnn_loader_next(t->loader, &batch)) {
            return dnn_take_error();
        }
    }
    {
        DNN_SCOPE();
        dnn_tensor *loss = dnn_cross_entropy(dnn_forward(t->net, batch.input), batch.target);
        double value;

        DNN_TRY(dnn_zero_grad(t->optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(t->optimizer));
        DNN_TRY(read_value(loss, &value));
        t->mean = 0.9 * t->mean + 0.1 * value;
        if (t->step == 0 || value < t->best) {
            t->best = value;
            t->best_step = t->step;
        }
    }
    t->step++;
    return DNN_OK;
}

static dnn_status training_steps(training *t, int64_t last)
{
    while (t->step < last) {
        DNN_TRY(training_step(t));
    }
    return DNN_OK;
}

#endif
