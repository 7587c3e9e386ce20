"""custom_function.c in PyTorch: a custom function, a gradient of a gradient, a hook."""
import torch


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square() * x

    @staticmethod
    def backward(ctx, dout):
        x, = ctx.saved_tensors
        return dout * (x.square() * 3)  # 3 x^2


calls = 0


def halve(grad):
    global calls
    calls += 1
    return grad * 0.5


x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
y = Cube.apply(x)

# The penalty (dy/dx - 1)^2 depends on x through the gradient.
dx, = torch.autograd.grad(y, x, create_graph=True)
penalty = (dx - 1).square()

x.register_hook(halve)
penalty.backward()  # 2 (3 x^2 - 1) 6 x = 264, halved by the hook
slope, second = dx.item(), x.grad.item()

print(f"dy/dx = {slope:g}; the gradient of the penalty, halved, is {second:g}")
assert calls == 1 and slope == 12 and abs(second - 132) < 1e-9, "a gradient is wrong"
