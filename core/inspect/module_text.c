/* module_text.c - writes a module as text: PyTorch's printed form, and the summary table. It fills
 * the caller's buffer and does not change the module. */
#include "inspect_impl.h"
#include "nn_impl.h"
#include "tensor_impl.h"
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_BYTES = 512 };

/* Writes the line of settings, or "". text has SETTINGS_BYTES. */
static void describe(const dnn_module *module, char *text)
{
    void (*own)(const dnn_module *, char *, size_t) = DNN__TYPE(module, describe);
    dnn__text settings = dnn__text_to(text, SETTINGS_BYTES);

    if (own == NULL) {
        dnn__put_settings(&settings, module);
        return;
    }
    own(module, text, SETTINGS_BYTES);
    text[SETTINGS_BYTES - 1] = 0;
}

/* Returns the slot of the first child from slot *at on, and moves *at behind it; NULL if there is
 * none. */
static const struct dnn_slot *next_child(const dnn_module *module, int64_t *at)
{
    while (*at < module->dnn_n_slots) {
        const struct dnn_slot *slot = &module->dnn_slots[(*at)++];

        if (slot->child != NULL) {
            return slot;
        }
    }
    return NULL;
}

static bool has_same_settings(const dnn_module *a, const dnn_module *b)
{
    char of_a[SETTINGS_BYTES], of_b[SETTINGS_BYTES];

    describe(a, of_a);
    describe(b, of_b);
    return strcmp(a->dnn_type->name, b->dnn_type->name) == 0 && strcmp(of_a, of_b) == 0;
}

/* Do the two modules have the same text? */
static bool has_same_text(const dnn_module *a, const dnn_module *b)
{
    int64_t at_a = 0, at_b = 0;

    if (!has_same_settings(a, b)) {
        return false;
    }
    for (;;) {
        const struct dnn_slot *x = next_child(a, &at_a), *y = next_child(b, &at_b);

        if (x == NULL || y == NULL) {
            return x == y;
        }
        if (strcmp(x->name, y->name) != 0 || !has_same_text(x->child, y->child)) {
            return false;
        }
    }
}

/* A module without a forward whose children are "0", "1", ... is a torch.nn.ModuleList. */
static bool is_list(const dnn_module *module)
{
    const struct dnn_slot *slot;
    int64_t at = 0, n = 0;

    if (DNN__TYPE(module, forward) != NULL || DNN__TYPE(module, forward_n) != NULL) {
        return false;
    }
    while ((slot = next_child(module, &at)) != NULL) {
        char digits[24];
        dnn__text to = dnn__text_to(digits, sizeof digits);

        dnn__put(&to, "%lld", (long long)n++);
        if (strcmp(slot->name, digits) != 0) {
            return false;
        }
    }
    return true;
}

static void put_module(dnn__text *text, const dnn_module *module, int indent);

/* Writes "(name): child", or, in a list, "(0-3): 4 x child" for *slot and those after it that have
 * the same text. Moves *at behind them. */
static void put_child(dnn__text *text, const struct dnn_slot *slot, const dnn_module *parent,
                      int64_t *at, int indent)
{
    const struct dnn_slot *last = slot, *next;
    int64_t n = 1, after = *at;
    bool list = is_list(parent);

    while (list && (next = next_child(parent, &after)) != NULL &&
           has_same_text(slot->child, next->child)) {
        last = next;
        *at = after;
        n++;
    }
    if (n > 1) {
        dnn__put(text, "\n%*s(%s-%s): %lld x ", indent, "", slot->name, last->name, (long long)n);
    } else {
        dnn__put(text, "\n%*s(%s): ", indent, "", slot->name);
    }
    put_module(text, slot->child, indent);
}

/* Writes the name, the settings and "(". Settings of several lines, and those of a module with
 * children, have lines of their own. true: so has what follows. */
static bool put_head(dnn__text *text, const dnn_module *module, bool children, int indent)
{
    char settings[SETTINGS_BYTES];
    const char *line = settings;

    describe(module, settings);
    dnn__put(text, "%s(", module->dnn_type->name);
    if (!children && strchr(settings, '\n') == NULL) {
        dnn__put(text, "%s", settings);
        return false;
    }
    while (settings[0] != 0 && line != NULL) {
        const char *end = strchrnul(line, '\n');

        dnn__put(text, "\n%*s%.*s", indent + 2, "", (int)(end - line), line);
        line = *end != 0 ? end + 1 : NULL;
    }
    return true;
}

static void put_module(dnn__text *text, const dnn_module *module, int indent)
{
    int64_t first = 0, at = 0;
    const struct dnn_slot *slot;

    if (put_head(text, module, next_child(module, &first) != NULL, indent)) {
        while ((slot = next_child(module, &at)) != NULL) {
            put_child(text, slot, module, &at, indent + 2);
        }
        dnn__put(text, "\n%*s", indent, "");
    }
    dnn__put(text, ")");
}

static dnn_status write_module(dnn__text *text, const void *module)
{
    put_module(text, module, 0);
    return DNN_OK;
}

const char *dnn_module_format(const dnn_module *module)
{
    return dnn__ready("dnn_module_format", module) ? dnn__format(write_module, module) : NULL;
}

/* ---- the summary ---- */

struct row {
    dnn_module *module;
    bool training;    /* the mode of the module before the forward */
    int64_t hook;     /* that writes the shapes; 0: none */
    char shapes[120]; /* of the outputs of the module's last call; "-": it was not called */
};

struct table {
    dnn_module *root;
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
        table->row[table->n] =
            (struct row){.module = module, .training = module->dnn_training, .shapes = "-"};
    }
    table->n++;
    return true;
}

static dnn_status note_shapes(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                              int64_t n_out)
{
    struct row *row = ctx;
    dnn__text text = dnn__text_to(row->shapes, sizeof row->shapes);

    (void)module;
    (void)in;
    for (int64_t i = 0; i < n_out; i++) {
        dnn__put(&text, "%s", i > 0 ? ", " : "");
        dnn__put_shape(&text, out[i]->ndim, out[i]->dim);
    }
    return DNN_OK;
}

/* A forward in evaluation mode. The table reads its shapes only. */
static dnn_status run_forward(dnn_module *module, dnn_tensor_list in)
{
    int64_t n_out = DNN__TYPE(module, forward_n) != NULL ? DNN__TYPE(module, n_out) : 0;
    dnn_status st = DNN_OK;

    n_out = n_out > 0 ? n_out : 1;
    dnn_module_train(module, false);
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor **out = dnn__scope_array(n_out);

        st = out != NULL ? dnn_forward_n(module, in, out, n_out) : dnn__take();
    }
    return st;
}

/* Runs a forward with a hook on each module. Restores the modes and removes the hooks, also after a
 * failure. */
static dnn_status observe(struct table *table, dnn_module *module, dnn_tensor_list in)
{
    dnn_status st = DNN_OK;

    for (int64_t i = 0; i < table->n && st == DNN_OK; i++) {
        struct row *row = &table->row[i];

        st = dnn_module_add_forward_hook(row->module, note_shapes, row, NULL, &row->hook);
    }
    st = st == DNN_OK ? run_forward(module, in) : st;
    for (int64_t i = 0; i < table->n; i++) {
        struct row *row = &table->row[i];

        row->module->dnn_training = row->training;
        if (row->hook != 0) {
            dnn__message message = dnn__message_save();

            (void)!dnn_module_remove_hook(row->module, row->hook);
            dnn__message_restore(&message);
        }
    }
    return st;
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
    widen(&table->shape, strlen(table->row[table->at++].shapes));
    return true;
}

/* Counts the elements of the module's own parameters, without those of its children, so that the
 * column adds up to the total. */
static int64_t own_elements(const dnn_module *module)
{
    int64_t elements = 0;

    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        if (module->dnn_slots[i].kind == DNN__PARAMETERS) {
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
             module->dnn_type->name, table->shape, table->row[table->at++].shapes,
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
    dnn__each_tensor(module, DNN__PARAMETERS | DNN__BUFFERS, add_bytes, &bytes);
    dnn__put(table->text, "%s parameters, ", dnn__number_text(dnn_module_parameter_count(module)));
    dnn__put(table->text, "%s bytes with buffers\n", dnn__number_text(bytes));
}

static dnn_status write_table(dnn__text *text, const void *table_)
{
    struct table table = *(const struct table *)table_;

    table.text = text;
    put_table(&table, table.root);
    return DNN_OK;
}

const char *dnn_module_summary_list(dnn_module *module, dnn_tensor_list in)
{
    struct table table = {.root = module};
    const char *text = NULL;

    if (!dnn__ready("dnn_module_summary", module)) {
        return NULL;
    }
    dnn__each_module(module, add_row, &table);
    table.row = dnn__calloc((size_t)table.n, sizeof(struct row));
    if (table.row == NULL) {
        return dnn__null(dnn__nomem("dnn_module_summary", (size_t)table.n * sizeof(struct row)));
    }
    table.n = 0;
    dnn__each_module(module, add_row, &table);
    if (in.n == 0 || in.item[0] == NULL || dnn__ok(observe(&table, module, in))) {
        text = dnn__format(write_table, &table);
    }
    dnn__free(table.row);
    return text;
}
