/* sequential.c - Sequential: runs its children in order; their names are "0", "1", ... */
#include "nn_impl.h"
#include "op.h"

static dnn_tensor *sequential_forward(dnn_module *self, dnn_tensor *x)
{
    for (int64_t i = 0; i < self->dnn_n_slots && x != NULL; i++) {
        if (self->dnn_slots[i].child != NULL) {
            x = dnn_forward(self->dnn_slots[i].child, x);
        }
    }
    return x;
}

static const dnn_module_type sequential_type = {.size = sizeof(dnn_module_type),
                                                .name = "Sequential",
                                                .bytes = sizeof(dnn_module),
                                                .forward = sequential_forward};

dnn_module *dnn_nn_sequential(dnn_module_list list)
{
    dnn_module *made;

    if (dnn__pending() == DNN_OK) {
        dnn__null(dnn__check_alive_list("Sequential", "modules", list.item, list.n));
    }
    for (int64_t i = 0; i < list.n && dnn__pending() == DNN_OK; i++) {
        if (list.item[i] == NULL) {
            dnn__null(dnn__fail(DNN_E_INVALID, "Sequential: module %lld is NULL (of %lld)",
                                (long long)i, (long long)list.n));
        }
    }
    made = dnn_module_new(&sequential_type);
    for (int64_t i = 0; i < list.n && made != NULL; i++) {
        char digits[24];
        dnn__text name = dnn__text_to(digits, sizeof(digits));

        dnn__put(&name, "%lld", (long long)i);
        if (dnn_module_add(made, digits, list.item[i]) == NULL) {
            return NULL;
        }
    }
    return made;
}
