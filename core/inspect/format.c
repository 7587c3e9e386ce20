/* format.c - texts as values: a text of the scope, written by a function that counts its bytes. */
#include "inspect_impl.h"
#include "object.h"

const char *dnn__format(dnn__write_fn write, const void *args)
{
    dnn__text count = dnn__text_to(NULL, 0), to;
    char *text;

    if (dnn__pending() != DNN_OK || !dnn__ok(write(&count, args))) {
        return NULL;
    }
    text = dnn__scope_text(count.length + 1);
    if (text == NULL) {
        return NULL;
    }
    to = dnn__text_to(text, count.length + 1);
    return dnn__ok(write(&to, args)) ? text : NULL;
}
