/* zoo_reader.h - the recipe of zoo_reader.c, which test_bad_plugins writes into copies of the file.
 */
#ifndef ZOO_READER_H
#define ZOO_READER_H
#include <stdint.h>

#define ZOO_READER_WORD "a zoo reader 1:"
enum { ZOO_R_FIELDS = 16 };
enum { /* lacks */
       ZOO_R_BID = 1,
       ZOO_R_OPEN = 2,
       ZOO_R_DESCRIBE = 4,
       ZOO_R_READ = 8,
       ZOO_R_CLOSE = 16,
       ZOO_R_SHAPE = 32,
       ZOO_R_ID = 64,
       ZOO_R_VERSION = 128,
       ZOO_R_TABLE = 256,
       ZOO_R_FIELD = 512,
       ZOO_R_FIELD_LIST = 1024,
       ZOO_R_NAME = 2048,
       ZOO_R_SET = 4096
};

struct zoo_reader {
    char word[16];
    char id[40];
    uint32_t size, min_host_minor, flags, tail, lacks, mute;
    int32_t bid, open_code, describe_code, shape_code, read_code, n_fields;
    uint32_t field_size, field_tail, dtype;
    int32_t ndim;
    int64_t n_samples, dim[8], shape_dim[8];
};

#endif
