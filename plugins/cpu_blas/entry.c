/* entry.c - the one exported symbol of the plugin. The phantom device of the tests compiles all
 * files except this one. */
#include "cpu_blas.h"

static dnn_plugin plugin = {
    .size = sizeof(dnn_plugin), .id = "cpu_blas", .version = "0.1.0", .init = dnn_cpu_init};

/* The kernels depend on the machine's instruction set, so the table is filled at run time. Every
 * call returns the same table. */
const dnn_plugin *dnn_plugin_v1(void)
{
    plugin.kernels = dnn_cpu_kernels();
    plugin.build = dnn_cpu_build();
    return &plugin;
}
