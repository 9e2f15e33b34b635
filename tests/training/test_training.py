"""Gradient descent is what it says: torch's SGD, repeatable, watched, and loud when it diverges."""

import pytest
import torch
from torch import nn

from smoothrelu import MLP, SWISH, Diverged, critical_init_, gradient_descent
from smoothrelu.training import deterministic, loss_and_accuracy


@pytest.fixture
def problem():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 12, generator=generator)
    y = torch.randint(0, 3, (64,), generator=generator)
    return x, y


def net(seed=0, activation=None):
    model = MLP(12, 3, width=16, depth=4, activation=activation or SWISH(0.5))
    return critical_init_(model, generator=torch.Generator().manual_seed(seed))


def test_full_batch_gradient_descent_equals_torchs_sgd(problem):
    x, y = problem
    ours, theirs = net(), net()
    records = gradient_descent(ours, x, y, lr=0.05, steps=25)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    assert [r["train_loss"] for r in records[:-1]] == losses
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_same_start_gives_the_same_numbers_bit_for_bit(problem):
    x, y = problem
    with deterministic():
        first, second = (gradient_descent(net(1), x, y, lr=0.1, steps=30) for _ in range(2))
    assert first == second


def test_observers_see_every_step_before_its_update_and_the_end(problem):
    x, y = problem
    model = net()
    start = [p.clone() for p in model.parameters()]

    def distance(step, model):
        moved = sum((p - q).square().sum() for p, q in zip(model.parameters(), start, strict=True))
        return {"moved": moved, "acc": loss_and_accuracy(model, x, y)[1]}

    records = gradient_descent(model, x, y, lr=0.05, steps=7, observers=[distance])
    assert [r["step"] for r in records] == list(range(8))
    assert records[0]["moved"] == 0 < records[1]["moved"] < records[7]["moved"]
    assert all(isinstance(r["acc"], float) for r in records)


def test_zero_steps_only_look(problem):
    x, y = problem
    model = net()
    before = [p.clone() for p in model.parameters()]
    assert len(gradient_descent(model, x, y, lr=0.05, steps=0)) == 1
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_divergence_is_reported_with_its_step_and_cause(problem):
    x, y = problem
    with pytest.raises(
        Diverged, match=r"at step \d+ \(the loss is (NaN|infinite)\) with lr=1e\+06"
    ) as e:
        gradient_descent(net(), x, y, lr=1e6, steps=100)
    assert e.value.step >= 1 and len(e.value.records) == e.value.step
    assert all(r["train_loss"] < float("inf") for r in e.value.records)


@pytest.mark.parametrize("lr", [0.0, -0.1, float("nan"), float("inf")])
def test_a_learning_rate_that_is_not_positive_and_finite_is_refused(problem, lr):
    with pytest.raises(ValueError, match="learning rate"):
        gradient_descent(net(), *problem, lr=lr, steps=1)


def test_mismatched_examples_and_bad_step_counts_are_refused(problem):
    x, y = problem
    with pytest.raises(ValueError, match="64 inputs do not go with 63 targets"):
        gradient_descent(net(), x, y[:-1], lr=0.1, steps=1)
    with pytest.raises(ValueError, match="steps"):
        gradient_descent(net(), x, y, lr=0.1, steps=1.5)


def test_frozen_parameters_stay(problem):
    x, y = problem
    model = net()
    model.layers[0].requires_grad_(False)
    before = model.layers[0].weight.clone()
    gradient_descent(model, x, y, lr=0.1, steps=3)
    assert torch.equal(model.layers[0].weight, before)


def test_the_deterministic_block_restores_what_it_changed():
    before = torch.get_num_threads()
    with deterministic(threads=1):
        assert torch.are_deterministic_algorithms_enabled() and torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled() and torch.get_num_threads() == before


def test_a_progress_bar_names_the_work(problem, capsys):
    gradient_descent(net(), *problem, lr=0.05, steps=3, progress="tiny net")
    assert "tiny net" in capsys.readouterr().err
