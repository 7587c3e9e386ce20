/* plugin_check.c - is a file fit to be opened as a plugin: who may write it, and does its ELF structure hold what it says.
 * A truncated shared object kills the process inside dlopen, so the structure is checked first, on the descriptor that is then
 * opened. Called by plugin_host.c and plugin_readers.c. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plugins.h"

/* ---- trust ---- */

/* The owner of libdnn's own file: a plugin beside it may be theirs. */
static uid_t owner_of_libdnn(void)
{
    Dl_info info;
    struct stat st;

    if (dladdr(__extension__(void *)owner_of_libdnn, &info) != 0 && info.dli_fname != NULL && stat(info.dli_fname, &st) == 0) {
        return st.st_uid;
    }
    return 0;
}

static dnn_status check_trust(const char *path, const char *what, const struct stat *st)
{
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return dnn__fail(DNN_E_DEVICE, "%s: refused: the %s may be written by others (mode %04o); chmod go-w %s", path, what,
                         (unsigned)(st->st_mode & 07777), path);
    }
    if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner_of_libdnn()) {
        return dnn__fail(DNN_E_DEVICE, "%s: refused: the %s belongs to user %u, not to root, to you or to the owner of libdnn", path,
                         what, (unsigned)st->st_uid);
    }
    return DNN_OK;
}

static dnn_status check_folder(const char *path)
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

/* ---- ELF ---- */

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { MACHINE = EM_PPC64 };
#else
enum { MACHINE = -1 };
#endif

/* fmt takes two numbers. */
#define damaged(path, fmt, found, expected)                                                               \
    dnn__fail(DNN_E_DEVICE, "%s: not a plugin for this machine: " fmt, path, (unsigned long long)(found), \
              (unsigned long long)(expected))

static bool range_inside(uint64_t offset, uint64_t bytes, uint64_t size)
{
    uint64_t end;

    return !__builtin_add_overflow(offset, bytes, &end) && end <= size;
}

static bool read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
    ssize_t n;

    do {
        n = pread(fd, to, bytes, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)bytes;
}

static dnn_status check_header(const char *path, const Elf64_Ehdr *h)
{
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) {
        return damaged(path, "its first bytes are %02llx%02llx, not those of an ELF file", h->e_ident[0], h->e_ident[1]);
    }
    if (h->e_ident[EI_CLASS] != ELFCLASS64) {
        return damaged(path, "ELF class %llu, not %llu (64 bits)", h->e_ident[EI_CLASS], ELFCLASS64);
    }
    if (h->e_ident[EI_DATA] != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)) {
        return damaged(path, "byte order %llu, not %llu", h->e_ident[EI_DATA], ELFDATA2LSB);
    }
    if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT) {
        return damaged(path, "ELF version %llu, not %llu", h->e_version, EV_CURRENT);
    }
    if (MACHINE >= 0 && h->e_machine != MACHINE) {
        return damaged(path, "made for machine %llu, this is %llu", h->e_machine, (unsigned)MACHINE);
    }
    if (h->e_type != ET_DYN) {
        return damaged(path, "ELF type %llu, not %llu (shared object)", h->e_type, ET_DYN);
    }
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum == PN_XNUM) {
        return damaged(path, "%llu program headers of %llu bytes", h->e_phnum, h->e_phentsize);
    }
    return DNN_OK;
}

static dnn_status check_segment(const char *path, const Elf64_Phdr *p, uint64_t size)
{
    uint64_t end;

    if (!range_inside(p->p_offset, p->p_filesz, size)) {
        return damaged(path, "a segment reaches to byte %llu of %llu: the file is cut short", p->p_offset + p->p_filesz, size);
    }
    if (p->p_type != PT_LOAD) {
        return DNN_OK;
    }
    if (p->p_filesz > p->p_memsz || __builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end >> 47 != 0) {
        return damaged(path, "a segment of %llu bytes fills memory of %llu", p->p_filesz, p->p_memsz);
    }
    if (p->p_align > 1 && ((p->p_align & (p->p_align - 1)) != 0 || (p->p_vaddr - p->p_offset) % p->p_align != 0)) {
        return damaged(path, "a segment at address %llu breaks its alignment of %llu", p->p_vaddr, p->p_align);
    }
    return DNN_OK;
}

static dnn_status check_elf(const char *path, int fd, uint64_t size)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    int loads = 0, dynamics = 0;

    if (size < sizeof header || !read_at(fd, &header, sizeof header, 0)) {
        return damaged(path, "%llu bytes are fewer than an ELF header's %llu", size, sizeof header);
    }
    DNN_TRY(check_header(path, &header));
    if (!range_inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof segment, size)) {
        return damaged(path, "the program headers at byte %llu reach past the %llu of the file", header.e_phoff, size);
    }
    for (unsigned i = 0; i < header.e_phnum; i++) {
        if (!read_at(fd, &segment, sizeof segment, header.e_phoff + i * sizeof segment)) {
            return damaged(path, "program header %llu of %llu cannot be read", i, header.e_phnum);
        }
        DNN_TRY(check_segment(path, &segment, size));
        loads += segment.p_type == PT_LOAD;
        dynamics += segment.p_type == PT_DYNAMIC;
    }
    if (loads == 0 || dynamics != 1) {
        return damaged(path, "%llu segments to load and %llu dynamic ones", (unsigned)loads, (unsigned)dynamics);
    }
    return DNN_OK;
}

/* ---- opening ---- */

dnn_status dnn__check_open(const char *path, int *fd)
{
    struct stat st;
    dnn_status status;
    int file;

    DNN_TRY(check_folder(path));
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
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
        status = check_elf(path, file, (uint64_t)st.st_size);
    }
    if (status != DNN_OK) {
        close(file);
        return status;
    }
    *fd = file;
    return DNN_OK;
}

/* Files opened so far. They stay open and mapped for the life of the process: the loader knows an object by its name, so a
 * number that is closed and used again would give the first plugin for the second. */
enum { MAX_OPENED = 256 };
static struct opened {
    dev_t device;
    ino_t inode;
    void *handle;
} opened[MAX_OPENED];
static int n_opened;
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static dnn_status load(const char *path, int fd, void **handle)
{
    char name[64];

    snprintf(name, sizeof name, "/proc/%ld/fd/%d", (long)getpid(), fd);
    if (access(name, F_OK) != 0) {
        return dnn__fail(DNN_E_DEVICE, "%s: %s is not there: plugins are loaded through /proc only", path, name);
    }
    *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (*handle == NULL) {
        const char *words = dlerror();

        return dnn__fail(DNN_E_DEVICE, "%s: the loader says: %s", path, words != NULL ? words : "nothing");
    }
    return DNN_OK;
}

static dnn_status open_once(const char *path, void **handle)
{
    struct stat st;
    dnn_status status;
    int fd;

    DNN_TRY(dnn__check_open(path, &fd));
    if (fstat(fd, &st) != 0) {
        close(fd);
        return dnn__fail(DNN_E_DEVICE, "%s: %s", path, strerror(errno));
    }
    for (int i = 0; i < n_opened; i++) {
        if (opened[i].device == st.st_dev && opened[i].inode == st.st_ino) {
            close(fd);
            *handle = opened[i].handle;
            return DNN_OK;
        }
    }
    status = n_opened < MAX_OPENED ? load(path, fd, handle)
                                   : dnn__fail(DNN_E_DEVICE, "%s: more than %d plugin files", path, MAX_OPENED);
    if (status != DNN_OK) {
        close(fd);
        return status;
    }
    opened[n_opened++] = (struct opened){st.st_dev, st.st_ino, *handle};
    return DNN_OK;
}

dnn_status dnn__open_symbol(const char *path, const char *symbol, void **out)
{
    void *handle = NULL;
    dnn_status status;

    pthread_mutex_lock(&opened_lock);
    status = open_once(path, &handle);
    pthread_mutex_unlock(&opened_lock);
    DNN_TRY(status);
    *out = dlsym(handle, symbol);
    if (*out == NULL) {
        return dnn__fail(DNN_E_DEVICE, "%s: it does not export %s: not a plugin of this kind", path, symbol);
    }
    return DNN_OK;
}
