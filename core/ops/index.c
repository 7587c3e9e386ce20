/* index.c - basic indexing by text: "1:3, 2", "...", "None". The result is a view. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "ops_impl.h"

struct cursor {
    const char *text, *at;
    dnn_tensor *source; /* the operand */
    dnn_tensor *view;   /* of the items so far; owned unless it is source */
    int axis;           /* of view, which the next item indexes */
    bool has_ellipsis;
};

static dnn_status bad_text(const struct cursor *c, const char *fault)
{
    return dnn__fail(DNN_E_INVALID, "index: \"%s\": column %d: %s", c->text,
                     (int)(c->at - c->text) + 1, fault);
}

static dnn_status too_many_items(const struct cursor *c)
{
    return dnn__fail(DNN_E_INVALID, "index: \"%s\": column %d: more items than x %s has dims, %d",
                     c->text, (int)(c->at - c->text) + 1, dnn__dims_text(c->source),
                     c->source->ndim);
}

static void skip_blanks(struct cursor *c)
{
    while (*c->at == ' ' || *c->at == '\t') {
        c->at++;
    }
}

static bool take_char(struct cursor *c, char want)
{
    skip_blanks(c);
    if (*c->at != want) {
        return false;
    }
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);

    skip_blanks(c);
    if (strncmp(c->at, word, n) != 0) {
        return false;
    }
    c->at += n;
    return true;
}

/* Reads an optional sign and digits; *found = there were digits. */
static dnn_status take_number(struct cursor *c, int64_t *value, bool *found)
{
    const char *begin;
    bool negative;
    int64_t n = 0;

    skip_blanks(c);
    begin = c->at;
    negative = *c->at == '-';
    c->at += *c->at == '-' || *c->at == '+';
    *found = *c->at >= '0' && *c->at <= '9';
    if (!*found) {
        return c->at == begin ? DNN_OK : bad_text(c, "a sign without digits");
    }
    for (; *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (__builtin_mul_overflow(n, (int64_t)10, &n) ||
            __builtin_add_overflow(n, (int64_t)(*c->at - '0'), &n)) {
            return bad_text(c, "a number beyond 64 bits");
        }
    }
    *value = negative ? -n : n;
    return DNN_OK;
}

/* The number of items in text that index an axis of x: "..." stands for the other axes. */
static int count_axes(const char *text)
{
    int axes = 0;
    bool other = false, blank = true;

    for (const char *p = text;; p++) {
        if (*p == ',' || *p == 0) {
            axes += !blank && !other;
            other = false;
            blank = true;
            if (*p == 0) {
                return axes;
            }
        } else if (*p != ' ' && *p != '\t') {
            other = other || *p == '.' || *p == 'N';
            blank = false;
        }
    }
}

/* Makes `view` the current view. If it is NULL: returns the pending error. */
static dnn_status advance(struct cursor *c, dnn_tensor *view)
{
    if (view == NULL) {
        return dnn__take();
    }
    if (c->view != c->source) {
        dnn_release(c->view);
    }
    c->view = view;
    return DNN_OK;
}

static dnn_status index_range(struct cursor *c, bool has_start, int64_t start)
{
    int64_t stop = INT64_MAX, step = 1;
    bool found = false;

    DNN_TRY(take_number(c, &stop, &found));
    if (!found) {
        stop = INT64_MAX;
    }
    if (take_char(c, ':')) {
        DNN_TRY(take_number(c, &step, &found));
        step = found ? step : 1;
    }
    DNN_TRY(advance(c, dnn_slice(c->view, c->axis, has_start ? start : 0, stop, step)));
    c->axis++;
    return DNN_OK;
}

static dnn_status index_item(struct cursor *c)
{
    int64_t start = 0;
    bool found = false;

    if (take_word(c, "...")) {
        if (c->has_ellipsis) {
            return bad_text(c, "a second \"...\"");
        }
        c->has_ellipsis = true;
        c->axis = c->view->ndim - count_axes(c->at);
        return c->axis >= 0 ? DNN_OK : too_many_items(c);
    }
    if (take_word(c, "None")) {
        DNN_TRY(advance(c, dnn_unsqueeze(c->view, c->axis)));
        c->axis++;
        return DNN_OK;
    }
    DNN_TRY(take_number(c, &start, &found));
    if (c->axis >= c->view->ndim) {
        return too_many_items(c);
    }
    if (take_char(c, ':')) {
        return index_range(c, found, start);
    }
    if (!found) {
        return bad_text(c, "expected a number, a:b:c, \"...\" or None");
    }
    return advance(c, dnn_select(c->view, c->axis, start));
}

static dnn_status index_items(struct cursor *c)
{
    do {
        DNN_TRY(index_item(c));
    } while (take_char(c, ','));
    return *c->at == 0 ? DNN_OK : bad_text(c, "expected a comma or the end");
}

static dnn_tensor *index_text(dnn_tensor *x, const char *text)
{
    struct cursor c = {.text = text, .at = text, .source = x, .view = x};
    dnn_status st = index_items(&c);

    if (st == DNN_OK && c.view == x) { /* "..." alone makes a new view, as in PyTorch */
        return dnn__call_view(DNN_OP_view, x, x->ndim, x->dim, x->stride, x->offset, NULL);
    }
    if (st != DNN_OK) {
        if (c.view != x) {
            dnn_release(c.view);
        }
        return dnn__null(st);
    }
    return c.view;
}

dnn_tensor *dnn_index(dnn_tensor *x, const char *text, ...)
{
    char items[512];
    va_list list;
    int length;

    if (!dnn__ready("index", x)) {
        return NULL;
    }
    if (text == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "index: text is NULL"));
    }
    va_start(list, text);
    length = dnn__vformat(items, sizeof items, text, list);
    va_end(list);
    if (length < 0 || length >= (int)sizeof items) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "index: the text has %d bytes, at most %zu",
                                   length, sizeof items - 1));
    }
    return index_text(x, items);
}
