/* tensor_text.c - writes a tensor as text in PyTorch's form: one width for all elements, brackets
 * for each axis, "..." in long ones. It calls no operator but the copy of a tensor that is not
 * dense.
 */
#include <math.h>
#include <string.h>
#include "elements.h"
#include "inspect_impl.h"

const dnn__text_options dnn__text_defaults = {
    .precision = 4, .threshold = 1000, .edge_items = 3, .line_width = 80};

enum { INDENT = 7, ELEMENT_BYTES = 512, SUFFIX_BYTES = 512 }; /* INDENT: the columns of "tensor(" */

struct printer {
    dnn__text *out;
    const dnn__text_options *options;
    const dnn_tensor *t;
    const char *data; /* dense */
    bool floating;    /* the dtype */
    bool whole;       /* all finite values are whole numbers: "1." */
    bool scientific;
    bool summary;                 /* writes the edges of long axes only */
    int width;                    /* of an element */
    size_t line;                  /* where the last line begins in the text */
    int64_t stride[DNN_MAX_DIMS]; /* of the dense data */
};

/* ---- one element ---- */

static const void *element_at(const struct printer *p, int64_t at)
{
    return p->data + (size_t)at * dnn__item_size(p->t->dtype);
}

static void put_float(const struct printer *p, double value, dnn__text *to)
{
    if (!isfinite(value)) {
        dnn__put(to, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    } else if (p->scientific) {
        dnn__put_number(to, value, p->options->precision, 'e');
    } else if (p->whole) {
        dnn__put_number(to, value, 0, 'f');
        dnn__put(to, ".");
    } else {
        dnn__put_number(to, value, p->options->precision, 'f');
    }
}

/* text has ELEMENT_BYTES. Returns the length. */
static int format_element(const struct printer *p, int64_t at, char *text)
{
    dnn__text to = dnn__text_to(text, ELEMENT_BYTES);
    const void *element = element_at(p, at);
    bool exact;

    if (p->floating) {
        put_float(p, dnn__load_double(p->t->dtype, element), &to);
    } else if (p->t->dtype == DNN_T_BOOL) {
        dnn__put(&to, "%s", *(const char *)element != 0 ? "True" : "False");
    } else {
        dnn__put(&to, "%lld", (long long)dnn__load_i64(p->t->dtype, element, &exact));
    }
    return (int)to.length;
}

static void put_element(struct printer *p, int64_t at)
{
    char text[ELEMENT_BYTES];

    format_element(p, at, text);
    dnn__put(p->out, "%*s", p->width, text);
}

/* ---- the form that all elements share ---- */

/* Does the summary leave out the middle of an axis of n > 0 elements? */
static bool is_cut(const struct printer *p, int64_t n)
{
    return p->summary && (n - 1) / 2 >= p->options->edge_items;
}

/* Calls fn for each element that the text shows. */
static void each_shown(struct printer *p, int axis, int64_t at,
                       void (*fn)(struct printer *, int64_t, void *), void *arg)
{
    int64_t n, edge = p->options->edge_items;

    if (axis == p->t->ndim) {
        fn(p, at, arg);
        return;
    }
    n = p->t->dim[axis];
    for (int64_t i = 0; i < n; i++) {
        if (is_cut(p, n) && i == edge) {
            i = n - edge;
        }
        each_shown(p, axis + 1, at + i * p->stride[axis], fn, arg);
    }
}

struct range {
    double least, most; /* of the finite absolute values that are not 0 */
};

static void widen_range(struct printer *p, int64_t at, void *arg)
{
    struct range *r = arg;
    double value = fabs(dnn__load_double(p->t->dtype, element_at(p, at)));

    if (!isfinite(value) || value == 0) {
        return;
    }
    r->least = value < r->least ? value : r->least;
    r->most = value > r->most ? value : r->most;
    p->whole = p->whole && value == ceil(value);
}

/* Zeros, infinities and NaN do not count: PyTorch's text of [-0., 1.] is wider in the first element
 * than in the second. */
static void widen(struct printer *p, int64_t at, void *arg)
{
    char text[ELEMENT_BYTES];
    int n;

    (void)arg;
    if (p->floating) {
        double value = dnn__load_double(p->t->dtype, element_at(p, at));

        if (!isfinite(value) || value == 0) {
            return;
        }
    }
    n = format_element(p, at, text);
    p->width = n > p->width ? n : p->width;
}

/* Selects one form for all elements as PyTorch does: fixed point, or scientific if the values are
 * large, small or differ by more than a factor of 1000. */
static void select_form(struct printer *p)
{
    struct range r = {INFINITY, 0};

    p->width = 1;
    p->whole = true;
    if (p->floating) {
        each_shown(p, 0, 0, widen_range, &r);
        if (r.most == 0) { /* no finite number but 0 */
            return;
        }
        p->scientific = p->options->sci_mode != DNN_SCI_AUTO
                            ? p->options->sci_mode == DNN_SCI_ON
                            : r.most / r.least > 1000 || r.most > 1e8 || r.least < 1e-4;
    }
    each_shown(p, 0, 0, widen, NULL);
}

/* ---- brackets and lines ---- */

static void put_newlines(struct printer *p, int n, int indent)
{
    for (int i = 0; i < n; i++) {
        dnn__put(p->out, "\n");
    }
    p->line = p->out->length;
    dnn__put(p->out, "%*s", indent, "");
}

static void put_row(struct printer *p, int64_t at, int indent)
{
    int axis = p->t->ndim - 1;
    int64_t n = p->t->dim[axis], edge = p->options->edge_items, item = 0;
    int64_t per_line = (p->options->line_width - indent) / (p->width + 2);

    for (int64_t i = 0; i < n; i++, item++) {
        if (item > 0 && (per_line < 1 || item % per_line == 0)) {
            dnn__put(p->out, ",");
            put_newlines(p, 1, indent + 1);
        } else if (item > 0) {
            dnn__put(p->out, ", ");
        }
        if (is_cut(p, n) && i == edge) {
            dnn__put(p->out, " ...");
            i = n - edge - 1;
        } else {
            put_element(p, at + i * p->stride[axis]);
        }
    }
}

static void put_axis(struct printer *p, int axis, int64_t at, int indent);

static void put_slices(struct printer *p, int axis, int64_t at, int indent)
{
    int64_t n = p->t->dim[axis], edge = p->options->edge_items;

    for (int64_t i = 0; i < n; i++) {
        if (i > 0) {
            dnn__put(p->out, ",");
            put_newlines(p, p->t->ndim - axis - 1, indent + 1);
        }
        if (is_cut(p, n) && i == edge) {
            dnn__put(p->out, "...");
            i = n - edge - 1;
        } else {
            put_axis(p, axis + 1, at + i * p->stride[axis], indent + 1);
        }
    }
}

static void put_axis(struct printer *p, int axis, int64_t at, int indent)
{
    dnn__put(p->out, "[");
    if (axis == p->t->ndim - 1) {
        put_row(p, at, indent);
    } else {
        put_slices(p, axis, at, indent);
    }
    dnn__put(p->out, "]");
}

static void put_elements(struct printer *p)
{
    int64_t n = dnn__numel(p->t);

    p->summary = n > p->options->threshold;
    if (n == 0) {
        dnn__put(p->out, "[]");
    } else if (p->summary && p->options->edge_items == 0 && p->t->ndim > 0) {
        dnn__put(p->out, "[...]");
    } else {
        select_form(p);
        if (p->t->ndim == 0) {
            put_element(p, 0);
        } else {
            put_axis(p, 0, 0, INDENT);
        }
    }
}

/* ---- suffixes ---- */

/* column: of the last line, as PyTorch counts it; it begins at 2 more than the characters. */
static void put_suffix(struct printer *p, int64_t *column, const char *suffix)
{
    int64_t length = (int64_t)strlen(suffix);

    if (*column + length + 2 > p->options->line_width) {
        dnn__put(p->out, ",\n%*s%s", INDENT, "", suffix);
        *column = INDENT + length;
    } else {
        dnn__put(p->out, ", %s", suffix);
        *column += length + 2;
    }
}

static void put_size(struct printer *p, int64_t *column)
{
    char suffix[SUFFIX_BYTES];
    dnn__text to = dnn__text_to(suffix, sizeof suffix);
    const dnn_tensor *t = p->t;

    dnn__put(&to, "size=(");
    for (int i = 0; i < t->ndim; i++) {
        dnn__put(&to, i > 0 ? ", %lld" : "%lld", (long long)t->dim[i]);
    }
    dnn__put(&to, t->ndim == 1 ? ",)" : ")");
    put_suffix(p, column, suffix);
}

static void put_device(struct printer *p, int64_t *column)
{
    char suffix[SUFFIX_BYTES];
    dnn__text to = dnn__text_to(suffix, sizeof suffix);

    dnn__put(&to, "device='%s'", dnn_device_of(p->t));
    put_suffix(p, column, suffix);
}

static void put_dtype(struct printer *p, int64_t *column)
{
    char suffix[SUFFIX_BYTES];
    dnn__text to = dnn__text_to(suffix, sizeof suffix);

    dnn__put(&to, "dtype=%s", dnn_dtype_name(p->t->dtype));
    put_suffix(p, column, suffix);
}

static void put_history(struct printer *p, int64_t *column)
{
    char suffix[SUFFIX_BYTES];
    dnn__text to = dnn__text_to(suffix, sizeof suffix);

    if (p->t->node != NULL) {
        dnn__put(&to, "grad_fn=<");
        dnn__put_grad_fn(&to, p->t->node);
        dnn__put(&to, ">");
    } else {
        dnn__put(&to, "requires_grad=True");
    }
    put_suffix(p, column, suffix);
}

/* PyTorch leaves out the dtype that the elements show: i64 and bool, but not where there are none.
 */
static void put_suffixes(struct printer *p)
{
    const dnn_tensor *t = p->t;
    bool empty = dnn__numel(t) == 0;
    int64_t column = (int64_t)(p->out->length - p->line) + 2;

    if (dnn__dev(dnn__device_of(t))->api != NULL) {
        put_device(p, &column);
    }
    if (empty ? t->ndim != 1 : p->options->edge_items == 0) {
        put_size(p, &column);
    }
    if (t->dtype != DNN_T_F32 && (empty || (t->dtype != DNN_T_I64 && t->dtype != DNN_T_BOOL))) {
        put_dtype(p, &column);
    }
    if (dnn__tracked(t) && !p->options->detached) {
        put_history(p, &column);
    }
    dnn__put(p->out, ")");
}

/* ---- the tensor ---- */

static dnn_status check_options(const dnn__text_options *o)
{
    if (o->precision < 0 || o->precision > DNN__MOST_DIGITS) {
        return dnn__fail(DNN_E_INVALID, "dnn_tensor_format: precision is %d, must be 0 to %d",
                         o->precision, DNN__MOST_DIGITS);
    }
    if (o->threshold < 0 || o->edge_items < 0 || o->line_width < 0) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_tensor_format: threshold %lld, edge_items %lld and line_width %lld must "
            "not be negative",
            (long long)o->threshold, (long long)o->edge_items, (long long)o->line_width);
    }
    return DNN_OK;
}

dnn_status dnn__put_tensor(dnn__text *text, dnn_tensor *t, const dnn__text_options *options)
{
    struct printer p = {.out = text, .t = t};
    dnn__elements elements;

    p.options = options != NULL ? options : &dnn__text_defaults;
    DNN_TRY(dnn__require(t, "dnn_tensor_format", "t"));
    DNN_TRY(check_options(p.options));
    DNN_TRY(dnn__elements_open("dnn_tensor_format", t, &elements));
    p.data = elements.data;
    p.floating = (t->dtype & DNN__FLOATS) != 0;
    dnn__dense_strides(t->ndim, t->dim, p.stride);
    if (t->is_parameter && !p.options->detached) {
        dnn__put(text, "Parameter containing:\n");
    }
    p.line = text->length;
    dnn__put(text, "tensor(");
    put_elements(&p);
    put_suffixes(&p);
    dnn__elements_close(&elements);
    return DNN_OK;
}

static dnn_status write_tensor(dnn__text *text, const void *args_)
{
    const dnn_tensor_format_args *args = args_;
    dnn__text_options options = dnn__text_defaults;

    options.precision = args->precision != 0 ? args->precision : options.precision;
    options.threshold = args->threshold != 0 ? args->threshold : options.threshold;
    options.edge_items = args->edge_items != 0 ? args->edge_items : options.edge_items;
    options.line_width = args->line_width != 0 ? args->line_width : options.line_width;
    options.sci_mode = (int)args->sci_mode;
    return dnn__put_tensor(text, args->t, &options);
}

const char *dnn_tensor_format_with(dnn_tensor_format_args args)
{
    return dnn__format(write_tensor, &args);
}
