/* cases_composite.c - cases and oracle of the operators without a row, expanded from
 * composites.def. The harness walks over conf_composites behind the rows of the table. */
#include "cases.h"
#include <math.h>

enum { MAX_IN = 3 };

#define OVER(values_, low_, high_)                           \
    {                                                        \
        .values = CONF_##values_, .low = low_, .high = high_ \
    }
#define MASK                                                             \
    {                                                                    \
        .dtype = DNN_T_BOOL, .values = CONF_INTEGER, .low = 0, .high = 1 \
    }
#define COMPOSITE(name, call, oracle, ...)                                   \
    static const conf_operand operands_##name[] = {__VA_ARGS__};             \
    static dnn_tensor *call_##name(const conf_case *c, dnn_tensor *const *t) \
    {                                                                        \
        (void)c;                                                             \
        return call;                                                         \
    }                                                                        \
    static void reference_##name(const ref_call *c)                          \
    {                                                                        \
        double x[MAX_IN];                                                    \
                                                                             \
        for (int64_t k = 0; k < c->out[0]->n; k++) {                         \
            for (int i = 0; i < c->n_in; i++)                                \
                x[i] = ref_get(c->in[i], k);                                 \
            ref_put(c->out[0], k, oracle);                                   \
        }                                                                    \
    }
#include "composites.def"
#undef COMPOSITE

const conf_composite conf_composites[] = {
#define COMPOSITE(name, ...) \
    {#name, operands_##name, (int)DNN__COUNT(operands_##name), call_##name, reference_##name},
#include "composites.def"
};
const int conf_n_composites = (int)DNN__COUNT(conf_composites);

/* Judged as sums are: a composite rounds a few times. */
void conf_composite_cases(conf_sink *s, const conf_composite *composite)
{
    for (const dnn_shape *shape = conf_shapes(s->mode); shape->ndim >= 0; shape++) {
        conf_case c = conf_case_new(CONF_SUM);

        c.call = composite->call;
        c.tame = true;
        for (int i = 0; i < composite->n_in; i++) {
            const conf_operand *o = &composite->operands[i];

            conf_in(&c, o->dtype != 0 ? o->dtype : s->dtype, *shape, o->values, o->low, o->high);
        }
        conf_out(&c, s->dtype, *shape);
        s->emit(s, &c);
    }
}
