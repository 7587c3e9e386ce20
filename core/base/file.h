/* file.h - whole files: reading at an offset, and writing that appears whole or not at all.
 * Private. */
#ifndef DNN__FILE_H
#define DNN__FILE_H
#include "base.h"

/* Opens a regular file for reading; *size is fixed now. *fd is the caller's. */
dnn_status dnn__open_file(const char *path, int *fd, uint64_t *size);
/* Exactly bytes from offset; a file that has become shorter is an error. */
dnn_status dnn__read_file_at(const char *path, int fd, void *to, uint64_t bytes, uint64_t offset);

/* A file that appears whole or not at all: a temporary beside it, written, synced and renamed. */
typedef struct dnn__writer {
    const char *path;
    char *folder, *temporary; /* owned; the names in the folder */
    const char *name;
    int folder_fd, fd;
} dnn__writer;
dnn_status dnn__writer_open(dnn__writer *writer, const char *path);
dnn_status dnn__writer_put(dnn__writer *writer, const void *data, uint64_t bytes);
dnn_status dnn__writer_commit(dnn__writer *writer); /* after it the file is saved */
void dnn__writer_close(dnn__writer *writer);        /* drops the temporary if there was no commit */

#endif
