/* crc32c.h - the checksum CRC-32C. Private. */
#ifndef DNN__CRC32C_H
#define DNN__CRC32C_H
#include "base.h"

/* Returns the CRC-32C of the bytes, appended to those that gave `crc`. Pass 0 at first. */
uint32_t dnn__crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
