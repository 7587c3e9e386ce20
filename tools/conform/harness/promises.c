/* promises.c - the mode that checks the kernels' promises: the same bits on 1 to 4 threads, the
 * same result in place, and in-place operands of any strides whose gaps do not change. The harness
 * passes each large case of a row to conf_emit_promises. */
#include "harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the bytes of a tensor, for free(); NULL on failure. */
static char *bytes_of(dnn_tensor *t, size_t *n)
{
    char *bytes;

    *n = t != NULL ? (size_t)dnn_numel(t) * dnn_dtype_size(dnn_dtype_of(t)) : 0;
    bytes = t != NULL ? malloc(*n + 1) : NULL;
    if (bytes != NULL && dnn_read(t, bytes, *n) != DNN_OK) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

/* Returns whether the tensor holds exactly these bytes. */
static bool holds(dnn_tensor *t, const char *bytes)
{
    size_t n;
    char *now = bytes_of(t, &n);
    bool same = now != NULL && bytes != NULL && memcmp(now, bytes, n) == 0;

    free(now);
    return same;
}

/* Runs the case, on copies of the operands that it changes. */
static dnn_status run_once(harness *h, const conf_case *c, dnn_tensor *const *in, dnn_tensor **out)
{
    dnn_tensor *own[REF_MAX_IN] = {NULL};

    memcpy(own, in, sizeof own);
    for (int j = 0; j < c->n_out; j++) {
        if (c->alias[j] >= 0)
            own[c->alias[j]] = dnn_clone(in[c->alias[j]]);
    }
    DNN_TRY(dnn_take_error());
    if (!conf_destinations(c, own, out))
        return dnn_take_error();
    return conf_call(h, c, own, out);
}

static void check_threads(harness *h, const conf_case *c, dnn_tensor *const *in,
                          char *const *expected)
{
    int before = dnn_get_threads();

    for (int threads = 1; threads <= 4; threads++) {
        DNN_SCOPE();
        dnn_tensor *out[REF_MAX_OUT] = {NULL};
        dnn_status st = dnn_set_threads(threads);
        bool same = true;

        st = st == DNN_OK ? run_once(h, c, in, out) : st;
        for (int j = 0; j < c->n_out && st == DNN_OK; j++)
            same = same && (c->out[j].dtype == 0 || holds(out[j], expected[j]));
        if (st != DNN_OK)
            conf_fail(h, c, "%d threads: %s", threads, dnn_error_message());
        else if (!same)
            conf_fail(h, c, "%d threads give other bits than %d", threads, before);
        else
            conf_pass(h);
    }
    if (dnn_set_threads(before) != DNN_OK)
        conf_fail(h, c, "%d threads cannot be set again: %s", before, dnn_error_message());
}

static bool fits(const conf_operand *a, const conf_operand *b)
{
    return a->dtype == b->dtype && a->shape.ndim == b->shape.ndim &&
           memcmp(a->shape.dim, b->shape.dim, (size_t)a->shape.ndim * sizeof a->shape.dim[0]) == 0;
}

/* Writes the result into the memory of an input. */
static void check_in_place(harness *h, const conf_case *c, dnn_tensor *const *in,
                           const char *expected)
{
    for (int i = 0; i < c->n_in; i++) {
        if (!fits(&c->in[i], &c->out[0]))
            continue;
        {
            DNN_SCOPE();
            dnn_tensor *own[REF_MAX_IN] = {NULL}, *out[REF_MAX_OUT] = {NULL};
            dnn_status st;

            memcpy(own, in, sizeof own);
            own[i] = out[0] = dnn_clone(in[i]);
            st = dnn_take_error();
            st = st == DNN_OK ? conf_call(h, c, own, out) : st;
            if (st != DNN_OK)
                conf_fail(h, c, "in place of input %d: %s", i, dnn_error_message());
            else if (!holds(out[0], expected))
                conf_fail(h, c, "in place of input %d: other bits than out of place", i);
            else
                conf_pass(h);
        }
    }
}

/* Writes the result into every second element of a larger tensor, whose other elements must not
 * change. */
static void check_strided_target(harness *h, const conf_case *c, dnn_tensor *const *in,
                                 const char *expected)
{
    dnn_shape wide = c->out[0].shape;
    int64_t last = wide.dim[wide.ndim - 1];

    wide.dim[wide.ndim - 1] = 2 * last + 1;
    {
        DNN_SCOPE();
        dnn_tensor *base = dnn_ones(wide, .dtype = c->out[0].dtype), *out[REF_MAX_OUT] = {NULL};
        dnn_tensor *gaps = dnn_slice(base, -1, 0, 2 * last + 1, 2);
        size_t n;
        char *before = bytes_of(gaps, &n);
        dnn_status st = dnn_take_error();

        out[0] = dnn_slice(base, -1, 1, 2 * last, 2);
        st = st == DNN_OK ? conf_call(h, c, in, out) : st;
        if (st != DNN_OK)
            conf_fail(h, c, "strided target: %s", dnn_error_message());
        else if (!holds(out[0], expected))
            conf_fail(h, c, "strided target: other bits than a dense one");
        else if (!holds(gaps, before))
            conf_fail(h, c, "strided target: places beside it were written");
        else
            conf_pass(h);
        free(before);
    }
}

static bool make_operands(harness *h, const conf_case *c, dnn_tensor **in)
{
    bool good = true;

    for (int i = 0; i < c->n_in && good; i++) {
        ref_array a = {0};

        if (c->in[i].dtype != 0) {
            good = conf_fill(&a, &c->in[i], CONF_DENSE, &h->random);
            in[i] = good ? conf_tensor(&a) : NULL;
        }
        ref_array_free(&a);
    }
    return good && dnn_take_error() == DNN_OK;
}

void conf_emit_promises(conf_sink *sink, const conf_case *c)
{
    harness *h = (harness *)sink;
    int traits = dnn__ops[h->op].traits;
    char *expected[REF_MAX_OUT] = {NULL};

    if (c->call != NULL)
        return;
    {
        DNN_SCOPE();
        dnn_tensor *in[REF_MAX_IN] = {NULL}, *out[REF_MAX_OUT] = {NULL};
        bool good = make_operands(h, c, in) && run_once(h, c, in, out) == DNN_OK;
        bool target =
            (traits & DNN__ELEMENTWISE) != 0 || ((traits & DNN__MUTATES) != 0 && c->alias[0] < 0);
        size_t n;

        for (int j = 0; j < c->n_out && good; j++)
            expected[j] = c->out[j].dtype != 0 ? bytes_of(out[j], &n) : NULL;
        if (!good) {
            conf_fail(h, c, "%s", dnn_error_message());
        } else {
            check_threads(h, c, in, expected);
            if ((traits & DNN__ELEMENTWISE) != 0)
                check_in_place(h, c, in, expected[0]);
            if (target && c->out[0].shape.ndim > 0 && dnn_numel(out[0]) > 0)
                check_strided_target(h, c, in, expected[0]);
        }
    }
    for (int j = 0; j < c->n_out; j++)
        free(expected[j]);
}
