/* test_op_table.c - each row of the operator table is complete: names of operands, results,
 * formula. */
#include <criterion/criterion.h>
#include <string.h>
#include "op.h"

static int count_words(const char *text)
{
    int n = 0;

    for (const char *at = text; at != NULL && *at != 0; n++) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return n;
}

Test(op_table, names_and_formulas_are_complete)
{
    for (int i = 0; i < DNN__N_OPS; i++) {
        const dnn__op *op = &dnn__ops[i];

        cr_expect_eq(op->id, i, "%s", op->name);
        cr_expect_eq(dnn__op_named(op->name), op, "%s is there twice", op->name);
        cr_expect(op->doc != NULL && op->doc[0] != 0, "%s has no formula", op->name);
        cr_expect_leq(op->n_in, 16, "%s: masks of inputs have 16 bits", op->name);
        if (op->n_in >= 0) {
            cr_expect_eq(count_words(op->names), op->n_in, "%s: names \"%s\" of %d inputs",
                         op->name, op->names, op->n_in);
            cr_expect_eq(op->optional >> op->n_in, 0, "%s: an input that it has not is optional",
                         op->name);
        }
        if (op->n_out > 1) {
            cr_expect_eq(count_words(op->results), op->n_out, "%s: names \"%s\" of %d results",
                         op->name, op->results, op->n_out);
        }
    }
}

Test(op_table, a_row_makes_at_most_DNN__RESULTS)
{
    for (int i = 0; i < DNN__N_OPS; i++) {
        const dnn__op *op = &dnn__ops[i];

        cr_expect_leq(op->n_out, DNN__RESULTS, "%s", op->name);
        if (op->n_out < 0) {
            cr_expect(op->traits & DNN__MUTATES, "%s makes no result, so it writes destinations",
                      op->name);
        }
    }
}

Test(op_table, operands_have_the_names_of_the_row)
{
    const dnn__op *sgd = &dnn__ops[DNN_OP_sgd_step];

    cr_expect_str_eq(dnn__input_name(&dnn__ops[DNN_OP_conv2d], 1).text, "w");
    cr_expect_str_eq(dnn__input_name(&dnn__ops[DNN_OP_cat], 3).text, "tensors[3]");
    cr_expect_str_eq(dnn__input_name(sgd, 2).text, "p[0]");
    cr_expect_str_eq(dnn__input_name(sgd, 6).text, "g[1]");
    cr_expect_str_eq(dnn__result_name(sgd, 3).text, "b[1]");
    cr_expect_str_eq(dnn__result_name(&dnn__ops[DNN_OP_max_pool2d], 1).text, "indices");
    cr_expect_str_eq(dnn__result_name(&dnn__ops[DNN_OP_relu], 0).text, "output 0");
    cr_expect_str_eq(dnn__input_name(&(dnn__op){.name = "my_function"}, 2).text, "input 2");
}
