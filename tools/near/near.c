/* near.c - finds the option or command that a wrong word is nearest to, and prints the message. */
#include <stdio.h>
#include <string.h>
#include "near.h"

enum { WORD = 64 };

/* Returns how many letters must be changed, put in or left out to make b of the first na letters of
 * a. Words are cut to WORD. */
static int distance(const char *a, int na, const char *b)
{
    int row[WORD + 1];
    int nb = (int)strnlen(b, WORD);

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

const char *near_word(const char *word, const char *const *list)
{
    int n = (int)strcspn(word, "="), least = 2 * WORD;
    const char *nearest = NULL;

    n = n < WORD ? n : WORD;
    for (; *list != NULL; list++) {
        int d = distance(word, n, *list);

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
