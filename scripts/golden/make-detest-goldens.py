#!/usr/bin/env python3
"""Writes test/golden/detest.json: the 25 problems of DETEST (Hull, Enright, Fellen, Sedgwick, SIAM J. Numer. Anal. 9, 1972) on [0, 20].

`end`: the solution at t = 20, by 8th-order steps in 80-bit floats, halved until two runs agree to 1e-13 of the largest component; `scipy`: for each tolerance
1e-3 .. 1e-10 the evaluations of SciPy's RK45 at rtol = atol, and its error at t = 20 in units of atol + rtol |end| (largest component).

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/venv/bin/python scripts/golden/make-detest-goldens.py
"""
import json, pathlib
import numpy as np, scipy
from scipy.integrate import solve_ivp
from scipy.integrate._ivp import dop853_coefficients as dop

# Outer planets, C5: Jupiter, Saturn, Uranus, Neptune, Pluto.
K2, M0 = 2.95912208286, 1.00000597682
M = np.array([0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778])
Q = np.array([[3.42947415189, 3.35386959711, 1.35494901715], [6.64145542550, 5.97156957878, 2.18231499728], [11.2630437207, 14.6952576794, 6.27960525067],
              [-30.1552268759, 1.65699966404, 1.43785752721], [-21.1238353380, 28.4465098142, 15.3882659679]])
V = np.array([[-.557160570446, .505696783289, .230578543901], [-.415570776342, .365682722812, .169143213293], [-.325325669158, .189706021964, .0877265322780],
              [-.0240476254170, -.287659532608, -.117219543175], [-.176860753121, -.216393453025, -.0148647893090]])


def bodies(t, y):
    q, v = y[:15].reshape(5, 3), y[15:]
    r3 = np.sum(q * q, 1) ** 1.5
    gap = q[None] - q[:, None]
    d3 = np.sum(gap * gap, 2) ** 1.5 + np.eye(5)
    pull = np.sum(M[None, :, None] * (gap / d3[:, :, None] - (q / r3[:, None])[None] * (1 - np.eye(5))[:, :, None]), 1)
    return np.concatenate([v, (K2 * (-(M0 + M)[:, None] * q / r3[:, None] + pull)).ravel()])


def chain(rates_out, rates_in):
    return lambda t, y: np.concatenate([-rates_out * y[:-1], [0]]) + np.concatenate([[0], rates_in * y[:-1]])


def heat(t, y):
    z = np.concatenate([[0], y, [0]])
    return z[:-2] - 2 * z[1:-1] + z[2:]


def kepler(t, y):
    r3 = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return np.array([y[2], y[3], -y[0] / r3, -y[1] / r3])


def b4(t, y):
    r = np.sqrt(y[0] ** 2 + y[1] ** 2)
    return np.array([-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r])


unit = lambda n: [1.0] + [0.0] * (n - 1)
i = np.arange(1, 10)
problems = {
    "A1": (lambda t, y: -y, [1]),
    "A2": (lambda t, y: -y**3 / 2, [1]),
    "A3": (lambda t, y: y * np.cos(t), [1]),
    "A4": (lambda t, y: y / 4 * (1 - y / 20), [1]),
    "A5": (lambda t, y: (y - t) / (y + t), [4]),
    "B1": (lambda t, y: np.array([2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])]), [1, 3]),
    "B2": (lambda t, y: np.array([-y[0] + y[1], y[0] - 2 * y[1] + y[2], y[1] - y[2]]), [2, 0, 1]),
    "B3": (lambda t, y: np.array([-y[0], y[0] - y[1] ** 2, y[1] ** 2]), [1, 0, 0]),
    "B4": (b4, [3, 0, 0]),
    "B5": (lambda t, y: np.array([y[1] * y[2], -y[0] * y[2], -y[0] * y[1] * y[0].dtype.type(0.51)]), [0, 1, 1]),
    "C1": (chain(np.ones(9), np.ones(9)), unit(10)),
    "C2": (chain(i, i), unit(10)),
    "C3": (heat, unit(10)),
    "C4": (heat, unit(51)),
    "C5": (bodies, [*Q.ravel(), *V.ravel()]),
    **{f"D{k + 1}": (kepler, [1 - e, 0, 0, ((1 + e) / (1 - e)) ** 0.5]) for k, e in enumerate([0.1, 0.3, 0.5, 0.7, 0.9])},
    "E1": (lambda t, y: np.array([y[1], -(y[1] / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y[0])]), [0.6713967071418030, 0.09540051444747446]),
    "E2": (lambda t, y: np.array([y[1], (1 - y[0] ** 2) * y[1] - y[0]]), [2, 0]),
    "E3": (lambda t, y: np.array([y[1], y[0] ** 3 / 6 - y[0] + 2 * np.sin(2.78535 * t)]), [0, 0]),
    "E4": (lambda t, y: np.array([y[1], 0.032 - 0.4 * y[1] ** 2]), [30, 0]),
    "E5": (lambda t, y: np.array([y[1], np.sqrt(1 + y[1] ** 2) / (25 - t)]), [0, 0]),
}
A = [np.array(row[:k], np.longdouble) for k, row in enumerate(dop.A[:12])]
B, C = np.array(dop.B, np.longdouble), np.array(dop.C[:12], np.longdouble)


def precise(f, y0, steps):
    # Steps that shrink where the solution turns fast, taken from a tight adaptive run; each is cut into `steps` parts.
    guide = solve_ivp(f, (0, 20), y0, method="DOP853", rtol=1e-9, atol=1e-9).t
    y = np.array(y0, np.longdouble)
    for a, b in zip(guide[:-1], guide[1:]):
        h = (np.longdouble(b) - np.longdouble(a)) / steps
        for n in range(steps):
            t = np.longdouble(a) + n * h
            k = []
            for row, c in zip(A, C):
                k.append(f(t + c * h, y + h * sum((w * s for w, s in zip(row, k) if w != 0), np.zeros_like(y))))
            y = y + h * sum(w * s for w, s in zip(B, k))
    return y


out = {"made": f"SciPy {scipy.__version__}, NumPy {np.__version__}", "tolerances": [10.0**-k for k in range(3, 11)], "problems": {}}
for name, (f, y0) in problems.items():
    y0 = np.array(y0, np.float64)
    steps, last = 2, precise(f, y0, 1)
    while True:
        end = precise(f, y0, steps)
        gap = float(np.max(np.abs(end - last)) / np.max(np.abs(end)))
        if gap < 1e-13 or steps > 16:
            break
        steps, last = 2 * steps, end
    reference = end.astype(np.float64)
    rows = []
    for tol in out["tolerances"]:
        s = solve_ivp(f, (0, 20), y0, method="RK45", rtol=tol, atol=tol)
        rows.append([s.nfev, float(np.max(np.abs(s.y[:, -1] - reference) / (tol + tol * np.abs(reference))))])
    out["problems"][name] = {"end": [float(v) for v in reference], "gap": gap, "scipy": [[n, float(f"{e:.4g}")] for n, e in rows]}
    print(name, steps, f"{gap:.1e}", rows[2], rows[7], flush=True)
target = pathlib.Path(__file__).resolve().parents[2] / "test/golden/detest.json"
target.write_text(json.dumps(out, separators=(",", ":")) + "\n")
