#!/usr/bin/env python3
"""The graph of graph.c in PyTorch: the same numbers."""
import json
import resource
import sys
import time

import torch


def chain(x, y, n, keep):
    for _ in range(n):
        x = x + y
        keep.append(x)
    return x


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    torch.set_num_threads(1)
    x, y = torch.ones(1, requires_grad=True), torch.ones(1)
    chain(x, y, 1, [])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ns, keep = [], []

    began = time.process_time()
    with torch.no_grad():
        chain(x, y, n, keep)
    ns.append(time.process_time() - began)
    keep = []
    began = time.process_time()
    z = chain(x, y, n, keep)
    ns.append(time.process_time() - began)
    began = time.process_time()
    z.backward()
    ns.append(time.process_time() - began)
    began = time.process_time()
    del z
    keep.clear()
    ns.append(time.process_time() - began)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = ["forward_no_grad_ns", "forward_ns", "backward_ns", "release_ns"]
    result = {"bench": "graph", "nodes": n, **{k: round(v * 1e9 / n) for k, v in zip(names, ns)},
              "bytes_per_node": round((after - before) * 1024 / n), "torch": torch.__version__}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
