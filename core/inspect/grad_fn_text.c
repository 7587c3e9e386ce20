/* grad_fn_text.c - the name of a node as PyTorch prints grad_fn. The row has the name, or the name
 * is the row's own in capitals. */
#include "inspect_impl.h"
#include <string.h>

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* "max_pool2d_bwd" gives "MaxPool2DBackward": a letter that follows no letter is a capital, as
 * PyTorch's generator makes names. */
static void put_row_name(dnn__text *text, const char *name)
{
    char before = '_';

    for (const char *at = name; *at != 0; before = *at++) {
        if (before == '_' && strcmp(at, "bwd") == 0) {
            dnn__put(text, "Backward");
            return;
        }
        if (is_letter(*at) && !is_letter(before)) {
            dnn__put(text, "%c", *at - 'a' + 'A');
        } else if (*at != '_') {
            dnn__put(text, "%c", *at);
        }
    }
}

static bool is_number(const dnn__node *node, int i)
{
    const dnn__edge *edge = &node->edge[i];

    return node->in[i].desc.ndim < 0 ||
           (node->in[i].desc.ndim == 0 && edge->node == NULL && edge->leaf == NULL);
}

static int select_by_bias(const dnn__node *node)
{
    if (node->in[0].desc.ndim != 2) {
        return 2;
    }
    return node->in[2].desc.ndim < 0 ? 1 : 0;
}

/* Which of the row's names the call of the node has. */
static int select_name(const dnn__node *node)
{
    const dnn__desc *x = &node->in[0].desc, *y = &node->out[0].desc;
    const dnn_attr_reduce *reduce = node->attr;

    switch (node->op->grad_fn_by) {
    case DNN__BY_RANK:
        return x->ndim > 2;
    case DNN__BY_DTYPE:
        return x->dtype != y->dtype;
    case DNN__BY_DIMS:
        return reduce->keepdim != 0 || reduce->dims != (1u << x->ndim) - 1;
    case DNN__BY_FIRST:
        return is_number(node, 0);
    case DNN__BY_SECOND:
        return is_number(node, 1) && is_number(node, node->n_in - 1);
    case DNN__BY_PLANE:
        return y->dim[y->ndim - 2] != 1 || y->dim[y->ndim - 1] != 1;
    case DNN__BY_BIAS:
        return select_by_bias(node);
    default:
        return 0;
    }
}

void dnn__put_grad_fn(dnn__text *text, const dnn__node *node)
{
    const dnn__op *op = node->op;

    if (op->grad_fn[0] != NULL) {
        dnn__put(text, "%s", op->grad_fn[op->grad_fn_by == DNN__BY_ONE ? 0 : select_name(node)]);
    } else if (op->id < 0) {
        dnn__put(text, "%sBackward", op->name);
    } else {
        put_row_name(text, op->name);
        dnn__put(text, "Backward0");
    }
}
