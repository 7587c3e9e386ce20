/* bad_files.c - copies of a good plugin that are cut, made for other machines, or have a bit
 * flipped. What the check of the file's structure cannot see (bits of code and tables) is tried as
 * the dnn command tries it: the command must outlive it. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abuse.h"

static const char refused[] = "acme was asked for and cannot be used";

static void cut_to(const char *good, size_t n, size_t bytes)
{
    struct setting s;
    char what[64];

    if (bytes >= n) {
        return;
    }
    s = with_bytes("acme", good, bytes, 0755);
    snprintf(what, sizeof what, "cut to %zu of %zu bytes", bytes, n);
    judge(what, run_probe(&s), 4, refused);
}

/* Each byte of the header, the borders of each segment and section, and even steps through the
 * file. */
static void cut(const char *good, size_t n)
{
    Elf64_Ehdr h;
    Elf64_Phdr p;
    Elf64_Shdr s;

    memcpy(&h, good, sizeof h);
    for (size_t i = 0; i <= sizeof h; i++) {
        if (taken(8)) {
            cut_to(good, n, i);
        }
    }
    for (size_t i = 0; i < h.e_phnum; i++) {
        memcpy(&p, good + h.e_phoff + i * sizeof p, sizeof p);
        for (size_t d = 0; d < 3 && taken(3); d++) {
            cut_to(good, n, h.e_phoff + i * sizeof p + d);
            cut_to(good, n, p.p_offset + d);
            cut_to(good, n, p.p_offset + p.p_filesz - 1 + d);
        }
    }
    for (size_t i = 0; i < h.e_shnum; i++) {
        memcpy(&s, good + h.e_shoff + i * sizeof s, sizeof s);
        for (size_t d = 0; d < 3 && taken(8); d++) {
            cut_to(good, n, s.sh_offset - 1 + d);
            cut_to(good, n, h.e_shoff + i * sizeof s + d);
        }
    }
    for (size_t i = 0; i < 256; i++) {
        if (taken(8)) {
            cut_to(good, n, n * i / 256);
        }
    }
}

/* Byte `at` of a copy becomes `value`. */
static struct setting changed(const char *good, size_t n, size_t at, unsigned value)
{
    static char *copy;
    struct setting s;

    copy = realloc(copy, n);
    memcpy(copy, good, n);
    copy[at] = (char)value;
    s = with_bytes("acme", copy, n, 0755);
    return s;
}

static void other_machines(const char *good, size_t n)
{
    static const struct {
        size_t at;
        const char *text;
    } fields[] = {{EI_CLASS, "ELF class"},
                  {EI_DATA, "byte order"},
                  {EI_VERSION, "ELF version"},
                  {offsetof(Elf64_Ehdr, e_type), "ELF type"},
                  {offsetof(Elf64_Ehdr, e_machine), "made for machine"}};
    char what[64];

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (unsigned value = 0; value < 256; value++) {
            struct setting s;

            if (value == (unsigned char)good[fields[i].at] || !taken(40)) {
                continue;
            }
            s = changed(good, n, fields[i].at, value);
            snprintf(what, sizeof what, "byte %zu is %u", fields[i].at, value);
            judge(what, run_probe(&s), 4, fields[i].text);
        }
    }
}

/* Refused or, where nobody reads the bit, as good as before; never a signal. */
static void flip_in_header(const char *good, size_t n, size_t bit)
{
    struct setting s =
        changed(good, n, bit / 8, (unsigned)(unsigned char)good[bit / 8] ^ 1u << bit % 8);
    int code = run_probe(&s);
    char what[64];

    snprintf(what, sizeof what, "bit %zu of the header flipped", bit);
    if (code == 0) {
        passed++;
    } else {
        judge(what, code, 4, refused);
    }
}

static void flip_anywhere(const char *good, size_t n, size_t bit)
{
    struct setting s =
        changed(good, n, bit / 8, (unsigned)(unsigned char)good[bit / 8] ^ 1u << bit % 8);
    int code = run_command(&s);
    char what[64];

    snprintf(what, sizeof what, "bit %zu of the file flipped", bit);
    judge_alive(what, code, "");
}

static void flipped(const char *good, size_t n)
{
    Elf64_Ehdr h;

    memcpy(&h, good, sizeof h);
    for (size_t bit = 0; bit < sizeof h * 8; bit++) {
        if (taken(8)) {
            flip_in_header(good, n, bit);
        }
    }
    for (size_t i = 0; i < 600; i++) { /* a walk with a step that meets all kinds of bytes */
        if (taken(10)) {
            flip_anywhere(good, n, (sizeof h * 8 + i * 8191) % (n * 8));
        }
    }
}

void bad_files(const char *good, size_t n)
{
    cut(good, n);
    other_machines(good, n);
    flipped(good, n);
}
