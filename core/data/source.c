/* source.c - where samples come from: files through reader plugins, tensors in memory, functions.
 * Samples are on the device cpu. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "data.h"

/* ---- readers: who takes a file ---- */

enum { HEAD = 1 << 16 };

/* The message of a reader, or of nobody. */
static dnn_status reader_failed(const char *path, const char *id, dnn_status status)
{
    if (status > 0) {
        status = DNN_E_INTERNAL;
    }
    return dnn__fail(status, "%s (reader %s)",
                     dnn__self.plugin_text[0] != 0 ? dnn__self.plugin_text : path, id);
}

static dnn_status read_head(const char *path, uint8_t *head, dnn_reader_probe *probe)
{
    struct stat st;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */

    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;

        if (fd >= 0) {
            close(fd);
        }
        return dnn__fail(DNN_E_IO, "%s: %s", path, strerror(error));
    }
    *probe = (dnn_reader_probe){.size = sizeof *probe,
                                .is_dir = S_ISDIR(st.st_mode),
                                .path = path,
                                .head = head,
                                .length = st.st_size};
    if (S_ISREG(st.st_mode)) {
        do {
            n = pread(fd, head, HEAD, 0);
        } while (n < 0 && errno == EINTR);
    }
    close(fd);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return dnn__fail(DNN_E_IO, "%s: neither a regular file nor a folder", path);
    }
    if (n < 0) {
        return dnn__fail(DNN_E_IO, "%s: %s", path, strerror(errno));
    }
    probe->head_bytes = (uint64_t)n;
    return DNN_OK;
}

static bool has_extension(const dnn__reader *r, const char *path)
{
    size_t length = strlen(path);

    for (int i = 0; r->table.extensions != NULL && r->table.extensions[i] != NULL; i++) {
        size_t n = strlen(r->table.extensions[i]);

        if (n <= length && strcmp(path + length - n, r->table.extensions[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The highest bid wins; at a tie the extension; still a tie is an error. */
static dnn_status choose(dnn__reader *const *list, int n, const dnn_reader_probe *probe,
                         dnn__reader **out)
{
    dnn__reader *best = NULL, *rival = NULL;
    int highest = 0;

    for (int i = 0; i < n; i++) {
        int bid = list[i]->table.bid(probe);

        if (bid > highest || (bid == highest && bid > 0 && has_extension(list[i], probe->path) &&
                              !has_extension(best, probe->path))) {
            best = list[i];
            highest = bid;
            rival = NULL;
        } else if (bid == highest && bid > 0 &&
                   has_extension(list[i], probe->path) == has_extension(best, probe->path)) {
            rival = list[i];
        }
    }
    if (rival != NULL) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: the readers %s and %s both take it; name one with .reader = \"%s\"",
                         probe->path, best->id, rival->id, best->id);
    }
    *out = best;
    return DNN_OK;
}

static dnn_status find_reader(const dnn_dataset_args *args, dnn__reader **out)
{
    static _Thread_local uint8_t head[HEAD];
    char asked[400];
    dnn__text text = dnn__text_to(asked, sizeof asked);
    dnn__reader *const *list;
    dnn_reader_probe probe;
    int n;

    DNN_TRY(dnn__readers(&list, &n));
    *out = NULL;
    for (int i = 0; args->reader != NULL && i < n; i++) {
        if (strcmp(list[i]->id, args->reader) == 0) {
            *out = list[i];
            return DNN_OK;
        }
    }
    dnn__put_readers(&text);
    if (args->reader != NULL) {
        return dnn__fail(DNN_E_DEVICE, "dnn_dataset_open: no reader is called %s; there are: %s",
                         args->reader, asked);
    }
    DNN_TRY(read_head(args->path, head, &probe));
    DNN_TRY(choose(list, n, &probe, out));
    if (*out == NULL) {
        return dnn__fail(DNN_E_FORMAT, "%s: no reader takes it; asked were: %s", args->path, asked);
    }
    return DNN_OK;
}

/* ---- reader sets ---- */

struct reading {
    dnn_dataset set;
    const dnn__reader *reader;
    void *handle;
    dnn_reader_info info;
    pthread_mutex_t turn; /* for readers that are not concurrent */
    bool concurrent, fixed;
};

/* Dims of a field: the reader's, or those of sample `index` where they vary. */
static dnn_status dims_of(struct reading *r, int field, int64_t index, int64_t *dim)
{
    const dnn_reader_field *f = r->info.field[field];
    dnn_status status;

    memcpy(dim, f->dim, sizeof f->dim);
    for (int d = 0; d < f->ndim; d++) {
        if (dim[d] < 0) {
            status = r->reader->table.shape(r->handle, index, field, dim);
            return status == DNN_OK ? DNN_OK : reader_failed("shape", r->reader->id, status);
        }
    }
    return DNN_OK;
}

static dnn_status make_field(struct reading *r, int field, const int64_t *index, int64_t n,
                             dnn_tensor **out)
{
    const dnn_reader_field *f = r->info.field[field];
    int64_t dim[1 + DNN_MAX_DIMS] = {n}, other[DNN_MAX_DIMS];

    DNN_TRY(dims_of(r, field, index[0], dim + 1));
    for (int64_t i = 1; !r->fixed && i < n; i++) {
        DNN_TRY(dims_of(r, field, index[i], other));
        if (memcmp(other, dim + 1, sizeof(int64_t) * (size_t)f->ndim) != 0) {
            return dnn__fail(DNN_E_INVALID,
                             "data set: samples %s and %s of one batch have shapes %s and %s",
                             dnn__number_text(index[0]), dnn__number_text(index[i]),
                             dnn__shape_text(f->ndim, dim + 1), dnn__shape_text(f->ndim, other));
        }
    }
    *out = dnn__tensor_new("data set", f->dtype, f->ndim + 1, dim, dnn__cpu());
    return *out != NULL ? DNN_OK : dnn__take();
}

/* Reads a run of neighbouring samples to place `at` of the batch. */
static dnn_status read_run(struct reading *r, int64_t first, int64_t count, int64_t at, int64_t n,
                           dnn_tensor **field)
{
    void *dst[DNN_FIELD_MAX];
    uint64_t bytes[DNN_FIELD_MAX];
    dnn_status status;

    for (int i = 0; i < r->set.n_fields; i++) {
        uint64_t each = (uint64_t)(dnn__numel(field[i]) / n) * dnn__item_size(field[i]->dtype);

        bytes[i] = each * (uint64_t)count;
        dst[i] = bytes[i] > 0 ? (char *)field[i]->storage->data + each * (uint64_t)at : NULL;
    }
    dnn__self.plugin_text[0] = 0;
    status = r->reader->table.read(r->handle, first, count, dst, bytes);
    return status == DNN_OK ? DNN_OK : reader_failed("read", r->reader->id, status);
}

static dnn_status read_all(struct reading *r, const int64_t *index, int64_t n, dnn_tensor **field)
{
    for (int64_t i = 0, run; i < n; i += run) {
        run = 1;
        while (r->fixed && i + run < n && index[i + run] == index[i] + run) {
            run++;
        }
        DNN_TRY(read_run(r, index[i], run, i, n, field));
    }
    return DNN_OK;
}

static dnn_status get_reading(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct reading *r = (struct reading *)set;
    dnn_status st = DNN_OK;

    if (!r->concurrent) {
        pthread_mutex_lock(&r->turn);
    }
    for (int i = 0; i < set->n_fields && st == DNN_OK; i++) {
        st = make_field(r, i, index, n, &field[i]);
    }
    if (st == DNN_OK) {
        st = read_all(r, index, n, field);
    }
    if (!r->concurrent) {
        pthread_mutex_unlock(&r->turn);
    }
    return st;
}

static void close_reading(dnn_dataset *set)
{
    struct reading *r = (struct reading *)set;

    if (r->handle != NULL) {
        r->reader->table.close(r->handle);
    }
    pthread_mutex_destroy(&r->turn);
}

static const dnn__dataset_type reading_type = {.get = get_reading, .close = close_reading};

static dnn_status check_info(const struct reading *r, const char *path)
{
    if (r->info.n_samples < 0 || r->info.n_fields < 1 || r->info.n_fields > DNN_FIELD_MAX ||
        r->info.field == NULL) {
        return dnn__fail(DNN_E_INTERNAL, "%s: reader %s describes %s samples of %d fields", path,
                         r->reader->id, dnn__number_text(r->info.n_samples), r->info.n_fields);
    }
    for (int i = 0; i < r->info.n_fields; i++) {
        const dnn_reader_field *f = r->info.field[i];

        if (!dnn__dtype_ok(f->dtype) || f->ndim < 0 || f->ndim >= DNN_MAX_DIMS) {
            return dnn__fail(DNN_E_INTERNAL,
                             "%s: reader %s describes field %d with dtype %u and rank %d", path,
                             r->reader->id, i, f->dtype, f->ndim);
        }
    }
    return DNN_OK;
}

static dnn_status open_reading(struct reading *r, const dnn_dataset_args *args)
{
    dnn_reader_request request = {.size = sizeof request,
                                  .path = args->path,
                                  .split = args->split,
                                  .options = args->options,
                                  .max_bytes = args->max_bytes,
                                  .host = &dnn__reader_host};
    dnn_status status;

    dnn__self.plugin_text[0] = 0;
    status = r->reader->table.open(&request, &r->handle);
    if (status != DNN_OK) {
        r->handle = NULL;
        return reader_failed(args->path, r->reader->id, status);
    }
    r->info.size = sizeof r->info;
    status = r->reader->table.describe(r->handle, &r->info);
    if (status != DNN_OK) {
        return reader_failed(args->path, r->reader->id, status);
    }
    DNN_TRY(check_info(r, args->path));
    r->set.size = r->info.n_samples;
    r->set.n_fields = r->info.n_fields;
    r->set.text = r->info.text;
    r->set.name = r->info.name;
    r->set.digest = r->info.digest;
    r->fixed = true;
    for (int i = 0; i < r->info.n_fields; i++) {
        for (int d = 0; d < r->info.field[i]->ndim; d++) {
            r->fixed = r->fixed && r->info.field[i]->dim[d] >= 0;
        }
        r->set.labels = r->info.field[i]->labels != NULL ? r->info.field[i]->labels : r->set.labels;
    }
    if (!r->fixed && r->reader->table.shape == NULL) {
        return dnn__fail(DNN_E_INTERNAL,
                         "%s: reader %s has samples of several shapes and no function for them",
                         args->path, r->reader->id);
    }
    return DNN_OK;
}

dnn_dataset *dnn_dataset_open_with(dnn_dataset_args args)
{
    struct reading *r;
    dnn__reader *reader = NULL;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (args.path == NULL || args.path[0] == 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_dataset_open: path is %s",
                                   args.path == NULL ? "NULL" : "empty"));
    }
    st = find_reader(&args, &reader);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    r = dnn__dataset_new(sizeof *r, &reading_type, 0, 0, NULL);
    if (r == NULL) {
        return NULL;
    }
    r->reader = reader;
    r->concurrent = (reader->table.flags & DNN_R_CONCURRENT) != 0;
    pthread_mutex_init(&r->turn, NULL);
    st = open_reading(r, &args);
    if (st != DNN_OK) {
        dnn_dataset_release(&r->set);
        return dnn__null(st);
    }
    return &r->set;
}

/* ---- tensors in memory ---- */

struct tensors {
    dnn_dataset set;
    dnn_tensor *field[DNN_FIELD_MAX]; /* dense, on cpu */
};

static dnn_status copy_rows(const dnn_tensor *from, const int64_t *index, int64_t n,
                            dnn_tensor **out)
{
    int64_t dim[DNN_MAX_DIMS];
    size_t row = (size_t)(dnn__numel(from) / from->dim[0]) * dnn__item_size(from->dtype);
    const char *data =
        (const char *)from->storage->data + (size_t)from->offset * dnn__item_size(from->dtype);

    memcpy(dim, from->dim, sizeof dim);
    dim[0] = n;
    *out = dnn__tensor_new("data set", from->dtype, from->ndim, dim, dnn__cpu());
    if (*out == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < n && row > 0; i++) {
        memcpy((char *)(*out)->storage->data + (size_t)i * row, data + (size_t)index[i] * row, row);
    }
    return DNN_OK;
}

static dnn_status get_tensors(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct tensors *t = (struct tensors *)set;

    for (int i = 0; i < set->n_fields; i++) {
        DNN_TRY(copy_rows(t->field[i], index, n, &field[i]));
    }
    return DNN_OK;
}

static void close_tensors(dnn_dataset *set)
{
    struct tensors *t = (struct tensors *)set;

    for (int i = 0; i < set->n_fields; i++) {
        dnn_release(t->field[i]);
    }
}

static const dnn__dataset_type tensors_type = {.get = get_tensors, .close = close_tensors};

static dnn_status check_tensors(dnn_tensor *const *fields, int n)
{
    if (fields == NULL || n < 1 || n > DNN_FIELD_MAX) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_tensors: %d fields, not 1 to %d", n,
                         DNN_FIELD_MAX);
    }
    for (int i = 0; i < n; i++) {
        DNN_TRY(dnn__require(fields[i], "dnn_dataset_tensors", "a field"));
        if (dnn__dev(dnn__device_of(fields[i]))->api != NULL) {
            return dnn__fail(
                DNN_E_INVALID,
                "dnn_dataset_tensors: field %d is on %s; samples are on cpu (dnn_to_device)", i,
                dnn_device_of(fields[i]));
        }
        if (fields[i]->ndim < 1 || fields[i]->dim[0] != fields[0]->dim[0]) {
            return dnn__fail(
                DNN_E_INVALID,
                "dnn_dataset_tensors: field 0 is %s, field %d is %s: the first sizes differ",
                dnn__shape_text(fields[0]->ndim, fields[0]->dim), i,
                dnn__shape_text(fields[i]->ndim, fields[i]->dim));
        }
    }
    return DNN_OK;
}

dnn_dataset *dnn_dataset_tensors(dnn_tensor *const *fields, int n_fields)
{
    struct tensors *t;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    st = check_tensors(fields, n_fields);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    t = dnn__dataset_new(sizeof *t, &tensors_type, fields[0]->dim[0], n_fields, NULL);
    if (t == NULL) {
        return NULL;
    }
    for (int i = 0; i < n_fields; i++) {
        DNN_NO_GRAD
        {
            t->field[i] = dnn_retain(dnn_contiguous(fields[i]));
        }
        if (t->field[i] == NULL) {
            dnn_dataset_release(&t->set);
            return NULL;
        }
    }
    return &t->set;
}

/* ---- functions ---- */

struct function {
    dnn_dataset set;
    dnn_status (*get)(void *ctx, int64_t index, dnn_tensor **field);
    void (*release)(void *ctx);
    void *ctx;
};

/* The samples, then each field stacked. samples has room for n_fields * n. */
static dnn_status collect(struct function *f, const int64_t *index, int64_t n, dnn_tensor **samples,
                          dnn_tensor **field)
{
    for (int64_t i = 0; i < n; i++) {
        dnn_tensor *one[DNN_FIELD_MAX] = {NULL};

        DNN_TRY(f->get(f->ctx, index[i], one));
        DNN_TRY(dnn__take());
        for (int k = 0; k < f->set.n_fields; k++) {
            if (one[k] == NULL) {
                return dnn__fail(DNN_E_INVALID,
                                 "data set: the function left field %d of sample %s NULL", k,
                                 dnn__number_text(index[i]));
            }
            samples[(int64_t)k * n + i] = one[k];
        }
    }
    for (int k = 0; k < f->set.n_fields; k++) {
        field[k] = dnn_stack(samples + (int64_t)k * n, n, 0);
        if (field[k] == NULL) {
            return dnn__take();
        }
    }
    return DNN_OK;
}

static dnn_status get_function(dnn_dataset *set, const int64_t *index, int64_t n,
                               dnn_tensor **field)
{
    struct function *f = (struct function *)set;
    dnn_tensor **samples = dnn__calloc((size_t)n * (size_t)set->n_fields, sizeof *samples);
    dnn_status st = DNN_OK;

    if (samples == NULL) {
        return dnn__nomem("data set", (size_t)n * sizeof *samples);
    }
    DNN_NO_GRAD
    {
        st = collect(f, index, n, samples, field);
        for (int k = 0; k < set->n_fields && st == DNN_OK; k++) {
            dnn_keep(field[k]);
        }
    }
    dnn__free(samples);
    return st;
}

static void close_function(dnn_dataset *set)
{
    struct function *f = (struct function *)set;

    if (f->release != NULL) {
        f->release(f->ctx);
    }
}

static const dnn__dataset_type function_type = {.get = get_function, .close = close_function};

dnn_dataset *dnn_dataset_function(int64_t size, int n_fields,
                                  dnn_status (*get)(void *ctx, int64_t index, dnn_tensor **field),
                                  void (*release)(void *ctx), void *ctx)
{
    struct function *f = NULL;

    if (dnn__waiting() == DNN_OK) {
        bool good = size >= 0 && n_fields >= 1 && n_fields <= DNN_FIELD_MAX && get != NULL;

        f = good ? dnn__dataset_new(sizeof *f, &function_type, size, n_fields, NULL)
                 : dnn__null(dnn__fail(DNN_E_INVALID,
                                       "dnn_dataset_function: %s samples of %d fields (1 to %d)%s",
                                       dnn__number_text(size), n_fields, DNN_FIELD_MAX,
                                       get == NULL ? ", and no function" : ""));
    }
    if (f == NULL) {
        if (release != NULL) {
            release(ctx);
        }
        return NULL;
    }
    f->get = get;
    f->release = release;
    f->ctx = ctx;
    return &f->set;
}
