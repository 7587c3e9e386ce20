/* host_table.c - the functions that plugins and readers call: errors, log, memory, the pool, names
 * of private layouts. The tables are valid for the life of the process. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "plugin_impl.h"

static dnn_status host_fail(dnn_status status, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    dnn__plugin_text_set(fmt, list);
    va_end(list);
    return status;
}

static void host_log(int level, const char *fmt, ...)
{
    char text[1024];
    va_list list;

    va_start(list, fmt);
    (void)dnn__vformat(text, sizeof text, fmt, list);
    va_end(list);
    dnn__log(level, "%s", text);
}

enum { MAX_LAYOUTS = 4096 };
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static char **layouts;
static int64_t n_layouts, cap_layouts;

static uint32_t host_layout(const char *text)
{
    uint32_t id = 0;

    if (text == NULL || strchr(text, '/') == NULL) {
        return 0;
    }
    pthread_mutex_lock(&names_lock);
    for (int64_t i = 0; i < n_layouts && id == 0; i++) {
        id = strcmp(layouts[i], text) == 0 ? (uint32_t)i + 1 : 0;
    }
    if (id == 0 && n_layouts < MAX_LAYOUTS &&
        dnn__reserve((void **)&layouts, &cap_layouts, n_layouts + 1, sizeof *layouts, "layouts") ==
            DNN_OK &&
        (layouts[n_layouts] = dnn__strdup(text)) != NULL) {
        id = (uint32_t)++n_layouts;
    }
    pthread_mutex_unlock(&names_lock);
    return id;
}

static const char *host_layout_name(uint32_t id)
{
    const char *name;

    pthread_mutex_lock(&names_lock);
    name = id >= 1 && (int64_t)id <= n_layouts ? layouts[id - 1] : NULL;
    pthread_mutex_unlock(&names_lock);
    return name;
}

void dnn__layout_names_drop(void)
{
    for (int64_t i = 0; i < n_layouts; i++) {
        dnn__free(layouts[i]);
    }
    dnn__free(layouts);
    layouts = NULL;
    n_layouts = cap_layouts = 0;
}

static const void *no_extension(const char *id)
{
    (void)id;
    return NULL;
}

const dnn_host dnn__host = {
    .size = sizeof(dnn_host),
    .abi_minor = DNN_PLUGIN_TARGET, /* the core is always built for the newest */
    .fail = host_fail,
    .log = host_log,
    .alloc = dnn__alloc_aligned,
    .free = dnn__free,
    .threads = dnn__call_threads,
    .parallel_for = dnn__parallel_for,
    .layout = host_layout,
    .layout_name = host_layout_name,
    .extension = no_extension,
};
const dnn_reader_host dnn__reader_host = {
    .size = sizeof(dnn_reader_host),
    .abi_minor = DNN_READER_TARGET,
    .fail = host_fail,
    .log = host_log,
    .alloc = dnn__alloc_aligned,
    .free = dnn__free,
    .extension = no_extension,
};
