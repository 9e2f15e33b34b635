"""How the work grows, what memory it takes, where a step's time goes, and the machine's limits."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator

import pandas
import torch
from torch.profiler import ProfilerActivity, profile

from smoothrelu.activations import SWISH
from smoothrelu.benchmark.activations import training_step
from smoothrelu.benchmark.kernels import images, kernels
from smoothrelu.benchmark.ntk import inputs, network
from smoothrelu.benchmark.timing import timed
from smoothrelu.ntk import empirical_ntk

_GROUPS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "activation": (
        "aten::silu",
        "aten::silu_backward",
        "aten::mul",
        "aten::mul_",
        "aten::sigmoid_",
        "aten::clamp_",
    ),
}


def growth() -> pandas.DataFrame:
    """Seconds of one call, a row for each work, axis and value; the other sizes are the default."""
    rows = [
        {"work": work, "axis": axis, "value": value, "seconds": _median(timed(function))}
        for work, axis, value, function in _sizes()
    ]
    return pandas.DataFrame(rows)


def _sizes() -> Iterator[tuple[str, str, int, Callable]]:
    for n in (50, 100, 200, 400, 800):
        x, net = inputs(n), network()
        yield "empirical NTK, traced", "inputs", n, lambda x=x, net=net: empirical_ntk(net, x)
        if n <= 400:
            yield (
                *("empirical NTK, full", "inputs", n),
                lambda x=x, net=net: empirical_ntk(net, x, trace=False),
            )
    for name, values in {"width": (64, 128, 256, 512, 1024), "hidden": (2, 4, 8, 16, 32)}.items():
        for value in values:
            x, net = inputs(100), network(**{name: value})
            yield "empirical NTK, traced", name, value, lambda x=x, net=net: empirical_ntk(net, x)
            yield "training step", name, value, training_step(SWISH(0.5), **{name: value})
    for n_out in (1, 3, 10, 30, 100):
        x, net = inputs(100), network(n_out=n_out)
        yield "empirical NTK, traced", "outputs", n_out, lambda x=x, net=net: empirical_ntk(net, x)
    for n in (100, 300, 1000, 3000):
        yield "training step", "inputs", n, training_step(SWISH(0.5), n=n)
    for n in (100, 250, 500, 1000, 2000):
        x = images(n, "equal")
        yield "infinite width, depth 20", "inputs", n, lambda x=x: kernels(x, SWISH(0.5))


def where_a_step_goes() -> pandas.DataFrame:
    """The share of a training step's processor time by kind of operation, and the rates reached.

    share: of all operations, at SWISH(0.5), N = 1000, 784-256x8-10.
    """
    step = training_step(SWISH(0.5))
    step()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(10):
            step()
    spent = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    total = sum(spent.values())
    shares = {name: sum(spent.get(k, 0) for k in keys) / total for name, keys in _GROUPS.items()}
    shares["the rest"] = 1 - sum(shares.values())
    return pandas.DataFrame({"part": shares.keys(), "share": shares.values()})


def limits() -> dict[str, float]:
    """What this machine can do at most, and what a training step does: GFLOP/s of float32 matrix
    products of its own shapes, GB/s of a copy.
    """
    a, b = inputs(1000, 256), inputs(256, 256)
    product = _median(timed(lambda: a @ b))
    big = torch.zeros(2**26)
    copy = _median(timed(lambda: big.clone()))
    n_in, width, hidden, n_out, n = 784, 256, 8, 10, 1000
    # forward, and backward for weights and for inputs but the first layer's
    weights = n_in * width + (hidden - 1) * width**2 + width * n_out
    flops = n * (6 * weights - 2 * n_in * width)
    step = _median(timed(training_step(SWISH(0.5))))
    return {
        "matrix_gflops": 2 * 1000 * 256**2 / product / 1e9,
        "copy_gbytes": 2 * 4 * 2**26 / copy / 1e9,
        "step_gflops": flops / step / 1e9,
    }


_PEAK = """
import resource, sys
from smoothrelu.benchmark.ntk import in_full, inputs, network
from smoothrelu.ntk import empirical_ntk
how, trace = sys.argv[1], sys.argv[2] == "traced"
net, x = network(), inputs(100)
work = (lambda x: empirical_ntk(net, x, trace=trace)) if how == "ours" else (
    lambda x: in_full(net, x, trace)())
work(x[:2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
work(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def memory() -> pandas.DataFrame:
    """Bytes by which the empirical NTK of 100 inputs raises a new process's peak; of the result."""
    rows = []
    for kind in ("traced", "full"):
        result = 4 * 100 * 100 * (1 if kind == "traced" else 100)
        for how in ("ours", "torch.func"):
            command = [sys.executable, "-c", _PEAK, how, kind]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            rows.append({"kind": kind, "how": how, "bytes": int(out), "result": result})
    return pandas.DataFrame(rows)


def _median(sample) -> float:
    return statistics.median(sample() for _ in range(5))
