/* module_text.c - writes a module as text: PyTorch's printed form, and the summary table. It fills
 * the caller's buffer and does not change the module. */
#include "nn_impl.h"
#include "tensor_impl.h"
#include <stdlib.h>
#include <string.h>

static void put_module(dnn__text *text, const dnn_module *module, int indent)
{
    char settings[512] = "";
    bool children = false;

    if (module->dnn_type->describe != NULL) {
        module->dnn_type->describe(module, settings, sizeof(settings));
        settings[sizeof(settings) - 1] = 0;
    }
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        children = children || module->dnn_slots[i].child != NULL;
    }
    dnn__put(text, "%s(", module->dnn_type->name);
    if (!children) {
        dnn__put(text, "%s)", settings);
        return;
    }
    if (settings[0] != 0) {
        dnn__put(text, "\n%*s%s", indent + 2, "", settings);
    }
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        if (module->dnn_slots[i].child != NULL) {
            dnn__put(text, "\n%*s(%s): ", indent + 2, "", module->dnn_slots[i].name);
            put_module(text, module->dnn_slots[i].child, indent + 2);
        }
    }
    dnn__put(text, "\n%*s)", indent, "");
}

int64_t dnn_module_format(const dnn_module *module, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, text == NULL ? 0 : bytes);

    if (module == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_format: module is NULL");
    }
    put_module(&to, module, 0);
    return (int64_t)to.length;
}

/* ---- the summary ---- */

struct row {
    dnn_module *module;
    bool training; /* the mode of the module before the forward */
    bool seen;     /* the forward called the module; then ndim, dim are its result's */
    int32_t ndim;
    int64_t dim[DNN_MAX_DIMS];
};

struct table {
    struct row *row;       /* NULL: add_row only counts */
    int64_t n, at;         /* rows; the row that the walk is at */
    int path, type, shape; /* widths of the columns */
    dnn__text *text;
};

static bool add_row(void *ctx, const dnn__path *path, dnn_module *module)
{
    struct table *table = ctx;

    (void)path;
    if (table->row != NULL) {
        table->row[table->n] = (struct row){.module = module, .training = module->dnn_training};
    }
    table->n++;
    return true;
}

static void note_shape(void *ctx, const dnn_module *module, const dnn_tensor *out)
{
    struct table *table = ctx;

    for (int64_t i = 0; i < table->n; i++) {
        struct row *row = &table->row[i];

        if (row->module == module) {
            row->seen = true;
            row->ndim = out->ndim;
            memcpy(row->dim, out->dim, sizeof(row->dim));
        }
    }
}

/* Runs one forward in evaluation mode and notes the shapes of the results. Restores the modes, also
 * after a failure. */
static dnn_status observe(struct table *table, dnn_module *module, dnn_tensor *x)
{
    dnn__observer observer = {.seen = note_shape, .ctx = table};
    const dnn__observer *before = dnn__forward_observer;
    dnn_status st = DNN_OK;

    dnn_module_train(module, false);
    dnn__forward_observer = &observer;
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_forward(module, x);
        st = dnn_take_error();
    }
    dnn__forward_observer = before;
    for (int64_t i = 0; i < table->n; i++) {
        table->row[i].module->dnn_training = table->row[i].training;
    }
    return st;
}

static const char *shape_of(const struct row *row)
{
    return row->seen ? dnn__shape_text(row->ndim, row->dim) : "-";
}

static void widen(int *width, size_t length)
{
    *width = (int)length > *width ? (int)length : *width;
}

static bool measure_row(void *ctx, const dnn__path *path, dnn_module *module)
{
    struct table *table = ctx;
    dnn__text name = dnn__text_to(NULL, 0);

    dnn__put_path(&name, path);
    widen(&table->path, name.length);
    widen(&table->type, strlen(module->dnn_type->name));
    widen(&table->shape, strlen(shape_of(&table->row[table->at++])));
    return true;
}

/* Counts the elements of the module's own parameters, without those of its children, so that the
 * column adds up to the total. */
static int64_t own_elements(const dnn_module *module)
{
    int64_t elements = 0;

    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        if (module->dnn_slots[i].kind == DNN_PARAMETERS) {
            elements += dnn__numel(module->dnn_slots[i].tensor);
        }
    }
    return elements;
}

static bool put_row(void *ctx, const dnn__path *path, dnn_module *module)
{
    struct table *table = ctx;
    size_t before = table->text->length;
    int64_t elements = own_elements(module);

    dnn__put_path(table->text, path);
    dnn__put(table->text, "%*s  %-*s  %-*s  %12s\n",
             table->path - (int)(table->text->length - before), "", table->type,
             module->dnn_type->name, table->shape, shape_of(&table->row[table->at++]),
             elements > 0 ? dnn__number_text(elements) : "-");
    return true;
}

static bool add_bytes(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    (void)path;
    *(int64_t *)ctx += dnn__numel(tensor) * (int64_t)dnn__item_size(tensor->dtype);
    return true;
}

static void put_rule(struct table *table)
{
    for (int i = table->path + table->type + table->shape + 18; i > 0; i--) {
        dnn__put(table->text, "-");
    }
    dnn__put(table->text, "\n");
}

static void put_table(struct table *table, dnn_module *module)
{
    int64_t bytes = 0;

    table->path = 6;
    table->type = 4;
    table->shape = 6;
    table->at = 0;
    dnn__each_module(module, measure_row, table);
    dnn__put(table->text, "%-*s  %-*s  %-*s  %12s\n", table->path, "module", table->type, "type",
             table->shape, "output", "parameters");
    put_rule(table);
    table->at = 0;
    dnn__each_module(module, put_row, table);
    put_rule(table);
    dnn__each_tensor(module, DNN_PARAMETERS | DNN_BUFFERS, add_bytes, &bytes);
    dnn__put(table->text, "%s parameters, ", dnn__number_text(dnn_module_parameter_count(module)));
    dnn__put(table->text, "%s bytes with buffers\n", dnn__number_text(bytes));
}

int64_t dnn_module_summary(dnn_module *module, dnn_tensor *x, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, text == NULL ? 0 : bytes);
    struct table table = {.text = &to};
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(module, "dnn_module_summary", "module"));
    dnn__each_module(module, add_row, &table);
    table.row = dnn__calloc((size_t)table.n, sizeof(struct row));
    if (table.row == NULL) {
        return dnn__nomem("dnn_module_summary", (size_t)table.n * sizeof(struct row));
    }
    table.n = 0;
    dnn__each_module(module, add_row, &table);
    if (x != NULL) {
        DNN_TRY_TO(st, done, observe(&table, module, x));
    }
    put_table(&table, module);
done:
    dnn__free(table.row);
    return st != DNN_OK ? st : (int64_t)to.length;
}
