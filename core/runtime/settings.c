/* settings.c - settings of a program that change which kernels are selected. A change drops all
 * plans. */
#include "plan_cache.h"
#include "preferences.h"
#include "runtime.h"

dnn_status dnn_set_prefer(const char *text)
{
    DNN_TRY(dnn__take());
    DNN_TRY(dnn__start());
    DNN_TRY(dnn__prefer(text));
    dnn__plans_drop(NULL);
    return DNN_OK;
}

void dnn_set_tune(bool on)
{
    dnn__autotune_by_time(on);
    dnn__plans_drop(NULL);
}
