#!/usr/bin/env python3
"""The training programs' recipes in PyTorch, on the same data: test accuracy for some seeds.

usage: bench/torch_accuracy.py PROGRAM DATA_FOLDER [THREADS [SEED...]]    (seeds 0 1 2 if none is named)
With INIT_DIR set in the environment it only writes the initial weights of each seed there, for --init of the training programs.
PROGRAM: mnist_mlp, mnist_lenet (IDX files, plain or .gz), cifar_lenet (cifar-10-binary.tar.gz)
"""
import gzip
import json
import os
import sys
import tarfile
import time
import numpy as np
import torch
import torch.nn.functional as F
from torch_zoo import net_of

RECIPES = {"mnist_mlp": ("mlp", 9, 64, 0.01, 0.5), "mnist_lenet": ("lenet", 3, 64, 0.01, 0.9),
           "cifar_lenet": ("cifar", 2, 4, 0.001, 0.9)}


def idx(folder, name):
    path = os.path.join(folder, name)
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    rank = data[3]
    dims = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(rank)]
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims).copy())


def mnist(folder, split):
    x = idx(folder, f"{split}-images-idx3-ubyte")[:, None].float().div(255).sub(0.1307).div(0.3081)
    return x, idx(folder, f"{split}-labels-idx1-ubyte").long()


def cifar(folder):
    parts = {}
    with tarfile.open(os.path.join(folder, "cifar-10-binary.tar.gz")) as tar:
        for member in tar:
            if member.name.endswith(".bin"):
                raw = np.frombuffer(tar.extractfile(member).read(), np.uint8).reshape(-1, 3073)
                parts[os.path.basename(member.name)] = raw
    train = np.concatenate([parts[f"data_batch_{i}.bin"] for i in range(1, 6)])
    pairs = []
    for raw in (train, parts["test_batch.bin"]):
        x = torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).copy()).float().div(255).sub(0.5).div(0.5)
        pairs.append((x, torch.from_numpy(raw[:, 0].copy()).long()))
    return pairs


LAYERS = {"mlp": ["l1", "l2", "l3", "l4", "l5"], "lenet": ["conv1", "conv2", "fc1", "fc2", "fc3"],
          "cifar": ["conv1", "conv2", "fc1", "fc2", "fc3"]}


def save_init(program, seed, folder):
    """The initial weights of a seed as safetensors, under the names of the training program."""
    model = RECIPES[program][0]
    torch.manual_seed(seed)
    header, data, names = {}, b"", [f"{layer}.{p}" for layer in LAYERS[model] for p in ("weight", "bias")]
    for name, p in zip(names, net_of(model).parameters()):
        raw = p.detach().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(p.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(os.path.join(folder, f"{program}-{seed}.safetensors"), "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text + data)


def train(program, data, seed):
    model, epochs, batch, lr, momentum = RECIPES[program]
    (x, y), (tx, ty) = data
    torch.manual_seed(seed)
    net = net_of(model)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    began = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            pick = order[i:i + batch]
            loss = F.cross_entropy(net(x[pick]), y[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - began
    with torch.no_grad():
        right = sum((net(tx[i:i + 1000]).argmax(1) == ty[i:i + 1000]).sum().item() for i in range(0, len(tx), 1000))
    return right / len(tx), seconds


if __name__ == "__main__":
    program, folder = sys.argv[1:3]
    if "INIT_DIR" in os.environ:
        for seed in [int(a) for a in sys.argv[4:]] or [0, 1, 2]:
            save_init(program, seed, os.environ["INIT_DIR"])
        sys.exit(0)
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count())
    data = cifar(folder) if program == "cifar_lenet" else (mnist(folder, "train"), mnist(folder, "t10k"))
    seeds = [int(a) for a in sys.argv[4:]] or [0, 1, 2]
    results = [train(program, data, seed) for seed in seeds]
    print(program, "torch", torch.__version__, "accuracy", " ".join(f"{a:.4f}" for a, _ in results),
          f"mean {np.mean([a for a, _ in results]):.4f}", f"seconds {np.mean([s for _, s in results]):.1f}", flush=True)
