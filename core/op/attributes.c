/* attributes.c - the members of attribute structs by index, expanded from attr_table.def: for calls
 * by name and for queries. */
#include <string.h>
#include "op.h"

static const dnn__attribute attributes[] = {
#define DNN_ATTR(attr_, name_, type_, value_) \
    {#attr_, #name_, DNN__##type_, offsetof(dnn_attr_##attr_, name_), value_},
#include "attr_table.def"
};

const dnn__attribute *dnn__attribute_at(const dnn__op *op, int index)
{
    for (size_t i = 0; index >= 0 && i < DNN__COUNT(attributes); i++) {
        if (strcmp(attributes[i].attr, op->attr) == 0 && index-- == 0) {
            return &attributes[i];
        }
    }
    return NULL;
}
