/* archive.h - the members of a tar, plain or gzip, one after the other, in one pass over its bytes.
 *
 * Called by readers whose sets come as archives. Nothing is unpacked to disk, and no name in an
 * archive becomes a path: members are told by their base name. */
#ifndef DNN_DATASETS_ARCHIVE_H
#define DNN_DATASETS_ARCHIVE_H
#include "source.h"

typedef struct dnn__tar dnn__tar;

typedef struct dnn__member {
    const char *base;    /* lives until the next call; "" where the name is not text. NULL after the
                            last member */
    const char *refused; /* why it has no bytes of its own to read ("a symbolic link"), or NULL */
    uint64_t size;
} dnn__member;

/* The stream stays the caller's and must outlive the tar. Fails with DNN_E_FORMAT where the bytes
 * are no tar. */
dnn_status dnn__tar_open(dnn__stream *stream, dnn__tar **out);
/* The next member. After the last one member->base is NULL, and the whole stream has been read and
 * checked: the end marker is there, only zeros follow it, and the stream ends as dnn__stream_end()
 * wants it. */
dnn_status dnn__tar_next(dnn__tar *tar, dnn__member *member);
/* All of the member that dnn__tar_next() gave; once, and only if it is not refused. */
dnn_status dnn__tar_read(dnn__tar *tar, const dnn__member *member, void *buf);
void dnn__tar_close(dnn__tar *tar);

/* For bid(): does the unpacked head begin with a tar header? The base name of its member at
 * `offset`, and the offset of the one after it; false at the end of the head. */
bool dnn__tar_head(const uint8_t *head, uint64_t bytes, uint64_t *offset, char base[101]);
#endif
