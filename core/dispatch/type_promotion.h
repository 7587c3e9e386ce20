/* type_promotion.h - casts operands to the dtype that their row asks for. Private. */
#ifndef DNN__TYPE_PROMOTION_H
#define DNN__TYPE_PROMOTION_H
#include "frame.h"

/* Casts frame->in by the row's dtype rule. */
dnn_status dnn__promote_types(dnn__frame *frame);

#endif
