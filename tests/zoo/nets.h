/* nets.h - the two networks of the trajectory and determinism tests, and numbers by formula, as
 * make_trajectories.py has them. */
#ifndef TESTS_NETS_H
#define TESTS_NETS_H
#include <math.h>
#include "../support/read_value.h"
#include "dnn/dnn.h"

/* SplitMix64 of (stream, i) as a number in [0, 1) of 53 bits. */
static inline double uniform_at(uint64_t stream, uint64_t i)
{
    uint64_t z = (i + 1 + (stream << 40)) * 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z = z ^ (z >> 31);
    return (double)(z >> 11) * 0x1p-53;
}

static inline dnn_module *mlp_new(dnn_dtype dtype)
{
    return dnn_nn_sequential(DNN_MODULES(dnn_nn_flatten(), dnn_nn_linear(784, 520, .dtype = dtype),
                                         dnn_nn_relu(), dnn_nn_linear(520, 320, .dtype = dtype),
                                         dnn_nn_relu(), dnn_nn_linear(320, 240, .dtype = dtype),
                                         dnn_nn_relu(), dnn_nn_linear(240, 120, .dtype = dtype),
                                         dnn_nn_relu(), dnn_nn_linear(120, 10, .dtype = dtype)));
}

static inline dnn_module *lenet_new(dnn_dtype dtype)
{
    return dnn_nn_sequential(DNN_MODULES(
        dnn_nn_conv2d(1, 6, 5, .padding = 2, .dtype = dtype), dnn_nn_relu(),
        dnn_nn_max_pool2d(.kernel = 2), dnn_nn_conv2d(6, 16, 5, .dtype = dtype), dnn_nn_relu(),
        dnn_nn_max_pool2d(.kernel = 2), dnn_nn_flatten(), dnn_nn_linear(400, 120, .dtype = dtype),
        dnn_nn_relu(), dnn_nn_linear(120, 84, .dtype = dtype), dnn_nn_relu(),
        dnn_nn_linear(84, 10, .dtype = dtype)));
}

/* A tensor of numbers a + b * uniform(stream, i). */
static inline dnn_tensor *formula(uint64_t stream, dnn_shape shape, double a, double b,
                                  dnn_dtype dtype)
{
    dnn_tensor *t = dnn_empty(shape, .dtype = DNN_T_F64);
    void *data;

    if (dnn_map(t, DNN_MAP_WRITE, &data) != DNN_OK) {
        return NULL;
    }
    for (int64_t i = 0; i < dnn_numel(t); i++) {
        ((double *)data)[i] = a + b * uniform_at(stream, (uint64_t)i);
    }
    return dnn_unmap(t) == DNN_OK ? dnn_to(t, .dtype = dtype) : NULL;
}

/* Class numbers 0..9. */
static inline dnn_tensor *labels(uint64_t stream, int64_t n)
{
    int64_t value[512];

    for (int64_t i = 0; i < n && i < 512; i++) {
        value[i] = (int64_t)(uniform_at(stream, (uint64_t)i) * 10);
    }
    return dnn_from_data(value, DNN_SHAPE(n), .dtype = DNN_T_I64);
}

/* Parameter i of the net gets (2u - 1)/sqrt(fan_in) with the numbers of stream i; a bias has the
 * fan of its weight. */
static inline dnn_status set_weights(dnn_module *net)
{
    dnn_tensor_list list = dnn_parameters(net);
    double fan = 1;

    for (int64_t i = 0; i < list.n; i++) {
        dnn_tensor *p = list.item[i];

        if (dnn_ndim(p) > 1) {
            fan = (double)(dnn_numel(p) / dnn_size(p, 0));
        }
        {
            DNN_SCOPE();
            DNN_NO_GRAD();
            dnn_tensor *u = formula((uint64_t)i, dnn_shape_of(p), 0, 1, DNN_T_F64);

            dnn_copy_(p, dnn_div(dnn_add(dnn_mul(u, 2), -1), sqrt(fan)));
        }
    }
    return dnn_take_error();
}

/* One training step on batch number `step`; its loss. */
static inline dnn_status train_step(dnn_module *net, dnn_optimizer *optimizer, int step,
                                    dnn_dtype dtype, double *loss)
{
    {
        DNN_SCOPE();
        dnn_tensor *x = formula(1000 + (uint64_t)step, DNN_SHAPE(64, 1, 28, 28), -1, 2, dtype);
        dnn_tensor *l = dnn_cross_entropy(dnn_forward(net, x), labels(2000 + (uint64_t)step, 64));

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(l));
        DNN_TRY(dnn_step(optimizer));
        DNN_TRY(read_value(l, loss));
    }
    return DNN_OK;
}

#endif
