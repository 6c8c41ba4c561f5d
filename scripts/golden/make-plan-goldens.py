# Entropic, unbalanced and partial plans in float64 by SciPy alone, for test/couplings/plans.test.ts. Writes test/golden/plans.json.
# Points as in make-assignment-goldens.py. Entropic plans: the dual is maximised by L-BFGS and Newton's method, which share no step with Sinkhorn's iteration;
# partial plans: the linear program of arXiv 2002.08276 by HiGHS, whose vertices are assignments.
#   pip install numpy scipy && python scripts/golden/make-plan-goldens.py
import json
import os

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.special import logsumexp

MASK = 0xFFFFFFFF


def points(rows, dimension, seed):
    count = rows * dimension
    state = (seed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(MASK)
    z = ((state ^ (state >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(MASK)
    z = ((z ^ (z >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & np.uint64(MASK)
    w = z ^ (z >> np.uint64(16))
    return (w >> np.uint64(12)).astype(np.float64).reshape(rows, dimension) / 2**19 - 1


def costs(rows, dimension, seed):
    a, b = points(rows, dimension, 2 * seed), points(rows, dimension, 2 * seed + 1)
    return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)


def plan(cost, reg, marginal):
    """P of mass 1 with  sum P C + reg KL(P | 1/n^2) + marginal KL(rows | 1/n) + marginal KL(columns | 1/n)  least; marginal None: marginals held."""
    n = len(cost)

    def log_plan(z):
        return (z[:n, None] + z[None, n:] - cost) / reg - 2 * np.log(n)

    def dual(z):  # to be minimised, and its gradient
        p = np.exp(log_plan(z))
        rows, columns = p.sum(1), p.sum(0)
        if marginal is None:
            value = reg * p.sum() - z.sum() / n
            return value, np.concatenate([rows, columns]) - 1 / n
        paid = np.exp(-z / marginal) / n
        return reg * p.sum() + marginal * paid.sum(), np.concatenate([rows, columns]) - paid

    z = np.zeros(2 * n)
    for scale in (256, 64, 16, 4, 1):  # from a strong regularisation down
        full, reg = reg, reg * scale
        z = minimize(dual, z, jac=True, method="L-BFGS-B", options={"maxiter": 20000, "maxfun": 40000, "ftol": 1e-16, "gtol": 1e-11}).x
        reg = full
    for _ in range(5):  # Newton's steps from there; where marginals are held the dual has one flat direction
        p = np.exp(log_plan(z))
        curvature = np.block([[np.diag(p.sum(1)), p], [p.T, np.diag(p.sum(0))]]) / reg
        if marginal is not None:
            curvature += np.diag(np.exp(-z / marginal) / n / marginal)
        z -= np.linalg.lstsq(curvature, dual(z)[1], rcond=1e-13)[0]
    p = np.exp(log_plan(z))
    assert np.abs(dual(z)[1]).max() < 1e-12 / n, np.abs(dual(z)[1]).max() * n
    return p / p.sum()


def partial(cost, pairs):
    n = len(cost)
    sums = np.zeros((2 * n, n * n))
    for i in range(n):
        sums[i, i * n : (i + 1) * n] = 1
        sums[n + i, i::n] = 1
    return float(linprog(cost.ravel(), A_ub=sums, b_ub=np.ones(2 * n), A_eq=np.ones((1, n * n)), b_eq=[pairs], method="highs").fun)


entropic = []
for seed, (rows, dimension, reg, marginal) in enumerate(
    [(5, 1, 0.05, None), (17, 2, 0.05, None), (24, 2, 0.02, None), (24, 3, 0.5, None), (16, 8, 0.1, None), (17, 2, 0.05, 1), (24, 2, 0.1, 0.1), (16, 3, 0.5, 10)],
    start=1,
):
    cost = costs(rows, dimension, seed)
    mean = cost.mean()
    p = plan(cost, reg * mean, None if marginal is None else marginal * mean)
    entropic.append({"rows": rows, "dimension": dimension, "seed": seed, "regularisation": reg, "marginal": marginal, "plan": [float(f"{x:.9g}") for x in p.ravel()]})
joined = []
for seed in range(101, 141):
    rows, dimension = 2 + seed * 7 % 23, 1 + seed % 4
    pairs = 1 + seed * 5 % rows
    joined.append([rows, dimension, seed, pairs, partial(costs(rows, dimension, seed), pairs)])
path = os.path.join(os.path.dirname(__file__), "..", "..", "test", "golden", "plans.json")
with open(path, "w") as f:
    f.write('{\n"entropic": [\n' + ",\n".join(json.dumps(c) for c in entropic) + '\n],\n"partial": [\n' + ",\n".join(json.dumps(c) for c in joined) + "\n]\n}\n")
print(len(entropic), "plans,", len(joined), "partial assignments")
