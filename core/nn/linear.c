/* linear.c - the fully connected layer Linear, with a weight and an optional bias. Programs create
 * it. */
#include "nn_impl.h"
#include "op.h"

typedef struct linear {
    dnn_module base;
    dnn_tensor *weight, *bias;
    int64_t in, out;
    bool has_bias;
} linear;

static dnn_tensor *linear_forward(dnn_module *self, dnn_tensor *x) /* x [..,in] -> [..,out] */
{
    linear *layer = (linear *)self;

    return dnn_linear(x, layer->weight, layer->bias);
}

static const dnn_setting linear_settings[] = {DNN_SETTING("in_features", linear, in),
                                              DNN_SETTING("out_features", linear, out),
                                              DNN_SETTING("bias", linear, has_bias),
                                              {0}};

static const dnn_module_type linear_type = {.size = sizeof(dnn_module_type),
                                            .name = "Linear",
                                            .bytes = sizeof(linear),
                                            .forward = linear_forward,
                                            .settings = linear_settings};

dnn_module *dnn_nn_linear_with(dnn_nn_linear_args args)
{
    linear *layer;
    double bound;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (args.in < 0 || args.out < 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "Linear: in %lld and out %lld must not be negative",
                                   (long long)args.in, (long long)args.out));
    }
    layer = (linear *)dnn_module_new(&linear_type);
    if (layer == NULL) {
        return NULL;
    }
    bound = dnn__fan_bound(args.in);
    layer->in = args.in;
    layer->out = args.out;
    layer->has_bias = !args.no_bias;
    layer->weight = dnn__uniform_parameter(&layer->base, "weight", DNN_SHAPE(args.out, args.in),
                                           args.dtype, bound);
    if (layer->weight != NULL && !args.no_bias) {
        layer->bias =
            dnn__uniform_parameter(&layer->base, "bias", DNN_SHAPE(args.out), args.dtype, bound);
    }
    if (layer->weight == NULL || (layer->bias == NULL && !args.no_bias)) {
        dnn_release(&layer->base);
        return NULL;
    }
    return &layer->base;
}
