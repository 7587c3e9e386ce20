/* file.h - whole files: reading at an offset, and atomic writing. Private. */
#ifndef DNN__FILE_H
#define DNN__FILE_H
#include "base.h"

/* Opens a regular file for reading. *size is its size at this moment. The caller owns *fd. */
dnn_status dnn__open_file(const char *path, int *fd, uint64_t *size);
/* Reads exactly `bytes` from offset. If the file has become shorter: DNN_E_IO. */
dnn_status dnn__read_file_at(const char *path, int fd, void *to, uint64_t bytes, uint64_t offset);

/* Writes a file atomically: into a temporary in the same folder, which is synced and renamed. */
typedef struct dnn__writer {
    const char *path;
    char *folder, *temporary; /* owned; file names relative to the folder */
    const char *name;
    int folder_fd, fd;
} dnn__writer;
dnn_status dnn__writer_open(dnn__writer *writer, const char *path);
dnn_status dnn__writer_put(dnn__writer *writer, const void *data, uint64_t bytes);
dnn_status dnn__writer_commit(dnn__writer *writer); /* after DNN_OK the file is on disk */
void dnn__writer_close(dnn__writer *writer); /* deletes the temporary if there was no commit */

#endif
