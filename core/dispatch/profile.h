/* profile.h - DNN_PROFILE: where the time of a run goes, kernel by kernel, and what each kernel
 * costs in copies and reorders. Private. */
#ifndef DNN__PROFILE_H
#define DNN__PROFILE_H
#include "plan.h"

extern atomic_bool dnn__profiling;
static inline bool dnn__profiles(void)
{
    return DNN__UNLIKELY(atomic_load_explicit(&dnn__profiling, memory_order_relaxed));
}
dnn_status dnn__profile_start(void); /* reads DNN_PROFILE */
void dnn__profile_begin(dnn__device *device, int64_t *ns);
/* Counts one call by the plan, its copies and reorders included, since begin. Waits for the device.
 */
void dnn__profile_end(const dnn__frame *frame, const dnn__plan *plan, int64_t begin);
void dnn__profile_tell(void); /* logs the table; the kernels are still there */

#endif
