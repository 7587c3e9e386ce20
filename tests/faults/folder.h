/* folder.h - a folder of a test: whole files in and out, emptied. Included by test_iofault and
 * test_crash. */
#ifndef DNN_TEST_FAULTS_FOLDER_H
#define DNN_TEST_FAULTS_FOLDER_H
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct bytes { /* a whole file */
    char *data;
    size_t n;
} bytes;

static const char *in_folder(const char *folder, const char *name)
{
    static char text[4][4200];
    static int next;
    char *path = text[next++ % 4];

    snprintf(path, sizeof text[0], "%s/%s", folder, name);
    return path;
}

/* data NULL: it is not there. */
static inline bytes file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    bytes b = {NULL, 0};
    struct stat st;

    if (file != NULL && fstat(fileno(file), &st) == 0) {
        b.data = malloc((size_t)st.st_size + 1);
        b.n = fread(b.data, 1, (size_t)st.st_size, file);
    }
    if (file != NULL) {
        fclose(file);
    }
    return b;
}

static inline void file_write(const char *path, bytes b)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(b.data, 1, b.n, file) != b.n || fclose(file) != 0) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(1);
    }
}

static inline bool bytes_equal(bytes a, bytes b)
{
    return a.data != NULL && b.data != NULL && a.n == b.n && memcmp(a.data, b.data, a.n) == 0;
}

/* Makes it where it is missing; how many files it had. */
static int folder_empty(const char *folder)
{
    DIR *dir;
    int n = 0;

    mkdir(folder, 0777);
    dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlink(in_folder(folder, entry->d_name));
            n++;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return n;
}

#endif
