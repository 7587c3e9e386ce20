/* cases_window.c - cases of convolution and pooling. The harness gets them through the operator
 * table. */
#include "cases.h"

typedef struct conv {
    int64_t n, channels, height, width, out, kh, kw; /* channels of x */
    dnn_attr_conv2d a;
    bool grad; /* small enough for numerical differences */
} conv;

static const conv convs[] = {
    {2, 3, 5, 4, 2, 3, 3, {0, 1, 1, 0, 0, 0, 0, 1, 1, 1}, false},
    {1, 2, 4, 5, 3, 2, 3, {0, 2, 1, 1, 0, 0, 2, 1, 1, 1}, true}, /* asymmetric padding and stride */
    {2, 4, 5, 5, 4, 2, 2, {0, 1, 2, 1, 1, 1, 1, 2, 1, 2}, false}, /* two groups, dilation */
    {1, 2, 4, 4, 4, 3, 2, {0, 1, 1, 1, 1, 1, 0, 1, 2, 2}, true},
    {1, 3, 6, 6, 3, 3, 3, {0, 1, 1, 1, 1, 1, 1, 1, 1, 3}, false}, /* depthwise */
    {3, 5, 1, 1, 7, 1, 1, {0, 1, 1, 0, 0, 0, 0, 1, 1, 1}, true},
    {0, 2, 4, 4, 3, 3, 3, {0, 1, 1, 0, 0, 0, 0, 1, 1, 1}, true},
    {2, 0, 3, 3, 2, 2, 2, {0, 1, 1, 0, 0, 0, 0, 1, 1, 1}, true}, /* no channels: the bias */
    {1, 1, 28, 28, 6, 5, 5, {0, 1, 1, 2, 2, 2, 2, 1, 1, 1}, false},
};
static const conv large_convs[] = {{9, 6, 14, 14, 16, 5, 5, {0, 1, 1, 0, 0, 0, 0, 1, 1, 1}, false},
                                   {5, 8, 17, 15, 8, 3, 3, {0, 2, 1, 1, 1, 1, 1, 1, 1, 4}, false}};

static int64_t out_size(int64_t size, int32_t pads, int64_t kernel, int32_t dilation,
                        int32_t stride)
{
    return (size + pads - dilation * (kernel - 1) - 1) / stride + 1;
}

/* what: 0 forward, 1 gradient to x, 2 gradient to w. */
static void conv_case(conf_sink *s, const conv *v, int what, bool bias)
{
    conf_case c = conf_case_new(CONF_SUM);
    int64_t ho =
        out_size(v->height, v->a.pad_top + v->a.pad_bottom, v->kh, v->a.dilation_h, v->a.stride_h);
    int64_t wo =
        out_size(v->width, v->a.pad_left + v->a.pad_right, v->kw, v->a.dilation_w, v->a.stride_w);
    dnn_shape shape[3] = {DNN_SHAPE(v->n, v->channels, v->height, v->width),
                          DNN_SHAPE(v->out, v->channels / v->a.groups, v->kh, v->kw),
                          DNN_SHAPE(v->n, v->out, ho, wo)};
    static const int operands[3][3] = {{0, 1, 2}, {2, 1, 0}, {2, 0, 1}};
    bool padded;

    c.attr.conv2d = v->a;
    c.attr.conv2d.size = sizeof c.attr.conv2d;
    conf_in(&c, s->dtype, shape[operands[what][0]], CONF_UNIFORM, -0.5, 1);
    conf_in(&c, s->dtype, shape[operands[what][1]], CONF_UNIFORM, -0.5, 1);
    /* Padding may be computed as zeros, which give NaN where the other operand is NaN, or be
     * skipped. Both are correct. */
    padded = v->a.pad_top + v->a.pad_left + v->a.pad_bottom + v->a.pad_right > 0;
    c.in[what == 2 ? 0 : 1].ordinary = padded;
    if (what == 0 && bias) {
        conf_in(&c, s->dtype, DNN_SHAPE(v->out), CONF_UNIFORM, -0.5, 1);
    } else if (what == 0) {
        conf_no_in(&c);
    }
    c.destination = what != 0;
    conf_out(&c, s->dtype, shape[operands[what][2]]);
    s->emit(s, &c);
}

static void conv_cases(conf_sink *s, int what)
{
    const conv *list = s->mode == CONF_PROMISES ? large_convs : convs;
    size_t n = s->mode == CONF_PROMISES ? DNN__COUNT(large_convs) : DNN__COUNT(convs);

    for (size_t i = 0; i < n; i++) {
        if (s->mode == CONF_GRAD && !list[i].grad) {
            continue;
        }
        conv_case(s, &list[i], what, true);
        if (what == 0) {
            conv_case(s, &list[i], what, false);
        }
    }
}

void cases_conv2d(conf_sink *s)
{
    conv_cases(s, 0);
}

void cases_conv2d_bwd_input(conf_sink *s)
{
    conv_cases(s, 1);
}

void cases_conv2d_bwd_weight(conf_sink *s)
{
    conv_cases(s, 2);
}

/* ---- pooling ---- */

typedef struct pool {
    int64_t n, channels, height, width, ho, wo; /* ho, wo: size of the result */
    dnn_attr_pool2d a;
    bool grad;
} pool;

/* kernel, stride, padding, dilation (h, w each), ceil_mode */
static const pool pools[] = {
    {2, 2, 4, 6, 2, 3, {0, 2, 2, 2, 2, 0, 0, 1, 1, 0, 0, 0}, false},
    {1, 1, 5, 4, 3, 5, {0, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0}, true},
    {1, 2, 5, 5, 3, 3, {0, 2, 2, 2, 2, 0, 0, 1, 1, 1, 0, 0}, true},
    {1, 1, 7, 7, 4, 4, {0, 3, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0}, false},
    {3, 1, 1, 1, 1, 1, {0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0}, true},
    {0, 2, 4, 4, 2, 2, {0, 2, 2, 2, 2, 0, 0, 1, 1, 0, 0, 0}, true},
};
static const pool dilated = {1, 2, 7, 6, 3, 4, {0, 3, 2, 1, 1, 0, 0, 2, 2, 0, 0, 0}, true};
static const pool large_pool = {17, 8, 28, 28, 14, 14, {0, 2, 2, 2, 2, 0, 0, 1, 1, 0, 0, 0}, false};

/* what: 0 max, 1 average, 2 gradient of the average. */
/* Windows that overlap: the gradient of the maximum is then not differentiable. */
static bool overlap(const dnn_attr_pool2d *a)
{
    return a->stride_h < a->kernel_h || a->stride_w < a->kernel_w || a->dilation_h > 1 ||
           a->dilation_w > 1;
}

static void pool_case(conf_sink *s, const pool *p, int what)
{
    bool average = what != 0;
    conf_case c = conf_case_new(average ? CONF_SUM : CONF_EXACT);
    dnn_shape x = DNN_SHAPE(p->n, p->channels, p->height, p->width),
              y = DNN_SHAPE(p->n, p->channels, p->ho, p->wo);

    c.attr.pool2d = p->a;
    c.attr.pool2d.size = sizeof c.attr.pool2d;
    c.once = !average && overlap(&p->a);
    c.destination = what == 2;
    if (!average && s->mode != CONF_GRAD) {
        conf_in(&c, s->dtype, x, CONF_INTEGER, -3, 3);
    } else if (!average) {
        conf_in(&c, s->dtype, x, CONF_DISTINCT, 0.03, 0);
    } else {
        conf_in(&c, s->dtype, what == 2 ? y : x, CONF_UNIFORM, -1, 2);
    }
    conf_out(&c, s->dtype, what == 2 ? x : y);
    if (!average) {
        conf_out(&c, DNN_T_I32, y);
    }
    s->emit(s, &c);
}

static void pool_cases(conf_sink *s, int what)
{
    if (s->mode == CONF_PROMISES) {
        pool_case(s, &large_pool, what);
        return;
    }
    for (size_t i = 0; i < DNN__COUNT(pools); i++) {
        pool p = pools[i];

        if (s->mode == CONF_GRAD && !p.grad) {
            continue;
        }
        pool_case(s, &p, what);
        if (what != 0) {
            p.a.exclude_pad = 1;
            pool_case(s, &p, what);
            p.a.divisor = 3;
            pool_case(s, &p, what);
        }
    }
    if (what == 0) {
        pool_case(s, &dilated, what);
    }
}

void cases_max_pool2d(conf_sink *s)
{
    pool_cases(s, 0);
}

void cases_avg_pool2d(conf_sink *s)
{
    pool_cases(s, 1);
}

void cases_avg_pool2d_bwd(conf_sink *s)
{
    pool_cases(s, 2);
}

void cases_max_pool2d_bwd(conf_sink *s)
{
    const pool *list = s->mode == CONF_PROMISES ? &large_pool : pools;
    size_t n = s->mode == CONF_PROMISES ? 1 : DNN__COUNT(pools);

    for (size_t i = 0; i < n; i++) {
        conf_case c = conf_case_new(CONF_SUM);
        dnn_shape y = DNN_SHAPE(list[i].n, list[i].channels, list[i].ho, list[i].wo);

        conf_in(&c, s->dtype, y, CONF_UNIFORM, -1, 2);
        conf_in(&c, DNN_T_I32, y, CONF_INTEGER, 0, (double)(list[i].height * list[i].width - 1))
            ->plain = true;
        c.destination = true;
        conf_out(&c, s->dtype,
                 DNN_SHAPE(list[i].n, list[i].channels, list[i].height, list[i].width));
        s->emit(s, &c);
    }
}

/* what: 0 max, 1 average, 2 gradient of the average. */
static void adaptive_cases(conf_sink *s, int what)
{
    static const dnn_shape from[] = {{.ndim = 4, .dim = {2, 2, 5, 7}},
                                     {.ndim = 4, .dim = {1, 2, 4, 4}},
                                     {.ndim = 4, .dim = {1, 1, 2, 3}},
                                     {.ndim = 4, .dim = {2, 1, 1, 1}},
                                     {.ndim = 4, .dim = {0, 2, 4, 4}}};
    static const int64_t to[][2] = {{3, 2}, {1, 1}, {4, 5}, {1, 1}, {2, 2}};
    static const dnn_shape large = {.ndim = 4, .dim = {17, 8, 28, 28}};

    for (size_t i = 0; i < (s->mode == CONF_PROMISES ? 1 : DNN__COUNT(from)); i++) {
        conf_case c = conf_case_new(what == 0 ? CONF_EXACT : CONF_SUM);
        dnn_shape x = s->mode == CONF_PROMISES ? large : from[i], y = x;

        y.dim[2] = to[i][0];
        y.dim[3] = to[i][1];
        c.once = what == 0 && (x.dim[2] % y.dim[2] != 0 || x.dim[3] % y.dim[3] != 0);
        c.destination = true;
        conf_in(&c, s->dtype, what == 2 ? y : x, what == 0 ? CONF_DISTINCT : CONF_UNIFORM,
                what == 0 ? 0.03 : -1, 2);
        conf_out(&c, s->dtype, what == 2 ? x : y);
        if (what == 0) {
            conf_out(&c, DNN_T_I32, y);
        }
        s->emit(s, &c);
    }
}

void cases_adaptive_max_pool2d(conf_sink *s)
{
    adaptive_cases(s, 0);
}

void cases_adaptive_avg_pool2d(conf_sink *s)
{
    adaptive_cases(s, 1);
}

void cases_adaptive_avg_pool2d_bwd(conf_sink *s)
{
    adaptive_cases(s, 2);
}
