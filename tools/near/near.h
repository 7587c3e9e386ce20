/* near.h - the message about an option or a command that does not exist. */
#ifndef TOOLS_NEAR_H
#define TOOLS_NEAR_H

/* Returns the word of the list, which ends with NULL, that is the most like `word`; NULL if the
 * list is empty. What follows '=' in `word` does not count. */
const char *near_word(const char *word, const char *const *list);

/* Prints "WHO: there is no KIND WORD; the nearest is NEAR (see WHO --help)" on stderr. Returns exit
 * code 2. */
int near_error(const char *who, const char *kind, const char *word, const char *const *list);

#endif
