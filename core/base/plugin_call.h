/* plugin_call.h - the state of a thread while it runs code of a plugin. Private. */
#ifndef DNN__PLUGIN_CALL_H
#define DNN__PLUGIN_CALL_H
#include "base.h"

typedef struct dnn__plugin_call {
    const char *kernel; /* the kernel whose plan() or run() this thread is in, or NULL */
    char text[512];     /* the last text that the plugin passed to host->fail; "": none */
} dnn__plugin_call;
extern _Thread_local dnn__plugin_call dnn__plugin_self __attribute__((tls_model("initial-exec")));

#endif
