/* zoo_reader.c - a reader by recipe, as zoo.c is a plugin by recipe. Without a change it is a good
 * reader of one data set: three samples of two numbers. */
#include <string.h>
#include "dnn_reader.h"
#include "zoo_reader.h"

static volatile struct zoo_reader recipe = {.word = ZOO_READER_WORD,
                                            .id = "zoo",
                                            .size = sizeof(dnn_reader),
                                            .bid = 90,
                                            .n_samples = 3,
                                            .n_fields = 1,
                                            .field_size = sizeof(dnn_reader_field),
                                            .dtype = DNN_T_U8,
                                            .ndim = 1,
                                            .dim = {2},
                                            .shape_dim = {2, 2, 2, 2, 2, 2, 2, 2}};

static struct zoo_reader z;
static const dnn_reader_host *host;

static dnn_status answer(const char *who, int32_t code)
{
    if (code != DNN_OK && !z.mute) {
        host->fail(code, "%s says %d", who, (int)code);
    }
    return code;
}

static int bid(const dnn_reader_probe *probe)
{
    return probe->head_bytes >= 3 && memcmp(probe->head, "zoo", 3) == 0 ? z.bid : 0;
}

static dnn_status open_set(const dnn_reader_request *request, void **set)
{
    host = request->host;
    *set = z.lacks & ZOO_R_SET ? NULL : &z;
    return answer("open", z.open_code);
}

enum { ROOM = 4096 };
static _Alignas(8) unsigned char field_bytes[ROOM], reader_bytes[ROOM];
static const dnn_reader_field *fields[ZOO_R_FIELDS];

static dnn_status describe(void *set, dnn_reader_info *info)
{
    dnn_reader_field f = {.size = z.field_size,
                          .dtype = z.dtype,
                          .name = z.lacks & ZOO_R_NAME ? NULL : "number",
                          .ndim = z.ndim};

    (void)set;
    memcpy(f.dim, z.dim, sizeof f.dim);
    memcpy(field_bytes, &f, sizeof f);
    if (z.field_tail > 0 && z.field_tail < ROOM) {
        field_bytes[z.field_tail] = 1;
    }
    for (int i = 0; i < ZOO_R_FIELDS; i++) {
        fields[i] =
            z.lacks & ZOO_R_FIELD ? NULL : (const dnn_reader_field *)(const void *)field_bytes;
    }
    info->n_samples = z.n_samples;
    info->n_fields = z.n_fields;
    info->field = z.lacks & ZOO_R_FIELD_LIST ? NULL : fields;
    return answer("describe", z.describe_code);
}

static dnn_status shape(void *set, int64_t index, int32_t field, int64_t *dim)
{
    (void)set;
    (void)index;
    (void)field;
    for (int i = 0; i < z.ndim && i < 8; i++) {
        dim[i] = z.shape_dim[i];
    }
    return answer("shape", z.shape_code);
}

static dnn_status read_samples(void *set, int64_t first, int64_t count, void *const *dst,
                               const uint64_t *dst_bytes)
{
    (void)set;
    (void)first;
    (void)count;
    if (dst[0] != NULL) {
        memset(dst[0], 7, dst_bytes[0]);
    }
    return answer("read", z.read_code);
}

static void close_set(void *set)
{
    (void)set;
}

const dnn_reader *dnn_reader_v1(void)
{
    dnn_reader r;

    for (size_t i = 0; i < sizeof z; i++) {
        ((unsigned char *)&z)[i] = ((volatile unsigned char *)&recipe)[i];
    }
    r = (dnn_reader){.size = z.size,
                     .min_host_minor = z.min_host_minor,
                     .flags = z.flags,
                     .id = z.lacks & ZOO_R_ID ? NULL : z.id,
                     .version = z.lacks & ZOO_R_VERSION ? NULL : "1",
                     .bid = z.lacks & ZOO_R_BID ? NULL : bid,
                     .open = z.lacks & ZOO_R_OPEN ? NULL : open_set,
                     .describe = z.lacks & ZOO_R_DESCRIBE ? NULL : describe,
                     .shape = z.lacks & ZOO_R_SHAPE ? NULL : shape,
                     .read = z.lacks & ZOO_R_READ ? NULL : read_samples,
                     .close = z.lacks & ZOO_R_CLOSE ? NULL : close_set};
    memcpy(reader_bytes, &r, sizeof r);
    if (z.tail > 0 && z.tail < ROOM) {
        reader_bytes[z.tail] = 1;
    }
    return z.lacks & ZOO_R_TABLE ? NULL : (const dnn_reader *)(const void *)reader_bytes;
}
