# PyTorch on the same work: eager, torch.compile, and both under bf16 autocast; Adam is the fused one. Speaks the language of bench/messages.ts.
import json
import os
import sys
import time

import torch
from pytorch_solve import adaptive, density
from pytorch_work import sampling, train_steps

EULER, TOY = 100, 20_000
TOY_PART = 2_000  # steps that are timed of the whole run: they all cost the same


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
    elif kind in ("density", "adaptive"):
        work = {"run": (density if kind == "density" else adaptive)(shape, variant), "unit": 1, "most": 64}
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
        offered = {kind: variants for kind in ("train", "train+", "sample", "latency", "toy")}
        offered["adaptive"] = [name for name in variants if "bf16" not in name]
        offered["density"] = ["backward", "forward"] + (["forward compile"] if "compile" in variants else [])
        return {"name": "PyTorch", "version": f"{torch.__version__}, {blas()}", "variants": offered}
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
