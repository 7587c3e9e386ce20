/* reader.c - a reader that looks at what the host gives it, built as plugin.c is. It takes files
 * that begin with its id: three samples, each one number. */
#include <string.h>
#include "dnn_reader.h"

static const dnn_reader_host *host;

#if DNN_READER_TARGET >= 1
#define WRONG(p) (DNN_FITS(p, next) != (host->abi_minor >= 1) || DNN_HAS(p, next))
#else
#define WRONG(p) ((p)->size < sizeof *(p))
#endif

static int bid(const dnn_reader_probe *probe)
{
    static const char word[] = READER_ID;

    if (probe->head_bytes < sizeof word - 1 || memcmp(probe->head, word, sizeof word - 1) != 0) {
        return 0;
    }
#if DNN_READER_TARGET >= 1
    return DNN_HAS(probe, next) ? 0 : 90;
#else
    return probe->size >= sizeof *probe ? 90 : 0;
#endif
}

static dnn_status open_set(const dnn_reader_request *request, void **set)
{
    static int opened;

    host = request->host;
    if (WRONG(host) || WRONG(request)) {
        return host->fail(DNN_E_INTERNAL, "reader host 1.%u of %u bytes gives a request of %u",
                          host->abi_minor, host->size, request->size);
    }
    *set = &opened;
    return DNN_OK;
}

static const dnn_reader_field number = {.size =
                                            (uint32_t)((int)sizeof(dnn_reader_field) + FIELD_MORE),
                                        .dtype = DNN_T_U8,
                                        .name = "number",
#ifdef FIELD_USES
                                        .next = 1,
#endif
                                        .ndim = 0};
static const dnn_reader_field *const fields[] = {&number};

static dnn_status describe(void *set, dnn_reader_info *info)
{
    (void)set;
    if (WRONG(info)) {
        return host->fail(DNN_E_INTERNAL, "reader host 1.%u gives an info of %u bytes",
                          host->abi_minor, info->size);
    }
    info->n_samples = 3;
    info->n_fields = 1;
    info->field = fields;
    return DNN_OK;
}

static dnn_status read_samples(void *set, int64_t first, int64_t count, void *const *dst,
                               const uint64_t *dst_bytes)
{
    (void)set;
    if (dst_bytes[0] != (uint64_t)count) {
        return host->fail(DNN_E_INTERNAL, "%llu bytes", (unsigned long long)dst_bytes[0]);
    }
    for (int64_t i = 0; i < count; i++) {
        ((uint8_t *)dst[0])[i] = (uint8_t)(first + i + 7);
    }
    return DNN_OK;
}

static void close_set(void *set)
{
    (void)set;
}

#ifdef READER_USES
#define USES .next = 1,
#else
#define USES
#endif

DNN_READER(.id = READER_ID, .version = "1", .min_host_minor = READER_NEEDS, .flags = READER_FLAGS,
           .bid = bid, .open = open_set, .describe = describe, .read = read_samples,
           USES.close = close_set)
