/* step.h - training or evaluating one batch. */
#ifndef ZOO_STEP_H
#define ZOO_STEP_H
#include "epoch.h"
#include "dnn/dnn.h"

/* One training step: forward, backward, optimizer step. Adds the batch to the means of result. */
dnn_status zoo_step_train(dnn_module *net, dnn_optimizer *optimizer, const dnn_batch *batch,
                          zoo_result *result);
/* Forward without gradients. Adds the batch to the means of result. */
dnn_status zoo_step_evaluate(dnn_module *net, const dnn_batch *batch, zoo_result *result);

#endif
