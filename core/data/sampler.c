/* sampler.c - samplers as objects, and the order that a loader takes from one. */
#include "sampler.h"

static void destroy(dnn_object *object)
{
    dnn_sampler *s = (dnn_sampler *)(void *)object;

    if (s->type->close != NULL) {
        s->type->close(s);
    }
    dnn__object_free(s, s->bytes);
}

void *dnn__sampler_new(size_t bytes, const dnn__sampler_type *type, int64_t size)
{
    static const dnn__kind kind = {.name = "sampler", .destroy = destroy};
    dnn_sampler *s = dnn__object_zeroed(&kind, bytes, "sampler");

    if (s != NULL) {
        s->bytes = bytes;
        s->type = type;
        s->size = size;
    }
    return s;
}

int64_t dnn_sampler_size(const dnn_sampler *sampler)
{
    return dnn__usable(sampler) ? sampler->size : 0;
}

/* Epoch e draws from offset e * 2^40 of the stream of loaders, so that two epochs never use the
 * same random number. */
dnn_status dnn__sampler_fill(const dnn_sampler *s, const dnn_dataset *set, uint64_t seed,
                             int64_t epoch, int64_t *index)
{
    const dnn__rng rng = {seed, DNN__RNG_LOADER, (uint64_t)epoch << 40};

    DNN_TRY(s->type->fill(s, rng, epoch, index));
    return dnn__dataset_check_indices(s->type->name, set, index, s->size);
}
