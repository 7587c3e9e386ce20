/* host_fallback.c - HOST_FALLBACK: runs a call for a device on host copies of its operands, and
 * counts the bytes. It dispatches the same operator on the host. dispatch.c calls it if the plan
 * says so. */
#include <string.h>
#include "counters.h"
#include "host_fallback.h"
#include "reenter.h"
#include "relayout.h"

struct moved { /* a storage of the device and its copy on the host */
    dnn__storage *device, *host;
};

struct hosting {
    dnn__frame *f;
    struct moved *moved;
    int n_moved;
    int64_t bytes;
    dnn_tensor **in, **out;
};

/* The host's copy of a storage, made at the first operand that uses it. */
static dnn_status host_storage(struct hosting *h, dnn__storage *device, dnn__storage **out)
{
    struct moved *m = h->moved;
    dnn_status st;

    for (int i = 0; i < h->n_moved; i++, m++) {
        if (m->device == device) {
            *out = m->host;
            return DNN_OK;
        }
    }
    DNN_TRY(dnn__storage_new(dnn__cpu(), device->bytes, h->f->op->name, &m->host));
    st = device->bytes > 0 ? dnn__storage_read(device, 0, m->host->data, device->bytes) : DNN_OK;
    if (st != DNN_OK) {
        dnn__storage_release(m->host);
        return st;
    }
    m->device = device;
    h->n_moved++;
    h->bytes += (int64_t)device->bytes;
    *out = m->host;
    return DNN_OK;
}

/* The operand's view over the host's copy. */
static dnn_status to_host(struct hosting *h, const dnn_tensor *t, dnn_tensor **out)
{
    dnn__storage *storage;

    *out = NULL;
    if (t == NULL) {
        return DNN_OK;
    }
    if (dnn__layout_of(t->storage) != 0) { /* private layouts do not cross devices */
        dnn_tensor *strided;

        DNN_TRY(dnn__reorder((dnn_tensor *)(uintptr_t)t, 0, &strided));
        t = strided;
    }
    DNN_TRY(host_storage(h, t->storage, &storage));
    *out = dnn__tensor_over(h->f->op->name, t->dtype, t->ndim, t->dim, t->stride, t->offset,
                            storage, NULL);
    return *out != NULL ? DNN_OK : dnn__take();
}

static dnn_status bring_back(struct hosting *h, dnn_tensor *const *targets)
{
    for (int i = 0; i < h->f->n_out; i++) {
        dnn__storage *to = targets[i] != NULL ? targets[i]->storage : NULL;

        if (to != NULL && to->bytes > 0) {
            DNN_TRY(dnn__storage_write(to, 0, h->out[i]->storage->data, to->bytes));
            h->bytes += (int64_t)to->bytes;
        }
    }
    return DNN_OK;
}

static dnn_status run(struct hosting *h, dnn_tensor *const *targets, const dnn__rng *rng)
{
    dnn__request request = *h->f->request;

    for (int i = 0; i < h->f->n_in; i++) {
        DNN_TRY(to_host(h, h->f->in[i], &h->in[i]));
    }
    for (int i = 0; i < h->f->n_out; i++) {
        DNN_TRY(to_host(h, targets[i], &h->out[i]));
    }
    request.in = h->in;
    request.out = h->out;
    request.want = 0;
    request.rng = rng;
    DNN_TRY(dnn__reenter.dispatch(&request));
    return bring_back(h, targets);
}

dnn_status dnn__run_on_host(dnn__frame *f, dnn_tensor *const *targets, const dnn__rng *rng)
{
    size_t n = (size_t)(f->n_in + f->n_out);
    struct hosting h = {.f = f};
    dnn__storage *memory;
    dnn_status st = DNN_OK;

    DNN_TRY(
        dnn__storage_new(dnn__cpu(), n * (sizeof *h.moved + sizeof *h.in), f->op->name, &memory));
    h.moved = memory->data;
    h.in = (void *)(h.moved + n);
    h.out = h.in + f->n_in;
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = run(&h, targets, rng);
    }
    for (int i = 0; i < h.n_moved; i++) {
        dnn__storage_release(h.moved[i].host);
    }
    dnn__storage_release(memory);
    if (st == DNN_OK) {
        atomic_fetch_add_explicit(&dnn__count.fallback_calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&dnn__count.fallback_bytes, h.bytes, memory_order_relaxed);
    }
    return st;
}
