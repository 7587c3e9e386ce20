/* operators.c - prints docs/operators.md from the operator table. A test compares the two; to renew
 * the page:
 *
 *     build/bin/print_operators > docs/operators.md */
#include <stdio.h>
#include <string.h>
#include "op.h"

static void put_dtypes(uint32_t mask)
{
    if (mask == DNN__ALL_DTYPES) {
        printf("all");
        return;
    }
    for (int i = 0, n = 0; i < DNN__N_DTYPES; i++) {
        if ((mask >> i & 1) != 0) {
            printf("%s%s", n++ > 0 ? " " : "", dnn_dtype_name(1u << i));
        }
    }
}

/* "x w bias?": ? = may be left out; [] = repeats. */
static void put_inputs(const dnn__op *op)
{
    const char *name = op->names;

    for (int i = 0; *name != 0; i++) {
        int length = (int)strcspn(name, " ");

        printf("%s%.*s%s", i > 0 ? " " : "", length, name, (op->optional >> i & 1) != 0 ? "?" : "");
        name += length;
        name += strspn(name, " ");
    }
}

/* A | would end the cell. */
static void put_formula(const char *doc)
{
    for (; *doc != 0; doc++) {
        printf(*doc == '|' || *doc == '*' ? "\\%c" : "%c", *doc);
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
            printf("%s%s", n++ > 0 ? ", " : "", names[i].name);
        }
    }
}

int main(void)
{
    static const char *const rules[] = {"as they are", "promoted", "promoted, to float", "equal"};

    printf("# The operators\n\nOne row for each row of `core/op/op_table.def`, from which this "
           "page is printed. Edges: "
           "`core/include/dnn_ops.h`; public functions: `core/include/dnn/ops.h`.\n\n"
           "Inputs: ? = may be left out, [] = repeats.\n\n| operator | inputs | formula | outputs "
           "| attributes | operand dtypes | dtypes taken | gradient "
           "| traits |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < DNN__N_OPS; i++) {
        const dnn__op *op = &dnn__ops[i];

        printf("| %s | ", op->name);
        put_inputs(op);
        printf(" | ");
        put_formula(op->doc);
        if (op->n_out < 0) {
            printf(" | any | ");
        } else {
            printf(" | %d | ", op->n_out);
        }
        printf("%s | %s | ", strcmp(op->attr, "none") == 0 ? "" : op->attr, rules[op->dtype_rule]);
        put_dtypes(op->accepts);
        printf(" | %s | ", op->gradient == NULL ? "none"
                           : op->backward >= 0  ? dnn__ops[op->backward].name
                                                : "in operators");
        put_traits(op);
        printf("%s |\n", op->decompose != NULL ? ", in parts" + 2 * (op->traits == 0) : "");
    }
    return 0;
}
