#!/usr/bin/env python3
"""The workloads of memory_cache.c in PyTorch, and both in turn: how much of the resident set stays.

usage: bench/torch_memory.py growing | images [STEPS]                                    one workload in PyTorch, as JSON
       bench/torch_memory.py versus [--build build] [--threads N] [--runs 3]             medians of both programs
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = ["rss_before_mb", "rss_peak_mb", "rss_kept_mb"]


def resident_mb(key):
    """A line of /proc/self/status in MB: VmRSS is the resident set, VmHWM its peak."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key)) * 1024 / 1e6


def growing(torch):
    """One tensor at a time, each 2 % larger, from 4 KB to 99 MB."""
    elements = 1000.0
    while elements < 24.75e6:
        torch.zeros(int(elements))
        elements *= 1.02


def random_images(torch, steps):
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    libc = ctypes.CDLL(None)  # the sizes of memory_cache.c
    libc.srand(1)
    for _ in range(steps):
        height, width = 32 + libc.rand() % 200, 32 + libc.rand() % 200
        x = torch.randn(4, 3, height, width)
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()
        del x
    return net, optimizer  # alive when the caller measures, as in memory_cache.c


def workload(name, steps):
    import torch
    import torch.optim
    before = resident_mb("VmRSS:")
    kept = growing(torch) if name == "growing" else random_images(torch, steps)
    print(json.dumps({"bench": "torch_memory", "case": name, "rss_before_mb": before, "rss_peak_mb": resident_mb("VmHWM:"),
                      "rss_kept_mb": resident_mb("VmRSS:") - before, "torch": torch.__version__}))
    del kept


def versus(a):
    env = dict(os.environ, DNN_THREADS=str(a.threads), OMP_NUM_THREADS=str(a.threads))
    programs = {"libdnn": [f"{a.build}/bin/bench_memory_cache"], "torch": [sys.executable, os.path.abspath(__file__)]}
    for case in ("growing", "images"):
        results = {program: [] for program in programs}
        for _ in range(a.runs):
            for program, command in programs.items():
                done = subprocess.run(command + [case], env=env, check=True, capture_output=True, text=True)
                results[program].append(json.loads(done.stdout))
        for program, runs in results.items():
            for run in runs:
                run["over_before_mb"] = run["rss_peak_mb"] - run["rss_before_mb"]
            keys = KEYS + ["over_before_mb"] + (["rss_emptied_mb", "peak_mb", "cached_mb"] if program == "libdnn" else [])
            print(f"{case:8} {program:7}", "  ".join(
                f"{key} {statistics.median(r[key] for r in runs):.1f} ({min(r[key] for r in runs):.1f}..{max(r[key] for r in runs):.1f})"
                for key in keys), runs[0].get("torch", ""), flush=True)


def main():
    if len(sys.argv) > 1 and sys.argv[1] in ("growing", "images"):
        return workload(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100)
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["versus"])
    p.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--runs", type=int, default=3)
    versus(p.parse_args())


if __name__ == "__main__":
    main()
