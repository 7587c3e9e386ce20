/* op.c - the operator table, expanded from op_table.def: ids, arities, dtype rules, shape rules,
 * gradient rules. */
#include <string.h>
#include "rules.h"

/* A row without attributes names `none`: a struct of one byte, which counts as no bytes. */
typedef char dnn_attr_none;
#define ATTR_BYTES(attr) (sizeof(dnn_attr_##attr) > 1 ? (uint32_t)sizeof(dnn_attr_##attr) : 0)

/* The bytes of each attribute struct in ABI 1.0; one that came later has those of its first
 * version, but 0 if a row of v1.0 without attributes got it: the row's kernels do not know it. */
enum {
    V1_0_none = 0,
    V1_0_arange = 40,
    V1_0_linspace = 24,
    V1_0_dim = 8,
    V1_0_slice = 24,
    V1_0_gelu = 8,
    V1_0_alpha = 16,
    V1_0_softplus = 24,
    V1_0_reduce = 16,
    V1_0_reduce_dim = 16,
    V1_0_conv2d = 40,
    V1_0_pool2d = 48,
    V1_0_loss = 24,
    V1_0_uniform = 24,
    V1_0_normal = 24,
    V1_0_bernoulli = 16,
    V1_0_sgd = 32,
    V1_0_permute = 0, /* views, which no kernel serves */
    V1_0_to_device = 0
};

#define DNN_OP(name_, inputs, optional_, outputs, attributes, keeps, rule, accepts_, primary_,   \
               traits_, version_, backward_, shape_, ...) /* gradient, and what few rows have */ \
    {.name = #name_,                                                                             \
     .attr = #attributes,                                                                        \
     .id = DNN_OP_##name_,                                                                       \
     .n_in = inputs,                                                                             \
     .n_out = outputs,                                                                           \
     .optional = optional_,                                                                      \
     .attr_bytes = ATTR_BYTES(attributes),                                                       \
     .attr_v1_0 = V1_0_##attributes,                                                             \
     .keep = keeps,                                                                              \
     .dtype_rule = rule,                                                                         \
     .primary = primary_,                                                                        \
     .traits = traits_,                                                                          \
     .version = version_,                                                                        \
     .accepts = accepts_,                                                                        \
     .backward = DNN_OP_##backward_,                                                             \
     .shape = shape_,                                                                            \
     .gradient = __VA_ARGS__},

const dnn__op dnn__ops[DNN__N_OPS] = {
#include "op_table.def"
};

const dnn__op *dnn__op_named(const char *name)
{
    for (int i = 0; i < DNN__N_OPS; i++) {
        if (strcmp(dnn__ops[i].name, name) == 0) {
            return &dnn__ops[i];
        }
    }
    return NULL;
}
