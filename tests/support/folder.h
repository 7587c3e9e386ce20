/* folder.h - a temporary folder of a test, paths in it, and reading and writing of whole files. A
 * test calls folder_make first and folder_drop last. */
#ifndef DNN_TEST_FOLDER_H
#define DNN_TEST_FOLDER_H
#include "unit.h"
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder_path[256];

static inline void folder_make(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(folder_path, sizeof folder_path, "%.200s/dnn_unit_XXXXXX",
             base != NULL ? base : P_tmpdir);
    cr_assert_not_null(mkdtemp(folder_path));
}

/* Path of a file in the folder; the text lives until the fourth call after it. */
static inline const char *in_folder(const char *name)
{
    static char text[4][512];
    static int next;
    char *path = text[next++ % 4];

    snprintf(path, sizeof text[0], "%s/%s", folder_path, name);
    return path;
}

/* How many files are in the folder, hidden ones too. */
static inline int folder_count(void)
{
    DIR *dir = opendir(folder_path);
    int n = 0;

    cr_assert_not_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(dir);
    return n;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
                                    struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Removes the folder and all that is in it. */
static inline void folder_drop(void)
{
    cr_expect_eq(nftw(folder_path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0, "%s stays",
                 folder_path);
}

/* All bytes of a file; the caller frees them. */
static inline unsigned char *read_whole(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    unsigned char *data;
    struct stat st;

    cr_assert(file != NULL && fstat(fileno(file), &st) == 0, "%s", path);
    *bytes = (size_t)st.st_size;
    data = malloc(*bytes + 1);
    cr_assert(data != NULL && fread(data, 1, *bytes, file) == *bytes);
    fclose(file);
    return data;
}

static inline void write_whole(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    cr_assert(file != NULL, "%s", path);
    cr_assert(bytes == 0 || fwrite(data, 1, bytes, file) == bytes);
    cr_assert_eq(fclose(file), 0);
}

/* expr has the status, and its message the text. */
static inline void expect_status(dnn_status got, dnn_status want, const char *text,
                                 const char *what)
{
    cr_assert_eq(got, want, "%s: status %s, not %s: %s", what, dnn_status_name(got),
                 dnn_status_name(want), got == DNN_OK ? "" : dnn_error_message());
    cr_assert_not_null(strstr(dnn_error_message(), text), "%s: \"%s\" does not say \"%s\"", what,
                       dnn_error_message(), text);
}

#endif
