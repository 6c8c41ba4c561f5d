# Log-densities of a trained network by JAX and SciPy in float64: reads test/golden/density-inputs.json, writes density-goldens.json beside it.
# Needs: pip install jax scipy. The network: x, t -> [x, t] -> 3 layers of 24 SiLU, the second and third added to their input -> 2; weights [out, in].
import json
import pathlib

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

folder = pathlib.Path(__file__).parents[2] / "test" / "golden"
given = json.loads((folder / "density-inputs.json").read_text())
flat = np.array(given["parameters"], np.float64)
shapes = [(24, 3), (24, 24), (24, 24), (2, 24)]
layers, at = [], 0
for out, width in shapes:
    layers.append((flat[at : at + out * width].reshape(out, width), flat[at + out * width : at + out * width + out]))
    at += out * width + out
assert at == len(flat)


def velocity(x, t):
    h = jnp.concatenate([x, jnp.array([t])])
    for i, (w, b) in enumerate(layers[:-1]):
        z = jax.nn.silu(w @ h + b)
        h = h + z if i > 0 else z
    w, b = layers[-1]
    return w @ h + b


field = jax.jit(lambda x, t: (velocity(x, t), jnp.trace(jax.jacrev(velocity)(x, t))))


def slope(t, y):
    v, divergence = field(jnp.array(y[:2]), t)
    return np.append(np.asarray(v), float(divergence))


found = []
for row in np.array(given["rows"], np.float64).astype(np.float32).astype(np.float64).reshape(-1, 2):
    end = solve_ivp(slope, (1.0, 0.0), np.append(row, 0.0), method="DOP853", rtol=1e-10, atol=1e-10).y[:, -1]
    found.append(float(-0.5 * end[:2] @ end[:2] - np.log(2 * np.pi) + end[2]))
(folder / "density-goldens.json").write_text(json.dumps({"logDensity": found}) + "\n")
print(found)
