/* fields.h - lists of fields, and how a function of the program sees one. Private to core/data. */
#ifndef DNN__FIELDS_H
#define DNN__FIELDS_H
#include "tensor_impl.h"
#include "dnn/data.h"
#include "dnn/ops.h"

/* A list of fields that grows; a zeroed one is empty. */
enum { DNN__FEW_FIELDS = 8 };
typedef struct dnn__list {
    int64_t n, capacity; /* of more */
    dnn_tensor **more;   /* NULL: they are in few */
    dnn_tensor *few[DNN__FEW_FIELDS];
} dnn__list;
static inline dnn_tensor **dnn__list_items(dnn__list *list)
{
    return list->more != NULL ? list->more : list->few;
}
/* Copies n pointers, which may be those of the list itself. */
dnn_status dnn__list_set(dnn__list *list, dnn_tensor *const *item, int64_t n);
void dnn__list_free(dnn__list *list); /* the memory, not the tensors */
/* Copies n pointers and retains the tensors: the list owns the references. */
dnn_status dnn__list_take(dnn__list *list, dnn_tensor *const *item, int64_t n);
void dnn__list_release(dnn__list *list); /* the references of a list that owns them */

/* The fields as a function of the program sees them. */
dnn_fields dnn__list_fields(dnn__list *list, int64_t index);
/* Checks what a function left in the fields: at least one, none NULL or freed. Takes the pending
 * error first. */
dnn_status dnn__sample_check(const dnn_fields *fields);

#endif
