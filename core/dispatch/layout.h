/* layout.h - private layouts: an order of elements that a plugin selects for tensors between its
 * own operators. Private.
 *
 * A storage has the layout, and only a result that the core has just made gets one. All handles on
 * such a storage are dense views of the whole. A caller that needs another view, or the bytes,
 * first calls dnn__make_strided (relayout.h), which converts the storage for all handles; it then
 * stays strided. Operators that take another layout get a reordered copy.
 *
 * Threads: one thread may convert a tensor that others read. A thread that reads layout, data and
 * size of a private storage together, running a kernel included, holds the layouts' lock for
 * reading; the exchange of the block holds it for writing,
 * unless this thread has the only handle. A thread that holds the lock converts
 * only tensors that it made itself. */
#ifndef DNN__LAYOUT_H
#define DNN__LAYOUT_H
#include "plugin.h"
#include "tensor_impl.h"

/* The layouts' lock. */
void dnn__layouts_lock_shared(void); /* may be nested */
void dnn__layouts_unlock_shared(void);
void dnn__layouts_lock(void); /* to exchange a block: dnn__storage_exchange */
void dnn__layouts_unlock(void);

/* Does the plugin own the layout's family? */
bool dnn__owns_layout(const dnn__plugin *plugin, uint32_t layout);
/* "blocked/nChw8c", or "strided". Lives until dnn_shutdown. */
const char *dnn__layout_name(uint32_t layout);

#endif
