#!/usr/bin/env python3
"""libdnn and PyTorch in turn, A B A B, in one run: medians, their ratio and spread.

usage: bench/versus.py [--build build] [--threads N] [--pairs 5] [--torch-python python3] [--tuned] [MODEL...]
MODEL: dispatch mlp lenet cifar startup (all of them if none is named)
--tuned runs PyTorch of Debian in its fastest setup: AVX-512 kernels, an OpenMP build of OpenBLAS (libopenblas0-openmp), huge pages, no trimming
"""
import argparse
import json
import os
import statistics
import subprocess
import time

STEPS = {"mlp": 300, "lenet": 300, "cifar": 1500}
TUNED = {"ATEN_CPU_CAPABILITY": "avx512", "LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu/openblas-openmp",
         "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=4294967295:glibc.malloc.mmap_threshold=4294967295"}
HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, env):
    began = time.perf_counter()
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    out = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    out["wall"] = time.perf_counter() - began
    return out


def commands(a, model):
    """Ours and theirs for one model, and the keys to compare (True: more is better)."""
    torch = [a.torch_python, os.path.join(HERE, "torch_zoo.py")]
    if model == "dispatch":
        return [f"{a.build}/bin/bench_dispatch"], torch + ["dispatch", "0", "1"], {"add_ns": False, "add_grad_ns": False}
    if model == "startup":
        return [f"{a.build}/bin/bench_zoo", "mlp", "1"], torch + ["mlp", "1", str(a.threads)], {"wall": False, "peak_rss_mb": False}
    steps = str(STEPS[model])
    return ([f"{a.build}/bin/bench_zoo", model, steps], torch + [model, steps, str(a.threads)],
            {"samples_per_second": True, "peak_rss_mb": False})


def compare(a, model):
    ours, theirs, keys = commands(a, model)
    env = dict(os.environ, DNN_THREADS=str(a.threads))
    peer = dict(os.environ, OMP_NUM_THREADS=str(a.threads), **(TUNED if a.tuned else {}))
    results = [(run(ours, env), run(theirs, peer)) for _ in range(a.pairs + 1)][1:]
    for key, more in keys.items():
        mine, peer = [[float(r[i][key]) for r in results] for i in (0, 1)]
        ratios = sorted(m / p if more else p / m for m, p in zip(mine, peer))
        print(f"{model:9} {key:20} libdnn {statistics.median(mine):12.4g}   torch {statistics.median(peer):12.4g}   "
              f"better by {statistics.median(ratios):6.2f}x ({ratios[0]:.2f}..{ratios[-1]:.2f})", flush=True)
    extra = {k: v for k, v in results[-1][0].items() if k.endswith("_per_step") and k != "ms_per_step"}
    if extra and model != "startup":
        print(f"{model:9} steady state: {extra}", flush=True)
    return results[-1][1].get("torch")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--torch-python", default="/usr/bin/python3")
    p.add_argument("--tuned", action="store_true")
    p.add_argument("model", nargs="*")
    a = p.parse_args()
    version = None
    for model in a.model or ["dispatch", "mlp", "lenet", "cifar", "startup"]:
        version = compare(a, model) or version
    state = "tuned" if a.tuned else "as installed"
    print(f"PyTorch {version}, {state}; {a.threads} threads, {a.pairs} pairs, medians (ratios: least..greatest)")


if __name__ == "__main__":
    main()
