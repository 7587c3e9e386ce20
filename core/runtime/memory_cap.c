/* memory_cap.c - DNN_MEMORY_CAP, the cap of host memory that the environment sets. */
#include <stdlib.h>
#include <string.h>
#include "device_impl.h"
#include "runtime.h"

/* Reads digits and at most one of K, M, G (powers of 1024). Returns -1 if the text is not that. */
static int64_t bytes_of_text(const char *text)
{
    static const char units[] = "KMG";
    int64_t bytes = 0;
    const char *unit;

    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(bytes, 10, &bytes) ||
            __builtin_add_overflow(bytes, *text - '0', &bytes)) {
            return -1;
        }
    }
    unit = *text != 0 ? strchr(units, *text) : NULL;
    if (unit && __builtin_mul_overflow(bytes, INT64_C(1024) << 10 * (unit - units), &bytes)) {
        return -1;
    }
    return text[unit ? 1 : 0] == 0 ? bytes : -1;
}

dnn_status dnn__memory_cap_start(void)
{
    const char *text = secure_getenv("DNN_MEMORY_CAP");
    int64_t bytes;

    if (!text || !*text || dnn__cpu()->cap_by_program) {
        return DNN_OK;
    }
    bytes = *text >= '0' && *text <= '9' ? bytes_of_text(text) : -1;
    if (bytes < 0) {
        return dnn__fail(DNN_E_DEVICE,
                         "DNN_MEMORY_CAP=%.64s: not a number of bytes, such as 4096, 512M or 2G",
                         text);
    }
    dnn__caching_set_cap(dnn__cpu(), bytes, false);
    return DNN_OK;
}
