/* near.c - finds the option or command that a wrong word is nearest to, and prints the message. */
#include <stdio.h>
#include <string.h>
#include "near.h"
#include "word_distance.h"

const char *near_word(const char *word, const char *const *list)
{
    int n = (int)strcspn(word, "="), least = 2 * DNN__WORD;
    const char *nearest = NULL;

    n = n < DNN__WORD ? n : DNN__WORD;
    for (; *list != NULL; list++) {
        int d = dnn__word_distance(word, n, *list);

        if (d < least) {
            least = d;
            nearest = *list;
        }
    }
    return nearest;
}

int near_error(const char *who, const char *kind, const char *word, const char *const *list)
{
    const char *near = near_word(word, list);

    fprintf(stderr, "%s: there is no %s %s%s%s (see %s --help)\n", who, kind, word,
            near != NULL ? "; the nearest is " : "", near != NULL ? near : "", who);
    return 2;
}
