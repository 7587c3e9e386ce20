/* thread.h - the state of core/base in each thread. The part that every call reads is thread-local;
 * texts, scopes and free lists lie in a block that is made when the thread first needs one, so that
 * libdnn takes little static thread-local storage and can be opened with dlopen. Private. */
#ifndef DNN__THREAD_H
#define DNN__THREAD_H
#include <stdatomic.h>
#include "dnn/backend.h"

/* The last message of a thread. Assign the struct to keep a message over calls that may set
 * another. */
typedef struct dnn__message {
    bool is_new;    /* set since dnn__callback_begin */
    bool is_placed; /* dnn__place_pending has named the place */
    char text[1024];
} dnn__message;

/* An open scope, in memory of the thread: a thread may end inside one. The records of a thread form
 * a list, of which the part from `root` to dnn__self.scope is open. */
typedef struct dnn__scope {
    struct dnn__scope *outer, *inner;
    dnn_object *first; /* the objects that the scope owns */
    const char *where; /* for messages; or NULL */
    uint64_t serial;   /* 0: not open, or the root */
    bool no_grad;      /* of the thread when the scope was opened */
} dnn__scope;

/* From where random operators draw: a record for each dnn_generator_begin that has not ended, in
 * memory of the thread, as scopes are. */
typedef struct dnn__drawing {
    struct dnn__drawing *outer, *inner;
    dnn_generator *generator; /* retained; NULL: the default one, or is_own */
    dnn_generator_state own;
    bool is_own; /* numbers come from `own`, which no other thread sees */
    uint64_t serial;
} dnn__drawing;

/* The free lists of a thread (slab.c). */
enum { DNN__SLAB_UNIT = 64, DNN__SLAB_LARGEST = 4096 };
enum { DNN__SLAB_CLASSES = DNN__SLAB_LARGEST / DNN__SLAB_UNIT };
typedef struct dnn__slab_cache {
    struct dnn__slab_object *head[DNN__SLAB_CLASSES];
    uint32_t count[DNN__SLAB_CLASSES];
    uint32_t generation;  /* 0: not registered yet. If it differs from the depot's, the lists are
                             invalid */
    _Atomic int64_t live; /* objects taken minus objects returned by this thread; only it writes */
    struct dnn__slab_cache *prev, *next;
} dnn__slab_cache;

enum {
    DNN__TEXT_BUFFERS = 6,
    DNN__TEXT_BYTES = 192,
    DNN__FIRST_SCOPES = 16,
    DNN__FIRST_DRAWINGS = 4
};
typedef struct dnn__thread_block {
    dnn__slab_cache slab;
    dnn__scope root, first[DNN__FIRST_SCOPES];
    dnn__drawing *drawing; /* the innermost; NULL: the default generator */
    dnn__drawing first_drawing[DNN__FIRST_DRAWINGS];
    uint64_t serial; /* of the scope or drawing that was opened last */
    dnn__message message, pending_message;
    char plugin_text[512]; /* the last text that a plugin passed to host->fail; "": none */
    unsigned turn;         /* the next of text_buffer (text.c) */
    char text_buffer[DNN__TEXT_BUFFERS][DNN__TEXT_BYTES];
} dnn__thread_block;

typedef struct dnn__thread {
    dnn_status pending; /* the pending error; its text is in pending_message */
    int call_threads; /* number of threads that the running call has scratch for; 0: no call runs */
    bool no_grad;     /* operators are not recorded */
    bool in_pool;     /* the thread runs a piece of a parallel_for */
    bool no_room;     /* a message was lost: the thread has no block and gets none */
    dnn__scope *scope;        /* the innermost open one; NULL: the thread has no block */
    const char *closing;      /* the place of the scope that is closing; NULL: none is */
    dnn__thread_block *block; /* dnn__no_block: the thread has none */
} dnn__thread;
/* initial-exec, because dispatch reads it in every call. All thread-local variables of libdnn
 * together take at most 128 bytes (a test reads PT_TLS). */
#define DNN__THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
extern DNN__THREAD_LOCAL dnn__thread dnn__self;

/* Stands for the block of a thread that has none. Nobody writes to it. */
extern dnn__thread_block dnn__no_block;

/* Ends a block when its thread ends. thread_end.c sets it before main, because thread.c is below
 * the files that it calls. */
extern void (*dnn__thread_ends)(void *block);

/* Returns the thread's block, which it makes if there is none. NULL, without a message: out of
 * memory or thread keys. The block is from calloc, not from the library's allocator, which may be
 * replaced while threads have blocks. It is freed when the thread ends. */
dnn__thread_block *dnn__thread_make(void); /* of a thread that has none */
static inline dnn__thread_block *dnn__thread_own(void)
{
    return __builtin_expect(dnn__self.scope != NULL, 1) ? dnn__self.block : dnn__thread_make();
}

/* ---- scope.c ---- */
/* Closes all scopes of this thread, and releases all objects of its root scope. */
void dnn__close_root(void);
/* Frees the records that were added to a block. */
void dnn__scopes_free(dnn__thread_block *block);

/* ---- generator.c ---- */
/* Ends the drawings that began after `serial`. */
void dnn__drawings_end(dnn__thread_block *block, uint64_t serial);
/* Frees the records that were added to a block. */
void dnn__drawings_free(dnn__thread_block *block);

/* ---- slab.c ---- */
/* Gives the free lists of a block that ends to the depot. */
void dnn__slab_thread_ends(dnn__slab_cache *cache);

/* ---- status.c ---- */
/* Writes the pending error, which nobody took, to the log, and clears it. */
void dnn__tell_untaken(void);

#endif
