#!/usr/bin/env python3
"""Losses and gradients of a small batch by PyTorch's autograd, float64: writes test/golden/losses.json. Any torch >= 1.13 will do."""
import json, math, pathlib
import torch

rows, d = 12, 3
index = torch.arange(rows * d, dtype=torch.float64)
target = torch.cos(1.3 * index).reshape(rows, d)
weights = 0.5 + torch.arange(rows, dtype=torch.float64) / rows
losses = {
    "mse": lambda q, c, p: q / d,
    "pseudoHuber": lambda q, c, p: torch.sqrt(q + c * c) - c,
    "adaptive": lambda q, c, p: q / ((q + c) ** p).detach(),
}
out = []
for name, c, p in [("mse", 0, 0), ("pseudoHuber", 0.01, 0), ("pseudoHuber", 2.0, 0), ("adaptive", 0.01, 1.0), ("adaptive", 0.5, 0.37), ("adaptive", 1e-3, 2.0), ("adaptive", 1.0, 0.0)]:
    v = (2 * torch.sin(0.7 * index)).reshape(rows, d).requires_grad_()
    q = ((v - target) ** 2).sum(1)
    loss = (weights * losses[name](q, c, p)).mean()
    loss.backward()
    out.append({"name": name, "c": c, "power": p, "loss": loss.item(), "gradient": v.grad.flatten().tolist()})
path = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "losses.json"
path.write_text(json.dumps({"rows": rows, "columns": d, "cases": out}) + "\n")
