/* state_text.c - writes lists of tensors and the state of a module as Python prints them. The texts
 * of the tensors are those of tensor_text.c. */
#include "inspect_impl.h"

dnn_status dnn__put_tensors(dnn__text *text, dnn_tensor_list list, const dnn__text_options *options)
{
    dnn__put(text, "[");
    for (int64_t i = 0; i < list.n; i++) {
        dnn__put(text, i > 0 ? ", " : "");
        DNN_TRY(dnn__put_tensor(text, list.item[i], options));
    }
    dnn__put(text, "]");
    return DNN_OK;
}

static dnn_status write_list(dnn__text *text, const void *list)
{
    return dnn__put_tensors(text, *(const dnn_tensor_list *)list, NULL);
}

const char *dnn_tensor_list_format(dnn_tensor_list list)
{
    return dnn__format(write_list, &list);
}

static dnn_status write_state(dnn__text *text, const void *state_)
{
    const dnn_state *state = state_;
    dnn__text_options options = dnn__text_defaults;

    options.detached = true;
    dnn__put(text, "OrderedDict(");
    for (int64_t i = 0; i < state->n; i++) {
        dnn__put(text, i > 0 ? ", '%s': " : "{'%s': ", state->item[i].name);
        DNN_TRY(dnn__put_tensor(text, state->item[i].tensor, &options));
    }
    dnn__put(text, state->n > 0 ? "})" : ")");
    return DNN_OK;
}

const char *dnn_state_format(dnn_state state)
{
    return dnn__format(write_state, &state);
}
