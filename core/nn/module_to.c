/* module_to.c - dnn_module_to (torch.nn.Module.to): converts all tensors of a module to a dtype and
 * a device. */
#include "nn_impl.h"
#include "call.h"
#include "ops_impl.h"
#include "tape.h"

struct search { /* for the path of a tensor */
    const dnn_tensor *tensor;
    dnn__text path;
};

static bool is_not_it(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct search *search = ctx;

    if (tensor != search->tensor) {
        return true;
    }
    dnn__put_path(&search->path, path);
    return false;
}

/* Fails with the path of t in the module. */
static dnn_status refuse_mapped(const dnn_module *module, const dnn_tensor *t)
{
    char path[256];
    struct search search = {.tensor = t, .path = dnn__text_to(path, sizeof path)};

    dnn__each_tensor(module, DNN__PARAMETERS | DNN__BUFFERS, is_not_it, &search);
    return dnn__fail(DNN_E_INVALID, "dnn_module_to: %s %s is mapped: dnn_unmap first", path,
                     dnn__shape_text(t->ndim, t->dim));
}

/* Creates t in the dtype (if t is floating) on the device: a tensor that shares nothing with t, a
 * leaf with a converted gradient if t is a leaf. Sets *out to NULL if t has the dtype and device
 * already. */
static dnn_status convert(const dnn_module *module, dnn_tensor *t, dnn_dtype dtype,
                          dnn__device *device, dnn_tensor **out)
{
    dnn_dtype to = dtype != 0 && (t->dtype & DNN__FLOATS) != 0 ? dtype : t->dtype;
    dnn__device *where = device != NULL ? device : dnn__device_of(t);
    dnn_tensor *made;

    *out = NULL;
    if (to == t->dtype && where == dnn__device_of(t)) {
        return DNN_OK;
    }
    if (t->mapped != NULL) {
        return refuse_mapped(module, t);
    }
    made = dnn_contiguous(dnn_to(t, .dtype = to, .device = dnn__dev(where)->name));
    if (made != NULL && t->leaf != NULL) {
        made = dnn_requires_grad_(made, true);
        if (made != NULL && t->leaf->grad != NULL) {
            dnn_tensor *grad = dnn_to(t->leaf->grad, .dtype = to, .device = dnn__dev(where)->name);

            DNN_TRY(dnn_take_error());
            DNN_TRY(dnn_set_grad(made, grad));
        }
    }
    DNN_TRY(dnn_take_error());
    *out = made;
    return DNN_OK;
}

#define SWAP(a, b)              \
    do {                        \
        __typeof__(a) kept = a; \
        a = b;                  \
        b = kept;               \
    } while (0)

/* Swaps the contents of two tensors. Optimizers and programs keep the handle t, so they see the new
 * values. Graphs that were recorded before keep the old storage, version and leaf, which `made` has
 * afterwards. */
static void swap_contents(dnn_tensor *t, dnn_tensor *made)
{
    SWAP(t->dtype, made->dtype);
    SWAP(t->is_view, made->is_view);
    SWAP(t->offset, made->offset);
    for (int i = 0; i < t->ndim; i++) {
        SWAP(t->stride[i], made->stride[i]);
    }
    SWAP(t->storage, made->storage);
    SWAP(t->version, made->version);
    SWAP(t->leaf, made->leaf);
}

static dnn_status convert_all(const dnn_module *module, dnn__tensors *list, dnn_tensor **made,
                              dnn_dtype dtype, dnn__device *device)
{
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        for (int64_t i = 0; i < list->n; i++) {
            DNN_TRY(convert(module, list->item[i], dtype, device, &made[i]));
        }
        for (int64_t i = 0; i < list->n; i++) {
            if (made[i] != NULL) {
                swap_contents(list->item[i], made[i]);
            }
        }
    }
    return DNN_OK;
}

dnn_status dnn_module_to_with(dnn_module_to_args args)
{
    dnn_module *module = args.module;
    dnn_dtype dtype = args.dtype;
    const char *device = args.device;
    dnn__tensors list = {0};
    dnn__device *where = NULL;
    dnn_tensor **made = NULL;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(module, "dnn_module_to", "module"));
    if (dtype != 0 && (!dnn__dtype_ok(dtype) || (dtype & DNN__FLOATS) == 0)) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_to: %s is not a floating dtype",
                         dnn_dtype_name(dtype));
    }
    if (device != NULL) {
        DNN_TRY(dnn__device_for(device, &where));
    }
    DNN_TRY(dnn__module_tensors("dnn_module_to", module, DNN__PARAMETERS | DNN__BUFFERS, &list));
    made = dnn__calloc((size_t)list.n, sizeof(dnn_tensor *));
    if (made == NULL) {
        DNN_TRY_TO(st, done, dnn__nomem("dnn_module_to", (size_t)list.n * sizeof(dnn_tensor *)));
    }
    DNN_TRY_TO(st, done, convert_all(module, &list, made, dtype, where));
done:
    dnn__free(made);
    dnn__free(list.item);
    return st;
}
