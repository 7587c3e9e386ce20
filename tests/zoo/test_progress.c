/* test_progress.c - the progress line in every width, the numbers of lines and events. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "message.h"

static int passed, failed;

static void check(bool holds, const char *what, const char *text)
{
    if (holds) {
        passed++;
    } else {
        failed++;
        printf("FAILED %s: \"%s\"\n", what, text);
    }
}

/* Characters of the line: the bytes that do not continue a character of UTF-8. */
static int width_of(const char *line)
{
    int n = 0;

    for (; *line != 0; line++) {
        n += ((unsigned char)*line & 0xc0) != 0x80;
    }
    return n;
}

static bool has_bar(const char *line, bool utf8)
{
    return strstr(line, utf8 ? "░" : "-") != NULL || strstr(line, utf8 ? "█" : "#") != NULL;
}

/* ---- the line ---- */

static void line_keeps_its_numbers(bool utf8, int columns, int64_t batches)
{
    zoo_epoch e = {.epoch = 10, .epochs = 100, .lr = 0.01};
    char line[256], count[48], what[80];

    e.train.loss = 0.1234;
    e.samples_per_second = 41200;
    e.eta_seconds = 3723;
    zoo_progress_line(utf8, &e, batches / 2, batches, columns, line, sizeof line);
    snprintf(count, sizeof count, " %lld/%lld ", (long long)(batches / 2), (long long)batches);
    snprintf(what, sizeof what, "%d columns, %lld batches", columns, (long long)batches);
    check(width_of(line) < columns, what, line);
    check(strstr(line, "10/100") != NULL, what, line);
    check(strstr(line, count) != NULL, what, line);
    check(strstr(line, " 41,200/s") != NULL || (columns < 50 && strstr(line, " 41k/s")), what,
          line);
    check(strstr(line, " 0.12") != NULL, what, line);
    check(strstr(line, " 1:02:03") != NULL, what, line);
    check(columns < 80 || (has_bar(line, utf8) && strstr(line, "lr 0.01") != NULL), what, line);
}

static void a_line_never_wraps(void)
{
    zoo_epoch e = {.epoch = 1000000, .epochs = 1000000, .lr = 1e-300, .eta_seconds = 9e8};
    char line[256];

    e.train.loss = 1e30;
    e.samples_per_second = 1e12;
    zoo_progress_line(true, &e, INT64_MAX, INT64_MAX, 40, line, sizeof line);
    check(width_of(line) < 40, "numbers beyond all measure", line);
    e.train.loss = -NAN;
    zoo_progress_line(false, &e, 1, 1, 200, line, sizeof line);
    check(strstr(line, "loss nan") != NULL, "a NaN has no sign", line);
}

/* ---- events ---- */

static void check_json(json_t *value, const char *expected)
{
    char *text = zoo_json_text(value, JSON_COMPACT);

    check(text != NULL && strcmp(text, expected) == 0, expected, text != NULL ? text : "NULL");
    free(text);
    json_decref(value);
}

static void events_have_short_numbers(void)
{
    json_t *event = json_object();

    zoo_event_seconds(event, "t", 0.35099999999999998);
    zoo_event_number(event, "lr", 0.1);
    check_json(event, "{\"t\":0.351,\"lr\":0.1}");
    event = json_object();
    zoo_event_seconds(event, "t", 12.0004);
    zoo_event_number(event, "third", 1.0 / 3);
    check_json(event, "{\"t\":12.0,\"third\":0.3333333333333333}");
    event = json_object();
    zoo_event_number(event, "loss", -NAN);
    check_json(event, "{\"loss\":null,\"nonfinite\":\"nan\"}");
}

int main(void)
{
    for (int columns = 40; columns <= 200; columns++) {
        for (int64_t batches = 1; batches < 1000000; batches = batches * 10 + 9) {
            line_keeps_its_numbers(true, columns, batches);
            line_keeps_its_numbers(false, columns, batches);
        }
    }
    a_line_never_wraps();
    events_have_short_numbers();
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
