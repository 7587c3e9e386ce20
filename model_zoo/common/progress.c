/* progress.c - the line on a terminal that says how far an epoch is. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "report.h"

void zoo_clear_line(zoo_report *r)
{
    if (r->drawn) {
        fputs("\r\033[K", stderr);
        r->drawn = false;
    }
}

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* 41,200 */
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

void zoo_report_batch(zoo_report *r, const zoo_epoch *e, int64_t batch, int64_t batches)
{
    enum { BAR = 20 };
    char bar[BAR * 3 + 1] = "", line[256], rate[40], eta[40];
    double now = zoo_now();
    int full = batches > 0 ? (int)(batch * BAR / batches) : BAR;
    int n;

    if (!r->terminal || r->options->quiet || r->options->json ||
        (now - r->last_drawn < 0.1 && batch < batches)) {
        return;
    }
    r->last_drawn = now;
    for (int i = 0; i < BAR; i++) {
        strcat(bar, i < full ? (r->utf8 ? "█" : "#") : (r->utf8 ? "░" : "-"));
    }
    n = snprintf(
        line, sizeof line, "epoch %lld/%lld %s%s%s  %lld/%lld  %s/s  loss %.4f  lr %.4g  ETA %s",
        (long long)e->epoch, (long long)e->epochs, r->utf8 ? "" : "[", bar, r->utf8 ? "" : "]",
        (long long)batch, (long long)batches, zoo_grouped(e->samples_per_second, rate, sizeof rate),
        e->train.loss, e->lr, clock_text(e->eta_seconds, eta, sizeof eta));
    if (n - (r->utf8 ? 2 * BAR : 0) >= columns()) {
        snprintf(line, sizeof line, "epoch %lld/%lld %lld/%lld loss %.4f", (long long)e->epoch,
                 (long long)e->epochs, (long long)batch, (long long)batches, e->train.loss);
    }
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    r->drawn = true;
}
