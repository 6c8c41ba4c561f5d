# The networks of the benchmark in PyTorch, their training steps and their Euler steps.
import torch
import torch.nn.functional as F

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
