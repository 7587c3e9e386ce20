/* dnn.h - includes all public headers that a program needs. Plugins include dnn_plugin.h and
 * dnn_ops.h, readers dnn_reader.h, instead. */
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
