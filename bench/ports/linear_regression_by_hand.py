"""linear_regression_by_hand.c in PyTorch: the loss and the step of gradient descent are written out."""
import torch

POINTS, STEPS, RATE = 200, 100, 0.1

truth = torch.tensor([[2.0], [-3.4]])
x = torch.randn(POINTS, 2)
y = x @ truth + 4.2 + torch.randn(POINTS, 1) * 0.01
w = torch.zeros(2, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)

for step in range(STEPS):
    loss = (x @ w + b - y).square().mean()
    loss.backward()
    with torch.no_grad():
        w -= w.grad * RATE
        b -= b.grad * RATE
        w.grad = None
        b.grad = None

w0, w1 = w[0].item(), w[1].item()
print(f"w = {w0:.2f}, {w1:.2f}; b = {b.item():.2f}")
assert abs(w0 - 2) <= 0.05 and abs(w1 + 3.4) <= 0.05 and abs(b.item() - 4.2) <= 0.05, \
    "w or b is far from the truth"
