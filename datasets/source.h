/* source.h - where a reader's bytes come from: a file or memory, plain or gzip, read once from
 * front to back.
 *
 * Compiled into each reader plugin, which calls it from bid() and open(). It keeps no state between
 * calls, prints nothing, and never allocates but through the host of the request. */
#ifndef DNN_DATASETS_SOURCE_H
#define DNN_DATASETS_SOURCE_H
#include "dnn_reader.h"
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <zlib.h>

/* Deflate packs at most 1032 to 1; real image sets stay far below 200 (interop.md 11). */
enum { DNN__MAX_RATIO = 200, DNN__CHUNK = 256 * 1024, DNN__PATH_SHOWN = 128 };

/* n with commas, "60,000", in text. DNN__GROUPED lends a buffer that lives to the end of the
 * enclosing block. */
const char *dnn__grouped(uint64_t n, char text[32]);
#define DNN__GROUPED(n) dnn__grouped((uint64_t)(n), (char[32]){0})

/* The cap of a request: max_bytes, or 1 GiB where that is 0. */
uint64_t dnn__cap(const dnn_reader_request *request);

/* Checks what every reader asks of a request: known size, a host, path or source, a split that
 * exists. Fails with DNN_E_INVALID, with a text wherever there is a host to keep it. */
dnn_status dnn__request_check(const dnn_reader_request *request, const char *reader);

/* Zeroed memory is not promised. bytes 0 is a legal request. NULL is reported as DNN_E_NOMEM, with
 * `what` named. */
dnn_status dnn__reader_alloc(const dnn_reader_host *host, uint64_t bytes, const char *what,
                             void **out);
void dnn__reader_free(const dnn_reader_host *host, void *memory);

/* Where a path leads. A folder: dir_fd is it, base is "". A file: dir_fd is its folder, base is its
 * name in there. Anything else, and a path that leads nowhere, is DNN_E_IO. */
typedef struct dnn__place {
    int dir_fd;
    const char *base;          /* a part of the path, which must outlive the place */
    char dir[DNN__PATH_SHOWN]; /* the folder, for messages */
} dnn__place;
dnn_status dnn__place_find(const dnn_reader_host *host, const char *path, dnn__place *out);
/* For bid(), which has no host: the place of a folder; false where there is none. */
bool dnn__place_folder(const char *path, dnn__place *out);
/* The place of the folder `name` in `in`; false where there is none. */
bool dnn__place_below(const dnn__place *in, const char *name, dnn__place *out);
bool dnn__place_holds(const dnn__place *place, const char *name);
void dnn__place_close(dnn__place *place);

typedef struct dnn__source {
    const dnn_reader_host *host;
    const dnn_reader_source *given; /* NULL: the file fd */
    int fd;
    uint64_t length; /* fixed when opened */
    char name[DNN__PATH_SHOWN];
} dnn__source;

/* Regular files only; a FIFO or a device is refused without waiting for it. Fails with DNN_E_IO. */
dnn_status dnn__source_open(const dnn_reader_host *host, const dnn__place *place, const char *name,
                            dnn__source *out);
dnn_status dnn__source_given(const dnn_reader_host *host, const dnn_reader_source *given,
                             dnn__source *out);
/* All of [offset, offset + bytes), or DNN_E_IO: a range that was there when opened may be gone. */
dnn_status dnn__source_read(const dnn__source *source, uint64_t offset, void *buf, uint64_t bytes);
/* DNN_E_IO if the file is not as long as when it was opened. */
dnn_status dnn__source_unchanged(const dnn__source *source);
void dnn__source_close(dnn__source *source);

/* A source as one run of bytes, unpacked if it is gzip. */
typedef struct dnn__stream {
    const dnn__source *from;
    uint64_t at;  /* bytes of the source taken */
    uint64_t out; /* bytes given */
    uint64_t cap; /* more than this is never given: the length of a plain source; the bomb limit of
                     a packed one */
    bool gzip, ended, inflating;
    uint8_t *in;
    z_stream z;
    struct sha256_ctx *hash[2]; /* NULL, or fed with all bytes given */
    struct md5_ctx *packed_md5; /* NULL, or takes all bytes of a gzip file as stored */
} dnn__stream;

/* Looks at the first two bytes to tell gzip from plain. cap bounds what a gzip source may unpack
 * to. */
dnn_status dnn__stream_open(const dnn__source *source, uint64_t cap, dnn__stream *out);
/* The length that the bytes claim to have: of the file, or by the trailer of gzip (modulo 4 GiB,
 * and it may lie). */
dnn_status dnn__stream_claim(const dnn__stream *stream, uint64_t *out);
/* *got < bytes only at the end of the stream. Damage, an early end and a bomb are DNN_E_FORMAT. */
dnn_status dnn__stream_read(dnn__stream *stream, void *buf, uint64_t bytes, uint64_t *got);
/* The next bytes must be the last: verifies gzip's trailer and that nothing follows it, and that
 * the file kept its length. */
dnn_status dnn__stream_end(dnn__stream *stream);
void dnn__stream_close(dnn__stream *stream);

/* For bid(), which has no host: the first bytes of the file, unpacked if it is gzip, without any
 * allocation. */
uint64_t dnn__head(const dnn_reader_probe *probe, void *out, uint64_t bytes);

/* 64 hex digits and a NUL. */
void dnn__digest_text(struct sha256_ctx *hash, char text[65]);

/* One tensor of the samples of a read(): checks dst_bytes against count * each. */
dnn_status dnn__dst_check(const dnn_reader_host *host, const char *reader, const char *field,
                          uint64_t count, uint64_t each, uint64_t dst_bytes);
/* The range [first, first + count) against n. */
dnn_status dnn__range_check(const dnn_reader_host *host, const char *reader, int64_t first,
                            int64_t count, int64_t n);

#define DNN__TRY(call)                   \
    do {                                 \
        dnn_status try_status_ = (call); \
        if (try_status_ != DNN_OK)       \
            return try_status_;          \
    } while (0)
/* For functions that own something: they have `dnn_status st` and the label. */
#define DNN__TRY_TO(label, call) \
    do {                         \
        st = (call);             \
        if (st != DNN_OK)        \
            goto label;          \
    } while (0)
#endif
