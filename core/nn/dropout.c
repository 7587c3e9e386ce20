/* dropout.c - the dropout layer: calls the operator in training mode, returns x in evaluation. */
#include "nn_impl.h"
#include "op.h"

typedef struct dropout {
    dnn_module base;
    double p;
} dropout;

static dnn_tensor *dropout_forward(dnn_module *self, dnn_tensor *x)
{
    return self->dnn_training ? dnn_dropout(x, ((const dropout *)self)->p) : x;
}

static void dropout_describe(const dnn_module *self, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, bytes);

    dnn__put(&to, "p=");
    dnn__put_float(&to, ((const dropout *)self)->p);
    dnn__put(&to, ", inplace=False");
}

static const dnn_setting dropout_settings[] = {DNN_SETTING("p", dropout, p), {0}};

static const dnn_module_type dropout_type = {.size = sizeof(dnn_module_type),
                                             .name = "Dropout",
                                             .bytes = sizeof(dropout),
                                             .forward = dropout_forward,
                                             .describe = dropout_describe,
                                             .settings = dropout_settings};

dnn_module *dnn_nn_dropout(double p)
{
    dropout *layer;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (!(p >= 0 && p <= 1)) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "Dropout: p is %s, it must lie in [0,1]", dnn__float_text(p)));
    }
    layer = (dropout *)dnn_module_new(&dropout_type);
    if (layer == NULL) {
        return NULL;
    }
    layer->p = p;
    return &layer->base;
}
