/* init.c - initial values (torch.nn.init): uniform, normal, constant, and Xavier and Kaiming, which
 * depend on the fans. Layers call them for their parameters, programs for their own. The tape
 * records none of them. */
#include "nn_impl.h"
#include "call.h"
#include <math.h>

dnn_tensor *dnn_init_uniform(dnn_tensor *t, double low, double high)
{
    dnn_tensor *out = NULL;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        out = dnn_uniform_(t, low, high);
    }
    return out;
}

dnn_tensor *dnn_init_normal(dnn_tensor *t, double mean, double std)
{
    dnn_tensor *out = NULL;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        out = dnn_normal_(t, mean, std);
    }
    return out;
}

dnn_tensor *dnn_init_constant(dnn_tensor *t, double value)
{
    dnn_tensor *out = NULL;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        out = dnn_fill_(t, value);
    }
    return out;
}

/* fan_in: the number of inputs of one output element; fan_out: the number of outputs of one input
 * element. They are doubles, because an empty tensor may have dims whose product, without the 0,
 * exceeds int64. */
static bool fans(const char *name, const dnn_tensor *t, double *fan_in, double *fan_out)
{
    double window = 1;

    if (!dnn__ready(name, t)) {
        return false;
    }
    if (t->ndim < 2) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: t is %s, but fans need rank 2 or more", name,
                            dnn__shape_text(t->ndim, t->dim)));
        return false;
    }
    for (int i = 2; i < t->ndim; i++) {
        window *= (double)t->dim[i];
    }
    *fan_in = (double)t->dim[1] * window;
    *fan_out = (double)t->dim[0] * window;
    return true;
}

/* Returns gain / sqrt(fan); 0 for an empty tensor, which has fan 0 and no elements to set. */
static double over_root(double gain, double fan)
{
    return fan > 0 ? gain / sqrt(fan) : 0;
}

dnn_tensor *dnn_init_xavier_uniform(dnn_tensor *t, double gain)
{
    double in, out, bound;

    if (!fans("init_xavier_uniform", t, &in, &out)) {
        return NULL;
    }
    bound = over_root(gain * sqrt(6), in + out); /* Glorot & Bengio 2010, equation 16 */
    return dnn_init_uniform(t, -bound, bound);
}

dnn_tensor *dnn_init_xavier_normal(dnn_tensor *t, double gain)
{
    double in, out;

    if (!fans("init_xavier_normal", t, &in, &out)) {
        return NULL;
    }
    return dnn_init_normal(t, 0, over_root(gain * sqrt(2), in + out));
}

dnn_tensor *dnn_init_kaiming_uniform(dnn_tensor *t, double a)
{
    double in, out, bound;

    if (!fans("init_kaiming_uniform", t, &in, &out)) {
        return NULL;
    }
    bound = over_root(sqrt(6 / (1 + a * a)), in); /* He et al. 2015: variance 2/((1+a^2) fan_in) */
    return dnn_init_uniform(t, -bound, bound);
}

dnn_tensor *dnn_init_kaiming_normal(dnn_tensor *t, double a)
{
    double in, out;

    if (!fans("init_kaiming_normal", t, &in, &out)) {
        return NULL;
    }
    return dnn_init_normal(t, 0, over_root(sqrt(2 / (1 + a * a)), in));
}

double dnn__fan_bound(int64_t fan_in)
{
    return over_root(1, (double)fan_in);
}

/* Uses a scope of its own, so that the module is the only owner of the parameter. */
dnn_tensor *dnn__uniform_parameter(dnn_module *module, const char *name, dnn_shape shape,
                                   dnn_dtype dtype, double bound)
{
    dnn_tensor *value = NULL;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        value = dnn_empty_with((dnn_create_args){.shape = shape, .dtype = dtype});
        value = dnn_module_add_parameter(module, name, dnn_uniform_(value, -bound, bound));
    }
    return value;
}
