/* cases_loss.c - cases of the losses over class indices. The harness gets them through the operator
 * table. */
#include "cases.h"

typedef struct loss {
    dnn_shape x, target;
    int64_t classes;
} loss;

static const loss losses[] = {{{.ndim = 2, .dim = {5, 4}}, {.ndim = 1, .dim = {5}}, 4},
                              {{.ndim = 1, .dim = {3}}, {.ndim = 0, .dim = {0}}, 3},
                              {{.ndim = 3, .dim = {2, 3, 4}}, {.ndim = 2, .dim = {2, 4}}, 3},
                              {{.ndim = 2, .dim = {1, 1}}, {.ndim = 1, .dim = {1}}, 1},
                              {{.ndim = 2, .dim = {0, 3}}, {.ndim = 1, .dim = {0}}, 3},
                              {{.ndim = 2, .dim = {17, 67}}, {.ndim = 1, .dim = {17}}, 67}};
static const loss large_loss = {{.ndim = 2, .dim = {513, 101}}, {.ndim = 1, .dim = {513}}, 101};

enum { FORWARD = 1, FUSED = 2, WEIGHT = 4, IGNORE = 8, SMOOTH = 16 };

static void class_operands(conf_sink *s, conf_case *c, const loss *l, uint32_t labels, int bits)
{
    conf_in(c, labels, l->target, CONF_INTEGER, 0, (double)l->classes - 1)->plain = true;
    if (bits & WEIGHT) {
        conf_operand *w = conf_in(c, s->dtype, DNN_SHAPE(l->classes), CONF_UNIFORM, 0.5, 1.5);

        w->plain = true;
        w->constant = true;
    } else {
        conf_no_in(c);
    }
}

/* The public functions accept one row [C] without a batch; the row of the table gets [1,C]. */
static dnn_tensor *call_nll(const conf_case *c, dnn_tensor *const *in)
{
    const dnn_attr_loss *a = &c->attr.loss;

    return dnn_nll_loss(in[0], in[1], .reduction = (dnn_reduction)a->reduction, .weight = in[2],
                        .ignore_index = a->ignore_index, .ignore_zero = a->ignore_index == 0);
}

static dnn_tensor *call_cross_entropy(const conf_case *c, dnn_tensor *const *in)
{
    const dnn_attr_loss *a = &c->attr.loss;

    return dnn_cross_entropy(in[0], in[1], .reduction = (dnn_reduction)a->reduction,
                             .weight = in[2], .ignore_index = a->ignore_index,
                             .ignore_zero = a->ignore_index == 0, .label_smoothing = a->smoothing);
}

static void loss_case(conf_sink *s, const loss *l, uint32_t reduction, uint32_t labels, int bits)
{
    conf_case c = conf_case_new(CONF_SUM);
    dnn_shape result = reduction == DNN_REDUCE_NONE ? l->target : DNN_SCALAR;

    if (l->x.ndim == 1 && !(bits & FORWARD)) {
        return;
    }
    if (l->x.ndim == 1) {
        c.call = bits & FUSED ? call_cross_entropy : call_nll;
    }
    c.attr.loss = (dnn_attr_loss){.size = sizeof c.attr.loss,
                                  .reduction = reduction,
                                  .ignore_index = bits & IGNORE ? 0 : -100,
                                  .smoothing = bits & SMOOTH ? 0.25 : 0};
    if (!(bits & FORWARD)) {
        conf_in(&c, s->dtype, result, CONF_UNIFORM, 0.5, 2)->plain = true;
    }
    if (bits & (FORWARD | FUSED)) {
        conf_in(&c, s->dtype, l->x, CONF_UNIFORM, -3, bits & FUSED ? 3 : -0.1);
    }
    class_operands(s, &c, l, labels, bits);
    if (!(bits & FORWARD) && (bits & FUSED)) {
        conf_in(&c, s->dtype, l->target, CONF_UNIFORM, 3, 4);
    }
    c.destination = !(bits & FORWARD);
    conf_out(&c, s->dtype, bits & FORWARD ? result : l->x);
    if ((bits & FORWARD) && (bits & FUSED) && c.call == NULL) {
        conf_out(&c, s->dtype, l->target);
    }
    s->emit(s, &c);
}

static void loss_cases(conf_sink *s, int bits)
{
    static const uint32_t labels[] = {DNN_T_I64, DNN_T_I32, DNN_T_U8};
    static const int options[] = {0, WEIGHT, IGNORE, WEIGHT | IGNORE};

    for (size_t i = 0; i < (s->mode == CONF_PROMISES ? 1 : DNN__COUNT(losses)); i++) {
        const loss *l = s->mode == CONF_PROMISES ? &large_loss : &losses[i];

        if (s->mode == CONF_GRAD && i == DNN__COUNT(losses) - 1) {
            continue;
        }
        for (uint32_t reduction = 0; reduction < 3; reduction++) {
            for (size_t k = 0; k < DNN__COUNT(options); k++) {
                loss_case(s, l, reduction, labels[(i + k) % 3], bits | options[k]);
                if (bits & FUSED) {
                    loss_case(s, l, reduction, labels[(i + k + 1) % 3], bits | options[k] | SMOOTH);
                }
            }
        }
    }
}

void cases_nll_loss(conf_sink *s)
{
    loss_cases(s, FORWARD);
}

void cases_nll_loss_bwd(conf_sink *s)
{
    loss_cases(s, 0);
}

void cases_softmax_cross_entropy(conf_sink *s)
{
    loss_cases(s, FORWARD | FUSED);
}

void cases_softmax_cross_entropy_bwd(conf_sink *s)
{
    loss_cases(s, FUSED);
}
