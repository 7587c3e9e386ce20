/* abi_struct.h - copies structs of a plugin or reader of another version into ours. Private. */
#ifndef DNN__ABI_STRUCT_H
#define DNN__ABI_STRUCT_H
#include "base.h"

enum {
    DNN__SIZE_MAX = 4096,         /* the largest size of a struct that is accepted */
    DNN__MUST_UNDERSTAND = 0xffff /* flag bits that a core refuses if it does not know them */
};
/* Copies the first `size` bytes, at most `known`, and sets the rest of ours to zero. Zero means "as
 * before the member existed". */
void dnn__adopt(void *ours, size_t known, const void *theirs, uint32_t size);
bool dnn__tail_is_zero(const void *theirs, uint32_t size, size_t known);
/* Returns whether id is 1 to 31 characters of a-z, 0-9 and _. */
bool dnn__valid_id(const char *id);

#endif
