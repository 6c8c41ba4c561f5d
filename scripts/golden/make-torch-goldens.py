#!/usr/bin/env python3
"""Reads test/golden/torch-inputs.json (weights and ten batches per case), trains the same networks in PyTorch, writes test/golden/torch-goldens.json.

The networks are built from torch.nn modules here, not from the program that the library lowers them to; parameter names are the state dict's.
Any torch >= 1.13 will do: Debian's python3-torch, or `pip install torch`. See test/golden/torch.test.ts for how the inputs are made.
"""
import base64, json, math, pathlib
import numpy as np, torch
from torch import nn

golden = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden"
activations = {"silu": nn.SiLU, "gelu": nn.GELU, "selu": nn.SELU, "elu": nn.ELU, "relu": nn.ReLU, "tanh": nn.Tanh}


class Net(nn.Module):
    def __init__(self, spec, dimension, condition):
        super().__init__()
        self.spec, self.condition = spec, condition or {"numbers": 0, "classes": []}
        kind = spec["time"]["kind"]
        f32 = lambda values: torch.tensor([float(np.float32(v)) for v in values], dtype=torch.float64)
        if kind == "fourier":
            self.omega = f32([math.pi * k for k in range(1, spec["time"]["frequencies"] + 1)])
        elif kind == "sinusoid":
            half, period = spec["time"]["dim"] // 2, spec["time"]["maxPeriod"]
            self.omega = f32([1000 * period ** (-k / half) for k in range(half)])
            self.time = nn.ModuleList([nn.Linear(2 * half, 2 * half), nn.Linear(2 * half, 2 * half)])
        width = dimension + (1 if kind == "raw" else 2 * len(self.omega)) + self.condition["numbers"]
        embedding = spec["classEmbedding"]
        if embedding:
            self.classes = nn.ModuleList([nn.Embedding(n + 1, embedding) for n in self.condition["classes"]])
        width += sum(embedding or n for n in self.condition["classes"])
        sizes = [width, *spec["hidden"], dimension]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])])
        if spec["norm"]:
            self.norms = nn.ModuleDict({str(i): nn.LayerNorm(sizes[i]) for i in range(1, len(spec["hidden"]))})
        self.act = activations[spec["activation"]]()

    def forward(self, x, t, condition):
        parts = [x]
        if self.spec["time"]["kind"] == "raw":
            parts.append(t[:, None])
        else:
            phase = t[:, None] * self.omega.to(t.dtype)
            features = torch.cat([phase.cos(), phase.sin()], 1)
            if self.spec["time"]["kind"] == "sinusoid":
                features = self.time[1](nn.functional.silu(self.time[0](features)))
            parts.append(features)
        numbers = self.condition["numbers"]
        if numbers:
            parts.append(condition[:, :numbers])
        for k, n in enumerate(self.condition["classes"]):
            index = condition[:, numbers + k].long()
            parts.append(self.classes[k](index) if self.spec["classEmbedding"] else nn.functional.one_hot(index, n + 1)[:, :n].to(x.dtype))
        h = torch.cat(parts, 1)
        for i, layer in enumerate(self.layers[:-1]):
            y = self.act(layer(self.norms[str(i)](h) if self.spec["norm"] and i > 0 else h))
            h = h + y if self.spec["residual"] and i > 0 and h.shape == y.shape else y
        return self.layers[-1](h)


def floats(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def train(case, dtype):
    net = Net(case["spec"], case["dimension"], case["condition"]).to(dtype)
    flat = torch.tensor(floats(case["parameters"]).copy()).to(dtype)
    named = dict(net.named_parameters())
    assert sorted(named) == sorted(p["name"] for p in case["layout"])
    with torch.no_grad():
        for p in case["layout"]:
            assert list(named[p["name"]].shape) == p["shape"], p
            named[p["name"]].copy_(flat[p["offset"] : p["offset"] + math.prod(p["shape"])].reshape(p["shape"]))
    optimiser = torch.optim.AdamW(net.parameters(), lr=case["lr"], betas=(0.9, 0.999), eps=1e-8, weight_decay=case["weightDecay"])
    losses = []
    for step in case["steps"]:
        rows = lambda key: torch.tensor(floats(step[key]).copy()).to(dtype).reshape(case["batch"], -1)
        x0, x1, t = rows("x0"), rows("x1"), rows("t")
        condition = None if step["condition"] is None else rows("condition")
        loss = ((net(t * x1 + (1 - t) * x0, t[:, 0], condition) - (x1 - x0)) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        if case["clip"] > 0:
            nn.utils.clip_grad_norm_(net.parameters(), case["clip"])
        optimiser.step()
        losses.append(loss.item())
    weights = torch.cat([named[p["name"]].detach().reshape(-1) for p in case["layout"]]).numpy()
    return losses, weights


torch.set_num_threads(1)
cases = {}
for case in json.loads((golden / "torch-inputs.json").read_text())["cases"]:
    losses32, weights32 = train(case, torch.float32)
    losses64, weights64 = train(case, torch.float64)
    cases[case["name"]] = {
        "losses32": losses32,
        "losses64": losses64,
        "weights32": base64.b64encode(weights32.astype("<f4").tobytes()).decode(),
        "weights64": base64.b64encode(weights64.astype("<f8").tobytes()).decode(),
    }
    print(case["name"], losses64[0], "->", losses64[-1], "f32 off by", np.linalg.norm(weights32 - weights64) / np.linalg.norm(weights64))
(golden / "torch-goldens.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
