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

struct state { /* of the walk over a module */
    dnn__text *text;
    dnn__text_options options;
    int64_t n; /* tensors written */
    dnn_status status;
};

static bool put_member(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct state *state = ctx;

    dnn__put(state->text, state->n++ > 0 ? ", '" : "{'");
    dnn__put_path(state->text, path);
    dnn__put(state->text, "': ");
    state->status = dnn__put_tensor(state->text, tensor, &state->options);
    return state->status == DNN_OK;
}

dnn_status dnn__put_state(dnn__text *text, const dnn_module *module,
                          const dnn__text_options *options)
{
    struct state state = {.text = text, .options = options != NULL ? *options : dnn__text_defaults};

    DNN_TRY(dnn__require(module, "dnn_state", "module"));
    state.options.detached = true;
    dnn__put(text, "OrderedDict(");
    dnn__each_tensor(module, DNN_PARAMETERS | DNN_BUFFERS, put_member, &state);
    DNN_TRY(state.status);
    dnn__put(text, state.n > 0 ? "})" : ")");
    return DNN_OK;
}
