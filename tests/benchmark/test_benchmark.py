"""The benchmark compares what it says: ratios round by round, the same work on both sides."""

import itertools
import math
import subprocess
import sys

import pytest
import torch

from smoothrelu import GELU, SMOOTH_RELUS, SWISH, Mish
from smoothrelu.benchmark import activations, ntk
from smoothrelu.benchmark.peer import Peer
from smoothrelu.benchmark.timing import against, in_turn, timed, with_threads, within
from smoothrelu.networks.ntk import empirical_ntk


def test_a_row_holds_the_median_of_the_ratios_and_not_the_ratio_of_the_medians():
    ours, theirs = iter([1.0, 2.0, 9.0, 4.0, 5.0]), iter([1.0, 4.0, 3.0, 4.0, 10.0])
    sides = {"ours": lambda: next(ours)}, lambda: next(theirs)
    (row,) = against(
        "work", "peer", *sides, targets={"ours": 0.9}, threads=1, rounds=5, difference=0.5
    )
    assert (row.case, row.peer, row.target, row.difference) == ("ours", "peer", 0.9, 0.5)
    assert row.ratio == 1.0 and row.low == 0.5 and row.high == pytest.approx(2.0)
    assert (row.our_seconds, row.peer_seconds) == (4.0, 4.0)


def test_contestants_take_turns_and_none_is_always_first():
    order = []
    sides = {name: lambda name=name: order.append(name) or 1.0 for name in "abc"}
    in_turn(sides, rounds=3)
    assert "".join(order) == "abc" + "cba" + "abc"


def test_a_sample_is_the_time_of_one_call():
    calls = itertools.count()
    sample = timed(lambda: next(calls) and sum(range(1000)), at_least=0.01)
    before = next(calls)
    seconds = sample()
    assert seconds * (next(calls) - before - 1) == pytest.approx(0.01, rel=3)
    assert 0 < seconds < 1e-3


def test_a_budget_is_a_ratio_of_seconds():
    row = within("work", "case", 2.0, lambda: 0.5, threads=1, rounds=3)
    assert row.ratio == row.low == row.high == 0.25 and row.peer == "2 s"


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with with_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_the_contraction_of_the_tutorial_is_the_kernel_it_is_compared_with():
    net, x = ntk.network(width=16, hidden=2, n_out=3), ntk.inputs(5)
    for trace in (True, False):
        exact = empirical_ntk(net, x, trace=trace)
        torch.testing.assert_close(ntk.in_full(net, x, trace)(), exact, rtol=1e-4, atol=1e-3)


def test_the_step_that_is_timed_trains():
    step = activations.training_step(SWISH(0.5), n=20, width=16, hidden=2)
    parameters = step.__closure__
    net = next(c.cell_contents for c in parameters if isinstance(c.cell_contents, torch.nn.Module))
    before = [p.detach().clone() for p in net.parameters()]
    step()
    assert all(not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_a_missing_environment_of_peers_names_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("SMOOTHRELU_PEERS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="make peers"):
        Peer(1)


def test_an_unknown_benchmark_is_refused_with_the_names_there_are():
    command = [sys.executable, "-m", "smoothrelu.benchmark", "stpe"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "no benchmark stpe; there are step, eager" in done.stderr


@pytest.mark.parametrize("batched", ["vmap", "is_grads_batched"])
def test_the_hot_path_may_be_batched_over_gradients(batched):
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    activation, seeds = GELU(0.5), torch.eye(7, dtype=torch.float64)
    out = activation(x)
    if batched == "vmap":
        rows = torch.func.vmap(lambda g: torch.autograd.grad(out, x, g, retain_graph=True)[0])(
            seeds
        )
    else:
        (rows,) = torch.autograd.grad(out, x, seeds, is_grads_batched=True)
    slope = activation.derivative(x.detach())
    torch.testing.assert_close(rows, torch.diag(slope), rtol=1e-12, atol=1e-14)


def test_the_hot_path_writes_into_neither_input_nor_gradient():
    for kind in (*SMOOTH_RELUS, Mish):
        x = torch.linspace(-3, 3, 7, requires_grad=True)
        grad = torch.full_like(x, math.pi)
        before = x.detach().clone()
        torch.autograd.grad(kind(0.5)(x), x, grad)
        assert torch.equal(x.detach(), before) and (grad == math.pi).all()
