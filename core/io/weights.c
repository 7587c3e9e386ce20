/* weights.c - writes the parameters and buffers of a module to a file under their dotted paths, and
 * loads them. A load first reads and checks all tensors, then changes the module: it exchanges
 * storages, which cannot fail, and copies into tensors that have views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nn_impl.h"
#include "weights.h"
#include "safetensors_file.h"
#include "call.h"

enum { NAME = 1100, LINES = 10 };

/* ---- saving ---- */

dnn_status dnn__named_add(dnn__named_list *list, const char *path, const char *name,
                          dnn_tensor *tensor)
{
    char *copy;

    DNN_TRY(
        dnn__reserve((void **)&list->item, &list->capacity, list->n + 1, sizeof *list->item, path));
    copy = dnn__strdup(name);
    if (copy == NULL) {
        return dnn__nomem(path, strlen(name));
    }
    list->item[list->n++] = (dnn_named_tensor){copy, tensor};
    return DNN_OK;
}

struct naming {
    dnn__named_list *list;
    const char *path, *prefix;
    dnn_status status;
};

static bool add_named(void *ctx, const dnn__path *at, dnn_tensor *tensor)
{
    struct naming *n = ctx;
    char name[NAME];
    dnn__text text = dnn__text_to(name, sizeof name);

    dnn__put(&text, "%s%s", n->prefix, *n->prefix != 0 ? "." : "");
    dnn__put_path(&text, at);
    n->status = dnn__named_add(n->list, n->path, name, tensor);
    return n->status == DNN_OK;
}

dnn_status dnn__named_add_weights(dnn__named_list *list, const char *path, const char *prefix,
                                  dnn_module *module)
{
    struct naming n = {list, path, prefix, DNN_OK};

    dnn__each_tensor(module, DNN__PARAMETERS | DNN__BUFFERS, add_named, &n);
    return n.status;
}

void dnn__named_free(dnn__named_list *list)
{
    for (int64_t i = 0; i < list->n; i++) {
        dnn__free((char *)(uintptr_t)list->item[i].name);
    }
    dnn__free(list->item);
    *list = (dnn__named_list){0};
}

dnn_status dnn_save_weights(dnn_module *module, const char *path)
{
    /* Other readers refuse a file without it. Names and layouts are those of PyTorch. */
    static const dnn_named_text format = {"format", "pt"};
    dnn__named_list list = {0};
    dnn_status st;

    DNN_TRY(dnn__require(module, "dnn_save_weights", "module"));
    DNN_TRY(dnn__require(path, "dnn_save_weights", "path"));
    st = dnn__named_add_weights(&list, path, "", module);
    if (st == DNN_OK) {
        st = dnn_save_tensors(path, list.item, list.n, &format, 1);
    }
    dnn__named_free(&list);
    return st;
}

/* ---- loading ---- */

struct dnn__weight_pair {
    dnn_tensor *target; /* of the module */
    dnn_tensor *loaded; /* its new value, a reference; NULL: the target does not change */
};

static void add_fault(dnn__weights *l, const char *what, const char *name, const char *a,
                      const char *b)
{
    if (l->faults++ < LINES) {
        dnn__put(&l->text, "\n  ");
        dnn__put(&l->text, "%s %.80s", what, name);
        if (a != NULL) {
            dnn__put(&l->text, ": %s in the file, %s in the module", a, b);
        }
    }
}

/* Returns the name of a file's tensor in the module: without the prefix if it begins with it. */
static const char *without_prefix(const dnn__weights *l, const char *name)
{
    size_t n = l->prefix != NULL ? strlen(l->prefix) : 0;

    return n > 0 && strncmp(name, l->prefix, n) == 0 ? name + n : name;
}

/* Finds the file's entry for a name of the module, without or with the prefix. */
static bool find_entry(const dnn__weights *l, const char *name, dnn_file_entry_info *out)
{
    char full[2 * NAME];
    int64_t at = dnn__file_find(l->file, name);

    if (at < 0 && l->prefix != NULL &&
        snprintf(full, sizeof full, "%s%s", l->prefix, name) < (int)sizeof full) {
        at = dnn__file_find(l->file, full);
    }
    return at >= 0 && dnn_file_entry(l->file, at, out);
}

static bool same_shape(const dnn_tensor *t, const dnn_shape *shape)
{
    return t->ndim == shape->ndim &&
           memcmp(t->dim, shape->dim, sizeof(int64_t) * (size_t)t->ndim) == 0;
}

/* A floating tensor accepts any floating dtype; others only their own. */
static bool castable(const dnn_tensor *t, dnn_dtype dtype)
{
    return dtype == t->dtype || ((dtype & DNN__FLOATS) != 0 && (t->dtype & DNN__FLOATS) != 0);
}

/* Reads the tensor, casts it and moves it to the target's device. The result is dense and has no
 * other owner. */
static dnn_status load_one(dnn__weights *l, const char *name, struct dnn__weight_pair *pair)
{
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *t = dnn_to(dnn_file_tensor(l->file, name), .dtype = pair->target->dtype);

        t = dnn_to(t, .device = dnn_device_of(pair->target));
        st = t != NULL ? DNN_OK : dnn__take();
        pair->loaded = dnn_retain(t);
    }
    return st;
}

static dnn_status match(dnn__weights *l, const char *name, struct dnn__weight_pair *pair)
{
    dnn_file_entry_info info;

    if (!find_entry(l, name, &info)) {
        add_fault(l, "missing", name, NULL, NULL);
        return DNN_OK;
    }
    if (!same_shape(pair->target, &info.shape)) {
        add_fault(l, "misshapen", name, dnn__shape_text((int)info.shape.ndim, info.shape.dim),
                  dnn__shape_text(pair->target->ndim, pair->target->dim));
        return DNN_OK;
    }
    if (info.dtype == 0 ||
        (l->exact ? info.dtype != pair->target->dtype : !castable(pair->target, info.dtype))) {
        add_fault(l, "of another dtype", name, info.dtype_name,
                  dnn_dtype_name(pair->target->dtype));
        return DNN_OK;
    }
    return load_one(l, info.name, pair);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static dnn_status sort_names(dnn__weights *l)
{
    const size_t n = (size_t)l->list->n;

    l->sorted = dnn__calloc(n, sizeof *l->sorted);
    if (l->sorted == NULL) {
        return dnn__nomem(l->path, n * sizeof *l->sorted);
    }
    for (size_t i = 0; i < n; i++) {
        l->sorted[i] = l->list->item[i].name;
    }
    if (n > 1) {
        qsort(l->sorted, n, sizeof *l->sorted, by_name);
    }
    return DNN_OK;
}

static bool is_expected(const dnn__weights *l, const char *name)
{
    return l->list->n > 0 &&
           bsearch(&name, l->sorted, (size_t)l->list->n, sizeof *l->sorted, by_name) != NULL;
}

static void find_unexpected(dnn__weights *l)
{
    dnn_file_entry_info info, other;

    for (int64_t i = 0; dnn_file_entry(l->file, i, &info); i++) {
        const char *name = without_prefix(l, info.name);

        if (strncmp(name, "dnn.", 4) != 0 && !is_expected(l, name)) {
            add_fault(l, "unexpected", name, NULL, NULL);
        }
        if (l->prefix != NULL && find_entry(l, name, &other) && other.name != info.name) {
            /* The file does not say which of the two is the module's tensor. */
            add_fault(l, "with and without the prefix", name, NULL, NULL);
        }
    }
}

static dnn_status match_all(dnn__weights *l)
{
    for (int64_t i = 0; i < l->list->n; i++) {
        const dnn_named_tensor *t = &l->list->item[i];

        if (t->tensor->mapped != NULL) { /* the program's pointer must stay valid */
            return dnn__fail(DNN_E_INVALID, "%s: %.80s is mapped: dnn_unmap first", l->path,
                             t->name);
        }
        DNN_TRY(dnn__reserve((void **)&l->pair, &l->capacity, l->n + 1, sizeof *l->pair, l->path));
        l->pair[l->n] = (struct dnn__weight_pair){.target = t->tensor};
        l->n++;
        DNN_TRY(match(l, t->name, &l->pair[l->n - 1]));
    }
    return DNN_OK;
}

dnn_status dnn__weights_prepare(dnn__weights *l)
{
    l->text = dnn__text_to(l->faults_text, sizeof l->faults_text);
    DNN_TRY(sort_names(l));
    DNN_TRY(match_all(l));
    find_unexpected(l);
    if (l->faults > 0 && !l->partial) {
        if (l->faults > LINES) {
            dnn__put(&l->text, "\n  and %lld more", (long long)(l->faults - LINES));
        }
        return dnn__fail(DNN_E_INVALID, "%s: it does not fit the %s:%s", l->path,
                         l->exact ? "modules of the run" : "module (.partial loads what fits)",
                         l->faults_text);
    }
    return DNN_OK;
}

/* Gives the target the storage of the loaded tensor. The target keeps its handle, leaf and version
 * object, whose count rises. Views of the old storage keep the old storage. */
static void exchange_storage(struct dnn__weight_pair *p)
{
    dnn_tensor *a = p->target, *b = p->loaded;
    dnn__storage *storage = a->storage;
    int64_t offset = a->offset, stride[DNN_MAX_DIMS];

    memcpy(stride, a->stride, sizeof stride);
    a->storage = b->storage;
    a->offset = b->offset;
    memcpy(a->stride, b->stride, sizeof stride);
    b->storage = storage;
    b->offset = offset;
    memcpy(b->stride, stride, sizeof stride);
    atomic_fetch_add(&a->version->count, 1);
}

/* Copies the loaded tensor into the target. On cpu this cannot fail, because it allocates nothing.
 * A copy on a device can fail; the copies before it then remain. */
static dnn_status copy_into_target(struct dnn__weight_pair *p)
{
    size_t bytes = (size_t)dnn__numel(p->target) * dnn__item_size(p->target->dtype);
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        if (dnn__device_of(p->target) == dnn__cpu() && dnn__dense(p->target) &&
            p->loaded->offset == 0) {
            st = dnn_write(p->target, p->loaded->storage->data, bytes);
        } else if (dnn_copy_(p->target, p->loaded) == NULL) {
            st = dnn__take();
        }
    }
    return st;
}

/* A tensor with views is written in place, so that the views see the new values; any other tensor
 * gets the new storage. dnn__weights_commit copies first, because only copies can fail. */
static bool has_views(const dnn_tensor *t)
{
    return atomic_load(&t->storage->handles) > 1 || !dnn__dense(t);
}

dnn_status dnn__weights_commit(dnn__weights *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        struct dnn__weight_pair *p = &l->pair[i];

        if (p->loaded == NULL || !has_views(p->target)) {
            continue;
        }
        DNN_TRY(copy_into_target(p));
        dnn_release(p->loaded);
        p->loaded = NULL;
    }
    for (int64_t i = 0; i < l->n; i++) {
        if (l->pair[i].loaded != NULL) {
            exchange_storage(&l->pair[i]);
        }
    }
    return DNN_OK;
}

void dnn__weights_free(dnn__weights *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        dnn_release(l->pair[i].loaded);
    }
    dnn__free(l->pair);
    dnn__free(l->sorted);
    l->pair = NULL;
    l->sorted = NULL;
    l->n = 0;
}

static dnn_status load_all(dnn__weights *l, const dnn_load_args *args, dnn__named_list *list)
{
    l->file = dnn_file_open(l->path);
    if (l->file == NULL) {
        return dnn__take();
    }
    DNN_TRY(dnn__named_add_weights(list, l->path, "", args->module));
    DNN_TRY(dnn__weights_prepare(l));
    if (args->n_loaded != NULL) {
        *args->n_loaded = 0;
        for (int64_t i = 0; i < l->n; i++) {
            *args->n_loaded += l->pair[i].loaded != NULL;
        }
    }
    return dnn__weights_commit(l);
}

dnn_status dnn_load_weights_with(dnn_load_args args)
{
    dnn__named_list list = {0};
    dnn__weights l = {
        .path = args.path, .prefix = args.prefix, .partial = args.partial, .list = &list};
    dnn_status st;

    DNN_TRY(dnn__require(args.module, "dnn_load_weights", "module"));
    DNN_TRY(dnn__require(args.path, "dnn_load_weights", "path"));
    st = load_all(&l, &args, &list);
    dnn__weights_free(&l);
    dnn__named_free(&list);
    dnn_release(l.file);
    return st;
}
