#!/usr/bin/env python3
"""Writes prints.def: texts of PyTorch 2.15 of tensors, modules, states and grad_fn, which tests/unit/inspect compares with
those of libdnn. Run by hand (pip install torch==2.15.0); the tests never need Python.

A line of prints.def is one of
  PRINT(dtype, shape, values, how, OPTIONS(...), text)
                                                    the tensor of the values, changed as `how` says, printed with
                                                    OPTIONS(precision, threshold, edge_items, line_width, sci_mode)
  MODULE(name, text), STATE(name, text), LIST(name, text)
                                                    a module that the test builds under that name; its state dict; its parameters
  GRAD_FN(name, text)                               the grad_fn of an expression that the test has under that name
  DIFFERS(name, text)                               likewise, where libdnn prints another one on purpose: dnn_tensor_format in dnn/tensor.h

On purpose, dtype=torch.float64 is dtype=f64. The script puts the short name before PyTorch counts columns. A state dict has the
form of Python 3.12, also if an older Python runs the script."""
import math
import os
import torch
import torch.nn.functional as F

NAMES = {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "int8": "i8", "uint8": "u8", "int32": "i32",
         "int64": "i64", "bool": "bool"}
DTYPES = {short: getattr(torch, name) for name, short in NAMES.items()}
nan, inf = math.nan, math.inf
lines = []

add_suffixes = torch._tensor_str._add_suffixes


def add_short_suffixes(text, suffixes, indent, force_newline):
    short = [s.replace("torch.", "") if s.startswith("dtype=") else s for s in suffixes]
    return add_suffixes(text, ["dtype=" + NAMES[s[6:]] if s.startswith("dtype=") else s for s in short], indent, force_newline)


torch._tensor_str._add_suffixes = add_short_suffixes


def literal(text):
    pieces = text.split("\n")
    pieces = [p + "\n" for p in pieces[:-1]] + pieces[-1:]
    return "\n      ".join('"' + p.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"' for p in pieces)


def number(value):
    if isinstance(value, float):
        if math.isnan(value):
            return "NAN"
        if math.isinf(value):
            return "INFINITY" if value > 0 else "-INFINITY"
        return repr(value)
    if value == -2**63:
        return "INT64_MIN"
    return str(int(value))


# ---- tensors ----

OPTIONS = {"precision": "precision", "threshold": "threshold", "edge_items": "edgeitems", "line_width": "linewidth",
           "sci_mode": "sci_mode"}


def changed(t, how):
    if how == "LEAF":
        return t.requires_grad_()
    if how == "PARAMETER":
        return torch.nn.Parameter(t)
    if how == "TRANSPOSED":
        return t.transpose(0, 1)
    if how == "STRIDED":
        return t[1::2]
    if how == "EXPANDED":
        return t.expand(3, *t.shape)
    if how == "NEGATED":
        return -t.requires_grad_()
    if how == "VIEWED":
        return t.requires_grad_().view(t.shape)
    if how == "SUMMED":
        return t.requires_grad_().sum()
    if how == "SPLIT":
        return t.requires_grad_()[0:2]
    return t


def show(dtype, shape, values, how="PLAIN", **options):
    """values: a list, or (start, step)."""
    n = math.prod(shape)
    if isinstance(values, tuple):
        t = values[0] + values[1] * torch.arange(n, dtype=torch.float64)
        text_values = f"RANGE({values[0]}, {values[1]})"
        assert torch.equal(t.to(DTYPES[dtype]).double(), t)
        t = t.to(DTYPES[dtype])
    elif dtype == "i64":
        t = torch.tensor(values, dtype=torch.int64)
        text_values = f"WHOLE({', '.join(number(v) for v in values)})" if n > 0 else "NOTHING"
    else:
        t = torch.tensor([float(v) for v in values], dtype=torch.float64).to(DTYPES[dtype])
        text_values = f"VALUES({', '.join(number(v) for v in t.double().tolist())})" if n > 0 else "NOTHING"
    t = t.reshape(shape)
    with torch._tensor_str.printoptions(**{OPTIONS[k]: v for k, v in options.items()}):
        text = repr(changed(t, how))
    given = {"precision": 4, "threshold": 1000, "edge_items": 3, "line_width": 80, "sci_mode": None} | options
    given["sci_mode"] = {None: "AUTO", True: "ON", False: "OFF"}[given["sci_mode"]]
    size = f"SHAPE({', '.join(map(str, shape))})" if shape else "SCALAR"
    lines.append(f"PRINT({dtype.upper()}, {size}, {text_values}, {how},\n"
                 f"      OPTIONS({', '.join(map(str, given.values()))}), {literal(text)})")


def tensors():
    torch.manual_seed(1)
    floats = ["f32", "f64", "f16", "bf16"]
    ints = ["i8", "u8", "i32", "i64"]
    for d in floats:
        show(d, (), [1.5])
        show(d, (2, 3), [1, 2.5, -3, 4, 0.125, -0.75])
        show(d, (3,), [1, 2, 3])
        show(d, (2,), [1, 20000])
        show(d, (4,), [nan, inf, -inf, 1])
        show(d, (0,), [])
        show(d, (2, 2), torch.randn(4).tolist(), "LEAF")
        show(d, (5,), torch.randn(5).tolist(), "VIEWED")
    for d in ints:
        show(d, (), [7])
        show(d, (3,), [1, 20, 100])
        show(d, (2, 3), [0, 1, 2, 3, 4, 127])
        show(d, (0, 3), [])
    for d in ["i8", "i32", "i64"]:
        show(d, (3,), [-1, 20, -100])
    show("i64", (2,), [2**63 - 1, -2**63])
    show("i32", (2,), [2**31 - 1, -2**31])
    show("i64", (12,), [10**10 + k for k in range(12)])
    show("bool", (), [1])
    show("bool", (2,), [1, 0])
    show("bool", (2, 2), [0, 0, 0, 0])
    show("bool", (20,), [k % 3 == 0 for k in range(20)])
    show("bool", (0,), [])
    # shapes
    for shape in [(0, 3), (3, 0), (0, 0, 2), (1, 0)]:
        show("f32", shape, [])
    show("f64", (2, 0), [], "LEAF")
    show("f16", (2, 0, 3, 1, 1), [])
    show("f32", (1,), [0])
    show("f32", (1, 1, 1), [3])
    show("f32", (2, 2, 2), (0, 1))
    show("f32", (2, 2, 2, 2), (0, 0.5))
    show("f32", (2, 1, 2, 1, 2), (-4, 1))
    show("i64", (1, 2, 1, 2, 1, 2, 1, 2), list(range(16)))
    # special numbers
    show("f32", (3,), [1e-45, 1, 2])
    show("f32", (3,), [1e30, 1, 2])
    show("f64", (3,), [1e300, 1e-300, 0])
    show("f64", (2,), [5e-324, 1.7976931348623157e308])
    show("f32", (4,), [0, -0.0, 0, 0])
    show("f32", (2,), [-0.0, 1])
    show("f32", (2,), [-0.0, 1.5])
    show("f32", (2,), [-0.0, 1e-5])
    show("f32", (), [-0.0])
    for value in [nan, inf, -inf]:
        show("f32", (), [value])
        show("f32", (2,), [value, value])
        show("f32", (2,), [value, 1.5])
        show("f32", (3,), [value, 1e10, 1e-10])
        show("f32", (2,), [value, 0])
    show("f32", (3,), [nan, 100000, 200000])
    show("f32", (2, 2), [inf, -1, 0.5, nan])
    show("f32", (2,), [1, 1000])
    show("f32", (2,), [1, 1001])
    show("f32", (2,), [0.001, 1])
    show("f32", (2,), [1e8, 1e8])
    show("f32", (2,), [100000008, 100000008])
    show("f64", (2,), [0.0001, 0.05])
    show("f64", (2,), [0.00009999, 0.05])
    show("f64", (4,), [0.00005, 0.00015, 0.5, 2.5])
    show("f64", (4,), [0.12345, 0.12355, 0.99995, 0.00005])
    show("f64", (3,), [999.99999, 99.5, 1.00005])
    show("f16", (3,), [6e-8, 65504, 1])
    show("bf16", (3,), [3.3895e38, 1e-40, 1])
    show("bf16", (4,), [0.1, 0.2, 0.3, 100.5])
    # long and wide
    show("f32", (1000,), (0, 1))
    show("f32", (1001,), (0, 1))
    show("i64", (1200,), (0, 1))
    show("i64", (30,), (0, 1))
    show("f32", (15,), (0.5, 0.25))
    show("f32", (2, 30), (0, 0.5))
    show("f32", (40, 40), (0, 1))
    show("f32", (12, 10, 10), (-600, 1))
    show("f32", (2, 501), (0, 0.5))
    show("f32", (1001, 1), (0, 0.5))
    show("f32", (7, 1, 200), (0, 0.125))
    show("f64", (2, 2, 7, 50), (0, 0.125), "LEAF")
    show("bool", (1100,), [k % 2 for k in range(1100)])
    # columns of suffixes
    for n in range(5, 10):
        show("f32", (n,), [k + 0.25 for k in range(n)], "LEAF")
        show("f64", (n,), [k + 0.25 for k in range(n)], "NEGATED")
        show("bf16", (2, n), [k + 0.25 for k in range(2 * n)], "VIEWED")  # the base plugin computes nothing in bf16
    for width in range(36, 62, 4):
        show("f64", (3,), [1, 2, 3], "NEGATED", line_width=width)
    # views, parameters, histories
    show("f32", (2, 3), (0, 1), "TRANSPOSED")
    show("i32", (3, 4), (0, 1), "TRANSPOSED")
    show("f32", (6,), (0, 0.5), "STRIDED")
    show("f64", (6, 2), (0, 0.5), "STRIDED")
    show("f32", (2,), [1, 2.5], "EXPANDED")
    show("f32", (30, 40), (0, 1), "TRANSPOSED")
    show("f32", (2, 2), [1, 2, 3, 4.5], "PARAMETER")
    show("f64", (3,), [1, 2, 3], "PARAMETER")
    show("f32", (0,), [], "PARAMETER")
    show("f32", (), [2], "PARAMETER")
    show("f32", (2, 2), [1, 2, 3, 4], "SUMMED")
    show("f64", (2, 2), [1, 2, 3, 4], "SUMMED")
    show("f32", (3, 2), [1, 2, 3, 4, 5, 6], "SPLIT")
    # options
    pi = [3.14159265358979, 2.71828182845905, -1.41421356237310]
    for precision in [0, 1, 2, 8, 17]:
        show("f64", (3,), pi, precision=precision)
        show("f64", (3,), [1e-7, 2.5, 1e9], precision=precision)
    show("f32", (3,), [1, 2, 3], precision=0)
    show("f32", (2,), [0.5, 1.5], precision=0)
    for threshold in [0, 5, 9, 10]:
        show("f32", (10,), (0, 1), threshold=threshold)
        show("i64", (2, 5), (0, 1), threshold=threshold)
    show("f32", (), [1], threshold=0)
    show("f32", (1500,), (0, 1), threshold=10**9)
    for edge in [0, 1, 2, 5, 50]:
        show("f32", (20, 20), (0, 0.5), threshold=20, edge_items=edge)
        show("i32", (4,), (0, 1), threshold=3, edge_items=edge)
    show("f64", (4,), (0, 1), edge_items=0)
    show("f64", (), [1], edge_items=0)
    show("f64", (2, 0), [], edge_items=0)
    for width in [0, 1, 10, 20, 40, 79, 81, 120, 200]:
        show("f32", (20,), (0, 0.25), "LEAF", line_width=width)
    show("f32", (2, 2, 12), (0, 0.25), line_width=40)
    for mode in [True, False]:
        show("f32", (3,), [1, 2, 3], sci_mode=mode)
        show("f32", (3,), [1e-9, 2.5, 1e9], sci_mode=mode)
        show("f32", (3,), [0, 0, 0], sci_mode=mode)
        show("f32", (3,), [nan, 1.5, inf], sci_mode=mode)
        show("f64", (2,), [1e300, 1], sci_mode=mode)
        show("i64", (2,), [1, 2], sci_mode=mode)
    show("f64", (3,), pi, "NEGATED", precision=2, sci_mode=True, line_width=30)


# ---- modules ----

class Block(torch.nn.Module):
    def __init__(self, *children, settings="", **named):
        super().__init__()
        self.settings = settings
        for k, child in enumerate(children):
            self.add_module(str(k), child)
        for name, child in named.items():
            self.add_module(name, child)

    def extra_repr(self):
        return self.settings


def module_list():
    nn = torch.nn
    return {
        "linear": nn.Linear(3, 4),
        "linear_no_bias": nn.Linear(3, 4, bias=False),
        "conv": nn.Conv2d(1, 6, 5),
        "conv_padding": nn.Conv2d(1, 6, 5, padding=2, stride=3),
        "conv_all": nn.Conv2d(4, 8, (3, 2), stride=(1, 2), padding=(1, 0), dilation=2, groups=2, bias=False),
        "conv_same": nn.Conv2d(1, 2, 3, padding="same"),
        "max_pool": nn.MaxPool2d(2),
        "max_pool_all": nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=2, ceil_mode=True),
        "avg_pool": nn.AvgPool2d(2),
        "avg_pool_all": nn.AvgPool2d((3, 2), stride=2, padding=(1, 0)),
        "adaptive_avg": nn.AdaptiveAvgPool2d((2, 3)),
        "adaptive_max": nn.AdaptiveMaxPool2d((1, 1)),
        "flatten": nn.Flatten(),
        "identity": nn.Identity(),
        "dropout": nn.Dropout(0.25),
        "relu": nn.ReLU(),
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "silu": nn.SiLU(),
        "gelu": nn.GELU(),
        "gelu_tanh": nn.GELU(approximate="tanh"),
        "leaky_relu": nn.LeakyReLU(0.1),
        "elu": nn.ELU(0.5),
        "softplus": nn.Softplus(),
        "softplus_all": nn.Softplus(0.5, 1e-5),
        "softmax": nn.Softmax(1),
        "log_softmax": nn.LogSoftmax(-1),
        "nested": nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh())), nn.ReLU()),
        "repeated_sequential": nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU()),
        "module_list": nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3), nn.Linear(2, 3), nn.ReLU()]),
        "module_list_nested": nn.ModuleList([nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(3)]),
        "module_list_one": nn.ModuleList([nn.ReLU()]),
        "module_list_empty": nn.ModuleList(),
        "custom": Block(conv1=nn.Conv2d(1, 2, 3), layers=nn.ModuleList([nn.ReLU(), nn.ReLU()])),
        "custom_settings": Block(nn.ReLU(), settings="width=3"),
        "custom_lines": Block(settings="width=3\nheight=4"),
        "custom_lines_children": Block(nn.Sequential(Block(settings="a\nb")), settings="width=3\nheight=4"),
        "custom_empty": Block(),
    }


def modules():
    for name, module in module_list().items():
        lines.append(f"MODULE({name},\n       {literal(repr(module))})")


def states():
    nn = torch.nn
    small = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        for i, p in enumerate(small.parameters()):
            p.copy_((torch.arange(p.numel()) + i).reshape(p.shape) * 0.25)
    bare = Block(nn.ReLU())
    buffers = Block()
    buffers.register_buffer("mean", torch.tensor([0.5, 1.5], dtype=torch.float64))
    buffers.register_parameter("scale", nn.Parameter(torch.tensor(2.0)))
    for name, module in [("small", small), ("bare", bare), ("buffers", buffers)]:
        members = dict(module.state_dict())
        text = f"OrderedDict({members})" if members else "OrderedDict()"
        lines.append(f"STATE({name},\n      {literal(text)})")
        lines.append(f"LIST({name},\n     {literal(repr(list(module.parameters())))})")


# ---- grad_fn ----

def grad_fn_name(t):
    name = type(t.grad_fn).__name__
    return t.grad_fn.name().rsplit("::", 1)[-1] if name == "CppFunction" else name


class my_exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.exp()

    @staticmethod
    def backward(ctx, dy):
        return dy


class once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        return dy * 2


def expressions():
    x = (torch.rand(3, 4) + 0.25).requires_grad_()
    y = (torch.rand(3, 4) + 0.25).requires_grad_()
    s = torch.tensor(2.0, requires_grad=True)
    v = torch.rand(4, requires_grad=True)
    a = torch.rand(2, 3, 4, requires_grad=True)
    image = torch.rand(2, 3, 8, 8, requires_grad=True)
    w = torch.rand(4, 3, 3, 3, requires_grad=True)
    w4, b5 = torch.rand(5, 4, requires_grad=True), torch.rand(5, requires_grad=True)
    classes, pixels = torch.tensor([0, 1, 2]), torch.zeros(2, 8, 8, dtype=torch.long)

    def second(f, of):
        return torch.autograd.grad(f(of).square().sum(), of, create_graph=True)[0]

    same = {name: getattr(torch, name)(x) for name in
            "neg abs sign square floor ceil round trunc reciprocal sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan "
            "asin acos atan sinh cosh tanh erf erfc sigmoid relu".split()}
    same |= {name: getattr(F, name)(x) for name in "silu gelu leaky_relu elu softplus softsign".split()}
    same |= {name: getattr(torch, name)(x, y) for name in
             "add sub mul div pow maximum minimum fmax fmin atan2 remainder fmod".split()}
    same |= {
        "clone": x.clone(), "cast": x.double(), "cat": torch.cat([x, y]), "slice_scatter": x.slice_scatter(y[:1], 0, 0, 1),
        "view": x.view(12), "flatten": x.flatten(), "reshape": x.reshape(2, 6), "permute": x.permute(1, 0),
        "movedim": x.movedim(0, 1), "expand": x.expand(2, 3, 4), "slice": x[0:2], "narrow": x.narrow(0, 0, 2),
        "add_number": x + 1, "sub_number": x - 1, "rsub": 1 - x, "mul_number": x * 2, "div_number": x / 2, "pow_number": x ** 2,
        "pow_tensor": x ** s,
        "where": torch.where(x > 0.5, x, y), "clamp": x.clamp(y, y), "clamp_low": x.clamp(min=y), "clamp_number": x.clamp(0, 1),
        "clamp_number_low": x.clamp(min=0),
        "sum": x.sum(), "sum_dim": x.sum(0), "sum_keepdim": x.sum(0, keepdim=True), "mean": x.mean(), "mean_dim": x.mean(0),
        "amax": x.amax(0), "amin": x.amin(0), "max_dim": x.max(0).values, "min_dim": x.min(0).values,
        "softmax": x.softmax(1), "log_softmax": x.log_softmax(1),
        "mm": x @ y.t(), "bmm": torch.bmm(a, a.transpose(1, 2)), "linear": F.linear(x, w4, b5), "linear_no_bias": F.linear(x, w4),
        "linear_3d": F.linear(a, w4, b5), "linear_3d_no_bias": F.linear(a, w4), "linear_1d": F.linear(v, w4, b5),
        "conv2d": F.conv2d(image, w), "max_pool2d": F.max_pool2d(image, 2), "avg_pool2d": F.avg_pool2d(image, 2),
        "adaptive_avg_pool2d": F.adaptive_avg_pool2d(image, 2), "adaptive_avg_pool2d_to_1": F.adaptive_avg_pool2d(image, 1),
        "adaptive_max_pool2d": F.adaptive_max_pool2d(image, 2),
        "nll_loss": F.nll_loss(x, classes), "nll_loss_2d": F.nll_loss(image, pixels), "cross_entropy": F.cross_entropy(x, classes),
        "cross_entropy_2d": F.cross_entropy(image, pixels), "dropout": F.dropout(x, 0.5),
        "relu_in_place": x.clone().relu_(), "add_in_place": x.clone().add_(y), "mul_in_place": x.clone().mul_(y),
        "custom_function": my_exp.apply(x),
        "second_once": second(once.apply, x),
        "second_relu": second(torch.relu, x), "second_leaky_relu": second(F.leaky_relu, x),
        "second_max_dim": second(lambda t: t.max(0).values, x), "second_maximum": second(lambda t: torch.maximum(t, y), x),
        "second_clamp": second(lambda t: t.clamp(0, 1), x), "second_nll_loss": second(lambda t: F.nll_loss(t, classes), x),
        "second_dropout": second(F.dropout, x), "second_conv2d_input": second(lambda t: F.conv2d(t, w), image),
        "second_conv2d_weight": second(lambda t: F.conv2d(image, t), w),
        "second_avg_pool2d": second(lambda t: F.avg_pool2d(t, 2), image),
        "second_adaptive_avg_pool2d": second(lambda t: F.adaptive_avg_pool2d(t, 3), image),
    }
    differs = {
        "transpose": x.transpose(0, 1), "t": x.t(), "unsqueeze": x.unsqueeze(0), "squeeze": x[:1].squeeze(), "select": x[0],
        "reshape_copy": x.t().reshape(12), "split": x.split(2)[0], "stack": torch.stack([x, y]), "copy_in_place": x.clone().copy_(y),
        "masked_fill": x.masked_fill(x > 0.5, 0.0), "max": x.max(), "min": x.min(), "sum_of_vector": v.sum(0),
        "mean_of_all_dims": x.mean((0, 1)), "matmul_3d": a @ a.transpose(1, 2), "matmul_vector": x @ v, "dot": v @ v,
        "addmm": torch.addmm(y[:, :3], x, y.t()), "linear_1d_no_bias": F.linear(v, w4), "floor_divide": x // y,
        "mse_loss": F.mse_loss(x, y), "cross_entropy_smoothing": F.cross_entropy(x, classes, label_smoothing=0.1),
    }
    return same, differs


def grad_fns():
    for macro, table in zip(("GRAD_FN", "DIFFERS"), expressions()):
        for name, t in table.items():
            lines.append(f'{macro}({name}, "{grad_fn_name(t)}")')


if __name__ == "__main__":
    assert torch.__version__.startswith("2.15."), torch.__version__
    for write in (tensors, modules, states, grad_fns):
        write()
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "prints.def"), "w") as out:
        out.write("/* prints.def - written by make_prints.py, which says what a line is: texts of PyTorch 2.15. */\n")
        out.write("\n".join(lines) + "\n")
