/* source.c - reads a file or memory, plain or gzip, as one stream of bytes and checks it to its
 * end.
 *
 * Called by the readers' bid() and open(), and by archive.c. It never seeks to an offset taken from
 * the data, never maps a file, and never blocks on a FIFO. */
#include "source.h"
#include <pthread.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *dnn__grouped(uint64_t n, char text[32])
{
    char *at = text + 31;
    int digits = 0;

    *at = '\0';
    do {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + n % 10);
        n /= 10;
        digits++;
    } while (n > 0);
    return at;
}

uint64_t dnn__cap(const dnn_reader_request *request)
{
    return request->max_bytes > 0 ? request->max_bytes : (uint64_t)1 << 30;
}

dnn_status dnn__request_check(const dnn_reader_request *request, const char *reader)
{
    const dnn_reader_host *host;

    if (request == NULL || !DNN_HAS(request, host))
        return DNN_E_INVALID;
    host = request->host;
    if ((request->path == NULL) == (request->source == NULL))
        return host->fail(DNN_E_INVALID, "%s: one of path and source must be given, not %s", reader,
                          request->path == NULL ? "neither" : "both");
    if (request->path != NULL && request->path[0] == '\0')
        return host->fail(DNN_E_INVALID, "%s: the path is empty", reader);
    if (request->split != NULL && strcmp(request->split, "train") != 0 &&
        strcmp(request->split, "test") != 0)
        return host->fail(DNN_E_INVALID, "%s: no split \"%.40s\"; there are \"train\" and \"test\"",
                          reader, request->split);
    return DNN_OK;
}

dnn_status dnn__reader_alloc(const dnn_reader_host *host, uint64_t bytes, const char *what,
                             void **out)
{
    void *memory = bytes > SIZE_MAX / 2 ? NULL : host->alloc(bytes > 0 ? (size_t)bytes : 1, 64);

    if (memory == NULL)
        return host->fail(DNN_E_NOMEM, "%s: no memory for %s bytes", what, DNN__GROUPED(bytes));
    *out = memory;
    return DNN_OK;
}

void dnn__reader_free(const dnn_reader_host *host, void *memory)
{
    if (memory != NULL)
        host->free(memory);
}

/* Shortens a long path at its beginning, because its end says more. */
static void show_path(const char *path, size_t bytes, char shown[DNN__PATH_SHOWN])
{
    const size_t room = DNN__PATH_SHOWN - 1;

    if (bytes <= room) {
        memcpy(shown, path, bytes);
        shown[bytes] = '\0';
        return;
    }
    memcpy(shown, "...", 3);
    memcpy(shown + 3, path + bytes - (room - 3), room - 3);
    shown[room] = '\0';
}

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISREG(mode) ? "a file" : "a device";
}

static int open_at(int dir_fd, const char *path, int flags)
{
    int fd;

    do
        fd = openat(dir_fd, path, flags | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static dnn_status os_error(const dnn_reader_host *host, const char *shown, const char *what)
{
    const char *text = strerrordesc_np(errno);

    return host->fail(DNN_E_IO, "%s: %s: %s", shown, what, text != NULL ? text : "unknown error");
}

/* Opens the folder of the file `path`, whose name begins at base. */
static int open_parent(const dnn_reader_host *host, const char *path, const char *base)
{
    const size_t bytes = (size_t)(base - path);
    char *copy = NULL;
    int fd;

    if (bytes == 0)
        return open_at(AT_FDCWD, ".", O_PATH | O_DIRECTORY);
    copy = host->alloc(bytes + 1, 1);
    if (copy == NULL) {
        errno = ENOMEM;
        return -1;
    }
    memcpy(copy, path, bytes);
    copy[bytes] = '\0';
    fd = open_at(AT_FDCWD, copy, O_PATH | O_DIRECTORY);
    host->free(copy);
    return fd;
}

dnn_status dnn__location_find(const dnn_reader_host *host, const char *path, dnn__location *out)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char shown[DNN__PATH_SHOWN];
    struct stat info;

    show_path(path, strlen(path), shown);
    if (stat(path, &info) != 0)
        return os_error(host, shown, "cannot be examined");
    if (S_ISDIR(info.st_mode)) {
        out->dir_fd = open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
        out->base = path + strlen(path);
        show_path(path, strlen(path), out->dir);
    } else if (S_ISREG(info.st_mode)) {
        out->dir_fd = open_parent(host, path, base);
        out->base = base;
        if (slash == NULL)
            show_path(".", 1, out->dir);
        else
            show_path(path, slash == path ? 1 : (size_t)(slash - path), out->dir);
    } else {
        return host->fail(DNN_E_IO, "%s: is %s, not a regular file or a folder", shown,
                          kind_of(info.st_mode));
    }
    if (out->dir_fd < 0 && errno == ENOMEM)
        return host->fail(DNN_E_NOMEM, "%s: no memory for its path", shown);
    return out->dir_fd < 0 ? os_error(host, out->dir, "cannot open the folder") : DNN_OK;
}

static void join_path(const char *dir, const char *name, char shown[DNN__PATH_SHOWN])
{
    char whole[2 * DNN__PATH_SHOWN + 2];
    const char *between = dir[0] != '\0' && dir[strlen(dir) - 1] == '/' ? "" : "/";

    if (strcmp(dir, ".") == 0)
        snprintf(whole, sizeof(whole), "%.*s", DNN__PATH_SHOWN, name);
    else
        snprintf(whole, sizeof(whole), "%s%s%.*s", dir, between, DNN__PATH_SHOWN, name);
    show_path(whole, strlen(whole), shown);
}

bool dnn__location_subfolder(const dnn__location *in, const char *name, dnn__location *out)
{
    const int fd = open_at(in->dir_fd, name, O_PATH | O_DIRECTORY);

    if (fd < 0)
        return false;
    out->dir_fd = fd;
    out->base = "";
    join_path(in->dir, name, out->dir);
    return true;
}

bool dnn__location_folder(const char *path, dnn__location *out)
{
    const dnn__location here = {.dir_fd = AT_FDCWD, .base = "", .dir = "."};

    return dnn__location_subfolder(&here, path, out);
}

/* True for anything of that name, also a folder or a broken link: opening it later fails and the
 * message names it. */
bool dnn__location_has(const dnn__location *location, const char *name)
{
    struct stat info;

    return fstatat(location->dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

void dnn__location_close(dnn__location *location)
{
    if (location->dir_fd >= 0)
        close(location->dir_fd);
    location->dir_fd = -1;
}

dnn_status dnn__source_open(const dnn_reader_host *host, const dnn__location *location,
                            const char *name, dnn__source *out)
{
    struct stat info;
    int fd;

    *out = (dnn__source){.host = host, .fd = -1};
    join_path(location->dir, name, out->name);
    /* O_NONBLOCK: opening a FIFO without a writer would block for ever. Regular files ignore it. */
    fd = open_at(location->dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return os_error(host, out->name, "cannot be opened");
    if (fstat(fd, &info) != 0) {
        dnn_status st = os_error(host, out->name, "cannot be examined");

        close(fd);
        return st;
    }
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return host->fail(DNN_E_IO, "%s: is %s, not a regular file", out->name,
                          kind_of(info.st_mode));
    }
    out->fd = fd;
    out->length = (uint64_t)info.st_size;
    return DNN_OK;
}

dnn_status dnn__source_given(const dnn_reader_host *host, const dnn_reader_source *given,
                             dnn__source *out)
{
    const char *name;

    if (!DNN_HAS(given, read_at) || given->length < 0)
        return host->fail(DNN_E_INVALID, "source: needs read_at and a length of 0 or more");
    name = given->name != NULL ? given->name : "memory";
    *out = (dnn__source){.host = host, .given = given, .fd = -1, .length = (uint64_t)given->length};
    show_path(name, strlen(name), out->name);
    return DNN_OK;
}

static dnn_status shrank(const dnn__source *source, uint64_t end)
{
    return source->host->fail(DNN_E_IO,
                              "%s: shrank while it was read: it ends at byte %s, it had %s",
                              source->name, DNN__GROUPED(end), DNN__GROUPED(source->length));
}

static int64_t read_some(const dnn__source *source, uint64_t offset, void *buf, uint64_t bytes)
{
    ssize_t got;

    if (source->given != NULL) {
        int64_t n = source->given->read_at(source->given->ctx, offset, buf, bytes);

        errno = EIO;
        return n > 0 && (uint64_t)n > bytes ? -1 : n;
    }
    do
        got = pread(source->fd, buf, bytes < INT_MAX ? (size_t)bytes : INT_MAX, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

dnn_status dnn__source_read(const dnn__source *source, uint64_t offset, void *buf, uint64_t bytes)
{
    uint8_t *to = buf;

    if (offset > source->length || bytes > source->length - offset)
        return source->host->fail(DNN_E_FORMAT, "%s: bytes %s to %s wanted, it has %s",
                                  source->name, DNN__GROUPED(offset), DNN__GROUPED(offset + bytes),
                                  DNN__GROUPED(source->length));
    while (bytes > 0) {
        const int64_t got = read_some(source, offset, to, bytes);

        if (got < 0)
            return os_error(source->host, source->name, "cannot be read");
        if (got == 0)
            return shrank(source, offset);
        to += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return DNN_OK;
}

dnn_status dnn__source_unchanged(const dnn__source *source)
{
    struct stat info;

    if (source->given != NULL)
        return DNN_OK;
    if (fstat(source->fd, &info) != 0)
        return os_error(source->host, source->name, "cannot be examined");
    if ((uint64_t)info.st_size == source->length)
        return DNN_OK;
    if ((uint64_t)info.st_size < source->length)
        return shrank(source, (uint64_t)info.st_size);
    return source->host->fail(DNN_E_IO, "%s: grew while it was read, from %s bytes to %s",
                              source->name, DNN__GROUPED(source->length),
                              DNN__GROUPED(info.st_size));
}

void dnn__source_close(dnn__source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

static voidpf host_zalloc(voidpf opaque, uInt items, uInt size)
{
    const dnn_reader_host *host = opaque;

    return host->alloc((size_t)items * size, 16);
}

static void host_zfree(voidpf opaque, voidpf memory)
{
    dnn__reader_free(opaque, memory);
}

static dnn_status stream_start_gzip(dnn__stream *s, uint64_t cap)
{
    const dnn__source *source = s->from;
    uint64_t by_ratio;
    int rc;

    /* A header of 10 bytes, at least 2 bytes of data, a trailer of 8 (RFC 1952). */
    if (source->length < 20)
        return source->host->fail(DNN_E_FORMAT,
                                  "%s: %s bytes are too few for a gzip file, which has at least 20",
                                  source->name, DNN__GROUPED(source->length));
    if (__builtin_mul_overflow(source->length, (uint64_t)DNN__MAX_RATIO, &by_ratio))
        by_ratio = UINT64_MAX;
    s->cap = by_ratio < cap ? by_ratio : cap;
    DNN__TRY(dnn__reader_alloc(source->host, DNN__CHUNK, source->name, (void **)&s->in));
    s->z = (z_stream){.zalloc = host_zalloc, .zfree = host_zfree, .opaque = (voidpf)source->host};
    rc = inflateInit2(&s->z, 31);
    if (rc != Z_OK)
        return source->host->fail(rc == Z_MEM_ERROR ? DNN_E_NOMEM : DNN_E_INTERNAL,
                                  "%s: zlib cannot start (%d)", source->name, rc);
    s->inflating = true;
    return DNN_OK;
}

dnn_status dnn__stream_open(const dnn__source *source, uint64_t cap, dnn__stream *out)
{
    uint8_t magic[2] = {0};
    dnn_status st = DNN_OK;

    *out = (dnn__stream){.from = source, .cap = source->length};
    if (source->length < 2)
        return DNN_OK;
    DNN__TRY(dnn__source_read(source, 0, magic, 2));
    out->gzip = magic[0] == 0x1f && magic[1] == 0x8b;
    if (out->gzip)
        st = stream_start_gzip(out, cap);
    if (st != DNN_OK)
        dnn__stream_close(out);
    return st;
}

static uint32_t le32(const uint8_t *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

dnn_status dnn__stream_claim(const dnn__stream *s, uint64_t *out)
{
    uint8_t bytes[4];

    *out = s->from->length;
    if (!s->gzip)
        return DNN_OK;
    DNN__TRY(dnn__source_read(s->from, s->from->length - 4, bytes, 4));
    *out = le32(bytes);
    return DNN_OK;
}

/* zlib has the reason. If the trailer is wrong, its value is in the four bytes that zlib read last.
 */
static dnn_status damaged(const dnn__stream *s)
{
    const dnn_reader_host *host = s->from->host;
    const char *text = s->z.msg != NULL ? s->z.msg : "unknown fault";
    const uint64_t at = s->at - s->z.avail_in;
    uint8_t last[4];

    if (strcmp(text, "incorrect data check") == 0) {
        DNN__TRY(dnn__source_read(s->from, at - 4, last, 4));
        return host->fail(DNN_E_FORMAT,
                          "%s: gzip: the data have CRC-32 %08lx, the trailer (byte %s) says %08lx",
                          s->from->name, (unsigned long)s->z.adler, DNN__GROUPED(at - 4),
                          (unsigned long)le32(last));
    }
    if (strcmp(text, "incorrect length check") == 0) {
        DNN__TRY(dnn__source_read(s->from, at - 4, last, 4));
        return host->fail(DNN_E_FORMAT,
                          "%s: gzip: it unpacks to %s bytes, the trailer (byte %s) says %s",
                          s->from->name, DNN__GROUPED(s->z.total_out), DNN__GROUPED(at - 4),
                          DNN__GROUPED(le32(last)));
    }
    return host->fail(DNN_E_FORMAT, "%s: gzip data damaged near byte %s: %s", s->from->name,
                      DNN__GROUPED(at), text);
}

static dnn_status refill(dnn__stream *s)
{
    const uint64_t left = s->from->length - s->at;
    const uint64_t bytes = left < DNN__CHUNK ? left : DNN__CHUNK;

    if (left == 0)
        return s->from->host->fail(
            DNN_E_FORMAT, "%s: the gzip data end early, at byte %s; %s bytes were unpacked by then",
            s->from->name, DNN__GROUPED(s->at), DNN__GROUPED(s->out + s->z.total_out));
    DNN__TRY(dnn__source_read(s->from, s->at, s->in, bytes));
    if (s->packed_md5 != NULL)
        md5_update(s->packed_md5, (size_t)bytes, s->in);
    s->at += bytes;
    s->z.next_in = s->in;
    s->z.avail_in = (uInt)bytes;
    return DNN_OK;
}

/* At most 1 GiB in a call, because zlib counts in 32 bits. */
static dnn_status inflate_some(dnn__stream *s, uint8_t *buf, uint64_t bytes, uint64_t *got)
{
    const uInt room = bytes < (1u << 30) ? (uInt)bytes : 1u << 30;
    int rc;

    s->z.next_out = buf;
    s->z.avail_out = room;
    while (s->z.avail_out > 0 && !s->ended) {
        if (s->z.avail_in == 0)
            DNN__TRY(refill(s));
        rc = inflate(&s->z, Z_NO_FLUSH);
        if (rc == Z_STREAM_END)
            s->ended = true;
        else if (rc == Z_MEM_ERROR)
            return s->from->host->fail(DNN_E_NOMEM, "%s: no memory for zlib", s->from->name);
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return damaged(s);
    }
    *got = room - s->z.avail_out;
    return DNN_OK;
}

static dnn_status bomb(const dnn__stream *s)
{
    return s->from->host->fail(
        DNN_E_FORMAT,
        "%s: its %s bytes unpack to more than %s: the limit is max_bytes, or %d times the file",
        s->from->name, DNN__GROUPED(s->from->length), DNN__GROUPED(s->cap), DNN__MAX_RATIO);
}

dnn_status dnn__stream_read(dnn__stream *s, void *buf, uint64_t bytes, uint64_t *got)
{
    uint8_t *to = buf;
    uint64_t done = 0, n = 0;

    while (done < bytes && !s->ended) {
        if (s->gzip) {
            DNN__TRY(inflate_some(s, to + done, bytes - done, &n));
        } else {
            n = s->from->length - s->at < bytes - done ? s->from->length - s->at : bytes - done;
            DNN__TRY(dnn__source_read(s->from, s->at, to + done, n));
            s->at += n;
            s->ended = s->at == s->from->length;
        }
        for (int i = 0; i < 2; i++)
            if (s->hash[i] != NULL && n > 0)
                sha256_update(s->hash[i], (size_t)n, to + done);
        done += n;
        s->out += n;
        if (s->out > s->cap)
            return bomb(s);
    }
    *got = done;
    return DNN_OK;
}

dnn_status dnn__stream_end(dnn__stream *s)
{
    const dnn_reader_host *host = s->from->host;
    const uint64_t expected = s->out;
    uint64_t got = 0, behind;
    uint8_t extra;

    s->hash[0] = s->hash[1] = NULL;
    if (!s->ended)
        DNN__TRY(dnn__stream_read(s, &extra, 1, &got));
    if (got > 0)
        return host->fail(DNN_E_FORMAT, "%s: it goes on after the %s bytes that its header claims",
                          s->from->name, DNN__GROUPED(expected));
    behind = s->from->length - s->at + (s->gzip ? s->z.avail_in : 0);
    if (behind > 0)
        return host->fail(DNN_E_FORMAT,
                          "%s: %s bytes follow the end of the gzip data at byte %s; one member is "
                          "all there may be",
                          s->from->name, DNN__GROUPED(behind),
                          DNN__GROUPED(s->from->length - behind));
    return dnn__source_unchanged(s->from);
}

void dnn__stream_close(dnn__stream *s)
{
    if (s->inflating)
        inflateEnd(&s->z);
    s->inflating = false;
    if (s->from != NULL)
        dnn__reader_free(s->from->host, s->in);
    s->in = NULL;
}

/* zlib's state and window need 40 KiB. If a zlib needs more than this, the reader bids 0. */
struct arena {
    size_t used;
    _Alignas(64) uint8_t bytes[96 * 1024];
};

static voidpf arena_zalloc(voidpf opaque, uInt items, uInt size)
{
    struct arena *arena = opaque;
    size_t bytes;

    if (__builtin_mul_overflow((size_t)items, (size_t)size, &bytes) ||
        bytes > sizeof(arena->bytes) - 64 || arena->used > sizeof(arena->bytes) - 64 - bytes)
        return NULL;
    arena->used += (bytes + 63) & ~(size_t)63;
    return arena->bytes + arena->used - ((bytes + 63) & ~(size_t)63);
}

static void arena_zfree(voidpf opaque, voidpf memory)
{
    (void)opaque;
    (void)memory;
}

static uint64_t inflate_in(struct arena *arena, const dnn_reader_probe *probe, void *out,
                           uint64_t bytes)
{
    z_stream z = {.zalloc = arena_zalloc, .zfree = arena_zfree, .opaque = arena};
    int rc;

    arena->used = 0;
    if (inflateInit2(&z, 31) != Z_OK)
        return 0;
    /* zlib only reads from next_in, which is const only if ZLIB_CONST is defined. */
    z.next_in = (Bytef *)probe->head;
    z.avail_in = probe->head_bytes < 65536 ? (uInt)probe->head_bytes : 65536;
    z.next_out = out;
    z.avail_out = (uInt)bytes;
    rc = inflate(&z, Z_SYNC_FLUSH);
    bytes -= z.avail_out;
    inflateEnd(&z);
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? bytes : 0;
}

/* The arena is too large for the stack of a small thread, and a probe has no host to ask for
 * memory. So the probes of several threads wait for one another. */
static uint64_t inflate_head(const dnn_reader_probe *probe, void *out, uint64_t bytes)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct arena arena;
    uint64_t n;

    pthread_mutex_lock(&lock);
    n = inflate_in(&arena, probe, out, bytes);
    pthread_mutex_unlock(&lock);
    return n;
}

uint64_t dnn__head(const dnn_reader_probe *probe, void *out, uint64_t bytes)
{
    const uint64_t n = probe->head_bytes < bytes ? probe->head_bytes : bytes;

    if (probe->head == NULL || n == 0)
        return 0;
    if (n >= 2 && probe->head[0] == 0x1f && probe->head[1] == 0x8b)
        return inflate_head(probe, out, bytes);
    memcpy(out, probe->head, n);
    return n;
}

void dnn__digest_text(struct sha256_ctx *hash, char text[65])
{
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_digest(hash, sizeof(digest), digest);
    for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

dnn_status dnn__dst_check(const dnn_reader_host *host, const char *reader, const char *field,
                          uint64_t count, uint64_t each, uint64_t dst_bytes)
{
    uint64_t need;

    if (__builtin_mul_overflow(count, each, &need))
        need = UINT64_MAX;
    if (dst_bytes == need)
        return DNN_OK;
    return host->fail(DNN_E_INVALID,
                      "%s: %s: a buffer of %s bytes for %s samples of %s bytes, which take %s",
                      reader, field, DNN__GROUPED(dst_bytes), DNN__GROUPED(count),
                      DNN__GROUPED(each), DNN__GROUPED(need));
}

dnn_status dnn__range_check(const dnn_reader_host *host, const char *reader, int64_t first,
                            int64_t count, int64_t n)
{
    if (first >= 0 && count >= 0 && first <= n && count <= n - first)
        return DNN_OK;
    return host->fail(DNN_E_INVALID, "%s: %lld samples from index %lld, of a set of %s", reader,
                      (long long)count, (long long)first, DNN__GROUPED(n));
}
