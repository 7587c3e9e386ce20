/* mnist.c - the reader of the MNIST family: pairs of IDX files, raw or gzip, one of images and one
 * of labels.
 *
 * Called by the core through dnn_reader_v1(). open() unpacks everything into memory and checks it.
 * read() only copies, so any number of threads may call it. It never writes a file. */
#include "source.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES, LABELS, KINDS };
enum { CLASSES = 10, HEAD_BYTES = 16, MAX_PARTS = 2, NAME_ROOM = NAME_MAX + 32 };
#define MAX_PIXELS ((uint64_t)1 << 24)

static const char *const kind_suffix[KINDS] = {"-images-idx3-ubyte", "-labels-idx1-ubyte"};
static const uint32_t kind_dims[KINDS] = {3, 1};

static const char *const digit_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
static const char *const fashion_names[] = {"T-shirt/top", "Trouser",    "Pullover", "Dress",
                                            "Coat",        "Sandal",     "Shirt",    "Sneaker",
                                            "Bag",         "Ankle boot", NULL};

/* The published sets, identified by the SHA-256 of the unpacked files, because copies differ in
 * their gzip header. */
struct known {
    const char *name, *title, *split;
    const char *const *classes;
    const char *digest[KINDS];
};
static const struct known known_sets[] = {
    {"mnist",
     "MNIST",
     "train",
     digit_names,
     {"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
      "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"}},
    {"mnist",
     "MNIST",
     "test",
     digit_names,
     {"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
      "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}},
    {"fashion-mnist",
     "Fashion-MNIST",
     "train",
     fashion_names,
     {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
      "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"}},
    {"fashion-mnist",
     "Fashion-MNIST",
     "test",
     fashion_names,
     {"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
      "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}},
};
enum { N_KNOWN = sizeof(known_sets) / sizeof(known_sets[0]) };

/* The files of one part of a set. prefix is "train", "t10k", or the beginning of another file name.
 */
struct plan {
    char prefix[NAME_ROOM];
    char file[KINDS][NAME_ROOM];
};

struct idx {
    uint32_t dim[3];
    uint8_t *data;
    uint64_t bytes;
    char digest[65];
    char name[DNN__PATH_SHOWN];
};

struct part {
    struct idx file[KINDS];
    const struct known *known;
    int64_t n;
};

struct set {
    const dnn_reader_host *host;
    struct part part[MAX_PARTS];
    int n_parts;
    int64_t n;
    uint64_t pixels;
    dnn_reader_field image, label;
    const dnn_reader_field *field[2];
    char digest[65]; /* of the image file, or of both parts' image files together */
    char text[128];
};

/* Splits "train-images-idx3-ubyte.gz" into its prefix and kind. */
static bool parse_name(const char *base, char prefix[NAME_ROOM], int *kind)
{
    size_t bytes = strlen(base);

    if (bytes > NAME_MAX)
        return false;
    if (bytes > 3 && strcmp(base + bytes - 3, ".gz") == 0)
        bytes -= 3;
    for (*kind = 0; *kind < KINDS; ++*kind) {
        const size_t tail = strlen(kind_suffix[*kind]);

        if (bytes > tail && memcmp(base + bytes - tail, kind_suffix[*kind], tail) == 0) {
            memcpy(prefix, base, bytes - tail);
            prefix[bytes - tail] = '\0';
            return true;
        }
    }
    return false;
}

/* The plain file has priority over the packed one. */
static bool locate(const dnn__location *location, const char *prefix, int kind,
                   char file[NAME_ROOM])
{
    snprintf(file, NAME_ROOM, "%.*s%s", NAME_MAX, prefix, kind_suffix[kind]);
    if (dnn__location_has(location, file))
        return true;
    snprintf(file, NAME_ROOM, "%.*s%s.gz", NAME_MAX, prefix, kind_suffix[kind]);
    if (dnn__location_has(location, file))
        return true;
    file[0] = '\0';
    return false;
}

static dnn_status missing(const dnn_reader_host *host, const dnn__location *location,
                          const struct plan *plan, int n_plans)
{
    char list[3 * NAME_ROOM] = "";
    size_t at = 0;

    for (int i = 0; i < n_plans; i++)
        for (int k = 0; k < KINDS; k++)
            if (plan[i].file[k][0] == '\0' && at < sizeof(list))
                at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%.*s%s", at > 0 ? ", " : "",
                                       NAME_MAX, plan[i].prefix, kind_suffix[k]);
    return host->fail(DNN_E_IO, "mnist: missing in %s: %s (each may also be a .gz)", location->dir,
                      list);
}

static dnn_status plan_folder(const dnn_reader_host *host, const dnn__location *location,
                              const char *split, struct plan plan[MAX_PARTS], int *n_plans)
{
    static const char *const prefixes[MAX_PARTS] = {"train", "t10k"};
    static const char *const splits[MAX_PARTS] = {"train", "test"};
    int there = 0, whole = 0, n = 0;

    for (int i = 0; i < MAX_PARTS; i++) {
        int found = 0;

        if (split != NULL && strcmp(split, splits[i]) != 0)
            continue;
        snprintf(plan[n].prefix, NAME_ROOM, "%s", prefixes[i]);
        for (int k = 0; k < KINDS; k++)
            found += locate(location, prefixes[i], k, plan[n].file[k]);
        there += found > 0;
        whole += found == KINDS;
        n++;
    }
    /* Without a split, a part that has no file here does not belong to the set. */
    if (split == NULL && there == 1 && whole == 1) {
        if (plan[0].file[IMAGES][0] == '\0')
            plan[0] = plan[1];
        n = 1;
    } else if (whole < n) {
        return missing(host, location, plan, n);
    }
    *n_plans = n;
    return DNN_OK;
}

/* Refuses a file whose name has no known suffix. If its bytes are not IDX either, the message says
 * that first. */
static dnn_status unknown_name(const dnn_reader_host *host, const dnn__location *location)
{
    uint8_t head[4] = {0};
    dnn__source source;
    dnn__stream stream;
    uint64_t got = 0;
    dnn_status st;

    DNN__TRY(dnn__source_open(host, location, location->base, &source));
    st = dnn__stream_open(&source, 1024, &stream);
    if (st == DNN_OK) {
        st = dnn__stream_read(&stream, head, sizeof(head), &got);
        dnn__stream_close(&stream);
    }
    dnn__source_close(&source);
    DNN__TRY(st);
    if (got < 4 || head[0] != 0 || head[1] != 0 || head[2] != 8)
        return host->fail(DNN_E_FORMAT,
                          "%s: begins with %02x%02x%02x%02x, an IDX file of bytes with 000008",
                          source.name, head[0], head[1], head[2], head[3]);
    return host->fail(DNN_E_INVALID,
                      "%s: its name ends in neither %s nor %s, so its partner cannot be found",
                      source.name, kind_suffix[IMAGES], kind_suffix[LABELS]);
}

static dnn_status plan_file(const dnn_reader_host *host, const dnn__location *location,
                            const char *split, struct plan *plan, int *n_plans)
{
    char prefix[NAME_ROOM];
    int kind;

    if (!parse_name(location->base, prefix, &kind))
        return unknown_name(host, location);
    if (split != NULL && strcmp(prefix, "train") != 0 && strcmp(prefix, "t10k") != 0)
        return host->fail(DNN_E_INVALID, "mnist: %s: named after no split, but \"%s\" is asked for",
                          location->base, split);
    if (split != NULL && strcmp(prefix, strcmp(split, "train") == 0 ? "train" : "t10k") != 0)
        return plan_folder(host, location, split, plan, n_plans);
    snprintf(plan->prefix, NAME_ROOM, "%.*s", NAME_MAX, prefix);
    for (int k = 0; k < KINDS; k++)
        locate(location, prefix, k, plan->file[k]);
    snprintf(plan->file[kind], NAME_ROOM, "%.*s", NAME_MAX, location->base);
    *n_plans = 1;
    return plan->file[1 - kind][0] == '\0' ? missing(host, location, plan, 1) : DNN_OK;
}

static uint32_t be32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

/* Checks magic and dims in `head`, of which `got` bytes exist. Sets *bytes to the product of the
 * dims. */
static dnn_status parse_head(const dnn__source *source, int kind, const uint8_t *head, uint64_t got,
                             struct idx *idx)
{
    const dnn_reader_host *host = source->host;
    const uint32_t magic = 0x800 + kind_dims[kind];
    uint64_t bytes = 1;

    if (got < 4 + 4 * kind_dims[kind])
        return host->fail(DNN_E_FORMAT, "%s: ends after %s bytes, within an IDX header of %s",
                          source->name, DNN__GROUPED(got), DNN__GROUPED(4 + 4 * kind_dims[kind]));
    if (be32(head) != magic)
        return host->fail(DNN_E_FORMAT, "%s: begins with %08x, IDX %s with %08x", source->name,
                          (unsigned)be32(head), kind == IMAGES ? "images" : "labels",
                          (unsigned)magic);
    for (uint32_t i = 0; i < kind_dims[kind]; i++) {
        idx->dim[i] = be32(head + 4 + 4 * i);
        if (idx->dim[i] == 0)
            return host->fail(
                DNN_E_FORMAT, "%s: dimension %u of %u is 0 (byte %u), expected at least 1",
                source->name, (unsigned)i, (unsigned)kind_dims[kind], (unsigned)(4 + 4 * i));
        if (__builtin_mul_overflow(bytes, (uint64_t)idx->dim[i], &bytes))
            bytes = UINT64_MAX;
    }
    if (kind == IMAGES && (uint64_t)idx->dim[1] * idx->dim[2] > MAX_PIXELS)
        return host->fail(DNN_E_FORMAT, "%s: images of %s x %s pixels, more than the %s allowed",
                          source->name, DNN__GROUPED(idx->dim[1]), DNN__GROUPED(idx->dim[2]),
                          DNN__GROUPED(MAX_PIXELS));
    idx->bytes = bytes;
    return DNN_OK;
}

/* Compares the size in the header with the size that the file has or claims to unpack to, before
 * memory is allocated. */
static dnn_status check_size(const dnn__stream *stream, uint64_t head_bytes, uint64_t bytes,
                             uint64_t budget)
{
    const dnn__source *source = stream->from;
    const dnn_reader_host *host = source->host;
    uint64_t whole, claim;

    if (__builtin_add_overflow(bytes, head_bytes, &whole))
        whole = UINT64_MAX;
    if (stream->gzip && whole > stream->cap)
        return host->fail(
            DNN_E_FORMAT,
            "%s: its header claims %s bytes; a file of %s bytes may hold %s here (max_bytes, or %d "
            "times the file)",
            source->name, DNN__GROUPED(whole), DNN__GROUPED(source->length),
            DNN__GROUPED(stream->cap), DNN__MAX_RATIO);
    DNN__TRY(dnn__stream_claim(stream, &claim));
    if (stream->gzip && (whole & UINT32_MAX) != claim)
        return host->fail(DNN_E_FORMAT,
                          "%s: its header claims %s bytes, the last four bytes of the gzip file "
                          "say %s: cut short, "
                          "damaged or followed by something",
                          source->name, DNN__GROUPED(whole), DNN__GROUPED(claim));
    if (!stream->gzip && whole != claim)
        return host->fail(DNN_E_FORMAT, "%s: its header claims %s bytes, the file has %s",
                          source->name, DNN__GROUPED(whole), DNN__GROUPED(claim));
    if (bytes > budget)
        return host->fail(DNN_E_FORMAT, "%s: %s bytes of samples, %s are left of max_bytes",
                          source->name, DNN__GROUPED(bytes), DNN__GROUPED(budget));
    return DNN_OK;
}

static dnn_status load_stream(dnn__stream *stream, int kind, uint64_t budget,
                              struct sha256_ctx *all, struct idx *idx)
{
    const uint64_t head_bytes = 4 + 4 * kind_dims[kind];
    struct sha256_ctx own;
    uint8_t head[HEAD_BYTES];
    uint64_t got;

    sha256_init(&own);
    stream->hash[0] = &own;
    stream->hash[1] = all;
    DNN__TRY(dnn__stream_read(stream, head, head_bytes, &got));
    DNN__TRY(parse_head(stream->from, kind, head, got, idx));
    DNN__TRY(check_size(stream, head_bytes, idx->bytes, budget));
    DNN__TRY(
        dnn__reader_alloc(stream->from->host, idx->bytes, stream->from->name, (void **)&idx->data));
    DNN__TRY(dnn__stream_read(stream, idx->data, idx->bytes, &got));
    if (got != idx->bytes)
        return stream->from->host->fail(
            DNN_E_FORMAT, "%s: unpacks to %s bytes, its header claims %s", stream->from->name,
            DNN__GROUPED(head_bytes + got), DNN__GROUPED(head_bytes + idx->bytes));
    DNN__TRY(dnn__stream_end(stream));
    dnn__digest_text(&own, idx->digest);
    return DNN_OK;
}

static dnn_status load_file(const dnn_reader_host *host, const dnn__location *location,
                            const char *file, int kind, uint64_t budget, struct sha256_ctx *all,
                            struct idx *idx)
{
    dnn__source source;
    dnn__stream stream;
    dnn_status st;

    DNN__TRY(dnn__source_open(host, location, file, &source));
    snprintf(idx->name, sizeof(idx->name), "%s", source.name);
    st = dnn__stream_open(&source, budget, &stream);
    if (st == DNN_OK) {
        st = load_stream(&stream, kind, budget, all, idx);
        dnn__stream_close(&stream);
    }
    dnn__source_close(&source);
    return st;
}

static dnn_status check_labels(const dnn_reader_host *host, const struct part *part)
{
    const struct idx *images = &part->file[IMAGES], *labels = &part->file[LABELS];

    if (labels->dim[0] != images->dim[0])
        return host->fail(DNN_E_FORMAT, "%s: %s labels for %s images", labels->name,
                          DNN__GROUPED(labels->dim[0]), DNN__GROUPED(images->dim[0]));
    for (uint64_t i = 0; i < labels->bytes; i++)
        if (labels->data[i] >= CLASSES)
            return host->fail(
                DNN_E_FORMAT, "%s: label %d of sample %s (byte %s), but there are %d classes",
                labels->name, labels->data[i], DNN__GROUPED(i), DNN__GROUPED(i + 8), CLASSES);
    return DNN_OK;
}

static const struct known *find_known(const struct idx *idx, int kind)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (strcmp(idx->digest, known_sets[i].digest[kind]) == 0)
            return &known_sets[i];
    return NULL;
}

/* Identifies a part by its digests. Labels of one published file beside images of another are
 * refused: training would run and learn nothing. */
static dnn_status identify(const dnn_reader_host *host, struct part *part)
{
    const struct known *images = find_known(&part->file[IMAGES], IMAGES);
    const struct known *labels = find_known(&part->file[LABELS], LABELS);

    if (images != NULL && labels != NULL && images != labels)
        return host->fail(
            DNN_E_FORMAT, "%s: these are the labels of %s, %s; the images beside are %s, %s",
            part->file[LABELS].name, labels->title, labels->split, images->title, images->split);
    part->known = images == labels ? images : NULL;
    return DNN_OK;
}

static dnn_status load_part(struct set *set, const dnn__location *location, const struct plan *plan,
                            uint64_t *budget, struct sha256_ctx *all)
{
    struct part *part = &set->part[set->n_parts++];
    const struct idx *images = &part->file[IMAGES], *first = &set->part[0].file[IMAGES];

    for (int k = 0; k < KINDS; k++) {
        DNN__TRY(load_file(set->host, location, plan->file[k], k, *budget, k == IMAGES ? all : NULL,
                           &part->file[k]));
        *budget -= part->file[k].bytes;
    }
    DNN__TRY(check_labels(set->host, part));
    DNN__TRY(identify(set->host, part));
    if (images->dim[1] != first->dim[1] || images->dim[2] != first->dim[2])
        return set->host->fail(DNN_E_FORMAT, "%s: images of %u x %u, those of %s have %u x %u",
                               images->name, (unsigned)images->dim[1], (unsigned)images->dim[2],
                               first->name, (unsigned)first->dim[1], (unsigned)first->dim[2]);
    part->n = images->dim[0];
    set->n += part->n;
    return DNN_OK;
}

/* Finds the published set of all parts; NULL if any part is unknown. Parts of two published sets
 * are an error. */
static dnn_status common_set(const struct set *set, const struct known **out)
{
    const struct known *a = set->part[0].known, *b = set->part[set->n_parts - 1].known;

    if (a != NULL && b != NULL && strcmp(a->name, b->name) != 0)
        return set->host->fail(DNN_E_FORMAT, "%s: this is %s, but %s is %s",
                               set->part[1].file[IMAGES].name, b->title,
                               set->part[0].file[IMAGES].name, a->title);
    *out = a != NULL && b != NULL ? a : NULL;
    return DNN_OK;
}

static void fill_fields(struct set *set, const struct known *known)
{
    const uint32_t *dim = set->part[0].file[IMAGES].dim;

    set->pixels = (uint64_t)dim[1] * dim[2];
    set->image = (dnn_reader_field){.size = sizeof(dnn_reader_field),
                                    .dtype = DNN_T_U8,
                                    .name = "image",
                                    .ndim = 3,
                                    .dim = {1, dim[1], dim[2]}};
    set->label = (dnn_reader_field){.size = sizeof(dnn_reader_field),
                                    .dtype = DNN_T_I64,
                                    .name = "label",
                                    .labels = known != NULL ? known->classes : digit_names};
    set->field[0] = &set->image;
    set->field[1] = &set->label;
}

static dnn_status finish(struct set *set, const struct plan plan[MAX_PARTS], struct sha256_ctx *all)
{
    const struct known *known = NULL;
    const char *of = plan[0].prefix;

    DNN__TRY(common_set(set, &known));
    fill_fields(set, known);
    snprintf(set->digest, sizeof(set->digest), "%s", set->part[0].file[IMAGES].digest);
    if (set->n_parts == 2) {
        dnn__digest_text(all, set->digest);
        of = "train and test";
    } else if (strcmp(of, "t10k") == 0) {
        of = "test";
    }
    snprintf(set->text, sizeof(set->text), "%s, %.40s, %s images %ux%u",
             known != NULL ? known->title : "IDX images", of, DNN__GROUPED(set->n),
             (unsigned)set->part[0].file[IMAGES].dim[1],
             (unsigned)set->part[0].file[IMAGES].dim[2]);
    return DNN_OK;
}

static void mnist_close(void *opaque)
{
    struct set *set = opaque;

    if (set == NULL)
        return;
    for (int i = 0; i < MAX_PARTS; i++)
        for (int k = 0; k < KINDS; k++)
            dnn__reader_free(set->host, set->part[i].file[k].data);
    dnn__reader_free(set->host, set);
}

static dnn_status load_set(const dnn_reader_request *request, const dnn__location *location,
                           struct set *set)
{
    struct plan plan[MAX_PARTS];
    struct sha256_ctx all;
    uint64_t budget = dnn__cap(request);
    int n_plans = 0;

    if (location->base[0] == '\0')
        DNN__TRY(plan_folder(request->host, location, request->split, plan, &n_plans));
    else
        DNN__TRY(plan_file(request->host, location, request->split, plan, &n_plans));
    sha256_init(&all);
    for (int i = 0; i < n_plans; i++)
        DNN__TRY(load_part(set, location, &plan[i], &budget, n_plans > 1 ? &all : NULL));
    return finish(set, plan, &all);
}

static dnn_status mnist_open(const dnn_reader_request *request, void **out)
{
    const dnn_reader_host *host;
    struct set *set = NULL;
    dnn__location location;
    dnn_status st;

    DNN__TRY(dnn__request_check(request, "mnist"));
    host = request->host;
    if (request->options != NULL && request->options[0] != '\0')
        return host->fail(DNN_E_INVALID, "mnist: unknown option \"%.40s\": this reader has none",
                          request->options);
    if (request->source != NULL)
        return host->fail(DNN_E_INVALID,
                          "mnist: images and labels are two files, one source cannot be both: "
                          "give the path of either, or of their folder");
    DNN__TRY(dnn__location_find(host, request->path, &location));
    DNN__TRY_TO(done, dnn__reader_alloc(host, sizeof(*set), "mnist", (void **)&set));
    memset(set, 0, sizeof(*set));
    set->host = host;
    DNN__TRY_TO(done, load_set(request, &location, set));
    *out = set;
    set = NULL;
done:
    mnist_close(set);
    dnn__location_close(&location);
    return st;
}

static dnn_status mnist_describe(void *opaque, dnn_reader_info *info)
{
    const struct set *set = opaque;
    const struct known *known = set->part[0].known;

    if (!DNN_FITS(info, digest))
        return set->host->fail(DNN_E_INVALID,
                               "mnist: describe: info of %u bytes, expected at least %zu",
                               (unsigned)info->size, sizeof(*info));
    info->n_samples = set->n;
    info->n_fields = 2;
    info->field = set->field;
    info->text = set->text;
    info->name = known != NULL && set->part[set->n_parts - 1].known != NULL ? known->name : NULL;
    info->digest = set->digest;
    return DNN_OK;
}

static dnn_status mnist_shape(void *opaque, int64_t index, int32_t field, int64_t *dim)
{
    const struct set *set = opaque;

    DNN__TRY(dnn__range_check(set->host, "mnist", index, 1, set->n));
    if (field < 0 || field > 1)
        return set->host->fail(DNN_E_INVALID, "mnist: field %d, there are 2", (int)field);
    for (int32_t i = 0; i < set->field[field]->ndim; i++)
        dim[i] = set->field[field]->dim[i];
    return DNN_OK;
}

/* Copies samples [first, first + count) of one part; the buffers begin with its first sample. A
 * NULL buffer is skipped. */
static void copy_part(const struct set *set, const struct part *part, int64_t first, int64_t count,
                      uint8_t *image, int64_t *label)
{
    const uint64_t from = (uint64_t)first, n = (uint64_t)count;

    if (image != NULL)
        memcpy(image, part->file[IMAGES].data + from * set->pixels, n * set->pixels);
    for (uint64_t i = 0; label != NULL && i < n; i++)
        label[i] = part->file[LABELS].data[from + i];
}

static dnn_status mnist_read(void *opaque, int64_t first, int64_t count, void *const *dst,
                             const uint64_t *dst_bytes)
{
    const struct set *set = opaque;
    uint8_t *image;
    int64_t *label;

    DNN__TRY(dnn__range_check(set->host, "mnist", first, count, set->n));
    if (dst == NULL || dst_bytes == NULL)
        return set->host->fail(DNN_E_INVALID, "mnist: read: dst and dst_bytes must be given");
    image = dst[0];
    label = dst[1];
    if (image != NULL)
        DNN__TRY(dnn__dst_check(set->host, "mnist", "image", (uint64_t)count, set->pixels,
                                dst_bytes[0]));
    if (label != NULL)
        DNN__TRY(dnn__dst_check(set->host, "mnist", "label", (uint64_t)count, sizeof(int64_t),
                                dst_bytes[1]));
    for (int i = 0; i < set->n_parts && count > 0; i++) {
        const int64_t left = set->part[i].n - first, n = left < count ? left : count;

        if (n > 0) {
            copy_part(set, &set->part[i], first, n, image, label);
            image = image != NULL ? image + (uint64_t)n * set->pixels : NULL;
            label = label != NULL ? label + n : NULL;
            first += n;
            count -= n;
        }
        first -= set->part[i].n;
    }
    return DNN_OK;
}

static int bid_folder(const dnn_reader_probe *probe)
{
    static const char *const prefixes[] = {"train", "t10k"};
    char base[NAME_ROOM];
    dnn__location folder;
    int bid = 0;

    if (!dnn__location_folder(probe->path, &folder))
        return 0;
    for (int i = 0; i < 2 && bid == 0; i++)
        for (int k = 0; k < KINDS && bid == 0; k++)
            bid = locate(&folder, prefixes[i], k, base) ? 90 : 0;
    dnn__location_close(&folder);
    return bid;
}

static int mnist_bid(const dnn_reader_probe *probe)
{
    const char *slash;
    char prefix[NAME_ROOM];
    uint8_t head[4];
    int kind;

    if (probe->is_dir)
        return probe->path != NULL ? bid_folder(probe) : 0;
    if (dnn__head(probe, head, sizeof(head)) < sizeof(head))
        return 0;
    if (be32(head) != 0x803 && be32(head) != 0x801)
        return 0;
    /* IDX files of other sets have the same magic number, so the file name decides how high the bid
     * is. */
    slash = probe->path != NULL ? strrchr(probe->path, '/') : NULL;
    if (probe->path == NULL || !parse_name(slash != NULL ? slash + 1 : probe->path, prefix, &kind))
        return 30;
    return kind == (be32(head) == 0x803 ? IMAGES : LABELS) ? 90 : 60;
}

static const char *const extensions[] = {".gz", "-ubyte", NULL};

DNN_READER(.flags = DNN_R_CONCURRENT, .id = "mnist", .version = "1.0",
           .build = "zlib " ZLIB_VERSION, .extensions = extensions, .bid = mnist_bid,
           .open = mnist_open, .describe = mnist_describe, .shape = mnist_shape, .read = mnist_read,
           .close = mnist_close)
