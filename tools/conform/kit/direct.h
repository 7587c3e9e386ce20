/* direct.h - a kernel called by hand: its plan and its run, with operands in guarded memory and a
 * host table that counts. The checks of the kit share it. No call goes through the library's
 * dispatch. */
#ifndef DIRECT_H
#define DIRECT_H
#include "harness.h"
#include "dnn_plugin.h"

/* ---- memory with something around it (guard.c) ---- */
/* On the host a page that faults lies on either side, and bytes of one value fill what is left of
 * the operand's own pages. On a device the bytes alone do, in an image that is copied up and down.
 */
typedef struct kit_place {
    const dnn_device *device; /* NULL: host memory */
    void *stream;
} kit_place;

typedef struct kit_block {
    char *map, *room,
        *at; /* host image: the mapping, its bytes that can be touched, the operand's first byte */
    size_t map_bytes, room_bytes, bytes;
    char *before; /* device: the image as it was copied up; NULL on the host, where a page is
                     read-only */
    void *on_device;
    uint8_t poison;
} kit_block;

/* bytes of which that at `offset` is aligned to `align`; all poison. Against the end of the room,
 * or its beginning. */
bool kit_block_new(const kit_place *place, kit_block *b, size_t bytes, size_t offset, size_t align,
                   bool at_end, uint8_t poison);
void *kit_block_address(const kit_block *b, size_t offset); /* where a kernel finds it */
dnn_status kit_block_give(const kit_place *place, kit_block *b, bool read_only);
dnn_status kit_block_take(const kit_place *place,
                          kit_block *b); /* back into the image, writable again */
bool kit_block_is_poison(const kit_block *b, size_t from, size_t to); /* bytes of the room */
void kit_block_free(const kit_place *place, kit_block *b);

/* ---- the host table of the kit (kit_host.c) ---- */
extern dnn_host kit_host; /* complete after kit_host_start */
void kit_host_start(void);
typedef struct kit_counts {
    _Atomic int64_t live, allocs_in_run,
        running; /* host->alloc: alive now; asked for while a run was on */
    _Atomic int64_t layouts;
} kit_counts;
extern kit_counts kit_count;
const char *kit_said(void); /* what host->fail kept of this thread */
void kit_said_forget(void);
/* Pieces run in the calling thread, last one first, on behalf of `threads` workers: an order that
 * the contract allows. 0: the pool. */
void kit_scramble(int threads);

/* ---- a call ----
 * direct.c: views and plan; direct_run.c: run, and the bytes that changed. */
typedef struct kit_kernel {
    const dnn_kernel *table;
    const dnn_plugin *plugin; /* its reorder kernels serve its private layouts; may be NULL */
    dnn__op_id op;
    kit_place place;
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
enum { KIT_GROWN = 64 }; /* bytes that the structs of a newer host are longer by */
#define KIT_STRUCT(type)                      \
    union {                                   \
        type s;                               \
        char grown[sizeof(type) + KIT_GROWN]; \
    }

typedef struct kit_setup {
    enum conf_layout layout, out_layout;
    int only; /* the input that gets the layout; -1 = all */
    bool in_place, grown, at_start;
    bool far;       /* the rows of input 0 lie further apart than 32 bits count, in elements */
    uint32_t offer; /* the private layout of the inputs that plan is shown; 0: strided */
    int offer_only; /* the input that is; -1 = all that can be */
    uint8_t poison_out, poison_beside, poison_workspace;
    uint32_t mode;
} kit_setup;

typedef struct kit_call {
    const kit_kernel *k;
    const conf_case *c;
    kit_setup setup;
    int n; /* operands: inputs, then outputs */
    KIT_STRUCT(dnn_view) view[REF_MAX_IN + REF_MAX_OUT];
    KIT_STRUCT(dnn_call) call;
    KIT_STRUCT(dnn_plan) plan;
    KIT_STRUCT(dnn_host) host;
    const dnn_view *pointer[REF_MAX_IN + REF_MAX_OUT];
    int64_t stride[REF_MAX_IN + REF_MAX_OUT][DNN_DIM_MAX],
        dim[REF_MAX_IN + REF_MAX_OUT][DNN_DIM_MAX];
    ref_array seen[REF_MAX_IN +
                   REF_MAX_OUT]; /* the values of inputs as they are laid out; outputs: dims */
    enum conf_layout layout[REF_MAX_IN + REF_MAX_OUT];
    int owner[REF_MAX_IN + REF_MAX_OUT]; /* whose block it lies in */
    size_t offset[REF_MAX_IN + REF_MAX_OUT];
    kit_block block[REF_MAX_IN + REF_MAX_OUT], workspace, stash;
    uint32_t layouts[REF_MAX_IN + REF_MAX_OUT];
    uint64_t out_bytes[REF_MAX_OUT];
    uint32_t layout_id[REF_MAX_IN + REF_MAX_OUT]; /* that plan selected; 0: strided */
    uint64_t physical[REF_MAX_IN + REF_MAX_OUT];  /* their bytes */
    kit_block back[REF_MAX_OUT];                  /* private results, reordered to be read */
    bool reads_stash;
} kit_call;

/* Does the kernel's table say that it may be called in this way? */
bool kit_allowed(const kit_kernel *k, const conf_case *c, const ref_array *in,
                 const kit_setup *setup);
/* Views without data. false without memory. */
bool kit_call_open(kit_call *call, const kit_kernel *k, const conf_case *c, const ref_array *in,
                   const kit_setup *setup);
dnn_status kit_call_plan(kit_call *call); /* DNN_DECLINED, or an error: kit_said() is why */
/* Memory of the operands, workspace and stash, filled and protected; false without. */
bool kit_call_memory(kit_call *call);
dnn_status kit_call_run(kit_call *call); /* waits for a device; images are up to date afterwards */
dnn_status kit_call_fetch(kit_call *call); /* what follows a run that was called otherwise */
bool kit_call_read(const kit_call *call, int output, ref_array *out);
/* After the outputs were read: was anything written that is no element of an output? The sentence,
 * or NULL. */
const char *kit_call_strayed(kit_call *call, char *text, size_t bytes);
/* Is the padding of all private results zero, as the FLAT rule needs it? The sentence, or NULL. */
const char *kit_call_padding(const kit_call *call, char *text, size_t bytes);
/* The output's elements have the same bits as those of another call of the case. */
bool kit_call_same(const kit_call *a, const kit_call *b, int output, int64_t *where);
void kit_call_close(kit_call *call); /* unplan, and the memory */

/* ---- private layouts (layouts.c) ---- */
/* One side of a reorder: in strides or in a private layout. */
typedef struct kit_side {
    uint32_t layout;
    const int64_t *stride; /* of layout 0; NULL = dense */
    uint64_t bytes;        /* physical; of a private result it is what plan says */
    kit_block *block;      /* of a result: made */
    size_t offset;
} kit_side;
/* By the plugin's own kernels; `what` has dtype and dims. DNN_DECLINED: none of them takes it,
 * kit_said() is the last no. */
dnn_status kit_reorder_plan(const kit_kernel *k, const ref_array *what, const kit_side *from,
                            kit_side *to);
dnn_status kit_reorder(const kit_kernel *k, const ref_array *what, const kit_side *from,
                       kit_side *to, uint8_t poison);
/* Layouts that plans have asked for so far, as pairs with a dtype. */
void kit_layout_seen(uint32_t layout, uint32_t dtype);
bool kit_layout_at(int index, uint32_t *layout, uint32_t *dtype);
bool kit_layout_owned(const dnn_plugin *plugin, uint32_t layout);
/* The first item (of the dtype) of the padding that is not zero; -1: none. */
int64_t kit_padding_at(const kit_kernel *k, const ref_array *what, uint32_t layout,
                       const kit_block *block);

#endif
