/* bad_readers.c - tests readers by recipe: copies of one file, zoo_reader.c. The library checks all
 * that a reader says about itself and its samples before it relies on it. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abuse.h"
#include "dnn_reader.h"
#include "bad/zoo_reader.h"

static struct recipe recipe;
static struct zoo_reader good;

/* A folder of plugins whose readers/ has the one file, and a data set that it bids for. */
static int read_with(const struct zoo_reader *z)
{
    static char folder[PATH_BYTES], path[2 * PATH_BYTES], data[PATH_BYTES + 32];
    char readers[PATH_BYTES + 32], reader[PATH_BYTES + 64];
    struct setting s = {.backend = "cpu_blas", .path = path, .data = data};

    snprintf(folder, sizeof folder, "%s/zoo", scratch);
    snprintf(readers, sizeof readers, "%s/readers", folder);
    snprintf(reader, sizeof reader, "%s/dnn_zoo.so", readers);
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(path, sizeof path, "%s:%s", folder, plugins);
    make_folder(folder);
    make_folder(readers);
    recipe_write(&recipe, z, reader);
    write_file(data, "zoo", 3, 0644);
    return run_probe(&s);
}

static void try_reader(const struct zoo_reader *z, const char *what, int64_t value, int code,
                       const char *text)
{
    char line[100];

    snprintf(line, sizeof line, "reader: %s = %lld", what, (long long)value);
    judge(line, read_with(z), code, text);
}

static void try_alive(const struct zoo_reader *z, const char *what, int64_t value)
{
    char line[100];

    snprintf(line, sizeof line, "reader: %s = %lld", what, (long long)value);
    judge_alive(line, read_with(z), "");
}

static const char well[] = "read 3 samples";

static void wrong_tables(void)
{
    struct zoo_reader z = good;
    char text[100];

    for (uint32_t size = 0; size < sizeof(dnn_reader); size++) {
        if (taken(12)) {
            z.size = size;
            snprintf(text, sizeof text, "the reader's table says %u bytes", size);
            try_reader(&z, "size", size, 1, text);
        }
    }
    for (uint32_t size = 4097; size > 4096; size = size < 1u << 30 ? size * 3 : 0) {
        z.size = size;
        try_reader(&z, "size", size, 1, "the reader's table says");
    }
    z = good;
    for (uint32_t at = sizeof(dnn_reader); at < sizeof(dnn_reader) + 96; at++) {
        if (taken(12)) {
            z.size = sizeof(dnn_reader) + 96;
            z.tail = at;
            try_reader(&z, "byte set behind the reader", at, 1,
                       "the reader's table uses ABI fields this host does not know");
            z.tail = 0;
            z.size = at;
            try_reader(&z, "longer by zeros", at, 0, well);
        }
    }
    z = good;
    for (int bit = 0; bit < 32; bit++) {
        if (taken(6)) {
            z.flags = 1u << bit;
            try_reader(&z, "flags", z.flags, bit < 16 ? 1 : 0, bit < 16 ? "must understand" : well);
            z.flags = 0;
            z.min_host_minor = 1u << bit;
            snprintf(text, sizeof text, "needs a libdnn with reader ABI 1.%u;", z.min_host_minor);
            try_reader(&z, "min_host_minor", z.min_host_minor, 1, text);
            z.min_host_minor = 0;
        }
    }
    for (int byte = 0; byte < 256; byte++) {
        z = good;
        z.id[byte % 3] = (char)byte;
        if (strcmp(z.id, good.id) != 0 && taken(16)) {
            try_reader(&z, "id", byte, 1, "its file must be dnn_<id>.so");
        }
    }
}

static void missing_members(void)
{
    static const struct {
        uint32_t lacks;
        int code;
        const char *text;
    } cases[] = {{ZOO_R_BID, 1, "lacks one of bid"},
                 {ZOO_R_OPEN, 1, "lacks one of bid"},
                 {ZOO_R_DESCRIBE, 1, "lacks one of bid"},
                 {ZOO_R_READ, 1, "lacks one of bid"},
                 {ZOO_R_CLOSE, 1, "lacks one of bid"},
                 {ZOO_R_ID, 1, "calls itself (nothing)"},
                 {ZOO_R_TABLE, 1, "returned no table"},
                 {ZOO_R_VERSION, 0, well},
                 {ZOO_R_SHAPE, 0, well},
                 {ZOO_R_SET, 0, well},
                 {ZOO_R_NAME, 0, well},
                 {ZOO_R_FIELD, 1, "describes field 0 with 0 bytes"},
                 {ZOO_R_FIELD_LIST, 1, "samples of 1 fields"}};
    struct zoo_reader z = good;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        z.lacks = cases[i].lacks;
        try_reader(&z, "lacks", cases[i].lacks, cases[i].code, cases[i].text);
    }
    z.lacks = ZOO_R_SHAPE;
    z.dim[0] = -1;
    try_reader(&z, "varying without shape", 0, 1, "no function for them");
}

static void wrong_codes(void)
{
    static const struct {
        const char *name;
        size_t member;
    } codes[] = {{"open", offsetof(struct zoo_reader, open_code)},
                 {"describe", offsetof(struct zoo_reader, describe_code)},
                 {"shape", offsetof(struct zoo_reader, shape_code)},
                 {"read", offsetof(struct zoo_reader, read_code)}};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        for (int32_t code = -40; code <= 20; code++) {
            struct zoo_reader z = good;
            char text[64];

            if (code == 0 || !taken(16)) {
                continue;
            }
            z.dim[0] = -1;
            memcpy((char *)&z + codes[i].member, &code, sizeof code);
            snprintf(text, sizeof text, "%s says %d", codes[i].name, code);
            try_reader(&z, codes[i].name, code, code == DNN_E_DEVICE ? 4 : 1, text);
            z.mute = 1;
            snprintf(text, sizeof text, "%s failed without a word", codes[i].name);
            try_reader(&z, codes[i].name, code, code == DNN_E_DEVICE ? 4 : 1, text);
        }
    }
}

/* What is claimed about the samples. */
static void wrong_claims(void)
{
    static const int64_t counts[] = {-1, -2, INT64_MIN, INT32_MIN};
    static const int32_t fields[] = {0, -1, INT32_MIN, 9, 15, 1000, INT32_MAX};
    static const int32_t ranks[] = {-1, -7, INT32_MIN, 8, 9, 100, INT32_MAX};
    struct zoo_reader z = good;
    char text[100];

    for (size_t i = 0; i < 4; i++) {
        z.n_samples = counts[i];
        try_reader(&z, "n_samples", counts[i], 1, "samples of 1 fields");
    }
    z = good;
    for (size_t i = 0; i < 7; i++) {
        z.n_fields = fields[i];
        snprintf(text, sizeof text, "samples of %d fields", fields[i]);
        try_reader(&z, "n_fields", fields[i], 1, text);
    }
    z = good;
    for (size_t i = 0; i < 7; i++) {
        z.ndim = ranks[i];
        snprintf(text, sizeof text, "and rank %d", ranks[i]);
        try_reader(&z, "ndim", ranks[i], 1, text);
    }
    z = good;
    for (uint32_t dtype = 0; dtype < 1 << 10; dtype++) {
        if ((dtype & (dtype - 1)) != 0 && taken(64)) {
            z.dtype = dtype;
            snprintf(text, sizeof text, "with dtype %u", dtype);
            try_reader(&z, "dtype", dtype, 1, text);
        }
    }
    for (int bit = 9; bit < 32; bit++) {
        z.dtype = 1u << bit;
        try_reader(&z, "dtype", z.dtype, 1, "with dtype");
    }
    z = good;
    for (uint32_t size = 0; size < sizeof(dnn_reader_field); size++) {
        if (taken(12)) {
            z.field_size = size;
            snprintf(text, sizeof text, "describes field 0 with %u bytes", size);
            try_reader(&z, "field_size", size, 1, text);
        }
    }
    for (uint32_t at = sizeof(dnn_reader_field); at < sizeof(dnn_reader_field) + 64; at++) {
        if (taken(12)) {
            z.field_size = sizeof(dnn_reader_field) + 64;
            z.field_tail = at;
            try_reader(&z, "byte set behind the field", at, 1,
                       "ABI fields that this host does not know");
        }
    }
}

/* Dims of 2^k and its neighbours, described or told by shape(): refused, or no memory, never a
 * signal. */
static void absurd_dims(void)
{
    for (int bit = 0; bit < 64; bit++) {
        for (int d = -1; d <= 1; d++) {
            int64_t value = (int64_t)(((uint64_t)1 << bit) + (uint64_t)(int64_t)d);
            struct zoo_reader z = good;

            if ((bit > 24 && bit < 48) || !taken(24)) {
                continue; /* as much memory as a machine may have is no test */
            }
            z.dim[0] = value;
            try_alive(&z, "dim", value);
            z.ndim = 3;
            z.dim[1] = z.dim[2] = value > 1 << 20 ? value : 1;
            try_alive(&z, "dims", value);
            z = good;
            z.dim[0] = -1;
            z.shape_dim[0] = value;
            try_alive(&z, "dim of shape", value);
        }
    }
    for (int64_t n = 0; n < 3; n++) {
        struct zoo_reader z = good;

        z.n_samples = n == 0 ? INT64_MAX : n == 1 ? (int64_t)1 << 40 : 0;
        try_alive(&z, "n_samples", z.n_samples);
    }
}

void bad_readers(void)
{
    if (!recipe_open(&recipe, "bad/readers/dnn_zoo.so", ZOO_READER_WORD, &good, sizeof good)) {
        return;
    }
    try_reader(&good, "as it was built", 0, 0, well);
    wrong_tables();
    missing_members();
    wrong_codes();
    wrong_claims();
    absurd_dims();
    for (int bid = -3; bid < 200; bid++) {
        struct zoo_reader z = good;

        if (taken(16)) {
            z.bid = bid;
            try_reader(&z, "bid", bid, bid > 0 ? 0 : 1, bid > 0 ? well : "no reader takes it");
        }
    }
    free(recipe.file);
}
