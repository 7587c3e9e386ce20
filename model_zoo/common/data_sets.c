/* data_sets.c - the table of data sets: names, readers, files. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "data_sets.h"

enum { PATH_BYTES = 4096 };

/* Each .folder but Debian's is that of torchvision or of the archive. docs/data.md has the
 * addresses too. */
static const zoo_data_set sets[] = {
    {"mnist",
     "MNIST",
     "mnist",
     "MNIST/raw",
     "get them from https://ossci-datasets.s3.amazonaws.com/mnist/ or "
     "https://storage.googleapis.com/cvdf-datasets/mnist/ (the files of "
     "http://yann.lecun.com/exdb/mnist/), or use --dataset fashion-mnist",
     NULL,
     {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte"},
     false},
    {"fashion-mnist",
     "Fashion-MNIST",
     "mnist",
     "FashionMNIST/raw",
     "get them from http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/, or (Debian and "
     "Ubuntu) apt install dataset-fashion-mnist",
     NULL,
     {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte"},
     false},
    {"cifar10",
     "CIFAR-10",
     "cifar10",
     "cifar-10-batches-bin",
     "get it from https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
     "cifar-10-python.tar.gz",
     {"cifar-10-binary.tar.gz", "cifar-10-binary.tar", "data_batch_1.bin", "cifar-10-batches-bin"},
     true},
    {"cifar100",
     "CIFAR-100",
     "cifar100",
     "cifar-100-binary",
     "get it from https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
     "cifar-100-python.tar.gz",
     {"cifar-100-binary.tar.gz", "cifar-100-binary.tar", "train.bin", "cifar-100-binary"},
     true},
};

enum { N_SETS = sizeof sets / sizeof sets[0] };

const zoo_data_set *zoo_data_set_at(size_t i)
{
    return i < N_SETS ? &sets[i] : NULL;
}

const zoo_data_set *zoo_data_set_named(const char *name, size_t length)
{
    for (size_t i = 0; i < N_SETS; i++) {
        if (strlen(sets[i].name) == length && strncmp(sets[i].name, name, length) == 0) {
            return &sets[i];
        }
    }
    return NULL;
}

bool zoo_data_set_has(const char *folder, const char *file)
{
    char path[PATH_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);

    if (n < 0 || n >= (int)sizeof path - 3) {
        return false;
    }
    if (stat(path, &st) == 0) {
        return true;
    }
    memcpy(path + n, ".gz", 4);
    return stat(path, &st) == 0;
}

bool zoo_data_set_in(const zoo_data_set *set, const char *folder)
{
    for (int i = 0; i < ZOO_SET_FILES && set->files[i] != NULL; i++) {
        if (zoo_data_set_has(folder, set->files[i])) {
            return true;
        }
    }
    return false;
}
