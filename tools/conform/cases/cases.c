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
    static const dnn_shape value[] = {{.ndim = 0, .dim = {0}},
                                      {.ndim = 1, .dim = {1}},
                                      {.ndim = 1, .dim = {7}},
                                      {.ndim = 1, .dim = {67}},
                                      {.ndim = 2, .dim = {3, 5}},
                                      {.ndim = 3, .dim = {2, 3, 4}},
                                      {.ndim = 3, .dim = {1, 6, 1}},
                                      {.ndim = 1, .dim = {0}},
                                      {.ndim = 3, .dim = {3, 0, 2}},
                                      {.ndim = 2, .dim = {5, 1030}},
                                      {.ndim = 5, .dim = {2, 1, 3, 1, 2}},
                                      LAST};
    static const dnn_shape special[] = {{.ndim = 1, .dim = {1}},
                                        {.ndim = 1, .dim = {3}},
                                        {.ndim = 1, .dim = {8}},
                                        {.ndim = 1, .dim = {17}},
                                        {.ndim = 1, .dim = {67}},
                                        {.ndim = 1, .dim = {1030}},
                                        LAST};
    static const dnn_shape grad[] = {{.ndim = 0, .dim = {0}},    {.ndim = 1, .dim = {6}},
                                     {.ndim = 2, .dim = {2, 3}}, {.ndim = 2, .dim = {1, 4}},
                                     {.ndim = 2, .dim = {0, 3}}, LAST};
    static const dnn_shape promises[] = {
        {.ndim = 1, .dim = {70003}}, {.ndim = 2, .dim = {129, 257}}, {.ndim = 1, .dim = {0}}, LAST};

    return mode == CONF_VALUE     ? value
           : mode == CONF_SPECIAL ? special
           : mode == CONF_GRAD    ? grad
                                  : promises;
}

const dnn_shape *conf_axes_shapes(int mode)
{
    static const dnn_shape value[] = {
        {.ndim = 1, .dim = {1}},          {.ndim = 1, .dim = {7}},
        {.ndim = 2, .dim = {3, 5}},       {.ndim = 3, .dim = {2, 3, 4}},
        {.ndim = 3, .dim = {1, 6, 1}},    {.ndim = 1, .dim = {67}},
        {.ndim = 3, .dim = {3, 0, 2}},    {.ndim = 2, .dim = {0, 3}},
        {.ndim = 2, .dim = {5, 1030}},    {.ndim = 2, .dim = {1030, 5}},
        {.ndim = 4, .dim = {2, 3, 1, 5}}, LAST};
    static const dnn_shape special[] = {{.ndim = 1, .dim = {1}},
                                        {.ndim = 2, .dim = {3, 1}},
                                        {.ndim = 2, .dim = {3, 8}},
                                        {.ndim = 2, .dim = {17, 3}},
                                        {.ndim = 2, .dim = {2, 67}},
                                        {.ndim = 2, .dim = {2, 1030}},
                                        LAST};
    static const dnn_shape grad[] = {{.ndim = 1, .dim = {5}},       {.ndim = 2, .dim = {2, 3}},
                                     {.ndim = 3, .dim = {2, 3, 2}}, {.ndim = 2, .dim = {1, 4}},
                                     {.ndim = 2, .dim = {0, 3}},    LAST};
    static const dnn_shape promises[] = {{.ndim = 1, .dim = {70003}},
                                         {.ndim = 2, .dim = {131, 517}},
                                         {.ndim = 2, .dim = {517, 131}},
                                         LAST};

    return mode == CONF_VALUE     ? value
           : mode == CONF_SPECIAL ? special
           : mode == CONF_GRAD    ? grad
                                  : promises;
}
