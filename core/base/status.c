/* status.c - the errors of a thread: its last message, its pending error, and the log. All state
 * belongs to the calling thread, so nothing locks. Only the first message of a thread allocates. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base.h"

const char *dnn_status_name(dnn_status status)
{
    static const struct {
        dnn_status status;
        const char *name;
    } names[] = {
        {DNN_OK, "DNN_OK"},
        {DNN_DECLINED, "DNN_DECLINED"},
        {DNN_E_INVALID, "DNN_E_INVALID"},
        {DNN_E_NOMEM, "DNN_E_NOMEM"},
        {DNN_E_DEVICE, "DNN_E_DEVICE"},
        {DNN_E_INTERNAL, "DNN_E_INTERNAL"},
        {DNN_E_IO, "DNN_E_IO"},
        {DNN_E_FORMAT, "DNN_E_FORMAT"},
    };

    for (size_t i = 0; i < DNN__COUNT(names); i++) {
        if (names[i].status == status) {
            return names[i].name;
        }
    }
    return "unknown status";
}

/* ---- messages ---- */

/* The last message of this thread. NULL: there is no room for one. */
static dnn__message *own_message(void)
{
    dnn__thread_block *block = dnn__thread_own();

    dnn__self.no_room = block == NULL;
    return block != NULL ? &block->message : NULL;
}

/* Takes the sign off each word "-nan": printf shows the sign of a NaN, which has no meaning. */
static void drop_nan_signs(char *text)
{
    for (char *at = strstr(text, "-nan"); at != NULL; at = strstr(at + 1, "-nan")) {
        bool begins = at == text || strchr(" (=[,", at[-1]) != NULL;

        if (begins && strchr(" ,;:)]", at[4]) != NULL) { /* strchr finds the final 0 too */
            memmove(at, at + 1, strlen(at));
        }
    }
}

/* Formats into a buffer first, because an argument may be the old message. */
static void set_text(dnn_status status, const char *fmt, va_list list)
{
    dnn__message *message = own_message();
    char text[sizeof message->text];

    if (message == NULL) {
        return;
    }
    (void)dnn__vformat(text, sizeof text, fmt, list);
    drop_nan_signs(text);
    memcpy(message->text, text, sizeof text);
    message->is_new = true;
    message->is_placed = false;
    message->status = status;
}

const char *dnn__message_text(void)
{
    return dnn__self.no_room ? "out of memory, also for this message"
                             : dnn__self.block->message.text;
}

dnn__message dnn__message_save(void)
{
    return dnn__self.block->message;
}

void dnn__message_restore(const dnn__message *message)
{
    dnn__message *own = own_message();

    if (own != NULL) {
        *own = *message;
    }
}

dnn_status dnn__fail(dnn_status status, const char *fmt, ...)
{
    va_list list;

    status = status < DNN_E_FORMAT ? DNN_E_INTERNAL : status; /* a plugin may return any number */
    va_start(list, fmt);
    set_text(status, fmt, list);
    va_end(list);
    return status;
}

dnn_status dnn_fail(dnn_status status, const char *fmt, ...)
{
    va_list list;

    if (fmt != NULL) {
        va_start(list, fmt);
        set_text(status, fmt, list);
        va_end(list);
    }
    return status;
}

bool dnn__callback_begin(void)
{
    dnn__message *message = own_message();
    bool before = message != NULL && message->is_new;

    if (message != NULL) {
        message->is_new = false;
    }
    return before;
}

dnn_status dnn__callback_end(bool before, dnn_status status, const char *part, const char *name)
{
    dnn_status pending = dnn__take();
    dnn__message *message = own_message();
    bool has_message = message == NULL || message->is_new;

    status = pending != DNN_OK ? pending : status > 0 ? DNN_E_INVALID : status;
    if (status == DNN_OK) {
        if (message != NULL) {
            message->is_new = before || has_message;
        }
        return DNN_OK;
    }
    if (!has_message) {
        return dnn__fail(status, "%s of %s: it returned %s and no message", part, name,
                         dnn_status_name(status));
    }
    return dnn__fail(status, "%s of %s: %s", part, name,
                     dnn__after_name(dnn__message_text(), name));
}

/* Puts "text: " before the message of the pending error, unless it names its place already. */
static bool begin_pending_with(const char *begin)
{
    dnn__message *message = &dnn__self.block->pending_message;
    char text[sizeof message->text];

    if (dnn__self.pending == DNN_OK || dnn__self.no_room || message->is_placed) {
        return false;
    }
    memcpy(text, message->text, sizeof text);
    snprintf(message->text, sizeof message->text, "%s: %.900s", begin, text);
    return true;
}

bool dnn__callback_left(bool before, dnn_status status, const char *part)
{
    dnn__message *message = own_message();
    bool has_message = message == NULL || message->is_new;

    if (dnn__self.pending == DNN_OK && status == DNN_OK) {
        if (message != NULL) {
            message->is_new = before || has_message;
        }
        return true;
    }
    if (dnn__self.pending == DNN_OK && !has_message) {
        dnn__fail(status, "it failed with %s and left no message", dnn_status_name(status));
    }
    dnn__null(status > 0 ? DNN_E_INVALID : status);
    if (part != NULL) {
        begin_pending_with(part);
    }
    return false;
}

dnn_status dnn__callback_message(void)
{
    const dnn__message *message = own_message();

    return message == NULL                                ? DNN_E_NOMEM
           : message->is_new && message->status != DNN_OK ? message->status
                                                          : DNN_E_INVALID;
}

dnn_status dnn__nomem(const char *what, size_t bytes)
{
    return dnn__fail(DNN_E_NOMEM, "%s: %s bytes: out of memory", what,
                     dnn__number_text(bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes));
}

void *dnn__null(dnn_status status)
{
    if (dnn__self.pending == DNN_OK && status != DNN_OK) {
        dnn__self.pending = status;
        if (dnn__thread_own() != NULL) {
            dnn__self.block->pending_message = dnn__self.block->message;
        }
    }
    return NULL;
}

void dnn__place_pending(const char *place)
{
    if (begin_pending_with(place)) {
        dnn__self.block->pending_message.is_placed = true;
    }
}

bool dnn__ok(dnn_status status)
{
    dnn__null(status);
    return status == DNN_OK;
}

dnn_status dnn__pending(void)
{
    return dnn__self.pending;
}

dnn_status dnn__take(void)
{
    dnn_status status = dnn__self.pending;

    if (status != DNN_OK) {
        dnn__self.pending = DNN_OK;
        if (dnn__thread_own() != NULL) {
            dnn__self.block->message = dnn__self.block->pending_message;
            dnn__self.block->message.is_new = true;
        }
    }
    return status;
}

dnn_status dnn_take_error(void)
{
    return dnn__take();
}

dnn_status dnn_pending(void)
{
    return dnn__pending();
}

const char *dnn_error_message(void)
{
    return dnn__self.pending != DNN_OK && !dnn__self.no_room ? dnn__self.block->pending_message.text
                                                             : dnn__message_text();
}

void dnn__tell_untaken(void)
{
    if (dnn__self.pending != DNN_OK) {
        dnn__log(DNN_LOG_WARN, "libdnn: nobody took this error (%s): %s",
                 dnn_status_name(dnn__self.pending), dnn_error_message());
        dnn__self.pending = DNN_OK;
    }
}

/* ---- log ---- */

static void (*log_callback)(void *, dnn_log_level, const char *);
static void *log_ctx;

void dnn_set_log(void (*log)(void *ctx, dnn_log_level level, const char *text), void *ctx)
{
    log_callback = log;
    log_ctx = ctx;
}

void dnn__vlog(int level, const char *fmt, va_list list)
{
    char text[1200];
    int length;

    if (log_callback == NULL && level < DNN_LOG_WARN) {
        return;
    }
    length = dnn__vformat(text, sizeof text - 1, fmt, list);
    if (log_callback != NULL) {
        log_callback(log_ctx, (dnn_log_level)level, text);
        return;
    }
    if (length < 0) {
        return;
    }
    if (length > (int)sizeof text - 2) {
        length = (int)sizeof text - 2;
    }
    text[length] = '\n';
    /* One write for each line, so that lines of several threads do not mix. A failed write cannot
     * be reported. */
    if (write(STDERR_FILENO, text, (size_t)length + 1) < 0) {
        return;
    }
}

void dnn__log(int level, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    dnn__vlog(level, fmt, list);
    va_end(list);
}
