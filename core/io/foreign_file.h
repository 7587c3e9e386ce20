/* foreign_file.h - names what a file is that is no safetensors file. */
#ifndef DNN__FOREIGN_FILE_H
#define DNN__FOREIGN_FILE_H
#include <stddef.h>
#include <stdint.h>

enum { DNN__FOREIGN_HEAD = 1024 };

typedef struct dnn__foreign {
    const char *what;   /* "a NumPy array (.npy)" */
    const char *remedy; /* what makes a safetensors file of it, or what went wrong */
} dnn__foreign;

/* Returns the row of the table that the first n bytes of a file fit, at most DNN__FOREIGN_HEAD;
 * NULL if there is none. */
const dnn__foreign *dnn__foreign_format(const uint8_t *head, size_t n);

#endif
