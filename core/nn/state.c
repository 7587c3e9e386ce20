/* state.c - the state of a module: its parameters and buffers under their dotted paths. */
#include "nn_impl.h"
#include "object.h"
#include <string.h>

struct listing { /* of the walk over a module */
    int64_t n;
    size_t bytes;           /* of all names with their final 0 */
    dnn_named_tensor *item; /* NULL: the walk only counts */
    char *name;             /* where the next name goes */
};

static bool list_tensor(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct listing *l = ctx;
    dnn__text text = dnn__text_to(l->name, l->item == NULL ? 0 : SIZE_MAX);
    size_t bytes;

    dnn__put_path(&text, path);
    bytes = text.length + 1;
    if (l->item != NULL) {
        l->item[l->n] = (dnn_named_tensor){.name = l->name, .tensor = tensor};
        l->name += bytes;
    }
    l->n++;
    l->bytes += bytes;
    return true;
}

dnn_named_tensor *dnn__state_items(const char *call, int64_t n, size_t name_bytes)
{
    size_t bytes = 0;

    if (!dnn__size_mul((size_t)n, sizeof(dnn_named_tensor), &bytes) ||
        !dnn__size_add(bytes, name_bytes, &bytes)) {
        return dnn__null(dnn__nomem(call, SIZE_MAX));
    }
    return (void *)dnn__scope_text(bytes);
}

dnn_state dnn_module_state(const dnn_module *module)
{
    struct listing l = {.n = 0};
    dnn_named_tensor *item;

    if (!dnn__ready("dnn_module_state", module)) {
        return (dnn_state){.n = 0};
    }
    dnn__each_tensor(module, DNN__PARAMETERS | DNN__BUFFERS, list_tensor, &l);
    item = dnn__state_items("dnn_module_state", l.n, l.bytes);
    if (item == NULL) {
        return (dnn_state){.n = 0};
    }
    l = (struct listing){.item = item, .name = (char *)(item + l.n)};
    dnn__each_tensor(module, DNN__PARAMETERS | DNN__BUFFERS, list_tensor, &l);
    return (dnn_state){.n = l.n, .item = item};
}

dnn_tensor *dnn_state_tensor(dnn_state state, const char *name)
{
    for (int64_t i = 0; i < state.n && name != NULL; i++) {
        if (strcmp(state.item[i].name, name) == 0) {
            return state.item[i].tensor;
        }
    }
    return NULL;
}
