/* tensor_text.c - writes a tensor as text in PyTorch's form: one width for all elements, brackets
 * for each axis, "..." in long ones. It reads the elements through a mapping and calls no operator.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "tensor_impl.h"

enum { EDGE = 3, SUMMARY_FROM = 1000, LINE = 80 }; /* torch.set_printoptions' defaults */

struct printer {
    dnn__text out;
    const dnn_tensor *t;
    const char *data; /* dense */
    bool floating;    /* the dtype */
    bool whole;       /* all finite values are whole numbers: "1." */
    bool scientific;
    bool summary;                 /* writes the edges of long axes only */
    int width;                    /* of an element */
    int64_t stride[DNN_MAX_DIMS]; /* of the dense data */
};

static void put_element(const struct printer *p, int64_t at, char *text, size_t bytes)
{
    const char *element = p->data + (size_t)at * dnn__item_size(p->t->dtype);
    dnn__text to = dnn__text_to(text, bytes);
    bool exact;
    double value;

    if (p->t->dtype == DNN_T_BOOL) {
        snprintf(text, bytes, "%s", *element != 0 ? "True" : "False");
        return;
    }
    if (!p->floating) {
        snprintf(text, bytes, "%lld", (long long)dnn__load_i64(p->t->dtype, element, &exact));
        return;
    }
    value = dnn__load_double(p->t->dtype, element);
    if (!isfinite(value)) {
        snprintf(text, bytes, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    } else if (p->scientific) {
        dnn__put(&to, "%.4e", value);
    } else if (p->whole) {
        dnn__put(&to, "%.0f.", value);
    } else {
        dnn__put(&to, "%.4f", value);
    }
}

/* Calls fn for each element that the text shows. */
static void each_shown(struct printer *p, int axis, int64_t at,
                       void (*fn)(struct printer *, int64_t, void *), void *arg)
{
    int64_t n;

    if (axis == p->t->ndim) {
        fn(p, at, arg);
        return;
    }
    n = p->t->dim[axis];
    for (int64_t i = 0; i < n; i++) {
        if (p->summary && n > 2 * EDGE && i == EDGE) {
            i = n - EDGE;
        }
        each_shown(p, axis + 1, at + i * p->stride[axis], fn, arg);
    }
}

struct range {
    double least, most; /* of the finite absolute values that are not 0 */
    bool whole;
};

static void widen_range(struct printer *p, int64_t at, void *arg)
{
    struct range *r = arg;
    double value =
        fabs(dnn__load_double(p->t->dtype, p->data + (size_t)at * dnn__item_size(p->t->dtype)));

    if (!isfinite(value) || value == 0) {
        return;
    }
    r->least = value < r->least ? value : r->least;
    r->most = value > r->most ? value : r->most;
    r->whole = r->whole && value == ceil(value);
}

static void widen(struct printer *p, int64_t at, void *arg)
{
    char text[64];
    int n;

    (void)arg;
    if (p->floating && !isfinite(dnn__load_double(
                           p->t->dtype, p->data + (size_t)at * dnn__item_size(p->t->dtype)))) {
        return; /* only finite elements decide the width */
    }
    put_element(p, at, text, sizeof text);
    n = (int)strlen(text);
    p->width = n > p->width ? n : p->width;
}

/* Selects one form for all elements as PyTorch does: fixed point, or scientific if the values are
 * large, small or differ by more than a factor of 1000. */
static void select_form(struct printer *p)
{
    struct range r = {INFINITY, 0, true};

    if (p->floating) {
        each_shown(p, 0, 0, widen_range, &r);
        p->whole = r.whole;
        p->scientific =
            r.most > 0 && (r.most / r.least > 1000 || r.most > 1e8 || (!r.whole && r.least < 1e-4));
    }
    each_shown(p, 0, 0, widen, NULL);
}

static void put_row(struct printer *p, int64_t at, int indent)
{
    int axis = p->t->ndim - 1;
    int64_t n = p->t->dim[axis], on_line = 0, per_line = (LINE - indent) / (p->width + 2);
    char text[64];

    for (int64_t i = 0; i < n; i++) {
        if (on_line > 0) {
            dnn__put(&p->out, ",");
        }
        if (on_line > 0 && on_line % (per_line > 0 ? per_line : 1) == 0) {
            dnn__put(&p->out, "\n%*s", indent, "");
        } else if (on_line > 0) {
            dnn__put(&p->out, " ");
        }
        on_line++;
        if (p->summary && n > 2 * EDGE && i == EDGE) {
            dnn__put(&p->out, " ...");
            i = n - EDGE - 1;
            continue;
        }
        put_element(p, at + i * p->stride[axis], text, sizeof text);
        dnn__put(&p->out, "%*s", p->width, text);
    }
}

static void put_axis(struct printer *p, int axis, int64_t at, int indent)
{
    int64_t n = p->t->dim[axis];

    dnn__put(&p->out, "[");
    if (axis == p->t->ndim - 1) {
        put_row(p, at, indent + 1);
    } else {
        for (int64_t i = 0; i < n; i++) {
            if (i > 0) {
                dnn__put(&p->out, ",");
                for (int k = axis; k < p->t->ndim - 1; k++) {
                    dnn__put(&p->out, "\n");
                }
                dnn__put(&p->out, "%*s", indent + 1, "");
            }
            if (p->summary && n > 2 * EDGE && i == EDGE) {
                dnn__put(&p->out, "...");
                i = n - EDGE - 1;
                continue;
            }
            put_axis(p, axis + 1, at + i * p->stride[axis], indent + 1);
        }
    }
    dnn__put(&p->out, "]");
}

static void put_facts(struct printer *p)
{
    const dnn_tensor *t = p->t;

    if (dnn__numel(t) == 0 && t->ndim != 1) {
        dnn__put(&p->out, ", size=");
        dnn__put_shape(&p->out, t->ndim, t->dim); /* [0,3], the form of shapes in messages */
    }
    if (t->dtype != DNN_T_F32 && t->dtype != DNN_T_I64 && t->dtype != DNN_T_BOOL) {
        dnn__put(&p->out, ", dtype=%s", dnn_dtype_name(t->dtype));
    }
    if (dnn__dev(dnn__device_of(t))->api != NULL) {
        dnn__put(&p->out, ", device='%s'", dnn_device_of(t));
    }
    if (t->leaf != NULL || t->node != NULL) {
        dnn__put(&p->out, t->node != NULL ? ", grad_fn=yes" : ", requires_grad=True");
    }
    dnn__put(&p->out, ")");
}

int64_t dnn_format(dnn_tensor *t, char *text, size_t bytes)
{
    struct printer p = {.t = t};
    char element[64];
    void *data;
    dnn_status st = dnn__require(t, "dnn_format", "t");

    if (st == DNN_OK) {
        st = dnn_map(t, DNN_MAP_READ, &data);
    }
    if (st != DNN_OK) {
        return st;
    }
    p.out = dnn__text_to(text, bytes);
    p.data = data;
    p.floating = (t->dtype & DNN__FLOATS) != 0;
    p.summary = dnn__numel(t) > SUMMARY_FROM;
    dnn__dense_strides(t->ndim, t->dim, p.stride);
    dnn__put(&p.out, "tensor(");
    if (dnn__numel(t) == 0) {
        dnn__put(&p.out, "[]");
    } else {
        select_form(&p);
        if (t->ndim == 0) {
            put_element(&p, 0, element, sizeof element);
            dnn__put(&p.out, "%s", element);
        } else {
            put_axis(&p, 0, 0, 7);
        }
    }
    put_facts(&p);
    st = dnn_unmap(t);
    return st == DNN_OK ? (int64_t)p.out.length : st;
}
