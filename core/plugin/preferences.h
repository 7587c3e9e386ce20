/* preferences.h - preferences for the selection of kernels: pins, reduced precision, determinism,
 * timing. Private. */
#ifndef DNN__PREFERENCES_H
#define DNN__PREFERENCES_H
#include "plugin.h"

/* The DNN_M_ bits of every call except DNN_M_GRAD. They are computed when DNN_MATH or
 * DNN_DETERMINISTIC changes, and each call reads them. preferences.c. */
extern _Atomic uint32_t dnn__mode_bits;
static inline uint32_t dnn__mode(void)
{
    return atomic_load_explicit(&dnn__mode_bits, memory_order_relaxed);
}
/* With DNN_M_DETERMINISTIC, only kernels that promise the same bits are candidates. */
static inline bool dnn__mode_allows(uint32_t mode, const dnn__kernel *k)
{
    return (mode & DNN_M_DETERMINISTIC) == 0 || (k->table.flags & DNN_K_DETERMINISTIC) != 0;
}

/* Reads DNN_PREFER, DNN_MATH, DNN_DETERMINISTIC and DNN_TUNE, except those that the program has
 * set. Called while the library starts, after all kernels are adopted and before the candidates are
 * sorted. */
dnn_status dnn__preferences_start(void);
void dnn__preferences_stop(void); /* drops the pins */
/* dnn_set_prefer, with the library running. The caller then drops all plans. */
dnn_status dnn__prefer(const char *text);
void dnn__autotune_by_time(bool on); /* dnn_set_tune; the caller then drops all plans */

#endif
