/* layout_checks.c - checks the private layouts of a plugin: which ones its plans request, whether
 * its reorders keep every bit and zero the padding, and whether padding is still zero after chains
 * of FLAT kernels. kernels.c calls it. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the layouts that plans request ---- */

static void emit_discover(conf_sink *sink, const conf_case *c)
{
    static kit_call call;
    kit_check *check = (kit_check *)sink;
    kit_setup setup = {.only = -1};
    ref_array in[REF_MAX_IN] = {0};
    bool good = c->call == NULL;

    for (int i = 0; i < c->n_in && good; i++)
        good = c->in[i].dtype == 0 || conf_fill(&in[i], &c->in[i], CONF_DENSE, &check->h.random);
    if (good && kit_call_open(&call, check->k, c, in, &setup)) {
        kit_doing(check->child, check->row, sink->dtype, "plan of %s, for its layouts",
                  check->k->table->name);
        (void)kit_call_plan(&call);
        kit_call_close(&call);
    }
    for (int i = 0; i < REF_MAX_IN; i++)
        ref_array_free(&in[i]);
}

void kit_discover_layouts(kit_child *child, const kit_kernel *k, int row)
{
    uint32_t dtypes = dnn__ops[k->op].accepts & (k->table->dtypes != 0 ? k->table->dtypes : ~0u);
    conf_options options = {.pattern = NULL};

    for (int d = 0; d < DNN__N_DTYPES && k->table->plan != NULL; d++) {
        kit_check check = {.child = child, .k = k, .row = row};

        if ((dtypes >> d & 1) == 0)
            continue;
        check.h.options = &options;
        check.h.op = k->op;
        check.h.note = "";
        check.h.sink = (conf_sink){.mode = CONF_VALUE, .dtype = 1u << d, .emit = emit_discover};
        conf_cases[k->op](&check.h.sink);
    }
}

/* ---- round trips ---- */

static const struct {
    int ndim;
    int64_t dim[5];
} shapes[] = {{1, {1}},           {1, {17}},          {2, {3, 5}},         {2, {16, 8}},
              {3, {2, 3, 4}},     {4, {1, 1, 1, 1}},  {4, {2, 3, 5, 4}},   {4, {1, 8, 3, 3}},
              {4, {3, 17, 7, 2}}, {4, {2, 16, 4, 4}}, {5, {2, 3, 2, 3, 2}}};

/* Bits of every kind, with NaN and denormals: a reorder must copy bits. */
static void fill_bits(char *to, size_t bytes, uint32_t dtype)
{
    uint32_t x = 12345;

    for (size_t i = 0; i < bytes; i++) {
        x = x * 1664525 + 1013904223;
        to[i] = (char)(dtype == DNN_T_BOOL ? x >> 24 & 1 : x >> 24);
    }
}

/* The strides of the transposed layout: the first axis is the innermost. */
static void backward_strides(const ref_array *a, int64_t *stride)
{
    int64_t step = 1;

    for (int d = 0; d < a->ndim; d++) {
        stride[d] = step;
        step *= a->dim[d];
    }
}

static bool same_elements(const ref_array *a, const kit_block *x, const int64_t *xs,
                          const kit_block *y, int64_t *where)
{
    size_t item = dnn_dtype_size(a->dtype);
    int64_t dense[DNN_DIM_MAX];

    dnn__dense_strides(a->ndim, a->dim, dense);
    for (*where = 0; *where < a->n; ++*where) {
        int64_t rest = *where, i = 0, j = 0;

        for (int d = a->ndim - 1; d >= 0; d--) {
            i += rest % a->dim[d] * (xs != NULL ? xs[d] : dense[d]);
            j += rest % a->dim[d] * dense[d];
            rest /= a->dim[d];
        }
        if (memcmp(x->at + (size_t)i * item, y->at + (size_t)j * item, item) != 0)
            return false;
    }
    return true;
}

typedef struct trip {
    kit_check *check;
    uint32_t layout;
    ref_array what;
} trip;

static void report_trip(const trip *t, const char *text)
{
    char shape[128];
    dnn__text out = dnn__text_to(shape, sizeof shape);

    dnn__put_shape(&out, t->what.ndim, t->what.dim);
    kit_sendf(t->check->child, KIT_FAIL, t->check->row, t->what.dtype, "reorder of %s %s by %s: %s",
              shape, dnn_dtype_name(t->what.dtype), kit_host.layout_name(t->layout), text);
    t->check->h.row.failed++;
}

static void judge_trip(const trip *t, const kit_block *dense, const int64_t *stride,
                       const kit_block *there, const kit_block *back)
{
    char text[200];
    int64_t where = kit_padding_at(t->check->k, &t->what, t->layout, there);

    if (where >= 0) {
        snprintf(text, sizeof text, "its padding is not zero at item %lld", (long long)where);
        report_trip(t, text);
    }
    if (!same_elements(&t->what, dense, stride, back, &where)) {
        snprintf(text, sizeof text, "there and back other bits come out at element %lld",
                 (long long)where);
        report_trip(t, text);
    }
}

/* Reorders from strides to the layout and back to strides. */
static void round_trip(const trip *t, const int64_t *stride)
{
    const kit_kernel *k = t->check->k;
    size_t bytes = (size_t)t->what.n * dnn_dtype_size(t->what.dtype);
    kit_block dense = {0}, there = {0}, back = {0};
    kit_side from = {.stride = stride, .bytes = bytes, .block = &dense},
             to = {.layout = t->layout, .block = &there}, end = {.bytes = bytes, .block = &back};
    dnn_status status = DNN_E_NOMEM;

    t->check->cases++;
    if (kit_block_new(&k->device, &dense, bytes, 0, 64, true, 0xff)) {
        fill_bits(dense.at, bytes, t->what.dtype);
        status = kit_block_give(&k->device, &dense, true);
        status = status == DNN_OK ? kit_reorder(k, &t->what, &from, &to, 0xff) : status;
        if (status == DNN_OK) {
            kit_side middle = to;

            status = kit_block_give(&k->device, &there, true);
            status = status == DNN_OK ? kit_reorder(k, &t->what, &middle, &end, 0xff) : status;
        }
        if (status == DNN_DECLINED)
            t->check->declined++;
        else if (status != DNN_OK)
            report_trip(t, kit_said());
        else
            judge_trip(t, &dense, stride, &there, &back);
    }
    if (status == DNN_DECLINED && t->check->declined == 1)
        snprintf(t->check->declined_text, sizeof t->check->declined_text, "%s", kit_said());
    kit_block_free(&k->device, &dense);
    kit_block_free(&k->device, &there);
    kit_block_free(&k->device, &back);
}

static void trips_of(kit_check *check, uint32_t layout, uint32_t dtype)
{
    for (size_t s = 0; s < DNN__COUNT(shapes); s++) {
        trip t = {.check = check, .layout = layout};
        int64_t stride[DNN_DIM_MAX] = {0};

        if (!ref_array_new(&t.what, dtype, shapes[s].ndim, shapes[s].dim))
            return;
        kit_doing(check->child, check->row, dtype, "reorder of %s by %s",
                  dnn__shape_text(t.what.ndim, t.what.dim), kit_host.layout_name(layout));
        round_trip(&t, NULL);
        backward_strides(&t.what, stride);
        if ((check->k->table->flags & DNN_K_STRIDED) != 0)
            round_trip(&t, stride);
        ref_array_free(&t.what);
    }
}

static bool reorders(const dnn_kernel *k, uint32_t dtype)
{
    return strcmp(k->op, "reorder") == 0 && (k->dtypes == 0 || (k->dtypes & dtype) != 0);
}

/* Every layout that a plan requests must be the plugin's own and have reorders for the dtype. */
void kit_check_families(kit_child *child, const dnn_plugin *table)
{
    uint32_t layout, dtype;

    for (int l = 0; kit_layout_at(l, &layout, &dtype); l++) {
        int i = 0;

        if (!kit_layout_owned(table, layout))
            kit_sendf(child, KIT_FAIL, -1, dtype,
                      "a plan asks for the layout %s, of a family that the plugin does not list",
                      kit_host.layout_name(layout));
        while (table->kernels[i] != NULL && !reorders(table->kernels[i], dtype))
            i++;
        if (table->kernels[i] == NULL)
            kit_sendf(child, KIT_FAIL, -1, dtype,
                      "a plan asks for the layout %s in %s, and there is no reorder kernel for it: "
                      "nobody could read the result",
                      kit_host.layout_name(layout), dnn_dtype_name(dtype));
    }
}

void kit_check_reorder(kit_child *child, const kit_kernel *k, int row)
{
    uint32_t layout, dtype;

    for (int l = 0; kit_layout_at(l, &layout, &dtype); l++) {
        kit_check check = {.child = child, .k = k, .row = row};
        kit_record r = {.kind = KIT_COUNT, .row = row, .dtype = dtype};

        if (k->table->dtypes != 0 && (k->table->dtypes & dtype) == 0)
            continue;
        trips_of(&check, layout, dtype);
        r.count[0] = check.cases;
        r.count[1] = check.h.row.failed;
        r.count[2] = check.declined;
        snprintf(r.text, sizeof r.text, "%s", check.declined_text);
        kit_send(child, &r);
    }
}

/* ---- chains of FLAT kernels ---- */

enum { POOL = 3, STEPS = 10000, FRESH = 8 }; /* tensors; kernels run; runs between new values */

typedef struct chain {
    kit_child *child;
    kit_kernel kernel[32];
    int n_kernels;
    ref_array what;
    uint32_t layout;
    uint64_t bytes;
    kit_block block[POOL];
    uint64_t random;
} chain;

static uint32_t draw(chain *c, uint32_t n)
{
    c->random = c->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(c->random >> 33) % n;
}

/* A kernel fits if it is FLAT, keeps zeros, has floating operands of the dtype, and no attributes.
 */
static bool fits_chain(const dnn_kernel *k, const dnn__op *op, uint32_t dtype)
{
    return op != NULL && (k->flags & DNN_K_FLAT) != 0 && strcmp(k->device, "cpu") == 0 &&
           (op->traits & DNN__KEEPS_ZEROS) != 0 && (op->traits & DNN__ELEMENTWISE) != 0 &&
           op->n_in >= 1 && op->n_in <= 2 && op->n_out == 1 && op->attr_bytes == 0 &&
           op->optional == 0 && (k->dtypes == 0 || (k->dtypes & dtype) != 0) && k->plan == NULL &&
           op->id != DNN_OP_copy && (op->accepts & dtype) != 0;
}

static void find_kernels(chain *c, const dnn_plugin *table, uint32_t dtype)
{
    for (int i = 0; table->kernels[i] != NULL && c->n_kernels < 32; i++) {
        const dnn_kernel *k = table->kernels[i];
        const dnn__op *op = dnn__op_named(k->op);

        if (fits_chain(k, op, dtype))
            c->kernel[c->n_kernels++] =
                (kit_kernel){.table = k, .plugin = table, .op = (dnn__op_id)op->id};
    }
}

/* Sets new values in one tensor of the pool. */
static bool refresh(chain *c, int slot)
{
    size_t item = dnn_dtype_size(c->what.dtype), bytes = (size_t)c->what.n * item;
    kit_device host = {0};
    kit_block dense = {0};
    kit_side from = {.bytes = bytes, .block = &dense},
             to = {.layout = c->layout, .block = &c->block[slot]};
    bool good = kit_block_new(&host, &dense, bytes, 0, 64, true, 0);

    for (int64_t k = 0; k < c->what.n && good; k++) {
        ref_put(&c->what, k, ((double)draw(c, 2000) - 1000) / 512);
        conf_store(dense.at + (size_t)k * item, &c->what, k);
    }
    kit_block_free(&host, &c->block[slot]);
    good = good && kit_reorder(&c->kernel[0], &c->what, &from, &to, 0xff) == DNN_OK;
    c->bytes = to.bytes;
    kit_block_free(&host, &dense);
    return good;
}

/* Runs one kernel on tensors of the pool and puts its result into the pool. Returns false after a
 * failure, which was reported. */
static bool step(chain *c, int number)
{
    const kit_kernel *k = &c->kernel[draw(c, (uint32_t)c->n_kernels)];
    int a = (int)draw(c, POOL), b = (int)draw(c, POOL), y = (int)draw(c, POOL);
    bool may_overlap = (k->table->flags & DNN_K_INPLACE) != 0 && y == a && (y != b || a == b);
    dnn_view view = {.size = sizeof view,
                     .dtype = c->what.dtype,
                     .ndim = c->what.ndim,
                     .mem = DNN_MEM_HOST,
                     .layout = c->layout,
                     .dim = c->what.dim,
                     .nbytes = c->bytes};
    dnn_view in[2] = {view, view}, out = view;
    const dnn_view *pointer[3] = {&in[0], &in[1], &out};
    dnn_call call = {.size = sizeof call,
                     .n_in = (uint32_t)dnn__ops[k->op].n_in,
                     .n_out = 1,
                     .in = pointer,
                     .out = pointer + 2,
                     .host = &kit_host};

    while ((y == a || (call.n_in > 1 && y == b)) && !may_overlap)
        y = (y + 1) % POOL;
    in[0].data = c->block[a].at;
    in[1].data = c->block[b].at;
    out.data = c->block[y].at;
    if (k->table->run(&call) != DNN_OK || kit_padding_at(k, &c->what, c->layout, &c->block[y]) < 0)
        return true;
    kit_sendf(c->child, KIT_FAIL, -1, c->what.dtype,
              "after %d FLAT kernels on %s, the last %s, padding is not zero any more", number + 1,
              kit_host.layout_name(c->layout), k->table->name);
    return false;
}

static void run_chain(chain *c)
{
    kit_device host = {0};
    bool good = true;

    for (int i = 0; i < STEPS && good; i++) {
        if (i % FRESH < POOL)
            good = refresh(c, i % FRESH);
        good = good && step(c, i);
    }
    for (int i = 0; i < POOL; i++)
        kit_block_free(&host, &c->block[i]);
}

void kit_check_chains(kit_child *child, const dnn_plugin *table)
{
    static const int64_t dim[] = {2, 11, 3, 5};
    uint32_t layout, dtype;

    for (int l = 0; kit_layout_at(l, &layout, &dtype); l++) {
        static chain c;

        memset(&c, 0, sizeof c);
        c.child = child;
        c.layout = layout;
        c.random = 1;
        find_kernels(&c, table, dtype);
        if (c.n_kernels == 0 || !ref_is_float(dtype) || !ref_array_new(&c.what, dtype, 4, dim))
            continue;
        kit_doing(child, -1, dtype, "chains of FLAT kernels on %s", kit_host.layout_name(layout));
        if (refresh(&c, 0) && refresh(&c, 1) && refresh(&c, 2))
            run_chain(&c);
        ref_array_free(&c.what);
    }
}
