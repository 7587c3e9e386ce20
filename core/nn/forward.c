/* forward.c - calls a module: checks its inputs, runs hooks and the forward of its type, and names
 * the module's place in the message of an error. dnn_forward, dnn_forward_list and dnn_forward_n
 * meet in call. */
#include <string.h>
#include "nn_impl.h"
#include "object.h"

/* ---- the place in errors ---- */

/* Writes "LeNet.features.0" for a module of a tree. */
static void put_place(dnn__text *text, const dnn_module *module)
{
    const dnn_module *parent = module->dnn_parent;

    if (parent == NULL) {
        dnn__put(text, "%s", module->dnn_type->name);
        return;
    }
    put_place(text, parent);
    for (int64_t i = 0; i < parent->dnn_n_slots; i++) {
        if (parent->dnn_slots[i].child == module) {
            dnn__put(text, ".%s", parent->dnn_slots[i].name);
        }
    }
}

/* Names the module in the message of the error that its forward has left: "LeNet.fc1 (Linear)". */
static void place_error(const dnn_module *module)
{
    char place[200];
    dnn__text text = dnn__text_to(place, sizeof place);

    put_place(&text, module);
    if (module->dnn_parent != NULL) {
        dnn__put(&text, " (%s)", module->dnn_type->name);
    }
    dnn__place_pending(place);
}

/* ---- checks ---- */

static dnn_status check_number(const char *what, const char *does, int64_t takes, int64_t given)
{
    return takes == 0 || takes == given
               ? DNN_OK
               : dnn__fail(DNN_E_INVALID, "it %s %lld %s%s, not %lld", does, (long long)takes, what,
                           takes == 1 ? "" : "s", (long long)given);
}

/* Does the call go to the type's forward, not to its forward_n? */
static bool calls_forward(const dnn_module *module, int64_t n_in, int64_t n_out)
{
    return DNN__TYPE(module, forward) != NULL &&
           ((n_in == 1 && n_out == 1) || DNN__TYPE(module, forward_n) == NULL);
}

static dnn_status check_numbers(const dnn_module *module, int64_t n_in, int64_t n_out)
{
    bool one = calls_forward(module, n_in, n_out);

    if (!one && DNN__TYPE(module, forward_n) == NULL) {
        return dnn__fail(DNN_E_INVALID, "the type %s has neither forward nor forward_n",
                         module->dnn_type->name);
    }
    DNN_TRY(check_number("input", "takes", one ? 1 : DNN__TYPE(module, n_in), n_in));
    return check_number("output", "gives", one ? 1 : DNN__TYPE(module, n_out), n_out);
}

/* Checks the list itself; check_tensors checks what is in it. */
static dnn_status check_list(const char *function, dnn_tensor_list in)
{
    if (in.n < 0 || (in.n > 0 && in.item == NULL)) {
        return dnn__fail(DNN_E_INVALID, "%s: in.item is %s and in.n %lld", function,
                         in.item == NULL ? "NULL" : "given", (long long)in.n);
    }
    return dnn__check_alive_list(function, "in", in.item, 0);
}

static dnn_status check_tensors(const char *what, dnn_tensor *const *item, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (item[i] == NULL) {
            return n == 1 ? dnn__fail(DNN_E_INVALID, "%s is NULL", what)
                          : dnn__fail(DNN_E_INVALID, "%s %lld is NULL (of %lld)", what,
                                      (long long)i, (long long)n);
        }
        DNN_TRY(dnn__check_alive("forward", what, item[i]));
    }
    return DNN_OK;
}

/* ---- the call ---- */

static bool run_forward(dnn_module *module, dnn_tensor *x, dnn_tensor **out)
{
    bool before = dnn__callback_begin();

    *out = module->dnn_type->forward(module, x);
    return dnn__callback_left(before, *out != NULL ? DNN_OK : dnn__callback_message(), NULL);
}

static bool run_type(dnn_module *module, dnn_tensor_list in, dnn_tensor **out, int64_t n_out)
{
    bool before;

    if (calls_forward(module, in.n, n_out)) {
        return run_forward(module, in.item[0], out);
    }
    before = dnn__callback_begin();
    return dnn__callback_left(before, module->dnn_type->forward_n(module, in, out, n_out), NULL) &&
           dnn__ok(check_tensors("output", out, n_out));
}

/* Pre-hooks change a copy of the list. */
static bool run_hooked(dnn_module *module, dnn_tensor_list in, dnn_tensor **out, int64_t n_out)
{
    dnn_tensor **changed = dnn__scope_array(in.n);
    dnn_tensor_list seen = {.n = in.n, .item = changed};
    int64_t last = dnn__last_hook(module); /* what a hook adds runs from the next call on */
    bool ok = changed != NULL;

    if (ok && in.n > 0) {
        memcpy(changed, in.item, (size_t)in.n * sizeof *changed);
    }
    ok = ok && dnn__pre_hooks_run(module, last, changed, in.n) &&
         dnn__ok(check_tensors("forward pre-hook: input", changed, in.n)) &&
         run_type(module, seen, out, n_out) &&
         dnn__hooks_after_run(module, last, seen, out, n_out) &&
         dnn__ok(check_tensors("forward hook: output", out, n_out));
    return ok;
}

/* The module is not NULL, and no error is pending. false: an error is pending, and out is all
 * NULL. */
static bool call(dnn_module *module, dnn_tensor_list in, dnn_tensor **out, int64_t n_out)
{
    bool ok = dnn__ok(check_numbers(module, in.n, n_out)) &&
              dnn__ok(check_tensors(in.n == 1 ? "x" : "input", in.item, in.n));

    bool hooked = module->dnn_hooks != NULL;

    if (DNN__UNLIKELY(hooked)) {
        dnn_retain(module); /* a hook may release it */
    }
    if (DNN__LIKELY(ok)) {
        ok = DNN__LIKELY(!hooked) ? run_type(module, in, out, n_out)
                                  : run_hooked(module, in, out, n_out);
    }
    if (DNN__UNLIKELY(!ok)) {
        place_error(module);
        memset(out, 0, (size_t)n_out * sizeof *out);
    }
    if (DNN__UNLIKELY(hooked)) {
        dnn_release(module);
    }
    return ok;
}

/* Modules with a forward and without hooks are most of all: the first branch is call for them. */
dnn_tensor *(dnn_forward)(dnn_module *module, dnn_tensor *x)
{
    dnn_tensor *out = NULL;

    if (!dnn__ready("dnn_forward", module)) {
        return NULL;
    }
    if (DNN__LIKELY(module->dnn_hooks == NULL && x != NULL && !dnn__check_handles &&
                    DNN__TYPE(module, forward) != NULL)) {
        if (DNN__LIKELY(run_forward(module, x, &out))) {
            return out;
        }
        place_error(module);
        return NULL;
    }
    call(module, (dnn_tensor_list){.n = 1, .item = &x}, &out, 1);
    return out;
}

dnn_tensor *dnn_forward_list(dnn_module *module, dnn_tensor_list in)
{
    dnn_tensor *out = NULL;

    if (!dnn__ready("dnn_forward", module) || !dnn__ok(check_list("dnn_forward", in))) {
        return NULL;
    }
    call(module, in, &out, 1);
    return out;
}

dnn_status dnn_forward_n(dnn_module *module, dnn_tensor_list in, dnn_tensor **out, int64_t n_out)
{
    for (int64_t i = 0; i < n_out && out != NULL; i++) {
        out[i] = NULL;
    }
    DNN_TRY(dnn__require(module, "dnn_forward_n", "module"));
    if (n_out < 1 || out == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_forward_n: out is %s and n_out %lld",
                         out == NULL ? "NULL" : "given", (long long)n_out);
    }
    DNN_TRY(check_list("dnn_forward_n", in));
    return call(module, in, out, n_out) ? DNN_OK : dnn__take();
}
