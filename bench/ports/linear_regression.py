"""linear_regression.c in PyTorch: module, data set, loader, optimizer."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

POINTS, EPOCHS = 256, 5

truth = torch.tensor([[2.0], [-3.4]])
x = torch.randn(POINTS, 2)
y = x @ truth + 4.2
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
mse_loss = nn.MSELoss()

for epoch in range(EPOCHS):
    for inputs, targets in loader:
        loss = mse_loss(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        last = loss.item()
    print(f"epoch {epoch + 1}: loss {last:.6f}")

print(net.weight)
assert last < 1e-4, f"the loss is {last:.3g}"
