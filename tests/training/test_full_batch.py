"""Gradient descent is what it says: torch's SGD, repeatable, watched, and loud when it diverges."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from smoothrelu import MLP, SWISH, Diverged, NTKTracker, critical_init_, gradient_descent
from smoothrelu.training.full_batch import deterministic, loss_and_accuracy


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


def gradient_of_one_step(x, y, at_once):
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    (first, _) = gradient_descent(model, x, y, lr=1.0, steps=1, at_once=at_once)
    moved = [q - p.detach() for p, q in zip(model.parameters(), before, strict=True)]
    return torch.cat([m.flatten() for m in moved]), first["train_loss"]


@pytest.mark.parametrize("at_once", [1, 7, 32, 63])
def test_the_gradient_in_chunks_is_the_full_gradient_to_rounding(problem, at_once):
    whole, loss = gradient_of_one_step(*problem, None)
    chunked, chunked_loss = gradient_of_one_step(*problem, at_once)
    assert (chunked - whole).norm() < 1e-5 * whole.norm()
    assert chunked_loss == pytest.approx(loss, rel=1e-6)
    assert not torch.equal(chunked, whole)  # it did go another way


def test_chunks_as_large_as_the_data_change_no_bit(problem):
    assert torch.equal(
        gradient_of_one_step(*problem, None)[0], gradient_of_one_step(*problem, 64)[0]
    )


def test_chunked_losses_and_accuracies_are_those_of_all_examples(problem):
    x, y = problem
    loss, right = loss_and_accuracy(net(), x, y)
    assert loss.item() == pytest.approx(nn.functional.cross_entropy(net()(x), y).item())
    assert right == (net()(x).argmax(1) == y).float().mean()
    in_chunks = loss_and_accuracy(net(), x, y, at_once=7)
    assert in_chunks[0].item() == pytest.approx(loss.item(), rel=1e-6) and in_chunks[1] == right


def test_sixty_thousand_examples_in_chunks_keep_the_memory_of_one_chunk():
    code = (
        "import resource, torch\n"
        "from smoothrelu import MLP, SWISH, gradient_descent\n"
        "x, y = torch.randn(60_000, 12), torch.randint(0, 3, (60_000,))\n"
        "model = MLP(12, 3, width=64, depth=20, activation=SWISH())\n"
        "gradient_descent(model, x[:100], y[:100], lr=0.1, steps=1)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "gradient_descent(model, x, y, lr=0.1, steps=1, at_once=2_000)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    all_at_once = 60_000 * 64 * 19 * 2 * 4  # bytes: preactivations and their images, 584 MB
    assert int(run.stdout) < all_at_once / 4


@pytest.mark.parametrize("at_once", [0, -1, 2.5])
def test_a_chunk_that_is_no_positive_integer_is_refused(problem, at_once):
    with pytest.raises(ValueError, match="at_once must be a positive integer"):
        gradient_descent(net(), *problem, lr=0.1, steps=1, at_once=at_once)


class Interrupts:
    """Keeps the state at one step, and stops the training there: an in-memory checkpoint."""

    def __init__(self, step):
        self.step, self.state = step, None

    def load(self):
        return self.state

    def due(self):
        self.step -= 1
        return self.step == -1

    def save(self, state):
        self.state = copy.deepcopy(state)
        raise KeyboardInterrupt


def test_an_interrupted_training_goes_on_to_the_same_bits(problem):
    checkpoint, observers = Interrupts(step=13), [NTKTracker(problem[0][:8])]
    whole = gradient_descent(net(), *problem, lr=0.1, steps=30, observers=observers)
    with pytest.raises(KeyboardInterrupt):
        observers = [NTKTracker(problem[0][:8])]
        gradient_descent(
            net(), *problem, lr=0.1, steps=30, observers=observers, checkpoint=checkpoint
        )
    assert len(checkpoint.state["records"]) == 13
    observers = [NTKTracker(problem[0][:8])]
    resumed = gradient_descent(
        net(seed=5), *problem, lr=0.1, steps=30, observers=observers, checkpoint=checkpoint
    )
    assert resumed == whole
