/* plugin_call.c - the state of a thread while it calls a plugin. Device, plugin and dispatch read
 * and write it. */
#include <stdarg.h>
#include "plugin_call.h"

DNN__THREAD_LOCAL dnn__plugin_call dnn__plugin_self;

void dnn__plugin_text_set(const char *fmt, va_list list)
{
    dnn__thread_block *block = dnn__thread_own();

    if (block != NULL) {
        (void)dnn__vformat(block->plugin_text, sizeof block->plugin_text, fmt, list);
    }
}
