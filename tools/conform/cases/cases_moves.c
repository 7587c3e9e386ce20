/* cases_moves.c - cases of creation, copies, joins, views, random numbers and optimizer steps. The
 * harness gets them through the operator table. */
#include "cases.h"

/* ---- creation: writes a destination ---- */

static const dnn_shape *target_shapes(int mode)
{
    static const dnn_shape small[] = {{.ndim = 1, .dim = {1}},
                                      {.ndim = 1, .dim = {7}},
                                      {.ndim = 2, .dim = {3, 5}},
                                      {.ndim = 1, .dim = {0}},
                                      {.ndim = 3, .dim = {2, 3, 67}},
                                      {.ndim = 1, .dim = {1030}},
                                      {.ndim = -1}};
    static const dnn_shape large[] = {
        {.ndim = 1, .dim = {70003}}, {.ndim = 2, .dim = {129, 257}}, {.ndim = -1}};

    return mode == CONF_VALUE ? small : mode == CONF_PROMISES ? large : small + 6;
}

void cases_fill(conf_sink *s)
{
    for (const dnn_shape *shape = target_shapes(s->mode); shape->ndim >= 0; shape++) {
        conf_case c = conf_case_new(CONF_MOVED);

        c.destination = true;
        conf_in(&c, s->dtype, DNN_SCALAR, CONF_CONSTANT, 3, 0)->plain = true;
        conf_out(&c, s->dtype, *shape);
        s->emit(s, &c);
    }
}

static void one_axis_targets(conf_sink *s, conf_case *c)
{
    static const int64_t sizes[] = {1, 2, 7, 67, 1030, 0};

    c->destination = true;
    for (size_t i = 0; i < DNN__COUNT(sizes) && s->mode == CONF_VALUE; i++) {
        c->n_out = 0;
        conf_out(c, s->dtype, DNN_SHAPE(sizes[i]));
        s->emit(s, c);
    }
    if (s->mode == CONF_PROMISES) {
        conf_out(c, s->dtype, DNN_SHAPE(70003));
        s->emit(s, c);
    }
}

void cases_arange(conf_sink *s)
{
    conf_case c = conf_case_new(ref_is_float(s->dtype) ? CONF_ELEMENT : CONF_EXACT);

    c.attr.arange = (dnn_attr_arange){
        .size = sizeof c.attr.arange, .start = -1.5, .step = 0.1, .istart = -5, .istep = 3};
    if (s->dtype != DNN_T_BOOL) {
        one_axis_targets(s, &c);
    }
}

void cases_linspace(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_ELEMENT);

    c.attr.linspace =
        (dnn_attr_linspace){.size = sizeof c.attr.linspace, .start = -1.3, .end = 4.7};
    if (ref_is_float(s->dtype)) {
        one_axis_targets(s, &c);
    }
}

void cases_eye(conf_sink *s)
{
    static const dnn_shape shapes[] = {{.ndim = 2, .dim = {1, 1}},
                                       {.ndim = 2, .dim = {3, 5}},
                                       {.ndim = 2, .dim = {67, 9}},
                                       {.ndim = 2, .dim = {0, 4}}};

    for (size_t i = 0; i < DNN__COUNT(shapes) && s->mode == CONF_VALUE; i++) {
        conf_case c = conf_case_new(CONF_MOVED);

        c.destination = true;
        conf_out(&c, s->dtype, shapes[i]);
        s->emit(s, &c);
    }
}

/* ---- copies and joins ---- */

static dnn_tensor *call_clone(const conf_case *c, dnn_tensor *const *in)
{
    (void)c;
    return dnn_clone(in[0]);
}

static void copy_case(conf_sink *s, dnn_shape from, dnn_shape to, uint32_t dtype)
{
    conf_case c = conf_case_new(CONF_MOVED);

    conf_in(&c, s->dtype, from, CONF_UNIFORM, -300, 300)->plain =
        dtype != s->dtype && s->mode == CONF_GRAD;
    conf_out(&c, dtype, to);
    c.destination = s->mode != CONF_GRAD;
    c.call = s->mode == CONF_GRAD ? call_clone : NULL;
    s->emit(s, &c);
}

void cases_copy(conf_sink *s)
{
    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        for (int d = 0; d < DNN__N_DTYPES; d++) {
            if (s->mode != CONF_GRAD || (1u << d) == s->dtype) {
                copy_case(s, *shape, *shape, 1u << d);
            }
        }
    }
    if (s->mode == CONF_VALUE) {
        copy_case(s, DNN_SHAPE(3, 1), DNN_SHAPE(2, 3, 4), s->dtype);
        copy_case(s, DNN_SCALAR, DNN_SHAPE(5), s->dtype);
    }
}

static void cat_case(conf_sink *s, int n, int dim)
{
    conf_case c = conf_case_new(CONF_MOVED);
    dnn_shape whole = DNN_SHAPE(2, 3, 4);

    whole.dim[dim] = 0;
    for (int i = 0; i < n; i++) {
        dnn_shape part = DNN_SHAPE(2, 3, 4);

        part.dim[dim] =
            s->mode == CONF_PROMISES ? 3001 + i : (i + 1) % 3; /* one of three is empty */
        whole.dim[dim] += part.dim[dim];
        conf_in(&c, s->dtype, part, CONF_UNIFORM, -3, 3);
    }
    c.attr.dim = (dnn_attr_dim){.size = sizeof c.attr.dim, .dim = dim};
    conf_out(&c, s->dtype, whole);
    s->emit(s, &c);
}

void cases_cat(conf_sink *s)
{
    for (int dim = 0; dim < 3; dim++) {
        cat_case(s, 1, dim);
        cat_case(s, 3, dim);
    }
    if (!conf_small(s)) {
        cat_case(s, 17, 1);
    }
}

static void scatter_case(conf_sink *s, dnn_shape x, dnn_shape src, int dim, int64_t start,
                         int64_t step)
{
    conf_case c = conf_case_new(CONF_MOVED);

    conf_in(&c, s->dtype, x, CONF_UNIFORM, -3, 3);
    conf_in(&c, s->dtype, src, CONF_UNIFORM, -3, 3);
    c.attr.slice =
        (dnn_attr_slice){.size = sizeof c.attr.slice, .dim = dim, .start = start, .step = step};
    conf_out(&c, s->dtype, x);
    s->emit(s, &c);
}

void cases_slice_scatter(conf_sink *s)
{
    if (s->mode == CONF_PROMISES) {
        scatter_case(s, DNN_SHAPE(300, 257), DNN_SHAPE(100, 257), 0, 1, 3);
        return;
    }
    scatter_case(s, DNN_SHAPE(5, 3), DNN_SHAPE(2, 3), 0, 1, 2);
    scatter_case(s, DNN_SHAPE(2, 5), DNN_SHAPE(2, 1), 1, 4, 1);
    scatter_case(s, DNN_SHAPE(2, 4), DNN_SHAPE(2, 0), 1, 0, 1);
    scatter_case(s, DNN_SHAPE(1, 0), DNN_SHAPE(1, 0), 1, 0, 1);
}

/* ---- views ---- */

static dnn_tensor *call_view(const conf_case *c, dnn_tensor *const *in)
{
    return dnn_reshape(in[0], c->out[0].shape);
}

/* To the host and back: this copies bytes if the default device has its own memory. */
static dnn_tensor *call_to_device(const conf_case *c, dnn_tensor *const *in)
{
    (void)c;
    return dnn_to(dnn_to(in[0], .device = "cpu"), .device = dnn_default_device());
}

static dnn_tensor *call_permute(const conf_case *c, dnn_tensor *const *in)
{
    dnn_dims order = {.n = (int32_t)c->in[0].shape.ndim};

    for (int d = 0; d < order.n; d++) {
        order.dim[d] = c->attr.order[d];
    }
    return dnn_permute(in[0], order);
}

static dnn_tensor *call_expand(const conf_case *c, dnn_tensor *const *in)
{
    return dnn_expand(in[0], c->out[0].shape);
}

static dnn_tensor *call_slice(const conf_case *c, dnn_tensor *const *in)
{
    const dnn_attr_slice *a = &c->attr.slice;

    return dnn_slice(in[0], a->dim, a->start,
                     a->start + (c->out[0].shape.dim[a->dim] - 1) * a->step + 1, a->step);
}

static void view_case(conf_sink *s, conf_case c, dnn_shape x, dnn_shape y)
{
    if (s->mode == CONF_VALUE || s->mode == CONF_GRAD) {
        conf_in(&c, s->dtype, x, CONF_UNIFORM, -3, 3);
        conf_out(&c, s->dtype, y);
        s->emit(s, &c);
    }
}

void cases_view(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);

    c.call = call_view;
    view_case(s, c, DNN_SHAPE(2, 6), DNN_SHAPE(3, 4));
    view_case(s, c, DNN_SHAPE(2, 3, 2), DNN_SHAPE(12));
    view_case(s, c, DNN_SHAPE(1), DNN_SCALAR);
    view_case(s, c, DNN_SHAPE(0, 3), DNN_SHAPE(3, 0, 2));
}

void cases_to_device(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);

    c.call = call_to_device;
    view_case(s, c, DNN_SHAPE(2, 3), DNN_SHAPE(2, 3));
    view_case(s, c, DNN_SHAPE(0, 3), DNN_SHAPE(0, 3));
    view_case(s, c, DNN_SCALAR, DNN_SCALAR);
}

void cases_permute(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);

    c.call = call_permute;
    c.attr.order[0] = 2;
    c.attr.order[1] = 0;
    c.attr.order[2] = 1;
    view_case(s, c, DNN_SHAPE(2, 3, 4), DNN_SHAPE(4, 2, 3));
    view_case(s, c, DNN_SHAPE(2, 0, 1), DNN_SHAPE(1, 2, 0));
}

void cases_expand(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);

    c.call = call_expand;
    view_case(s, c, DNN_SHAPE(3, 1), DNN_SHAPE(2, 3, 4));
    view_case(s, c, DNN_SCALAR, DNN_SHAPE(5));
    view_case(s, c, DNN_SHAPE(1, 3), DNN_SHAPE(0, 3));
}

void cases_slice(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);

    c.call = call_slice;
    c.attr.slice = (dnn_attr_slice){.size = sizeof c.attr.slice, .dim = 1, .start = 1, .step = 2};
    view_case(s, c, DNN_SHAPE(2, 7), DNN_SHAPE(2, 3));
    view_case(s, c, DNN_SHAPE(1, 2), DNN_SHAPE(1, 1));
    view_case(s, c, DNN_SHAPE(0, 4), DNN_SHAPE(0, 2));
}

/* ---- random numbers ---- */

static void random_targets(conf_sink *s, conf_case *c)
{
    c->destination = true;
    for (const dnn_shape *shape = target_shapes(s->mode); shape->ndim >= 0; shape++) {
        c->n_out = 0;
        conf_out(c, s->dtype, *shape);
        s->emit(s, c);
    }
}

/* For [0,1) the numbers must have the same bits; for other ranges one rounding may differ. */
void cases_uniform(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);

    c.attr.uniform = (dnn_attr_uniform){.size = sizeof c.attr.uniform, .low = 0, .high = 1};
    random_targets(s, &c);
    c.judge = CONF_ELEMENT;
    c.attr.uniform = (dnn_attr_uniform){.size = sizeof c.attr.uniform, .low = -0.3, .high = 1.9};
    random_targets(s, &c);
}

void cases_normal(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_ELEMENT);

    c.attr.normal = (dnn_attr_normal){.size = sizeof c.attr.normal, .mean = 0.5, .std = 2};
    random_targets(s, &c);
}

void cases_bernoulli(conf_sink *s)
{
    conf_case c = conf_case_new(CONF_MOVED);
    static const double p[] = {0.3, 0, 1};

    for (size_t i = 0; i < DNN__COUNT(p) && (s->dtype == DNN_T_BOOL || ref_is_float(s->dtype));
         i++) {
        c.attr.bernoulli = (dnn_attr_bernoulli){.size = sizeof c.attr.bernoulli, .p = p[i]};
        random_targets(s, &c);
    }
}

void cases_dropout(conf_sink *s)
{
    static const double p[] = {0.4, 0, 1};

    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        for (size_t i = 0; i < DNN__COUNT(p); i++) {
            conf_case c = conf_case_new(CONF_ELEMENT);

            if (p[i] == 1) { /* no case needs 1/(1-p) for p = 1: every result is x * 0 */
                c.judge = CONF_MOVED;
            }
            conf_in(&c, s->dtype, *shape, CONF_UNIFORM, -3, 3);
            c.attr.bernoulli = (dnn_attr_bernoulli){.size = sizeof c.attr.bernoulli, .p = p[i]};
            conf_out(&c, s->dtype, *shape);
            s->emit(s, &c);
        }
    }
}

void cases_dropout_bwd(conf_sink *s)
{
    cases_dropout(s);
}

/* ---- optimizer steps ---- */

static void sgd_case(conf_sink *s, int n, bool momentum, dnn_attr_sgd attr)
{
    conf_case c = conf_case_new(CONF_ELEMENT);

    conf_in(&c, DNN_T_F64, DNN_SCALAR, CONF_CONSTANT, 0.125, 0)->plain = true;
    conf_in(&c, DNN_T_F64, DNN_SCALAR, CONF_CONSTANT, momentum ? 0.75 : 0, 0)->plain = true;
    for (int t = 0; t < n; t++) {
        dnn_shape shape = DNN_SHAPE(t + 1, s->mode == CONF_PROMISES ? 40001 : t == 1 ? 0 : 37);

        c.alias[2 * t] = c.n_in;
        conf_in(&c, s->dtype, shape, CONF_UNIFORM, -2, 2);
        conf_in(&c, s->dtype, shape, CONF_UNIFORM, -2, 2);
        conf_out(&c, s->dtype, shape);
        if (momentum) {
            c.alias[2 * t + 1] = c.n_in;
            conf_in(&c, s->dtype, shape, CONF_UNIFORM, -2, 2);
            conf_out(&c, s->dtype, shape);
        } else {
            conf_no_in(&c);
            c.n_out++;
        }
    }
    attr.size = sizeof attr;
    c.attr.sgd = attr;
    s->emit(s, &c);
}

void cases_sgd_step(conf_sink *s)
{
    if (!ref_is_float(s->dtype) || s->mode == CONF_SPECIAL || s->mode == CONF_GRAD) {
        return;
    }
    sgd_case(s, 3, false, (dnn_attr_sgd){.first = 1});
    sgd_case(s, 3, false, (dnn_attr_sgd){.maximize = 1, .weight_decay = 0.25});
    sgd_case(s, 3, true, (dnn_attr_sgd){.first = 1, .dampening = 0.5});
    sgd_case(s, 3, true, (dnn_attr_sgd){.dampening = 0.5, .weight_decay = 0.25});
    sgd_case(s, 4, true, (dnn_attr_sgd){.nesterov = 1});
}

/* reorder converts between private layouts, and only the core calls it. dnn conform tests it with
 * the layouts of the plugin. */
void cases_reorder(conf_sink *s)
{
    (void)s;
}
