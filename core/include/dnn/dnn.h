/* dnn.h - everything that a program needs of libdnn. */
#ifndef DNN_DNN_H
#define DNN_DNN_H
#include "dnn/status.h"
#include "dnn/tensor.h"
#include "dnn/ops.h"
#include "dnn/autograd.h"
#include "dnn/nn.h"
#include "dnn/optim.h"
#include "dnn/data.h"
#include "dnn/io.h"
#include "dnn/print.h"
#include "dnn/backend.h"
#endif
