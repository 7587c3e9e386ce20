/* odd.c - a reader that takes nothing: built, installed and loaded by the test of the package. */
#include <dnn_reader.h>

static int odd_bid(const dnn_reader_probe *probe)
{
    (void)probe;
    return 0;
}

static dnn_status odd_open(const dnn_reader_request *request, void **set)
{
    (void)set;
    return request->host->fail(DNN_E_FORMAT, "odd: it takes nothing");
}

static dnn_status odd_describe(void *set, dnn_reader_info *info)
{
    (void)set;
    (void)info;
    return DNN_E_INTERNAL;
}

static dnn_status odd_read(void *set, int64_t first, int64_t count, void *const *dst,
                           const uint64_t *dst_bytes)
{
    (void)set;
    (void)first;
    (void)count;
    (void)dst;
    (void)dst_bytes;
    return DNN_E_INTERNAL;
}

static void odd_close(void *set)
{
    (void)set;
}

DNN_READER(.id = "odd", .version = "1.0", .bid = odd_bid, .open = odd_open,
           .describe = odd_describe, .read = odd_read, .close = odd_close)
