/* archive.c - reads tar archives with libarchive, with exactly one format enabled and the bytes
 * supplied by source.c.
 *
 * Called by cifar.c. source.c unpacks gzip, because libarchive checks neither its CRC nor its
 * length. libarchive never opens the file. It allocates with malloc; it has no hook for another
 * allocator. */
#include "archive.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 512, END_MARKER = 2 * BLOCK };

struct dnn__tar {
    dnn__stream *stream;
    struct archive *archive;
    struct archive_entry *entry;
    uint64_t member_end; /* offset in the unpacked stream after the last member and its padding */
    uint64_t last_used;  /* offset after the last byte read so far that is not zero */
    dnn_status st; /* the status of a failed read of the stream; libarchive only reports "failed" */
    bool entered;  /* the data of the current entry are not skipped yet */
    uint8_t chunk[DNN__CHUNK];
};

static const dnn_reader_host *host_of(const dnn__tar *tar)
{
    return tar->stream->from->host;
}

/* Reads the next chunk and updates last_used. Only zeros may follow the end marker. */
static dnn_status next_chunk(dnn__tar *tar, uint64_t *got)
{
    const uint64_t base = tar->stream->out;
    uint64_t n;

    DNN__TRY(dnn__stream_read(tar->stream, tar->chunk, DNN__CHUNK, got));
    for (n = *got; n > 0 && tar->chunk[n - 1] == 0;)
        n--;
    if (n > 0)
        tar->last_used = base + n;
    return DNN_OK;
}

static la_ssize_t read_callback(struct archive *archive, void *opaque, const void **out)
{
    dnn__tar *tar = opaque;
    uint64_t got = 0;

    *out = tar->chunk;
    tar->st = next_chunk(tar, &got);
    if (tar->st == DNN_OK)
        return (la_ssize_t)got;
    archive_set_error(archive, EIO, "the stream failed");
    return -1;
}

/* If the stream failed, the host already has the message. */
static dnn_status tar_error(const dnn__tar *tar)
{
    const char *text = archive_error_string(tar->archive);

    if (tar->st != DNN_OK)
        return tar->st;
    if (archive_errno(tar->archive) == ENOMEM)
        return host_of(tar)->fail(DNN_E_NOMEM, "%s: no memory for libarchive",
                                  tar->stream->from->name);
    return host_of(tar)->fail(
        DNN_E_FORMAT, "%s: broken tar near byte %s: %s", tar->stream->from->name,
        DNN__GROUPED(archive_filter_bytes(tar->archive, 0)), text != NULL ? text : "unknown fault");
}

dnn_status dnn__tar_open(dnn__stream *stream, dnn__tar **out)
{
    const dnn_reader_host *host = stream->from->host;
    dnn__tar *tar = NULL;
    dnn_status st;

    DNN__TRY(dnn__reader_alloc(host, sizeof(*tar), stream->from->name, (void **)&tar));
    memset(tar, 0, offsetof(dnn__tar, chunk));
    tar->stream = stream;
    tar->archive = archive_read_new();
    if (tar->archive == NULL) {
        st = host->fail(DNN_E_NOMEM, "%s: no memory for libarchive", stream->from->name);
        goto failed;
    }
    if (archive_read_support_format_tar(tar->archive) != ARCHIVE_OK ||
        archive_read_open(tar->archive, tar, NULL, read_callback, NULL) != ARCHIVE_OK) {
        st = tar_error(tar);
        goto failed;
    }
    *out = tar;
    return DNN_OK;
failed:
    dnn__tar_close(tar);
    return st;
}

static const char *refusal(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry) != NULL)
        return "a hard link";
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        break;
    case AE_IFLNK:
        return "a symbolic link";
    case AE_IFDIR:
        return "a folder";
    default:
        return "a special file";
    }
    /* A sparse member claims bytes that are not in the archive. */
    if (archive_entry_sparse_count(entry) > 0)
        return "a sparse file";
    return archive_entry_size_is_set(entry) && archive_entry_size(entry) >= 0 ? NULL
                                                                              : "without a size";
}

static dnn_status leave_member(dnn__tar *tar)
{
    if (!tar->entered)
        return DNN_OK;
    tar->entered = false;
    if (archive_read_data_skip(tar->archive) != ARCHIVE_OK)
        return tar_error(tar);
    tar->member_end = (uint64_t)archive_filter_bytes(tar->archive, 0);
    return DNN_OK;
}

static dnn_status tar_end(dnn__tar *tar)
{
    const dnn_reader_host *host = host_of(tar);
    const uint64_t end = (uint64_t)archive_filter_bytes(tar->archive, 0);
    uint64_t got;

    if (end < tar->member_end || end - tar->member_end < END_MARKER)
        return host->fail(DNN_E_FORMAT,
                          "%s: the tar ends at byte %s without its end marker of %d zero bytes",
                          tar->stream->from->name, DNN__GROUPED(tar->member_end), END_MARKER);
    do
        DNN__TRY(next_chunk(tar, &got));
    while (got > 0);
    if (tar->last_used > end)
        return host->fail(DNN_E_FORMAT,
                          "%s: something follows the end of the tar (byte %s), up to byte %s",
                          tar->stream->from->name, DNN__GROUPED(end), DNN__GROUPED(tar->last_used));
    return dnn__stream_end(tar->stream);
}

dnn_status dnn__tar_next(dnn__tar *tar, dnn__member *member)
{
    const char *path, *slash;
    int rc;

    DNN__TRY(leave_member(tar));
    rc = archive_read_next_header(tar->archive, &tar->entry);
    if (rc == ARCHIVE_EOF) {
        *member = (dnn__member){0};
        return tar_end(tar);
    }
    /* A warning means a file name or owner that this locale cannot show. */
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return tar_error(tar);
    tar->entered = true;
    path = archive_entry_pathname(tar->entry);
    slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash != NULL)
        path = slash + 1;
    *member = (dnn__member){.base = path != NULL ? path : "", .refused = refusal(tar->entry)};
    if (member->refused == NULL)
        member->size = (uint64_t)archive_entry_size(tar->entry);
    return DNN_OK;
}

dnn_status dnn__tar_read(dnn__tar *tar, const dnn__member *member, void *buf)
{
    uint8_t *to = buf;
    uint64_t done = 0;

    while (done < member->size) {
        const la_ssize_t got =
            archive_read_data(tar->archive, to + done, (size_t)(member->size - done));

        if (got < 0)
            return tar_error(tar);
        if (got == 0)
            return host_of(tar)->fail(DNN_E_FORMAT,
                                      "%s: member %s ends after %s bytes, its header claims %s",
                                      tar->stream->from->name, member->base, DNN__GROUPED(done),
                                      DNN__GROUPED(member->size));
        done += (uint64_t)got;
    }
    return DNN_OK;
}

void dnn__tar_close(dnn__tar *tar)
{
    if (tar == NULL)
        return;
    if (tar->archive != NULL)
        archive_read_free(tar->archive);
    dnn__reader_free(host_of(tar), tar);
}

/* Parses octal digits with spaces around them. Returns false for the binary form, which small
 * members do not need. */
static bool parse_octal(const uint8_t *text, size_t bytes, uint64_t *out)
{
    size_t i = 0;

    *out = 0;
    while (i < bytes && text[i] == ' ')
        i++;
    for (; i < bytes && text[i] >= '0' && text[i] <= '7'; i++)
        *out = *out * 8 + (uint64_t)(text[i] - '0');
    return i == bytes || text[i] == ' ' || text[i] == '\0';
}

static bool is_header(const uint8_t *block)
{
    uint64_t claimed, sum = 0;

    for (int i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : block[i];
    return block[0] != 0 && parse_octal(block + 148, 8, &claimed) && claimed == sum;
}

bool dnn__tar_head(const uint8_t *head, uint64_t bytes, uint64_t *offset, char base[101])
{
    const uint8_t *block;
    char name[101];
    const char *slash;
    uint64_t size;
    size_t n;

    if (*offset > bytes || bytes - *offset < BLOCK)
        return false;
    block = head + *offset;
    if (!is_header(block) || !parse_octal(block + 124, 12, &size))
        return false;
    memcpy(name, block, 100);
    name[100] = '\0';
    for (n = strlen(name); n > 1 && name[n - 1] == '/';)
        name[--n] = '\0';
    slash = strrchr(name, '/');
    snprintf(base, 101, "%s", slash != NULL ? slash + 1 : name);
    /* 12 octal digits are less than 2^36, so the sum cannot overflow. */
    *offset += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    return true;
}
