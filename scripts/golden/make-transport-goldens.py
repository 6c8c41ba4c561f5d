# W1 and W2 squared of pairs of point sets by SciPy's linear_sum_assignment in float64, for test/metrics/transport.test.ts. Writes test/golden/transport.json.
# Points as in make-assignment-goldens.py, and `clusters`: two far groups, of which the sets hold different shares.
#   pip install numpy scipy && python scripts/golden/make-transport-goldens.py
import json
import os

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

MASK = 0xFFFFFFFF


def words(count, seed):
    state = (seed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(MASK)
    z = ((state ^ (state >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(MASK)
    z = ((z ^ (z >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & np.uint64(MASK)
    return z ^ (z >> np.uint64(16))


def points(kind, rows, dimension, seed):
    w = words(rows * dimension, seed)
    if kind == "generic":
        return (w >> np.uint64(12)).astype(np.float64).reshape(rows, dimension) / 2**19 - 1
    if kind == "grid":
        return (w % np.uint64(5)).astype(np.float64).reshape(rows, dimension)
    if kind == "clusters":  # of every 16 rows, 8 or 9 lie 6 to the right
        x = points("generic", rows, dimension, seed)
        x[:, 0] += np.where(np.arange(rows) % 16 < 8 + seed % 2, 6, 0)
        return x
    few = points("generic", 7, dimension, seed ^ 0x55555555)
    return few[(w[:rows] % np.uint64(7)).astype(int)]


def solve(kind, rows, dimension, seed):
    a, b = points(kind, rows, dimension, 2 * seed), points(kind, rows, dimension, 2 * seed + 1)
    answers = []
    for metric in ["euclidean", "sqeuclidean"]:
        c = cdist(a, b, metric)
        i, j = linear_sum_assignment(c)
        answers.append(float(c[i, j].mean()))
    return answers


KINDS = ["generic", "grid", "duplicates", "clusters"]
cases = []
for seed in range(1, 161):
    kind, rows, dimension = KINDS[seed % 4], 1 + seed * 37 % 300, 1 + seed % 5
    cases.append([kind, rows, dimension, seed, *solve(kind, rows, dimension, seed)])
for seed, (rows, dimension) in enumerate([(1024, 1), (2000, 2), (1100, 3), (700, 32)], start=501):
    for kind in ["generic", "clusters"]:
        cases.append([kind, rows, dimension, seed, *solve(kind, rows, dimension, seed)])
cases.append(["clusters", 3000, 2, 601, *solve("clusters", 3000, 2, 601)])
path = os.path.join(os.path.dirname(__file__), "..", "..", "test", "golden", "transport.json")
with open(path, "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
