/* cifar10.c - the reader of CIFAR-10 in its binary form: the .tar.gz, the .tar, or the six .bin
 * files. This file describes the set; cifar.c reads it. */
#include "cifar.h"

static const char *const class_names[] = {"airplane", "automobile", "bird", "cat",   "deer", "dog",
                                          "frog",     "horse",      "ship", "truck", NULL};

const cifar_set dnn__cifar = {
    .id = "cifar10",
    .title = "CIFAR-10",
    .options = "there is \"records=any\"",
    .folder_name = "cifar-10-batches-bin",
    .archive_names = {"cifar-10-binary.tar.gz", "cifar-10-binary.tar"},
    .python_folder = "cifar-10-batches-py",
    .python_archive = "cifar-10-python.tar.gz",
    .n_files = 6,
    .file_names = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                   "data_batch_5.bin", "test_batch.bin"},
    .published = {10000, 10000, 10000, 10000, 10000, 10000},
    .n_labels = 1,
    .label = {{"", "label", "batches.meta.txt", class_names, 10}},
    .archive_bytes = 170052171,
    .archive_md5 = {0xc3, 0x2a, 0x1d, 0x4a, 0xb5, 0xd0, 0x3f, 0x12, 0x64, 0xb6, 0x78, 0x83, 0xe8,
                    0xd8, 0x75, 0x30},
    .member_bid = 95,
};

CIFAR_READER("cifar10")
