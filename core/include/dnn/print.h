/* print.h - functions that print to standard output. They are inline: the program prints, libdnn
 * never does. To send the text elsewhere, call dnn_format or dnn_format_graph.
 *
 * Threads: any; concurrent prints may mix their lines. */
#ifndef DNN_PRINT_H
#define DNN_PRINT_H
#include <stdio.h>
#include <stdlib.h>
#include "dnn/autograd.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Private. length is the result of a dnn_format call without a buffer. Returns a buffer for
 * malloc's free, or NULL; *status says why. */
static inline char *dnn_print_room(int64_t length, dnn_status *status)
{
    char *text = length >= 0 ? (char *)malloc((size_t)length + 1) : NULL;

    *status = length < 0 ? (dnn_status)length : DNN_OK;
    if (length >= 0 && text == NULL) {
        *status =
            dnn_fail(DNN_E_NOMEM, "dnn_print: %lld bytes: out of memory", (long long)length + 1);
    }
    return text;
}

/* Private. Prints text if status is DNN_OK, frees it, and returns the status. */
static inline dnn_status dnn_print_out(char *text, dnn_status status)
{
    if (status == DNN_OK && fputs(text, stdout) == EOF) {
        status = dnn_fail(DNN_E_IO, "dnn_print: the text cannot be written to standard output");
    }
    free(text);
    return status;
}

/* Prints t as dnn_format writes it, and a newline.
 * Fails   as dnn_format; DNN_E_NOMEM; DNN_E_IO: the text cannot be written. */
static inline dnn_status dnn_print(dnn_tensor *t)
{
    dnn_status status;
    int64_t length = dnn_format(t, NULL, 0);
    char *text = dnn_print_room(length, &status);

    if (text != NULL && (length = dnn_format(t, text, (size_t)length + 1)) < 0) {
        status = (dnn_status)length;
    }
    status = dnn_print_out(text, status);
    return status == DNN_OK && putchar('\n') == EOF
               ? dnn_fail(DNN_E_IO, "dnn_print: the newline cannot be written to standard output")
               : status;
}

/* Prints the graph that computed a tensor: dnn_print_graph(loss), dnn_print_graph(loss, .module =
 * net), or for Graphviz dnn_print_graph(loss, .dot = true).
 * Fails   as dnn_format_graph; DNN_E_NOMEM; DNN_E_IO. */
#define dnn_print_graph(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_print_graph_with(DNN_ARGS(dnn_graph_args, .of = __VA_ARGS__))
static inline dnn_status dnn_print_graph_with(dnn_graph_args args)
{
    dnn_status status;
    int64_t length = dnn_format_graph_with(args, NULL, 0);
    char *text = dnn_print_room(length, &status);

    if (text != NULL && (length = dnn_format_graph_with(args, text, (size_t)length + 1)) < 0) {
        status = (dnn_status)length;
    }
    return dnn_print_out(text, status);
}

#ifdef __cplusplus
}
#endif
#endif
