/* message.c - lines for people and events for programs. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include "message.h"

void zoo_messages_open(zoo_messages *m, const char *program, bool json, bool quiet)
{
    *m = (zoo_messages){.program = program, .json = json, .quiet = quiet, .started = zoo_now()};
    zoo_progress_open(&m->progress, !json && !quiet);
}

/* ---- events ---- */

json_t *zoo_event_new(const zoo_messages *m, const char *name)
{
    json_t *event = json_object();

    zoo_event_text(event, "event", name);
    zoo_event_seconds(event, "t", zoo_now() - m->started);
    return event;
}

void zoo_event_text(json_t *event, const char *key, const char *value)
{
    json_object_set_new(event, key, value != NULL ? json_string(value) : json_null());
}

void zoo_event_count(json_t *event, const char *key, int64_t value)
{
    json_object_set_new(event, key, json_integer(value));
}

void zoo_event_number(json_t *event, const char *key, double value)
{
    if (isfinite(value)) {
        json_object_set_new(event, key, json_real(value));
        return;
    }
    json_object_set_new(event, key, json_null());
    zoo_event_text(event, "nonfinite", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

void zoo_event_seconds(json_t *event, const char *key, double seconds)
{
    zoo_event_number(event, key, isfinite(seconds) ? round(seconds * 1e3) / 1e3 : seconds);
}

char *zoo_json_text(const json_t *value, size_t flags)
{
    /* 0.351 is 0.35099999999999998 in 17 digits, and 0.351 in 9. Some doubles need more than 9. */
    for (size_t digits = 9; digits < 17; digits++) {
        char *text = json_dumps(value, flags | JSON_REAL_PRECISION(digits));
        json_t *back = text != NULL ? json_loads(text, 0, NULL) : NULL;
        bool same = json_equal(value, back) != 0;

        json_decref(back);
        if (same || text == NULL) {
            return text;
        }
        free(text);
    }
    return json_dumps(value, flags | JSON_REAL_PRECISION(17));
}

static void write_line(FILE *file, const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9));

    if (text != NULL) {
        fprintf(file, "%s\n", text);
        fflush(file);
    }
    free(text);
}

void zoo_event_emit(const zoo_messages *m, json_t *event)
{
    if (m->json) {
        write_line(stdout, event);
    }
    if (m->jsonl != NULL) {
        write_line(m->jsonl, event);
    }
    json_decref(event);
}

void zoo_event_sync(const zoo_messages *m)
{
    if (m->jsonl != NULL) {
        fsync(fileno(m->jsonl));
    }
}

/* ---- lines ---- */

void zoo_note(const zoo_messages *m, const char *fmt, ...)
{
    va_list list;

    if (m->quiet || m->json) {
        return;
    }
    va_start(list, fmt);
    vfprintf(stderr, fmt, list);
    va_end(list);
    fputc('\n', stderr);
}

void zoo_notice(const zoo_messages *m, const char *fmt, ...)
{
    va_list list;

    if (m->quiet) {
        return;
    }
    fprintf(stderr, "%s: ", m->program);
    va_start(list, fmt);
    vfprintf(stderr, fmt, list);
    va_end(list);
    fputc('\n', stderr);
}

static void report(zoo_messages *m, const char *kind, const char *code, const char *fmt,
                   va_list list)
{
    json_t *event = zoo_event_new(m, kind);
    char *made = NULL;
    const char *text = vasprintf(&made, fmt, list) >= 0 ? made : "out of memory";

    zoo_progress_clear(&m->progress);
    fprintf(stderr, "%s: %s\n", m->program, text);
    zoo_event_text(event, "code", code);
    zoo_event_text(event, "message", text);
    zoo_event_emit(m, event);
    if (text == made) {
        free(made);
    }
}

void zoo_error(zoo_messages *m, const char *code, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    report(m, "error", code, fmt, list);
    va_end(list);
}

void zoo_warning(zoo_messages *m, const char *code, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    report(m, "warning", code, fmt, list);
    va_end(list);
}
