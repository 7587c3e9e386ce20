/* ready.c - the checks with which every public function begins: no error is pending, the operand is
 * not NULL and was not freed. */
#include "freed.h"

dnn_status dnn__require(const void *pointer, const char *function, const char *argument)
{
    DNN_TRY(dnn__take());
    if (pointer == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is NULL", function, argument);
    }
    return dnn__check_alive(function, argument, pointer);
}

/* The name of the operand in the expression: "w" of args->w or args.w. */
static const char *last_name(const char *expression)
{
    const char *name = expression;

    for (const char *at = expression; *at != 0; at++) {
        name = *at == '.' || *at == '>' ? at + 1 : name;
    }
    return name;
}

bool dnn__operand_ready(const char *op, const char *operand, const void *x)
{
    if (dnn__pending() != DNN_OK) {
        return false;
    }
    if (x == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: %s is NULL", op, last_name(operand)));
        return false;
    }
    return dnn__alive(op, last_name(operand), x);
}

dnn_status dnn__thread_register(void)
{
    return dnn__thread_own() != NULL
               ? DNN_OK
               : dnn__fail(DNN_E_NOMEM, "this thread cannot be registered: out of memory");
}
