/* safetensors_checksum.h - the checksums of a safetensors file, which its metadata keeps.
 * safetensors.c calls it. Private to core/io. */
#ifndef DNN__SAFETENSORS_CHECKSUM_H
#define DNN__SAFETENSORS_CHECKSUM_H
#include "safetensors_file.h"

/* Checks "dnn.crc32c.header": the checksum of the header with these eight digits as zeros. No
 * string of a file can look like the key, because quotes in strings are escaped. Call it before the
 * header is parsed: parsing changes its bytes. */
dnn_status dnn__file_check_header_crc(dnn_file *file);
/* Reads "dnn.crc32c": eight digits for each tensor, in the order of the data. Call it while the
 * entries are sorted by their data. */
dnn_status dnn__file_read_checksums(dnn_file *file);
/* Compares the checksum of an entry's data with that of the file. DNN_OK if the file has none. */
dnn_status dnn__file_check_crc(const dnn_file *file, const struct dnn__entry *entry, uint32_t crc);

#endif
