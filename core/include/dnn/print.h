/* print.h - functions that print to standard output. They are inline: the program prints, libdnn
 * never does. To send the text elsewhere, call dnn_tensor_format, dnn_module_format, ...
 *
 * Threads: any, as the functions that format the object. Concurrent prints may mix their lines. */
#ifndef DNN_PRINT_H
#define DNN_PRINT_H
#include <stdio.h>
#include <string.h>
#include "dnn/autograd.h"
#include "dnn/nn.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Prints a text, and a newline unless it ends with one. text NULL: takes the pending error.
 * Fails   the pending error; DNN_E_IO: the text cannot be written. */
static inline dnn_status dnn_print_text(const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    int ends = length > 0 && text[length - 1] == '\n';

    if (text == NULL) {
        return dnn_take_error();
    }
    return fputs(text, stdout) == EOF || (!ends && putchar('\n') == EOF)
               ? dnn_fail(DNN_E_IO, "dnn_print: the text cannot be written to standard output")
               : DNN_OK;
}

/* Private: the functions that dnn_print selects. Their texts are freed with their scope. */
static inline dnn_status dnn_print_tensor(dnn_tensor *t)
{
    DNN_SCOPE();
    dnn_tensor_format_args args;

    memset(&args, 0, sizeof args); /* no initializer: C++ warns of each option that has none */
    args.t = t;
    return dnn_print_text(dnn_tensor_format_with(args));
}
static inline dnn_status dnn_print_module(dnn_module *module)
{
    DNN_SCOPE();

    return dnn_print_text(dnn_module_format(module));
}
static inline dnn_status dnn_print_tensor_list(dnn_tensor_list list)
{
    DNN_SCOPE();

    return dnn_print_text(dnn_tensor_list_format(list));
}
static inline dnn_status dnn_print_state(dnn_state state)
{
    DNN_SCOPE();

    return dnn_print_text(dnn_state_format(state));
}

/* Prints a tensor, a list of tensors, a module or a state as PyTorch prints it.
 * Fails   as dnn_tensor_format; DNN_E_NOMEM; DNN_E_IO: the text cannot be written. */
#ifndef __cplusplus
/* clang-format off */
#define dnn_print(x)                        \
    _Generic((x),                           \
        dnn_tensor *: dnn_print_tensor,     \
        void *: dnn_print_tensor,           \
        dnn_module *: dnn_print_module,     \
        dnn_tensor_list: dnn_print_tensor_list, \
        dnn_state: dnn_print_state)(x)
/* clang-format on */
#endif

/* Prints the graph that computed a tensor: dnn_print_graph(loss), dnn_print_graph(loss, .module =
 * net), or for Graphviz dnn_print_graph(loss, .dot = true).
 * Fails   as dnn_graph_format; DNN_E_NOMEM; DNN_E_IO. */
#define dnn_print_graph(...)   \
    DNN_NEEDS_ONE(__VA_ARGS__) \
    dnn_print_graph_with(DNN_ARGS(dnn_graph_format_args, .of = __VA_ARGS__))
static inline dnn_status dnn_print_graph_with(dnn_graph_format_args args)
{
    DNN_SCOPE();

    return dnn_print_text(dnn_graph_format_with(args));
}

#ifdef __cplusplus
}

inline dnn_status dnn_print(dnn_tensor *t)
{
    return dnn_print_tensor(t);
}
inline dnn_status dnn_print(dnn_module *module)
{
    return dnn_print_module(module);
}
inline dnn_status dnn_print(dnn_tensor_list list)
{
    return dnn_print_tensor_list(list);
}
inline dnn_status dnn_print(dnn_state state)
{
    return dnn_print_state(state);
}
#endif
#endif
