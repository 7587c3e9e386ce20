/* dnn_reader.h - the reader ABI of libdnn, version 1: how a data-set format becomes samples.
 *
 * Standalone, like dnn_plugin.h: a reader links to nothing of libdnn. It is a shared object that exports
 * dnn_reader_v1(), and lies in the folder readers/ of a plugin directory. It bids on a file's first bytes, opens it, and
 * writes samples into the caller's buffers. Growth rules as in dnn_plugin.h: append only, zero means "as before". */
#ifndef DNN_READER_H
#define DNN_READER_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Repeated word for word in dnn_plugin.h, dnn_reader.h and dnn/status.h; a test compares the copies. */
#ifndef DNN_ABI_COMMON
#define DNN_ABI_COMMON 1
#define DNN_EXPORT __attribute__((visibility("default")))
/* DNN_FITS: does the struct reach as far as member m. DNN_HAS: is m there and not zero. */
#define DNN_FITS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))
#define DNN_HAS(p, m) (DNN_FITS(p, m) && (p)->m)
typedef int32_t dnn_status;
enum {
    DNN_OK = 0,
    DNN_DECLINED = 1,    /* init() and plan() only: "not me, ask the next one"; not an error */
    DNN_E_INVALID = -1,  /* an argument is wrong */
    DNN_E_NOMEM = -2,    /* no memory, on the host or on a device */
    DNN_E_DEVICE = -3,   /* a backend or device is missing, refused, or failed */
    DNN_E_INTERNAL = -4, /* a fault of libdnn or of a plugin */
    DNN_E_IO = -5,       /* the operating system refused to read or write */
    DNN_E_FORMAT = -6    /* a file breaks its format's rules */
};
enum { /* one bit per element type: a tensor has one, a kernel's list has several */
    DNN_T_F32 = 1 << 0,
    DNN_T_F64 = 1 << 1,
    DNN_T_F16 = 1 << 2,
    DNN_T_BF16 = 1 << 3,
    DNN_T_I8 = 1 << 4,
    DNN_T_U8 = 1 << 5,
    DNN_T_I32 = 1 << 6,
    DNN_T_I64 = 1 << 7,
    DNN_T_BOOL = 1 << 8 /* one byte, 0 or 1 */
};
#endif

typedef struct dnn_reader_host { /* the core's, for the life of the process */
    uint32_t size, abi_minor;
    dnn_status (*fail)(dnn_status status, const char *fmt, ...); /* keeps the text for this thread, returns the status */
    void (*log)(int level, const char *fmt, ...);                /* 0 debug, 1 info, 2 warning, 3 error */
    void *(*alloc)(size_t bytes, size_t align);                  /* NULL on failure */
    void (*free)(void *memory);
    const void *(*extension)(const char *id);
} dnn_reader_host;

typedef struct dnn_reader_probe { /* what bid() judges by */
    uint32_t size;
    int32_t is_dir;
    const char *path;
    const uint8_t *head; /* the first bytes of the file, up to 64 KiB */
    uint64_t head_bytes; /* 0 for a directory */
    int64_t length;      /* of the file; -1 unknown */
} dnn_reader_probe;

typedef struct dnn_reader_source { /* bytes that are not a file: memory, or what the program supplies */
    uint32_t size, _pad;
    const char *name; /* for messages */
    int64_t length;
    void *ctx;
    int64_t (*read_at)(void *ctx, uint64_t offset, void *buf, uint64_t bytes); /* bytes read, or negative */
} dnn_reader_source;

typedef struct dnn_reader_request {
    uint32_t size, _pad;
    const char *path;                /* path or source: one of the two is NULL */
    const dnn_reader_source *source;
    const char *split;               /* "train", "test", or NULL: all there is, or what the file is named after */
    const char *options;             /* "label=4,delimiter=;", or NULL; an unknown word is an error */
    uint64_t max_bytes;              /* cap on memory and on decompressed bytes; 0 = 1 GiB */
    const dnn_reader_host *host;
} dnn_reader_request;

typedef struct dnn_reader_field { /* one tensor of a sample */
    uint32_t size, dtype;      /* one DNN_T_ bit */
    const char *name;          /* "image", "label" */
    int32_t ndim, _pad;
    int64_t dim[8];            /* -1 = varies from sample to sample */
    const char *const *labels; /* names of classes, NULL-terminated, or NULL */
} dnn_reader_field;

enum { DNN_R_RANDOM_SLOW = 1 }; /* dnn_reader_info.flags: random order is expensive */

typedef struct dnn_reader_info { /* zeroed by the host, filled by describe(); all it points to lives until close() */
    uint32_t size, flags;
    int64_t n_samples;
    int32_t n_fields, _pad;
    const dnn_reader_field *const *field; /* [n_fields] */
    const char *text;                     /* for people: "MNIST, train, 60,000 images 28x28" */
    const char *name;                     /* the data set's short name, told by its contents: "mnist", "fashion-mnist"; or NULL */
    const char *digest;                   /* SHA-256 of the samples' bytes as 64 hex digits; or NULL */
} dnn_reader_info;

enum { DNN_R_CONCURRENT = 1 << 16 }; /* dnn_reader.flags, a hint: read() may run on several threads of one set */

typedef struct dnn_reader {
    uint32_t size, min_host_minor, flags, _pad;
    const char *id;                /* [a-z0-9_], 1 to 31; the installed file is readers/dnn_<id>.so */
    const char *version, *build;
    const char *const *extensions; /* NULL-terminated: ".gz", ...; breaks ties between equal bids */
    /* 0..100: is this mine, judged by the first bytes (0 = no). No side effects; may look into a compressed head or
     * into a directory. The highest bid wins. */
    int (*bid)(const dnn_reader_probe *);
    /* Checks every size that the file claims against its true length before allocating. *set is the reader's until
     * close(); after a failed open there is nothing to close. */
    dnn_status (*open)(const dnn_reader_request *, void **set);
    dnn_status (*describe)(void *set, dnn_reader_info *info);
    /* Dims of one sample; required if any dim of a field is -1. */
    dnn_status (*shape)(void *set, int64_t index, int32_t field, int64_t *dim);
    /* Samples [first, first+count) into the caller's buffers, one per field, tightly packed, row-major; dst[i] NULL =
     * field not wanted. dst_bytes[i] must be exactly what the samples take. Same index, same bytes, in any order. */
    dnn_status (*read)(void *set, int64_t first, int64_t count, void *const *dst, const uint64_t *dst_bytes);
    void (*close)(void *set);
    const void *(*extension)(const char *id);
} dnn_reader;

typedef const dnn_reader *(*dnn_reader_v1_fn)(void);
DNN_EXPORT const dnn_reader *dnn_reader_v1(void);
#define DNN_READER(...)                                                             \
    const dnn_reader *dnn_reader_v1(void)                                           \
    {                                                                               \
        static const dnn_reader reader = {.size = sizeof(dnn_reader), __VA_ARGS__}; \
        return &reader;                                                             \
    }

#ifdef __cplusplus
}
#endif
#endif
