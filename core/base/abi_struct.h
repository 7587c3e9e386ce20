/* abi_struct.h - copying structs of a plugin or reader of another version into ours. Private. */
#ifndef DNN__ABI_STRUCT_H
#define DNN__ABI_STRUCT_H
#include "base.h"

enum {
    DNN__SIZE_MAX = 4096,
    DNN__MUST_UNDERSTAND = 0xffff
}; /* of any struct of a plugin; bits of its flags */
/* Copies the part of a plugin's struct that both know; the rest of ours is zero: "as before it
 * existed". */
void dnn__adopt(void *ours, size_t known, const void *theirs, uint32_t size);
bool dnn__tail_is_zero(const void *theirs, uint32_t size, size_t known);
/* Is id 1 to 31 characters of a-z, 0-9 and _, a letter first? */
bool dnn__valid_id(const char *id);

#endif
