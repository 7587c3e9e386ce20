/* load_state.c - loads a module from named tensors (torch.nn.Module.load_state_dict): a state, and,
 * for core/io, a file. A load first reads and checks all tensors, then changes the module: it
 * exchanges storages, which cannot fail, and copies into tensors that have views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nn_impl.h"
#include "call.h"
#include "object.h"

enum { NAME = 1100, LINES = 10 };

struct dnn__load_pair {
    dnn_tensor *target; /* of the module */
    dnn_tensor *loaded; /* its new value, a reference; NULL: the target does not change */
};

/* ---- finding tensors by name ---- */

struct dnn__name_index {
    const dnn_named_tensor *item; /* [n] */
    int64_t n;
    const dnn_named_tensor *sorted[]; /* [n] by name, equal ones in the order of item */
};

static int compare_items(const void *a, const void *b)
{
    const dnn_named_tensor *x = *(const dnn_named_tensor *const *)a,
                           *y = *(const dnn_named_tensor *const *)b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : (x > y) - (x < y);
}

/* The caller frees *out with dnn__free. */
static dnn_status index_names(const char *what, const dnn_named_tensor *item, int64_t n,
                              struct dnn__name_index **out)
{
    size_t bytes;

    if (!dnn__size_mul((size_t)n, sizeof item, &bytes) ||
        !dnn__size_add(bytes, sizeof **out, &bytes)) {
        return dnn__nomem(what, SIZE_MAX);
    }
    *out = dnn__alloc(bytes);
    if (*out == NULL) {
        return dnn__nomem(what, bytes);
    }
    (*out)->item = item;
    (*out)->n = n;
    for (int64_t i = 0; i < n; i++) {
        (*out)->sorted[i] = &item[i];
    }
    qsort((*out)->sorted, (size_t)n, sizeof item, compare_items);
    return DNN_OK;
}

/* Returns the index of the first item of that name; -1 if there is none. */
static int64_t find_name(const struct dnn__name_index *index, const char *name)
{
    int64_t low = 0, high = index->n;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (strcmp(index->sorted[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < index->n && strcmp(index->sorted[low]->name, name) == 0
               ? index->sorted[low] - index->item
               : -1;
}

/* ---- matching ---- */

static void add_fault(dnn__state_load *l, const char *what, const char *name, const char *a,
                      const char *b)
{
    if (l->faults++ < LINES) {
        dnn__put(&l->text, "\n  ");
        dnn__put(&l->text, "%s %.80s", what, name);
        if (a != NULL) {
            dnn__put(&l->text, ": %s in the %s, %s in the module", a, l->source->word, b);
        }
    }
}

/* Returns the name of a source's tensor in the module: without the prefix if it begins with it. */
static const char *without_prefix(const dnn__state_load *l, const char *name)
{
    size_t n = l->prefix != NULL ? strlen(l->prefix) : 0;

    return n > 0 && strncmp(name, l->prefix, n) == 0 ? name + n : name;
}

/* Returns the index of the source's tensor for a name of the module, without or with the prefix; -1
 * if there is none. */
static int64_t find_entry(const dnn__state_load *l, const char *name)
{
    char full[2 * NAME];
    int64_t at = l->source->find(l->source->ctx, name);

    if (at < 0 && l->prefix != NULL &&
        snprintf(full, sizeof full, "%s%s", l->prefix, name) < (int)sizeof full) {
        at = l->source->find(l->source->ctx, full);
    }
    return at;
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
 * other owner: a state may hold the target, or tensors that share its storage. */
static dnn_status load_one(const dnn__state_load *l, int64_t index, struct dnn__load_pair *pair)
{
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *given = l->source->tensor(l->source->ctx, index), *t;

        if (given == pair->target) {
            return DNN_OK;
        }
        t = dnn_contiguous(dnn_to(given, .dtype = pair->target->dtype));
        t = dnn_to(t, .device = dnn_device_of(pair->target));
        if (t != NULL && l->source->is_shared && t->storage == given->storage) {
            t = dnn_clone(t);
        }
        st = t != NULL ? DNN_OK : dnn__take();
        pair->loaded = dnn_retain(t);
    }
    return st;
}

static dnn_status match(dnn__state_load *l, const char *name, struct dnn__load_pair *pair)
{
    int64_t at = find_entry(l, name);
    dnn__source_entry entry;

    if (at < 0 || !l->source->entry(l->source->ctx, at, &entry)) {
        add_fault(l, "missing", name, NULL, NULL);
        return DNN_OK;
    }
    if (!same_shape(pair->target, &entry.shape)) {
        add_fault(l, "misshapen", name, dnn__shape_text((int)entry.shape.ndim, entry.shape.dim),
                  dnn__shape_text(pair->target->ndim, pair->target->dim));
        return DNN_OK;
    }
    if (entry.dtype == 0 ||
        (l->exact ? entry.dtype != pair->target->dtype : !castable(pair->target, entry.dtype))) {
        add_fault(l, "of another dtype", name, entry.dtype_name,
                  dnn_dtype_name(pair->target->dtype));
        return DNN_OK;
    }
    l->n_loaded++;
    return load_one(l, at, pair);
}

static void find_unexpected(dnn__state_load *l)
{
    dnn__source_entry entry;

    for (int64_t i = 0; l->source->entry(l->source->ctx, i, &entry); i++) {
        const char *name = without_prefix(l, entry.name);
        int64_t found = find_entry(l, name);

        if (strncmp(name, "dnn.", 4) != 0 && find_name(l->index, name) < 0) {
            add_fault(l, "unexpected", name, NULL, NULL);
        }
        if (l->source->find(l->source->ctx, entry.name) != i) {
            add_fault(l, "twice", name, NULL, NULL);
        } else if (l->prefix != NULL && found >= 0 && found != i) {
            /* The source does not say which of the two is the module's tensor. */
            add_fault(l, "with and without the prefix", name, NULL, NULL);
        }
    }
}

static dnn_status prepare_one(dnn__state_load *l, const char *name, dnn_tensor *t)
{
    if (t->mapped != NULL) { /* the program's pointer must stay valid */
        return dnn__fail(DNN_E_INVALID, "%s: %.80s is mapped: dnn_unmap first", l->what, name);
    }
    DNN_TRY(dnn__reserve((void **)&l->pair, &l->capacity, l->n + 1, sizeof *l->pair, l->what));
    l->pair[l->n] = (struct dnn__load_pair){.target = t};
    l->n++;
    return match(l, name, &l->pair[l->n - 1]);
}

dnn_status dnn__state_load_prepare(dnn__state_load *l)
{
    l->text = dnn__text_to(l->faults_text, sizeof l->faults_text);
    DNN_TRY(index_names(l->what, l->target, l->n_targets, &l->index));
    for (int64_t i = 0; i < l->n_targets; i++) {
        DNN_TRY(prepare_one(l, l->target[i].name, l->target[i].tensor));
    }
    find_unexpected(l);
    if (l->faults > 0 && !l->partial) {
        if (l->faults > LINES) {
            dnn__put(&l->text, "\n  and %lld more", (long long)(l->faults - LINES));
        }
        return dnn__fail(
            DNN_E_INVALID, "%s: the %s does not fit the %s:%s", l->what, l->source->word,
            l->exact ? "modules of the run" : "module (.partial loads what fits)", l->faults_text);
    }
    return DNN_OK;
}

/* ---- changing the module ---- */

/* Gives the target the storage of the loaded tensor. The target keeps its handle, leaf and version
 * object, whose count rises. Views of the old storage keep the old storage. */
static void exchange_storage(struct dnn__load_pair *p)
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
static dnn_status copy_into_target(struct dnn__load_pair *p)
{
    size_t bytes = (size_t)dnn__numel(p->target) * dnn__item_size(p->target->dtype);
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        if (dnn__device_of(p->target) == dnn__cpu() && dnn__dense(p->target) &&
            p->loaded->offset == 0 && dnn__layout_of(p->loaded->storage) == 0) {
            st = dnn_write(p->target, p->loaded->storage->data, bytes);
        } else if (dnn_copy_(p->target, p->loaded) == NULL) {
            st = dnn__take();
        }
    }
    return st;
}

/* A tensor with views is written in place, so that the views see the new values; any other tensor
 * gets the new storage. dnn__state_load_commit copies first, because only copies can fail. */
static bool has_views(const dnn_tensor *t)
{
    return atomic_load(&t->storage->handles) > 1 || !dnn__dense(t);
}

dnn_status dnn__state_load_commit(dnn__state_load *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        struct dnn__load_pair *p = &l->pair[i];

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

void dnn__state_load_free(dnn__state_load *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        dnn_release(l->pair[i].loaded);
    }
    dnn__free(l->pair);
    dnn__free(l->index);
    l->pair = NULL;
    l->index = NULL;
    l->n = 0;
}

/* ---- a state as the source ---- */

struct state_source {
    dnn_state state;
    struct dnn__name_index *index;
};

static bool state_entry(void *ctx, int64_t index, dnn__source_entry *out)
{
    const struct state_source *s = ctx;
    const dnn_named_tensor *item;

    if (index >= s->state.n) {
        return false;
    }
    item = &s->state.item[index];
    *out = (dnn__source_entry){.name = item->name,
                               .dtype_name = dnn_dtype_name(item->tensor->dtype),
                               .dtype = item->tensor->dtype,
                               .shape = dnn_shape_of(item->tensor)};
    return true;
}

static int64_t state_find(void *ctx, const char *name)
{
    return find_name(((const struct state_source *)ctx)->index, name);
}

static dnn_tensor *state_tensor(void *ctx, int64_t index)
{
    return ((const struct state_source *)ctx)->state.item[index].tensor;
}

static dnn_status check_state(const char *call, const dnn_state *state)
{
    if (state->n < 0 || (state->n > 0 && state->item == NULL)) {
        return dnn__fail(DNN_E_INVALID, "%s: state.item is %s and state.n %lld", call,
                         state->item == NULL ? "NULL" : "given", (long long)state->n);
    }
    DNN_TRY(dnn__check_alive_list(call, "state", state->item, 0));
    for (int64_t i = 0; i < state->n; i++) {
        const dnn_named_tensor *item = &state->item[i];

        if (item->name == NULL || item->tensor == NULL) {
            return dnn__fail(DNN_E_INVALID, "%s: the %s of state.item[%lld] is NULL", call,
                             item->name == NULL ? "name" : "tensor", (long long)i);
        }
        DNN_TRY(dnn__check_alive(call, item->name, item->tensor));
    }
    return DNN_OK;
}

static dnn_status load_state(dnn__state_load *l, dnn_module *module, struct state_source *source)
{
    dnn_state own = dnn_module_state(module);

    DNN_TRY(dnn__take());
    l->target = own.item;
    l->n_targets = own.n;
    DNN_TRY(index_names(l->what, source->state.item, source->state.n, &source->index));
    DNN_TRY(dnn__state_load_prepare(l));
    return dnn__state_load_commit(l);
}

dnn_status dnn_module_load_state_with(dnn_load_state_args args)
{
    DNN_SCOPE();
    static const char what[] = "dnn_module_load_state";
    struct state_source state = {.state = args.state};
    const dnn__tensor_source source = {.word = "state",
                                       .ctx = &state,
                                       .is_shared = true,
                                       .entry = state_entry,
                                       .find = state_find,
                                       .tensor = state_tensor};
    dnn__state_load l = {
        .what = what, .partial = args.partial, .prefix = args.prefix, .source = &source};
    dnn_status st;

    DNN_TRY(dnn__require(args.module, what, "module"));
    DNN_TRY(check_state(what, &args.state));
    st = load_state(&l, args.module, &state);
    if (st == DNN_OK && args.n_loaded != NULL) {
        *args.n_loaded = l.n_loaded;
    }
    dnn__state_load_free(&l);
    dnn__free(state.index);
    return st;
}
