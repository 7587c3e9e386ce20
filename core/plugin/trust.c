/* trust.c - who may write a file that libdnn opens, and the folder that the file is in. A file is
 * trusted if only root, the user and the owner of libdnn may write it. elf_check.c opens plugins
 * with it, autotune_file.c the file of timings. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plugin_impl.h"

/* Returns the owner of libdnn's own file: plugins beside it may belong to the same user. */
static uid_t owner_of_libdnn(void)
{
    Dl_info info;
    struct stat st;

    if (dladdr(__extension__(void *) owner_of_libdnn, &info) != 0 && info.dli_fname != NULL &&
        stat(info.dli_fname, &st) == 0) {
        return st.st_uid;
    }
    return 0;
}

static dnn_status check_trust(const char *path, const char *what, const struct stat *st)
{
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: refused: the %s may be written by others (mode %04o); chmod go-w %s",
                         path, what, (unsigned)(st->st_mode & 07777), path);
    }
    if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner_of_libdnn()) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: refused: the %s belongs to user %u, not to root, to you or to the owner of libdnn",
            path, what, (unsigned)st->st_uid);
    }
    return DNN_OK;
}

dnn_status dnn__check_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    struct stat st;

    if (slash == NULL || length >= sizeof folder) {
        return dnn__fail(DNN_E_DEVICE, "%s: not an absolute path of ordinary length", path);
    }
    memcpy(folder, path, length);
    folder[length] = 0;
    if (stat(length > 0 ? folder : "/", &st) != 0) {
        return dnn__fail(DNN_E_DEVICE, "%s: %s", folder, strerror(errno));
    }
    return check_trust(folder, "folder", &st);
}

/* Checks the folder that a link leads to: a user who may write that folder can replace the file. */
static dnn_status check_link(const char *path, int fd)
{
    char name[64], target[4096];
    struct stat st;
    ssize_t n;

    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode)) {
        return DNN_OK;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    n = readlink(name, target, sizeof target - 1);
    if (n < 0) {
        return dnn__fail(DNN_E_DEVICE, "%s: the target of the link cannot be read: %s", path,
                         strerror(errno));
    }
    target[n] = 0;
    return dnn__check_folder(target);
}

dnn_status dnn__open_trusted(const char *path, int *fd, uint64_t *size)
{
    struct stat st;
    dnn_status status;
    int file;

    DNN_TRY(dnn__check_folder(path));
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a FIFO must not block */
    if (file < 0) {
        return dnn__fail(DNN_E_DEVICE, "%s: %s", path, strerror(errno));
    }
    if (fstat(file, &st) != 0) {
        status = dnn__fail(DNN_E_DEVICE, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = dnn__fail(DNN_E_DEVICE, "%s: not a regular file", path);
    } else {
        status = check_trust(path, "file", &st);
    }
    if (status == DNN_OK) {
        status = check_link(path, file);
    }
    if (status != DNN_OK) {
        close(file);
        return status;
    }
    *fd = file;
    *size = (uint64_t)st.st_size;
    return DNN_OK;
}
