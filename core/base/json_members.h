/* json_members.h - the walk over the members of a JSON object, by position, without parsing the
 * values. Private. */
#ifndef DNN__JSON_MEMBERS_H
#define DNN__JSON_MEMBERS_H
#include "base.h"

/* A member of an object in text: where its key and its value stand, the quotes and braces included.
 */
typedef struct dnn__member {
    size_t key, key_bytes, value, value_bytes;
} dnn__member;
typedef struct dnn__members {
    const char *text;
    size_t bytes, at, count;
} dnn__members;
/* Begins at the opening brace of text[at]. */
dnn_status dnn__members_begin(dnn__members *m, const char *text, size_t bytes, size_t at);
/* The next member; *end at the closing brace, and m->at behind it. The message says what was found
 * at which byte. `open` is the character that values begin with: '{' or '"'. Strings are checked
 * for their ends only. */
dnn_status dnn__members_next(dnn__members *m, char open, dnn__member *out, bool *end);

#endif
