/* operators.c - prints docs/operators.md from the operator table and the kernel tables of plugins.
 *
 * usage: print_operators [--write] PAGE FILE...
 *
 * PAGE is the page as it is, FILE... are plugins (dnn_<id>.so). The page has a column for each
 * backend that PAGE has or that is given. A backend whose file is not given, or cannot be opened
 * here, keeps its cells of PAGE. --write writes to PAGE instead of the standard output. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dnn_plugin.h"
#include "op.h"

enum { MAX_BACKENDS = 16, MAX_ID = 32 };

typedef struct backend {
    char id[MAX_ID];
    const dnn_plugin *table; /* NULL: PAGE knows its cells */
} backend;

static backend backends[MAX_BACKENDS];
static int n_backends, n_old; /* the first n_old are columns of PAGE */
static char *page;            /* its text; "" if there is none */
static FILE *to;

/* ---- the page as it is ---- */

static char *read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t room = 1 << 20, n = 0;
    char *text = calloc(1, room);

    if (text != NULL && file != NULL) {
        n = fread(text, 1, room - 1, file);
        text[n] = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

/* The line of the table whose first cell is the word; NULL if there is none. */
static const char *line_of(const char *word)
{
    size_t length = strlen(word);

    for (const char *at = page; at != NULL && *at != 0; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, "| ", 2) == 0 && strncmp(at + 2, word, length) == 0 &&
            strncmp(at + 2 + length, " |", 2) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Cell `from_end` of a line, 0 = the last, without the blanks around it. */
static void old_cell(const char *line, int from_end, char *cell, size_t bytes)
{
    const char *end = line + strcspn(line, "\n"), *begin;

    for (; end > line && from_end >= 0; from_end--) {
        do {
            end--;
        } while (end > line && *end != '|');
    }
    for (begin = end; begin > line && begin[-1] != '|'; begin--) {
    }
    begin += strspn(begin, " ");
    while (end > begin && end[-1] == ' ') {
        end--;
    }
    snprintf(cell, bytes, "%.*s", end > begin ? (int)(end - begin) : 0, begin);
}

/* The columns of PAGE behind "traits" are backends. */
static void find_old_backends(void)
{
    const char *line = line_of("operator");
    char id[MAX_ID];
    int n = 0;

    if (line == NULL) {
        return;
    }
    for (; n < MAX_BACKENDS; n++) {
        old_cell(line, n, id, sizeof id);
        if (id[0] == 0 || strcmp(id, "traits") == 0) {
            break;
        }
    }
    for (; n_backends < n; n_backends++) {
        old_cell(line, n - 1 - n_backends, backends[n_backends].id, MAX_ID);
    }
    n_old = n;
}

/* ---- plugins ---- */

static bool take_plugin(const char *path)
{
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const dnn_plugin *(*entry)(void) = NULL;
    const dnn_plugin *table;
    int i = 0;

    if (file != NULL) {
        *(void **)&entry = dlsym(file, "dnn_plugin_v1");
    }
    table = entry != NULL ? entry() : NULL;
    if (table == NULL) {
        const char *reason = dlerror();

        fprintf(stderr, "print_operators: %s: its column stays as it is: %s\n", path,
                reason != NULL ? reason : "it gives no table");
        return false;
    }
    while (i < n_backends && strcmp(backends[i].id, table->id) != 0) {
        i++;
    }
    if (i < MAX_BACKENDS) {
        snprintf(backends[i].id, MAX_ID, "%s", table->id);
        backends[i].table = table;
        n_backends = i == n_backends ? i + 1 : n_backends;
    }
    return true;
}

/* The dtypes for which the plugin lists a kernel. */
static uint32_t served(const dnn_plugin *table, const dnn__op *op)
{
    uint32_t mask = 0;

    for (int i = 0; table->kernels != NULL && table->kernels[i] != NULL; i++) {
        if (strcmp(table->kernels[i]->op, op->name) == 0) {
            mask |= table->kernels[i]->dtypes != 0 ? table->kernels[i]->dtypes : ~0u;
        }
    }
    return mask & op->accepts;
}

/* "F I": a letter for each group of dtypes, small if only some that the row takes are served. */
static void put_groups(uint32_t mask, uint32_t accepts)
{
    static const struct {
        uint32_t dtypes;
        const char *all, *some;
    } groups[] = {{DNN_T_F32 | DNN_T_F64, "F", "f"},
                  {DNN_T_F16 | DNN_T_BF16, "H", "h"},
                  {DNN__INTS, "I", "i"},
                  {DNN_T_BOOL, "B", "b"}};
    int n = 0;

    for (size_t i = 0; i < DNN__COUNT(groups); i++) {
        uint32_t wanted = groups[i].dtypes & accepts, has = groups[i].dtypes & mask;

        if (has != 0) {
            fprintf(to, "%s%s", n++ > 0 ? " " : "", has == wanted ? groups[i].all : groups[i].some);
        }
    }
}

static void put_backends(const dnn__op *op)
{
    const char *line = line_of(op->name);
    char cell[64];

    for (int i = 0; i < n_backends; i++) {
        fprintf(to, " ");
        if ((op->traits & DNN__IS_VIEW) != 0) {
            fprintf(to, "-");
        } else if (backends[i].table != NULL) {
            put_groups(served(backends[i].table, op), op->accepts);
        } else if (line != NULL) {
            old_cell(line, n_old - 1 - i, cell, sizeof cell);
            fprintf(to, "%s", cell);
        }
        fprintf(to, " |");
    }
}

/* ---- the table of operators ---- */

static void put_dtypes(uint32_t mask)
{
    if (mask == DNN__ALL_DTYPES) {
        fprintf(to, "all");
        return;
    }
    for (int i = 0, n = 0; i < DNN__N_DTYPES; i++) {
        if ((mask >> i & 1) != 0) {
            fprintf(to, "%s%s", n++ > 0 ? " " : "", dnn_dtype_name(1u << i));
        }
    }
}

/* "x w bias?": ? = may be left out; [] = repeats. */
static void put_inputs(const dnn_op_info *op)
{
    dnn_op_input in;

    for (int i = 0; dnn_op_input_at(op->name, i, &in); i++) {
        fprintf(to, "%s%s%s%s", i > 0 ? " " : "", in.name, in.repeats ? "[]" : "",
                in.optional ? "?" : "");
    }
}

/* A | would end the cell. */
static void put_formula(const char *formula)
{
    for (; *formula != 0; formula++) {
        fprintf(to, *formula == '|' || *formula == '*' ? "\\%c" : "%c", *formula);
    }
}

static void put_gradient(const dnn_op_info *op)
{
    if (!op->differentiable) {
        fprintf(to, "none");
    } else if (op->backward[0] == NULL) {
        fprintf(to, "in operators");
    } else {
        fprintf(to, "%s%s%s", op->backward[0], op->backward[1] != NULL ? ", " : "",
                op->backward[1] != NULL ? op->backward[1] : "");
    }
}

static void put_traits(const dnn__op *op)
{
    static const struct {
        int bit;
        const char *name;
    } names[] = {
        {DNN__ELEMENTWISE, "elementwise"}, {DNN__KEEPS_ZEROS, "keeps zeros"},
        {DNN__IS_VIEW, "view, no kernel"}, {DNN__RANDOM, "random"},
        {DNN__MUTATES, "in place only"},   {DNN__MOVES_LAYOUT, "between layouts, by the core"}};
    int n = 0;

    for (size_t i = 0; i < DNN__COUNT(names); i++) {
        if ((op->traits & names[i].bit) != 0) {
            fprintf(to, "%s%s", n++ > 0 ? ", " : "", names[i].name);
        }
    }
    fprintf(to, "%s", op->decompose != NULL ? ", decomposes" + 2 * (n == 0) : "");
}

static void put_row(const dnn__op *op, const dnn_op_info *info)
{
    fprintf(to, "| %s | ", op->name);
    put_inputs(info);
    fprintf(to, " | ");
    put_formula(info->formula);
    if (op->n_out < 0) {
        fprintf(to, " | any | ");
    } else {
        fprintf(to, " | %d | ", op->n_out);
    }
    fprintf(to, "%s | %s | ", strcmp(op->attr, "none") == 0 ? "" : op->attr, info->dtype_rule);
    put_dtypes(op->accepts);
    fprintf(to, " | ");
    put_gradient(info);
    fprintf(to, " | ");
    put_traits(op);
    fprintf(to, " |");
    put_backends(op);
    fprintf(to, "\n");
}

static void put_page(void)
{
    dnn_op_info info;

    fprintf(to,
            "# The operators\n\nOne row for each row of `core/op/op_table.def`, from which this "
            "page is printed. Edges: `core/include/dnn_ops.h`; public functions: "
            "`core/include/dnn/ops.h`.\n\nInputs: ? = may be left out, [] = repeats.\n\n"
            "The last columns, one for each backend, are the dtypes of its kernels. F: f32 f64; "
            "H: f16 bf16; I: i8 u8 i32 i64; B: bool. A small\nletter: some of these, of those that "
            "the row takes. -: a view, which needs no kernel. A kernel may still decline a "
            "call: `dnn explain`.\n\n"
            "| operator | inputs | formula | outputs | attributes | operand dtypes | dtypes taken "
            "| gradient | traits |");
    for (int i = 0; i < n_backends; i++) {
        fprintf(to, " %s |", backends[i].id);
    }
    fprintf(to, "\n|---|---|---|---|---|---|---|---|---|");
    for (int i = 0; i < n_backends; i++) {
        fprintf(to, "---|");
    }
    fprintf(to, "\n");
    for (int i = 0; dnn_op_at(i, &info); i++) {
        put_row(&dnn__ops[i], &info);
    }
}

int main(int argc, char **argv)
{
    bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
    bool all =
        argc > 1 && strcmp(argv[1], "--all") == 0; /* a file that does not open is an error */
    int first = write || all ? 2 : 1;
    bool opened = true;

    if (argc <= first) {
        fprintf(stderr, "usage: print_operators [--write | --all] PAGE FILE...\n");
        return 2;
    }
    page = read_page(argv[first]);
    if (page == NULL) {
        fprintf(stderr, "print_operators: no memory\n");
        return 1;
    }
    find_old_backends();
    for (int i = first + 1; i < argc; i++) {
        opened = take_plugin(argv[i]) && opened;
    }
    if (all && !opened) {
        return 1;
    }
    to = write ? fopen(argv[first], "w") : stdout;
    if (to == NULL) {
        perror(argv[first]);
        return 1;
    }
    put_page();
    free(page);
    return fclose(to) == 0 ? 0 : 1;
}
