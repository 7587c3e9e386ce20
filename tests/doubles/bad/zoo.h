/* zoo.h - the recipe of zoo.c, which test_bad_plugins writes into copies of the file. */
#ifndef ZOO_H
#define ZOO_H
#include <stdint.h>

#define ZOO_WORD "a zoo recipe 1:"
enum { ZOO_KERNELS = 100000 };
enum { /* lacks */
       ZOO_OP = 1,
       ZOO_DEVICE = 2,
       ZOO_NAME = 4,
       ZOO_RUN = 8,
       ZOO_ID = 16,
       ZOO_KIND = 32,
       ZOO_VERSION = 64,
       ZOO_INIT = 128,
       ZOO_KERNEL_LIST = 256
};

struct zoo {
    char word[16];
    char id[40], op[200], device[200], name[200], kind[200];
    uint32_t plugin_size, min_host_minor,
        plugin_tail; /* *_tail: the byte of the struct that is set to 1; 0: none */
    uint32_t kernel_size, flags, dtypes, op_version, attr_bytes, kernel_tail;
    int32_t priority;
    uint32_t device_size, device_flags, device_tail,
        device_lacks; /* device_lacks: a bit for each function */
    uint32_t lacks, brings_device, n_kernels, same_names, plans, mute, changes;
    int32_t ordinals, count_code, init_code, plan_code, run_code;
    uint32_t in_layout, out_layout;
    uint64_t workspace, stash, out_bytes, writes_past;
};

#endif
