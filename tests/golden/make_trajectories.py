#!/usr/bin/env python3
"""Writes trajectory_{mlp,lenet}.txt: the first 50 losses of PyTorch from weights and batches that a formula gives, so that
the test makes the same ones and no data is needed. Run by hand (python3-torch); the tests never need Python."""
import os
import numpy as np
import torch
import torch.nn.functional as F

STEPS, BATCH = 50, 64


def uniform(stream, n):
    """SplitMix64 of (stream, i) as numbers in [0, 1) of 53 bits; tests/zoo/test_trajectory.c has the same lines."""
    with np.errstate(over="ignore"):
        z = np.arange(n, dtype=np.uint64) + np.uint64(1) + (np.uint64(stream) << np.uint64(40))
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def mlp():
    sizes = [784, 520, 320, 240, 120, 10]
    layers = [torch.nn.Flatten()]
    for a, b in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def lenet():
    nn = torch.nn
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 10))


def run(build, momentum, dtype):
    net = build().to(torch.float64)
    with torch.no_grad():
        fan = 1
        for i, p in enumerate(net.parameters()):
            if p.dim() > 1:
                fan = p[0].numel()
            u = torch.from_numpy(uniform(i, p.numel())).reshape(p.shape)
            p.copy_((2 * u - 1) / np.sqrt(fan))
    net = net.to(dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=momentum)
    losses = []
    for step in range(STEPS):
        x = torch.from_numpy(2 * uniform(1000 + step, BATCH * 784) - 1).reshape(BATCH, 1, 28, 28).to(dtype)
        y = torch.from_numpy((uniform(2000 + step, BATCH) * 10).astype(np.int64))
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    torch.set_num_threads(1)
    here = os.path.dirname(os.path.abspath(__file__))
    for name, build, momentum in (("mlp", mlp, 0.5), ("lenet", lenet, 0.9)):
        f64, f32 = (run(build, momentum, d) for d in (torch.float64, torch.float32))
        with open(os.path.join(here, f"trajectory_{name}.txt"), "w") as out:
            out.write(f"# losses of {name}, PyTorch {torch.__version__}: f64 f32\n")
            for a, b in zip(f64, f32):
                out.write(f"{a:.17g} {b:.17g}\n")
