/* plugin_impl.h - functions that the files of core/plugin share: opening files, trust, adoption,
 * the inventory. dispatch, runtime and data use some of them. Private. */
#ifndef DNN__PLUGINS_H
#define DNN__PLUGINS_H
#include "plugin.h"
#include "plugin_call.h"

/* ---- trust.c: who may write a file and its folder ---- */
/* Checks who may write the folder that contains path. */
dnn_status dnn__check_folder(const char *path);
/* Opens a regular file if only root, the user and the owner of libdnn may write it and its folder.
 */
dnn_status dnn__open_trusted(const char *path, int *fd, uint64_t *size);

/* ---- elf_check.c: the ELF structure of a plugin's file ---- */
/* Opens path and checks its ELF structure and who may write it and its folder. The caller owns *fd.
 * The message names the path. */
dnn_status dnn__open_checked(const char *path, int *fd);
/* Opens a checked file and finds the symbol. The file stays open and mapped until the process ends;
 * the same file gives the same symbol. */
dnn_status dnn__open_symbol(const char *path, const char *symbol, void **out);

struct dnn__inventory_entry;

enum { DNN__KERNEL_V1_0 = 72 }; /* bytes of dnn_kernel in ABI 1.0: a smaller one is not ours */

/* ---- adopt.c, kernels.c: copies of a plugin's tables ---- */
dnn_status dnn__adopt_plugin(const char *path, const char *expected_id, const dnn_plugin *theirs,
                             dnn__plugin **out);
/* Adds the plugin's kernels. Kernels that cannot be used are skipped and listed in the entry. */
dnn_status dnn__adopt_kernels(dnn__plugin *plugin, struct dnn__inventory_entry *entry);
/* The adopted kernels in no particular order; NULL past the last. */
dnn__kernel *dnn__kernel_at(int64_t index);
dnn_status dnn__candidates_build(void);
void dnn__candidates_sort(void); /* call it after the pins have changed */
void dnn__candidates_drop(void);
dnn__kernel *const *dnn__all_kernels(int64_t *n); /* the adopted ones */
/* Removes the kernels of a plugin that was not registered after all. */
void dnn__kernels_forget(const dnn__plugin *plugin);

/* ---- inventory.c: the files that were found ---- */
typedef struct dnn__skipped {
    char *kernel, *reason;
} dnn__skipped;
typedef struct dnn__inventory_entry {
    char *path, *reason; /* reason: why it is not in use; NULL: in use */
    char *version, *build, *device;
    char id[32];
    bool reader, loaded; /* loaded: id, version, build are set */
    int64_t n_kernels, n_skipped, cap_skipped;
    dnn__skipped *skipped;
    dnn__plugin *plugin;
} dnn__inventory_entry;
/* Adds an entry. The caller then sets its reason, or the members of a loaded plugin. */
dnn_status dnn__inventory_add(const char *path, bool reader, dnn__inventory_entry **out);
dnn_status dnn__inventory_reason(dnn__inventory_entry *entry, const char *reason);
dnn__inventory_entry *dnn__inventory_at(int64_t index);
int64_t dnn__inventory_count(void);
const char *dnn__inventory_path(const dnn__plugin *plugin); /* the file of a plugin */
bool dnn__inventory_in_use(const char *path);               /* under this or another name */
void dnn__inventory_unload(void); /* the plugins are gone; the entries stay */
void dnn__inventory_forget(void);

/* ---- search.c: DNN_DISABLE, DNN_FALLBACK, the backend list, folders, files ---- */
/* Copies the next word of a list into `word` and returns where the search goes on; NULL at the end.
 * Skips empty words. */
const char *dnn__next_word(const char *at, char separator, char *word, size_t bytes);
/* Returns whether DNN_DISABLE names a plugin, or one of its operators (op not NULL). */
bool dnn__disabled(const char *plugin, const char *op);
const char *dnn__backend_list(void); /* from DNN_BACKEND or dnn_init; NULL: unset */
bool dnn__names_backend(const char *id);
dnn_status dnn__search_for(const char *list); /* stores the backend list */
dnn_status dnn__search_begin(void);           /* reads DNN_FALLBACK and finds the folders */
bool dnn__search_begun(void);
void dnn__search_forget(void);
const char *dnn__folder_at(int index);
bool dnn__file_exists(const char *path);  /* also if it is not readable */
void dnn__put_known_ids(dnn__text *text); /* appends the ids of the plugin files in the folders */
/* Calls fn for each dnn_*.so of a folder in name order, and returns the first failure. */
dnn_status dnn__each_plugin_file(const char *folder,
                                 dnn_status (*fn)(const char *folder, const char *name));

/* ---- loader.c: plugins in use ---- */
extern dnn__plugin **dnn__plugins;
extern int64_t dnn__n_plugins;
dnn_status dnn__plugins_load(void); /* those in the list; without a list all that can run here */
void dnn__plugins_drop(void);

/* ---- readers.c, host_table.c ---- */
void dnn__readers_drop(void);
void dnn__layout_names_drop(void);

#endif
