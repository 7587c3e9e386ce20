/* inspect_impl.h - the texts of tensors, states and grad_fn, which core/inspect writes into a
 * dnn__text. Private; programs see dnn_tensor_format. */
#ifndef DNN__INSPECT_H
#define DNN__INSPECT_H
#include "nn_impl.h"
#include "tape.h"

/* The options of torch.set_printoptions. */
typedef struct dnn__text_options {
    int precision;      /* digits after the point, 0 to DNN__MOST_DIGITS */
    int sci_mode;       /* DNN_SCI_AUTO: the numbers decide */
    int64_t threshold;  /* a tensor of more elements is summarised with "..." */
    int64_t edge_items; /* elements of each end of an axis in a summary */
    int64_t line_width; /* columns */
    bool detached;      /* the text of dnn_detach(t): without grad_fn, requires_grad, "Parameter" */
} dnn__text_options;
extern const dnn__text_options dnn__text_defaults; /* PyTorch's */

/* ---- tensor_text.c ---- */
/* Writes t as PyTorch prints it. options NULL: the defaults. Waits for the device. Takes the
 * pending error first. Fails with DNN_E_INVALID if t is NULL or an option is out of its range, and
 * as dnn_map. */
dnn_status dnn__put_tensor(dnn__text *text, dnn_tensor *t, const dnn__text_options *options);

/* ---- state_text.c ---- */
/* "[tensor(1.), tensor(2.)]", as Python prints a list. Fails as dnn__put_tensor. */
dnn_status dnn__put_tensors(dnn__text *text, dnn_tensor_list list,
                            const dnn__text_options *options);

/* ---- format.c ---- */
/* Calls write twice, to learn the length and to fill a text of the scope, which it returns. NULL
 * and a pending error if write fails or there is no memory. */
typedef dnn_status (*dnn__write_fn)(dnn__text *text, const void *args);
const char *dnn__format(dnn__write_fn write, const void *args);

/* ---- grad_fn_text.c ---- */
/* "AddBackward0"; of a custom function its name and "Backward". */
void dnn__put_grad_fn(dnn__text *text, const dnn__node *node);

#endif
