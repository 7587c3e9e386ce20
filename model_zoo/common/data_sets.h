/* data_sets.h - the data sets that --dataset can name. */
#ifndef ZOO_DATA_SETS_H
#define ZOO_DATA_SETS_H
#include <stdbool.h>
#include <stddef.h>

enum { ZOO_SET_FILES = 6 };

typedef struct zoo_data_set {
    const char *name, *title, *reader;
    const char *folder; /* below a folder that is searched, as other programs lay it out */
    const char *hint;   /* the end of the message that the data is missing: where it is from */
    const char *other;  /* a file of another version, which is not read; or NULL */
    /* Each may be a .gz. One of them shows that the set is in a folder. */
    const char *files[ZOO_SET_FILES];
    bool any; /* one of the files is enough; else all are needed */
} zoo_data_set;

/* Returns data set i, or NULL after the last. */
const zoo_data_set *zoo_data_set_at(size_t i);
/* Returns the data set with the first `length` characters of name as its name, or NULL. */
const zoo_data_set *zoo_data_set_named(const char *name, size_t length);
/* Returns whether the folder has the file or the file with .gz. */
bool zoo_data_set_has(const char *folder, const char *file);
/* Returns whether the folder has one of the set's files. */
bool zoo_data_set_in(const zoo_data_set *set, const char *folder);

#endif
