#!/usr/bin/env python3
"""Writes test/golden/metrics.json: two small samples and what NumPy and SciPy make of them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/venv/bin/python scripts/golden/make-metric-goldens.py
"""
import json, pathlib
import numpy as np, scipy
from scipy import stats
from scipy.spatial.distance import cdist

rng = np.random.default_rng(20)
x = rng.normal(size=(40, 3)).astype(np.float32)
y = (0.8 * rng.normal(size=(55, 3)) + np.array([0.3, 0.0, -0.2])).astype(np.float32)
y[3] = x[7]
y[9] = x[7]
X, Y = x.astype(np.float64), y.astype(np.float64)
xx, yy, xy = cdist(X, X), cdist(Y, Y), cdist(X, Y)
n, m = len(X), len(Y)
rho = lambda a: np.corrcoef(a.T)
pairs = np.triu_indices(3, 1)
a, b = ["u", "v", "v", "w", "u"], ["u", "v", "z", "z"]
golden = {
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
    "columns": 3,
    "x": [float(v) for v in x.ravel()],
    "y": [float(v) for v in y.ravel()],
    "mean": X.mean(0).tolist(),
    "std": X.std(0).tolist(),
    "covariance": np.cov(X.T, bias=True).ravel().tolist(),
    "correlation": rho(X).ravel().tolist(),
    "correlationSimilarity": float(np.mean(1 - np.abs(rho(X) - rho(Y))[pairs] / 2)),
    "energyV": float(2 * xy.mean() - xx.mean() - yy.mean()),
    "energyU": float(2 * xy.mean() - xx.sum() / (n * (n - 1)) - yy.sum() / (m * (m - 1))),
    "energy1d": float(stats.energy_distance(X[:, 0], Y[:, 0]) ** 2),
    "mmd": float(sum(k(xx).mean() + k(yy).mean() - 2 * k(xy).mean() for k in [lambda r, s=s: np.exp(-(r**2) / (2 * s * s)) for s in [0.01, 0.1, 1, 10, 100]])),
    "ks": [float(stats.ks_2samp(X[:, c], Y[:, c]).statistic) for c in range(3)],
    "wasserstein1": [float(stats.wasserstein_distance(X[:, c], Y[:, c])) for c in range(3)],
    "wasserstein2": float(np.sqrt(np.mean((np.sort(X[:, 0]) - np.sort(Y[:40, 0])) ** 2))),
    "categories": {"a": a, "b": b, "totalVariation": 0.5 * sum(abs(a.count(k) / len(a) - b.count(k) / len(b)) for k in "uvwz")},
    "closest": xy.min(0).tolist(),
    "copies": 2,
}
out = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "metrics.json"
out.write_text(json.dumps(golden) + "\n")
print("wrote", out)
