/* grad.c - the mode that checks gradients of the tape against central differences, for each
 * floating input in each layout. In f64 the library itself computes the differences, and second
 * gradients are checked too. In narrower dtypes the oracle computes them, in f64 at the same
 * operands. The harness passes each case of a differentiable row to conf_emit_grad. */
#include "dnn/autograd.h"
#include "harness.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The operands of a case. base[i] is the leaf; in[i] is the view of it that the row gets. */
typedef struct problem {
    harness *h;
    const conf_case *c;
    enum conf_layout layout[REF_MAX_IN];
    ref_array in[REF_MAX_IN], base[REF_MAX_IN];
    bool wants[REF_MAX_IN];
    /* Weights of the output; weights of the gradients in the second check. */
    ref_array weight, direction[REF_MAX_IN];
} problem;

static void problem_free(problem *p)
{
    for (int i = 0; i < REF_MAX_IN; i++) {
        ref_array_free(&p->in[i]);
        ref_array_free(&p->base[i]);
        ref_array_free(&p->direction[i]);
    }
    ref_array_free(&p->weight);
}

static bool problem_new(problem *p, harness *h, const conf_case *c, enum conf_layout layout)
{
    static const conf_operand weights = {.values = CONF_UNIFORM, .low = 0.5, .high = 1.5};
    conf_operand w = weights;
    bool applied = layout == CONF_DENSE;

    *p = (problem){.h = h, .c = c};
    w.dtype = h->sink.dtype;
    w.shape = c->out[0].shape;
    if (!conf_fill(&p->weight, &w, CONF_DENSE, &h->random))
        return false;
    for (int i = 0; i < c->n_in; i++) {
        bool differentiable = c->in[i].dtype == h->sink.dtype && !c->in[i].constant;

        if (c->in[i].dtype == 0)
            continue;
        if (!conf_fill(&p->in[i], &c->in[i], c->in[i].plain ? CONF_DENSE : layout, &h->random))
            return false;
        p->layout[i] = !c->in[i].plain && conf_applies(&p->in[i], layout) ? layout : CONF_DENSE;
        applied = applied || p->layout[i] == layout;
        if (!conf_base(&p->base[i], &p->in[i], p->layout[i]))
            return false;
        /* Gaps appear in no result, only in a copy of the base. */
        for (int64_t k = 0; k < p->base[i].n; k++)
            if (p->base[i].f != NULL && isnan(p->base[i].f[k]))
                p->base[i].f[k] = 0.75;
        p->wants[i] = differentiable;
        w.shape = (dnn_shape){.ndim = p->base[i].ndim};
        memcpy(w.shape.dim, p->base[i].dim, sizeof w.shape.dim);
        if (differentiable && !conf_fill(&p->direction[i], &w, CONF_DENSE, &h->random))
            return false;
    }
    return applied;
}

/* Runs forward from the bases; leaf[i] are the leaves. Returns NULL with dnn_error_message() on
 * failure. */
static dnn_tensor *forward(const problem *p, dnn_tensor **leaf)
{
    dnn_tensor *in[REF_MAX_IN] = {NULL}, *out[REF_MAX_OUT] = {NULL};

    for (int i = 0; i < p->c->n_in; i++) {
        leaf[i] = NULL;
        if (p->c->in[i].dtype == 0)
            continue;
        leaf[i] = conf_tensor(&p->base[i]);
        if (p->wants[i])
            leaf[i] = dnn_requires_grad_(leaf[i], true);
        in[i] = conf_view(leaf[i], &p->in[i], p->layout[i]);
    }
    if (dnn_take_error() != DNN_OK || !conf_destinations(p->c, in, out) ||
        conf_call(p->h, p->c, in, out) != DNN_OK)
        return NULL;
    return out[0];
}

/* sum(w y), or sum(w y y)/2, whose gradient in y depends on the operands too. */
static dnn_tensor *loss_of(const problem *p, dnn_tensor *y, bool squared)
{
    dnn_tensor *w = conf_tensor(&p->weight);

    if (squared)
        return dnn_mul(dnn_sum(dnn_mul(w, dnn_mul(y, y))), 0.5);
    return dnn_sum(dnn_mul(w, y));
}

/* Computes the gradients of the loss in every leaf as arrays; zeros for a leaf without one. With
 * create they are recorded, and tensor[i] are their tensors. */
static dnn_status read_gradients(const problem *p, dnn_tensor *const *leaf, ref_array *gradient)
{
    for (int i = 0; i < p->c->n_in; i++) {
        if (!p->wants[i])
            continue;
        if (!ref_array_new(&gradient[i], p->base[i].dtype, p->base[i].ndim, p->base[i].dim))
            return DNN_E_NOMEM;
        if (dnn_grad(leaf[i]) != NULL)
            DNN_TRY(conf_read(dnn_grad(leaf[i]), &gradient[i]));
    }
    return DNN_OK;
}

static dnn_status gradients(const problem *p, bool squared, bool create, dnn_tensor **leaf,
                            ref_array *gradient)
{
    dnn_tensor *y = forward(p, leaf), *loss;

    if (y == NULL)
        return DNN_E_INVALID;
    loss = loss_of(p, y, squared);
    DNN_TRY(dnn_backward(loss, .create_graph = create));
    return gradient != NULL ? read_gradients(p, leaf, gradient) : DNN_OK;
}

/* ---- the function whose differences are computed ---- */

/* The oracle's result in f64 for the values of the bases. */
static dnn_status evaluate_reference(const problem *p, ref_array *y)
{
    ref_array in[REF_MAX_IN] = {0}, out[REF_MAX_OUT] = {0};
    conf_case c = *p->c;
    bool good = true;

    for (int i = 0; i < c.n_in && good; i++) {
        const ref_array *from = &p->in[i];

        if (c.in[i].dtype == 0)
            continue;
        c.in[i].dtype = c.in[i].dtype == p->h->sink.dtype ? DNN_T_F64 : c.in[i].dtype;
        good = ref_array_new(&in[i], c.in[i].dtype, from->ndim, from->dim);
        for (int64_t k = 0; k < from->n && good; k++) {
            int64_t at = conf_base_index(from, p->layout[i], k);

            if (in[i].f != NULL)
                in[i].f[k] = p->base[i].f[at];
            else
                in[i].i[k] = p->base[i].i[at];
        }
    }
    for (int j = 0; j < c.n_out; j++)
        c.out[j].dtype = c.out[j].dtype == p->h->sink.dtype ? DNN_T_F64 : c.out[j].dtype;
    good = good && conf_reference(p->h, &c, in, out);
    for (int64_t k = 0; k < y->n && good; k++)
        y->f[k] = out[0].f[k];
    for (int i = 0; i < c.n_in; i++)
        ref_array_free(&in[i]);
    for (int j = 0; j < c.n_out; j++)
        ref_array_free(&out[j]);
    return good ? DNN_OK : DNN_E_NOMEM;
}

/* The library's result, not recorded. */
static dnn_status evaluate(const problem *p, ref_array *y)
{
    dnn_status st = DNN_E_INVALID;

    if (p->h->sink.dtype != DNN_T_F64)
        return evaluate_reference(p, y);

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *leaf[REF_MAX_IN], *out = forward(p, leaf);

        if (out != NULL)
            st = conf_read(out, y);
    }
    return st;
}

/* Difference of sum(w y) between x+h and x-h. It sums the differences, so that results that do not
 * change contribute exactly 0. An element that is NaN on both sides (a mean of nothing) depends on
 * no operand and is skipped. */
static double value_difference(const problem *p, const ref_array *up, const ref_array *down)
{
    long double sum = 0;

    for (int64_t k = 0; k < up->n; k++)
        if (!isnan(up->f[k]) || !isnan(down->f[k]))
            sum += (long double)p->weight.f[k] * ((long double)up->f[k] - (long double)down->f[k]);
    return (double)sum;
}

static dnn_status difference(problem *p, double *x, double *slope)
{
    ref_array up = {0}, down = {0};
    double kept = *x, step = cbrt(0x1p-52) * fmax(1, fabs(kept)), high = kept + step,
           low = kept - step;
    dnn_status st = DNN_E_NOMEM;

    if (ref_array_new(&up, DNN_T_F64, p->weight.ndim, p->weight.dim) &&
        ref_array_new(&down, DNN_T_F64, p->weight.ndim, p->weight.dim)) {
        *x = high;
        st = evaluate(p, &up);
        *x = low;
        st = st == DNN_OK ? evaluate(p, &down) : st;
        *x = kept;
        *slope = value_difference(p, &up, &down) / (high - low);
    }
    ref_array_free(&up);
    ref_array_free(&down);
    return st;
}

/* Sum over inputs of direction * gradient difference, divided by the step. */
static dnn_status second_difference(problem *p, double *x, double *slope)
{
    ref_array up[REF_MAX_IN] = {0}, down[REF_MAX_IN] = {0};
    double kept = *x, step = cbrt(0x1p-52) * fmax(1, fabs(kept)), high = kept + step,
           low = kept - step;
    dnn_tensor *leaf[REF_MAX_IN];
    dnn_status st = DNN_OK;
    long double sum = 0;

    for (int side = 0; side < 2 && st == DNN_OK; side++) {
        *x = side == 0 ? high : low;
        {
            DNN_SCOPE();
            st = gradients(p, true, false, leaf, side == 0 ? up : down);
        }
    }
    *x = kept;
    for (int i = 0; i < p->c->n_in; i++) {
        for (int64_t k = 0; st == DNN_OK && p->wants[i] && k < up[i].n; k++)
            sum += (long double)p->direction[i].f[k] *
                   ((long double)up[i].f[k] - (long double)down[i].f[k]);
        ref_array_free(&up[i]);
        ref_array_free(&down[i]);
    }
    *slope = (double)(sum / ((long double)high - (long double)low));
    return st;
}

/* ---- the two checks ---- */

/* Returns whether the gradient agrees with differences at element k of input i: rtol 1e-6, atol
 * 1e-8. */
static bool agrees(problem *p, int i, int64_t k, double gradient, bool second)
{
    double slope = 0, error, allowed;
    dnn_status st = second ? second_difference(p, &p->base[i].f[k], &slope)
                           : difference(p, &p->base[i].f[k], &slope);

    if (st != DNN_OK) {
        conf_fail(p->h, p->c, "difference at input %d: %s", i, dnn_error_message());
        return false;
    }
    error = fabs(gradient - slope);
    allowed = 1e-8 + 1e-6 * fabs(slope);
    if (error / allowed > p->h->row.worst)
        p->h->row.worst = error / allowed;
    if (error <= allowed)
        return true;
    conf_fail(p->h, p->c, "%s gradient to input %d, element %lld: %.12g, by differences %.12g",
              second ? "second" : "first", i, (long long)k, conf_shown(gradient),
              conf_shown(slope));
    return false;
}

static void compare_gradients(problem *p, const ref_array *gradient, bool second)
{
    for (int i = 0; i < p->c->n_in; i++) {
        bool good = true;

        for (int64_t k = 0; p->wants[i] && good && k < p->base[i].n; k++)
            good = agrees(p, i, k, gradient[i].f[k], second);
        if (p->wants[i] && good)
            conf_pass(p->h);
    }
}

/* In narrower dtypes all elements are compared together, with the tolerance of a sum of a few
 * roundings. */
static void compare_narrow(problem *p, const ref_array *gradient)
{
    for (int i = 0; i < p->c->n_in; i++) {
        ref_array slope = {0};
        bool good =
            p->wants[i] && ref_array_new(&slope, p->base[i].dtype, p->base[i].ndim, p->base[i].dim);

        for (int64_t k = 0; good && k < slope.n; k++) {
            good = difference(p, &p->base[i].f[k], &slope.f[k]) == DNN_OK;
            if (!good)
                conf_fail(p->h, p->c, "difference at input %d: no memory", i);
        }
        if (good)
            conf_judge_gradient(p->h, p->c, i, &slope, &gradient[i]);
        ref_array_free(&slope);
    }
}

static void free_all(ref_array *a)
{
    for (int i = 0; i < REF_MAX_IN; i++)
        ref_array_free(&a[i]);
}

static dnn_status two_backwards(const problem *p, ref_array *once, ref_array *twice)
{
    dnn_tensor *leaf[REF_MAX_IN], *y = forward(p, leaf), *loss;

    if (y == NULL)
        return DNN_E_INVALID;
    loss = loss_of(p, y, false);
    DNN_TRY(dnn_backward(loss, .retain_graph = true));
    DNN_TRY(read_gradients(p, leaf, once));
    DNN_TRY(dnn_backward(loss));
    return read_gradients(p, leaf, twice);
}

/* Backward may run twice for one forward, with one stash: the second run must add the same bits. */
static void check_twice(problem *p)
{
    ref_array once[REF_MAX_IN] = {0}, twice[REF_MAX_IN] = {0};
    dnn_status st;
    bool same = true;

    {
        DNN_SCOPE();
        st = two_backwards(p, once, twice);
    }
    for (int i = 0; i < p->c->n_in && st == DNN_OK; i++) {
        for (int64_t k = 0; p->wants[i] && k < once[i].n; k++)
            same = same && twice[i].f[k] == ref_rounded(once[i].dtype, 2 * once[i].f[k]);
    }
    if (st != DNN_OK)
        conf_fail(p->h, p->c, "backward twice over one forward: %s", dnn_error_message());
    else if (!same)
        conf_fail(p->h, p->c, "backward twice over one forward gives two gradients");
    else
        conf_pass(p->h);
    free_all(once);
    free_all(twice);
}

static void first_check(problem *p)
{
    ref_array gradient[REF_MAX_IN] = {0};
    dnn_tensor *leaf[REF_MAX_IN];
    dnn_status st;

    {
        DNN_SCOPE();
        st = gradients(p, false, false, leaf, gradient);
    }
    if (st == DNN_OK && p->h->sink.dtype != DNN_T_F64)
        compare_narrow(p, gradient);
    else if (st == DNN_OK)
        compare_gradients(p, gradient, false);
    else
        conf_fail(p->h, p->c, "backward: %s", dnn_error_message());
    free_all(gradient);
}

/* sum(direction * gradient) over the leaves, recorded; NULL if no gradient depends on an operand.
 */
static dnn_tensor *along_directions(const problem *p, dnn_tensor *const *leaf)
{
    dnn_tensor *sum = NULL;

    for (int i = 0; i < p->c->n_in; i++) {
        dnn_tensor *g = p->wants[i] ? dnn_grad(leaf[i]) : NULL, *term;

        if (g == NULL || !dnn_requires_grad(g))
            continue;
        term = dnn_sum(dnn_mul(conf_tensor(&p->direction[i]), g));
        sum = sum == NULL ? term : dnn_add(sum, term);
    }
    return sum;
}

static dnn_status second_gradients(const problem *p, ref_array *gradient)
{
    dnn_tensor *leaf[REF_MAX_IN], *sum;
    dnn_status st = gradients(p, true, true, leaf, NULL);

    if (st != DNN_OK)
        return st;
    sum = along_directions(p, leaf);
    for (int i = 0; i < p->c->n_in; i++) {
        if (p->wants[i] && st == DNN_OK)
            st = dnn_set_grad(leaf[i], NULL);
    }
    if (st == DNN_OK && sum != NULL)
        st = dnn_backward(sum);
    for (int i = 0; i < p->c->n_in && st == DNN_OK; i++) {
        if (!p->wants[i])
            continue;
        if (!ref_array_new(&gradient[i], p->base[i].dtype, p->base[i].ndim, p->base[i].dim))
            return DNN_E_NOMEM;
        if (dnn_grad(leaf[i]) != NULL)
            st = conf_read(dnn_grad(leaf[i]), &gradient[i]);
    }
    return st != DNN_OK ? st : dnn_take_error();
}

/* A row whose gradient cannot be differentiated must fail; a second gradient that it returns must
 * be right. */
static void second_check(problem *p)
{
    ref_array gradient[REF_MAX_IN] = {0};
    dnn_status st;

    {
        DNN_SCOPE();
        st = second_gradients(p, gradient);
    }
    if (st == DNN_OK)
        compare_gradients(p, gradient, true);
    else if (p->c->once && strstr(dnn_error_message(), "cannot be differentiated again") != NULL)
        conf_pass(p->h);
    else
        conf_fail(p->h, p->c, "second backward: %s", dnn_error_message());
    free_all(gradient);
}

void conf_emit_grad(conf_sink *sink, const conf_case *c)
{
    harness *h = (harness *)sink;

    for (int l = 0; l < CONF_LAYOUTS; l++) {
        problem p;

        if (l == CONF_UNALIGNED)
            continue;
        h->note = conf_layout_names[l];
        if (problem_new(&p, h, c, (enum conf_layout)l)) {
            first_check(&p);
            if (h->sink.dtype == DNN_T_F64)
                second_check(&p);
            else
                check_twice(&p);
        }
        problem_free(&p);
    }
    h->note = "";
}
