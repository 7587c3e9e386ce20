"""gan_step.c in PyTorch: two networks, two optimizers, detach."""
import torch
import torch.nn.functional as F
from torch import nn

BATCH, STEPS = 64, 2000


def real_loss(z):  # the mean of -log sigmoid(z)
    return F.softplus(-z).mean()


def fake_loss(z):  # the mean of -log(1 - sigmoid(z))
    return F.softplus(z).mean()


g = nn.Linear(1, 1)
d = nn.Sequential(nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
g_optimizer = torch.optim.SGD(g.parameters(), lr=0.05)
d_optimizer = torch.optim.SGD(d.parameters(), lr=0.05)
mean = 0

for step in range(STEPS):
    real = torch.randn(BATCH, 1) * 0.5 + 4
    fake = g(torch.randn(BATCH, 1))

    d_optimizer.zero_grad()
    d_loss = real_loss(d(real)) + fake_loss(d(fake.detach()))
    d_loss.backward()
    d_optimizer.step()

    g_optimizer.zero_grad()
    g_loss = real_loss(d(fake))
    g_loss.backward()
    g_optimizer.step()
    mean = 0.98 * mean + 0.02 * fake.mean().item()

print(f"the generator draws numbers around {mean:.2f}")
assert abs(mean - 4) < 0.7, f"the mean is {mean:.2f}"
