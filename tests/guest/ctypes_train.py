"""ctypes_train.py - trains two steps of a linear layer by Python's ctypes, as bindings of another language do.

usage: ctypes_train.py LIBDNN
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_float, c_int32, c_int64, c_uint64, c_void_p

MOST_DIMS = 8
F32 = 1


class Shape(ctypes.Structure):
    _fields_ = [("ndim", c_int64), ("dim", c_int64 * MOST_DIMS)]


class TensorList(ctypes.Structure):
    _fields_ = [("n", c_int64), ("item", POINTER(c_void_p)), ("name", c_void_p)]


class Scope(ctypes.Structure):
    _fields_ = [("serial", c_uint64)]


class FromData(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("shape", Shape), ("dtype", c_int32), ("device", c_char_p), ("requires_grad", c_bool)]


class Linear(ctypes.Structure):
    _fields_ = [("in_", c_int64), ("out", c_int64), ("no_bias", c_bool), ("dtype", c_int32)]


class Sgd(ctypes.Structure):
    _fields_ = [("parameters", TensorList), ("lr", c_double), ("momentum", c_double), ("dampening", c_double),
                ("weight_decay", c_double), ("nesterov", c_bool), ("maximize", c_bool)]


class Loss(ctypes.Structure):
    _fields_ = [("input", c_void_p), ("target", c_void_p), ("reduction", c_int32)]


class Backward(ctypes.Structure):
    _fields_ = [("of", c_void_p), ("seed", c_void_p), ("retain_graph", c_bool), ("create_graph", c_bool)]


def declare(dnn):
    for name, result, *arguments in (
            ("dnn_scope_begin", Scope, c_char_p), ("dnn_scope_end", None, POINTER(Scope)),
            ("dnn_from_data_with", c_void_p, FromData), ("dnn_nn_linear_with", c_void_p, Linear),
            ("dnn_module_tensor", c_void_p, c_void_p, c_char_p), ("dnn_init_constant", c_void_p, c_void_p, c_double),
            ("dnn_parameters", TensorList, c_void_p), ("dnn_optim_sgd_with", c_void_p, Sgd),
            ("dnn_forward", c_void_p, c_void_p, c_void_p), ("dnn_mse_loss_with", c_void_p, Loss),
            ("dnn_backward_with", c_int32, Backward), ("dnn_step", c_int32, c_void_p), ("dnn_zero_grad", c_int32, c_void_p),
            ("dnn_value", c_double, c_void_p), ("dnn_error_message", c_char_p), ("dnn_live_objects", c_int64),
            ("dnn_shutdown", None)):
        function = getattr(dnn, name)
        function.restype, function.argtypes = result, arguments


def tensor(dnn, numbers, *dims):
    data = (c_float * len(numbers))(*numbers)
    shape = Shape(len(dims), (c_int64 * MOST_DIMS)(*dims))
    return dnn.dnn_from_data_with(FromData(ctypes.cast(data, c_void_p), shape, F32))


def step(dnn, layer, optimizer):
    x, y = tensor(dnn, [1, 2, 3, 4], 2, 2), tensor(dnn, [1, 2], 2, 1)
    loss = dnn.dnn_mse_loss_with(Loss(dnn.dnn_forward(layer, x), y))
    value = dnn.dnn_value(loss)
    if dnn.dnn_backward_with(Backward(loss)) or dnn.dnn_step(optimizer) or dnn.dnn_zero_grad(optimizer):
        sys.exit(dnn.dnn_error_message().decode())
    return value


def main():
    dnn = ctypes.CDLL(sys.argv[1])
    declare(dnn)
    scope = dnn.dnn_scope_begin(b"ctypes_train.py")
    layer = dnn.dnn_nn_linear_with(Linear(2, 1))
    for name in (b"weight", b"bias"):
        dnn.dnn_init_constant(dnn.dnn_module_tensor(layer, name), 0.5)
    optimizer = dnn.dnn_optim_sgd_with(Sgd(dnn.dnn_parameters(layer), 0.01))
    losses = [step(dnn, layer, optimizer) for _ in range(2)]
    dnn.dnn_scope_end(byref(scope))
    alive = dnn.dnn_live_objects()
    dnn.dnn_shutdown()
    right = abs(losses[0] - 2.5) < 1e-5 and abs(losses[1] - 1.1698) < 1e-5 and alive == 0
    print("losses %s, %d objects alive: %s" % (losses, alive, "right" if right else "WRONG"))
    sys.exit(not right)


main()
