/* access.c - reads and writes the elements of tensors from C: dnn_read, dnn_write, dnn_value,
 * dnn_to_list, dnn_map. transfer.c copies the bytes of dense tensors; the row copy makes others
 * dense. */
#include "elements.h"
#include "ops_impl.h"
#include "inplace.h"

static uint64_t byte_offset(const dnn_tensor *t)
{
    return (uint64_t)t->offset * dnn__item_size(t->dtype);
}

static dnn_status check_bytes(const char *op, const dnn_tensor *t, const void *buf, size_t bytes,
                              size_t *need)
{
    *need = (size_t)dnn__numel(t) * dnn__item_size(t->dtype);
    if (buf == NULL && *need > 0) {
        return dnn__fail(DNN_E_INVALID, "%s: buf is NULL, t has %zu bytes", op, *need);
    }
    if (bytes != *need) {
        return dnn__fail(DNN_E_INVALID, "%s: buf has %zu bytes, t, %s of %s, has %zu", op, bytes,
                         dnn__shape_text(t->ndim, t->dim), dnn_dtype_name(t->dtype), *need);
    }
    return DNN_OK;
}

dnn_status dnn_read(dnn_tensor *t, void *buf, size_t bytes)
{
    dnn_status st = DNN_OK;
    size_t need;

    DNN_TRY(dnn__require(t, "dnn_read", "t"));
    DNN_TRY(check_bytes("dnn_read", t, buf, bytes, &need));
    DNN_TRY(dnn__strided(t));
    if (need == 0) {
        return DNN_OK;
    }
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *dense = dnn__dense(t) ? t : dnn_contiguous(t);

        st = dense != NULL ? dnn__storage_read(dense->storage, byte_offset(dense), buf, bytes)
                           : dnn__take();
    }
    return st;
}

dnn_status dnn_write(dnn_tensor *t, const void *buf, size_t bytes)
{
    dnn_status st = DNN_OK;
    size_t need;

    DNN_TRY(dnn__require(t, "dnn_write", "t"));
    DNN_TRY(check_bytes("dnn_write", t, buf, bytes, &need));
    DNN_TRY(dnn__check_inplace("dnn_write", t, false));
    DNN_TRY(dnn__strided(t));
    if (need == 0) {
        return DNN_OK;
    }
    if (dnn__dense(t)) {
        DNN_TRY(dnn__storage_write(t->storage, byte_offset(t), buf, bytes));
        dnn__written(t);
        return DNN_OK;
    }
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        dnn_tensor *dense =
            dnn__tensor_new("dnn_write", t->dtype, t->ndim, t->dim, dnn__device_of(t));

        st = dense != NULL ? dnn__storage_write(dense->storage, 0, buf, bytes) : dnn__take();
        if (st == DNN_OK && dnn_copy_(t, dense) == NULL) {
            st = dnn__take();
        }
    }
    return st;
}

/* The bytes of the one element of t. */
static dnn_status read_one(const char *op, dnn_tensor *t, uint64_t *element)
{
    DNN_TRY(dnn__require(t, op, "t"));
    if (dnn__numel(t) != 1) {
        return dnn__fail(DNN_E_INVALID, "%s: t is %s and has %s elements, not 1", op,
                         dnn__shape_text(t->ndim, t->dim), dnn__number_text(dnn__numel(t)));
    }
    DNN_TRY(dnn__strided(t));
    return dnn__storage_read(t->storage, byte_offset(t), element, dnn__item_size(t->dtype));
}

double dnn_value(dnn_tensor *t)
{
    uint64_t element = 0;

    if (!dnn__ready("dnn_value", t)) {
        return NAN;
    }
    return dnn__ok(read_one("dnn_value", t, &element)) ? dnn__load_double(t->dtype, &element) : NAN;
}

int64_t dnn_value_i64(dnn_tensor *t)
{
    uint64_t element = 0;
    int64_t value;
    bool exact;

    if (!dnn__ready("dnn_value_i64", t) || !dnn__ok(read_one("dnn_value_i64", t, &element))) {
        return 0;
    }
    value = dnn__load_i64(t->dtype, &element, &exact);
    if (!exact) {
        dnn__null(dnn__fail(DNN_E_INVALID,
                            "dnn_value_i64: t is %s, must be a whole number of 64 bits",
                            dnn__float_text(dnn__load_double(t->dtype, &element))));
        return 0;
    }
    return value;
}

dnn_status dnn_to_list(dnn_tensor *t, double *out, int64_t n)
{
    dnn__elements elements;
    size_t item;

    DNN_TRY(dnn__require(t, "dnn_to_list", "t"));
    item = dnn__item_size(t->dtype);
    if (n != dnn__numel(t)) {
        return dnn__fail(DNN_E_INVALID, "dnn_to_list: out has %s elements, t has %s",
                         dnn__number_text(n), dnn__number_text(dnn__numel(t)));
    }
    if (out == NULL && n > 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_to_list: out is NULL, t has %s elements",
                         dnn__number_text(n));
    }
    DNN_TRY(dnn__elements_open("dnn_to_list", t, &elements));
    for (int64_t i = 0; i < n; i++) {
        out[i] = dnn__load_double(t->dtype, (const char *)elements.data + (size_t)i * item);
    }
    dnn__elements_close(&elements);
    return DNN_OK;
}

/* ---- elements for reading ---- */

static bool lies_in_host_memory(const dnn_tensor *t)
{
    return dnn__dense(t) && (t->storage->mem & DNN_MEM_HOST) != 0;
}

dnn_status dnn__elements_open(const char *what, dnn_tensor *t, dnn__elements *out)
{
    dnn_status st;

    *out = (dnn__elements){.bytes = (size_t)dnn__numel(t) * dnn__item_size(t->dtype)};
    DNN_TRY(dnn__strided(t));
    if (out->bytes == 0) {
        return DNN_OK;
    }
    if (lies_in_host_memory(t)) {
        out->data = (const char *)t->storage->data + byte_offset(t);
        return dnn__device_sync(dnn__device_of(t));
    }
    out->copy = dnn__alloc(out->bytes);
    if (out->copy == NULL) {
        return dnn__nomem(what, out->bytes);
    }
    st = dnn_read(t, out->copy, out->bytes);
    if (st != DNN_OK) {
        dnn__elements_close(out);
        return st;
    }
    out->data = out->copy;
    return DNN_OK;
}

void dnn__elements_close(dnn__elements *elements)
{
    dnn__free(elements->copy);
    *elements = (dnn__elements){0};
}

/* ---- mapping ---- */

dnn_status dnn_map(dnn_tensor *t, dnn_map_access access, void **data)
{
    size_t bytes;
    void *copy;
    dnn_status st;

    DNN_TRY(dnn__require(t, "dnn_map", "t"));
    DNN_TRY(data != NULL ? DNN_OK : dnn__fail(DNN_E_INVALID, "dnn_map: data is NULL"));
    if (access < DNN_MAP_READ || access > (DNN_MAP_READ | DNN_MAP_WRITE)) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_map: access is %d, must be DNN_MAP_READ %d, DNN_MAP_WRITE %d or both",
                         access, DNN_MAP_READ, DNN_MAP_WRITE);
    }
    if (t->mapped != NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_map: t is mapped already; dnn_unmap it first");
    }
    if ((access & DNN_MAP_WRITE) != 0) {
        DNN_TRY(dnn__check_inplace("dnn_map", t, false));
    }
    DNN_TRY(dnn__strided(t));
    bytes = (size_t)dnn__numel(t) * dnn__item_size(t->dtype);
    if (lies_in_host_memory(t) && bytes > 0) {
        DNN_TRY(dnn__device_sync(dnn__device_of(t)));
        t->mapped = (char *)t->storage->data + byte_offset(t);
        t->mapped_copy = false;
    } else {
        copy = dnn__alloc(bytes);
        if (copy == NULL) {
            return dnn__nomem("dnn_map", bytes);
        }
        st = dnn_read(t, copy, bytes);
        if (st != DNN_OK) {
            dnn__free(copy);
            return st;
        }
        t->mapped = copy;
        t->mapped_copy = true;
    }
    t->mapped_write = (access & DNN_MAP_WRITE) != 0;
    *data = t->mapped;
    return DNN_OK;
}

dnn_status dnn_unmap(dnn_tensor *t)
{
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(t, "dnn_unmap", "t"));
    if (t->mapped == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_unmap: t is not mapped");
    }
    if (t->mapped_copy) {
        if (t->mapped_write) {
            st = dnn_write(t, t->mapped, (size_t)dnn__numel(t) * dnn__item_size(t->dtype));
        }
        dnn__free(t->mapped);
    } else if (t->mapped_write) {
        dnn__written(t);
    }
    t->mapped = NULL;
    t->mapped_copy = t->mapped_write = false;
    return st;
}
