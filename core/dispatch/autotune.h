/* autotune.h - selects a kernel by time, under DNN_TUNE. Private. */
#ifndef DNN__AUTOTUNE_H
#define DNN__AUTOTUNE_H
#include "frame.h"

/* The candidate that was the fastest for this call on this machine, timed now or before: it is
 * asked first. NULL: the order stands. Writes into note, for dnn_explain: "; tuned: 12.1 us,
 * next 34.0 us". Does not change the frame. */
dnn__kernel *dnn__autotuned(dnn__frame *frame, int32_t kind, dnn__candidates candidates, char *note,
                            size_t bytes);
void dnn__autotune_stop(void); /* saves and forgets; the plugins are still in use */

#endif
