/* concat.c - a data set that concatenates others. A batch calls each part once, for all samples
 * that come from it, and puts them to their positions. */
#include <string.h>
#include "dataset.h"

struct concat {
    dnn_dataset set;
    int n_parts;
    dnn_dataset *part[];
};

/* Finds for each sample its part, and its index in the part. */
static void locate(const struct concat *c, const int64_t *index, int64_t n, int64_t *part,
                   int64_t *at)
{
    for (int64_t i = 0; i < n; i++) {
        part[i] = 0;
        at[i] = index[i];
        while (at[i] >= c->part[part[i]]->size) {
            at[i] -= c->part[part[i]++]->size;
        }
    }
}

/* Collects the samples of the batch that come from the same part as sample `first`: their indices
 * in the part, and their rows in the batch. Sets their part[] to -1, which marks them as done.
 * Returns their number. */
static int64_t select_part(int64_t *part, const int64_t *at, int64_t first, int64_t n,
                           int64_t *within, int64_t *row)
{
    int64_t k = part[first], count = 0;

    for (int64_t i = first; i < n; i++) {
        if (part[i] == k) {
            within[count] = at[i];
            row[count++] = i;
            part[i] = -1;
        }
    }
    return count;
}

/* The samples of a batch that come from one part. */
struct piece {
    dnn__samples samples;
    int64_t n;
    const int64_t *row; /* [n] in the batch */
};

enum { LISTS = 5 }; /* read_pieces needs so many lists of n numbers */

/* Reads each part once; *count is the number of pieces. */
static dnn_status read_pieces(const struct concat *c, const dnn__request *r, struct piece *piece,
                              int64_t *count)
{
    int64_t *list = dnn__scratch("data set", r->n, LISTS * sizeof *list), *part = list,
            *at = list + r->n, *within = at + r->n, *row = within + r->n, *id = row + r->n;

    if (list == NULL) {
        return dnn__take();
    }
    locate(c, r->index, r->n, part, at);
    *count = 0;
    for (int64_t first = 0; first < r->n; first++) {
        struct piece *p = &piece[*count];
        dnn__request below = *r;
        dnn_dataset *set;

        if (part[first] < 0) {
            continue;
        }
        set = c->part[part[first]];
        *p = (struct piece){.n = select_part(part, at, first, r->n, within, row), .row = row};
        for (int64_t i = 0; i < p->n; i++) {
            id[i] = r->id[row[i]];
        }
        below.index = within;
        below.id = id;
        below.n = p->n;
        DNN_TRY(set->type->get(set, &below, &p->samples));
        within += p->n;
        row += p->n;
        id += p->n;
        ++*count;
    }
    return DNN_OK;
}

/* True if each piece is stacked and on cpu, and the pieces have one number of fields, dtype and
 * shape of samples. */
static bool all_alike(const struct piece *piece, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const dnn_tensor_list *first = &piece[0].samples.batch, *batch = &piece[i].samples.batch;

        if (piece[i].samples.sample != NULL || batch->n != first->n) {
            return false;
        }
        for (int64_t k = 0; k < batch->n; k++) {
            if (dnn__dev(dnn__device_of(batch->item[k]))->api != NULL ||
                !dnn__alike(first->item[k], batch->item[k], true)) {
                return false;
            }
        }
    }
    return true;
}

static dnn_status join_field(const struct piece *piece, int64_t count, int64_t k, int64_t n,
                             dnn_tensor **out)
{
    const dnn_tensor *first = piece[0].samples.batch.item[k];
    int64_t dim[DNN_MAX_DIMS];

    memcpy(dim, first->dim, sizeof(int64_t) * (size_t)first->ndim);
    dim[0] = n;
    *out = dnn__tensor_new("data set", first->dtype, first->ndim, dim, dnn__cpu());
    for (int64_t i = 0; i < count && *out != NULL; i++) {
        DNN_SCOPE();
        dnn_tensor *from = dnn_contiguous(piece[i].samples.batch.item[k]);

        if (from == NULL) {
            return dnn__take();
        }
        dnn__copy_rows(*out, piece[i].row, from, NULL, piece[i].n);
    }
    return *out != NULL ? DNN_OK : dnn__take();
}

/* Copies the rows of stacked pieces to their places in one batch. */
static dnn_status join_rows(const struct piece *piece, int64_t count, int64_t n, dnn__samples *out)
{
    int64_t n_fields = piece[0].samples.batch.n;
    dnn_tensor **field = dnn__scratch("data set", n_fields, sizeof *field);

    if (field == NULL) {
        return dnn__take();
    }
    for (int64_t k = 0; k < n_fields; k++) {
        DNN_TRY(join_field(piece, count, k, n, &field[k]));
    }
    out->batch = (dnn_tensor_list){.n = n_fields, .item = field};
    return DNN_OK;
}

/* Puts the samples of the pieces, which may be unequal, into one list. */
static dnn_status join_lists(struct piece *piece, int64_t count, int64_t n, dnn__samples *out)
{
    dnn_tensor_list *sample = dnn__scratch("data set", n, sizeof *sample);

    if (sample == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < count; i++) {
        DNN_TRY(dnn__samples_split(&piece[i].samples, piece[i].n));
        for (int64_t j = 0; j < piece[i].n; j++) {
            sample[piece[i].row[j]] = piece[i].samples.sample[j];
        }
    }
    out->sample = sample;
    return DNN_OK;
}

static dnn_status get_concat(dnn_dataset *set, const dnn__request *r, dnn__samples *out)
{
    const struct concat *c = (const struct concat *)set;
    int64_t count = 0, most = c->n_parts < r->n ? c->n_parts : r->n;
    struct piece *piece = dnn__scratch("data set", most, sizeof *piece);

    if (piece == NULL) {
        return dnn__take();
    }
    DNN_TRY(read_pieces(c, r, piece, &count));
    if (count == 1) {
        *out = piece[0].samples;
        return DNN_OK;
    }
    return all_alike(piece, count) ? join_rows(piece, count, r->n, out)
                                   : join_lists(piece, count, r->n, out);
}

static void close_concat(dnn_dataset *set)
{
    struct concat *c = (struct concat *)set;

    for (int i = 0; i < c->n_parts; i++) {
        dnn_release(c->part[i]);
    }
}

static const dnn__dataset_type concat_type = {.get = get_concat, .close = close_concat};

static dnn_status check_parts(dnn_dataset *const *sets, int n, int64_t *size)
{
    if (n < 1 || sets == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_concat: %d sets, must be 1 or more%s", n,
                         sets == NULL ? "; sets is NULL" : "");
    }
    DNN_TRY(dnn__check_alive_list("dnn_dataset_concat", "sets", sets, n));
    *size = 0;
    for (int i = 0; i < n; i++) {
        if (sets[i] == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_dataset_concat: set %d of %d is NULL", i, n);
        }
        DNN_TRY(dnn__dataset_check_length("dnn_dataset_concat", sets[i]));
        if (sets[i]->n_fields != sets[0]->n_fields && sets[i]->n_fields >= 0 &&
            sets[0]->n_fields >= 0) {
            return dnn__fail(
                DNN_E_INVALID, "dnn_dataset_concat: set 0 has %s fields, set %d has %s",
                dnn__number_text(sets[0]->n_fields), i, dnn__number_text(sets[i]->n_fields));
        }
        if (__builtin_add_overflow(*size, sets[i]->size, size)) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_dataset_concat: the first %d sets have more than 2^63 samples",
                             i + 1);
        }
    }
    return DNN_OK;
}

/* ---- facts: those that are equal in all parts ---- */

static bool same_labels(const char *const *a, const char *const *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return *a == NULL && *b == NULL;
}

static const char *common(const char *first, const char *other)
{
    return first != NULL && other != NULL && strcmp(first, other) == 0 ? first : NULL;
}

static void take_facts(struct concat *c)
{
    c->set.text = dnn_dataset_text(c->part[0]);
    c->set.name = dnn_dataset_name(c->part[0]);
    c->set.digest = dnn_dataset_digest(c->part[0]);
    c->set.labels = dnn_dataset_labels(c->part[0]);
    for (int i = 1; i < c->n_parts; i++) {
        c->set.text = common(c->set.text, dnn_dataset_text(c->part[i]));
        c->set.name = common(c->set.name, dnn_dataset_name(c->part[i]));
        c->set.digest = common(c->set.digest, dnn_dataset_digest(c->part[i]));
        c->set.labels =
            same_labels(c->set.labels, dnn_dataset_labels(c->part[i])) ? c->set.labels : NULL;
    }
}

dnn_dataset *dnn_dataset_concat(dnn_dataset *const *sets, int n)
{
    struct concat *c;
    int64_t size = 0;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = check_parts(sets, n, &size);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    c = dnn__dataset_new(sizeof *c + (size_t)n * sizeof c->part[0], &concat_type, size,
                         sets[0]->n_fields, NULL);
    if (c == NULL) {
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        c->part[i] = dnn_retain(sets[i]);
        c->set.depth = sets[i]->depth > c->set.depth ? sets[i]->depth : c->set.depth;
        c->set.n_fields = sets[i]->n_fields < 0 ? -1 : c->set.n_fields;
    }
    c->n_parts = n;
    take_facts(c);
    return &c->set;
}
