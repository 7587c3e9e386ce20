/* second.c - a library of somebody else that is linked with libdnn; by_dlopen opens it. */
#include "train.h"

DNN_EXPORT int second_train(void);
int second_train(void)
{
#define FILL(name) .name = name,
    static const api linked = {API(FILL)};

    return train(&linked);
}
