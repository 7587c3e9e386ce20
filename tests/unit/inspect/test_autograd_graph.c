/* test_autograd_graph.c - tests the graph as text: the tree, names, results with several uses, DOT,
 * deep graphs, and the functions that print. */
#include "call.h"
#include "unit.h"

#include <criterion/redirect.h> /* wants criterion.h before it */

TestSuite(autograd_graph, .init = unit_init, .fini = unit_fini, .timeout = 60);

#define EXPECT_GRAPH(want, ...)                                                       \
    do {                                                                              \
        char text[4096];                                                              \
        int64_t length = copy_text(dnn_graph_format(__VA_ARGS__), text, sizeof text); \
        cr_assert_eq(length, (int64_t)strlen(want), "%lld: %s", (long long)length,    \
                     length < 0 ? dnn_error_message() : text);                        \
        cr_assert_str_eq(text, want);                                                 \
    } while (0)

Test(autograd_graph, a_net_as_a_tree_with_names)
{
    dnn_module *net = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_linear(8, 4), dnn_nn_relu(), dnn_nn_linear(4, 3, .no_bias = true)));
    dnn_tensor *x = dnn_ones(S(2, 8)), *target = I64(S(2), 0, 2);

    EXPECT_GRAPH("softmax_cross_entropy []\n"
                 "  linear [2,3]\n"
                 "    relu [2,4]\n"
                 "      linear [2,4]\n"
                 "        0.weight [4,8]\n"
                 "        0.bias [4]\n"
                 "    2.weight [3,4]\n",
                 dnn_cross_entropy(dnn_forward(net, x), target), .module = net);
    EXPECT_GRAPH("relu [2,4]\n"
                 "  linear [2,4]\n"
                 "    leaf [4,8]\n"
                 "    leaf [4]\n",
                 dnn_relu(dnn_forward(dnn_module_child(net, "0"), x)));
    dnn_release(net);
}

Test(autograd_graph, a_result_that_is_used_twice_is_opened_once)
{
    dnn_tensor *w = LEAF(S(2), 1, 2), *h = dnn_mul(w, F64(S(2), 1, 1));

    EXPECT_GRAPH("add [2] f64\n"
                 "  exp [2] f64\n"
                 "    mul [2] f64 #1\n"
                 "      leaf [2] f64\n"
                 "  mul [2] f64 = #1\n",
                 dnn_add(dnn_exp(h), h));
    EXPECT_GRAPH("leaf [2] f64\n", w);
}

Test(autograd_graph, as_dot)
{
    dnn_tensor *w = LEAF(S(2), 1, 2);

    EXPECT_GRAPH("digraph graph_of {\n"
                 "  node [shape=box];\n"
                 "  op0 [label=\"sum\\n[] f64\", style=filled, fillcolor=lightgreen];\n"
                 "  op1 [label=\"mul\\n[2] f64\"];\n"
                 "  op1 -> op0;\n"
                 "  leaf0 [label=\"leaf\\n[2] f64\", style=filled, fillcolor=lightblue];\n"
                 "  leaf0 -> op1;\n"
                 "  leaf0 -> op1;\n"
                 "}\n",
                 dnn_sum(dnn_mul(w, w)), .dot = true);
    EXPECT_GRAPH("digraph graph_of {\n"
                 "  node [shape=box];\n"
                 "  leaf0 [label=\"leaf\\n[2] f64\", style=filled, fillcolor=lightblue];\n"
                 "}\n",
                 w, .dot = true);
}

static dnn_status pair_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    out[0] = dnn_to(dnn_gt(in[0], in[0]), .dtype = DNN_T_F64);
    out[1] = dnn_sum(in[0]);
    return dnn_function_no_gradient(call, 0);
}

Test(autograd_graph, functions_of_the_program_and_their_outputs)
{
    static const dnn_function pair = {.name = "my \"pair\"", .forward = pair_forward};
    dnn_tensor *w = LEAF(S(2), 1, 2), *y[2];

    cr_assert_eq(dnn_function_apply(&pair, NULL, DNN_TENSORS(w), y, 2), DNN_OK);
    EXPECT_GRAPH("neg [] f64\n"
                 "  my 'pair' [] f64 (output 1)\n"
                 "    leaf [2] f64\n",
                 dnn_neg(y[1]));
}

Test(autograd_graph, the_length_is_that_of_the_whole_text)
{
    dnn_tensor *w = LEAF(S(2), 1, 2), *y = dnn_square(w);
    char text[12] = "";

    cr_expect_eq(copy_text(dnn_graph_format(y), NULL, 0),
                 (int64_t)strlen("square [2] f64\n  leaf [2] f64\n"));
    cr_expect_eq(copy_text(dnn_graph_format(y), text, sizeof text),
                 (int64_t)strlen("square [2] f64\n  leaf [2] f64\n"));
    cr_expect_str_eq(text, "square [2] ");
}

Test(autograd_graph, a_tensor_without_a_graph_is_an_error)
{
    EXPECT_FAIL(dnn_graph_format(F64(S(2), 1, 2)), "not on the tape", "[2]");
    EXPECT_FAIL(dnn_graph_format(NULL), "dnn_graph_format", "NULL");
}

Test(autograd_graph, deep_and_branching_graphs_are_short_work)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 1), *y = x;
    char text[256];
    int64_t length;

    for (int i = 0; i < 100; i++) { /* 2^100 paths */
        y = dnn_add(y, y);
    }
    length = copy_text(dnn_graph_format(y), NULL, 0);
    cr_expect(length > 2000 && length < 40000, "%lld", (long long)length);
    for (int i = 0; i < 50000; i++) {
        y = dnn_neg(y);
    }
    cr_expect_gt(copy_text(dnn_graph_format(y), text, sizeof text), 50000);
}

Test(autograd_graph, prints_to_standard_output, .init = cr_redirect_stdout)
{
    dnn_tensor *w;

    unit_init();
    w = LEAF(S(2), 1, 2);
    cr_expect_eq(dnn_print(F64(S(2), 1, 2)), DNN_OK);
    cr_expect_eq(dnn_print_graph(dnn_square(w)), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_print(NULL), "NULL");
    EXPECT_STATUS_FAIL(dnn_print_graph(F64(S(1), 1)), "not on the tape");
    fflush(stdout);
    cr_expect_stdout_eq_str("tensor([1., 2.], dtype=f64)\nsquare [2] f64\n  leaf [2] f64\n");
}
