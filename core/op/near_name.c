/* near_name.c - the error of a word that names no operator: it lists the operators with similar
 * names. Pins, queries and dnn explain call it. */
#include <string.h>
#include "op.h"

enum { WORD = 64 };

int dnn__name_distance(const char *a, const char *b)
{
    int row[WORD + 1];
    int na = (int)strnlen(a, WORD), nb = (int)strnlen(b, WORD);

    for (int k = 0; k <= nb; k++) {
        row[k] = k;
    }
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (int k = 1; k <= nb; k++) {
            int change = diagonal + (a[i - 1] != b[k - 1]);

            diagonal = row[k];
            row[k] = 1 + (row[k] < row[k - 1] ? row[k] : row[k - 1]);
            row[k] = change < row[k] ? change : row[k];
        }
    }
    return row[nb];
}

static bool is_near(const char *word, const char *name)
{
    return word[0] != 0 && (strstr(name, word) != NULL ||
                            dnn__name_distance(word, name) <= 1 + (int)strnlen(word, WORD) / 4);
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
                     who != NULL ? ": " : "", WORD, word, near,
                     n > 0 ? "" : " \"dnn ops\" lists them");
}
