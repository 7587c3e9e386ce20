/* cifar_lenet.c - LeNet on colour images: two convolutions with pooling, three linear layers. */
#include "common/train.h"

typedef struct lenet {
    dnn_module base;
    dnn_module *conv1, *conv2, *fc1, *fc2, *fc3;
} lenet;

/* x [N,3,32,32] -> [N,classes] */
static dnn_tensor *lenet_forward(dnn_module *self, dnn_tensor *x)
{
    lenet *net = (lenet *)self;

    x = dnn_max_pool2d(dnn_relu(dnn_forward(net->conv1, x)), .kernel = 2); /* [N,6,14,14] */
    x = dnn_max_pool2d(dnn_relu(dnn_forward(net->conv2, x)), .kernel = 2); /* [N,16,5,5] */
    x = dnn_flatten(x, 1, -1);
    x = dnn_relu(dnn_forward(net->fc1, x));
    x = dnn_relu(dnn_forward(net->fc2, x));
    return dnn_forward(net->fc3, x);
}

static const dnn_module_type lenet_type = {.size = sizeof(dnn_module_type),
                                           .name = "LeNet",
                                           .bytes = sizeof(lenet),
                                           .forward = lenet_forward};

static dnn_module *build(int64_t classes)
{
    lenet *net = (lenet *)dnn_module_new(&lenet_type);

    if (net == NULL) {
        return NULL;
    }
    net->conv1 = dnn_module_add(&net->base, "conv1", dnn_nn_conv2d(3, 6, 5));
    net->conv2 = dnn_module_add(&net->base, "conv2", dnn_nn_conv2d(6, 16, 5));
    net->fc1 = dnn_module_add(&net->base, "fc1", dnn_nn_linear(400, 120));
    net->fc2 = dnn_module_add(&net->base, "fc2", dnn_nn_linear(120, 84));
    net->fc3 = dnn_module_add(&net->base, "fc3", dnn_nn_linear(84, classes));
    return &net->base;
}

int main(int argc, char **argv)
{
    static const double mean[] = {0.5, 0.5, 0.5}, std[] = {0.5, 0.5, 0.5}; /* to [-1, 1] */
    static const zoo_program program = {
        .name = "cifar_lenet",
        .about = "LeNet on CIFAR-10, or with --dataset cifar100 on CIFAR-100",
        .data = "cifar10",
        .epochs = 2,
        .batch = 4,
        .lr = 0.001,
        .momentum = 0.9,
        .mean = mean,
        .std = std,
        .channels = 3,
        .build = build,
    };

    return zoo_main(argc, argv, &program);
}
