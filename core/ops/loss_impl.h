/* loss_impl.h - what the losses share: the checks of their options and the calls of losses whose
 * targets are class indices. Private; the loss files of core/ops include it. */
#ifndef DNN__LOSS_IMPL_H
#define DNN__LOSS_IMPL_H
#include "ops_impl.h"

dnn_status dnn__check_reduction(const char *op, int64_t reduction);
dnn_status dnn__check_smoothing(const char *op, double smoothing);

/* For input [N,C,d..]: target must be [N,d..] of an integer dtype, weight NULL or [C]. */
dnn_status dnn__check_class_target(const char *op, const dnn_tensor *input,
                                   const dnn_tensor *target);
dnn_status dnn__check_class_weight(const char *op, const dnn__desc *input,
                                   const dnn_tensor *weight);

/* dloss must have rank 0, or the dims of target where the loss is not reduced. */
dnn_status dnn__check_dloss(const char *op, const dnn_attr_loss *attr, const dnn_tensor *dloss,
                            const dnn_tensor *target);

/* The attributes of a public call. false: an error is pending. */
bool dnn__class_attr(const char *op, const dnn_cross_entropy_args *args, dnn_attr_loss *attr);

/* Calls the row; adds a batch axis to input [C] and target []. NULL: an error is pending. */
dnn_tensor *dnn__class_loss(dnn__op_id op, const dnn_cross_entropy_args *args,
                            const dnn_attr_loss *attr);

/* Gradient rules: weight has no gradient, and zero would be wrong, so asking for it is an error. */
void dnn__refuse_weight_gradient(const dnn__grad *g);

/* The row nll_loss_bwd: the gradient of log-probabilities of desc, under a reduction that may
 * differ from that of `given`. */
dnn_tensor *dnn__nll_loss_bwd(const dnn_attr_loss *given, dnn_tensor *dloss, const dnn__desc *desc,
                              dnn_tensor *target, dnn_tensor *weight, uint32_t reduction);

#endif
