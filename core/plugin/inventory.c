/* inventory.c - the list of what was looked at: each plugin file and reader file, in use or why
 * not, kept for dnn_backend_at until the library stops or starts again. */
#include <string.h>
#include <sys/stat.h>
#include "plugin_impl.h"

static dnn__looked **all_looked;
static int64_t n_looked, cap_looked;

dnn_status dnn__looked_add(const char *path, bool reader, dnn__looked **out)
{
    dnn__looked *l;

    DNN_TRY(dnn__reserve((void **)&all_looked, &cap_looked, n_looked + 1, sizeof *all_looked,
                         "plugins"));
    l = dnn__calloc(1, sizeof *l);
    if (l == NULL || (l->path = dnn__strdup(path)) == NULL) {
        dnn__free(l);
        return dnn__nomem("plugins", sizeof *l);
    }
    l->reader = reader;
    all_looked[n_looked++] = l;
    *out = l;
    return DNN_OK;
}

dnn_status dnn__looked_reason(dnn__looked *looked, const char *reason)
{
    dnn__free(looked->reason);
    looked->reason = dnn__strdup(reason);
    return looked->reason != NULL ? DNN_OK : dnn__nomem("plugins", strlen(reason) + 1);
}

dnn__looked *dnn__looked_at(int64_t index)
{
    return index >= 0 && index < n_looked ? all_looked[index] : NULL;
}

int64_t dnn__looked_count(void)
{
    return n_looked;
}

const char *dnn__looked_path(const dnn__plugin *plugin)
{
    for (int64_t i = 0; i < n_looked; i++) {
        if (all_looked[i]->plugin == plugin) {
            return all_looked[i]->path;
        }
    }
    return "(built in)";
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Is the file one of those in use, under this or another name? */
bool dnn__looked_in_use(const char *path)
{
    for (int64_t i = 0; i < n_looked; i++) {
        if (all_looked[i]->plugin != NULL && same_file(all_looked[i]->path, path)) {
            return true;
        }
    }
    return false;
}

void dnn__looked_unload(void)
{
    for (int64_t i = 0; i < n_looked; i++) {
        all_looked[i]->plugin = NULL;
    }
}

void dnn__looked_forget(void)
{
    for (int64_t i = 0; i < n_looked; i++) {
        dnn__looked *l = all_looked[i];

        for (int64_t k = 0; k < l->n_skipped; k++) {
            dnn__free(l->skipped[k].kernel);
            dnn__free(l->skipped[k].reason);
        }
        dnn__free(l->skipped);
        dnn__free(l->path);
        dnn__free(l->reason);
        dnn__free(l->version);
        dnn__free(l->build);
        dnn__free(l->device);
        dnn__free(l);
    }
    dnn__free(all_looked);
    all_looked = NULL;
    n_looked = cap_looked = 0;
}

void dnn__put_search(dnn__text *text)
{
    dnn__put(text, "Looked for dnn_cpu_blas.so in");
    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        dnn__put(text, "%s %s", i > 0 ? "," : "", dnn__folder_at(i));
    }
    for (int64_t i = 0; i < n_looked; i++) {
        if (all_looked[i]->reason != NULL &&
            strstr(all_looked[i]->path, "/dnn_cpu_blas.so") != NULL) {
            dnn__put(text, "; %s", all_looked[i]->reason);
        }
    }
    dnn__put(text, "; \"dnn backends\" tells what became of each file");
}
