/* progress.c - the clock, and the progress line: epoch, bar, rate, loss, time to the end. */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "progress.h"

double zoo_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A dumb terminal has no escape sequences, and without them no line can be erased. */
static bool has_escapes(void)
{
    const char *term = getenv("TERM");

    return term != NULL && *term != 0 && strcmp(term, "dumb") != 0;
}

void zoo_progress_open(zoo_progress *p, bool allowed)
{
    setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: numbers have a point everywhere */
    *p = (zoo_progress){.enabled = allowed && isatty(STDERR_FILENO) != 0 && has_escapes(),
                        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
}

void zoo_progress_clear(zoo_progress *p)
{
    if (p->drawn) {
        fputs("\r\033[K", stderr);
        p->drawn = false;
    }
}

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

double zoo_plain(double number)
{
    return isnan(number) ? (double)NAN : number;
}

const char *zoo_grouped(double number, char *text, size_t bytes)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", number), out = 0;

    for (int i = 0; i < n && out < (int)bytes - 2; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            text[out++] = ',';
        }
        text[out++] = digits[i];
    }
    text[out] = 0;
    return text;
}

/* "1:02:03" or "2:03". */
static const char *clock_text(double seconds, char *text, size_t bytes)
{
    long s = seconds > 0 && seconds < 1e9 ? (long)(seconds + 0.5) : 0;

    if (s >= 3600) {
        snprintf(text, bytes, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    } else {
        snprintf(text, bytes, "%ld:%02ld", s / 60, s % 60);
    }
    return text;
}

/* The forms of the line, the longest first. The bar shrinks first, then the lr, the bar and the
 * words go, then digits. The other numbers stay. */
static const struct form {
    const char *epoch, *gap, *loss, *lr, *eta; /* texts before the numbers; lr: NULL without it */
    int bar;                                   /* least characters of the bar; 0: no bar */
    bool digits;                               /* all digits of rate and loss */
} forms[] = {
    {"epoch ", "  ", "loss ", "lr ", "ETA ", 4, true},
    {"epoch ", " ", "loss ", NULL, "ETA ", 4, true},
    {"epoch ", " ", "loss ", NULL, "ETA ", 0, true},
    {"", " ", "loss ", NULL, "", 0, true},
    {"", " ", "", NULL, "", 0, true},
    {"", " ", "", NULL, "", 0, false},
};
enum { N_FORMS = sizeof forms / sizeof forms[0], BAR_MOST = 20, BAR_BYTES = BAR_MOST * 3 + 4 };

/* Draws n characters, of which the first batch * n / batches are full. */
static void draw_bar(bool utf8, int64_t batch, int64_t batches, int n, char *bar)
{
    int full = batches > 0 ? (int)((double)batch * n / (double)batches) : n;

    strcpy(bar, utf8 || n == 0 ? "" : "[");
    for (int i = 0; i < n; i++) {
        strcat(bar, i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : "-"));
    }
    strcat(bar, utf8 || n == 0 ? "" : "]");
}

/* "41,200", or "41k" where there is no room. */
static const char *rate_text(double rate, bool digits, char *text, size_t bytes)
{
    if (digits || rate < 1e3) {
        return zoo_grouped(rate, text, bytes);
    }
    snprintf(text, bytes, "%.0f%c", rate < 1e6 ? rate / 1e3 : rate / 1e6, rate < 1e6 ? 'k' : 'M');
    return text;
}

/* Writes the line in that form. Returns its length in bytes. */
static int write_form(const struct form *f, const zoo_epoch *e, const char *batch, const char *bar,
                      char *line, size_t bytes)
{
    char rate[40], loss[40], lr[40] = "", eta[40];

    snprintf(loss, sizeof loss, "%.*f", f->digits ? 4 : 2, zoo_plain(e->train.loss));
    if (f->lr != NULL) {
        snprintf(lr, sizeof lr, "%s%s%.4g", f->gap, f->lr, e->lr);
    }
    return snprintf(line, bytes, "%s%lld/%lld%s%s%s%s%s%s/s%s%s%s%s%s%s%s", f->epoch,
                    (long long)e->epoch, (long long)e->epochs, f->bar > 0 ? " " : "", bar, f->gap,
                    batch, f->gap, rate_text(e->samples_per_second, f->digits, rate, sizeof rate),
                    f->gap, f->loss, loss, lr, f->gap, f->eta,
                    clock_text(e->eta_seconds, eta, sizeof eta));
}

void zoo_progress_line(bool utf8, const zoo_epoch *e, int64_t batch, int64_t batches, int columns,
                       char *line, size_t bytes)
{
    char bar[BAR_BYTES], count[48];
    int room = 0, form = 0;

    snprintf(count, sizeof count, "%lld/%lld", (long long)batch, (long long)batches);
    for (form = 0; form < N_FORMS; form++) {
        room = columns - 1 - write_form(&forms[form], e, count, "", line, bytes);
        if (room >= forms[form].bar + (forms[form].bar > 0 && !utf8 ? 2 : 0)) {
            break;
        }
    }
    if (form == N_FORMS) { /* numbers beyond all measure: a line that wraps could not be erased */
        line[columns > 0 ? columns - 1 : 0] = 0;
    } else if (forms[form].bar > 0) {
        room -= utf8 ? 0 : 2;
        draw_bar(utf8, batch, batches, room < BAR_MOST ? room : BAR_MOST, bar);
        write_form(&forms[form], e, count, bar, line, bytes);
    }
}

void zoo_progress_draw(zoo_progress *p, const zoo_epoch *e, int64_t batch, int64_t batches)
{
    char line[256];
    double now = zoo_now();

    if (!p->enabled || (now - p->last_drawn < 0.1 && batch < batches)) {
        return;
    }
    p->last_drawn = now;
    zoo_progress_line(p->utf8, e, batch, batches, columns(), line, sizeof line);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    p->drawn = true;
}
