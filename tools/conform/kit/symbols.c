/* symbols.c - checks the dynamic symbols of a plugin's file: its exports and its imports. The child
 * that checks the table calls it, after the library has checked the structure of the file. */
#include "kit.h"
#include <elf.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct image {
    const char *bytes;
    size_t size;
    const Elf64_Shdr *section;
    int n_sections;
} image;

static bool inside(const image *im, uint64_t offset, uint64_t bytes)
{
    return offset <= im->size && bytes <= im->size - offset;
}

static bool read_sections(image *im)
{
    const Elf64_Ehdr *h = (const void *)im->bytes;

    if (!inside(im, 0, sizeof *h) || h->e_shentsize != sizeof(Elf64_Shdr) ||
        h->e_shoff % _Alignof(Elf64_Shdr) != 0 ||
        !inside(im, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)) || h->e_shnum == 0)
        return false;
    im->section = (const void *)(im->bytes + h->e_shoff);
    im->n_sections = h->e_shnum;
    return true;
}

/* Returns a section and its string table. */
static const void *section_of(const image *im, uint32_t type, uint64_t *bytes,
                              const Elf64_Shdr **text)
{
    for (int i = 0; i < im->n_sections; i++) {
        const Elf64_Shdr *s = &im->section[i];

        if (s->sh_type != type || s->sh_link >= (uint32_t)im->n_sections ||
            !inside(im, s->sh_offset, s->sh_size) || s->sh_offset % 8 != 0)
            continue;
        *text = &im->section[s->sh_link];
        if (!inside(im, (*text)->sh_offset, (*text)->sh_size))
            continue;
        *bytes = s->sh_size;
        return im->bytes + s->sh_offset;
    }
    return NULL;
}

static const char *name_at(const image *im, const Elf64_Shdr *text, uint64_t at)
{
    const char *start = im->bytes + text->sh_offset;

    return at < text->sh_size && memchr(start + at, 0, text->sh_size - at) != NULL ? start + at
                                                                                   : "";
}

static bool among(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (fnmatch(*list, name, 0) == 0)
            return true;
    }
    return false;
}

static void check_symbol(const kit_child *child, const Elf64_Sym *s, const char *name)
{
    /* Symbols that the linker or a sanitizer adds. */
    static const char *const may_export[] = {"dnn_plugin_v[0-9]",
                                             "dnn_reader_v[0-9]",
                                             "_init",
                                             "_fini",
                                             "__bss_start",
                                             "_edata",
                                             "_end",
                                             "__asan_*",
                                             "__ubsan_*",
                                             "__odr_asan*",
                                             "__sanitizer_*",
                                             "__start_*",
                                             "__stop_*",
                                             NULL};
    static const char *const ends[] = {"abort",         "exit",  "_exit", "_Exit", "quick_exit",
                                       "__assert_fail", "raise", "kill",  NULL};
    static const char *const prints[] = {"printf",        "vprintf", "puts",   "putchar", "fprintf",
                                         "vfprintf",      "fputs",   "fputc",  "fwrite",  "perror",
                                         "__*printf_chk", "stdout",  "stderr", NULL};
    static const char *const changes[] = {"setenv",     "putenv",   "unsetenv", "signal",
                                          "sigaction",  "atexit",   "on_exit",  "setlocale",
                                          "fesetround", "fesetenv", "chdir",    NULL};
    static const char *const prints_not[] = {"__s*printf_chk", "__vs*printf_chk", NULL};
    int bind = ELF64_ST_BIND(s->st_info), seen = ELF64_ST_VISIBILITY(s->st_other);

    if (s->st_shndx != SHN_UNDEF) {
        if (bind != STB_LOCAL && (seen == STV_DEFAULT || seen == STV_PROTECTED) &&
            !among(name, may_export))
            kit_sendf(child, KIT_FAIL, -1, 0,
                      "it exports %s: a plugin exports its entry function and nothing else "
                      "(-fvisibility=hidden)",
                      name);
    } else if (strncmp(name, "dnn_", 4) == 0) {
        kit_sendf(child, KIT_FAIL, -1, 0,
                  "it needs the symbol %s of libdnn: what a plugin needs comes in the host table",
                  name);
    } else if (among(name, ends)) {
        kit_sendf(child, KIT_WARN, -1, 0, "it imports %s, which ends the process", name);
    } else if (among(name, prints) && !among(name, prints_not)) {
        kit_sendf(child, KIT_WARN, -1, 0, "it imports %s, which prints", name);
    } else if (among(name, changes)) {
        kit_sendf(child, KIT_WARN, -1, 0, "it imports %s, which changes the process", name);
    }
}

static void check_image(const kit_child *child, const image *im)
{
    const Elf64_Shdr *text;
    uint64_t bytes = 0;
    const Elf64_Sym *symbol = section_of(im, SHT_DYNSYM, &bytes, &text);
    const Elf64_Dyn *dynamic;

    if (symbol == NULL) {
        kit_sendf(child, KIT_WARN, -1, 0,
                  "its file has no section of dynamic symbols: exports and "
                  "imports were not checked");
        return;
    }
    for (uint64_t i = 1; i < bytes / sizeof *symbol; i++)
        check_symbol(child, &symbol[i], name_at(im, text, symbol[i].st_name));
    dynamic = section_of(im, SHT_DYNAMIC, &bytes, &text);
    for (uint64_t i = 0; dynamic != NULL && i < bytes / sizeof *dynamic; i++) {
        if (dynamic[i].d_tag == DT_NEEDED &&
            strncmp(name_at(im, text, dynamic[i].d_un.d_val), "libdnn.", 7) == 0)
            kit_sendf(child, KIT_FAIL, -1, 0,
                      "it is linked to %s: a plugin links to nothing of libdnn",
                      name_at(im, text, dynamic[i].d_un.d_val));
    }
}

void kit_check_symbols(const kit_child *child)
{
    int fd = open(child->options->file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    image im = {0};
    void *map = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED) {
        im.bytes = map;
        im.size = (size_t)st.st_size;
        if (read_sections(&im))
            check_image(child, &im);
        munmap(map, im.size);
    }
    if (fd >= 0)
        close(fd);
}
