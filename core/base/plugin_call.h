/* plugin_call.h - the state of a thread while it runs code of a plugin. Private. */
#ifndef DNN__PLUGIN_CALL_H
#define DNN__PLUGIN_CALL_H
#include "base.h"

typedef struct dnn__plugin_call {
    const char *kernel; /* the kernel whose plan() or run() this thread is in, or NULL */
} dnn__plugin_call;
extern DNN__THREAD_LOCAL dnn__plugin_call dnn__plugin_self;

/* Around code that belongs to a plugin or its libraries: opening it, plan, run, readers. false: the
 * process ends, and the thread must not enter (process_end.c). */
bool dnn__plugin_enter(void);
void dnn__plugin_leave(void);
/* The same with an error, which `what` begins. */
dnn_status dnn__plugin_enter_or_fail(const char *what);

/* The last text that the plugin passed to host->fail in this thread; "" if none. It lies in the
 * thread's block. */
static inline const char *dnn__plugin_text(void)
{
    return dnn__self.block->plugin_text;
}
static inline void dnn__plugin_text_clear(void)
{
    if (dnn__self.block->plugin_text[0] != 0) {
        dnn__self.block->plugin_text[0] = 0;
    }
}
void dnn__plugin_text_set(const char *fmt, __builtin_va_list list);

#endif
