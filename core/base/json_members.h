/* json_members.h - iterates over the members of a JSON object by position, without parsing the
 * values. Private. */
#ifndef DNN__JSON_MEMBERS_H
#define DNN__JSON_MEMBERS_H
#include "base.h"

/* The positions of a member's key and value in the text, with quotes and braces. */
typedef struct dnn__member {
    size_t key, key_bytes, value, value_bytes;
} dnn__member;
typedef struct dnn__members {
    const char *text;
    size_t bytes, at, count;
} dnn__members;
/* Starts at the opening brace text[at]. */
dnn_status dnn__members_begin(dnn__members *m, const char *text, size_t bytes, size_t at);
/* Returns the next member. At the closing brace sets *end, and m->at to behind it. The message says
 * which byte is wrong and where. `open` is the character that each value must begin with: '{' or
 * '"'. Strings are checked for their ends only. */
dnn_status dnn__members_next(dnn__members *m, char open, dnn__member *out, bool *end);

#endif
