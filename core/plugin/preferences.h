/* preferences.h - what a person or a program asks of the choice among kernels: pins, reduced
 * precision, determinism, timing. Private. */
#ifndef DNN__PREFERENCES_H
#define DNN__PREFERENCES_H
#include "plugin.h"

/* The DNN_M_ bits of every call but DNN_M_GRAD: folded when DNN_MATH or DNN_DETERMINISTIC is set,
 * read by each call. preferences.c. */
extern _Atomic uint32_t dnn__mode_bits;
static inline uint32_t dnn__mode(void)
{
    return atomic_load_explicit(&dnn__mode_bits, memory_order_relaxed);
}
/* Under DNN_M_DETERMINISTIC only kernels that promise the same bits are asked. */
static inline bool dnn__mode_allows(uint32_t mode, const dnn__kernel *k)
{
    return (mode & DNN_M_DETERMINISTIC) == 0 || (k->table.flags & DNN_K_DETERMINISTIC) != 0;
}

/* Reads DNN_PREFER, DNN_MATH, DNN_DETERMINISTIC and DNN_TUNE, each unless the program has set it.
 * Called while the library starts, when all kernels are adopted and the candidates are not ordered
 * yet. */
dnn_status dnn__preferences_start(void);
void dnn__preferences_stop(void); /* forgets the pins */
dnn_status
dnn__prefer(const char *text); /* dnn_prefer, once the library runs and before plans are dropped */
void dnn__autotune_by_time(bool on); /* dnn_set_tune, likewise */

#endif
