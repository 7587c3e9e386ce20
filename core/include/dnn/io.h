/* io.h - tensors and weights in files: safetensors.
 *
 * Every file may be hostile: all of it is validated before anything is built, memory stays in proportion to the file, and a failed
 * load changes nothing. Writing is atomic: the old file stays until the new one is on disk. Messages name path, byte and rule. */
#ifndef DNN_IO_H
#define DNN_IO_H
#include "dnn/nn.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_file dnn_file;

typedef struct dnn_file_entry_info { /* texts live until dnn_file_close */
    const char *name;
    const char *dtype_name; /* as the file says: "F32", "F8_E4M3" */
    dnn_dtype dtype;        /* 0 = libdnn has none such */
    dnn_shape shape;
    uint64_t bytes;
} dnn_file_entry_info;

/* Opens and validates. *out is the caller's, dnn_file_close. Fails: DNN_E_IO, DNN_E_FORMAT, DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_file_open(const char *path, dnn_file **out);
DNN_API void dnn_file_close(dnn_file *file);
DNN_API int64_t dnn_file_count(const dnn_file *file);
DNN_API bool dnn_file_entry(const dnn_file *file, int64_t index, dnn_file_entry_info *out);
/* Metadata of the file, by order; false past the last. */
DNN_API bool dnn_file_metadata(const dnn_file *file, int64_t index, const char **key, const char **value);
/* The tensor of that name on the device cpu, a new one of the scope; NULL and a waiting error. */
DNN_API dnn_tensor *dnn_file_tensor(dnn_file *file, const char *name);

typedef struct dnn_named_tensor {
    const char *name;
    dnn_tensor *tensor;
} dnn_named_tensor;
typedef struct dnn_named_text {
    const char *key, *value;
} dnn_named_text;
/* Writes n tensors and n_meta metadata texts; equal content gives equal bytes. Names: UTF-8, 1 to 1024 bytes, unique. */
DNN_API DNN_CHECKED dnn_status dnn_save_tensors(const char *path, const dnn_named_tensor *tensors, int64_t n,
                                                const dnn_named_text *metadata, int64_t n_meta);

/* Parameters and buffers of a module under their dotted paths. Loading is strict: missing, unexpected and misshapen names are
 * listed together in one error, and the module is as it was. Dtypes are cast between floating dtypes. */
typedef struct dnn_load_args {
    dnn_module *module;
    const char *path;
    bool partial;       /* load what fits; *n_loaded says how many did */
    int64_t *n_loaded;  /* NULL, or how many tensors were set */
    const char *prefix; /* dropped from the names in the file where they have it */
} dnn_load_args;
#define dnn_load_weights(module_, ...) dnn_load_weights_with((dnn_load_args){.module = (module_), .path = __VA_ARGS__})
DNN_API DNN_CHECKED dnn_status dnn_load_weights_with(dnn_load_args args);
DNN_API DNN_CHECKED dnn_status dnn_save_weights(dnn_module *module, const char *path);

#ifdef __cplusplus
}
#endif
#endif
