/* introspection.c - public queries about plugins, operators and candidates. It reads the core's
 * lists and changes nothing, except dnn_plugin_disable. */
#include <stdio.h>
#include <string.h>
#include "counters.h"
#include "plan_cache.h"
#include "dispatch_state.h"
#include "plugin_call.h"
#include "plugin_impl.h"
#include "preferences.h"
#include "runtime.h"

bool dnn_backend_at(int index, dnn_backend_info *out)
{
    const dnn__inventory_entry *l = dnn__inventory_at(index);
    dnn__reader *const *readers;
    int n;

    if (l == NULL && index == dnn__inventory_count() && atomic_load(&dnn__running) &&
        dnn__readers(&readers, &n) == DNN_OK) {
        /* Readers follow the plugins. They are loaded only when a caller asks for this entry. */
        l = dnn__inventory_at(index);
    }
    if (l == NULL || out == NULL) {
        return false;
    }
    *out = (dnn_backend_info){
        .path = l->path,
        .id = l->loaded ? l->id : NULL,
        .version = l->version,
        .build = l->build,
        .reason = l->plugin != NULL && l->plugin->disabled ? "disabled by the program" : l->reason,
        .device = l->device,
        .n_kernels = (int)l->n_kernels,
        .n_skipped = (int)l->n_skipped,
        .reader = l->reader};
    return true;
}

bool dnn_backend_skipped(int index, int skipped, const char **kernel, const char **reason)
{
    const dnn__inventory_entry *l = dnn__inventory_at(index);

    if (l == NULL || skipped < 0 || skipped >= l->n_skipped) {
        return false;
    }
    *kernel = l->skipped[skipped].kernel;
    *reason = l->skipped[skipped].reason;
    return true;
}

const char *dnn_plugin_directory(int index)
{
    return dnn__folder_at(index);
}

int dnn_op_count(void)
{
    return DNN__N_OPS;
}

static const char *row_name(int id)
{
    return id > 0 ? dnn__ops[id].name : NULL;
}

static dnn_op_info describe(const dnn__op *op)
{
    static const char *const rules[] = {[DNN__AS_IS] = "as they are",
                                        [DNN__PROMOTE] = "promoted",
                                        [DNN__FLOAT] = "promoted, to float",
                                        [DNN__EQUAL] = "equal"};

    return (dnn_op_info){.name = op->name,
                         .min_inputs =
                             op->n_in < 0 ? 1 : op->n_in - __builtin_popcount(op->optional),
                         .max_inputs = op->n_in,
                         .n_outputs = op->n_out,
                         .differentiable = op->gradient != NULL,
                         .view = (op->traits & DNN__IS_VIEW) != 0,
                         .formula = op->doc,
                         .dtype_rule = rules[op->dtype_rule],
                         .dtypes = op->accepts,
                         .decomposes = op->decompose != NULL,
                         .backward = {row_name(op->backward), row_name(op->backward_too)}};
}

bool dnn_op_at(int index, dnn_op_info *out)
{
    if (index < 0 || index >= DNN__N_OPS || out == NULL) {
        return false;
    }
    *out = describe(&dnn__ops[index]);
    return true;
}

dnn_status dnn_op_find(const char *name, dnn_op_info *out)
{
    const dnn__op *op;

    DNN_TRY(dnn__require(name, "dnn_op_find", "name"));
    DNN_TRY(dnn__require(out, "dnn_op_find", "out"));
    op = dnn__op_named(name);
    if (op == NULL) {
        return dnn__no_operator(DNN_E_INVALID, NULL, name);
    }
    *out = describe(op);
    return DNN_OK;
}

bool dnn_op_input_at(const char *op, int index, dnn_op_input *out)
{
    const dnn__op *row = op != NULL ? dnn__op_named(op) : NULL;
    dnn__operand_text word;
    bool repeats;

    if (row == NULL || out == NULL || !dnn__operand_word(row->names, index, &word, &repeats)) {
        return false;
    }
    *out = (dnn_op_input){
        .optional = (row->optional >> index & 1) != 0,
        .repeats = repeats,
        .dtypes = row->dtype_rule != DNN__AS_IS || index == row->primary ? row->accepts : 0};
    snprintf(out->name, sizeof out->name, "%.*s", (int)sizeof out->name - 1, word.text);
    return true;
}

bool dnn_op_result_at(const char *op, int index, dnn_op_result *out)
{
    const dnn__op *row = op != NULL ? dnn__op_named(op) : NULL;
    dnn__operand_text word;
    bool repeats = false;

    if (row == NULL || out == NULL || index < 0) {
        return false;
    }
    if (row->results == NULL && index < row->n_out) {
        word = dnn__result_name(row, index);
    } else if (!dnn__operand_word(row->results, index, &word, &repeats)) {
        return false;
    }
    *out = (dnn_op_result){.repeats = repeats};
    snprintf(out->name, sizeof out->name, "%.*s", (int)sizeof out->name - 1, word.text);
    return true;
}

bool dnn_op_attribute_at(const char *op, int index, dnn_op_attribute *out)
{
    static const char *const types[] = {
        [DNN__I32] = "i32", [DNN__I64] = "i64", [DNN__U32] = "u32", [DNN__F64] = "f64"};
    const dnn__op *row = op != NULL ? dnn__op_named(op) : NULL;
    const dnn__attribute *a = row != NULL ? dnn__attribute_at(row, index) : NULL;

    if (a == NULL || out == NULL) {
        return false;
    }
    *out = (dnn_op_attribute){.name = a->name, .type = types[a->type], .value = a->value};
    return true;
}

bool dnn_candidate_at(const char *op, const char *device, dnn_dtype dtype, int rank,
                      dnn_candidate *out)
{
    const dnn__op *row = op != NULL ? dnn__op_named(op) : NULL;
    dnn__candidates list;
    char kind[48];

    if (row == NULL || out == NULL || dnn__start() != DNN_OK) {
        return false;
    }
    snprintf(kind, sizeof kind, "%s", device != NULL ? device : "cpu");
    kind[strcspn(kind, ":")] = 0;
    list = dnn__candidates_of((dnn__op_id)row->id, dnn__kind_named(kind), dtype);
    for (int i = 0; rank >= 0 && i < list.n; i++) {
        const dnn__kernel *k = list.kernel[i];

        if (!k->plugin->disabled && dnn__mode_allows(dnn__mode(), k) && rank-- == 0) {
            *out = (dnn_candidate){.plugin = k->plugin->id,
                                   .kernel = k->table.name,
                                   .priority = k->table.priority,
                                   .flags = k->table.flags,
                                   .pinned = k->pin != 0};
            return true;
        }
    }
    return false;
}

dnn_status dnn_plugin_disable(const char *id)
{
    DNN_TRY(dnn__require(id, "dnn_plugin_disable", "id"));
    if (dnn__plugin_self.kernel != NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_plugin_disable: called from inside the kernel %s",
                         dnn__plugin_self.kernel);
    }
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        dnn__plugin *p = dnn__plugins[i];

        if (strcmp(p->id, id) != 0 || p->disabled) {
            continue;
        }
        if (p->kind > 0) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_plugin_disable: %s brings the device %s, whose tensors may live; "
                             "leave it out of DNN_BACKEND "
                             "instead",
                             id, p->table.device->kind);
        }
        p->disabled = true;
        dnn__plans_drop(id);
        /* Tensors may lie in its layouts, and only its kernels can convert them: it stays
         * initialized until dnn_shutdown. */
        if (p->table.fini != NULL && p->table.layouts == NULL) {
            p->table.fini();
        }
        return DNN_OK;
    }
    return dnn__fail(DNN_E_INVALID, "dnn_plugin_disable: no plugin in use is called %s", id);
}

void dnn_explain(dnn_explain_fn fn, void *ctx)
{
    dnn__dispatch_self.explain = fn;
    dnn__dispatch_self.explain_ctx = ctx;
}
