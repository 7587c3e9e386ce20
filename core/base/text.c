/* text.c - text in a buffer of fixed size, and shapes and numbers as messages show them. Nothing
 * allocates. */
#include <math.h>
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
    n = vsnprintf(text->at, text->room, fmt, list);
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

enum { N_BUFFERS = 6, BUFFER_BYTES = 192 };

/* Returns the thread's buffers one after the other. */
static char *next_buffer(void)
{
    static _Thread_local char buffers[N_BUFFERS][BUFFER_BYTES];
    static _Thread_local unsigned turn;

    return buffers[turn++ % N_BUFFERS];
}

const char *dnn__shape_text(int ndim, const int64_t *dim)
{
    char *buffer = next_buffer();
    dnn__text text = dnn__text_to(buffer, BUFFER_BYTES);

    dnn__put_shape(&text, ndim, dim);
    return buffer;
}

const char *dnn__number_text(int64_t number)
{
    char *buffer = next_buffer(), digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
    int first = number < 0 ? 1 : 0, out = 0;

    for (int i = 0; i < n; i++) {
        if (i > first && (n - i) % 3 == 0) {
            buffer[out++] = ',';
        }
        buffer[out++] = digits[i];
    }
    buffer[out] = 0;
    return buffer;
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
    } while (strtod(digits, NULL) != number && ++precision < 17);
    exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < 16) {
        dnn__text to = dnn__text_to(digits, sizeof(digits));

        dnn__put(&to, "%.*f", precision > exponent ? precision - exponent : 1, number);
    }
    for (char *at = digits; *at != 0; at++) {
        if (*at == ',') {
            *at = '.'; /* the decimal separator of the locale may be another */
        }
    }
    dnn__put(text, "%s", digits);
}
