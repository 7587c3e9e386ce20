/* layout.h - private layouts: elements that lie in memory as a plugin wants them, between its own
 * operators. Private.
 *
 * A layout belongs to the storage, and only a result that the core has just made gets one. All
 * handles on such a storage are dense views of the whole: whoever needs another view, or the bytes,
 * makes it strided first (dnn__make_strided), once and for all handles. From then on it stays
 * strided. Operators that take another layout get a reordered copy.
 *
 * Threads: several may read a tensor while one makes it strided. So whoever looks at the layout,
 * data and size of a private storage together, a running kernel included, holds the layouts' lock
 * to read; the exchange of the block holds it to write. A thread that holds it makes strided only
 * what it made itself. */
#ifndef DNN__LAYOUT_H
#define DNN__LAYOUT_H
#include "plugin.h"
#include "tensor_impl.h"

void dnn__layouts_read(void); /* may be nested */
void dnn__layouts_release(void);
void dnn__layouts_write(void); /* for an exchange of blocks (relayout.c) */
void dnn__layouts_written(void);

/* Does the plugin own the layout's family? */
bool dnn__owns_layout(const dnn__plugin *plugin, uint32_t layout);
/* "blocked/nChw8c", or "strided". Lives until dnn_shutdown. */
const char *dnn__layout_name(uint32_t layout);

#endif
