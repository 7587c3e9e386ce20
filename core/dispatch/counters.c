/* counters.c - counters of the process; dnn_counters_read shows them. */
#include "counters.h"
#include "dispatch_state.h"

dnn__counts dnn__count;
_Thread_local dnn__dispatch_thread dnn__dispatch_self;
