/* object.h - objects, who owns them, and scopes, which release them.
 *
 * Everything that a function makes and returns by pointer is an object: tensors, modules, data
 * sets, transforms, samplers, loaders, optimizers, generators, runs, files, states, and the texts
 * and lists of this library. It belongs to the innermost open scope of the thread. Closing the
 * scope releases it. Outside every scope it belongs to the root scope of the thread, which is
 * closed when the thread ends or calls dnn_shutdown. So a program frees nothing on its error paths.
 *
 * An object that stands on others retains them: a module its children, a loader its data set, an
 * optimizer its parameters. They may leave their scopes in any order.
 *
 *     while (dnn_loader_next(loader, &batch)) {
 *         DNN_SCOPE();
 *         dnn_tensor *loss = dnn_cross_entropy(dnn_forward(net, batch.input), batch.target);
 *         ...
 *         if (dnn_value(loss) < 0.01) {
 *             break;
 *         }
 *     }
 *
 * Checked handles: in debug builds of libdnn, and where DNN_CHECK_HANDLES is 1 in the environment,
 * a function that gets an object which was freed leaves a pending DNN_E_INVALID that says how it
 * was freed: "add: a was freed when its scope closed (train.c:41)". The memory of the last 65,536
 * freed objects is not reused. Otherwise a use of a freed object is undefined.
 *
 * Threads: a scope belongs to the thread that opened it. Any thread may retain an object, and
 * release what it retained; dnn_keep is for the thread whose scope owns the object. */
#ifndef DNN_OBJECT_H
#define DNN_OBJECT_H
#include "dnn/status.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_tensor dnn_tensor;
typedef struct dnn_module dnn_module;
typedef struct dnn_optimizer dnn_optimizer;
typedef struct dnn_dataset dnn_dataset;
typedef struct dnn_loader dnn_loader;
typedef struct dnn_transform dnn_transform;
typedef struct dnn_sampler dnn_sampler;
typedef struct dnn_file dnn_file;
typedef struct dnn_generator dnn_generator;
typedef struct dnn_run dnn_run;

/* The head of every object. Public so that a struct of the program can begin with a dnn_module; its
 * members are private. */
typedef struct dnn_object {
    const struct dnn__kind *dnn_kind;
    struct dnn_object *dnn_prev, *dnn_next;
    struct dnn__scope *dnn_scope;
    int32_t dnn_refs;
} dnn_object;

/* ---- references ---- */

/* dnn_retain(x) adds a reference, which the caller owns until dnn_release(x), and returns x.
 * dnn_release(x) releases one reference; the last one frees the object. Releasing the reference of
 * the scope frees an object early: it then leaves its scope. dnn_keep(x) moves x from the innermost
 * scope to the scope around it and returns x; an object of another scope, or of the root scope,
 * stays there. x is a pointer to any object; NULL is allowed and stays NULL. */
DNN_API dnn_object *dnn_retain(dnn_object *object);
DNN_API void dnn_release(dnn_object *object);
DNN_API dnn_object *dnn_keep(dnn_object *object);

/* Returns y from a function with a DNN_SCOPE. */
#define DNN_RETURN(y) return dnn_keep(y)

#ifndef __cplusplus
/* x as the head of an object; another type than that of an object does not compile. */
/* clang-format off */
#define DNN_OBJECT(x)               \
    ((void)_Generic(x,              \
        dnn_object *: 0,            \
        dnn_tensor *: 0,            \
        dnn_module *: 0,            \
        dnn_optimizer *: 0,         \
        dnn_dataset *: 0,           \
        dnn_loader *: 0,            \
        dnn_transform *: 0,         \
        dnn_sampler *: 0,           \
        dnn_file *: 0,              \
        dnn_generator *: 0,         \
        dnn_run *: 0,               \
        void *: 0), (dnn_object *)(void *)(x))
/* clang-format on */
#define dnn_retain(x) ((__typeof__(x))(void *)(dnn_retain)(DNN_OBJECT(x)))
#define dnn_release(x) ((dnn_release)(DNN_OBJECT(x)))
#define dnn_keep(x) ((__typeof__(x))(void *)(dnn_keep)(DNN_OBJECT(x)))
#endif

/* Returns the number of objects of all kinds that are alive in the process; 0 after dnn_shutdown if
 * nothing leaked. Any thread may call it. */
DNN_API int64_t dnn_live_objects(void);

/* ---- scopes ---- */

/* An open scope, for dnn_scope_end. 0: it could not be opened. */
typedef struct dnn_scope {
    uint64_t dnn_serial;
} dnn_scope;

/* Open and close a scope by hand, for other compilers and languages. `where` is a text for
 * messages, "train.c:41", which stays valid while the process runs, or NULL. A scope that cannot be
 * opened leaves a pending DNN_E_NOMEM; what it would own belongs to the scope around it.
 * dnn_scope_end also closes the scopes that were opened after `scope` and are still open, turns
 * recording on or off as it was when the scope was opened, and ends a dnn_generator_begin that came
 * after it. It ignores NULL and a scope that is not
 * open. */
DNN_API dnn_scope dnn_scope_begin(const char *where);
DNN_API void dnn_scope_end(dnn_scope *scope);

/* Turn the recording of operators off (torch.no_grad) and on (torch.enable_grad) in this thread.
 * dnn_grad_mode_end turns it back. */
typedef struct dnn_grad_mode {
    int dnn_before;
} dnn_grad_mode;
DNN_API dnn_grad_mode dnn_no_grad_begin(void);
DNN_API dnn_grad_mode dnn_enable_grad_begin(void);
DNN_API void dnn_grad_mode_end(dnn_grad_mode *mode);

/* Returns whether this thread records operators. */
DNN_API bool dnn_grad_enabled(void);

/* Random operators of this thread draw from `generator` (backend.h) until dnn_generator_end; NULL
 * means the default generator. They may be nested: the inner one holds. The thread retains the
 * generator meanwhile. A thread begins with the default generator; one that ends in between gives
 * the generator back. A generator that was freed, and DNN_E_NOMEM, leave a pending error.
 * dnn_generator_end also ends those that began after `guard` and have not ended. It ignores NULL
 * and a guard that has ended. */
typedef struct dnn_generator_guard {
    uint64_t dnn_serial;
} dnn_generator_guard;
DNN_API dnn_generator_guard dnn_generator_begin(dnn_generator *generator);
DNN_API void dnn_generator_end(dnn_generator_guard *guard);

#define DNN_GUARD_(type, begin, end) \
    type DNN_CAT(dnn_guard_, __COUNTER__) __attribute__((cleanup(end), unused)) = begin

/* Declarations. Each holds from where it stands to the end of the enclosing block, and ends on
 * every way out of it: break, continue, return, goto. Do not jump over one into its block
 * (-Wjump-misses-init).
 *     DNN_SCOPE();        opens a scope
 *     DNN_NO_GRAD();      operators are not recorded
 *     DNN_ENABLE_GRAD();  operators are recorded, also inside a DNN_NO_GRAD, a backward or a hook
 *     DNN_GENERATOR(g);   random operators draw from g
 * DNN_NO_GRAD, DNN_ENABLE_GRAD and DNN_GENERATOR own no tensors. */
#define DNN_SCOPE() \
    DNN_GUARD_(dnn_scope, dnn_scope_begin(__FILE__ ":" DNN_TEXT(__LINE__)), dnn_scope_end)
#define DNN_NO_GRAD() DNN_GUARD_(dnn_grad_mode, dnn_no_grad_begin(), dnn_grad_mode_end)
#define DNN_ENABLE_GRAD() DNN_GUARD_(dnn_grad_mode, dnn_enable_grad_begin(), dnn_grad_mode_end)
#define DNN_GENERATOR(generator) \
    DNN_GUARD_(dnn_generator_guard, dnn_generator_begin(generator), dnn_generator_end)

/* DNN_SCOPED { ... } opens a scope for one block. `break` and `continue` inside leave the scope,
 * not a loop around it. */
#define DNN_SCOPED DNN_SCOPED_(DNN_CAT(dnn_scoped_, __COUNTER__))
#define DNN_SCOPED_(name) DNN_SCOPED__(name, DNN_CAT(name, _once))
#define DNN_SCOPED__(name, once)                                  \
    for (dnn_scope name __attribute__((cleanup(dnn_scope_end))) = \
             dnn_scope_begin(__FILE__ ":" DNN_TEXT(__LINE__)),    \
                        *once = &name;                            \
         once != NULL; once = NULL)

#ifdef __cplusplus
}

inline dnn_object *dnn_object_of(dnn_object *x)
{
    return x;
}
#define DNN_OBJECT_OF_(type)                      \
    inline dnn_object *dnn_object_of(type *x)     \
    {                                             \
        return reinterpret_cast<dnn_object *>(x); \
    }
DNN_OBJECT_OF_(dnn_tensor)
DNN_OBJECT_OF_(dnn_module)
DNN_OBJECT_OF_(dnn_optimizer)
DNN_OBJECT_OF_(dnn_dataset)
DNN_OBJECT_OF_(dnn_loader)
DNN_OBJECT_OF_(dnn_transform)
DNN_OBJECT_OF_(dnn_sampler)
DNN_OBJECT_OF_(dnn_file)
DNN_OBJECT_OF_(dnn_generator)
DNN_OBJECT_OF_(dnn_run)
template <class T> inline T *dnn_retain(T *x)
{
    dnn_retain(dnn_object_of(x));
    return x;
}
template <class T> inline void dnn_release(T *x)
{
    dnn_release(dnn_object_of(x));
}
template <class T> inline T *dnn_keep(T *x)
{
    dnn_keep(dnn_object_of(x));
    return x;
}
#endif
#endif
