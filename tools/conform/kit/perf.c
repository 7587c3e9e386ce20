/* perf.c - the modes support and perf of the kit: whether a kernel accepts a case, and how long it
 * takes. It also times cpu_blas on the same memory if cpu_blas has a kernel for the operator. */
#include "kit.h"
#include "plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool fill(kit_check *check, const conf_case *c, ref_array *in)
{
    bool good = c->call == NULL;

    for (int i = 0; i < c->n_in && good; i++)
        good = c->in[i].dtype == 0 || conf_fill(&in[i], &c->in[i], CONF_DENSE, &check->h.random);
    return good;
}

static void free_all(ref_array *in)
{
    for (int i = 0; i < REF_MAX_IN; i++)
        ref_array_free(&in[i]);
}

void kit_emit_plan(conf_sink *sink, const conf_case *c)
{
    static kit_call call;
    kit_check *check = (kit_check *)sink;
    kit_setup setup = {.only = -1};
    ref_array in[REF_MAX_IN] = {0};

    if (fill(check, c, in) && kit_call_open(&call, check->k, c, in, &setup)) {
        check->cases++;
        (void)kit_accepts(check, &call);
        kit_call_close(&call);
    }
    free_all(in);
}

/* ---- time ---- */

enum { LEAST_RUNS = 5, MOST_RUNS = 101 };
static const double budget_us = 50e3; /* for one case */

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Returns the median time of a call in microseconds, after one warm-up run; 0: it cannot run. */
static double median_us(const kit_kernel *k, const conf_case *c, const ref_array *in)
{
    static kit_call call;
    kit_setup setup = {.only = -1};
    double us[MOST_RUNS], began;
    dnn_status status = DNN_E_NOMEM;
    int n = 0;

    if (kit_call_open(&call, k, c, in, &setup) && kit_call_plan(&call) == DNN_OK &&
        kit_call_memory(&call))
        status = k->table->run(&call.call.s);
    began = now_us();
    while (status == DNN_OK && n < MOST_RUNS && (n < LEAST_RUNS || now_us() - began < budget_us)) {
        double start = now_us();

        status = k->table->run(&call.call.s);
        if (status == DNN_OK && k->device.stream != NULL)
            status = k->device.api->stream_sync(0, k->device.stream);
        us[n++] = now_us() - start;
    }
    kit_call_close(&call);
    if (status != DNN_OK)
        return 0;
    qsort(us, (size_t)n, sizeof us[0], by_size);
    return us[n / 2];
}

/* Returns cpu_blas's kernel for the case; NULL: none, or cpu_blas itself is tested. */
static const dnn_kernel *base_kernel(const kit_check *check)
{
    dnn__candidates list;

    if (!check->child->has_base)
        return NULL;
    list = dnn__candidates_of(check->k->op, 0, check->h.sink.dtype);
    return list.n > 0 ? &list.kernel[0]->table : NULL;
}

void kit_emit_time(conf_sink *sink, const conf_case *c)
{
    kit_check *check = (kit_check *)sink;
    ref_array in[REF_MAX_IN] = {0};
    kit_record r = {.kind = KIT_PERF, .row = check->row, .dtype = sink->dtype};
    dnn__text text = dnn__text_to(r.text, sizeof r.text);
    const dnn_kernel *base = base_kernel(check);

    if (fill(check, c, in) && c->n_out > 0 &&
        ref_count((int)c->out[0].shape.ndim, c->out[0].shape.dim) > 0) {
        for (int i = 0; i < c->n_in && i < 4; i++) {
            dnn__put(&text, i > 0 ? " " : "");
            if (c->in[i].dtype != 0)
                dnn__put_shape(&text, (int)c->in[i].shape.ndim, c->in[i].shape.dim);
        }
        dnn__put(&text, " -> ");
        dnn__put_shape(&text, (int)c->out[0].shape.ndim, c->out[0].shape.dim);
        kit_doing(check->child, check->row, sink->dtype, "timing %s", r.text);
        check->cases++;
        r.us[0] = median_us(check->k, c, in);
        if (base != NULL) {
            kit_kernel of_base = {.table = base, .op = check->k->op};

            r.us[1] = median_us(&of_base, c, in);
        }
        if (r.us[0] > 0)
            kit_send(check->child, &r);
        else
            check->declined++;
    }
    free_all(in);
}
