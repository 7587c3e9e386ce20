/* abuse.h - what the tests of bad plugins share. */
#ifndef ABUSE_H
#define ABUSE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PATH_BYTES = 1024, OUT = 16384 };

extern const char *probe, *command, *tests, *plugins, *scratch; /* programs and folders */
extern int thin;         /* 0: all cases; 1: those of the landing tier; n: one of n of these */
extern char output[OUT]; /* what the last child said */
extern int passed, failed;

struct setting {
    const char *backend, *path, *files, *fallback, *disable, *folder; /* folder: to run in */
    bool nobody;      /* run as a user without rights (by root only) */
    bool twice;       /* start, stop, start again */
    const char *data; /* a data set to read, instead of calling relu */
};

/* The exit code, or 1000 + the signal. */
int run_probe(const struct setting *s);   /* the library in a child */
int run_command(const struct setting *s); /* dnn explain relu 3 */
void judge(const char *what, int code, int want, const char *text);
void judge_alive(const char *what, int code,
                 const char *text); /* any code of the probe's, no signal */
/* Is the next case one of those taken: in the landing tier one of `stride`. */
bool taken(int stride);

char *read_file(const char *path, size_t *n);
void write_file(const char *path, const void *data, size_t n, mode_t mode);
/* dnn_<id>.so in a folder of its own, made of the bytes. */
struct setting with_bytes(const char *id, const void *data, size_t n, mode_t mode);

/* A file with a recipe: a block in its data that begins with a word of 16 bytes, which the plugin
 * obeys. */
struct recipe {
    char *file;
    size_t file_bytes, at, bytes;
    const void *good; /* as it was built */
};
/* Reads the file in the folder of the test plugins and copies its recipe to `good`; false after a
 * FAILED line. */
bool recipe_open(struct recipe *r, const char *name, const char *word, void *good, size_t bytes);
void recipe_write(const struct recipe *r, const void *changed,
                  const char *path); /* a copy of the file that obeys `changed` */
struct setting recipe_setting(const struct recipe *r, const void *changed,
                              const char *id); /* the same by with_bytes */

void make_folder(const char *path); /* nobody else may write it */

void bad_files(const char *good, size_t n); /* cut, flipped, of other machines */
void bad_zoo(void);                         /* plugins by recipe */
void bad_readers(void);                     /* readers by recipe */

#endif
