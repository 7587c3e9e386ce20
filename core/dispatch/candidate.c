/* candidate.c - asks one candidate for a call: checks whether it may be asked at all, then lets
 * it plan. select.c and autotune.c call it. */
#include "candidate.h"
#include "negotiate.h"
#include "preferences.h"

/* Are all attributes zero that the kernel does not know? A kernel of a row that had no
 * attributes in v1.0 knows none. The leading size does not count as an attribute. */
static bool attributes_fit(const dnn__frame *f, const dnn__kernel *k)
{
    const uint8_t *bytes = f->attr;
    uint32_t known = k->table.attr_bytes;

    for (uint32_t i = known > sizeof known ? known : sizeof known; i < f->op->attr_bytes; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

dnn_status dnn__ask(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const char **says)
{
    plan->state = NULL;
    plan->workspace = 0;
    if (k->plugin->disabled && (f->op->traits & DNN__MOVES_LAYOUT) == 0) {
        *says = "its plugin is disabled";
        return DNN_DECLINED;
    }
    if (f->pair != NULL && k->plugin != f->pair->plugin) {
        *says = "the stash that the forward kernel kept is for its own plugin";
        return DNN_DECLINED;
    }
    if (!dnn__mode_allows(f->mode, k)) {
        *says = "it does not promise the same bits each time, which DNN_DETERMINISTIC asks for";
        return DNN_DECLINED;
    }
    if (!attributes_fit(f, k)) {
        *says = "the call uses attributes that this kernel does not know";
        return DNN_DECLINED;
    }
    return dnn__negotiate(f, k, plan, says);
}

dnn_status dnn__plan_of(dnn__frame *f, dnn__kernel *k, dnn__plan **out)
{
    const char *says = "";
    dnn__plan *plan = NULL;
    dnn_status status;

    DNN_TRY(dnn__plan_new(f, &plan));
    status = dnn__ask(f, k, plan, &says);
    if (status != DNN_OK) {
        dnn__plan_release(plan);
        return status;
    }
    plan->kernel = k;
    *out = plan;
    return DNN_OK;
}
