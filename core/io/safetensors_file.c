/* safetensors_file.c - the dtypes of the safetensors format, and binary searches over the entries
 * and the metadata of an open file. It reads no file. */
#include <stdlib.h>
#include <string.h>
#include "safetensors_file.h"

const struct dnn__format dnn__formats[DNN__N_FORMATS] = {
    {"BOOL", 8, DNN_T_BOOL},  {"U8", 8, DNN_T_U8},
    {"I8", 8, DNN_T_I8},      {"U16", 16, 0},
    {"I16", 16, 0},           {"U32", 32, 0},
    {"I32", 32, DNN_T_I32},   {"U64", 64, 0},
    {"I64", 64, DNN_T_I64},   {"F16", 16, DNN_T_F16},
    {"BF16", 16, DNN_T_BF16}, {"F32", 32, DNN_T_F32},
    {"F64", 64, DNN_T_F64},   {"C64", 64, 0},
    {"F8_E4M3", 8, 0},        {"F8_E5M2", 8, 0},
    {"F8_E8M0", 8, 0},        {"F8_E4M3FNUZ", 8, 0},
    {"F8_E5M2FNUZ", 8, 0},    {"F6_E2M3", 6, 0},
    {"F6_E3M2", 6, 0},        {"F4", 4, 0},
};

const char *dnn__file_path(const dnn_file *file)
{
    return file->path;
}

bool dnn__file_header_crc(const dnn_file *file, uint32_t *crc)
{
    *crc = file->header_crc;
    return file->has_header_crc;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const struct dnn__metadata *)a)->key, ((const struct dnn__metadata *)b)->key);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct dnn__entry *)a)->name, ((const struct dnn__entry *)b)->name);
}

void dnn__file_sort_entries(dnn_file *file)
{
    if (file->n > 1) {
        qsort(file->entry, (size_t)file->n, sizeof *file->entry, compare_entries);
    }
}

void dnn__file_sort_metadata(dnn_file *file)
{
    if (file->n_metadata > 1) {
        qsort(file->metadata, (size_t)file->n_metadata, sizeof *file->metadata, compare_texts);
    }
}

const char *dnn__file_text(const dnn_file *file, const char *key)
{
    struct dnn__metadata wanted = {.key = key};
    const struct dnn__metadata *found =
        file->n_metadata > 0 ? bsearch(&wanted, file->metadata, (size_t)file->n_metadata,
                                       sizeof wanted, compare_texts)
                             : NULL;

    return found != NULL ? found->value : NULL;
}

int64_t dnn__file_find(const dnn_file *file, const char *name)
{
    struct dnn__entry key = {.name = name};
    const struct dnn__entry *e =
        file->n > 0 ? bsearch(&key, file->entry, (size_t)file->n, sizeof key, compare_entries)
                    : NULL;

    return e != NULL ? e - file->entry : -1;
}
