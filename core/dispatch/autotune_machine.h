/* autotune_machine.h - the machine that timings are for. Private. */
#ifndef DNN__AUTOTUNE_MACHINE_H
#define DNN__AUTOTUNE_MACHINE_H
#include <stdint.h>

/* "AMD EPYC, 3f2a...": the model, and *digest in hexadecimal, which is a digest of the model and
 * the instruction set. */
const char *dnn__machine(uint64_t *digest);

#endif
