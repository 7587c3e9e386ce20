/* dispatch_state.c - the state of dispatch in each thread. */
#include "dispatch_state.h"

DNN__THREAD_LOCAL dnn__dispatch_thread dnn__dispatch_self;
