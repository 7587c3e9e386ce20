/* table.c - the operator table, expanded from op_table.def: ids, arities, dtype rules, shape rules,
 * gradient rules. */
#include <string.h>
#include "rules.h"

/* A row without attributes names `none`: a struct of one byte, which counts as no bytes. */
typedef char dnn_attr_none;
#define ATTR_BYTES(attr) (sizeof(dnn_attr_##attr) > 1 ? (uint32_t)sizeof(dnn_attr_##attr) : 0)

/* The bytes of each attribute struct in ABI 1.0, and of those that only views have. A struct that
 * came later has those of its first version, but 0 if a row of v1.0 without attributes got it: the
 * row's kernels do not know it. */
enum {
    V1_0_none = 0,
    V1_0_permute = 0,
    V1_0_to_device = 0,
#define DNN_ATTR_STRUCT(attr, bytes) V1_0_##attr = bytes,
#include "attr_table.def"
};

/* Rows that leave a rule out. */
#define dnn__no_shape NULL
#define dnn__no_gradient NULL

#define DNN_OP(name_, shape_, gradient_, backward_, ...) \
    {.name = #name_,                                     \
     .id = DNN_OP_##name_,                               \
     .version = 1,                                       \
     .backward = DNN_OP_##backward_,                     \
     .shape = dnn__##shape_,                             \
     .gradient = dnn__##gradient_,                       \
     __VA_ARGS__},

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
