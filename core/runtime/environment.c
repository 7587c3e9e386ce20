/* environment.c - warns about environment variables that begin with DNN_ and that nothing reads: a
 * misspelt name would otherwise change nothing in silence. */
#include <string.h>
#include <unistd.h>
#include "op.h"
#include "runtime.h"

static const char *const variables[] = {
#define LIBRARY(name) #name,
#define PROGRAM(name) #name,
#include "variables.def"
#undef LIBRARY
#undef PROGRAM
};
enum { N_VARIABLES = sizeof variables / sizeof *variables, MOST_NAME = 63 };

static const char *nearest(const char *name)
{
    const char *best = variables[0];
    int least = INT32_MAX;

    for (int i = 0; i < N_VARIABLES; i++) {
        int distance = dnn__name_distance(name, variables[i]);

        if (distance < least) {
            least = distance;
            best = variables[i];
        }
    }
    return best;
}

static bool is_known(const char *name)
{
    for (int i = 0; i < N_VARIABLES; i++) {
        if (strcmp(name, variables[i]) == 0) {
            return true;
        }
    }
    return false;
}

void dnn__environment_check(void)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    char name[MOST_NAME + 1];

    if (atomic_flag_test_and_set(&told) || environ == NULL) {
        return;
    }
    for (char **at = environ; *at != NULL; at++) {
        size_t length = strcspn(*at, "=");

        if (strncmp(*at, "DNN_", 4) != 0) {
            continue;
        }
        length = length < MOST_NAME ? length : MOST_NAME;
        memcpy(name, *at, length);
        name[length] = 0;
        if (!is_known(name)) {
            dnn__log(DNN_LOG_WARN,
                     "libdnn: the environment variable %s means nothing; the nearest name is %s",
                     name, nearest(name));
        }
    }
}
