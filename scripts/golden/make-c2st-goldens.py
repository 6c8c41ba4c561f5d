#!/usr/bin/env python3
"""Writes test/golden/c2st.json: pairs of small samples, and the accuracies with which scikit-learn's MLPClassifier tells them apart (log-loss, Adam, 5 folds, two
hidden layers of 10 d ReLU units), for several seeds.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6 scikit-learn==1.7.2
    /tmp/venv/bin/python scripts/golden/make-c2st-goldens.py
"""
import json, pathlib
import numpy as np, sklearn
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier

rng = np.random.default_rng(7)


def moons(n, noise):
    angle, lower = rng.uniform(0, np.pi, n), rng.integers(0, 2, n)
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle)), np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack(x, 1) + noise * rng.normal(size=(n, 2))


def correlated(n, rho):
    z = rng.normal(size=(n, 3))
    z[:, 1] = rho * z[:, 0] + np.sqrt(1 - rho * rho) * z[:, 1]
    return z


n = 400
pairs = {
    "a shift on the line": (rng.normal(size=(n, 1)), 1 + rng.normal(size=(n, 1))),
    "a narrower plane": (rng.normal(size=(n, 2)), 0.6 * rng.normal(size=(n, 2))),
    "moons, blurred more": (moons(n, 0.05), moons(n, 0.15)),
    "another correlation": (correlated(n, 0.2), correlated(n, 0.8)),
    "another scale and place": (1000 + 50 * rng.normal(size=(n, 2)), 1000 + 50 * rng.normal(size=(n, 2)) * [1, 2]),
}
golden = []
for name, (x, y) in pairs.items():
    x, y = x.astype(np.float32).round(4), y.astype(np.float32).round(4)
    mean, std, columns = x.mean(0), x.std(0), x.shape[1]
    data, target = (np.concatenate([x, y]) - mean) / std, np.repeat([0, 1], n)
    accuracies = []
    for seed in range(3):
        classifier = MLPClassifier(activation="relu", hidden_layer_sizes=(10 * columns, 10 * columns), max_iter=1000, solver="adam", random_state=seed)
        folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
        accuracies.append(float(cross_val_score(classifier, data, target, cv=folds, scoring="accuracy").mean()))
    golden.append({"name": name, "columns": columns, "x": [float(f"{v:.4f}") for v in x.ravel()], "y": [float(f"{v:.4f}") for v in y.ravel()], "accuracies": accuracies})
    print(name, np.mean(accuracies), np.std(accuracies))
out = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "c2st.json"
out.write_text(json.dumps({"versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__}, "cases": golden}) + "\n")
print("wrote", out)
