/* archive.h - iterates over the members of a tar archive, plain or gzip, in one pass over its
 * bytes.
 *
 * Called by readers whose data sets are archives. Nothing is unpacked to disk, and no name in an
 * archive is used as a path: a member is identified by its base name. */
#ifndef DNN_DATASETS_ARCHIVE_H
#define DNN_DATASETS_ARCHIVE_H
#include "source.h"

typedef struct dnn__tar dnn__tar;

typedef struct dnn__member {
    /* Valid until the next call. "" if the name is not text; NULL after the last member. */
    const char *base;
    const char *refused; /* why it has no data to read ("a symbolic link"), or NULL */
    uint64_t size;
} dnn__member;

/* The caller keeps the stream, which must outlive the tar. Fails with DNN_E_FORMAT if the bytes are
 * not a tar archive. */
dnn_status dnn__tar_open(dnn__stream *stream, dnn__tar **out);
/* Returns the next member. After the last one member->base is NULL, and the whole stream has been
 * read and checked: it has the end marker, only zeros follow, and dnn__stream_end() succeeded. */
dnn_status dnn__tar_next(dnn__tar *tar, dnn__member *member);
/* Reads all data of the member that dnn__tar_next() returned. Call it once, and not for a refused
 * member. */
dnn_status dnn__tar_read(dnn__tar *tar, const dnn__member *member, void *buf);
void dnn__tar_close(dnn__tar *tar);

/* For bid(): returns whether the unpacked head has a tar header at `offset`. Sets the base name of
 * its member, and advances offset to the next header. Returns false at the end of the head. */
bool dnn__tar_head(const uint8_t *head, uint64_t bytes, uint64_t *offset, char base[101]);
#endif
