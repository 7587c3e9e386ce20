/* call.c - runs a row with the library and with the oracle, and compares the results by the
 * normalised mean square error. The modes call it. */
#include "harness.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The offset is below 2^32, but the blocks of a call go beyond it. */
const dnn__rng conf_rng = {.seed = UINT64_C(0x0123456789abcdef),
                           .stream = UINT64_C(0x500000003),
                           .offset = UINT64_C(0xfffffffe)};

static ref_fn *const references[DNN__N_OPS] = {
#define DNN_OP(name, ...) ref_##name,
#include "op_table.def"
#undef DNN_OP
};

dnn_status conf_call(const harness *h, const conf_case *c, dnn_tensor *const *in, dnn_tensor **out)
{
    dnn_tensor *operands[REF_MAX_IN];
    dnn__request request = {
        .op = h->op, .n_in = c->n_in, .n_out = c->n_out, .in = operands, .out = out};

    if (c->call != NULL) {
        out[0] = c->call(c, in);
        return out[0] != NULL ? DNN_OK : dnn_take_error();
    }
    memcpy(operands, in, sizeof operands);
    for (int j = 0; j < c->n_out; j++) {
        if (out[j] == NULL && c->out[j].dtype != 0)
            request.want |= 1u << j;
    }
    request.attr = dnn__ops[h->op].attr_bytes != 0 ? &c->attr : NULL;
    request.rng = (dnn__ops[h->op].traits & DNN__RANDOM) != 0 ? &conf_rng : NULL;
    return dnn__dispatch(&request);
}

bool conf_destinations(const conf_case *c, dnn_tensor *const *in, dnn_tensor **out)
{
    for (int j = 0; j < c->n_out; j++) {
        out[j] = NULL;
        if (c->alias[j] >= 0) {
            out[j] = in[c->alias[j]];
        } else if (c->destination && c->out[j].dtype != 0) {
            conf_poison(&c->out[j]);
            out[j] = dnn_empty(c->out[j].shape, .dtype = c->out[j].dtype);
            if (out[j] == NULL)
                return false;
        }
    }
    return true;
}

bool conf_stretch(const conf_case *c, const ref_array *from, ref_array *to)
{
    const dnn_shape *y = &c->out[0].shape;

    if (!ref_array_new(to, from->dtype, (int)y->ndim, y->dim))
        return false;
    for (int64_t k = 0; k < to->n; k++)
        ref_move(to, k, from, ref_broadcast_index(from, (int)y->ndim, y->dim, k));
    return true;
}

bool conf_reference(const harness *h, const conf_case *c, const ref_array *in, ref_array *out)
{
    bool elementwise = (conf_traits(h) & DNN__ELEMENTWISE) != 0, good = true;
    ref_array wide[REF_MAX_IN] = {0};
    ref_call call = {.n_in = c->n_in,
                     .n_out = c->n_out,
                     .attr = &c->attr,
                     .rng_seed = conf_rng.seed,
                     .rng_stream = conf_rng.stream,
                     .rng_offset = conf_rng.offset};

    for (int i = 0; i < c->n_in; i++) {
        if (c->in[i].dtype == 0)
            continue;
        call.in[i] = &in[i];
        if (elementwise) {
            good = good && conf_stretch(c, &in[i], &wide[i]);
            call.in[i] = &wide[i];
        }
    }
    for (int j = 0; j < c->n_out; j++) {
        if (c->out[j].dtype == 0)
            continue;
        good = good && ref_array_new(&out[j], c->out[j].dtype, (int)c->out[j].shape.ndim,
                                     c->out[j].shape.dim);
        call.out[j] = &out[j];
    }
    if (good)
        (h->composite != NULL ? h->composite->reference : references[h->op])(&call);
    for (int i = 0; i < c->n_in; i++)
        ref_array_free(&wide[i]);
    return good;
}

/* ---- comparison ---- */

/* The bound of the squared error, relative to the squares of the reference. */
static double bound_of(uint32_t dtype, enum conf_judge judge)
{
    switch (dtype) {
    case DNN_T_F64:
        return judge == CONF_SUM ? 1e-24 : 1e-28;
    case DNN_T_F32:
        return judge == CONF_SUM ? 1e-11 : 1e-13;
    case DNN_T_F16:
        return 2e-7;
    default:
        return 1e-5;
    }
}

static bool is_exact(enum conf_judge judge)
{
    return judge == CONF_EXACT || judge == CONF_MOVED;
}

/* Compares one element by itself. For values far below 1 the tolerance is the rounding error of 1.
 */
static bool element_agrees(uint32_t dtype, enum conf_judge judge, double want, double got)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (is_exact(judge))
        return want == got && (judge != CONF_MOVED || !signbit(want) == !signbit(got));
    if (isinf(want) || isinf(got))
        return want == got;
    return fabs(want - got) <= sqrt(bound_of(dtype, judge)) * 10 * (fabs(want) + 1);
}

static double saturated(uint32_t dtype, double x, enum conf_judge judge)
{
    double y = ref_rounded(dtype, x);

    return is_exact(judge) || isinf(y) ? y : x;
}

double conf_shown(double x)
{
    return isnan(x) ? fabs(x) : x;
}

static void compare_floats(harness *h, const conf_case *c, int output, const ref_array *want,
                           const ref_array *got, bool each)
{
    double error = 0, size = 0, bound = bound_of(want->dtype, c->judge), ratio;
    int64_t worst = -1;
    double worst_error = -1;
    int digits = want->dtype == DNN_T_F64 ? 17 : 9;

    for (int64_t k = 0; k < want->n; k++) {
        double w = saturated(want->dtype, want->f[k], c->judge), g = got->f[k], e = fabs(w - g);
        bool by_itself = each || is_exact(c->judge) || !isfinite(w) || !isfinite(g);

        if (by_itself && !element_agrees(want->dtype, c->judge, w, g)) {
            conf_fail(h, c, "output %d, element %lld: %.*g, expected %.*g", output, (long long)k,
                      digits, conf_shown(g), digits, conf_shown(w));
            return;
        }
        if (!by_itself) {
            error += e * e;
            size += w * w;
            if (e > worst_error) {
                worst_error = e;
                worst = k;
            }
        }
    }
    ratio = error == 0 ? 0 : error / (size * bound);
    if (ratio > h->row.worst)
        h->row.worst = ratio;
    if (ratio > 1 || isnan(ratio)) {
        conf_fail(h, c,
                  "output %d: NMSE %.3g, at most %.3g; worst at element %lld: %.*g, expected %.*g",
                  output, error / size, bound, (long long)worst, digits, conf_shown(got->f[worst]),
                  digits, conf_shown(want->f[worst]));
        return;
    }
    conf_pass(h);
}

static bool same_shape(const conf_operand *o, const dnn_tensor *t)
{
    dnn_shape s = dnn_shape_of(t);

    for (int d = 0; d < s.ndim && s.ndim == o->shape.ndim; d++) {
        if (s.dim[d] != o->shape.dim[d])
            return false;
    }
    return s.ndim == o->shape.ndim && dnn_dtype_of(t) == o->dtype;
}

/* Compares the rms of the error with the rms of the gradient, or with 1 if that is less (sums over
 * an expanded axis may cancel). A gradient rule rounds several times where a kernel rounds once,
 * and numerical differences are precise to 1e-8. */
void conf_judge_gradient(harness *h, const conf_case *c, int input, const ref_array *want,
                         const ref_array *got)
{
    double error = 0, size = 0, bound = 16 * bound_of(want->dtype, CONF_SUM), worst_error = -1;
    int64_t worst = 0;

    for (int64_t k = 0; k < want->n; k++) {
        double e = fabs(want->f[k] - got->f[k]);

        error += e * e;
        size += want->f[k] * want->f[k];
        if (!(e <= worst_error)) {
            worst_error = e;
            worst = k;
        }
    }
    if (error <= (size + (double)want->n) * bound) {
        conf_pass(h);
        return;
    }
    conf_fail(h, c,
              "gradient to input %d, element %lld: %.9g, by differences of the reference %.9g",
              input, (long long)worst, conf_shown(got->f[worst]), conf_shown(want->f[worst]));
}

void conf_judge(harness *h, const conf_case *c, int output, const ref_array *want,
                const ref_array *got, bool each)
{
    int64_t k = 0;

    if (want->f != NULL) {
        compare_floats(h, c, output, want, got, each);
        return;
    }
    while (k < want->n && want->i[k] == got->i[k])
        k++;
    if (k < want->n)
        conf_fail(h, c, "output %d, element %lld: %lld, expected %lld", output, (long long)k,
                  (long long)got->i[k], (long long)want->i[k]);
    else
        conf_pass(h);
}

void conf_compare(harness *h, const conf_case *c, int output, const ref_array *want,
                  dnn_tensor *got, bool each)
{
    ref_array read = {0};

    if (got == NULL || !same_shape(&c->out[output], got)) {
        conf_fail(h, c, "output %d has another shape or dtype (%s)", output,
                  got != NULL ? dnn_dtype_name(dnn_dtype_of(got)) : "none");
    } else if (!ref_array_new(&read, want->dtype, want->ndim, want->dim) ||
               conf_read(got, &read) != DNN_OK) {
        conf_fail(h, c, "output %d cannot be read: %s", output, dnn_error_message());
    } else {
        conf_judge(h, c, output, want, &read, each);
    }
    ref_array_free(&read);
}

/* ---- counting ---- */

void conf_pass(harness *h)
{
    h->row.passed++;
}

static void event(harness *h, const char *kind, const char *text)
{
    if (h->options->event != NULL)
        h->options->event(h->options->ctx, kind, text);
}

void conf_describe(const harness *h, const conf_case *c, dnn__text *text)
{
    dnn__put(text, "%s %s %s %s", h->mode_name, conf_op_name(h), dnn_dtype_name(h->sink.dtype),
             h->note);
    for (int i = 0; i < c->n_in && i < 5; i++) {
        dnn__put(text, i == 0 ? " (" : ", ");
        if (c->in[i].dtype != 0)
            dnn__put_shape(text, (int)c->in[i].shape.ndim, c->in[i].shape.dim);
        else
            dnn__put(text, "NULL");
    }
    dnn__put(text, c->n_in > 0 ? ") -> " : " -> ");
    dnn__put_shape(text, (int)c->out[0].shape.ndim, c->out[0].shape.dim);
    dnn__put(text, " %s", c->n_out > 0 ? dnn_dtype_name(c->out[0].dtype) : "");
}

void conf_fail(harness *h, const conf_case *c, const char *fmt, ...)
{
    char buffer[1024];
    dnn__text text = dnn__text_to(buffer, sizeof buffer);
    va_list list;
    char what[512];

    h->row.failed++;
    va_start(list, fmt);
    vsnprintf(what, sizeof what, fmt, list);
    va_end(list);
    conf_describe(h, c, &text);
    dnn__put(&text, ": %s", what);
    event(h, "FAIL", buffer);
}

void conf_skip(harness *h, const char *fmt, ...)
{
    char what[512];
    va_list list;

    h->row.skipped++;
    va_start(list, fmt);
    vsnprintf(what, sizeof what, fmt, list);
    va_end(list);
    event(h, "SKIP", what);
}
