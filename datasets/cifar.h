/* cifar.h - declarations that the readers of CIFAR-10 and CIFAR-100 share: the binary form, records
 * of one or two labels and a 32x32 colour image.
 *
 * cifar10.c and cifar100.c each define dnn__cifar, the description of their set, and export the
 * functions below through dnn_reader_v1(). */
#ifndef DNN_DATASETS_CIFAR_H
#define DNN_DATASETS_CIFAR_H
#include "dnn_reader.h"
#include <nettle/md5.h>
#include <zlib.h>

enum { CIFAR_FILES = 6, CIFAR_LABELS = 2, CIFAR_PIXELS = 3 * 32 * 32 };

/* One byte at the head of a record. */
typedef struct cifar_label {
    const char *word;         /* "coarse" or "fine" if a record has two; else "" */
    const char *field;        /* the field's name if both are requested */
    const char *meta_name;    /* the file with the class names, one a line */
    const char *const *names; /* [classes], then NULL */
    int classes;
} cifar_label;

typedef struct cifar_set {
    const char *id, *title, *options; /* options: for messages, "there is ..." */
    const char *folder_name, *archive_names[2];
    const char *python_folder, *python_archive; /* of the Python version, which is not read */
    int n_files;                                /* the last file is the test split */
    const char *file_names[CIFAR_FILES];
    int32_t published[CIFAR_FILES];  /* number of records of each file */
    int n_labels;                    /* the last one is the default label */
    cifar_label label[CIFAR_LABELS]; /* in the order of the record */
    uint64_t archive_bytes;          /* length and MD5 of the published archive */
    uint8_t archive_md5[MD5_DIGEST_SIZE];
    int member_bid; /* the bid for a tar or folder that has a file of these names */
} cifar_set;

extern const cifar_set dnn__cifar;

int dnn__cifar_bid(const dnn_reader_probe *probe);
dnn_status dnn__cifar_open(const dnn_reader_request *request, void **out);
dnn_status dnn__cifar_describe(void *set, dnn_reader_info *info);
dnn_status dnn__cifar_shape(void *set, int64_t index, int32_t field, int64_t *dim);
dnn_status dnn__cifar_read(void *set, int64_t first, int64_t count, void *const *dst,
                           const uint64_t *dst_bytes);
void dnn__cifar_close(void *set);

/* Defines the entry point of the reader `name`. */
#define CIFAR_READER(name)                                                                      \
    static const char *const extensions[] = {".tar.gz", ".tgz", ".tar", ".bin", NULL};          \
    DNN_READER(.flags = DNN_R_CONCURRENT, .id = name, .version = "1.0",                         \
               .build = "libarchive, zlib " ZLIB_VERSION, .extensions = extensions,             \
               .bid = dnn__cifar_bid, .open = dnn__cifar_open, .describe = dnn__cifar_describe, \
               .shape = dnn__cifar_shape, .read = dnn__cifar_read, .close = dnn__cifar_close)
#endif
