# Log-densities and steps under error control in PyTorch, as one writes them there: rk4 with the divergence beside the velocity, and Dormand-Prince 5(4) with one
# step size for all rows (error in the root mean square of all components; safety .9; a step grows up to tenfold after one that was accepted and shrinks down to a
# fifth after one that was not; the last stage is kept for the next step).
import math

import torch
import torch.nn.functional as F
from pytorch_work import network, ways

STEPS = 20  # of a log-density
TOLERANCE, TRAINING = 1e-5, 2000

A = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
C = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
ERROR = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]


def backward_divergence(net, d):
    """One backward pass for each column, or for one probe."""

    def velocity(x, t, probe):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            u = net(torch.cat([x, t.expand(len(x), 1)], 1))
            if d > 16:
                (g,) = torch.autograd.grad((u * probe).sum(), x)
                return u.detach(), (g * probe).sum(1)
            columns = [torch.autograd.grad(u[:, i].sum(), x, retain_graph=i + 1 < d)[0][:, i] for i in range(d)]
            return u.detach(), sum(columns)

    return velocity


def forward_divergence(net, d):
    """All columns, or the probe, as tangents of one forward pass."""
    basis = torch.eye(d)

    def velocity(x, t, probe):
        f = lambda y: net(torch.cat([y, t.expand(len(x), 1)], 1))
        if d > 16:
            u, g = torch.func.jvp(f, (x,), (probe,))
            return u, (g * probe).sum(1)
        of_column = lambda e: torch.func.jvp(f, (x,), (e.expand_as(x),))
        u, g = torch.vmap(of_column, out_dims=(None, 0))(basis)
        return u, torch.einsum("inj,ij->n", g, basis)

    return velocity


def density(shape, variant):
    d, H, L, N = (shape[k] for k in "dHLN")
    net = network(d, H, L).eval()
    for p in net.parameters():
        p.requires_grad_(False)
    wrap, cast = ways(variant)
    velocity = wrap((forward_divergence if "forward" in variant else backward_divergence)(net, d))
    x1 = torch.randn(N, d)
    h = -1.0 / STEPS

    def run(k):
        for _ in range(k):
            probe = torch.randint(0, 2, (N, d)).float() * 2 - 1
            x, divergence = x1, torch.zeros(N)
            with torch.no_grad(), cast():
                for i in range(STEPS):
                    t = 1 + i * h
                    at = lambda s, y: velocity(y, torch.tensor(t + s), probe)
                    u1, d1 = at(0, x)
                    u2, d2 = at(h / 2, x + h / 2 * u1)
                    u3, d3 = at(h / 2, x + h / 2 * u2)
                    u4, d4 = at(h, x + h * u3)
                    x = (x + h / 6 * (u1 + 2 * u2 + 2 * u3 + u4)).float()
                    divergence = divergence + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
            -0.5 * (x * x).sum(1) - d / 2 * math.log(2 * math.pi) + divergence

    return run


def planar_flow(H, L, B):
    """A flow from noise to 8 gaussians."""
    mode = torch.randint(8, (10_000,)) * (math.pi / 4)
    data = 5 * torch.stack([mode.cos(), mode.sin()], 1) + torch.randn(10_000, 2)
    net = network(2, H, L)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for _ in range(TRAINING):
        x1 = data[torch.randint(10_000, (B,))]
        x0, t = torch.randn(B, 2), torch.rand(B, 1)
        loss = F.mse_loss(net(torch.cat([t * x1 + (1 - t) * x0, t], 1)), x1 - x0)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return net.eval()


def dopri5(f, x):
    rms = lambda v: v.square().mean().sqrt().item()
    t, k = 0.0, [f(x, 0.0)]
    scale = TOLERANCE + TOLERANCE * x.abs()
    d0, d1 = rms(x / scale), rms(k[0] / scale)
    h0 = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
    d2 = rms((f(x + h0 * k[0], h0) - k[0]) / scale) / h0
    h1 = max(1e-6, h0 * 1e-3) if max(d1, d2) <= 1e-15 else (0.01 / max(d1, d2)) ** 0.2
    h = min(100 * h0, h1)
    while t < 1:
        h = min(h, 1 - t)
        for a, c in zip(A, C):
            y = x + sum((h * w) * s for w, s in zip(a, k) if w != 0)
            k.append(f(y, t + c * h))
        error = rms(sum((h * e) * s for e, s in zip(ERROR, k) if e != 0) / (TOLERANCE + TOLERANCE * torch.maximum(x.abs(), y.abs())))
        if error <= 1:
            t, x, k = (1.0 if t + h >= 1 else t + h), y, [k[6]]
        else:
            k = k[:1]
        h *= min(10.0, max(0.2 if error > 1 else 1.0, 0.9 * max(error, 1e-10) ** -0.2))
    return x


trained = {}


def adaptive(shape, variant):
    d, H, L, B, N = (shape[k] for k in "dHLBN")
    if (H, L) not in trained:
        trained[(H, L)] = planar_flow(H, L, B)
    net = trained[(H, L)]
    wrap, cast = ways(variant)
    velocity = wrap(lambda x, t: net(torch.cat([x, t.expand(N, 1)], 1)).float())

    def run(k):
        for _ in range(k):
            with torch.inference_mode(), cast():
                dopri5(lambda x, t: velocity(x, torch.tensor(t)), torch.randn(N, d))

    return run
