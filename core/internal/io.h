/* io.h - files as the core reads and writes them: whole-file facts, atomic writing, the walk over a JSON object's members. Private. */
#ifndef DNN__IO_H
#define DNN__IO_H
#include "base.h"
#include "dnn/io.h"

/* ---- file.c ---- */
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
dnn_status dnn__writer_commit(dnn__writer *writer);  /* after it the file is saved */
void dnn__writer_close(dnn__writer *writer);         /* drops the temporary if there was no commit */

/* ---- safetensors.c ---- */
/* The number of the tensor of that name; -1 if there is none. Names are sorted: no text is parsed. */
int64_t dnn__file_find(const dnn_file *file, const char *name);

/* ---- json_members.c ---- */
/* A member of an object in text: where its key and its value stand, the quotes and braces included. */
typedef struct dnn__member {
    size_t key, key_bytes, value, value_bytes;
} dnn__member;
typedef struct dnn__members {
    const char *text;
    size_t bytes, at, count;
} dnn__members;
/* Begins at the opening brace of text[at]. */
dnn_status dnn__members_begin(dnn__members *m, const char *text, size_t bytes, size_t at);
/* The next member; *end at the closing brace, and m->at behind it. The message says what was found at which byte. `open` is the character
 * that values begin with: '{' or '"'. Strings are checked for their ends only. */
dnn_status dnn__members_next(dnn__members *m, char open, dnn__member *out, bool *end);

#endif
