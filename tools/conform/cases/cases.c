/* cases.c - builds cases, and has the shapes for operators that accept any shape. The case files
 * call it. */
#include "cases.h"

conf_case conf_case_new(enum conf_judge judge)
{
    conf_case c = {.judge = judge};

    for (int i = 0; i < REF_MAX_OUT; i++) {
        c.alias[i] = -1;
    }
    return c;
}

conf_operand *conf_in(conf_case *c, uint32_t dtype, dnn_shape shape, enum conf_values values,
                      double low, double high)
{
    conf_operand *o = &c->in[c->n_in++];

    *o = (conf_operand){.dtype = dtype, .shape = shape, .values = values, .low = low, .high = high};
    return o;
}

void conf_no_in(conf_case *c)
{
    c->in[c->n_in++] = (conf_operand){0};
}

conf_operand *conf_out(conf_case *c, uint32_t dtype, dnn_shape shape)
{
    conf_operand *o = &c->out[c->n_out++];

    *o = (conf_operand){.dtype = dtype, .shape = shape};
    return o;
}

#define LAST       \
    {              \
        .ndim = -1 \
    }

const dnn_shape *conf_shapes(int mode)
{
    static const dnn_shape value[] = {{0, {0}},
                                      {1, {1}},
                                      {1, {7}},
                                      {1, {67}},
                                      {2, {3, 5}},
                                      {3, {2, 3, 4}},
                                      {3, {1, 6, 1}},
                                      {1, {0}},
                                      {3, {3, 0, 2}},
                                      {2, {5, 1030}},
                                      {5, {2, 1, 3, 1, 2}},
                                      LAST};
    static const dnn_shape special[] = {{1, {1}},  {1, {3}},    {1, {8}}, {1, {17}},
                                        {1, {67}}, {1, {1030}}, LAST};
    static const dnn_shape grad[] = {{0, {0}},    {1, {6}},    {2, {2, 3}},
                                     {2, {1, 4}}, {2, {0, 3}}, LAST};
    static const dnn_shape promises[] = {{1, {70003}}, {2, {129, 257}}, {1, {0}}, LAST};

    return mode == CONF_VALUE     ? value
           : mode == CONF_SPECIAL ? special
           : mode == CONF_GRAD    ? grad
                                  : promises;
}

const dnn_shape *conf_axes_shapes(int mode)
{
    static const dnn_shape value[] = {
        {1, {1}},       {1, {7}},    {2, {3, 5}},    {3, {2, 3, 4}}, {3, {1, 6, 1}},    {1, {67}},
        {3, {3, 0, 2}}, {2, {0, 3}}, {2, {5, 1030}}, {2, {1030, 5}}, {4, {2, 3, 1, 5}}, LAST};
    static const dnn_shape special[] = {{1, {1}},     {2, {3, 1}},    {2, {3, 8}}, {2, {17, 3}},
                                        {2, {2, 67}}, {2, {2, 1030}}, LAST};
    static const dnn_shape grad[] = {{1, {5}},    {2, {2, 3}}, {3, {2, 3, 2}},
                                     {2, {1, 4}}, {2, {0, 3}}, LAST};
    static const dnn_shape promises[] = {{1, {70003}}, {2, {131, 517}}, {2, {517, 131}}, LAST};

    return mode == CONF_VALUE     ? value
           : mode == CONF_SPECIAL ? special
           : mode == CONF_GRAD    ? grad
                                  : promises;
}
