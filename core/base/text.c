/* text.c - text in a buffer of fixed size, and shapes and numbers as messages show them. Nothing
 * allocates. */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base.h"

dnn__text dnn__text_to(char *buffer, size_t bytes)
{
    if (bytes > 0) {
        buffer[0] = 0;
    }
    return (dnn__text){buffer, bytes, 0};
}

static locale_t c_locale;

/* glibc and musl return a constant for "C": nothing is allocated, and it cannot fail. */
static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t the_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, make_c_locale);
    return c_locale;
}

int dnn__vformat(char *buffer, size_t bytes, const char *fmt, va_list list)
{
    locale_t before = uselocale(the_c_locale());
    int n = vsnprintf(buffer, bytes, fmt, list);

    (void)uselocale(before);
    return n;
}

double dnn__strtod(const char *text, char **end)
{
    return strtod_l(text, end, the_c_locale());
}

const char *dnn__after_name(const char *text, const char *name)
{
    size_t n = strlen(name);

    return n > 0 && strncmp(text, name, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2
                                                                                   : text;
}

void dnn__put(dnn__text *text, const char *fmt, ...)
{
    va_list list;
    int n;

    va_start(list, fmt);
    n = dnn__vformat(text->at, text->room, fmt, list);
    va_end(list);
    if (n < 0) {
        return;
    }
    text->length += (size_t)n;
    if ((size_t)n < text->room) {
        text->at += n;
        text->room -= (size_t)n;
    } else if (text->room > 0) {
        text->at += text->room - 1; /* stays at the final 0 */
        text->room = 1;
    }
}

void dnn__put_shape(dnn__text *text, int ndim, const int64_t *dim)
{
    dnn__put(text, "[");
    for (int i = 0; i < ndim; i++) {
        dnn__put(text, i > 0 ? ",%lld" : "%lld", (long long)dim[i]);
    }
    dnn__put(text, "]");
}

/* Returns the thread's buffers one after the other; NULL if there is no memory for them. */
static char *next_buffer(void)
{
    dnn__thread_block *block = dnn__thread_own();

    return block != NULL ? block->text_buffer[block->turn++ % DNN__TEXT_BUFFERS] : NULL;
}

const char *dnn__shape_text(int ndim, const int64_t *dim)
{
    char *buffer = next_buffer();
    dnn__text text = dnn__text_to(buffer, buffer != NULL ? DNN__TEXT_BYTES : 0);

    dnn__put_shape(&text, ndim, dim);
    return buffer != NULL ? buffer : "?";
}

const char *dnn__number_text(int64_t number)
{
    char *buffer = next_buffer(), digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
    int first = number < 0 ? 1 : 0, out = 0;

    if (buffer == NULL) {
        return "?";
    }
    for (int i = 0; i < n; i++) {
        if (i > first && (n - i) % 3 == 0) {
            buffer[out++] = ',';
        }
        buffer[out++] = digits[i];
    }
    buffer[out] = 0;
    return buffer;
}

void dnn__put_number(dnn__text *text, double number, int precision, char form)
{
    dnn__put(text, form == 'e' ? "%.*e" : "%.*f", precision, number);
}

const char *dnn__float_text(double number)
{
    char *buffer = next_buffer();
    dnn__text text = dnn__text_to(buffer, buffer != NULL ? DNN__TEXT_BYTES : 0);

    dnn__put(&text, "%g", number);
    return buffer != NULL ? buffer : "?";
}

/* Writes the fewest digits that read back as the number, with an exponent below 1e-4 and from 1e16
 * on, as Python's repr does. */
void dnn__put_float(dnn__text *text, double number)
{
    char digits[40];
    int precision = 0, exponent;

    if (!__builtin_isfinite(number)) {
        dnn__put(text, "%s", number != number ? "nan" : number > 0 ? "inf" : "-inf");
        return;
    }
    do {
        dnn__text to = dnn__text_to(digits, sizeof(digits));

        dnn__put(&to, "%.*e", precision, number);
    } while (dnn__strtod(digits, NULL) != number && ++precision < 17);
    exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < 16) {
        dnn__text to = dnn__text_to(digits, sizeof(digits));

        dnn__put(&to, "%.*f", precision > exponent ? precision - exponent : 1, number);
    }
    dnn__put(text, "%s", digits);
}
