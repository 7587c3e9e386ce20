/* reenter.c - the seam of reenter.h. */
#include "reenter.h"

struct dnn__reenter dnn__reenter;
