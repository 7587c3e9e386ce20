/* safetensors.c - fuzz target: a file of any bytes, opened as tensors, as weights and as a
 * checkpoint. A first byte says how the rest is meant: the file itself; the header, its length put
 * right; words of a header; or a header that is right but for a few places. Nothing ends the
 * process; a refusal begins with the path; what is accepted is read whole, and a module that could
 * not be loaded is as it was. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "dnn/dnn.h"

enum { MOST = 1 << 16, CAP_BYTES = 1 << 22 };

static struct {
    uint64_t files, opened, tensors, loaded, refused;
} count;
static int fd;
static char path[64];
static float before[6];

/* ---- a file out of bytes ---- */

typedef struct text {
    char at[MOST];
    size_t n;
} text;

static void put(text *t, const char *word)
{
    size_t n = strlen(word);

    if (t->n + n < sizeof t->at) {
        memcpy(t->at + t->n, word, n);
        t->n += n;
    }
}

static void put_number(text *t, int64_t number)
{
    char word[32];

    snprintf(word, sizeof word, "%lld", (long long)number);
    put(t, word);
}

static void words(fuzz_bytes *b, text *t)
{
    static const char *const word[] = {"{",
                                       "}",
                                       "[",
                                       "]",
                                       ",",
                                       ":",
                                       "\"a\"",
                                       "\"dtype\"",
                                       "\"shape\"",
                                       "\"data_offsets\"",
                                       "0",
                                       "1",
                                       "4",
                                       "-1",
                                       "1e3",
                                       "null",
                                       "\"F32\"",
                                       "\"I64\"",
                                       "\"F4\"",
                                       "\"__metadata__\"",
                                       "true",
                                       " ",
                                       "\"\"",
                                       "\\u0000",
                                       "\"b\\n\"",
                                       "\xff",
                                       "18446744073709551616",
                                       "9223372036854775807",
                                       "\"w\"",
                                       "{}",
                                       "\"dnn.checkpoint\"",
                                       "\"weight\""};

    while (b->left > 0) {
        put(t, word[fuzz_byte(b) % (sizeof word / sizeof word[0])]);
    }
}

/* One tensor of the header; *end is where its data end. rank < 0: of any shape; else [2,2 ..] of
 * f32. */
static void entry(fuzz_bytes *b, text *t, const char *name, int rank, int64_t *end)
{
    static const char *const dtypes[] = {"F32", "F64", "F16",  "BF16", "I8",  "U8",
                                         "I32", "I64", "BOOL", "F4",   "C64", "f32"};
    static const int64_t bits[] = {32, 64, 16, 16, 8, 8, 32, 64, 8, 4, 64, 32};
    unsigned dtype = rank < 0 && fuzz_one_in(b, 2) ? fuzz_below(b, 12) : 0;
    int64_t begin = *end, total = bits[dtype];

    put(t, "\"");
    put(t, name);
    put(t, "\":{\"dtype\":\"");
    put(t, dtypes[dtype]);
    put(t, "\",\"shape\":[");
    for (int d = 0, ndim = rank < 0 ? (int)fuzz_below(b, 10) : rank; d < ndim; d++) {
        int64_t size = rank >= 0            ? 2
                       : fuzz_one_in(b, 16) ? fuzz_number(b)
                                            : (int64_t)fuzz_below(b, 4);

        put(t, d > 0 ? "," : "");
        put_number(t, size);
        if (__builtin_mul_overflow(total, size, &total)) {
            total = 0;
        }
    }
    *end += total > 0 ? total / 8 : 0;
    put(t, "],\"data_offsets\":[");
    put_number(t, fuzz_one_in(b, 32) ? fuzz_number(b) : begin);
    put(t, ",");
    put_number(t, fuzz_one_in(b, 32) ? fuzz_number(b) : *end);
    put(t, fuzz_one_in(b, 64) ? "]" : "]}");
}

static int64_t nearly_right(fuzz_bytes *b, text *t)
{
    static const char *const names[] = {"weight", "bias",    "a.b",
                                        "weight", "\\u0041", "dnn.number.a"};
    bool fits = fuzz_one_in(b, 4);
    int64_t end = 0;

    put(t, "{");
    if (fuzz_one_in(b, 4)) {
        put(t, fuzz_one_in(b, 2)
                   ? "\"__metadata__\":{\"dnn.checkpoint\":\"1\",\"dnn.crc32c\":\"00000000\"},"
                   : "\"__metadata__\":{\"format\":\"pt\"},");
    }
    for (unsigned i = 0, n = fits ? 2 : 1 + fuzz_below(b, 4); i < n; i++) {
        put(t, i > 0 ? "," : "");
        entry(b, t, names[fuzz_one_in(b, 4) ? fuzz_below(b, 6) : i], fits ? 2 - (int)i : -1, &end);
    }
    put(t, fuzz_one_in(b, 64) ? "" : "}");
    return end;
}

/* The file's bytes; how many. */
static size_t make_file(fuzz_bytes *b, char *file)
{
    static text t;
    unsigned kind = fuzz_below(b, 8);
    size_t data = 0;
    uint64_t n;

    t.n = 0;
    if (kind == 0) {
        n = b->left < MOST ? b->left : MOST;
        memcpy(file, b->at, n);
        return (size_t)n;
    }
    if (kind == 1) {
        n = b->left < MOST - 1 ? b->left : MOST - 1;
        memcpy(t.at, b->at, n);
        t.n = (size_t)n;
    } else if (kind == 2) {
        words(b, &t);
    } else {
        int64_t end = nearly_right(b, &t);

        data = end < MOST / 2 ? (size_t)end : MOST / 2;
        data -= data > 0 && fuzz_one_in(b, 16);
    }
    n = t.n + (fuzz_one_in(b, 32) ? (uint64_t)fuzz_number(b) : 0);
    memcpy(file, &n, sizeof n);
    memcpy(file + sizeof n, t.at, t.n);
    memset(file + sizeof n + t.n, 1, data);
    return sizeof n + t.n + data;
}

/* ---- what is done with it ---- */

static void check_refusal(const char *what, dnn_status status)
{
    count.refused++;
    FUZZ_CHECK(status < DNN_OK && status >= DNN_E_FORMAT && status != DNN_E_INTERNAL,
               "%s: status %d: %s", what, (int)status, dnn_error_message());
    FUZZ_CHECK(strstr(dnn_error_message(), path) != NULL &&
                   strlen(dnn_error_message()) > strlen(path) + 4,
               "%s: the message is \"%s\"", what, dnn_error_message());
}

static void read_all(dnn_file *file)
{
    dnn_file_entry_info entry_;
    const char *key, *value;

    for (int64_t i = 0; dnn_file_metadata(file, i, &key, &value); i++) {
        FUZZ_CHECK(strlen(key) + strlen(value) < MOST, "metadata");
    }
    for (int64_t i = 0; dnn_file_entry(file, i, &entry_); i++) {
        DNN_SCOPE();
        dnn_tensor *t = dnn_file_tensor(file, entry_.name);

        if (t == NULL) {
            check_refusal("tensor", dnn_take_error());
        } else {
            FUZZ_CHECK((uint64_t)dnn_numel(t) * dnn_dtype_size(dnn_dtype_of(t)) == entry_.bytes,
                       "size of a tensor");
            count.tensors++;
        }
    }
}

static void load(void)
{
    DNN_SCOPE();
    dnn_module *net = dnn_nn_linear(2, 2);
    dnn_run *run = dnn_run_new();
    float after[6];
    dnn_status weights, checkpoint;
    dnn_tensor *part[] = {dnn_module_tensor(net, "weight"), dnn_module_tensor(net, "bias")};

    FUZZ_CHECK(dnn_read(part[0], before, 16) == DNN_OK &&
                   dnn_read(part[1], before + 4, 8) == DNN_OK,
               "%s", dnn_error_message());
    weights = dnn_load_weights(net, path);
    if (weights != DNN_OK) {
        check_refusal("load_weights", weights);
    }
    FUZZ_CHECK(dnn_run_add(run, "", net) == DNN_OK, "%s", dnn_error_message());
    checkpoint = dnn_load_checkpoint(run, path);
    if (checkpoint != DNN_OK) {
        check_refusal("load_checkpoint", checkpoint);
    }
    FUZZ_CHECK(dnn_read(part[0], after, 16) == DNN_OK && dnn_read(part[1], after + 4, 8) == DNN_OK,
               "%s", dnn_error_message());
    count.loaded += weights == DNN_OK;
    FUZZ_CHECK(weights == DNN_OK || checkpoint == DNN_OK ||
                   memcmp(before, after, sizeof before) == 0,
               "a failed load changed the module");
    dnn_release(net);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
    setenv("DNN_BACKEND", "cpu_blas", 0);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    FUZZ_CHECK(fd >= 0 && dnn_init(NULL) == DNN_OK &&
                   dnn_set_memory_cap("cpu", CAP_BYTES) == DNN_OK,
               "%s", dnn_error_message());
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[2 * MOST];
    fuzz_bytes b = {data, size};
    size_t n = make_file(&b, bytes);
    dnn_file *file = NULL;
    dnn_status status;

    FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n, "the file");
    count.files++;
    file = dnn_file_open(path);
    status = dnn_take_error();
    if (status != DNN_OK) {
        check_refusal("open", status);
    } else {
        count.opened++;
        read_all(file);
        dnn_release(file);
        load();
    }
    FUZZ_CHECK(dnn_take_error() == DNN_OK && dnn_live_tensors() == 0 && dnn_live_bytes(NULL) == 0,
               "%lld tensors are alive, or an error is left: %s", (long long)dnn_live_tensors(),
               dnn_error_message());
    return 0;
}

void fuzz_summary(FILE *out)
{
    fprintf(out, "safetensors: files=%llu opened=%llu tensors=%llu loaded=%llu refused=%llu\n",
            (unsigned long long)count.files, (unsigned long long)count.opened,
            (unsigned long long)count.tensors, (unsigned long long)count.loaded,
            (unsigned long long)count.refused);
}
