/* operand_name.c - names of operands for messages and queries, from the .names of a row. */
#include <stdio.h>
#include <string.h>
#include "op.h"

/* Moves *word to the next word and returns the length of that word; 0 past the last. */
static int next_word(const char **word, int length)
{
    *word += length;
    *word += strspn(*word, " ");
    return (int)strcspn(*word, " ");
}

bool dnn__operand_word(const char *words, int index, dnn__operand_text *word, bool *repeats)
{
    const char *at = words != NULL ? words : "";
    int length = next_word(&at, 0);

    for (; length > 0 && index > 0; index--) {
        length = next_word(&at, length);
    }
    if (length == 0 || index < 0) {
        return false;
    }
    *repeats = at[length - 1] == ']';
    snprintf(word->text, sizeof word->text, "%.*s", *repeats ? length - 2 : length, at);
    return true;
}

/* Operand i of the words; without a word for it, "input 3" or what `kind` says. */
static dnn__operand_text name_of(const char *words, const char *kind, int i)
{
    dnn__operand_text name;
    const char *word = words != NULL ? words : "", *at;
    int single = 0, repeated = 0, length = next_word(&word, 0);

    for (at = word; length > 0; length = next_word(&at, length)) {
        if (at[length - 1] == ']') {
            repeated++;
        } else {
            single++;
        }
    }
    if (i >= single && repeated == 0) {
        snprintf(name.text, sizeof name.text, "%s %d", kind, i);
        return name;
    }
    at = word;
    length = next_word(&at, 0);
    for (int k = i < single ? i : single + (i - single) % repeated; k > 0; k--) {
        length = next_word(&at, length);
    }
    if (i < single) {
        snprintf(name.text, sizeof name.text, "%.*s", length, at);
    } else {
        snprintf(name.text, sizeof name.text, "%.*s[%d]", length - 2, at, (i - single) / repeated);
    }
    return name;
}

dnn__operand_text dnn__input_name(const dnn__op *op, int i)
{
    return name_of(op->names, "input", i);
}

dnn__operand_text dnn__result_name(const dnn__op *op, int i)
{
    return name_of(op->results, "output", i);
}
