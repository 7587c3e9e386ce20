/* activation.c - layers without parameters: activations, Softmax, Flatten, Identity. Each calls its
 * operator with the settings that it keeps. */
#include "nn_impl.h"
#include "op.h"

typedef struct activation {
    dnn_module base;
    double a, b; /* LeakyReLU: slope; ELU: alpha; Softplus: beta, threshold */
    int dim;
    bool tanh;
} activation;

static activation *settings(dnn_module *self)
{
    return (activation *)self;
}

static dnn_tensor *flatten_forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return dnn_flatten(x, 1, -1);
}

static dnn_tensor *identity_forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return x;
}

static dnn_tensor *relu_forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return dnn_relu(x);
}

static dnn_tensor *sigmoid_forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return dnn_sigmoid(x);
}

static dnn_tensor *tanh_forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return dnn_tanh(x);
}

static dnn_tensor *silu_forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return dnn_silu(x);
}

static dnn_tensor *gelu_forward(dnn_module *self, dnn_tensor *x)
{
    return dnn_gelu(x, .tanh = settings(self)->tanh);
}

static dnn_tensor *leaky_relu_forward(dnn_module *self, dnn_tensor *x)
{
    return dnn_leaky_relu(x, settings(self)->a);
}

static dnn_tensor *elu_forward(dnn_module *self, dnn_tensor *x)
{
    return dnn_elu(x, settings(self)->a);
}

static dnn_tensor *softplus_forward(dnn_module *self, dnn_tensor *x)
{
    return dnn_softplus(x, settings(self)->a, settings(self)->b);
}

static dnn_tensor *softmax_forward(dnn_module *self, dnn_tensor *x)
{
    return dnn_softmax(x, settings(self)->dim);
}

static dnn_tensor *log_softmax_forward(dnn_module *self, dnn_tensor *x)
{
    return dnn_log_softmax(x, settings(self)->dim);
}

static void flatten_describe(const dnn_module *self, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, bytes);

    (void)self;
    dnn__put(&to, "start_dim=1, end_dim=-1");
}

static void gelu_describe(const dnn_module *self, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, bytes);

    dnn__put(&to, "approximate='%s'", ((const activation *)self)->tanh ? "tanh" : "none");
}

static const dnn_setting gelu_settings[] = {DNN_SETTING("tanh", activation, tanh), {0}};
static const dnn_setting leaky_relu_settings[] = {DNN_SETTING("negative_slope", activation, a),
                                                  {0}};
static const dnn_setting elu_settings[] = {DNN_SETTING("alpha", activation, a), {0}};
static const dnn_setting softplus_settings[] = {
    DNN_SETTING("beta", activation, a), DNN_SETTING("threshold", activation, b), {0}};
static const dnn_setting dim_settings[] = {DNN_SETTING("dim", activation, dim), {0}};

#define TYPE(variable, name_, forward_, ...)                                  \
    static const dnn_module_type variable = {.size = sizeof(dnn_module_type), \
                                             .name = name_,                   \
                                             .bytes = sizeof(activation),     \
                                             .forward = forward_,             \
                                             __VA_ARGS__}
TYPE(flatten_type, "Flatten", flatten_forward, .describe = flatten_describe);
TYPE(identity_type, "Identity", identity_forward, .settings = NULL);
TYPE(relu_type, "ReLU", relu_forward, .settings = NULL);
TYPE(sigmoid_type, "Sigmoid", sigmoid_forward, .settings = NULL);
TYPE(tanh_type, "Tanh", tanh_forward, .settings = NULL);
TYPE(silu_type, "SiLU", silu_forward, .settings = NULL);
TYPE(gelu_type, "GELU", gelu_forward, .describe = gelu_describe, .settings = gelu_settings);
TYPE(leaky_relu_type, "LeakyReLU", leaky_relu_forward, .settings = leaky_relu_settings);
TYPE(elu_type, "ELU", elu_forward, .settings = elu_settings);
TYPE(softplus_type, "Softplus", softplus_forward, .settings = softplus_settings);
TYPE(softmax_type, "Softmax", softmax_forward, .settings = dim_settings);
TYPE(log_softmax_type, "LogSoftmax", log_softmax_forward, .settings = dim_settings);

static dnn_module *new_activation(const dnn_module_type *type, double a, double b, int dim,
                                  bool tanh)
{
    activation *layer = (activation *)dnn_module_new(type);

    if (layer == NULL) {
        return NULL;
    }
    layer->a = a;
    layer->b = b;
    layer->dim = dim;
    layer->tanh = tanh;
    return &layer->base;
}

dnn_module *dnn_nn_flatten(void)
{
    return dnn_module_new(&flatten_type);
}

dnn_module *dnn_nn_identity(void)
{
    return dnn_module_new(&identity_type);
}

dnn_module *dnn_nn_relu(void)
{
    return dnn_module_new(&relu_type);
}

dnn_module *dnn_nn_sigmoid(void)
{
    return dnn_module_new(&sigmoid_type);
}

dnn_module *dnn_nn_tanh(void)
{
    return dnn_module_new(&tanh_type);
}

dnn_module *dnn_nn_silu(void)
{
    return dnn_module_new(&silu_type);
}

dnn_module *dnn_nn_gelu(bool tanh)
{
    return new_activation(&gelu_type, 0, 0, 0, tanh);
}

dnn_module *dnn_nn_leaky_relu(double slope)
{
    return new_activation(&leaky_relu_type, slope, 0, 0, false);
}

dnn_module *dnn_nn_elu(double alpha)
{
    return new_activation(&elu_type, alpha, 0, 0, false);
}

dnn_module *dnn_nn_softplus(double beta, double threshold)
{
    return new_activation(&softplus_type, beta, threshold, 0, false);
}

dnn_module *dnn_nn_softmax(int dim)
{
    return new_activation(&softmax_type, 0, 0, dim, false);
}

dnn_module *dnn_nn_log_softmax(int dim)
{
    return new_activation(&log_softmax_type, 0, 0, dim, false);
}
