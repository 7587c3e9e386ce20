/* direct.h - direct calls of a kernel: its plan and its run, with operands in guarded memory and a
 * host table that counts. The checks of the kit share it. No call goes through the library's
 * dispatch. */
#ifndef DIRECT_H
#define DIRECT_H
#include "harness.h"
#include "dnn_plugin.h"

/* ---- guarded memory (guard.c) ---- */
/* On the host a faulting page is on each side of the operand, and the rest of the operand's own
 * pages holds bytes of one value. On a device only those bytes guard, in an image that is copied to
 * the device and back. */
typedef struct kit_device {
    const dnn_device *api; /* NULL: host memory */
    void *stream;
} kit_device;

typedef struct kit_block {
    /* The mapping; its accessible bytes; the operand's first byte. All are in host memory. */
    char *map, *room, *at;
    size_t map_bytes, room_bytes, bytes;
    /* On a device: the image as it was copied there. NULL on the host, where a page can be
     * read-only. */
    char *before;
    void *on_device;
    uint8_t poison;
} kit_block;

/* Allocates `bytes` bytes, all poison; the byte at `offset` is aligned to `align`. at_end: they end
 * at the end of the accessible memory, else they start at its beginning. */
bool kit_block_new(const kit_device *device, kit_block *b, size_t bytes, size_t offset,
                   size_t align, bool at_end, uint8_t poison);
void *kit_block_address(const kit_block *b, size_t offset); /* the address for the kernel */
dnn_status kit_block_give(const kit_device *device, kit_block *b, bool read_only);
/* Copies back into the image and makes it writable. */
dnn_status kit_block_take(const kit_device *device, kit_block *b);
/* Returns whether bytes [from, to) of the accessible memory are poison. */
bool kit_block_is_poison(const kit_block *b, size_t from, size_t to);
void kit_block_free(const kit_device *device, kit_block *b);

/* ---- the host table of the kit (kit_host.c) ---- */
extern dnn_host kit_host; /* complete after kit_host_start */
void kit_host_start(void);
typedef struct kit_counts {
    /* Blocks of host->alloc: alive now; allocated during a run. */
    _Atomic int64_t live, allocs_in_run, running;
    _Atomic int64_t layouts;
} kit_counts;
extern kit_counts kit_count;
const char *kit_said(void); /* the last text of host->fail in this thread */
void kit_said_forget(void);
/* Pieces run in the calling thread, the last one first, as if by `threads` workers: the ABI allows
 * this order. 0: the pool. */
void kit_scramble(int threads);

/* ---- a direct call ----
 * direct.c: views and plan; direct_run.c: run, and the bytes that changed. */
typedef struct kit_kernel {
    const dnn_kernel *table;
    const dnn_plugin *plugin; /* its reorder kernels convert its private layouts; may be NULL */
    dnn__op_id op;
    kit_device device;
} kit_kernel;

static inline bool kit_has(const kit_kernel *k, uint32_t flag)
{
    return (k->table->flags & flag) != 0;
}

static inline uint64_t kit_dense_bytes(const ref_array *a)
{
    return (uint64_t)a->n * dnn_dtype_size(a->dtype);
}

#define KIT_FAR (((int64_t)1 << 31) + 1024) /* elements between the rows of a far operand */
enum { KIT_GROWN = 64 }; /* bytes by which the structs of a newer host are longer */
#define KIT_STRUCT(type)                      \
    union {                                   \
        type s;                               \
        char grown[sizeof(type) + KIT_GROWN]; \
    }

typedef struct kit_setup {
    enum conf_layout layout, out_layout;
    int only; /* the input that has the layout; -1: all */
    bool in_place, grown, at_start;
    bool far;       /* the distance of the rows of input 0 exceeds 32 bits, in elements */
    uint32_t offer; /* the private layout of the inputs in plan; 0: strided */
    int offer_only; /* the input that has it; -1: all that can */
    uint8_t poison_out, poison_beside, poison_workspace;
    uint32_t mode;
} kit_setup;

typedef struct kit_call {
    const kit_kernel *k;
    const conf_case *c;
    kit_setup setup;
    int n; /* number of operands: inputs, then outputs */
    KIT_STRUCT(dnn_view) view[REF_MAX_IN + REF_MAX_OUT];
    KIT_STRUCT(dnn_call) call;
    KIT_STRUCT(dnn_plan) plan;
    KIT_STRUCT(dnn_host) host;
    const dnn_view *pointer[REF_MAX_IN + REF_MAX_OUT];
    int64_t stride[REF_MAX_IN + REF_MAX_OUT][DNN_DIM_MAX],
        dim[REF_MAX_IN + REF_MAX_OUT][DNN_DIM_MAX];
    /* The values of inputs in their layout; of outputs only the dims. */
    ref_array seen[REF_MAX_IN + REF_MAX_OUT];
    enum conf_layout layout[REF_MAX_IN + REF_MAX_OUT];
    int owner[REF_MAX_IN + REF_MAX_OUT]; /* the operand whose block it uses */
    size_t offset[REF_MAX_IN + REF_MAX_OUT];
    kit_block block[REF_MAX_IN + REF_MAX_OUT], workspace, stash;
    uint32_t layouts[REF_MAX_IN + REF_MAX_OUT];
    uint64_t out_bytes[REF_MAX_OUT];
    uint32_t layout_id[REF_MAX_IN + REF_MAX_OUT]; /* selected by plan; 0: strided */
    uint64_t physical[REF_MAX_IN + REF_MAX_OUT];  /* bytes of the private layout */
    kit_block back[REF_MAX_OUT];                  /* private results, reordered for reading */
    bool reads_stash;
} kit_call;

/* Returns whether the kernel's flags and dtypes allow this call. */
bool kit_allowed(const kit_kernel *k, const conf_case *c, const ref_array *in,
                 const kit_setup *setup);
/* Makes the views, without data. Returns false if there is no memory. */
bool kit_call_open(kit_call *call, const kit_kernel *k, const conf_case *c, const ref_array *in,
                   const kit_setup *setup);
dnn_status kit_call_plan(kit_call *call); /* DNN_DECLINED or an error: kit_said() has the reason */
/* Allocates the operands, workspace and stash, fills and protects them; false if there is no
 * memory. */
bool kit_call_memory(kit_call *call);
dnn_status kit_call_run(kit_call *call); /* waits for a device; images are current afterwards */
/* The last part of kit_call_run, for a run that was started otherwise. */
dnn_status kit_call_fetch(kit_call *call);
bool kit_call_read(const kit_call *call, int output, ref_array *out);
/* After the outputs were read: returns a sentence if anything was written besides the elements of
 * outputs, or NULL. */
const char *kit_call_strayed(kit_call *call, char *text, size_t bytes);
/* Returns a sentence if the padding of a private result is not zero, which the FLAT rule requires,
 * or NULL. */
const char *kit_call_padding(const kit_call *call, char *text, size_t bytes);
/* Returns whether the output's elements have the same bits in both calls. */
bool kit_call_same(const kit_call *a, const kit_call *b, int output, int64_t *where);
void kit_call_close(kit_call *call); /* calls unplan and frees the memory */

/* ---- private layouts (layouts.c) ---- */
/* One side of a reorder: strided or in a private layout. */
typedef struct kit_side {
    uint32_t layout;
    const int64_t *stride; /* for layout 0; NULL: dense */
    uint64_t bytes;        /* bytes of the layout; for a private result set by plan */
    kit_block *block;      /* for a result: allocated here */
    size_t offset;
} kit_side;
/* Reorders with the plugin's own kernels; `what` has dtype and dims. DNN_DECLINED: none of them
 * accepts, and kit_said() has the last reason. */
dnn_status kit_reorder_plan(const kit_kernel *k, const ref_array *what, const kit_side *from,
                            kit_side *to);
dnn_status kit_reorder(const kit_kernel *k, const ref_array *what, const kit_side *from,
                       kit_side *to, uint8_t poison);
/* Layouts that plans have requested so far, as pairs with a dtype. */
void kit_layout_seen(uint32_t layout, uint32_t dtype);
bool kit_layout_at(int index, uint32_t *layout, uint32_t *dtype);
bool kit_layout_owned(const dnn_plugin *plugin, uint32_t layout);
/* Returns the index of the first item of the padding that is not zero; -1: none. */
int64_t kit_padding_at(const kit_kernel *k, const ref_array *what, uint32_t layout,
                       const kit_block *block);

#endif
