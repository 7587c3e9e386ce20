/* word_distance.h - how much two words differ (Levenshtein 1966). It needs no other file, so that
 * tools/near has it too. Private. */
#ifndef DNN__WORD_DISTANCE_H
#define DNN__WORD_DISTANCE_H
#include <string.h>

enum { DNN__WORD = 64 };

/* Returns how many letters must be changed, put in or left out to make b of the first na letters of
 * a; na is at most DNN__WORD, and b is cut to it. */
static inline int dnn__word_distance(const char *a, int na, const char *b)
{
    int row[DNN__WORD + 1];
    int nb = (int)strnlen(b, DNN__WORD);

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

#endif
