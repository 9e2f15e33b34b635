"""Empirical tangent kernels beside torch.func's tutorial and neural-tangents."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from smoothrelu.activations.smooth_relu import SWISH
from smoothrelu.benchmark.activations import training_step
from smoothrelu.benchmark.peer import Peer
from smoothrelu.benchmark.timing import Row, Sample, against, timed, with_threads
from smoothrelu.networks.initialisation import he_init_
from smoothrelu.networks.mlp import MLP
from smoothrelu.networks.ntk import empirical_ntk

_KINDS = {"traced": True, "full": False}
_IMPLEMENTATIONS = ("Jacobian contraction", "NTK-vector products", "structured derivatives")


def beside_torch(threads: int) -> Iterator[Row]:
    """100 inputs, 10 outputs, against the contraction of whole Jacobians."""
    net, x = network(), inputs(100)
    with with_threads(threads):
        for kind, trace in _KINDS.items():
            theirs = in_full(net, x, trace)
            case = f"{kind}, N = 100"
            alone = f"{case}: its matrix products alone"
            yield from against(
                "empirical NTK, 784-256x5-10",
                "torch.func Jacobian contraction",
                {
                    case: _warm(lambda trace=trace: empirical_ntk(net, x, trace=trace)),
                    alone: _warm(matrix_products(net, x, trace)),
                },
                timed(theirs),
                targets={case: 1 / 200, alone: None},
                threads=threads,
                rounds=9,
                difference=_apart(empirical_ntk(net, x, trace=trace), theirs()),
            )


def _warm(function: Callable[[], object]) -> Sample:
    """Several calls a sample: a single one would pay for the memory and the caches that the peer's
    seconds before it left behind.
    """
    return timed(function, at_least=0.2)


def beside_neural_tangents(threads: int) -> Iterator[Row]:
    """100 and 500 inputs, against each of its three implementations, jitted."""
    net = network()
    for n, implementations in {100: _IMPLEMENTATIONS, 500: _IMPLEMENTATIONS[2:]}.items():
        x = inputs(n)
        for implementation in implementations:
            for kind, trace in _KINDS.items():
                with Peer(threads) as peer, with_threads(threads):
                    yield _beside(peer, net, x, implementation, kind, trace, threads)


def _beside(peer, net, x, implementation, kind, trace, threads) -> Row:
    theirs = peer.prepare("empirical", arrays(net, x), implementation=implementation, trace=trace)
    ours = timed(lambda: empirical_ntk(net, x, trace=trace))
    target = 1 / 2 if implementation == _IMPLEMENTATIONS[2] else None
    case, name = f"{kind}, N = {len(x)}", f"neural-tangents, {implementation}"
    row = against(
        "empirical NTK, 784-256x5-10",
        name,
        {case: ours},
        theirs,
        targets={case: target},
        threads=threads,
        rounds=9 if target else 3,
        difference=_apart(empirical_ntk(net, x, trace=trace), torch.tensor(peer.result()[0])),
    )
    return next(iter(row))


def tracking(threads: int) -> Iterator[Row]:
    """The traced kernel of 100 inputs at each step, in units of the step."""
    net = network(hidden=8)
    x = inputs(100)
    with with_threads(threads):
        yield from against(
            "traced NTK of 100 inputs at every step",
            "one training step, N = 1000, 784-256x8-10",
            {
                "784-256x8-10": timed(lambda: empirical_ntk(net, x)),
                "784-256x8-10: its matrix products alone": timed(matrix_products(net, x, True)),
            },
            timed(training_step(SWISH(0.5))),
            targets={"784-256x8-10": 0.4, "784-256x8-10: its matrix products alone": None},
            threads=threads,
        )


def matrix_products(net: MLP, x: Tensor, trace: bool) -> Callable[[], object]:
    """The matrix products of `empirical_ntk(net, x)` and nothing else: what no way of calling them
    gets below on this machine.
    """
    weights = [layer.weight.detach() for layer in net.layers]
    n, n_out = len(x), len(weights[-1])
    deltas = torch.randn(n * n_out, net.layers[0].out_features)
    slope = torch.randn(n, net.layers[0].out_features)

    def kernel() -> None:
        h, delta = x, deltas
        for weight in weights:
            h @ h.T
            h = h @ weight.T
        for weight in reversed(weights[1:-1]):  # of the last hidden layer the deltas are W slope
            delta = delta @ weight
            rows = delta.view(n if trace else n * n_out, -1)
            rows @ rows.T
        slope @ slope.T if trace else deltas @ deltas.T

    return kernel


def network(*, width: int = 256, hidden: int = 5, n_out: int = 10) -> MLP:
    net = MLP(784, n_out, width=width, depth=hidden + 1, activation=nn.SiLU())
    return he_init_(net, generator=torch.Generator().manual_seed(0))


def inputs(n: int, n_in: int = 784) -> Tensor:
    return torch.randn(n, n_in, generator=torch.Generator().manual_seed(1))


def arrays(net: nn.Module, x: Tensor) -> dict:
    """Inputs and parameters as neural-tangents is given them."""
    linear = [m for m in net.modules() if isinstance(m, nn.Linear)]
    found = {"x": x.numpy()}
    for i, layer in enumerate(linear):
        found[f"W{i}"] = layer.weight.detach().T.contiguous().numpy()
        found[f"b{i}"] = layer.bias.detach().numpy()
    return found


def in_full(net: nn.Module, x: Tensor, trace: bool) -> Callable[[], Tensor]:
    """As torch.func's tutorial has it: the Jacobians of all inputs at once, then contracted."""
    parameters = {name: p.detach() for name, p in net.named_parameters()}

    def one(parameters, example):
        return functional_call(net, parameters, (example[None],))[0]

    def kernel() -> Tensor:
        jacobian = vmap(jacrev(one), (None, 0))(parameters, x)
        rows = [j.flatten(2) for j in jacobian.values()]
        spec = "nap,map->nm" if trace else "nap,mbp->nmab"
        return sum(torch.einsum(spec, j, j) for j in rows)

    return kernel


def _apart(ours: Tensor, theirs: Tensor) -> float:
    """The difference of two kernels, relative to the largest element."""
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()
