/* acme.c - the smallest plugin: one kernel, relu on f32. It links to no library. Copy it to begin a
 * plugin of your own:
 *
 *     cc -std=c11 -O3 -fPIC -shared -fvisibility=hidden -Wl,-z,defs -I<folder of dnn_plugin.h> \
 *         -o dnn_acme.so acme.c
 *     DNN_PLUGINS=$PWD/dnn_acme.so DNN_BACKEND=acme dnn explain relu 64x128 */
#include "dnn_plugin.h"

static void relu_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        y[i] = x[i] < 0 ? 0 : x[i]; /* relu(NaN) is NaN: the comparison is false */
    }
}

static dnn_status relu_run(const dnn_call *c)
{
    c->host->parallel_for((int64_t)(c->out[0]->nbytes / sizeof(float)), 1 << 14, relu_piece,
                          (void *)c);
    return DNN_OK;
}

static const dnn_kernel *const kernels[] = {
    DNN_KERNEL(.op = "relu", .device = "cpu", .name = "acme_relu", .dtypes = DNN_T_F32,
               .run = relu_run,
               .flags = DNN_K_FLAT | DNN_K_INPLACE | DNN_K_REENTRANT | DNN_K_DETERMINISTIC,
               .priority = DNN_PRI_PORTABLE),
    NULL};

DNN_PLUGIN(.id = "acme", .version = "1.0.0", .build = "an example", .kernels = kernels)
