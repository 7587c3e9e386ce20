/* source.h - the bytes of a reader: a file or memory, plain or gzip, read once from front to back.
 *
 * Compiled into each reader plugin, which calls it from bid() and open(). It keeps no state between
 * calls, prints nothing, and allocates only through the host of the request. */
#ifndef DNN_DATASETS_SOURCE_H
#define DNN_DATASETS_SOURCE_H
#include "dnn_reader.h"
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <zlib.h>

/* Deflate compresses at most 1032 to 1; real image sets stay far below 200. */
enum { DNN__MAX_RATIO = 200, DNN__CHUNK = 256 * 1024, DNN__PATH_SHOWN = 128 };

/* Writes n with commas, "60,000", to text. DNN__GROUPED supplies a buffer that is valid to the end
 * of the enclosing block. */
const char *dnn__grouped(uint64_t n, char text[32]);
#define DNN__GROUPED(n) dnn__grouped((uint64_t)(n), (char[32]){0})

/* The byte limit of a request: max_bytes, or 1 GiB if that is 0. */
uint64_t dnn__cap(const dnn_reader_request *request);

/* Checks a request as every reader must: its size, a host, a path or source, a split that exists.
 * Fails with DNN_E_INVALID, and with a text if there is a host. */
dnn_status dnn__request_check(const dnn_reader_request *request, const char *reader);

/* Allocates memory, which is not zeroed; bytes may be 0. Fails with DNN_E_NOMEM; `what` begins the
 * message. */
dnn_status dnn__reader_alloc(const dnn_reader_host *host, uint64_t bytes, const char *what,
                             void **out);
void dnn__reader_free(const dnn_reader_host *host, void *memory);

/* The folder and file of a path. For a folder: dir_fd is that folder, base is "". For a file:
 * dir_fd is its folder, base is its name. A path to anything else, or to nothing, is DNN_E_IO. */
typedef struct dnn__location {
    int dir_fd;
    const char *base;          /* points into the path, which must outlive it */
    char dir[DNN__PATH_SHOWN]; /* the folder, for messages */
} dnn__location;
dnn_status dnn__location_find(const dnn_reader_host *host, const char *path, dnn__location *out);
/* For bid(), which has no host: opens a folder; false if there is none. */
bool dnn__location_folder(const char *path, dnn__location *out);
/* Opens the folder `name` in `in`; false if there is none. */
bool dnn__location_subfolder(const dnn__location *in, const char *name, dnn__location *out);
bool dnn__location_has(const dnn__location *location, const char *name);
void dnn__location_close(dnn__location *location);

typedef struct dnn__source {
    const dnn_reader_host *host;
    const dnn_reader_source *given; /* NULL: the source is fd */
    int fd;
    uint64_t length; /* fixed at open */
    char name[DNN__PATH_SHOWN];
} dnn__source;

/* Opens a regular file. Refuses a FIFO or a device without blocking. Fails with DNN_E_IO. */
dnn_status dnn__source_open(const dnn_reader_host *host, const dnn__location *location,
                            const char *name, dnn__source *out);
dnn_status dnn__source_given(const dnn_reader_host *host, const dnn_reader_source *given,
                             dnn__source *out);
/* Reads all of [offset, offset + bytes). Fails with DNN_E_IO, also if the file was cut since it was
 * opened. */
dnn_status dnn__source_read(const dnn__source *source, uint64_t offset, void *buf, uint64_t bytes);
/* Fails with DNN_E_IO if the length of the file has changed since it was opened. */
dnn_status dnn__source_unchanged(const dnn__source *source);
void dnn__source_close(dnn__source *source);

/* A source read from front to back, unpacked if it is gzip. */
typedef struct dnn__stream {
    const dnn__source *from;
    uint64_t at;  /* bytes read from the source */
    uint64_t out; /* bytes returned */
    /* The most bytes that it returns: the length of a plain source, or the limit against
     * decompression bombs. */
    uint64_t cap;
    bool gzip, ended, inflating;
    uint8_t *in;
    z_stream z;
    struct sha256_ctx *hash[2]; /* NULL, or hashes all bytes returned */
    struct md5_ctx *packed_md5; /* NULL, or hashes all bytes of a gzip file as stored */
} dnn__stream;

/* The first two bytes tell gzip from plain. A gzip source may unpack to at most `cap` bytes. */
dnn_status dnn__stream_open(const dnn__source *source, uint64_t cap, dnn__stream *out);
/* Sets *out to the claimed length: of the file, or from the trailer of gzip (modulo 4 GiB; it may
 * be wrong). */
dnn_status dnn__stream_claim(const dnn__stream *stream, uint64_t *out);
/* Reads `bytes` bytes; fewer (*got) only at the end of the stream. Damage, an early end and a
 * decompression bomb are DNN_E_FORMAT. */
dnn_status dnn__stream_read(dnn__stream *stream, void *buf, uint64_t bytes, uint64_t *got);
/* Requires the end of the stream: checks gzip's trailer, that nothing follows it, and that the
 * length of the file has not changed. */
dnn_status dnn__stream_end(dnn__stream *stream);
void dnn__stream_close(dnn__stream *stream);

/* For bid(), which has no host: reads the first bytes of the file, unpacked if it is gzip, without
 * allocating. */
uint64_t dnn__head(const dnn_reader_probe *probe, void *out, uint64_t bytes);

/* Writes 64 hex digits and a NUL. */
void dnn__digest_text(struct sha256_ctx *hash, char text[65]);

/* Checks the buffer of one field in read(): dst_bytes against count * each. */
dnn_status dnn__dst_check(const dnn_reader_host *host, const char *reader, const char *field,
                          uint64_t count, uint64_t each, uint64_t dst_bytes);
/* Checks that [first, first + count) lies in [0, n). */
dnn_status dnn__range_check(const dnn_reader_host *host, const char *reader, int64_t first,
                            int64_t count, int64_t n);

#define DNN__TRY(call)                   \
    do {                                 \
        dnn_status try_status_ = (call); \
        if (try_status_ != DNN_OK)       \
            return try_status_;          \
    } while (0)
/* For functions that own something. They declare `dnn_status st` and the label. */
#define DNN__TRY_TO(label, call) \
    do {                         \
        st = (call);             \
        if (st != DNN_OK)        \
            goto label;          \
    } while (0)
#endif
