/* step.c - one training step, one evaluation step. */
#include "step.h"

/* loss is the mean over the n samples of the batch. */
static void add_batch(zoo_result *result, double loss, double correct, int64_t n)
{
    double seen = (double)result->seen, size = (double)n;

    result->loss = (result->loss * seen + loss * size) / (seen + size);
    result->accuracy = (result->accuracy * seen + correct) / (seen + size);
    result->seen += n;
}

static dnn_status count_correct(dnn_tensor *output, dnn_tensor *target, double *correct)
{
    dnn_status status = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        *correct = dnn_value(dnn_sum(dnn_eq(dnn_argmax(output, 1), target)));
        status = dnn_take_error();
    }
    return status;
}

dnn_status zoo_step_train(dnn_module *net, dnn_optimizer *optimizer, const dnn_batch *batch,
                          zoo_result *result)
{
    {
        DNN_SCOPE();
        dnn_tensor *output = dnn_forward(net, batch->input);
        dnn_tensor *loss = dnn_cross_entropy(output, batch->target);
        double value, correct;

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
        value = dnn_value(loss);
        DNN_TRY(dnn_take_error());
        DNN_TRY(count_correct(output, batch->target, &correct));
        add_batch(result, value, correct, batch->size);
    }
    return DNN_OK;
}

dnn_status zoo_step_evaluate(dnn_module *net, const dnn_batch *batch, zoo_result *result)
{
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *output = dnn_forward(net, batch->input);
        double value, correct;

        value = dnn_value(dnn_cross_entropy(output, batch->target));
        DNN_TRY(dnn_take_error());
        DNN_TRY(count_correct(output, batch->target, &correct));
        add_batch(result, value, correct, batch->size);
    }
    return DNN_OK;
}
