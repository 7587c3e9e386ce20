/* cases_elementwise.c - cases of the elementwise operators: one line for each row names its domain
 * and its tolerance. The harness gets them through the operator table. */
#include "cases.h"

static bool is_float(const conf_sink *s)
{
    return ref_is_float(s->dtype);
}

/* Exact for integers and bool, which are never rounded. */
static enum conf_judge judge_of(const conf_sink *s, enum conf_judge judge)
{
    return is_float(s) ? judge : CONF_EXACT;
}

/* ---- one input ---- */

/* Near a zero of the function, or where 1 + erf cancels, a single result has no relative precision:
 * values stay above `low`. Special mode has an absolute tolerance and needs no limit. */
static double least(const conf_sink *s, double low)
{
    return s->mode == CONF_SPECIAL ? -3 : low;
}

typedef struct unary {
    enum conf_values values;
    double low, high;
    enum conf_judge judge;
    bool to_bool;
    conf_case attr; /* the case is a copy of it, for its attributes */
} unary;

static void unary_cases(conf_sink *s, const unary *u)
{
    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        conf_case c = conf_case_new(u->to_bool ? CONF_EXACT : judge_of(s, u->judge));

        c.attr = u->attr.attr;
        if (is_float(s)) {
            conf_in(&c, s->dtype, *shape, u->values, u->low, u->high);
        } else {
            conf_in(&c, s->dtype, *shape, CONF_INTEGER, -120, 127);
        }
        conf_out(&c, u->to_bool ? DNN_T_BOOL : s->dtype, *shape);
        s->emit(s, &c);
    }
}

#define UNARY(name, values_, low_, high_, ...)                                                 \
    void cases_##name(conf_sink *s)                                                            \
    {                                                                                          \
        unary_cases(                                                                           \
            s, &(unary){.values = values_, .low = low_, .high = high_, .judge = __VA_ARGS__}); \
    }

UNARY(neg, CONF_UNIFORM, -3, 3, CONF_MOVED)
UNARY(abs, CONF_DISTINCT, 0.03, 0, CONF_MOVED)
UNARY(sign, CONF_DISTINCT, 0.03, 0, CONF_EXACT)
UNARY(square, CONF_UNIFORM, -3, 3, CONF_ELEMENT)
UNARY(floor, CONF_DISTINCT, 0.03, 0, CONF_EXACT)
UNARY(ceil, CONF_DISTINCT, 0.03, 0, CONF_EXACT)
UNARY(round, CONF_DISTINCT, 0.03, 0, CONF_EXACT)
UNARY(trunc, CONF_DISTINCT, 0.03, 0, CONF_EXACT)
UNARY(reciprocal, CONF_UNIFORM, 0.5, 3, CONF_ELEMENT)
UNARY(sqrt, CONF_UNIFORM, 0.5, 4, CONF_ELEMENT)
UNARY(rsqrt, CONF_UNIFORM, 0.5, 4, CONF_ELEMENT)
UNARY(exp, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(exp2, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(expm1, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(log, CONF_UNIFORM, 0.5, 5, CONF_ELEMENT)
UNARY(log2, CONF_UNIFORM, 0.5, 5, CONF_ELEMENT)
UNARY(log10, CONF_UNIFORM, 0.5, 5, CONF_ELEMENT)
UNARY(log1p, CONF_UNIFORM, -0.5, 3, CONF_ELEMENT)
UNARY(sin, CONF_UNIFORM, -4, 4, CONF_ELEMENT)
UNARY(cos, CONF_UNIFORM, -4, 4, CONF_ELEMENT)
UNARY(tan, CONF_UNIFORM, -1.2, 1.2, CONF_ELEMENT)
UNARY(asin, CONF_UNIFORM, -0.9, 0.9, CONF_ELEMENT)
UNARY(acos, CONF_UNIFORM, -0.9, 0.9, CONF_ELEMENT)
UNARY(atan, CONF_UNIFORM, -4, 4, CONF_ELEMENT)
UNARY(sinh, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(cosh, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(tanh, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(erf, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(erfc, CONF_UNIFORM, -2, 2, CONF_ELEMENT)
UNARY(softsign, CONF_UNIFORM, 0.3, 4, CONF_ELEMENT)
UNARY(sigmoid, CONF_UNIFORM, -4, 4, CONF_ELEMENT)
UNARY(relu, CONF_DISTINCT, 0.03, 0, CONF_MOVED)
UNARY(silu, CONF_UNIFORM, -4, 4, CONF_ELEMENT)
UNARY(isnan, CONF_UNIFORM, -4, 4, CONF_EXACT, .to_bool = true)
UNARY(isinf, CONF_UNIFORM, -4, 4, CONF_EXACT, .to_bool = true)
UNARY(isfinite, CONF_UNIFORM, -4, 4, CONF_EXACT, .to_bool = true)
UNARY(logical_not, CONF_INTEGER, -1, 1, CONF_EXACT, .to_bool = true)
UNARY(leaky_relu, CONF_DISTINCT, 0.03, 0, CONF_ELEMENT,
      .attr.attr.alpha = {.size = sizeof(dnn_attr_alpha), .alpha = 0.125})
UNARY(elu, CONF_DISTINCT, 0.03, 0, CONF_ELEMENT,
      .attr.attr.alpha = {.size = sizeof(dnn_attr_alpha), .alpha = 1.5})
UNARY(softplus, CONF_UNIFORM, -4, 4, CONF_ELEMENT,
      .attr.attr.softplus = {.size = sizeof(dnn_attr_softplus), .beta = 1.5, .threshold = 20})

void cases_gelu(conf_sink *s)
{
    for (uint32_t by_tanh = 0; by_tanh < 2; by_tanh++) {
        unary u = {.values = CONF_UNIFORM, .low = least(s, -1), .high = 3, .judge = CONF_ELEMENT};

        u.attr.attr.gelu = (dnn_attr_gelu){.size = sizeof(dnn_attr_gelu), .tanh = by_tanh};
        unary_cases(s, &u);
    }
}

/* ---- two and more inputs ---- */

typedef struct pair {
    dnn_shape a, b, y;
} pair;

#define SHAPE(rank, ...)                   \
    {                                      \
        .ndim = (rank), .dim = __VA_ARGS__ \
    }
#define SAME(...)                                                  \
    {                                                              \
        SHAPE(__VA_ARGS__), SHAPE(__VA_ARGS__), SHAPE(__VA_ARGS__) \
    }

#define LAST_PAIR          \
    {                      \
        .a = {.ndim = -1 } \
    }

static const pair *pairs(int mode)
{
    static const pair value[] = {
        SAME(0, {0}),
        SAME(1, {1}),
        SAME(1, {67}),
        SAME(3, {2, 3, 4}),
        SAME(2, {3, 0}),
        SAME(2, {4, 1030}),
        {{.ndim = 2, .dim = {3, 4}}, {.ndim = 1, .dim = {4}}, {.ndim = 2, .dim = {3, 4}}},
        {{.ndim = 2, .dim = {3, 1}}, {.ndim = 2, .dim = {1, 4}}, {.ndim = 2, .dim = {3, 4}}},
        {{.ndim = 0, .dim = {0}}, {.ndim = 2, .dim = {2, 3}}, {.ndim = 2, .dim = {2, 3}}},
        {{.ndim = 2, .dim = {2, 3}}, {.ndim = 0, .dim = {0}}, {.ndim = 2, .dim = {2, 3}}},
        {{.ndim = 2, .dim = {0, 3}}, {.ndim = 2, .dim = {1, 3}}, {.ndim = 2, .dim = {0, 3}}},
        {{.ndim = 3, .dim = {5, 1, 3}}, {.ndim = 2, .dim = {2, 1}}, {.ndim = 3, .dim = {5, 2, 3}}},
        LAST_PAIR};
    static const pair special[] = {SAME(1, {1}),  SAME(1, {3}),  SAME(1, {8}),
                                   SAME(1, {17}), SAME(1, {67}), LAST_PAIR};
    static const pair grad[] = {
        SAME(0, {0}),
        SAME(2, {2, 3}),
        SAME(2, {0, 3}),
        {{.ndim = 2, .dim = {2, 3}}, {.ndim = 1, .dim = {3}}, {.ndim = 2, .dim = {2, 3}}},
        {{.ndim = 2, .dim = {2, 1}}, {.ndim = 2, .dim = {1, 3}}, {.ndim = 2, .dim = {2, 3}}},
        {{.ndim = 0, .dim = {0}}, {.ndim = 1, .dim = {4}}, {.ndim = 1, .dim = {4}}},
        LAST_PAIR};
    static const pair promises[] = {
        SAME(1, {70003}),
        SAME(2, {129, 257}),
        {{.ndim = 2, .dim = {129, 257}}, {.ndim = 1, .dim = {257}}, {.ndim = 2, .dim = {129, 257}}},
        LAST_PAIR};

    return mode == CONF_VALUE     ? value
           : mode == CONF_SPECIAL ? special
           : mode == CONF_GRAD    ? grad
                                  : promises;
}

typedef struct domain {
    enum conf_values values;
    double low, high;
    bool constant;
} domain;

typedef struct binary {
    domain a, b;   /* of floating dtypes */
    domain ia, ib; /* of integers; zero: -120..127 */
    enum conf_judge judge;
    bool to_bool;
} binary;

static void binary_in(conf_sink *s, conf_case *c, dnn_shape shape, const domain *floats,
                      const domain *integers)
{
    const domain *d = is_float(s) ? floats : integers;

    if (!is_float(s) && d->low == 0 && d->high == 0) {
        conf_in(c, s->dtype, shape, CONF_INTEGER, -120, 127);
    } else {
        conf_in(c, s->dtype, shape, d->values, d->low, d->high)->constant = d->constant;
    }
}

static void binary_cases(conf_sink *s, const binary *r)
{
    for (const pair *p = pairs(s->mode); p->a.ndim >= 0; p++) {
        conf_case c = conf_case_new(r->to_bool ? CONF_EXACT : judge_of(s, r->judge));

        binary_in(s, &c, p->a, &r->a, &r->ia);
        binary_in(s, &c, p->b, &r->b, &r->ib);
        conf_out(&c, r->to_bool ? DNN_T_BOOL : s->dtype, p->y);
        s->emit(s, &c);
    }
}

#define BINARY(name, a_, ...)                                  \
    void cases_##name(conf_sink *s)                            \
    {                                                          \
        binary_cases(s, &(binary){.a = a_, .b = __VA_ARGS__}); \
    }
#define WIDE                       \
    {                              \
        CONF_UNIFORM, -3, 3, false \
    }
#define AWAY                        \
    {                               \
        CONF_UNIFORM, 0.5, 2, false \
    }
#define GRID                          \
    {                                 \
        CONF_DISTINCT, 0.03, 0, false \
    }
#define GRID_BETWEEN                  \
    {                                 \
        CONF_DISTINCT, 0.08, 0, false \
    }
#define FEW                        \
    {                              \
        CONF_INTEGER, -2, 2, false \
    }
#define DIVISORS                  \
    {                             \
        CONF_INTEGER, 1, 9, false \
    }
#define BY_0_7                      \
    {                               \
        CONF_CONSTANT, 0.7, 0, true \
    }

BINARY(add, WIDE, WIDE, .judge = CONF_ELEMENT)
BINARY(sub, WIDE, WIDE, .judge = CONF_ELEMENT)
BINARY(mul, WIDE, WIDE, .judge = CONF_ELEMENT)
BINARY(div, WIDE, AWAY, .judge = CONF_ELEMENT)
BINARY(maximum, GRID, GRID_BETWEEN, .judge = CONF_EXACT)
BINARY(minimum, GRID, GRID_BETWEEN, .judge = CONF_EXACT)
BINARY(fmax, GRID, GRID_BETWEEN, .judge = CONF_EXACT)
BINARY(fmin, GRID, GRID_BETWEEN, .judge = CONF_EXACT)
BINARY(atan2, AWAY, AWAY, .judge = CONF_ELEMENT)
BINARY(remainder, GRID, BY_0_7, .ib = DIVISORS, .judge = CONF_ELEMENT)
BINARY(fmod, GRID, BY_0_7, .ib = DIVISORS, .judge = CONF_ELEMENT)
BINARY(floor_divide, GRID, BY_0_7, .ib = DIVISORS, .judge = CONF_ELEMENT)
BINARY(eq, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(ne, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(lt, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(le, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(gt, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(ge, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(logical_and, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(logical_or, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)
BINARY(logical_xor, FEW, FEW, .ia = FEW, .ib = FEW, .to_bool = true)

void cases_pow(conf_sink *s)
{
    binary both = {AWAY,         WIDE, {CONF_INTEGER, -3, 3, false}, {CONF_INTEGER, -2, 5, false},
                   CONF_ELEMENT, false};
    binary base = {AWAY, {CONF_UNIFORM, -3, 3, true}, .judge = CONF_ELEMENT};

    binary_cases(s, &both);
    if (s->mode == CONF_GRAD) {
        binary_cases(s, &base);
    }
}

void cases_where(conf_sink *s)
{
    for (const pair *p = pairs(s->mode); p->a.ndim >= 0; p++) {
        conf_case c = conf_case_new(CONF_MOVED);

        conf_in(&c, DNN_T_BOOL, p->b, CONF_INTEGER, 0, 1);
        conf_in(&c, s->dtype, p->a, CONF_UNIFORM, -3, 3);
        conf_in(&c, s->dtype, p->y, CONF_UNIFORM, -3, 3);
        conf_out(&c, s->dtype, p->y);
        s->emit(s, &c);
    }
}

/* bounds: bit 0 low, bit 1 high. */
static void clamp_case(conf_sink *s, const pair *p, int bounds)
{
    conf_case c = conf_case_new(CONF_EXACT);

    conf_in(&c, s->dtype, p->a, CONF_DISTINCT, 0.03, 0);
    for (int i = 0; i < 2; i++) {
        if ((bounds >> i & 1) == 0) {
            conf_no_in(&c);
        } else if (is_float(s)) {
            conf_in(&c, s->dtype, p->b, CONF_CONSTANT, i == 0 ? -0.2 : 0.25, 0);
        } else {
            conf_in(&c, s->dtype, p->b, CONF_CONSTANT, i == 0 ? 1 : 40, 0);
        }
    }
    conf_out(&c, s->dtype, p->y);
    s->emit(s, &c);
}

void cases_clamp(conf_sink *s)
{
    for (const pair *p = pairs(s->mode); p->a.ndim >= 0; p++) {
        for (int bounds = 1; bounds < 4; bounds++) {
            clamp_case(s, p, bounds);
        }
    }
}

/* ---- gradients that have rows ---- */

/* n operands of the floating dtype and the same shape. */
static void backward_cases(conf_sink *s, int n, const conf_case *attr, double low, double high)
{
    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        conf_case c = conf_case_new(CONF_ELEMENT);

        c.tame = true;
        if (attr != NULL) {
            c.attr = attr->attr;
        }
        conf_in(&c, s->dtype, *shape, CONF_UNIFORM, -2, 2);
        for (int i = 1; i < n; i++) {
            conf_in(&c, s->dtype, *shape, CONF_UNIFORM, low, high);
        }
        conf_out(&c, s->dtype, *shape);
        s->emit(s, &c);
    }
}

#define BACKWARD(name, member, ...)                                                  \
    void cases_##name(conf_sink *s)                                                  \
    {                                                                                \
        conf_case c = {.attr.member = {.size = sizeof(c.attr.member), __VA_ARGS__}}; \
                                                                                     \
        backward_cases(s, 2, &c, -3, 3);                                             \
    }

BACKWARD(leaky_relu_bwd, alpha, .alpha = 0.125)
BACKWARD(elu_bwd, alpha, .alpha = 1.5)
BACKWARD(softplus_bwd, softplus, .beta = 1.5, .threshold = 20)

void cases_relu_bwd(conf_sink *s)
{
    backward_cases(s, 2, NULL, -3, 3);
}

void cases_silu_bwd(conf_sink *s)
{
    backward_cases(s, 2, NULL, least(s, -0.8), 3);
}

void cases_gelu_bwd(conf_sink *s)
{
    for (uint32_t by_tanh = 0; by_tanh < 2; by_tanh++) {
        conf_case c = {.attr.gelu = {.size = sizeof(dnn_attr_gelu), .tanh = by_tanh}};

        backward_cases(s, 2, &c, least(s, -0.5), 3);
    }
}

void cases_pow_bwd_exponent(conf_sink *s)
{
    backward_cases(s, 4, NULL, 0.5, 2);
}

void cases_maximum_bwd(conf_sink *s)
{
    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        conf_case c = conf_case_new(CONF_EXACT);

        conf_in(&c, s->dtype, *shape, CONF_UNIFORM, -2, 2);
        for (int i = 0; i < 2; i++) { /* equal operands, where the gradient jumps */
            conf_in(&c, s->dtype, *shape, CONF_INTEGER, -2, 2)->constant = true;
        }
        conf_out(&c, s->dtype, *shape);
        s->emit(s, &c);
    }
}

void cases_clamp_bwd(conf_sink *s)
{
    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        for (int bounds = 1; bounds < 4; bounds++) {
            conf_case c = conf_case_new(CONF_EXACT);

            conf_in(&c, s->dtype, *shape, CONF_UNIFORM, -2, 2);
            conf_in(&c, s->dtype, *shape, CONF_INTEGER, -3, 3)->constant = true;
            for (int i = 0; i < 2; i++) {
                if ((bounds >> i & 1) != 0) {
                    conf_in(&c, s->dtype, *shape, CONF_INTEGER, i == 0 ? -2 : 1, i == 0 ? 0 : 2)
                        ->constant = true;
                } else {
                    conf_no_in(&c);
                }
            }
            conf_out(&c, s->dtype, *shape);
            s->emit(s, &c);
        }
    }
}
