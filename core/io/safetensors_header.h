/* safetensors_header.h - reads and checks the header of a safetensors file. safetensors.c calls the
 * functions in this order. Private to core/io. */
#ifndef DNN__SAFETENSORS_HEADER_H
#define DNN__SAFETENSORS_HEADER_H
#include "safetensors_file.h"

/* Reads the bytes of the header. */
dnn_status dnn__header_read(dnn_file *file);
/* Parses all entries and the metadata. The message of a failure may lack the path. */
dnn_status dnn__header_parse(dnn_file *file);
/* Sorts the entries by their data, and checks that the data has no hole and no overlap. */
dnn_status dnn__header_check_tiling(dnn_file *file);
/* Checks that the file ends where the data of the last tensor ends. Then sorts the entries by name,
 * and checks that no name occurs twice. */
dnn_status dnn__header_check_end(dnn_file *file);

/* Reads the shape of an entry from the header. */
dnn_status dnn__header_shape(const dnn_file *file, const struct dnn__entry *entry, dnn_shape *out);
/* Fails with DNN_E_FORMAT; the message has the path, the name of the entry and its header byte. */
dnn_status dnn__header_refuse(const dnn_file *file, const char *name, uint64_t at, const char *fmt,
                              ...) DNN_PRINTF(4, 5);

#endif
