# Optimal costs of random assignments by SciPy's linear_sum_assignment, for test/couplings/optimal.test.ts. Writes test/golden/assignment.json.
# Points come from a Weyl sequence that the test repeats. Kinds: generic points, points of a small grid (ties), few distinct points (duplicates), two far groups
# of unequal shares (clusters: rows must cross over). The file: costs of the instances that `instance` numbers from 1, then [kind, rows, dimension, seed, cost].
#   pip install numpy scipy && python scripts/golden/make-assignment-goldens.py
import json
import os

import numpy as np
from scipy.optimize import linear_sum_assignment

KINDS = ["generic", "grid", "duplicates", "clusters"]
MASK = 0xFFFFFFFF


def words(count, seed):
    state = (seed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(MASK)
    z = ((state ^ (state >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(MASK)
    z = ((z ^ (z >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & np.uint64(MASK)
    return z ^ (z >> np.uint64(16))


def points(kind, rows, dimension, seed):
    w = words(rows * dimension, seed)
    if kind == "generic":
        return (w >> np.uint64(12)).astype(np.float64).reshape(rows, dimension) / 2**19 - 1  # 20 bits: exact in f32
    if kind == "grid":
        return (w % np.uint64(5)).astype(np.float64).reshape(rows, dimension)
    if kind == "clusters":
        x = points("generic", rows, dimension, seed)
        x[np.arange(rows) % 16 < 8 + seed % 2, 0] += 6
        return x
    few = points("generic", 7, dimension, seed ^ 0x55555555)
    return few[(w[:rows] % np.uint64(7)).astype(int)]


def cost(kind, rows, dimension, seed):
    a, b = points(kind, rows, dimension, 2 * seed), points(kind, rows, dimension, 2 * seed + 1)
    c = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    i, j = linear_sum_assignment(c)
    return float(c[i, j].sum())


def instance(seed):
    """Many small instances, every eleventh of training size."""
    return KINDS[seed % 4], 1 + seed * 7 % (160 if seed % 11 == 0 else 40), 1 + seed // 4 % 4, seed


small = [float("%.12g" % cost(*instance(seed))) for seed in range(1, 10001)]
large = []
for seed, (rows, dimension) in enumerate([(128, 1), (255, 2), (256, 2), (257, 3), (256, 64), (512, 2), (300, 8)], start=15001):
    for kind in KINDS:
        large.append([kind, rows, dimension, seed, cost(kind, rows, dimension, seed)])
path = os.path.join(os.path.dirname(__file__), "..", "..", "test", "golden", "assignment.json")
with open(path, "w") as f:
    f.write('{"small":[\n' + ",\n".join(",".join(map(str, small[i : i + 10])) for i in range(0, len(small), 10)) + "\n],\n")
    f.write('"large":[\n' + ",\n".join(json.dumps(c) for c in large) + "\n]}\n")
print(len(small) + len(large), "instances")
