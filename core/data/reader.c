/* reader.c - data sets of files: selects the reader plugin for a path, and lets it read runs of
 * samples into the memory of batches. The core itself reads only the head of a file, from which
 * readers make their bids. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataset.h"
#include "abi_struct.h"
#include "plugin_impl.h"
#include "runtime.h"

/* ---- selection of the reader ---- */

enum { HEAD = 1 << 16 };

/* Fails with the reader's own text, which the caller cleared before the call; if it set none, with
 * the name of its function and the path or data set. */
static dnn_status reader_failed(const char *function, const char *path, const dnn__reader *r,
                                dnn_status status)
{
    if (status > 0) {
        status = DNN_E_INTERNAL;
    }
    if (dnn__plugin_text()[0] != 0) {
        return dnn__fail(status, "%s (reader %s)", dnn__plugin_text(), r->id);
    }
    return dnn__fail(status, "%s: %s failed without a word: %s (reader %s)", path, function,
                     dnn_status_name(status), r->id);
}

static dnn_status read_head(const char *path, uint8_t *head, dnn_reader_probe *probe)
{
    struct stat st;
    ssize_t n = 0;
    /* O_NONBLOCK: opening a FIFO without a writer must not block. */
    int error, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0) {
        error = errno;
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
    error = errno; /* of pread; close may change it */
    close(fd);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return dnn__fail(DNN_E_IO, "%s: neither a regular file nor a folder", path);
    }
    if (n < 0) {
        return dnn__fail(DNN_E_IO, "%s: %s", path, strerror(error));
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

/* Selects the highest bid. A tie goes to the reader that lists the file's extension; a tie that is
 * left is an error. *out is NULL if no reader bids. */
static dnn_status select_highest_bid(dnn__reader *const *list, int n, const dnn_reader_probe *probe,
                                     dnn__reader **out)
{
    dnn__reader *best = NULL, *rival = NULL;
    int highest = 0;

    for (int i = 0; i < n; i++) {
        int bid = list[i]->table.bid(probe);

        bid = bid > 100 ? 100 : bid; /* 100 is the highest bid */
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
                         "%s: the readers %s and %s both take it; select one with .reader = \"%s\"",
                         probe->path, best->id, rival->id, best->id);
    }
    *out = best;
    return DNN_OK;
}

/* Finds the reader that the program named. */
static dnn_status reader_named(const char *id, dnn__reader *const *list, int n, dnn__reader **out)
{
    char known[400];
    dnn__text text = dnn__text_to(known, sizeof known);

    for (int i = 0; i < n; i++) {
        if (strcmp(list[i]->id, id) == 0) {
            *out = list[i];
            return DNN_OK;
        }
    }
    dnn__put_readers(&text);
    return dnn__fail(DNN_E_DEVICE, "dnn_dataset_open: no reader is called %s; there are: %s", id,
                     known);
}

static dnn_status reader_that_bids(dnn__reader *const *list, int n, const dnn_reader_probe *probe,
                                   dnn__reader **out)
{
    char asked[400];
    dnn__text text = dnn__text_to(asked, sizeof asked);

    DNN_TRY(select_highest_bid(list, n, probe, out));
    if (*out == NULL) {
        dnn__put_readers(&text);
        return dnn__fail(DNN_E_FORMAT, "%s: no reader takes it; asked were: %s", probe->path,
                         asked);
    }
    return DNN_OK;
}

/* Checks the path even if the program named the reader, so that no reader blocks on a FIFO. */
static dnn_status find_reader(const dnn_dataset_args *args, dnn__reader **out)
{
    dnn__reader *const *list;
    dnn_reader_probe probe;
    uint8_t *head;
    dnn_status st;
    int n;

    DNN_TRY(dnn__start());
    DNN_TRY(dnn__readers(&list, &n));
    if (args->reader != NULL) {
        DNN_TRY(reader_named(args->reader, list, n, out));
    }
    head = dnn__alloc(HEAD);
    if (head == NULL) {
        return dnn__nomem("dnn_dataset_open", HEAD);
    }
    st = read_head(args->path, head, &probe);
    if (st == DNN_OK && args->reader == NULL) {
        st = reader_that_bids(list, n, &probe, out);
    }
    dnn__free(head);
    return st;
}

/* ---- data sets of readers ---- */

enum { MOST_FIELDS = 8 }; /* dnn_reader.h */

struct file_set {
    dnn_dataset set;
    dnn__reader reader; /* a copy: dnn_shutdown frees the list, but the functions stay mapped */
    void *handle;
    dnn_reader_info info;
    pthread_mutex_t lock; /* held during calls of a reader that is not concurrent */
    bool concurrent;
    bool fixed; /* all samples have the same shapes */
};

struct field_name {
    char text[64];
};

/* Returns the number of a field and, if the reader gives one, its name: "0 (image)". */
static struct field_name field_name(const dnn_reader_field *f, int number)
{
    struct field_name name;

    if (f->name != NULL) {
        snprintf(name.text, sizeof name.text, "%d (%.40s)", number, f->name);
    } else {
        snprintf(name.text, sizeof name.text, "%d", number);
    }
    return name;
}

/* Returns the dims of a field; where they vary, those of sample `index`. */
static dnn_status dims_of(struct file_set *r, int field, int64_t index, int64_t *dim)
{
    const dnn_reader_field *f = r->info.field[field];
    dnn_status status;

    memcpy(dim, f->dim, sizeof f->dim);
    for (int d = 0; d < f->ndim; d++) {
        if (dim[d] < 0) {
            dnn__plugin_text_clear();
            status = r->reader.table.shape(r->handle, index, field, dim);
            return status == DNN_OK
                       ? DNN_OK
                       : reader_failed("shape", dnn__dataset_called(&r->set), &r->reader, status);
        }
    }
    return DNN_OK;
}

/* Sets *alike if the samples have equal shapes. */
static dnn_status compare_shapes(struct file_set *r, const dnn__request *q, bool *alike)
{
    int64_t dim[DNN_MAX_DIMS], other[DNN_MAX_DIMS];

    *alike = true;
    for (int k = 0; k < r->info.n_fields && !r->fixed && *alike; k++) {
        DNN_TRY(dims_of(r, k, q->index[0], dim));
        for (int64_t i = 1; i < q->n && *alike; i++) {
            DNN_TRY(dims_of(r, k, q->index[i], other));
            *alike = memcmp(other, dim, sizeof dim[0] * (size_t)r->info.field[k]->ndim) == 0;
        }
    }
    return DNN_OK;
}

/* Makes the fields of sample `index`, or of n samples of its shapes: [n, ...] if n is not 0. */
static dnn_status make_fields(struct file_set *r, int64_t index, int64_t n, dnn_tensor **field)
{
    int first = n > 0 ? 1 : 0;

    for (int k = 0; k < r->info.n_fields; k++) {
        int64_t dim[1 + DNN_MAX_DIMS] = {n};

        DNN_TRY(dims_of(r, k, index, dim + first));
        field[k] = dnn__tensor_new("data set", r->info.field[k]->dtype,
                                   r->info.field[k]->ndim + first, dim, dnn__cpu());
        if (field[k] == NULL) {
            return dnn__take();
        }
    }
    return DNN_OK;
}

/* Reads `count` samples that follow each other in the set into the fields, which have room for n
 * samples, from sample `at` of them on. */
static dnn_status read_run(struct file_set *r, int64_t first, int64_t count, int64_t at, int64_t n,
                           dnn_tensor *const *field)
{
    void *dst[MOST_FIELDS];
    uint64_t bytes[MOST_FIELDS];
    dnn_status status;

    for (int k = 0; k < r->info.n_fields; k++) {
        uint64_t each = (uint64_t)(dnn__numel(field[k]) / n) * dnn__item_size(field[k]->dtype);

        bytes[k] = each * (uint64_t)count;
        dst[k] = bytes[k] > 0 ? (char *)field[k]->storage->data + each * (uint64_t)at : NULL;
    }
    dnn__plugin_text_clear();
    status = r->reader.table.read(r->handle, first, count, dst, bytes);
    return status == DNN_OK
               ? DNN_OK
               : reader_failed("read", dnn__dataset_called(&r->set), &r->reader, status);
}

static dnn_status read_batch(struct file_set *r, const dnn__request *q, dnn__samples *out)
{
    dnn_tensor **field = dnn__scratch("data set", r->info.n_fields, sizeof *field);

    if (field == NULL) {
        return dnn__take();
    }
    DNN_TRY(make_fields(r, q->index[0], q->n, field));
    for (int64_t i = 0, run; i < q->n; i += run) {
        run = 1;
        while (r->fixed && i + run < q->n && q->index[i + run] == q->index[i] + run) {
            run++;
        }
        DNN_TRY(read_run(r, q->index[i], run, i, q->n, field));
    }
    out->batch = (dnn_tensor_list){.n = r->info.n_fields, .item = field};
    return DNN_OK;
}

static dnn_status read_each(struct file_set *r, const dnn__request *q, dnn__samples *out)
{
    int n_fields = r->info.n_fields;
    dnn_tensor_list *sample = dnn__scratch("data set", q->n, sizeof *sample);
    dnn_tensor **field = dnn__scratch("data set", q->n * n_fields, sizeof *field);

    if (sample == NULL || field == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < q->n; i++, field += n_fields) {
        DNN_TRY(make_fields(r, q->index[i], 0, field));
        DNN_TRY(read_run(r, q->index[i], 1, 0, 1, field));
        sample[i] = (dnn_tensor_list){.n = n_fields, .item = field};
    }
    out->sample = sample;
    return DNN_OK;
}

static dnn_status read_samples(struct file_set *r, const dnn__request *q, dnn__samples *out)
{
    bool alike;

    DNN_TRY(compare_shapes(r, q, &alike));
    return alike ? read_batch(r, q, out) : read_each(r, q, out);
}

static dnn_status get_file_set(dnn_dataset *set, const dnn__request *request, dnn__samples *out)
{
    struct file_set *r = (struct file_set *)set;
    dnn_status st = dnn__plugin_enter_or_fail(dnn__dataset_called(set));

    DNN_TRY(st);
    if (!r->concurrent) {
        pthread_mutex_lock(&r->lock);
    }
    st = read_samples(r, request, out);
    if (!r->concurrent) {
        pthread_mutex_unlock(&r->lock);
    }
    dnn__plugin_leave();
    return st;
}

static void close_file_set(dnn_dataset *set)
{
    struct file_set *r = (struct file_set *)set;

    if (r->handle != NULL && dnn__plugin_enter()) {
        r->reader.table.close(r->handle);
        dnn__plugin_leave();
    }
    pthread_mutex_destroy(&r->lock);
}

static const dnn__dataset_type file_set_type = {.get = get_file_set, .close = close_file_set};

static dnn_status check_info(const struct file_set *r, const char *path)
{
    if (r->info.n_samples < 0 || r->info.n_fields < 1 || r->info.n_fields > MOST_FIELDS ||
        r->info.field == NULL) {
        return dnn__fail(DNN_E_INTERNAL, "%s: reader %s describes %s samples of %d fields", path,
                         r->reader.id, dnn__number_text(r->info.n_samples), r->info.n_fields);
    }
    for (int i = 0; i < r->info.n_fields; i++) {
        const dnn_reader_field *f = r->info.field[i];

        if (f == NULL || !DNN_FITS(f, labels)) {
            return dnn__fail(DNN_E_INTERNAL,
                             "%s: reader %s describes field %d with %u bytes, not %zu", path,
                             r->reader.id, i, f != NULL ? f->size : 0, sizeof *f);
        }
        if (f->size > DNN__SIZE_MAX || !dnn__tail_is_zero(f, f->size, sizeof *f)) {
            return dnn__fail(DNN_E_INTERNAL,
                             "%s: reader %s describes field %d with ABI fields that this host does "
                             "not know",
                             path, r->reader.id, i);
        }
        if (!dnn__dtype_ok(f->dtype) || f->ndim < 0 || f->ndim >= DNN_MAX_DIMS) {
            return dnn__fail(DNN_E_INTERNAL,
                             "%s: reader %s describes field %s with dtype %u and rank %d", path,
                             r->reader.id, field_name(f, i).text, f->dtype, f->ndim);
        }
    }
    return DNN_OK;
}

static dnn_status open_file_set(struct file_set *r, const dnn_dataset_args *args)
{
    dnn_reader_request request = {.size = sizeof request,
                                  .path = args->path,
                                  .split = args->split,
                                  .options = args->options,
                                  .max_bytes = args->max_bytes,
                                  .host = &dnn__reader_host};
    dnn_status status;

    dnn__plugin_text_clear();
    status = r->reader.table.open(&request, &r->handle);
    if (status != DNN_OK) {
        r->handle = NULL;
        return reader_failed("open", args->path, &r->reader, status);
    }
    r->info.size = sizeof r->info;
    dnn__plugin_text_clear();
    status = r->reader.table.describe(r->handle, &r->info);
    if (status != DNN_OK) {
        return reader_failed("describe", args->path, &r->reader, status);
    }
    DNN_TRY(check_info(r, args->path));
    if (r->info.name == NULL && r->info.digest != NULL) {
        dnn__log(DNN_LOG_INFO,
                 "libdnn: %s: its digest %.12s... is not that of a data set that reader %s knows",
                 args->path, r->info.digest, r->reader.id);
    }
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
        if (r->set.labels == NULL) { /* those of the first field that has labels: the target */
            r->set.labels = r->info.field[i]->labels;
        }
    }
    if (!r->fixed && r->reader.table.shape == NULL) {
        return dnn__fail(DNN_E_INTERNAL,
                         "%s: reader %s has samples of varying shapes and no function for them",
                         args->path, r->reader.id);
    }
    return DNN_OK;
}

static dnn_dataset *find_and_open(const dnn_dataset_args *args)
{
    struct file_set *r;
    dnn__reader *reader = NULL;
    dnn_status st = find_reader(args, &reader);

    if (st != DNN_OK) {
        return dnn__null(st);
    }
    r = dnn__dataset_new(sizeof *r, &file_set_type, 0, 0, NULL);
    if (r == NULL) {
        return NULL;
    }
    r->reader = *reader;
    r->concurrent = (reader->table.flags & DNN_R_CONCURRENT) != 0;
    pthread_mutex_init(&r->lock, NULL);
    st = open_file_set(r, args);
    if (st != DNN_OK) {
        dnn_release(&r->set);
        return dnn__null(st);
    }
    return &r->set;
}

dnn_dataset *dnn_dataset_open_with(dnn_dataset_args args)
{
    dnn_dataset *set;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (args.path == NULL || args.path[0] == 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_dataset_open: path is %s",
                                   args.path == NULL ? "NULL" : "empty"));
    }
    if (!dnn__ok(dnn__plugin_enter_or_fail(args.path))) {
        return NULL;
    }
    set = find_and_open(&args);
    dnn__plugin_leave();
    return set;
}
