# PyTorch on the same work: eager, torch.compile, and both under bf16 autocast; Adam is the fused one. Speaks the language of bench/messages.ts.
import json
import os
import sys
import time

import torch
import torch.nn.functional as F

EULER, TOY = 100, 20_000
TOY_PART = 2_000  # steps that are timed of the whole run: they all cost the same
ACTIVATIONS = {"silu": torch.nn.SiLU, "selu": torch.nn.SELU}


def network(d, H, L, activation="silu"):
    widths = [d + 1] + [H] * L
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(a, b), ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(H, d))


def ways(variant):
    compiled, bf16 = "compile" in variant, "bf16" in variant
    wrap = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
    return wrap, (lambda: torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16, cache_enabled=not compiled))


def train_steps(shape, variant, extras, activation="silu"):
    d, H, L, B = (shape[k] for k in "dHLB")
    rows = 4096 if d >= 512 else 10_000
    data = torch.randn(rows, d)
    net = network(d, H, L, activation)
    wrap, cast = ways(variant)
    parameters = list(net.parameters())
    optimiser = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    means = [p.detach().clone() for p in parameters]

    @wrap
    def loss_of(x0, x1, t):
        xt = t * x1 + (1 - t) * x0
        return F.mse_loss(net(torch.cat([xt, t], 1)).float(), x1 - x0)

    def step():
        x1 = data[torch.randint(rows, (B,))]
        x0 = torch.randn(B, d)
        t = torch.rand(B, 1)
        with cast():
            loss = loss_of(x0, x1, t)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if extras:
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if extras:
            with torch.no_grad():
                torch._foreach_lerp_(means, parameters, 0.001)

    def run(k):
        for _ in range(k):
            step()

    return run


def sampling(shape, variant):
    d, H, L, N = (shape[k] for k in "dHLN")
    net = network(d, H, L).eval()
    wrap, cast = ways(variant)

    @wrap
    def advance(x, t, h):
        return x + h * net(torch.cat([x, t.expand(N, 1)], 1))

    def run(k):
        with torch.inference_mode(), cast():
            x = torch.randn(N, d)
            h = torch.tensor(1.0 / k)
            for i in range(k):
                x = advance(x, torch.tensor(i / k), h)
                x = x.float()

    return run


def prepare(ask):
    torch.set_num_threads(ask["threads"])
    kind, shape, variant = ask["kind"], ask["shape"], ask["variant"]
    if kind == "toy":
        part = train_steps(shape, variant, False, "selu")
        work = {"run": lambda k: part(TOY_PART), "unit": TOY // TOY_PART, "most": 1}
        part(20)
        return {**work, "threads": ask["threads"], "each": 1, "calls": 1}
    if kind in ("train", "train+"):
        work = {"run": train_steps(shape, variant, kind == "train+"), "unit": 1, "most": 1 << 20}
    elif kind == "latency":
        whole = sampling(shape, variant)

        def several(k):
            for _ in range(k):
                whole(EULER)

        work = {"run": several, "unit": 1, "most": 1 << 20}
    else:
        work = {"run": sampling(shape, variant), "unit": EULER, "most": EULER}
    return fill(work, ask)


def now(threads):
    return time.process_time() if threads == 1 else time.perf_counter()


def fill(work, ask):
    k = 1
    work["run"](2 if work["unit"] == 1 else 1)  # compiles
    while True:
        work["run"](k)
        start = now(ask["threads"])
        work["run"](k)
        took = max(now(ask["threads"]) - start, 1e-9)
        if took < ask["seconds"] / 8 and k < work["most"]:
            k = min(work["most"], 4 * k)
            continue
        wanted = max(1, round(k * ask["seconds"] / took))
        each = min(work["most"], wanted)
        return {**work, "threads": ask["threads"], "each": each, "calls": max(1, round(wanted / each))}


def measure(work):
    start = now(work["threads"])
    for _ in range(work["calls"]):
        work["run"](work["each"])
    return (now(work["threads"]) - start) / (work["calls"] * work["each"]) * work["unit"]


def blas():
    lines = torch.__config__.show().splitlines()
    return "; ".join(line.strip(" -").split(" (")[0].split(" for ")[0] for line in lines if "Math Kernel" in line or "MKL-DNN" in line)


def answer(ask, held):
    if ask["do"] == "info":
        variants = ["eager", "compile", "eager bf16", "compile bf16"]
        if os.environ.get("FLOWMATCH_BENCH_COMPILE") == "0":
            variants = ["eager", "eager bf16"]
        kinds = ("train", "train+", "sample", "latency", "toy")
        return {"name": "PyTorch", "version": f"{torch.__version__}, {blas()}", "variants": {kind: variants for kind in kinds}}
    if ask["do"] == "prepare":
        held[ask["key"]] = prepare(ask)
        return {}
    if ask["do"] == "measure":
        return {"seconds": measure(held[ask["key"]])}
    del held[ask["key"]]
    if not held:
        torch._dynamo.reset()
    return {}


def main():
    held = {}
    torch.manual_seed(1)
    torch.set_num_interop_threads(1)
    torch._dynamo.config.recompile_limit = 1000  # every shape compiles the same few lines anew
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), held)
        except Exception as error:  # told to the bench, which goes on without this variant
            reply = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"}
        print("\x01" + json.dumps(reply), flush=True)


main()
