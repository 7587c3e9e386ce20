/* laid_out.h - what the tests of layouts and of stashes share: a start with one test plugin, an end
 * where nothing is left, what dnn_explain said. */
#ifndef LAID_OUT_H
#define LAID_OUT_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../support/read_value.h"
#include "dnn/dnn.h"
#include "layout.h"

static int passed, failed;
static const char *folder; /* of the test plugins */

static inline bool check(bool ok, const char *what)
{
    if (!ok) {
        printf("FAILED: %s\n", what);
    }
    passed += ok;
    failed += !ok;
    return ok;
}

/* Is the plugin of that id in use? */
static inline bool has_backend(const char *id)
{
    dnn_backend_info info;

    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.id != NULL && info.reason == NULL && strcmp(info.id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Starts the library with one test plugin. Everything else here needs cpu_blas, too. */
static inline bool start(const char *plugin, const char *backend)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, plugin);
    setenv("DNN_PLUGINS", path, 1);
    if (dnn_init(backend) != DNN_OK) {
        printf("FAILED: %s: %s\n", plugin, dnn_error_message());
        failed++;
        return false;
    }
    if (!has_backend("cpu_blas")) {
        printf("FAILED: %s: cpu_blas is not found; DNN_PLUGIN_PATH must name its folder\n", plugin);
        failed++;
        dnn_shutdown();
        return false;
    }
    return true;
}

/* The end of a part: nothing is left. */
static inline void stop(const char *part)
{
    dnn_status status = dnn_take_error();

    check(status == DNN_OK, status == DNN_OK ? part : dnn_error_message());
    dnn_shutdown();
    if (!check(dnn_live_tensors() == 0 && dnn_live_bytes(NULL) == 0, part)) {
        printf("  %lld tensors, %lld bytes are left\n", (long long)dnn_live_tensors(),
               (long long)dnn_live_bytes(NULL));
    }
}

static inline bool is_private(const dnn_tensor *t)
{
    return t != NULL && dnn__layout_of(t->storage) != 0;
}

static inline bool same(dnn_tensor *a, dnn_tensor *b)
{
    float worst = 1;
    double value;

    if (a == NULL || b == NULL || dnn_dtype_of(a) != dnn_dtype_of(b) || a->ndim != b->ndim ||
        memcmp(a->dim, b->dim, sizeof a->dim[0] * (size_t)a->ndim) != 0) {
        return false;
    }
    if (dnn_numel(a) == 0) {
        return true;
    }
    worst = read_value(dnn_amax(dnn_abs(dnn_sub(a, b))), &value) == DNN_OK ? (float)value : 1;
    return worst == 0;
}

static char said[4000];

static inline void keep(void *ctx, const char *op, const char *plugin, const char *kernel,
                        const char *answer)
{
    size_t n = strlen(said);

    (void)ctx;
    snprintf(said + n, sizeof said - n, "%s %s %s: %s\n", op, plugin, kernel, answer);
}

#endif
