"""wide_and_deep.c in PyTorch: a module with two branches, a linear one and one with hidden layers."""
import torch
from torch import nn


class WideDeep(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.wide = nn.Linear(2, 4)
        self.deep = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.out = nn.Linear(4 + hidden, 1)

    def forward(self, x):  # [N,2] -> [N,1]
        wide, deep = self.wide(x), self.deep(x)
        return self.out(torch.cat((wide, deep), 1))


x = torch.rand(256, 2) * 2 - 1
a, b = x[:, :1], x[:, 1:]
y = torch.sin(a * 3) + b * 2
net = WideDeep(16)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
mse_loss = nn.MSELoss()

for step in range(400):
    loss = mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    last = loss.item()

count = sum(p.numel() for p in net.parameters())
print(f"loss {last:.5f} with {count} parameters")
assert last < 0.02, f"the loss is {last:.3g}"
