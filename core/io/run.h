/* run.h - a run: the named objects and numbers that a checkpoint saves and restores. run.c makes
 * it; the checkpoint files read it. Private to core/io. */
#ifndef DNN__RUN_H
#define DNN__RUN_H
#include "object.h"
#include "pointer_map.h"
#include "weights.h"

typedef enum dnn__run_kind {
    DNN__RUN_MODULE,
    DNN__RUN_OPTIMIZER,
    DNN__RUN_LOADER,
    DNN__RUN_GENERATOR,
    DNN__RUN_NUMBER, /* of doubles and of integers */
    DNN__RUN_KINDS
} dnn__run_kind;

enum { DNN__RUN_NAME = 64 }; /* bytes of a name, with the final 0 */
typedef struct dnn__run_item {
    dnn__run_kind kind;
    char name[DNN__RUN_NAME];
    void *at;        /* the object, a reference; or the numbers, of the program */
    dnn_dtype dtype; /* of numbers: f64 or i64 */
    int64_t n;       /* of numbers */
} dnn__run_item;

struct dnn_run {
    dnn_object object;
    dnn__run_item *item; /* sorted by kind and name */
    int64_t n, capacity;
    dnn_named_text *text; /* [n_texts] of the metadata; the run owns keys and values */
    int64_t n_texts, cap_texts;
};

/* Returns the word of a kind, for messages: "module". */
const char *dnn__run_word(dnn__run_kind kind);
/* Returns the item of that kind and name; NULL: there is none. `length`: bytes of the name. */
const dnn__run_item *dnn__run_find(const dnn_run *run, dnn__run_kind kind, const char *name,
                                   size_t length);

/* The tensors of all modules of a run, with their names in the file. */
typedef struct dnn__run_names {
    dnn__named_list list;
    dnn__pointer_map index; /* from a tensor to its place in the list */
} dnn__run_names;
/* Call dnn__run_names_free afterwards, also if it fails. */
dnn_status dnn__run_names_make(const dnn_run *run, const char *path, dnn__run_names *out);
/* Returns the name of a tensor; NULL: it is in no module of the run. */
const char *dnn__run_name(const dnn__run_names *names, const dnn_tensor *tensor);
void dnn__run_names_free(dnn__run_names *names);

#endif
