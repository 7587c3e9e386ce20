/* plugin.c - selects the instruction set of the machine and the table of its kernels; the checks at
 * load. Called by entry.c, and by the phantom device of the tests. */
#include "cpu_blas.h"
#include "openblas.h"
#include <stdio.h>
#include <string.h>

/* The families of one instruction set, in the order of the list. */
#define NAME_OF(family, isa) dnn_cpu_##family##_##isa
#define DECLARE_generic(family) extern const dnn_kernel *const NAME_OF(family, generic)[];
#define DECLARE_v3(family) extern const dnn_kernel *const NAME_OF(family, v3)[];
#define DECLARE_v4(family) extern const dnn_kernel *const NAME_OF(family, v4)[];
#define ENTRY_generic(family) NAME_OF(family, generic),
#define ENTRY_v3(family) NAME_OF(family, v3),
#define ENTRY_v4(family) NAME_OF(family, v4),

CPU_FAMILIES(DECLARE_generic)
static const dnn_kernel *const *const generic[] = {CPU_FAMILIES(ENTRY_generic) NULL};
#ifdef CPU_HAVE_X86_LEVELS
CPU_FAMILIES(DECLARE_v3)
CPU_FAMILIES(DECLARE_v4)
static const dnn_kernel *const *const v3[] = {CPU_FAMILIES(ENTRY_v3) NULL};
static const dnn_kernel *const *const v4[] = {CPU_FAMILIES(ENTRY_v4) NULL};
#endif

struct isa {
    const char *name;
    const dnn_kernel *const *const *families;
};

static struct isa select_isa(void)
{
#ifdef CPU_HAVE_X86_LEVELS
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        return (struct isa){"avx512", v4};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2")) {
        return (struct isa){"avx2", v3};
    }
#endif
    return (struct isa){"baseline", generic};
}

enum { MAX_KERNELS = 256 };
static const dnn_kernel *merged[MAX_KERNELS + 1];
static const char *isa_name;
static char build[96]; /* init fills it */

/* Makes "OpenBLAS 0.3.21, avx512" from the first two words of the library's own description. */
static void name_build(void)
{
    const char *config = openblas.get_config();
    size_t name = strcspn(config, " "),
           version = config[name] != 0 ? strcspn(config + name + 1, " ") + 1 : 0;

    snprintf(build, sizeof build, "%.*s, %s", (int)(name + version), config, isa_name);
}

const dnn_kernel *const *dnn_cpu_kernels(void)
{
    struct isa isa;
    int n = 0;

    if (merged[0] != NULL) {
        return merged;
    }
    isa = select_isa();
    for (int f = 0; isa.families[f] != NULL; f++) {
        for (int k = 0; isa.families[f][k] != NULL && n < MAX_KERNELS; k++) {
            merged[n++] = isa.families[f][k];
        }
    }
    isa_name = isa.name;
    return merged;
}

const char *dnn_cpu_build(void)
{
    return build;
}

dnn_status dnn_cpu_init(const dnn_host *host)
{
    dnn_status status = cpu_blas_warm_up(host);

    if (status != DNN_OK) {
        return status;
    }
    name_build();
    return cpu_blas_self_test(host);
}
