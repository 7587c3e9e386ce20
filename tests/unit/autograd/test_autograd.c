/* test_autograd.c - tests the tape: accumulation, shared results, retain_graph and create_graph,
 * versions, in-place rules, failures that change nothing. */
#include "call.h"
#include "unit.h"

TestSuite(autograd, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(autograd, derivatives_of_the_notes)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 2);
    dnn_tensor *u = LEAF(DNN_SCALAR, 1), *v = LEAF(DNN_SCALAR, 2);

    unit_backward(dnn_add(dnn_add(dnn_square(x), dnn_mul(x, 2)), 1));
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 6);
    unit_backward(dnn_add(dnn_mul(u, v), dnn_square(u)));
    EXPECT(dnn_grad(u), DNN_T_F64, DNN_SCALAR, 4);
    EXPECT(dnn_grad(v), DNN_T_F64, DNN_SCALAR, 1);
}

Test(autograd, gradients_accumulate_until_they_are_dropped)
{
    dnn_tensor *x = LEAF(S(2), 3, 4);

    unit_backward(dnn_mul(x, 2));
    unit_backward(dnn_mul(x, 5));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 7, 7);
    cr_expect_eq(dnn_set_grad(x, NULL), DNN_OK);
    cr_expect_null(dnn_grad(x));
    unit_backward(dnn_mul(x, x));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 6, 8);
}

Test(autograd, a_value_that_is_used_twice_gets_both_gradients)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_mul(x, 3);

    unit_backward(dnn_add(dnn_mul(y, y), y)); /* d/dx (9x^2 + 3x) */
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 21, 39);
}

Test(autograd, gradients_of_two_leaves_do_not_share_memory)
{
    dnn_tensor *a = LEAF(S(2), 1, 2), *b = LEAF(S(2), 3, 4);

    unit_backward(dnn_add(a, b));
    cr_assert_neq(dnn_grad(a), dnn_grad(b));
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        cr_assert_not_null(dnn_mul_(dnn_grad(a), 10));
    }
    EXPECT(dnn_grad(b), DNN_T_F64, S(2), 1, 1);
}

Test(autograd, the_seed_is_the_gradient_of_the_result)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_square(x);

    EXPECT_STATUS_FAIL(dnn_backward(y), "[2]", "2", "seed");
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones(S(2, 1), .dtype = DNN_T_F64)), "[2]", "[2,1]");
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones(S(2))), "f64", "f32");
    cr_expect_eq(dnn_backward_from(y, F64(S(2), 10, 100)), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 20, 400);
}

Test(autograd, a_graph_is_spent_unless_it_is_retained)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 3), *y = dnn_square(x);

    cr_expect_eq(dnn_backward(y, .retain_graph = true), DNN_OK);
    cr_expect_eq(dnn_backward(y), DNN_OK);
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 12);
    EXPECT_STATUS_FAIL(dnn_backward(y), "square", "has been freed", "retain_graph");
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 12);
}

Test(autograd, gradients_can_be_differentiated)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 2), *y = dnn_mul(dnn_square(x), x), *g;

    cr_assert_eq(dnn_backward(y, .create_graph = true), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 12); /* 3 x^2 */
    g = dnn_retain(dnn_grad(x));
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    cr_assert_eq(dnn_backward(g), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 12); /* 6 x */
    dnn_release(g);
}

Test(autograd, a_saved_tensor_that_was_changed_is_an_error_that_names_the_operator)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = F64(S(2), 5, 6), *y = dnn_mul(x, w);

    cr_assert_not_null(dnn_fill_(w, 0));
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "mul", "its input 1", "in place",
                       "version");
    cr_expect_null(dnn_grad(x), "a failed backward left a gradient");
}

Test(autograd, changing_what_is_not_saved_is_free)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = F64(S(2), 5, 6), *y = dnn_add(x, w);

    cr_assert_not_null(dnn_fill_(w, 0));
    unit_backward(y);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 1, 1);
}

Test(autograd, in_place_on_the_tape_goes_on_the_tape)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_mul(x, 2);

    cr_assert_not_null(dnn_add_(y, x), "%s", dnn_error_message());
    unit_backward(y);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 3, 3);
}

Test(autograd, in_place_that_overwrites_what_the_gradient_needs_is_an_error)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_mul(x, 2);

    cr_assert_not_null(dnn_mul_(y, dnn_mul(x, 1)), "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "mul", "overwritten");
}

Test(autograd, in_place_rules_of_leaves_and_views)
{
    dnn_tensor *x = LEAF(S(2, 2), 1, 2, 3, 4), *y = dnn_mul(x, 2), *row;

    EXPECT_FAIL_KEEPS(x, dnn_add_(x, 1), "add", "leaf", "DNN_NO_GRAD");
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        cr_expect_not_null(dnn_add_(x, 1));
    }
    row = dnn_select(y, 0, 0);
    EXPECT_FAIL_KEEPS(row, dnn_fill_(row, 0), "fill", "view", "slice_scatter");
    EXPECT_FAIL_KEEPS(y, dnn_mul_(y, 2), "mul", "1 other", "clone");
    dnn_release(row);
    cr_expect_not_null(dnn_mul_(y, 2), "%s", dnn_error_message());
}

Test(autograd, views_of_untracked_tensors_may_be_assigned)
{
    dnn_tensor *c = F64(S(4), 1, 2, 3, 4);

    cr_assert_not_null(dnn_copy_(dnn_index(c, "1:3"), F64(S(2), 20, 30)), "%s",
                       dnn_error_message());
    EXPECT(c, DNN_T_F64, S(4), 1, 20, 30, 4);
    EXPECT_FAIL(dnn_copy_(dnn_index(c, "1:3"), LEAF(S(2), 7, 8)), "slice_scatter");
    EXPECT(c, DNN_T_F64, S(4), 1, 20, 30, 4);
}

Test(autograd, detach_shares_storage_and_version)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_mul(x, x), *d = dnn_detach(x);

    cr_expect(!dnn_requires_grad(d));
    cr_assert_not_null(dnn_add_(d, 1));
    EXPECT(x, DNN_T_F64, S(2), 2, 3);
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "mul", "in place");
}

Test(autograd, no_grad_records_nothing)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = NULL;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        cr_expect(!dnn_grad_enabled());
        y = dnn_keep(dnn_mul(x, x));
    }
    cr_expect(dnn_grad_enabled());
    cr_expect(!dnn_requires_grad(y));
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "not on the tape", "[2]");
}

Test(autograd, integers_have_no_gradients)
{
    dnn_tensor *i = I64(S(2), 1, 2);

    EXPECT_FAIL_KEEPS(i, dnn_requires_grad_(i, true), "requires_grad_", "i64");
    EXPECT_FAIL(dnn_ones(S(2), .dtype = DNN_T_I32, .requires_grad = true), "i32");
    EXPECT_FAIL(dnn_requires_grad_(dnn_mul(LEAF(S(1), 1), 2), false), "leaf", "mul");
}

Test(autograd, a_rule_without_a_gradient_says_so_when_it_is_differentiated)
{
    dnn_tensor *x = LEAF(S(1, 1, 1, 3), 1, -2, 3), *y, *g = NULL;

    y = dnn_max_pool2d(x, .kernel_h = 1, .kernel_w = 2, .stride = 1); /* windows overlap */
    cr_assert_eq(dnn_grad_of(dnn_sum(dnn_square(y)), DNN_TENSORS(x), &g, .create_graph = true),
                 DNN_OK, "%s", dnn_error_message());
    EXPECT(g, DNN_T_F64, S(1, 1, 1, 3), 2, 0, 6);
    EXPECT_STATUS_FAIL(dnn_backward(dnn_sum(g)), "max_pool2d_bwd", "differentiated again");
    cr_expect_null(dnn_grad(x));
}

Test(autograd, a_penalty_on_the_gradient_of_a_net_trains)
{
    dnn_tensor *x = LEAF(S(1, 1, 4, 4), 1, 2, 3, 4, 5, 9, 7, 8, -1, 2, 0, 1, 4, -3, 2, 6);
    dnn_tensor *w = LEAF(S(2, 4), 0.5, -0.25, 0.125, 1, -1, 0.75, 0.5, 0.25), *y, *g = NULL;
    dnn_tensor *target = I64(S(1), 1);

    y = dnn_linear(dnn_flatten(dnn_relu(dnn_max_pool2d(x, .kernel = 2)), 1, -1), w, NULL);
    y = dnn_cross_entropy(y, target, .label_smoothing = 0.1);
    cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(x), &g, .create_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    cr_assert_eq(dnn_backward(dnn_sum(dnn_square(g))), DNN_OK, "%s", dnn_error_message());
    cr_expect_not_null(dnn_grad(w));
    cr_expect_not_null(dnn_grad(x));
}

Test(autograd, bounds_of_clamp_have_gradients)
{
    dnn_tensor *x = LEAF(S(4), -3, 0, 3, 1), *low = LEAF(S(1), -1), *high = LEAF(S(4), 2, 2, 2, -2);

    unit_backward(dnn_mul(dnn_clamp(x, low, high), F64(S(4), 1, 10, 100, 1000)));
    EXPECT(dnn_grad(x), DNN_T_F64, S(4), 0, 10, 0, 0);
    EXPECT(dnn_grad(low), DNN_T_F64, S(1), 1);
    EXPECT(dnn_grad(high), DNN_T_F64, S(4), 0, 0, 100, 1000);
}

Test(autograd, weights_of_classes_have_no_gradient_and_say_so)
{
    dnn_tensor *x = LEAF(S(1, 2), 1, 2), *w = LEAF(S(2), 1, 2), *t = I64(S(1), 1);

    EXPECT_STATUS_FAIL(dnn_backward(dnn_cross_entropy(x, t, .weight = w)), "softmax_cross_entropy",
                       "weights", "dnn_detach");
    EXPECT_STATUS_FAIL(dnn_backward(dnn_nll_loss(x, t, .weight = w)), "nll_loss", "weights");
    cr_expect_null(dnn_grad(x));
}

Test(autograd, null_and_waiting_errors_come_first)
{
    EXPECT_STATUS_FAIL(dnn_backward(NULL), "backward", "NULL");
    cr_expect_null(dnn_add(F64(S(2), 1, 2), F64(S(3), 1, 2, 3)));
    EXPECT_STATUS_FAIL(dnn_backward(NULL), "add", "[2]", "[3]");
}

Test(autograd, a_long_chain_is_walked_and_freed_without_recursion)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 1);

    {
        DNN_SCOPE();
        dnn_tensor *y = dnn_mul(x, 1);

        for (int i = 0; i < 200000; i++) {
            dnn_tensor *next = dnn_add(y, x);

            cr_assert_not_null(next, "%s", dnn_error_message());
            dnn_release(y); /* ahead of its scope */
            y = next;
        }
        cr_assert_eq(dnn_backward(y), DNN_OK, "%s", dnn_error_message());
    }
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 200001);
    {
        DNN_SCOPE();
        dnn_tensor *y = x;

        for (int i = 0; i < 200000; i++) { /* and one that nobody walks */
            dnn_tensor *next = dnn_neg(y);

            if (y != x) {
                dnn_release(y);
            }
            y = next;
        }
        cr_assert_not_null(y);
    }
}

Test(autograd, a_failed_backward_leaves_gradients_as_they_were)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = F64(S(2), 1, 1), *y;

    unit_backward(dnn_mul(x, 3));
    y = dnn_add(dnn_mul(x, w), dnn_mul(x, 7));
    cr_assert_not_null(dnn_fill_(w, 5));
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "mul", "in place");
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 3, 3);
}

Test(autograd, what_is_overwritten_from_outside_the_tape_has_no_history)
{
    dnn_tensor *w = LEAF(S(2), 2, 4), *y = dnn_mul(w, w);

    cr_assert_not_null(dnn_copy_(y, F64(S(2), 1, 1)), "%s", dnn_error_message());
    cr_expect(!dnn_requires_grad(y));
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "not on the tape");
    cr_expect_null(dnn_grad(w));
}

Test(autograd, a_wider_operand_in_place_gets_its_gradient_in_its_dtype)
{
    dnn_tensor *b = F32(S(2), 1, 1), *w = LEAF(S(2), 2, 4);

    cr_assert_not_null(dnn_add_(b, w), "%s", dnn_error_message());
    unit_backward(b);
    EXPECT(dnn_grad(w), DNN_T_F64, S(2), 1, 1);
}

Test(autograd, a_gradient_in_the_memory_of_its_tensor_is_refused)
{
    dnn_tensor *x = LEAF(S(2), 1, 2);

    EXPECT_STATUS_FAIL(dnn_set_grad(x, x), "memory of t itself", "clone");
    EXPECT_STATUS_FAIL(dnn_set_grad(x, F64(S(3), 1, 2, 3)), "[2]", "[3]");
    EXPECT_STATUS_FAIL(dnn_set_grad(F64(S(2), 1, 2), NULL), "leaf");
}

Test(autograd, create_graph_adds_to_the_gradient_that_is_there)
{
    dnn_tensor *x = LEAF(S(2), 1, 2);

    unit_backward(dnn_mul(x, 3));
    cr_assert_eq(dnn_backward(dnn_sum(dnn_square(x)), .create_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 5, 7);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
}
