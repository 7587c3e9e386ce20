/* near_name.c - the error of a word that names no operator: it lists the operators with similar
 * names. Pins, queries and dnn explain call it. */
#include <string.h>
#include "op.h"
#include "word_distance.h"

int dnn__name_distance(const char *a, const char *b)
{
    return dnn__word_distance(a, (int)strnlen(a, DNN__WORD), b);
}

static bool is_near(const char *word, const char *name)
{
    return word[0] != 0 &&
           (strstr(name, word) != NULL ||
            dnn__name_distance(word, name) <= 1 + (int)strnlen(word, DNN__WORD) / 4);
}

dnn_status dnn__no_operator(dnn_status status, const char *who, const char *word)
{
    char near[200];
    dnn__text text = dnn__text_to(near, sizeof near);
    int n = 0;

    for (int i = 0; i < DNN__N_OPS && n < 6; i++) {
        if (is_near(word, dnn__ops[i].name)) {
            dnn__put(&text, "%s%s", n++ > 0 ? ", " : " Near it: ", dnn__ops[i].name);
        }
    }
    return dnn__fail(status, "%s%sno operator is called %.*s.%s%s", who != NULL ? who : "",
                     who != NULL ? ": " : "", DNN__WORD, word, near,
                     n > 0 ? "" : " \"dnn ops\" lists them");
}
