/* transform.c - transforms as objects: a function, a lambda, one field, and compose; applying them
 * by hand. map.c applies them to the samples of a set. */
#include "transform.h"

static void destroy(dnn_object *object)
{
    dnn_transform *t = (dnn_transform *)(void *)object;

    if (t->type->close != NULL) {
        t->type->close(t);
    }
    dnn__object_free(t, t->bytes);
}

void *dnn__transform_new(size_t bytes, const dnn__transform_type *type)
{
    static const dnn__kind kind = {.name = "transform", .destroy = destroy};
    dnn_transform *t = dnn__object_zeroed(&kind, bytes, "transform");

    if (t != NULL) {
        t->bytes = bytes;
        t->type = type;
    }
    return t;
}

bool dnn__transform_ready(const char *function, const dnn_transform *transform)
{
    return dnn__operand_ready(function, "transform", transform);
}

/* Without the name in the message. */
static dnn_status run(dnn_transform *t, dnn_fields *sample)
{
    dnn_status st = t->type->apply(t, sample);

    if (st != DNN_OK) {
        (void)dnn__ok(st); /* the error that was pending first stays */
        return dnn__take();
    }
    return dnn__sample_check(sample);
}

/* ---- functions ---- */

struct function {
    dnn_transform transform;
    dnn_status (*fn)(void *ctx, dnn_fields *sample);
    dnn_tensor *(*lambda)(void *ctx, dnn_tensor *x); /* one of the two is NULL */
    void (*release)(void *ctx);
    void *ctx;
};

static dnn_status apply_function(dnn_transform *t, dnn_fields *sample)
{
    struct function *f = (struct function *)t;
    bool before = dnn__callback_begin();
    dnn_status st = DNN_OK;

    if (f->fn != NULL) {
        st = f->fn(f->ctx, sample);
    } else {
        sample->field[0] = f->lambda(f->ctx, sample->field[0]);
    }
    st = st > 0 ? DNN_E_INVALID : st;
    if (st == DNN_OK && dnn__pending() == DNN_OK) {
        return dnn__callback_end(before, st, "function", "a transform");
    }
    return dnn__callback_end(before, st, "the function", "the transform");
}

static void close_function(dnn_transform *t)
{
    struct function *f = (struct function *)t;

    if (f->release != NULL) {
        f->release(f->ctx);
    }
}

static dnn_transform *new_function(const dnn__transform_type *type, const char *function,
                                   struct function with)
{
    struct function *f = NULL;

    if (dnn__pending() == DNN_OK && with.fn == NULL && with.lambda == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: fn is NULL", function));
    }
    if (dnn__pending() == DNN_OK) {
        f = dnn__transform_new(sizeof *f, type);
    }
    if (f == NULL) {
        if (with.release != NULL) {
            with.release(with.ctx);
        }
        return NULL;
    }
    with.transform = f->transform;
    *f = with;
    return &f->transform;
}

dnn_transform *dnn_transform_function(dnn_status (*fn)(void *ctx, dnn_fields *sample),
                                      void (*release)(void *ctx), void *ctx)
{
    static const dnn__transform_type type = {
        .name = "Function", .apply = apply_function, .close = close_function};

    return new_function(&type, "dnn_transform_function",
                        (struct function){.fn = fn, .release = release, .ctx = ctx});
}

dnn_transform *dnn_transform_lambda(dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                                    void (*release)(void *ctx), void *ctx)
{
    static const dnn__transform_type type = {
        .name = "Lambda", .apply = apply_function, .close = close_function};

    return new_function(&type, "dnn_transform_lambda",
                        (struct function){.lambda = fn, .release = release, .ctx = ctx});
}

/* ---- one field ---- */

struct field {
    dnn_transform transform;
    int64_t field;
    dnn_transform *inner; /* a reference */
};

static dnn_status apply_field(dnn_transform *t, dnn_fields *sample)
{
    struct field *f = (struct field *)t;
    dnn__list list = {.n = 0};
    dnn_fields one;
    dnn_status st;

    if (f->field >= sample->n_fields) {
        return dnn__fail(DNN_E_INVALID, "field %s does not exist: the sample has %s fields",
                         dnn__number_text(f->field), dnn__number_text(sample->n_fields));
    }
    list.few[0] = sample->field[f->field];
    list.n = 1;
    one = dnn__list_fields(&list, sample->index);
    st = dnn__transform_call(f->inner, &one);
    if (st == DNN_OK && one.n_fields != 1) {
        st = dnn__fail(DNN_E_INVALID, "%s made %s fields of one", f->inner->type->name,
                       dnn__number_text(one.n_fields));
    }
    if (st == DNN_OK) {
        sample->field[f->field] = one.field[0];
    }
    dnn__list_free(&list);
    return st;
}

static void close_field(dnn_transform *t)
{
    dnn_release(((struct field *)t)->inner);
}

dnn_transform *dnn_transform_field(int64_t field, dnn_transform *transform)
{
    static const dnn__transform_type type = {
        .name = "Field", .apply = apply_field, .close = close_field};
    struct field *f;

    if (!dnn__transform_ready("dnn_transform_field", transform)) {
        return NULL;
    }
    if (field < 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "dnn_transform_field: field is %s, must be 0 or more",
                                   dnn__number_text(field)));
    }
    f = dnn__transform_new(sizeof *f, &type);
    if (f == NULL) {
        return NULL;
    }
    f->field = field;
    f->inner = dnn_retain(transform);
    return &f->transform;
}

/* ---- compose ---- */

struct compose {
    dnn_transform transform;
    int64_t n;
    dnn_transform *item[]; /* references */
};

static dnn_status apply_compose(dnn_transform *t, dnn_fields *sample)
{
    struct compose *c = (struct compose *)t;

    for (int64_t i = 0; i < c->n; i++) {
        dnn_status st = run(c->item[i], sample);

        if (st != DNN_OK) {
            return dnn__fail(st, "transform %s of %s (%s): %s", dnn__number_text(i + 1),
                             dnn__number_text(c->n), c->item[i]->type->name, dnn__message_text());
        }
    }
    return DNN_OK;
}

static void close_compose(dnn_transform *t)
{
    struct compose *c = (struct compose *)t;

    for (int64_t i = 0; i < c->n; i++) {
        dnn_release(c->item[i]);
    }
}

static const dnn__transform_type compose_type = {
    .name = "Compose", .apply = apply_compose, .close = close_compose};

static dnn_status check_list(dnn_transform_list list, size_t *bytes)
{
    if (list.n < 1 || list.item == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_compose: %s transforms, must be 1 or more",
                         dnn__number_text(list.n));
    }
    DNN_TRY(dnn__check_alive_list("dnn_compose", "transforms", list.item, list.n));
    for (int64_t i = 0; i < list.n; i++) {
        if (list.item[i] == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_compose: transform %s of %s is NULL",
                             dnn__number_text(i + 1), dnn__number_text(list.n));
        }
    }
    if (!dnn__size_mul((size_t)list.n, sizeof list.item[0], bytes) ||
        !dnn__size_add(*bytes, sizeof(struct compose), bytes)) {
        return dnn__nomem("dnn_compose", SIZE_MAX);
    }
    return DNN_OK;
}

dnn_transform *dnn_compose(dnn_transform_list list)
{
    struct compose *c;
    size_t bytes = 0;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = check_list(list, &bytes);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    c = dnn__transform_new(bytes, &compose_type);
    if (c == NULL) {
        return NULL;
    }
    c->n = list.n;
    for (int64_t i = 0; i < list.n; i++) {
        c->item[i] = dnn_retain(list.item[i]);
    }
    return &c->transform;
}

/* ---- calls ---- */

/* Compose says which transform failed. */
dnn_status dnn__transform_call(dnn_transform *t, dnn_fields *sample)
{
    dnn_status st = run(t, sample);

    return st == DNN_OK || t->type == &compose_type
               ? st
               : dnn__fail(st, "%s: %s", t->type->name, dnn__message_text());
}

/* The scope of the caller owns what the transform makes; the result is moved out of an inner one.
 */
static dnn_status apply_in_scope(dnn_transform *t, dnn__list *list)
{
    dnn_fields sample = dnn__list_fields(list, -1);
    dnn_status st;

    DNN_SCOPE();
    st = dnn__transform_call(t, &sample);
    if (st == DNN_OK) {
        for (int64_t k = 0; k < list->n; k++) {
            dnn_keep(sample.field[k]);
        }
    }
    return st;
}

dnn_tensor *dnn_transform_apply(dnn_transform *transform, dnn_tensor *x)
{
    dnn__list list = {.n = 1};
    dnn_tensor *y = NULL;
    dnn_status st;

    if (!dnn__transform_ready("dnn_transform_apply", transform) ||
        !dnn__ready("dnn_transform_apply", x)) {
        return NULL;
    }
    list.few[0] = x;
    st = apply_in_scope(transform, &list);
    if (st == DNN_OK && list.n != 1) {
        st = dnn__fail(DNN_E_INVALID,
                       "dnn_transform_apply: %s made %s fields of one; use "
                       "dnn_transform_apply_list",
                       transform->type->name, dnn__number_text(list.n));
    }
    if (dnn__ok(st)) {
        y = dnn__list_items(&list)[0];
    }
    dnn__list_free(&list);
    return y;
}

static dnn_status apply_list(dnn_transform *transform, dnn_tensor_list sample, dnn__list *list,
                             dnn_tensor_list *out)
{
    dnn_tensor **item;

    if (sample.n < 1 || sample.item == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_transform_apply_list: the sample is empty");
    }
    DNN_TRY(dnn__check_alive_list("dnn_transform_apply_list", "sample", sample.item, sample.n));
    for (int64_t k = 0; k < sample.n; k++) {
        if (sample.item[k] == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_transform_apply_list: field %s is NULL",
                             dnn__number_text(k));
        }
    }
    DNN_TRY(dnn__list_set(list, sample.item, sample.n));
    DNN_TRY(apply_in_scope(transform, list));
    item = dnn__scope_array(list->n);
    if (item == NULL) {
        return dnn__take();
    }
    for (int64_t k = 0; k < list->n; k++) {
        item[k] = dnn__list_items(list)[k];
    }
    *out = (dnn_tensor_list){.n = list->n, .item = item};
    return DNN_OK;
}

dnn_tensor_list dnn_transform_apply_list(dnn_transform *transform, dnn_tensor_list sample)
{
    dnn_tensor_list out = {.n = 0};
    dnn__list list = {.n = 0};

    if (dnn__transform_ready("dnn_transform_apply_list", transform)) {
        (void)dnn__ok(apply_list(transform, sample, &list, &out));
        dnn__list_free(&list);
    }
    return out;
}
