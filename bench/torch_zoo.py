"""The same steps as bench_zoo and bench_dispatch, in PyTorch. versus.py runs it; python3 torch_zoo.py MODEL STEPS THREADS."""
import json
import resource
import sys
import time
import torch
from torch import nn
import torch.nn.functional as F


def net_of(model):
    if model == "mlp":
        sizes = [784, 520, 320, 240, 120, 10]
        layers = [nn.Flatten()]
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers[:-1])
    first = nn.Conv2d(3, 6, 5) if model == "cifar" else nn.Conv2d(1, 6, 5, padding=2)
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def steps(net, optimizer, x, y, n):
    for _ in range(n):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()


def zoo(model, n):
    x = torch.randn(4, 3, 32, 32) if model == "cifar" else torch.randn(64, 1, 28, 28)
    y = torch.randint(0, 10, (x.shape[0],))
    net = net_of(model)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    steps(net, optimizer, x, y, n // 5 + 5)
    began = time.perf_counter()
    steps(net, optimizer, x, y, n)
    seconds = time.perf_counter() - began
    return {"samples_per_second": x.shape[0] * n / seconds, "ms_per_step": seconds / n * 1e3}


def best_add(a, b, n=20000):
    least = 1e9
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(n):
            torch.add(a, b)
        least = min(least, time.perf_counter() - began)
    return least / n * 1e9


def dispatch():
    a, b = torch.ones(1), torch.ones(1)
    return {"add_ns": best_add(a, b), "add_grad_ns": best_add(torch.ones(1, requires_grad=True), b)}


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    out = dispatch() if sys.argv[1] == "dispatch" else zoo(sys.argv[1], int(sys.argv[2]))
    out["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out["torch"] = torch.__version__
    print(json.dumps(out))
