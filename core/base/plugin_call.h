/* plugin_call.h - what a thread knows while it is inside the code of a plugin. Private. */
#ifndef DNN__PLUGIN_CALL_H
#define DNN__PLUGIN_CALL_H
#include "base.h"

typedef struct dnn__plugin_call {
    const char *kernel; /* the kernel whose plan() or run() this thread is in, or NULL */
    char text[512];     /* what the plugin said last through host->fail; "": nothing */
} dnn__plugin_call;
extern _Thread_local dnn__plugin_call dnn__plugin_self __attribute__((tls_model("initial-exec")));

#endif
