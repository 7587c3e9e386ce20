/* progress.c - the clock, and the progress line: epoch, bar, rate, loss, time to the end. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
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

void zoo_progress_open(zoo_progress *p, bool allowed)
{
    setlocale(LC_CTYPE, "");
    *p = (zoo_progress){.enabled = allowed && isatty(STDERR_FILENO) != 0,
                        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
}

void zoo_progress_clear(zoo_progress *p)
{
    if (p->drawn) {
        fputs("\r\033[K", stderr);
        p->drawn = false;
    }
}

enum { BAR = 20 }; /* characters */

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
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

/* Draws 20 characters, of which the first batch * 20 / batches are full. */
static void draw_bar(const zoo_progress *p, int64_t batch, int64_t batches, char *bar)
{
    int full = batches > 0 ? (int)(batch * BAR / batches) : BAR;

    *bar = 0;
    for (int i = 0; i < BAR; i++) {
        strcat(bar, i < full ? (p->utf8 ? "█" : "#") : (p->utf8 ? "░" : "-"));
    }
}

/* Writes the whole line, or a short one if the terminal is too narrow. */
static void make_line(const zoo_progress *p, const zoo_epoch *e, int64_t batch, int64_t batches,
                      char *line, size_t bytes)
{
    char bar[BAR * 3 + 1], rate[40], eta[40];
    int n;

    draw_bar(p, batch, batches, bar);
    n = snprintf(line, bytes, "epoch %lld/%lld %s%s%s  %lld/%lld  %s/s  loss %.4f  lr %.4g  ETA %s",
                 (long long)e->epoch, (long long)e->epochs, p->utf8 ? "" : "[", bar,
                 p->utf8 ? "" : "]", (long long)batch, (long long)batches,
                 zoo_grouped(e->samples_per_second, rate, sizeof rate), e->train.loss, e->lr,
                 clock_text(e->eta_seconds, eta, sizeof eta));
    if (n - (p->utf8 ? 2 * BAR : 0) >= columns()) {
        snprintf(line, bytes, "epoch %lld/%lld %lld/%lld loss %.4f", (long long)e->epoch,
                 (long long)e->epochs, (long long)batch, (long long)batches, e->train.loss);
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
    make_line(p, e, batch, batches, line, sizeof line);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    p->drawn = true;
}
