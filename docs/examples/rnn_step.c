/* rnn_step.c - a recurrent network by hand: a cell with two inputs, (x, h), that is called for each
 * step of a sequence. The network learns to remember the first number of the sequence. */
#include <dnn/dnn.h>
#include <stdio.h>

enum { LENGTH = 5, HIDDEN = 16, BATCH = 64, STEPS = 400 };

/* ---- the cell: (x [N,1], h [N,H]) to the next h ---- */

typedef struct cell {
    dnn_module base;
    dnn_module *input, *hidden;
} cell;

static dnn_status cell_forward(dnn_module *self, dnn_tensor_list in, dnn_tensor **out,
                               int64_t n_out)
{
    const cell *c = (cell *)self;
    dnn_tensor *x = in.item[0], *h = in.item[1];

    (void)n_out; /* the type says 1 */
    out[0] = dnn_tanh(dnn_add(dnn_forward(c->input, x), dnn_forward(c->hidden, h)));
    return dnn_take_error();
}

static const dnn_module_type cell_type = {.size = sizeof(dnn_module_type),
                                          .name = "Cell",
                                          .bytes = sizeof(cell),
                                          .forward_n = cell_forward,
                                          .n_in = 2,
                                          .n_out = 1};

static dnn_module *new_cell(void)
{
    cell *c = (cell *)dnn_module_new(&cell_type);

    if (c == NULL) {
        return NULL;
    }
    c->input = dnn_module_add(&c->base, "input", dnn_nn_linear(1, HIDDEN));
    c->hidden = dnn_module_add(&c->base, "hidden", dnn_nn_linear(HIDDEN, HIDDEN, .no_bias = true));
    return &c->base;
}

/* ---- the network ---- */

typedef struct rnn {
    dnn_module base;
    dnn_module *cell, *out;
} rnn;

static dnn_tensor *rnn_forward(dnn_module *self, dnn_tensor *x) /* [N,T,1] -> [N,1] */
{
    rnn *net = (rnn *)self;
    dnn_tensor *h = dnn_zeros(DNN_SHAPE(dnn_size(x, 0), HIDDEN));
    dnn_tensor_list steps = dnn_unbind(x, 1);

    for (int64_t t = 0; t < steps.n; t++) {
        h = dnn_forward(net->cell, steps.item[t], h);
    }
    return dnn_forward(net->out, h);
}

static const dnn_module_type rnn_type = {
    .size = sizeof(dnn_module_type), .name = "Rnn", .bytes = sizeof(rnn), .forward = rnn_forward};

static dnn_status run(void)
{
    DNN_SCOPE();
    rnn *net = (rnn *)dnn_module_new(&rnn_type);

    if (net == NULL) {
        return dnn_take_error();
    }
    net->cell = dnn_module_add(&net->base, "cell", new_cell());
    net->out = dnn_module_add(&net->base, "out", dnn_nn_linear(HIDDEN, 1));
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(&net->base), 0.05, .momentum = 0.9);
    double last = 1;

    for (int step = 0; step < STEPS; step++) {
        DNN_SCOPE();
        dnn_tensor *x = dnn_rand(DNN_SHAPE(BATCH, LENGTH, 1));
        dnn_tensor *loss = dnn_mse_loss(dnn_forward(&net->base, x), dnn_select(x, 1, 0));

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
        last = 0.9 * last + 0.1 * dnn_value(loss);
    }
    printf("loss %.4f; the variance of the target is %.4f\n", last, 1 / 12.0);
    return last < 0.02 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the loss is %.3g", last);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "rnn_step: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
