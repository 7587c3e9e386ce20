/* process_end.h - lets kernels end before the process does. Private. */
#ifndef DNN__PROCESS_END_H
#define DNN__PROCESS_END_H
#include "base.h"

/* Registers the exit handler, once in a process. */
void dnn__process_end_watch(void);
/* Around each run of a kernel. False: the process ends, and the kernel must not run. */
bool dnn__kernel_begins(void);
void dnn__kernel_ends(void);

#endif
