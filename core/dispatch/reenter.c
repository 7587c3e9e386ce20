/* reenter.c - the pointers of reenter.h. */
#include "reenter.h"

struct dnn__reenter dnn__reenter;
