/* version.c - the version of the library. */
#include "base.h"

const char *dnn_version(void)
{
    return DNN__VERSION;
}
