/* reader_support.h - helpers of the tests of data-set readers: a host table that counts, and
 * builders of small files. Each test_reader_*.c links the sources of one reader. Functions are
 * inline, so that a test may leave some unused. Every folder that they make is removed. */
#ifndef READER_SUPPORT_H
#define READER_SUPPORT_H
#include "dnn_reader.h"
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Criterion runs each test in a process of its own, so these begin at 0 in every test. */
static char said[2048];
static long live_blocks, allocs_until_failure = -1;
static size_t largest_block;

/* A file that changes its length while it is read: at allocation resize_at, counted from 0. */
static const char *resize_path;
static long resize_at;
static off_t resize_to;

static inline dnn_status host_fail(dnn_status status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(said, sizeof(said), fmt, args);
    va_end(args);
    return status;
}

static char host_logged[400]; /* the last line */

static inline void host_log(int level, const char *fmt, ...)
{
    va_list list;

    (void)level;
    va_start(list, fmt);
    vsnprintf(host_logged, sizeof(host_logged), fmt, list);
    va_end(list);
}

static inline void *host_alloc(size_t bytes, size_t align)
{
    void *memory = NULL;

    if (resize_path != NULL && resize_at-- == 0)
        cr_assert(truncate(resize_path, resize_to) == 0);
    if (allocs_until_failure == 0)
        return NULL;
    if (allocs_until_failure > 0)
        allocs_until_failure--;
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, bytes) != 0)
        return NULL;
    live_blocks++;
    largest_block = bytes > largest_block ? bytes : largest_block;
    return memory;
}

static inline void host_free(void *memory)
{
    cr_assert(memory != NULL, "a reader freed NULL");
    live_blocks--;
    free(memory);
}

static const dnn_reader_host host = {.size = sizeof(dnn_reader_host),
                                     .fail = host_fail,
                                     .log = host_log,
                                     .alloc = host_alloc,
                                     .free = host_free};

struct bytes {
    uint8_t *at;
    size_t n;
};

static inline void put(struct bytes *to, const void *from, size_t n)
{
    to->at = realloc(to->at, to->n + n + 1);
    cr_assert(to->at != NULL);
    if (n > 0 && from != NULL)
        memcpy(to->at + to->n, from, n);
    else
        memset(to->at + to->n, 0, n);
    to->n += n;
}

static inline void drop(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

/* Bytes that do not compress, the same ones for the same seed. */
static inline uint8_t noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint8_t)(*state >> 24);
}

static inline struct bytes gzip_of(struct bytes plain)
{
    struct bytes out = {0};
    z_stream z = {0};

    cr_assert(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    out.n = deflateBound(&z, plain.n) + 32;
    out.at = malloc(out.n);
    cr_assert(out.at != NULL);
    z.next_in = plain.at;
    z.avail_in = (uInt)plain.n;
    z.next_out = out.at;
    z.avail_out = (uInt)out.n;
    cr_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.n -= z.avail_out;
    deflateEnd(&z);
    return out;
}

/* One ustar header. size is what it claims. */
static inline void put_header(struct bytes *tar, const char *path, char type, const char *link,
                              uint64_t size)
{
    uint8_t block[512] = {0};
    char number[16];
    unsigned sum = 0;

    memcpy(block, path, strlen(path));
    memcpy(block + 100, "0000644", 7);
    memcpy(block + 108, "0000000", 7);
    memcpy(block + 116, "0000000", 7);
    snprintf(number, sizeof(number), "%011llo", (unsigned long long)size);
    memcpy(block + 124, number, 11);
    memcpy(block + 136, "00000000000", 11);
    memset(block + 148, ' ', 8);
    block[156] = (uint8_t)type;
    memcpy(block + 157, link, strlen(link));
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
    for (int i = 0; i < 512; i++)
        sum += block[i];
    snprintf(number, sizeof(number), "%06o", sum);
    memcpy(block + 148, number, 7);
    put(tar, block, 512);
}

static inline void put_member(struct bytes *tar, const char *path, const void *data, size_t n)
{
    put_header(tar, path, '0', "", n);
    put(tar, data, n);
    put(tar, NULL, (512 - n % 512) % 512);
}

static inline void put_end(struct bytes *tar)
{
    put(tar, NULL, 1024);
}

/* A folder for one test. */
static char folder[256];

static inline void folder_make(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/dnn_reader_XXXXXX", base != NULL ? base : P_tmpdir);
    cr_assert(mkdtemp(folder) != NULL);
}

static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void folder_remove(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    cr_assert(live_blocks == 0, "%ld blocks are still live", live_blocks);
}

/* Paths of at most four calls live at a time. */
static inline const char *in_folder(const char *name)
{
    static char path[4][512];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
    return path[turn];
}

static inline void write_file(const char *name, const void *data, size_t n)
{
    FILE *file = fopen(in_folder(name), "wb");

    cr_assert(file != NULL, "cannot write %s", name);
    cr_assert(n == 0 || fwrite(data, 1, n, file) == n);
    cr_assert(fclose(file) == 0);
}

static inline void write_bytes(const char *name, struct bytes plain, bool packed)
{
    struct bytes bytes = packed ? gzip_of(plain) : plain;

    write_file(name, bytes.at, bytes.n);
    if (packed)
        drop(&bytes);
}

static inline dnn_status open_set(const char *path, const char *split, const char *options,
                                  uint64_t max_bytes, void **set)
{
    const dnn_reader_request request = {.size = sizeof(request),
                                        .path = path,
                                        .split = split,
                                        .options = options,
                                        .max_bytes = max_bytes,
                                        .host = &host};

    said[0] = '\0';
    *set = NULL;
    return dnn_reader_v1()->open(&request, set);
}

static inline void expect_text(const char *words)
{
    cr_assert(strstr(said, words) != NULL, "expected \"%s\" in \"%s\"", words, said);
}

/* The set does not open, says so, and leaves nothing. */
#define EXPECT_REFUSED(status, words, ...)                                                   \
    do {                                                                                     \
        void *refused_set_;                                                                  \
        dnn_status refused_st_ = open_set(__VA_ARGS__, &refused_set_);                       \
        cr_assert(refused_st_ == (status), "status %d, expected %d: %s", (int)refused_st_,   \
                  (int)(status), said);                                                      \
        cr_assert(refused_set_ == NULL, "a failed open left a set");                         \
        cr_assert(live_blocks == 0, "a failed open left %ld blocks: %s", live_blocks, said); \
        expect_text(words);                                                                  \
    } while (0)

#define EXPECT_OPENS(set, ...)                                                 \
    do {                                                                       \
        dnn_status opens_st_ = open_set(__VA_ARGS__, &(set));                  \
        cr_assert(opens_st_ == DNN_OK, "status %d: %s", (int)opens_st_, said); \
    } while (0)

/* Fails allocation 0, 1, 2, ... of an open until it goes through; each failure must be reported and
 * leave nothing. */
static inline void expect_every_allocation_is_checked(const char *path, const char *options)
{
    long n = 0;
    void *set;

    for (;; n++) {
        dnn_status st;

        allocs_until_failure = n;
        st = open_set(path, NULL, options, 0, &set);
        allocs_until_failure = -1;
        if (st == DNN_OK)
            break;
        cr_assert(st == DNN_E_NOMEM, "allocation %ld: status %d: %s", n, (int)st, said);
        cr_assert(said[0] != '\0' && set == NULL && live_blocks == 0, "allocation %ld", n);
        cr_assert(n < 1000);
    }
    cr_assert(n >= 3);
    dnn_reader_v1()->close(set);
}

static inline dnn_reader_info info_of(void *set)
{
    dnn_reader_info info = {.size = sizeof(info)};

    cr_assert(dnn_reader_v1()->describe(set, &info) == DNN_OK);
    return info;
}

/* What bid() says of a file or folder, with the head that the core would hand it. */
static inline int bid_of(const char *path, bool is_dir)
{
    static uint8_t head[65536];
    dnn_reader_probe probe = {.size = sizeof(probe), .is_dir = is_dir, .path = path, .length = -1};
    FILE *file = is_dir ? NULL : fopen(path, "rb");

    if (file != NULL) {
        probe.head = head;
        probe.head_bytes = fread(head, 1, sizeof(head), file);
        fclose(file);
    }
    return dnn_reader_v1()->bid(&probe);
}
#endif
