/* bad_zoo.c - tests plugins by recipe: copies of one file, zoo.c, whose table follows the bytes of
 * its recipe. Each wrong size, tail, flag, name, code or request gives its own sentence. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abuse.h"
#include "dnn_plugin.h"
#include "bad/zoo.h"

static struct recipe recipe;
static struct zoo good;

static struct setting cooked(const struct zoo *z)
{
    return recipe_setting(&recipe, z, "zoo");
}

/* The library in a child ends with the code and the sentence. */
static void try_zoo(const struct zoo *z, const char *what, int64_t value, int code,
                    const char *text)
{
    struct setting s = cooked(z);
    char line[100];

    snprintf(line, sizeof line, "zoo: %s = %lld", what, (long long)value);
    judge(line, run_probe(&s), code, text);
}

static void try_alive(const struct zoo *z, const char *what, int64_t value)
{
    struct setting s = cooked(z);
    char line[100];

    snprintf(line, sizeof line, "zoo: %s = %lld", what, (long long)value);
    judge_alive(line, run_probe(&s), "zoo");
}

static const char yes[] = "asked zoo for relu (zoo_relu): yes";

/* ---- one number that is wrong ---- */

enum { BELOW, BEYOND, POWERS, BITS, CODES };

/* value for index i of a family, false at its end. */
static bool number_of(int family, int64_t from, int64_t to, int64_t i, int64_t *value)
{
    static const int64_t beyond[] = {4097, 4104, 5000, 65536, 1 << 20, INT32_MAX, UINT32_MAX};

    switch (family) {
    case BELOW:
        *value = from + i;
        return *value < to;
    case BEYOND:
        *value = i < 7 ? beyond[i] : 0;
        return i < 7;
    case BITS:
        *value = (int64_t)1 << (from + i);
        return from + i < to;
    default:
        *value = from + i;
        return *value <= to;
    }
}

static const struct number {
    const char *name;
    size_t member; /* of struct zoo, uint32_t or int32_t */
    int family;
    int64_t from, to;
    int code;
    const char *text; /* %lld: the value */
    bool device;
} numbers[] = {
#define M(m) #m, offsetof(struct zoo, m)
    {M(plugin_size), BELOW, 0, sizeof(dnn_plugin), 4, "the plugin's table says %lld bytes", false},
    {M(plugin_size), BEYOND, 0, 0, 4, "the plugin's table says %lld bytes", false},
    {M(kernel_size), BELOW, 0, sizeof(dnn_kernel), 4, "kernel 0 of zoo says %lld bytes", false},
    {M(kernel_size), BEYOND, 0, 0, 4, "kernel 0 of zoo says %lld bytes", false},
    {M(device_size), BELOW, 0, sizeof(dnn_device), 4, "the device's table says %lld bytes", true},
    {M(device_size), BEYOND, 0, 0, 4, "the device's table says %lld bytes", true},
    {M(min_host_minor), CODES, 1, 64, 4, "needs a libdnn with ABI 1.%lld;", false},
    {M(min_host_minor), BITS, 7, 32, 4, "needs a libdnn with ABI 1.%lld;", false},
    {M(flags), BITS, 4, 16, 0, "must understand", false},
    {M(flags), BITS, 16, 32, 0, yes, false},
    {M(device_flags), BITS, 0, 16, 4, "must understand", true},
    {M(dtypes), BITS, 9, 32, 0, "no dtype that this host knows", false},
    {M(op_version), CODES, 2, 33, 0, "it implements version %lld of relu", false},
    {M(op_version), BITS, 6, 32, 0, "it implements version %lld of relu", false},
    {M(attr_bytes), BITS, 0, 32, 0, yes, false},
    {M(priority), BITS, 0, 31, 0, "for relu (zoo_relu)", false},
    {M(init_code), CODES, -100, -3, 4, "zoo cannot run here: the zoo says %lld", false},
    {M(init_code), CODES, 1, 50, 4, "zoo cannot run here: the zoo says %lld", false},
    {M(count_code), CODES, -60, -3, 4, "zoocard: count: the zoo says %lld", true},
    {M(count_code), CODES, 1, 30, 4, "zoocard: count: the zoo says %lld", true},
    {M(ordinals), CODES, -60, -1, 4, "zoocard: count: negative", true},
#undef M
};

static void wrong_numbers(void)
{
    for (size_t f = 0; f < sizeof numbers / sizeof numbers[0]; f++) {
        const struct number *n = &numbers[f];
        int64_t value;

        for (int64_t i = 0; number_of(n->family, n->from, n->to, i, &value); i++) {
            struct zoo z = good;
            uint32_t word = (uint32_t)value;
            char text[200];

            if (!taken(8)) {
                continue;
            }
            memcpy((char *)&z + n->member, &word, sizeof word);
            z.brings_device = n->device;
            snprintf(text, sizeof text, n->text, (long long)value);
            try_zoo(&z, n->name, value, n->code, text);
        }
    }
}

/* Codes of plan and run; "not me" and what is none of the codes. */
static void wrong_codes(void)
{
    for (int32_t code = -100; code <= 60; code++) {
        struct zoo z = good;
        char text[64];

        if (code == 0 || !taken(8)) {
            continue;
        }
        snprintf(text, sizeof text, "the zoo says %d", code);
        z.run_code = code;
        try_zoo(&z, "run_code", code, 1, text);
        z.mute = 1;
        try_zoo(&z, "run_code, mute", code, 1, "no reason given");
        z = good;
        z.plans = 1;
        z.plan_code = code;
        try_zoo(&z, "plan_code", code, code > 0 ? 0 : 1, code > 1 ? "a code that is none" : text);
        z.mute = 1;
        try_zoo(&z, "plan_code, mute", code, code > 0 ? 0 : 1,
                code > 1 ? "a code that is none" : "declined without a reason");
    }
}

/* Wishes of 2^k and its neighbours: declined, or refused for want of memory. */
static void absurd_plans(void)
{
    static const struct {
        const char *name;
        size_t member;
        bool wide;
    } wish[] = {{"workspace", offsetof(struct zoo, workspace), true},
                {"stash", offsetof(struct zoo, stash), true},
                {"out_bytes", offsetof(struct zoo, out_bytes), true},
                {"in_layout", offsetof(struct zoo, in_layout), false},
                {"out_layout", offsetof(struct zoo, out_layout), false}};

    for (size_t w = 0; w < sizeof wish / sizeof wish[0]; w++) {
        for (int bit = 0; bit < (wish[w].wide ? 64 : 32); bit++) {
            for (int d = -1; d <= 1; d++) {
                struct zoo z = good;
                uint64_t value = ((uint64_t)1 << bit) + (uint64_t)(int64_t)d;
                uint32_t narrow = (uint32_t)value;

                if ((bit > 31 && bit < 45) || !taken(40)) {
                    continue; /* as much memory as a machine may have is no test */
                }
                z.plans = 1;
                if (wish[w].wide) {
                    memcpy((char *)&z + wish[w].member, &value, sizeof value);
                } else {
                    memcpy((char *)&z + wish[w].member, &narrow, sizeof narrow);
                }
                try_alive(&z, wish[w].name, (int64_t)value);
            }
        }
    }
}

/* ---- structs that are longer ---- */

static void tails(void)
{
    for (uint32_t at = 0; at < 128; at++) {
        struct zoo z = good;

        if (!taken(16)) {
            continue;
        }
        z.plugin_size = sizeof(dnn_plugin) + 128;
        z.kernel_size = sizeof(dnn_kernel) + 128;
        z.device_size = sizeof(dnn_device) + 128;
        z.brings_device = 1;
        z.plugin_tail = sizeof(dnn_plugin) + at;
        try_zoo(&z, "byte set behind the plugin", at, 4,
                "the plugin's table uses ABI fields this host does not know");
        z.plugin_tail = 0;
        z.device_tail = sizeof(dnn_device) + at;
        try_zoo(&z, "byte set behind the device", at, 4,
                "the device's table uses ABI fields this host does not know");
        z.device_tail = 0;
        z.kernel_tail = sizeof(dnn_kernel) + at;
        try_zoo(&z, "byte set behind the kernel", at, 0,
                "skipped zoo_relu: it uses ABI fields this host does not know");
        z.kernel_tail = 0;
        z.plugin_size = sizeof(dnn_plugin) + at;
        z.kernel_size = sizeof(dnn_kernel) + at;
        z.device_size = sizeof(dnn_device) + at;
        z.brings_device = 0; /* what has a device takes the tensors to it */
        try_zoo(&z, "longer by zeros", at, 0, yes);
    }
}

/* ---- names ---- */

static const struct text {
    const char *name;
    size_t member;
    const char *text;
    bool device, lower; /* lower: [a-z0-9_] only */
} texts[] = {
    {"id", offsetof(struct zoo, id), "the plugin's id is not 1 to 31", false, true},
    {"kind", offsetof(struct zoo, kind), "the device's kind is not 1 to 31", true, true},
    {"name", offsetof(struct zoo, name), "the name of kernel 0 of zoo is not", false, false},
    {"op", offsetof(struct zoo, op), "the op of kernel 0 of zoo is not", false, false},
    {"device", offsetof(struct zoo, device), "the device of kernel 0 of zoo is not", false, false},
};
enum { N_TEXTS = sizeof texts / sizeof texts[0], ID_BYTES = sizeof good.id };

static bool fits(const struct text *t, int byte)
{
    bool low = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';

    return t->lower ? low : byte >= '!' && byte <= '~';
}

static void odd_names(void)
{
    for (int n = 0; n < N_TEXTS; n++) {
        const struct text *t = &texts[n];

        for (int byte = 0; byte < 256; byte++) {
            struct zoo z = good;

            if (fits(t, byte) || !taken(16)) {
                continue;
            }
            z.brings_device = t->device;
            ((char *)&z)[t->member + (byte == 0 ? 0 : 2)] = (char)byte;
            try_zoo(&z, t->name, byte, 4, t->text);
        }
        for (size_t length = 128; length <= 200; length += 8) { /* 200: no end of its own */
            struct zoo z = good;

            if (!taken(2)) {
                continue;
            }
            z.brings_device = t->device;
            memset((char *)&z + t->member, 'a',
                   t->member == offsetof(struct zoo, id) ? ID_BYTES : length);
            try_zoo(&z, t->name, (int64_t)length, 4, t->text);
        }
    }
}

static void missing_members(void)
{
    static const struct {
        uint32_t lacks;
        int code;
        const char *text;
    } cases[] = {{ZOO_OP, 4, "(zoo_relu) lacks its op"},
                 {ZOO_DEVICE, 4, "(zoo_relu) lacks its device"},
                 {ZOO_NAME, 4, "(no name) lacks its name"},
                 {ZOO_RUN, 4, "(zoo_relu) lacks its run"},
                 {ZOO_ID, 4, "the plugin's id is not"},
                 {ZOO_OP | ZOO_NAME, 4, "(no name) lacks its op"},
                 {ZOO_OP | ZOO_DEVICE | ZOO_NAME | ZOO_RUN, 4, "(no name) lacks its op"},
                 {ZOO_VERSION, 0, yes},
                 {ZOO_INIT, 0, yes},
                 {ZOO_KERNEL_LIST, 0, "asked cpu_blas"}};
    struct zoo z = good;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        z.lacks = cases[i].lacks;
        try_zoo(&z, "lacks", cases[i].lacks, cases[i].code, cases[i].text);
    }
    z.lacks = ZOO_KIND;
    z.brings_device = 1;
    try_zoo(&z, "lacks", ZOO_KIND, 4, "the device's kind is not");
}

/* Each subset of the functions of streams, and each of memory. */
static void half_devices(void)
{
    struct zoo z = good;

    z.brings_device = 1;
    for (uint32_t i = 0; i < 6; i++) {
        z.device_lacks = 1u << i;
        try_zoo(&z, "device_lacks", z.device_lacks, 4, "lacks one of count");
    }
    for (uint32_t subset = 1; subset < 127; subset++) {
        char text[64];

        if (!taken(8)) {
            continue;
        }
        z.device_lacks = subset << 6;
        snprintf(text, sizeof text, "has %d of the 7 functions", 7 - __builtin_popcount(subset));
        try_zoo(&z, "device_lacks", z.device_lacks, 4, text);
    }
}

/* ---- lists and tables ---- */

static void long_lists(void)
{
    static const uint32_t well[] = {0, 1, 2, 100, 16384}, more[] = {16385, 20000, 65536, 100000};
    struct zoo z = good;

    for (size_t i = 0; i < sizeof well / sizeof well[0]; i++) {
        z.n_kernels = well[i];
        try_zoo(&z, "n_kernels", well[i], 0, well[i] == 0 ? "asked cpu_blas" : yes);
    }
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        z.n_kernels = more[i];
        try_zoo(&z, "n_kernels", more[i], 4, "lists more than 16384 kernels");
    }
    z.same_names = 1;
    for (uint32_t n = 3; n < 43; n++) {
        if (taken(8)) {
            z.n_kernels = n;
            try_zoo(&z, "two names of", n, 4, "two kernels of zoo are called zoo_z1");
        }
    }
}

/* The table may be another one when the library is started again. */
static void changing_table(void)
{
    struct zoo z = good;
    struct setting s;

    z.changes = 1;
    s = cooked(&z);
    s.twice = true;
    judge("zoo: another table at the second start", run_probe(&s), 0,
          "asked zoo for relu (Zoo_relu): yes");
    s = cooked(&good);
    s.twice = true;
    judge("zoo: the same table at the second start", run_probe(&s), 0, yes);
}

/* Thirty files, one after the other through descriptors: each has its own table. */
static void thirty_plugins(void)
{
    char folder[PATH_BYTES], path[PATH_BYTES + 40], list[4 * PATH_BYTES] = "",
                                                             search[3 * PATH_BYTES];
    struct setting s = {.backend = list, .path = search};
    size_t at = 0;
    int code;

    snprintf(folder, sizeof folder, "%s/thirty", scratch);
    make_folder(folder);
    snprintf(search, sizeof search, "%s:%s", folder, plugins);
    for (int i = 0; i < 30; i++) {
        struct zoo z = good;

        snprintf(z.id, sizeof z.id, "zoo%d", i);
        snprintf(z.name, sizeof z.name, "relu_of_%d", i);
        z.plans = 1;
        z.plan_code = DNN_DECLINED;
        snprintf(path, sizeof path, "%s/dnn_zoo%d.so", folder, i);
        recipe_write(&recipe, &z, path);
        at += (size_t)snprintf(list + at, sizeof list - at, "%szoo%d", i > 0 ? "," : "", i);
    }
    code = run_probe(&s);
    for (int i = 0; i < 30; i++) {
        char text[100];

        snprintf(text, sizeof text, "asked zoo%d for relu (relu_of_%d): the zoo says 1", i, i);
        judge("thirty plugins in one process", code, 0, text);
    }
}

/* Far past an output is a signal, and the command outlives it. */
static void writes_past(void)
{
    for (int bit = 26; bit < 34; bit++) {
        struct zoo z = good;
        struct setting s;
        char line[64];

        z.writes_past = (uint64_t)1 << bit;
        s = cooked(&z);
        snprintf(line, sizeof line, "zoo: writes 2^%d bytes past the output", bit);
        judge(line, run_command(&s), 4, "in run of kernel zoo_relu of zoo");
    }
}

void bad_zoo(void)
{
    if (!recipe_open(&recipe, "bad/dnn_zoo.so", ZOO_WORD, &good, sizeof good)) {
        return;
    }
    try_zoo(&good, "as it was built", 0, 0, yes);
    wrong_numbers();
    wrong_codes();
    absurd_plans();
    tails();
    odd_names();
    missing_members();
    half_devices();
    long_lists();
    changing_table();
    thirty_plugins();
    writes_past();
    free(recipe.file);
}
