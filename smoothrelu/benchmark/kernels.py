"""Kernels of infinite width beside neural-tangents, and criticality within its budget."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from smoothrelu.activations.smooth_relu import GELU, SMOOTH_RELUS, SWISH
from smoothrelu.benchmark.ntk import inputs
from smoothrelu.benchmark.peer import Peer
from smoothrelu.benchmark.timing import Row, against, timed, with_threads, within
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels

_DEPTH, _C_W, _C_b = 20, 1.98, 0.15
_THEIRS = {"depth": _DEPTH, "C_W": _C_W, "C_b": _C_b}
_WORK = "infinite width, NNGP and NTK, depth 20, float64"


def beside_closed_forms(threads: int) -> Iterator[Row]:
    """GELU and ReLU have closed forms, which neural-tangents knows; ours does not."""
    for name, activation in {"Gelu": GELU(), "Relu": nn.ReLU()}.items():
        for n in (500, 2000):
            for norms in ("equal", "unequal"):
                x = images(n, norms)
                with Peer(threads) as peer, with_threads(threads):
                    theirs = peer.prepare("infinite", {"x": x.numpy()}, layer=name, **_THEIRS)
                    case = f"{name.upper()}, N = {n}, {norms} norms"
                    yield from against(
                        _WORK,
                        "neural-tangents, closed form",
                        {case: timed(lambda x=x, phi=activation: kernels(x, phi))},
                        theirs,
                        targets={case: 2.0},
                        threads=threads,
                        rounds=5 if n == 500 else 3,
                        difference=_apart(kernels(x, activation), peer.result()),
                    )


def beside_quadrature(threads: int) -> Iterator[Row]:
    """Any other activation: its two-dimensional Gauss-Hermite rule, which is timed once, T = 1."""
    x = images(500, "equal")
    with Peer(threads) as peer, with_threads(threads):
        options = {"layer": "ElementwiseNumerical"} | _THEIRS
        theirs = peer.prepare("infinite", {"x": x.numpy()}, **options)
        once = theirs()
        found = peer.result()
    with with_threads(threads):
        for T in (1.0, 0.1, 1e-3, 1e-5):
            for norms in ("equal", "unequal"):
                case = f"SWISH, T = {T:g}, N = 500, {norms} norms"
                same = T == 1 and norms == "equal"
                ours = timed(lambda T=T, norms=norms: kernels(images(500, norms), SWISH(T)))
                yield from against(
                    _WORK,
                    "neural-tangents, ElementwiseNumerical, degree 25",
                    {case: ours},
                    lambda: once,
                    targets={case: 1 / 250},
                    threads=threads,
                    rounds=5,
                    difference=_apart(kernels(x, SWISH()), found) if same else None,
                )


def criticalities(threads: int) -> Iterator[Row]:
    """The critical point and every fixed point, each time anew."""
    with with_threads(threads):
        for kind in SMOOTH_RELUS:
            sample = timed(lambda kind=kind: criticality(kind()))
            work = "criticality, all fixed points"
            yield within(work, kind.__name__, 5e-3, sample, threads=threads)


def images(n: int, norms: str) -> Tensor:
    """Random inputs in 64 dimensions, of mean square 1 or of norms as they come."""
    x = inputs(n, 64).double()
    return x if norms == "unequal" else x * (math.sqrt(64) / x.norm(dim=1, keepdim=True))


def kernels(x: Tensor, activation: nn.Module) -> tuple[Tensor, Tensor]:
    learning_rates = {"lambda_W": _C_W, "lambda_b": _C_b}
    return infinite_width_kernels(x, activation=activation, **_THEIRS, **learning_rates)


def _apart(ours: tuple[Tensor, Tensor], theirs) -> float:
    """The largest difference, relative to the geometric mean of the variances."""
    differences = []
    for a, b in zip(ours, map(torch.as_tensor, theirs), strict=True):
        size = b.diag().sqrt()
        differences.append(((a - b) / (size * size[:, None])).abs().max().item())
    return max(differences)
