/* ops.c - dnn ops: the operators and who serves them, and one operator in full. All of it comes
 * from the library's queries. */
#include <stdio.h>
#include <string.h>
#include <dnn_plugin.h>
#include "dnn.h"

enum { N_DTYPES = 9 };

static void put_dtypes(uint32_t mask)
{
    for (int i = 0, n = 0; i < N_DTYPES; i++) {
        if ((mask >> i & 1) != 0) {
            printf("%s%s", n++ > 0 ? " " : "", dnn_dtype_name(1u << i));
        }
    }
}

/* ---- the list ---- */

static void device_kind(char *kind, size_t bytes)
{
    snprintf(kind, bytes, "%s", dnn_default_device() != NULL ? dnn_default_device() : "cpu");
    kind[strcspn(kind, ":")] = 0;
}

/* "cpu_blas: f32 f64; acme: f32": the first candidate of each dtype, dtypes of one plugin together.
 */
static void print_servers(const char *op, const char *kind)
{
    const char *server[N_DTYPES];
    bool first = true;

    for (int i = 0; i < N_DTYPES; i++) {
        dnn_candidate c;

        server[i] = dnn_candidate_at(op, kind, 1u << i, 0, &c) ? c.plugin : NULL;
    }
    for (int i = 0; i < N_DTYPES; i++) {
        const char *plugin = server[i];

        if (plugin == NULL) {
            continue;
        }
        printf("%s%s:", first ? "" : "; ", plugin);
        for (int k = i; k < N_DTYPES; k++) {
            if (server[k] != NULL && strcmp(server[k], plugin) == 0) {
                printf(" %s", dnn_dtype_name(1u << k));
                server[k] = NULL;
            }
        }
        first = false;
    }
    printf("%s\n", first ? "nobody" : "");
}

static bool any_name_contains(const char *pattern)
{
    dnn_op_info op;

    for (int i = 0; dnn_op_at(i, &op); i++) {
        if (strstr(op.name, pattern) != NULL) {
            return true;
        }
    }
    return false;
}

static void print_list(const char *pattern)
{
    dnn_op_info op;
    char kind[64];

    device_kind(kind, sizeof kind);
    printf("%-26s %s\n", "operator", "served by, on the default device");
    for (int i = 0; dnn_op_at(i, &op); i++) {
        if (strstr(op.name, pattern) == NULL) {
            continue;
        }
        printf("%-26s ", op.name);
        if (op.view) {
            printf("a view: no kernel needed\n");
        } else {
            print_servers(op.name, kind);
        }
    }
}

/* ---- one operator ---- */

/* The first column of a line: the heading once, then blanks. */
static void put_heading(const char *text)
{
    printf("%-14s ", text);
}

static void print_operands(const dnn_op_info *op)
{
    dnn_op_input in;
    dnn_op_result result;

    for (int i = 0; dnn_op_input_at(op->name, i, &in); i++) {
        put_heading(i == 0 ? "inputs" : "");
        printf("%-10s ", in.name);
        put_dtypes(in.dtypes);
        printf("%s%s%s\n", in.dtypes == 0 ? "dtype: see dnn_ops.h" : "",
               in.optional ? ", optional" : "", in.repeats ? ", repeats" : "");
    }
    if (op->max_inputs == 0) {
        put_heading("inputs");
        printf("none; the result is ");
        put_dtypes(op->dtypes);
        printf("\n");
    } else {
        put_heading("input dtypes");
        printf("%s\n", op->dtype_rule);
    }
    for (int i = 0; dnn_op_result_at(op->name, i, &result); i++) {
        put_heading(i == 0 ? "results" : "");
        printf("%s%s\n", result.name, result.repeats ? ", repeats" : "");
    }
}

static void print_attributes(const dnn_op_info *op)
{
    dnn_op_attribute a;
    int n = 0;

    for (; dnn_op_attribute_at(op->name, n, &a); n++) {
        put_heading(n == 0 ? "attributes" : "");
        printf("%-14s %-4s default %g\n", a.name, a.type, a.value);
    }
    if (n == 0) {
        put_heading("attributes");
        printf("none\n");
    }
}

static void print_rules(const dnn_op_info *op)
{
    put_heading("gradient");
    if (!op->differentiable) {
        printf("none\n");
    } else if (op->backward[0] == NULL) {
        printf("yes, written in other operators\n");
    } else {
        printf("yes, by %s%s%s\n", op->backward[0], op->backward[1] != NULL ? " and " : "",
               op->backward[1] != NULL ? op->backward[1] : "");
    }
    put_heading("decomposition");
    printf("%s\n", op->decomposes ? "yes, where no kernel accepts the call" : "none");
}

static void put_flags(uint32_t flags)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{DNN_K_STRIDED, "STRIDED"},      {DNN_K_UNALIGNED, "UNALIGNED"},
                 {DNN_K_INPLACE, "INPLACE"},      {DNN_K_FLAT, "FLAT"},
                 {DNN_K_REENTRANT, "REENTRANT"},  {DNN_K_DETERMINISTIC, "DETERMINISTIC"},
                 {DNN_K_CAPTURABLE, "CAPTURABLE"}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((flags & names[i].bit) != 0) {
            printf(" %s", names[i].name);
        }
    }
}

/* Are the same kernels asked, in the same order, for both dtypes? */
static bool same_candidates(const char *op, const char *kind, dnn_dtype a, dnn_dtype b)
{
    dnn_candidate ca, cb;

    for (int rank = 0;; rank++) {
        bool has_a = dnn_candidate_at(op, kind, a, rank, &ca);
        bool has_b = dnn_candidate_at(op, kind, b, rank, &cb);

        if (!has_a || !has_b) {
            return has_a == has_b;
        }
        if (strcmp(ca.plugin, cb.plugin) != 0 || strcmp(ca.kernel, cb.kernel) != 0) {
            return false;
        }
    }
}

/* The kernels of one device kind: dtypes with the same candidates share a list. */
static void print_kernels(const dnn_op_info *op, const char *kind)
{
    uint32_t left = op->dtypes;

    printf("\nkernels on %s, in the order in which dispatch asks them\n", kind);
    for (int i = 0; i < N_DTYPES; i++) {
        uint32_t alike = 0;
        dnn_candidate c;
        int rank = 0;

        for (int k = i; k < N_DTYPES && (left >> i & 1) != 0; k++) {
            if ((left >> k & 1) != 0 && same_candidates(op->name, kind, 1u << i, 1u << k)) {
                alike |= 1u << k;
            }
        }
        if (alike == 0) {
            continue;
        }
        left &= ~alike;
        printf("  ");
        put_dtypes(alike);
        printf("\n");
        for (; dnn_candidate_at(op->name, kind, 1u << i, rank, &c); rank++) {
            printf("    %d. %-10s %-26s priority %d%s,", rank + 1, c.plugin, c.kernel, c.priority,
                   c.pinned ? ", pinned" : "");
            put_flags(c.flags);
            printf("%s\n", c.flags == 0 ? " no flags" : "");
        }
        if (rank == 0) {
            printf("    none\n");
        }
    }
}

static void print_operator(const dnn_op_info *op)
{
    dnn_backend_info backend;

    printf("%s: %s\n\n", op->name, op->formula);
    print_operands(op);
    print_attributes(op);
    print_rules(op);
    if (op->view) {
        printf("\na view: no kernel needed\n");
        return;
    }
    print_kernels(op, "cpu");
    for (int i = 0; dnn_backend_at(i, &backend); i++) {
        if (backend.reason == NULL && backend.device != NULL) {
            print_kernels(op, backend.device);
        }
    }
}

static void print_help(void)
{
    printf("usage: dnn ops [NAME | PATTERN]\n\n"
           "Shows the operators and, on the default device, which plugin is asked first for each "
           "dtype.\n\n"
           "  NAME      one operator in full: inputs, results, formula, attributes with their "
           "defaults, gradient,\n"
           "            decomposition, and the kernels of each device and dtype\n"
           "  PATTERN   only the operators whose name contains it\n\n"
           "examples\n  dnn ops\n  dnn ops pool\n  dnn ops conv2d\n");
}

int command_ops(int argc, char **argv)
{
    static const char *const options[] = {"--help", NULL};
    const char *word = argc > 1 ? argv[1] : "";
    dnn_op_info op;
    bool found;
    int code;

    if (asks_help(argc, argv)) {
        print_help();
        return 0;
    }
    code = check_options("ops", argc, argv, options);
    if (code != 0) {
        return code;
    }
    if (argc > 2) {
        return usage_error("ops", "it takes one word", argv[2]);
    }
    code = start();
    if (code != 0) {
        return code;
    }
    found = dnn_op_find(word, &op) == DNN_OK;
    if (!found && !any_name_contains(word)) {
        fprintf(stderr, "dnn ops: %s\n", dnn_error_message());
        return 2;
    }
    if (found) {
        print_operator(&op);
    } else {
        print_list(word);
    }
    print_pins();
    return 0;
}
