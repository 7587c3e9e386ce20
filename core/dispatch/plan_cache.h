/* plan_cache.h - the cache of plans. The layers above use dnn__plans_drop only. Private. */
#ifndef DNN__PLAN_CACHE_H
#define DNN__PLAN_CACHE_H
#include "plan.h"

/* The plan for the frame, with a reference for the caller: from the cache, or made by asking the
 * candidates. The message of a failure lists who was asked and why each declined. */
dnn_status dnn__plan_find(dnn__frame *frame, dnn__plan **out);
/* Drops the plans of a plugin, or all for NULL: waits for devices, then calls unplan. */
void dnn__plans_drop(const char *plugin_id);

#endif
