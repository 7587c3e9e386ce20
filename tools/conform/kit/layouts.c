/* layouts.c - reorders operands with the plugin's own kernels, lists the layouts that its plans
 * have requested, and finds padding that is not zero. Called by direct.c, direct_run.c and
 * layout_checks.c. */
#include "abi_struct.h"
#include "plugin_call.h"
#include "kit.h"
#include "plugin_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the layouts seen ---- */

enum { MOST = 64 };
static struct seen {
    uint32_t layout, dtype;
} seen[MOST];
static int n_seen;

void kit_layout_seen(uint32_t layout, uint32_t dtype)
{
    for (int i = 0; i < n_seen; i++) {
        if (seen[i].layout == layout && seen[i].dtype == dtype)
            return;
    }
    if (n_seen < MOST)
        seen[n_seen++] = (struct seen){layout, dtype};
}

bool kit_layout_at(int index, uint32_t *layout, uint32_t *dtype)
{
    if (index >= n_seen)
        return false;
    *layout = seen[index].layout;
    *dtype = seen[index].dtype;
    return true;
}

bool kit_layout_owned(const dnn_plugin *plugin, uint32_t layout)
{
    const char *name = kit_host.layout_name(layout);

    for (int i = 0; name != NULL && plugin->layouts != NULL && plugin->layouts[i] != NULL; i++) {
        size_t n = strlen(plugin->layouts[i]);

        if (strncmp(plugin->layouts[i], name, n) == 0 && name[n] == '/')
            return true;
    }
    return false;
}

/* ---- a reorder ---- */

typedef struct reorder {
    dnn_kernel kernel;
    dnn_view view[2];
    const dnn_view *pointer[2];
    int64_t stride[2][DNN_DIM_MAX];
    uint32_t layouts[2];
    uint64_t out_bytes;
    dnn_plan plan;
    dnn_call call;
} reorder;

static void show(reorder *r, int i, const kit_kernel *k, const ref_array *what,
                 const kit_side *side)
{
    dnn_view *v = &r->view[i];

    *v = (dnn_view){.size = sizeof *v,
                    .dtype = what->dtype,
                    .ndim = what->ndim,
                    .mem = k->device.api != NULL ? DNN_MEM_DEVICE : DNN_MEM_HOST,
                    .layout = side->layout,
                    .dim = what->dim,
                    .nbytes = side->bytes};
    if (side->layout == 0) {
        if (side->stride != NULL)
            memcpy(r->stride[i], side->stride, sizeof r->stride[i]);
        else
            dnn__dense_strides(what->ndim, what->dim, r->stride[i]);
        v->stride = r->stride[i];
    }
    r->pointer[i] = v;
}

static void set_up(reorder *r, const kit_kernel *k, const ref_array *what, const kit_side *from,
                   const kit_side *to)
{
    show(r, 0, k, what, from);
    show(r, 1, k, what, to);
    memset(r->layouts, 0, sizeof r->layouts);
    r->out_bytes = 0;
    r->plan = (dnn_plan){.size = sizeof r->plan,
                         .in_layout = r->layouts,
                         .out_layout = r->layouts + 1,
                         .out_bytes = &r->out_bytes};
    r->call = (dnn_call){.size = sizeof r->call,
                         .n_in = 1,
                         .n_out = 1,
                         .in = r->pointer,
                         .out = r->pointer + 1,
                         .host = &kit_host};
}

/* Selects the plugin's first kernel that accepts. If the kernel under test is a reorder, it comes
 * first. */
static dnn_status select_kernel(reorder *r, const kit_kernel *k, const ref_array *what,
                                const kit_side *from, kit_side *to)
{
    const dnn_kernel *const *list = k->plugin != NULL ? k->plugin->kernels : NULL;
    dnn_status status = DNN_DECLINED;

    kit_host.fail(DNN_DECLINED, "it has no reorder kernel for %s", dnn_dtype_name(what->dtype));
    for (int i = 0; list != NULL && list[i] != NULL && status == DNN_DECLINED; i++) {
        dnn__adopt(&r->kernel, sizeof r->kernel, list[i], list[i]->size);
        if (strcmp(r->kernel.op, "reorder") != 0 ||
            (r->kernel.dtypes != 0 && (r->kernel.dtypes & what->dtype) == 0) ||
            strcmp(r->kernel.device, k->table->device) != 0)
            continue;
        set_up(r, k, what, from, to);
        kit_said_forget();
        status = r->kernel.plan != NULL ? r->kernel.plan(&r->call, &r->plan) : DNN_OK;
    }
    if (status == DNN_OK && to->layout != 0)
        to->bytes = r->out_bytes;
    return status;
}

static dnn_status check_bytes(const ref_array *what, const kit_side *to)
{
    uint64_t least = (uint64_t)what->n * dnn_dtype_size(what->dtype);

    if (to->layout != 0 && (to->bytes < least || to->bytes > ((uint64_t)1 << 40)))
        return kit_host.fail(DNN_E_INVALID,
                             "the plan of its reorder says %llu bytes in %s for elements of %llu",
                             (unsigned long long)to->bytes, kit_host.layout_name(to->layout),
                             (unsigned long long)least);
    return DNN_OK;
}

static void unplan(const reorder *r)
{
    if (r->plan.state != NULL && r->kernel.unplan != NULL)
        r->kernel.unplan(r->plan.state);
}

dnn_status kit_reorder_plan(const kit_kernel *k, const ref_array *what, const kit_side *from,
                            kit_side *to)
{
    reorder r = {.plan.state = NULL};

    DNN_TRY(select_kernel(&r, k, what, from, to));
    unplan(&r);
    return check_bytes(what, to);
}

static dnn_status run(reorder *r, const kit_kernel *k, const kit_side *from, kit_side *to,
                      uint8_t poison)
{
    kit_block workspace = {0};
    dnn_status status = DNN_E_NOMEM;

    if (kit_block_new(&k->device, to->block, to->bytes, 0, 64, true, poison) &&
        (r->plan.workspace_bytes == 0 ||
         kit_block_new(&k->device, &workspace, r->plan.workspace_bytes, 0, 256, true, poison))) {
        r->view[0].data = from->bytes > 0 ? kit_block_address(from->block, from->offset) : NULL;
        r->view[1].data = to->bytes > 0 ? kit_block_address(to->block, 0) : NULL;
        r->view[1].nbytes = to->bytes;
        r->call.state = r->plan.state;
        r->call.workspace = r->plan.workspace_bytes > 0 ? kit_block_address(&workspace, 0) : NULL;
        r->call.stream = k->device.stream;
        status = kit_block_give(&k->device, to->block, false);
        status = status == DNN_OK ? kit_block_give(&k->device, &workspace, false) : status;
        kit_said_forget();
        status = status == DNN_OK ? r->kernel.run(&r->call) : status;
        status = status == DNN_OK ? kit_block_take(&k->device, to->block) : status;
        if (status == DNN_OK && k->device.stream != NULL)
            status = k->device.api->stream_sync(0, k->device.stream);
    }
    kit_block_free(&k->device, &workspace);
    return status;
}

dnn_status kit_reorder(const kit_kernel *k, const ref_array *what, const kit_side *from,
                       kit_side *to, uint8_t poison)
{
    reorder r = {.plan.state = NULL};
    dnn_status status = select_kernel(&r, k, what, from, to);

    if (status != DNN_OK)
        return status;
    status = check_bytes(what, to);
    status = status == DNN_OK ? run(&r, k, from, to, poison) : status;
    unplan(&r);
    return status;
}

/* ---- padding ---- */

/* Makes an operand of the layout whose elements have no zero byte: a byte that is zero is padding.
 */
static bool all_set(const kit_kernel *k, const ref_array *what, uint32_t layout, kit_block *out)
{
    size_t bytes = (size_t)what->n * dnn_dtype_size(what->dtype);
    kit_block dense = {0};
    kit_side from = {.bytes = bytes, .block = &dense}, to = {.layout = layout, .block = out};
    bool good = kit_block_new(&k->device, &dense, bytes, 0, 64, true, 0);

    if (good) {
        memset(dense.at, what->dtype == DNN_T_BOOL ? 1 : 0x35, bytes);
        good = kit_block_give(&k->device, &dense, true) == DNN_OK &&
               kit_reorder(k, what, &from, &to, 0) == DNN_OK;
    }
    kit_block_free(&k->device, &dense);
    return good;
}

/* Zero of either sign, because a FLAT kernel such as neg may write -0. */
static bool is_zero(const char *item, size_t bytes, bool floating)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)item[i];

        if (byte != 0 && !(floating && i == bytes - 1 && byte == 0x80))
            return false;
    }
    return true;
}

int64_t kit_padding_at(const kit_kernel *k, const ref_array *what, uint32_t layout,
                       const kit_block *block)
{
    size_t item = dnn_dtype_size(what->dtype);
    kit_block mask = {0};
    int64_t found = -1;

    if (all_set(k, what, layout, &mask)) {
        for (size_t i = 0; i + item <= block->bytes && i + item <= mask.bytes && found < 0;
             i += item) {
            if (is_zero(mask.at + i, item, false) &&
                !is_zero(block->at + i, item, ref_is_float(what->dtype)))
                found = (int64_t)(i / item);
        }
    }
    kit_block_free(&k->device, &mask);
    return found;
}
