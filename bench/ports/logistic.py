"""logistic.c in PyTorch: logistic regression, a loss of its own, accuracy."""
import torch
import torch.nn.functional as F
from torch import nn

POINTS, STEPS = 400, 200


def bce_with_logits(z, y):
    """The mean of -y log p - (1 - y) log(1 - p) with p = sigmoid(z), without overflow."""
    return (F.softplus(z) - y * z).mean()


x = torch.randn(POINTS, 2)
side = x.sum(1, keepdim=True) > 0.5
y = side.float()
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=1, momentum=0.9)

for step in range(STEPS):
    loss = bce_with_logits(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(f"step {step + 1:3d}: loss {loss.item():.4f}")

with torch.no_grad():
    accuracy = ((net(x) > 0) == side).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.97, f"the accuracy is {accuracy:.3f}"
