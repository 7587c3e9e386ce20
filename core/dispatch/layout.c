/* layout.c - private layouts of storages: the lock that protects them, their names, their
 * owners. relayout.c converts. */
#include <pthread.h>
#include <string.h>
#include "dispatch_state.h"
#include "layout.h"

/* Protects layout, data and size of a storage in a private layout. Writer-preferring; not
 * recursive. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void dnn__layouts_lock_shared(void)
{
    if (dnn__dispatch_self.layouts_held++ == 0) {
        pthread_rwlock_rdlock(&lock);
    }
}

void dnn__layouts_unlock_shared(void)
{
    if (--dnn__dispatch_self.layouts_held == 0) {
        pthread_rwlock_unlock(&lock);
    }
}

const char *dnn__layout_name(uint32_t layout)
{
    const char *name = layout != 0 ? dnn__host.layout_name(layout) : "strided";

    return name != NULL ? name : "unknown";
}

bool dnn__owns_layout(const dnn__plugin *plugin, uint32_t layout)
{
    const char *name = dnn__host.layout_name(layout);
    const char *const *family = plugin->table.layouts;

    for (; name != NULL && family != NULL && *family != NULL; family++) {
        size_t n = strlen(*family);

        if (strncmp(*family, name, n) == 0 && name[n] == '/') {
            return true;
        }
    }
    return false;
}

void dnn__layouts_lock(void)
{
    pthread_rwlock_wrlock(&lock);
}

void dnn__layouts_unlock(void)
{
    pthread_rwlock_unlock(&lock);
}
