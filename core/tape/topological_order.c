/* topological_order.c - the order of a graph: a queue that returns nodes by falling creation
 * number, and the list of all nodes reachable from one. Used by engine.c, grad_of.c and
 * graph_text.c. */
#include "tape.h"

static void swap_nodes(dnn__node **a, dnn__node **b)
{
    dnn__node *t = *a;

    *a = *b;
    *b = t;
}

dnn_status dnn__queue_push(dnn__queue *q, dnn__node *node)
{
    int64_t i = q->n;

    DNN_TRY(dnn__reserve((void **)&q->heap, &q->capacity, q->n + 1, sizeof *q->heap, "backward"));
    q->heap[q->n++] = node;
    while (i > 0 && q->heap[(i - 1) / 2]->number < q->heap[i]->number) {
        swap_nodes(&q->heap[(i - 1) / 2], &q->heap[i]);
        i = (i - 1) / 2;
    }
    return DNN_OK;
}

static void drop_top(dnn__queue *q)
{
    int64_t i = 0;

    q->heap[0] = q->heap[--q->n];
    for (;;) {
        int64_t big = i, left = 2 * i + 1;

        for (int64_t k = left; k < left + 2 && k < q->n; k++) {
            if (q->heap[k]->number > q->heap[big]->number) {
                big = k;
            }
        }
        if (big == i) {
            return;
        }
        swap_nodes(&q->heap[i], &q->heap[big]);
        i = big;
    }
}

dnn__node *dnn__queue_pop(dnn__queue *q)
{
    dnn__node *top = q->heap[0];

    while (q->n > 0 && q->heap[0] == top) { /* it was pushed once for each edge */
        drop_top(q);
    }
    return top;
}

dnn_status dnn__reach(dnn__node *from, dnn__node_list *out)
{
    dnn__queue queue = {NULL, 0, 0};
    dnn_status st = dnn__queue_push(&queue, from);

    while (st == DNN_OK && queue.n > 0) {
        dnn__node *node = dnn__queue_pop(&queue);

        st = dnn__reserve((void **)&out->node, &out->capacity, out->n + 1, sizeof(dnn__node *),
                          "graph");
        if (st == DNN_OK) {
            out->node[out->n++] = node;
        }
        for (int i = 0; i < node->n_in && st == DNN_OK; i++) {
            if (node->edge[i].node != NULL) {
                st = dnn__queue_push(&queue, node->edge[i].node);
            }
        }
    }
    dnn__free(queue.heap);
    return st;
}
