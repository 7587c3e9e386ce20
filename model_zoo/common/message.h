/* message.h - messages: lines on stderr for people, events for programs.
 *
 * An event is a JSON object on one line. It goes to stdout with --json, and to metrics.jsonl with
 * --log-dir. */
#ifndef ZOO_MESSAGE_H
#define ZOO_MESSAGE_H
#include <jansson.h>
#include <stdio.h>
#include "dnn/dnn.h"
#include "progress.h"

typedef struct zoo_messages {
    const char *program; /* name that begins each message */
    bool json, quiet;    /* --json, --quiet */
    double started;      /* the start of the run; events count their time from it */
    zoo_progress progress;
    FILE *jsonl; /* metrics.jsonl, or NULL; folder.c opens and closes it */
} zoo_messages;

void zoo_messages_open(zoo_messages *messages, const char *program, bool json, bool quiet);

/* Prints a line on stderr, unless --quiet or --json. */
void zoo_note(const zoo_messages *messages, const char *fmt, ...) DNN_PRINTF(2, 3);
/* Prints "program: text" on stderr, unless --quiet. */
void zoo_notice(const zoo_messages *messages, const char *fmt, ...) DNN_PRINTF(2, 3);
/* Prints "program: text" on stderr and emits an event with the code and the text. */
void zoo_error(zoo_messages *messages, const char *code, const char *fmt, ...) DNN_PRINTF(3, 4);
void zoo_warning(zoo_messages *messages, const char *code, const char *fmt, ...) DNN_PRINTF(3, 4);

/* Returns a new event with its name and time. The caller adds members, then emits it. */
json_t *zoo_event_new(const zoo_messages *messages, const char *name);
void zoo_event_text(json_t *event, const char *key, const char *value); /* NULL becomes null */
void zoo_event_count(json_t *event, const char *key, int64_t value);
/* JSON has no infinity and no NaN: the value becomes null, and "nonfinite" names it. */
void zoo_event_number(json_t *event, const char *key, double value);
/* Adds a time with three decimals. */
void zoo_event_seconds(json_t *event, const char *key, double seconds);
/* Returns the JSON text with the fewest digits that read back as the same numbers. The caller frees
 * it; NULL: no memory. */
char *zoo_json_text(const json_t *value, size_t flags);
/* Writes the event and frees it. */
void zoo_event_emit(const zoo_messages *messages, json_t *event);
/* Flushes metrics.jsonl to the disk. */
void zoo_event_sync(const zoo_messages *messages);

#endif
