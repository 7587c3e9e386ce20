/* locate.h - finds the data of a run. */
#ifndef ZOO_LOCATE_H
#define ZOO_LOCATE_H
#include "message.h"
#include "options.h"

typedef struct zoo_data {
    dnn_dataset *train, *test; /* before Normalize */
    const char *name;          /* of the data set, as --dataset names it */
    char path[4096];           /* folder it was read from */
} zoo_data;

/* Opens the first data set of --dataset that is found. Searches --data if given, else DNN_DATA_DIR,
 * ./data, the user's cache folder and the system's data folders. Returns ZOO_GO_ON, or an exit code
 * after an error message. */
int zoo_locate(const zoo_options *options, zoo_messages *messages, zoo_data *out);

/* Returns the number of classes. */
int64_t zoo_data_classes(const zoo_data *data);

/* Releases both splits. */
void zoo_data_close(zoo_data *data);

#endif
