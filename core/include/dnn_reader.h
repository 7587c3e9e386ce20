/* dnn_reader.h - the reader ABI of libdnn, version 1: all that a reader of a data-set format needs.
 *
 * Standalone, as dnn_plugin.h: a reader links to nothing of libdnn. It is a shared object that
 * exports dnn_reader_v1() and lies in the folder readers/ of a plugin directory. It bids on the
 * first bytes of a file, opens it, and writes samples into buffers of the caller.
 *
 * Growth      As in dnn_plugin.h: members are only appended, zero means "as before the member
 *             existed".
 * Tags        [required]           NULL makes the host refuse the reader.
 *             [optional: default]  may be NULL or 0; the text says what the host does then.
 *             [reserved]           version 1.0 of the host never reads, sets or calls it.
 * Ownership   The table of the reader is static: the host copies it and keeps its pointers. Structs
 *             that the host passes in are valid during the callback only, but for dnn_reader_host.
 * Errors      A callback returns DNN_OK or `return host->fail(status, "text ...")`. The text names
 *             the file, what was found and what was expected. A positive status counts as
 *             DNN_E_INTERNAL.
 * Threads     "Any thread" means any thread of the program and any worker of a data loader.
 * Locks       The host has one lock for each open set, taken around shape() and read() of readers
 *             without DNN_R_CONCURRENT. It holds no other lock in a callback, but for
 *             dnn_reader_v1().
 * Call back   A callback may call the functions of dnn_reader_host and nothing else of libdnn.
 * Lifetime    A set can outlive dnn_shutdown: shape(), read() and close() work after it too. */
#ifndef DNN_READER_H
#define DNN_READER_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Repeated word for word in dnn_plugin.h, dnn_reader.h and dnn/status.h; a test compares them. */
#ifndef DNN_ABI_COMMON
#define DNN_ABI_COMMON 1
#define DNN_EXPORT __attribute__((visibility("default")))
/* DNN_FITS: the size of the struct includes member m. DNN_HAS: it does, and m is not zero. */
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

/* The functions of the host, for the life of the process. Every host of ABI 1 has all members. Any
 * thread may call them, at any time until close() returns. */
typedef struct dnn_reader_host {
    uint32_t size, abi_minor;
    /* Formats an error text of at most 511 bytes for the calling thread, and returns the status. */
    dnn_status (*fail)(dnn_status status, const char *fmt, ...);
    /* Sends a line to the program's log callback. 0 debug, 1 info, 2 warning, 3 error. */
    void (*log)(int level, const char *fmt, ...);
    /* Memory of the reader, aligned to `align` (a power of two); NULL on failure. free(NULL) is
     * allowed. Free all of it by the end of close(). */
    void *(*alloc)(size_t bytes, size_t align);
    void (*free)(void *memory);
    const void *(*extension)(const char *id); /* a feature by name; v1.0 has none: NULL */
} dnn_reader_host;

typedef struct dnn_reader_probe { /* the file that bid() judges; valid during the call */
    uint32_t size;
    int32_t is_dir;
    const char *path;
    const uint8_t *head; /* the first bytes of the file, up to 64 KiB */
    uint64_t head_bytes; /* how many; 0 for a directory */
    int64_t length;      /* of the file, in bytes; -1 unknown */
} dnn_reader_probe;

typedef struct dnn_reader_source { /* bytes that are not a file: memory, or bytes of the program */
    uint32_t size, _pad;
    const char *name; /* for messages */
    int64_t length;
    void *ctx;
    /* Returns the bytes read, or a negative number. */
    int64_t (*read_at)(void *ctx, uint64_t offset, void *buf, uint64_t bytes);
} dnn_reader_source;

typedef struct dnn_reader_request { /* valid during open(): copy the texts that are needed later */
    uint32_t size, _pad;
    const char *path;                /* path or source: one of the two is NULL */
    const dnn_reader_source *source; /* [reserved] NULL from a host of version 1.0 */
    const char *split;               /* "train", "test", or NULL: all samples, or the split that the
                                      * file is named after */
    const char *options;             /* "label=4,delimiter=;", or NULL; an unknown word is an
                                      * error */
    uint64_t max_bytes;              /* cap on memory and on decompressed bytes; 0 = 1 GiB */
    const dnn_reader_host *host;     /* keep it: no later callback gets it */
} dnn_reader_request;

typedef struct dnn_reader_field { /* one tensor of a sample */
    uint32_t size, dtype;         /* one DNN_T_ bit */
    const char *name;             /* "image", "label" */
    int32_t ndim, _pad;           /* 0 to 7: a batch has one axis more */
    int64_t dim[8];               /* -1 = varies from sample to sample: the reader needs shape() */
    const char *const *labels;    /* [optional: NULL = none] names of classes, NULL-terminated */
} dnn_reader_field;

enum { DNN_R_RANDOM_SLOW = 1 }; /* dnn_reader_info.flags: random order is expensive. [reserved] */

typedef struct dnn_reader_info { /* zeroed by the host, filled by describe(); what it points to
                                  * belongs to the set and lives until close() */
    uint32_t size, flags;
    int64_t n_samples;
    int32_t n_fields, _pad;               /* 1 to 8 */
    const dnn_reader_field *const *field; /* [n_fields] */
    const char *text;   /* [optional] for people: "MNIST, train, 60,000 images 28x28" */
    const char *name;   /* [optional] short name of the data set, from its contents: "mnist" */
    const char *digest; /* [optional] SHA-256 of the samples' bytes, 64 hex digits */
} dnn_reader_info;

/* dnn_reader.flags, a hint: shape() and read() may be called by several threads at once on one
 * set. */
enum { DNN_R_CONCURRENT = 1 << 16 };

/* The table that dnn_reader_v1() returns: constant, valid for the life of the process. Required and
 * optional members alternate, so each is tagged. */
typedef struct dnn_reader {
    /* size [required]: sizeof(dnn_reader), set by DNN_READER(). min_host_minor [optional: 0 = any
     * host]. flags [optional: 0 = one call at a time on a set]; the host refuses a reader with an
     * unknown bit of 0-15. */
    uint32_t size, min_host_minor, flags, _pad;
    const char *id;                /* [required] [a-z0-9_], 1 to 31; the installed file is
                                    * readers/dnn_<id>.so */
    const char *version, *build;   /* [optional: shown as ""] */
    const char *const *extensions; /* [optional: NULL = none] NULL-terminated ends of file names:
                                    * ".gz"; they break ties between equal bids */

    /* [required] Returns how certain the reader is that it can read this file, from 0 (it cannot)
     * to 100. The highest bid wins. It judges by the first bytes, which it may decompress, or by
     * the files of a directory. No side effects. Not called if the program names a reader.
     * Threads: any thread, several at once. Locks: none. Calls back: nothing, it has no host. */
    int (*bid)(const dnn_reader_probe *);

    /* [required] Opens a set and stores it in *set, not NULL. Checks every size that the file
     * claims against the true length before it allocates. After a failed open() there is nothing to
     * close.
     * Threads: any thread, several at once for different sets. Locks: none. */
    dnn_status (*open)(const dnn_reader_request *, void **set);

    /* [required] Fills *info. If it fails, close() follows.
     * Threads: the thread of open(), once, right after it. Locks: none. */
    dnn_status (*describe)(void *set, dnn_reader_info *info);

    /* [optional: NULL = every dim of every field is fixed; required if one is -1] Stores the ndim
     * dims of one sample's field.
     * Threads and locks: as read(). */
    dnn_status (*shape)(void *set, int64_t index, int32_t field, int64_t *dim);

    /* [required] Writes samples [first, first + count), count >= 1, into buffers of the caller, one
     * per field, tightly packed, row-major. dst[i] NULL = the field is not wanted, or has no bytes.
     * dst_bytes[i] must be exactly the bytes of these samples, else DNN_E_INVALID. The same index
     * gives the same bytes, in any order of calls. With dims that vary count is 1.
     * Threads: any thread; on one set one call of shape() or read() at a time, or several at once
     * with DNN_R_CONCURRENT. Different sets: several at once.
     * Locks: the set's lock without DNN_R_CONCURRENT, none with it. */
    dnn_status (*read)(void *set, int64_t first, int64_t count, void *const *dst,
                       const uint64_t *dst_bytes);

    /* [required] Frees the set and all that its info points to.
     * Threads: the thread that releases the last reference to the data set, once, with no other
     * call on the set; perhaps after dnn_shutdown. Locks: none. */
    void (*close)(void *set);
    const void *(*extension)(const char *id); /* [optional: NULL] [reserved] */
} dnn_reader;

typedef const dnn_reader *(*dnn_reader_v1_fn)(void);
/* The one exported symbol. Called once per start of the library, at the first use of a data set, by
 * the thread that uses it and under the lock of the list of readers; calls nothing back. */
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
