/* file.c - reads files whose size is fixed at open, and writes them atomically: the old file stays
 * until the new one is on disk. The formats are in core/io. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file.h"

static dnn_status failed(const char *path, const char *call)
{
    return dnn__fail(errno == ENOMEM ? DNN_E_NOMEM : DNN_E_IO, "%s: %s: %s", path, call,
                     strerror(errno));
}

/* A system call that a signal interrupted (EINTR) is repeated at most this many times. */
enum { PATIENCE = 1000 };

/* ---- reading ---- */

dnn_status dnn__open_file(const char *path, int *fd, uint64_t *size)
{
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a FIFO must not block */
    dnn_status status = DNN_OK;

    if (file < 0) {
        return failed(path, "open");
    }
    if (fstat(file, &st) != 0) {
        status = failed(path, "stat");
    } else if (!S_ISREG(st.st_mode)) {
        status = dnn__fail(DNN_E_IO, "%s: not a regular file", path);
    }
    if (status != DNN_OK) {
        close(file);
        return status;
    }
    *fd = file;
    *size = (uint64_t)st.st_size;
    return DNN_OK;
}

dnn_status dnn__read_file_at(const char *path, int fd, void *to, uint64_t bytes, uint64_t offset)
{
    char *at = to;

    for (int broken_off = 0; bytes > 0;) {
        ssize_t n = pread(fd, at, bytes < 1 << 30 ? bytes : 1 << 30, (off_t)offset);

        if (n < 0 && errno == EINTR && broken_off++ < PATIENCE) {
            continue;
        }
        if (n < 0) {
            return failed(path, "read");
        }
        if (n == 0) {
            return dnn__fail(DNN_E_IO, "%s: it ends at byte %llu, and had more when it was opened",
                             path, (unsigned long long)offset);
        }
        at += n;
        offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return DNN_OK;
}

/* ---- writing ---- */

static dnn_status split_path(dnn__writer *w)
{
    const char *slash = strrchr(w->path, '/');

    w->name = slash != NULL ? slash + 1 : w->path;
    if (*w->name == 0) {
        return dnn__fail(DNN_E_IO, "%s: not the name of a file", w->path);
    }
    w->folder = slash != NULL ? dnn__strdup(w->path) : dnn__strdup(".");
    w->temporary = dnn__alloc(strlen(w->name) + 64);
    if (w->folder == NULL || w->temporary == NULL) {
        return dnn__nomem(w->path, strlen(w->path));
    }
    if (slash != NULL) {
        w->folder[slash == w->path ? 1 : slash - w->path] = 0;
    }
    return DNN_OK;
}

dnn_status dnn__writer_open(dnn__writer *w, const char *path)
{
    *w = (dnn__writer){.path = path, .folder_fd = -1, .fd = -1};
    DNN_TRY(split_path(w));
    w->folder_fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->folder_fd < 0) {
        return failed(w->folder, "open");
    }
    for (int i = 0; i < 100 && w->fd < 0;
         i++) { /* an earlier writer may have left its temporary file */
        snprintf(w->temporary, strlen(w->name) + 64, ".%s.tmp-%ld-%d", w->name, (long)getpid(), i);
        w->fd = openat(w->folder_fd, w->temporary,
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (w->fd < 0 && errno != EEXIST) {
            break;
        }
    }
    return w->fd >= 0 ? DNN_OK : failed(path, "create");
}

dnn_status dnn__writer_put(dnn__writer *w, const void *data, uint64_t bytes)
{
    const char *at = data;

    for (int broken_off = 0; bytes > 0;) {
        ssize_t n = write(w->fd, at, bytes < 1 << 30 ? bytes : 1 << 30);

        if (n < 0 && errno == EINTR && broken_off++ < PATIENCE) {
            continue;
        }
        if (n < 0) {
            return failed(w->path, "write");
        }
        at += n;
        bytes -= (uint64_t)n;
    }
    return DNN_OK;
}

dnn_status dnn__writer_commit(dnn__writer *w)
{
    int closed;

    /* After a failed fsync the kernel may have dropped the data, so the file is not tried again. */
    if (fsync(w->fd) != 0) {
        return failed(w->path, "fsync");
    }
    closed = close(w->fd);
    w->fd = -1;
    if (closed != 0) {
        return failed(w->path, "close");
    }
    if (renameat(w->folder_fd, w->temporary, w->folder_fd, w->name) != 0) {
        return failed(w->path, "rename");
    }
    w->temporary[0] = 0;
    return fsync(w->folder_fd) == 0 ? DNN_OK : failed(w->path, "fsync of its folder");
}

void dnn__writer_close(dnn__writer *w)
{
    if (w->fd >= 0) {
        close(w->fd);
    }
    if (w->folder_fd >= 0) {
        if (w->temporary != NULL && w->temporary[0] != 0) {
            unlinkat(w->folder_fd, w->temporary, 0);
        }
        close(w->folder_fd);
    }
    dnn__free(w->folder);
    dnn__free(w->temporary);
}
