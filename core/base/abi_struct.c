/* abi_struct.c - structs that cross the plugin ABI. Each begins with its size, because the plugin
 * may be older or newer than the core. */
#include <string.h>
#include "abi_struct.h"

bool dnn__valid_id(const char *id)
{
    size_t n = id != NULL ? strnlen(id, 32) : 0;

    for (size_t i = 0; i < n; i++) {
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= '0' && id[i] <= '9') || id[i] == '_')) {
            return false;
        }
    }
    return n >= 1 && n <= 31;
}

bool dnn__tail_is_zero(const void *theirs, uint32_t size, size_t known)
{
    const unsigned char *bytes = theirs;

    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

void dnn__adopt(void *ours, size_t known, const void *theirs, uint32_t size)
{
    memset(ours, 0, known);
    memcpy(ours, theirs, size < known ? size : known);
    memcpy(ours, &known, sizeof(uint32_t));
}
