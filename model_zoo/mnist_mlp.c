/* mnist_mlp.c - five linear layers on handwritten digits. Defines its own module and forward. */
#include "common/train.h"

typedef struct mlp {
    dnn_module base;
    dnn_module *l1, *l2, *l3, *l4, *l5;
} mlp;

/* x [N,1,28,28] -> [N,classes] */
static dnn_tensor *mlp_forward(dnn_module *self, dnn_tensor *x)
{
    mlp *net = (mlp *)self;

    x = dnn_flatten(x, 1, -1);
    x = dnn_relu(dnn_forward(net->l1, x));
    x = dnn_relu(dnn_forward(net->l2, x));
    x = dnn_relu(dnn_forward(net->l3, x));
    x = dnn_relu(dnn_forward(net->l4, x));
    return dnn_forward(net->l5, x);
}

static const dnn_module_type mlp_type = {
    .size = sizeof(dnn_module_type), .name = "MLP", .bytes = sizeof(mlp), .forward = mlp_forward};

static dnn_module *build(int64_t classes)
{
    mlp *net = (mlp *)dnn_module_new(&mlp_type);

    if (net == NULL) {
        return NULL;
    }
    net->l1 = dnn_module_add(&net->base, "l1", dnn_nn_linear(784, 520));
    net->l2 = dnn_module_add(&net->base, "l2", dnn_nn_linear(520, 320));
    net->l3 = dnn_module_add(&net->base, "l3", dnn_nn_linear(320, 240));
    net->l4 = dnn_module_add(&net->base, "l4", dnn_nn_linear(240, 120));
    net->l5 = dnn_module_add(&net->base, "l5", dnn_nn_linear(120, classes));
    return &net->base;
}

int main(int argc, char **argv)
{
    static const double mean[] = {0.1307}, std[] = {0.3081}; /* of MNIST's training images */
    static const zoo_program program = {
        .name = "mnist_mlp",
        .about = "five linear layers on handwritten digits",
        .data = "mnist,fashion-mnist",
        .epochs = 9,
        .batch = 64,
        .lr = 0.01,
        .momentum = 0.5,
        .mean = mean,
        .std = std,
        .channels = 1,
        .build = build,
    };

    return zoo_main(argc, argv, &program);
}
