/* layout.h - private layouts: elements that lie in memory as a plugin wants them, between its own operators. Private.
 *
 * A layout belongs to the storage, and only a result that the core has just made gets one. All handles on such a storage
 * are dense views of the whole: whoever needs another view, or the bytes, makes it strided first (dnn__make_strided), once
 * and for all handles. From then on it stays strided. Operators that take another layout get a reordered copy.
 *
 * Threads: several may read a tensor while one makes it strided. So whoever looks at the layout, data and size of a
 * private storage together, a running kernel included, holds the layouts' lock to read; the exchange of the block holds it
 * to write. A thread that holds it makes strided only what it made itself. */
#ifndef DNN__LAYOUT_H
#define DNN__LAYOUT_H
#include "plugin.h"

void dnn__layouts_read(void); /* may be nested */
void dnn__layouts_release(void);

/* t's elements in another layout (0: strided and dense), in a new tensor of the scope. Counted. */
dnn_status dnn__reorder(dnn_tensor *t, uint32_t layout, dnn_tensor **out);
/* Could that be done? `bytes` is the size under `from`; *result (may be NULL) the size under `to`. Nothing is moved. */
dnn_status dnn__can_reorder(const dnn__desc *desc, dnn__device *device, uint32_t from, uint64_t bytes, uint32_t to,
                            uint64_t *result);
/* Does the plugin own the layout's family? */
bool dnn__owns_layout(const dnn__plugin *plugin, uint32_t layout);
/* "blocked/nChw8c", or "strided". Lives until dnn_shutdown. */
const char *dnn__layout_name(uint32_t layout);

#endif
