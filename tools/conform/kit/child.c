/* child.c - functions for the child processes of the kit: sending records to the parent, noting the
 * position, opening the plugin as the library does. */
#include "kit.h"
#include "plugin_impl.h"
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A record is shorter than PIPE_BUF, so write() sends all of it or nothing. */
void kit_send(const kit_child *child, const kit_record *record)
{
    if (write(child->out, record, sizeof *record) != (ssize_t)sizeof *record)
        _exit(1); /* the parent has closed the pipe */
}

void kit_sendf(const kit_child *child, enum kit_kind kind, int row, uint32_t dtype, const char *fmt,
               ...)
{
    kit_record r = {.kind = (int32_t)kind, .row = row, .dtype = dtype};
    va_list list;

    va_start(list, fmt);
    vsnprintf(r.text, sizeof r.text, fmt, list);
    va_end(list);
    kit_send(child, &r);
}

void kit_doing(const kit_child *child, int row, uint32_t dtype, const char *fmt, ...)
{
    kit_note *note = child->note;
    va_list list;

    note->row = row;
    note->dtype = dtype;
    note->fault[0] = 0;
    va_start(list, fmt);
    vsnprintf(note->doing, sizeof note->doing, fmt, list);
    va_end(list);
    note->beat++;
}

bool kit_selected(const kit_child *child, const char *op)
{
    return child->options->pattern == NULL || fnmatch(child->options->pattern, op, 0) == 0;
}

const dnn_plugin *kit_open(const kit_child *child)
{
    const char *path = child->options->file;
    dnn_plugin_v1_fn entry;
    dnn__plugin *adopted = NULL;
    void *symbol = NULL;
    const dnn_plugin *table;

    kit_doing(child, -1, 0, "opening the file");
    if (dnn__open_symbol(path, "dnn_plugin_v1", &symbol) != DNN_OK) {
        kit_sendf(child, KIT_FAIL, -1, 0, "%s", dnn_error_message());
        kit_sendf(child, KIT_STOP, -1, 0, "not opened");
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry);
    kit_doing(child, -1, 0, "dnn_plugin_v1()");
    table = entry();
    if (table != entry())
        kit_sendf(child, KIT_FAIL, -1, 0, "dnn_plugin_v1() returns another table the second time");
    kit_doing(child, -1, 0, "looking at its table");
    if (dnn__adopt_plugin(path, NULL, table, &adopted) != DNN_OK) {
        kit_sendf(child, KIT_FAIL, -1, 0, "%s", dnn_error_message());
        kit_sendf(child, KIT_STOP, -1, 0, "not opened");
        return NULL;
    }
    dnn__free(adopted);
    return table;
}
