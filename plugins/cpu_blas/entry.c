/* entry.c - the one exported symbol of the plugin. The phantom device of the tests takes all other
 * files and not this one. */
#include "cpu_blas.h"

static dnn_plugin plugin = {
    .size = sizeof(dnn_plugin), .id = "cpu_blas", .version = "0.1.0", .init = dnn_cpu_init};

/* The kernels of the machine's instruction set are known only at run time; every call gives the
 * same answer. */
const dnn_plugin *dnn_plugin_v1(void)
{
    plugin.kernels = dnn_cpu_kernels();
    plugin.build = dnn_cpu_build();
    return &plugin;
}
