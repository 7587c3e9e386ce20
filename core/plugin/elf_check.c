/* elf_check.c - checks the ELF structure of a plugin's file and opens it. A truncated shared object
 * kills the process inside dlopen, so the structure is checked first, on the same descriptor that
 * dlopen then gets. Called by loader.c and readers.c. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plugin_impl.h"

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

enum {
    /* Linkers write about 12 and 30; the loader keeps them on the stack. */
    MAX_SEGMENTS = 64,
    MAX_DYNAMIC = 256
};

/* fmt takes two numbers. */
#define damaged(path, fmt, found, expected)                                  \
    dnn__fail(DNN_E_DEVICE, "%s: not a plugin for this machine: " fmt, path, \
              (unsigned long long)(found), (unsigned long long)(expected))

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
        return damaged(path, "its first bytes are %02llx%02llx, not those of an ELF file",
                       h->e_ident[0], h->e_ident[1]);
    }
    if (h->e_ident[EI_CLASS] != ELFCLASS64) {
        return damaged(path, "ELF class %llu, not %llu (64 bits)", h->e_ident[EI_CLASS],
                       ELFCLASS64);
    }
    if (h->e_ident[EI_DATA] !=
        (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)) {
        return damaged(path, "byte order %llu, not %llu", h->e_ident[EI_DATA], ELFDATA2LSB);
    }
    if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT) {
        return damaged(path, "ELF version %llu, not %llu", h->e_version, EV_CURRENT);
    }
    if (MACHINE >= 0 && h->e_machine != MACHINE) {
        return damaged(path, "made for machine %llu, this is %llu", h->e_machine,
                       (unsigned)MACHINE);
    }
    if (h->e_type != ET_DYN) {
        return damaged(path, "ELF type %llu, not %llu (shared object)", h->e_type, ET_DYN);
    }
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0) {
        return damaged(path, "%llu program headers of %llu bytes", h->e_phnum, h->e_phentsize);
    }
    if (h->e_phnum > MAX_SEGMENTS) {
        return damaged(path, "%llu program headers, more than %llu", h->e_phnum, MAX_SEGMENTS);
    }
    return DNN_OK;
}

static dnn_status check_segment(const char *path, const Elf64_Phdr *p, uint64_t size)
{
    uint64_t end;

    if (!range_inside(p->p_offset, p->p_filesz, size)) {
        return damaged(path, "a segment reaches to byte %llu of %llu: the file is cut short",
                       p->p_offset + p->p_filesz, size);
    }
    if (p->p_type != PT_LOAD) {
        return DNN_OK;
    }
    if ((p->p_flags & PF_R) == 0) {
        return damaged(path, "a segment with flags %llu is not readable: flag %llu is missing",
                       p->p_flags, PF_R);
    }
    if (p->p_filesz > p->p_memsz || __builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) ||
        end >> 47 != 0) {
        return damaged(path, "a segment of %llu bytes fills memory of %llu", p->p_filesz,
                       p->p_memsz);
    }
    if (p->p_align > 1 &&
        ((p->p_align & (p->p_align - 1)) != 0 || (p->p_vaddr - p->p_offset) % p->p_align != 0)) {
        return damaged(path, "a segment at address %llu breaks its alignment of %llu", p->p_vaddr,
                       p->p_align);
    }
    return DNN_OK;
}

/* The segments of one file, and its dynamic table. */
struct image {
    const char *path;
    int n_segments, n_dynamic;
    Elf64_Phdr segment[MAX_SEGMENTS];
    Elf64_Dyn dynamic[MAX_DYNAMIC];
};

/* Returns the loaded segment that holds all of [address, address + bytes); NULL if none does. */
static const Elf64_Phdr *loaded_at(const struct image *im, uint64_t address, uint64_t bytes)
{
    for (int i = 0; i < im->n_segments; i++) {
        const Elf64_Phdr *p = &im->segment[i];

        if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
            range_inside(address - p->p_vaddr, bytes, p->p_memsz)) {
            return p;
        }
    }
    return NULL;
}

/* Checks the segments that the loader reads and writes at their addresses. */
static dnn_status check_placed(const struct image *im, const Elf64_Phdr *p)
{
    const Elf64_Phdr *load;

    if (p->p_type == PT_GNU_STACK && (p->p_flags & PF_X) != 0) {
        return damaged(
            im->path,
            "it asks for an executable stack (flags %llu, not %llu); link with -z noexecstack",
            p->p_flags, p->p_flags & ~(uint32_t)PF_X);
    }
    if (p->p_type != PT_DYNAMIC && p->p_type != PT_TLS && p->p_type != PT_GNU_RELRO) {
        return DNN_OK;
    }
    load = loaded_at(im, p->p_vaddr, p->p_type == PT_TLS ? p->p_filesz : p->p_memsz);
    if (load == NULL && p->p_memsz > 0) {
        return damaged(im->path,
                       "its segment at address %llu of %llu bytes lies in none that is loaded",
                       p->p_vaddr, p->p_memsz);
    }
    if (p->p_type == PT_DYNAMIC && (load == NULL || (load->p_flags & PF_W) == 0 ||
                                    p->p_offset - load->p_offset != p->p_vaddr - load->p_vaddr)) {
        return damaged(im->path,
                       "its dynamic segment at byte %llu is not where address %llu can be written",
                       p->p_offset, p->p_vaddr);
    }
    return DNN_OK;
}

static bool find_dynamic(const struct image *im, int64_t tag, uint64_t *value)
{
    for (int i = 0; i < im->n_dynamic; i++) {
        if (im->dynamic[i].d_tag == tag) {
            *value = im->dynamic[i].d_un.d_val;
            return true;
        }
    }
    return false;
}

static dnn_status read_dynamic(struct image *im, int fd, const Elf64_Phdr *p)
{
    uint64_t n = p->p_filesz / sizeof(Elf64_Dyn);

    if (n == 0 || n > MAX_DYNAMIC ||
        !read_at(fd, im->dynamic, n * sizeof(Elf64_Dyn), p->p_offset)) {
        return damaged(im->path, "a dynamic table of %llu entries, which are 1 to %llu", n,
                       MAX_DYNAMIC);
    }
    for (im->n_dynamic = 0; im->n_dynamic < (int)n; im->n_dynamic++) {
        if (im->dynamic[im->n_dynamic].d_tag == DT_NULL) {
            return DNN_OK;
        }
    }
    return damaged(im->path, "none of the %llu entries of its dynamic table (at byte %llu) ends it",
                   n, p->p_offset);
}

/* Checks address and size of each table that the loader walks; a size of 0 means at least one byte.
 */
static dnn_status check_tables(const struct image *im)
{
    static const struct {
        int64_t at, bytes;
    } table[] = {{DT_STRTAB, DT_STRSZ},
                 {DT_SYMTAB, 0},
                 {DT_RELA, DT_RELASZ},
                 {DT_JMPREL, DT_PLTRELSZ},
                 {DT_HASH, 0},
                 {DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
                 {DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
                 {DT_GNU_HASH, 0},
                 {DT_VERSYM, 0},
                 {DT_VERNEED, 0},
                 {DT_VERDEF, 0},
                 {DT_PLTGOT, 0},
                 {DT_INIT, 0},
                 {DT_FINI, 0}};
    uint64_t at, bytes;

    for (size_t i = 0; i < DNN__COUNT(table); i++) {
        if (!find_dynamic(im, table[i].at, &at)) {
            continue;
        }
        bytes = 1;
        if (table[i].bytes != 0 && !find_dynamic(im, table[i].bytes, &bytes)) {
            return damaged(im->path, "its dynamic table has entry %llu and not %llu, its size",
                           table[i].at, table[i].bytes);
        }
        if (bytes > 0 && loaded_at(im, at, bytes) == NULL) {
            return damaged(
                im->path, "a table at address %llu of %llu bytes lies in no segment that is loaded",
                at, bytes);
        }
    }
    return DNN_OK;
}

static dnn_status check_dynamic(const struct image *im)
{
    /* The loader asserts these, and an assertion ends the process. */
    static const struct {
        int64_t tag;
        uint64_t value;
    } fixed[] = {
        {DT_SYMENT, sizeof(Elf64_Sym)}, {DT_RELAENT, sizeof(Elf64_Rela)}, {DT_PLTREL, DT_RELA}};
    uint64_t value, text_bytes = 0;

    DNN_TRY(check_tables(im));
    if (!find_dynamic(im, DT_STRTAB, &value) || !find_dynamic(im, DT_SYMTAB, &value) ||
        !find_dynamic(im, DT_STRSZ, &text_bytes)) {
        return damaged(im->path,
                       "its dynamic table of %llu entries has no symbols or no names of %llu bytes",
                       (unsigned)im->n_dynamic, text_bytes);
    }
    for (size_t i = 0; i < DNN__COUNT(fixed); i++) {
        if (find_dynamic(im, fixed[i].tag, &value) && value != fixed[i].value) {
            return damaged(im->path, "its dynamic table has %llu where %llu is known", value,
                           fixed[i].value);
        }
    }
    for (int i = 0; i < im->n_dynamic; i++) {
        const Elf64_Dyn *d = &im->dynamic[i];

        if ((d->d_tag == DT_NEEDED || d->d_tag == DT_SONAME || d->d_tag == DT_RPATH ||
             d->d_tag == DT_RUNPATH) &&
            d->d_un.d_val >= text_bytes) {
            return damaged(im->path, "a name at byte %llu of the %llu of names", d->d_un.d_val,
                           text_bytes);
        }
    }
    return DNN_OK;
}

/* The loader does not need the section table, but the table is the last part of the file: if it is
 * missing, the file was cut short. */
static dnn_status check_complete(const char *path, const Elf64_Ehdr *h, uint64_t size)
{
    if (h->e_shoff != 0 && !range_inside(h->e_shoff, (uint64_t)h->e_shnum * h->e_shentsize, size)) {
        return damaged(path, "its sections are listed at byte %llu of %llu: the file is cut short",
                       h->e_shoff, size);
    }
    return DNN_OK;
}

static dnn_status check_segments(struct image *im, int fd, uint64_t size)
{
    const Elf64_Phdr *dynamic = NULL;
    int loads = 0, dynamics = 0;

    for (int i = 0; i < im->n_segments; i++) {
        const Elf64_Phdr *p = &im->segment[i];

        DNN_TRY(check_segment(im->path, p, size));
        loads += p->p_type == PT_LOAD;
        dynamics += p->p_type == PT_DYNAMIC;
        dynamic = p->p_type == PT_DYNAMIC ? p : dynamic;
    }
    if (loads == 0 || dynamics != 1) {
        return damaged(im->path, "%llu segments to load and %llu dynamic ones", (unsigned)loads,
                       (unsigned)dynamics);
    }
    for (int i = 0; i < im->n_segments; i++) {
        DNN_TRY(check_placed(im, &im->segment[i]));
    }
    DNN_TRY(read_dynamic(im, fd, dynamic));
    return check_dynamic(im);
}

static dnn_status check_elf(const char *path, int fd, uint64_t size)
{
    Elf64_Ehdr header;
    struct image im = {.path = path};

    if (size < sizeof header || !read_at(fd, &header, sizeof header, 0)) {
        return damaged(path, "%llu bytes are fewer than an ELF header's %llu", size, sizeof header);
    }
    DNN_TRY(check_header(path, &header));
    im.n_segments = header.e_phnum;
    if (!range_inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr), size) ||
        !read_at(fd, im.segment, (size_t)header.e_phnum * sizeof(Elf64_Phdr), header.e_phoff)) {
        return damaged(path, "the program headers at byte %llu reach past the %llu of the file",
                       header.e_phoff, size);
    }
    DNN_TRY(check_segments(&im, fd, size));
    return check_complete(path, &header, size);
}

/* ---- opening ---- */

dnn_status dnn__open_checked(const char *path, int *fd)
{
    uint64_t size = 0;
    dnn_status status;

    DNN_TRY(dnn__open_trusted(path, fd, &size));
    status = check_elf(path, *fd, size);
    if (status != DNN_OK) {
        close(*fd);
    }
    return status;
}

/* The files that are open. They stay open and mapped until the process ends: the loader knows an
 * object by its name, so a descriptor number that is closed and used again would give the first
 * plugin for the second. */
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

    /* "self", not the number: in a PID namespace that sees the outer /proc the number belongs to
     * another process or to none. AddressSanitizer of clang 14 does not name the frames of such a
     * plugin then. */
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (access(name, F_OK) != 0) {
        return dnn__fail(DNN_E_DEVICE, "%s: %s is not there: plugins are loaded through /proc only",
                         path, name);
    }
    dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in dlopen", path);
    *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (*handle == NULL) {
        const char *words = dlerror();
        size_t own = strlen(name);

        if (words != NULL && strncmp(words, name, own) == 0 && strncmp(words + own, ": ", 2) == 0) {
            words += own + 2; /* our /proc path means nothing to the user */
        }
        return dnn__fail(DNN_E_DEVICE, "%s: the loader says: %s", path,
                         words != NULL ? words : "nothing");
    }
    return DNN_OK;
}

static dnn_status open_once(const char *path, void **handle)
{
    struct stat st;
    dnn_status status;
    int fd;

    DNN_TRY(dnn__open_checked(path, &fd));
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
    status = n_opened < MAX_OPENED
                 ? load(path, fd, handle)
                 : dnn__fail(DNN_E_DEVICE, "%s: more than %d plugin files", path, MAX_OPENED);
    if (status != DNN_OK) {
        close(fd);
        return status;
    }
    opened[n_opened++] = (struct opened){st.st_dev, st.st_ino, *handle};
    return DNN_OK;
}

/* Finds a symbol of the object itself: dlsym also searches the libraries that the object needs. */
static void *own_symbol(void *handle, const char *symbol)
{
    void *found = dlsym(handle, symbol), *map = NULL;
    struct link_map *own = NULL;
    Dl_info info;

    if (found == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &own) != 0 ||
        dladdr1(found, &info, &map, RTLD_DL_LINKMAP) == 0) {
        return NULL;
    }
    return map == (void *)own ? found : NULL;
}

dnn_status dnn__open_symbol(const char *path, const char *symbol, void **out)
{
    void *handle = NULL;
    dnn_status status;

    pthread_mutex_lock(&opened_lock);
    status = open_once(path, &handle);
    pthread_mutex_unlock(&opened_lock);
    DNN_TRY(status);
    *out = own_symbol(handle, symbol);
    if (*out == NULL) {
        bool reader =
            strcmp(symbol, "dnn_reader_v1") != 0 && own_symbol(handle, "dnn_reader_v1") != NULL;

        return dnn__fail(DNN_E_DEVICE, "%s: it does not export %s: not a plugin of this kind%s",
                         path, symbol,
                         reader ? ", but a reader, whose place is the folder readers/" : "");
    }
    return DNN_OK;
}
