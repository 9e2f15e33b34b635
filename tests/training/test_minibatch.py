"""Minibatch runs: the same numbers every time, resumed or not, in the sweep that runs whole-batch
ones.
"""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from smoothrelu import GELU, SUGAR, SWISH, LambdaGELU, StochasticReLU, critical_init_, sweep
from smoothrelu.experiments.minibatch_run import MinibatchRun, images
from smoothrelu.experiments.run_key import run_key
from smoothrelu.experiments.store import Store
from smoothrelu.networks.image_networks import (
    VGG,
    ConvNet,
    FullyConnected,
    HalfResolution,
    ResNet,
    VisionTransformer,
)
from smoothrelu.training.minibatch import constant
from smoothrelu.training.observers import (
    SnapshotFiring,
    SnapshotSurface,
    TrackFiring,
    TrackHardness,
    TrackSubstitution,
)

CPU = torch.device("cpu")
SMALL = MinibatchRun(
    *("mnist", FullyConnected(width=16, depth=3), nn.ReLU()),
    **{"seed": 0, "n_train": 100, "n_valid": 20, "n_test": 20, "epochs": 3, "batch_size": 30},
)


def but(**changes):
    return dataclasses.replace(SMALL, **changes)


class Kept:
    """A checkpoint in memory that is always due, and forgets what is saved after `last` states."""

    def __init__(self, last=math.inf):
        self.states, self.last = [], last

    def load(self):
        return self.states[-1] if self.states else None

    def due(self):
        return len(self.states) < self.last

    def save(self, state):
        buffer = {"records": list(state["records"]), "hardening": state["hardening"]}
        clone = {name: value.clone() for name, value in state["model"].items()}
        momenta = torch.utils._pytree.tree_map(
            lambda v: v.clone() if isinstance(v, torch.Tensor) else v, state["optimizer"]
        )
        self.states.append(buffer | {"model": clone, "optimizer": momenta})


@pytest.mark.parametrize(
    "run",
    [
        SMALL,
        but(activation=StochasticReLU(0.5)),
        but(activation=LambdaGELU(), tolerance=0.05, optimizer=torch.optim.AdamW, lr=0.01),
        but(dataset="cifar10", network=VGG(width=2)),
    ],
    ids=["sgd", "random activation", "hardened, AdamW", "batch normalisation"],
)
def test_an_interrupted_run_goes_on_bit_for_bit(run):
    whole, _ = run.train(CPU)
    half = Kept(last=2)  # the states of epochs 0 and 1
    run.train(CPU, half)
    resumed, _ = run.train(CPU, half)
    assert resumed == whole and len(half.states) == 2


def test_without_schedule_it_is_torchs_sgd_on_the_same_batches():
    run = but(schedule=constant, epochs=2, weight_decay=0.01)
    records, _ = run.train(CPU)
    net, (x, y) = run.start(), images(run, CPU)["train"]
    optimizer = torch.optim.SGD(net.parameters(), lr=run.lr, momentum=0.9, weight_decay=0.01)
    for epoch in (1, 2):
        order = torch.randperm(100, generator=torch.Generator().manual_seed(epoch))
        losses = []
        for batch in order.split(30):
            optimizer.zero_grad()
            losses.append(F.cross_entropy(net(x[batch]), y[batch]))
            losses[-1].backward()
            optimizer.step()
        sizes = torch.tensor([30, 30, 30, 10])
        mean = (torch.stack(losses).detach() * sizes).sum() / 100
        assert records[epoch]["train_loss"] == pytest.approx(mean.item(), rel=1e-6)


@pytest.mark.parametrize("network", [FullyConnected(), ConvNet(4), VGG(2), ResNet(2)], ids=str)
def test_networks_start_with_the_same_weights_whatever_the_activation(network):
    starts = [
        but(dataset="cifar10", network=network, activation=a).start()
        for a in (nn.ReLU(), SWISH(0.5), SUGAR())
    ]
    for parameters in zip(*(net.parameters() for net in starts), strict=True):
        assert all(torch.equal(p, parameters[0]) for p in parameters)


@pytest.mark.parametrize(
    "network, places",
    [
        *((FullyConnected(depth=5), 4), (ConvNet(4), 4), (VGG(2), 9), (ResNet(2), 7)),
        (HalfResolution(VGG(2)), 9),
        (VisionTransformer(width=8, depth=2, heads=2), 2),
    ],
    ids=str,
)
def test_each_place_of_a_network_has_an_activation_of_its_own(network, places):
    net = network(LambdaGELU(), (3, 32, 32), 10)
    layers = {id(m) for m in net.modules() if isinstance(m, LambdaGELU)}
    assert len(layers) == places
    out = net(torch.zeros(2, 3, 32, 32))
    assert out.shape == (2, 10)
    out.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_a_fully_connected_network_may_start_at_the_critical_point_of_its_hardness():
    soft, hard = (
        FullyConnected(depth=4, init=critical_init_)(LambdaGELU(h), (1, 28, 28), 10)
        for h in (1.0, 50.0)
    )
    bias = [net[1].bias.std().item() for net in (soft, hard)]
    assert bias[0] > 0.2 and bias[1] < 0.05  # sqrt(C_b) is proportional to T = 1/hardness


def test_a_sweep_has_rows_of_epochs_with_what_was_observed(tmp_path):
    watched = (TrackHardness(), TrackSubstitution(), TrackFiring(every=2))
    hardened = but(
        activation=LambdaGELU(), tolerance=0.1, observe=watched, optimizer=torch.optim.Adam
    )
    table = sweep([hardened, but(seed=1)], store=Store(tmp_path), workers=2, progress=None)
    assert list(table["epoch"]) == [0, 1, 2, 3] * 2
    mine = table[table["optimizer"] == "Adam"]
    assert mine["hardness_1"].iloc[-1] == pytest.approx(math.sqrt(2 / math.pi) / 0.1, rel=1e-5)
    assert mine["hardness_0"].iloc[0] == pytest.approx(1 + math.log(2), rel=1e-6)
    assert mine["relu_test_acc"].notna().all()
    assert list(mine["dead_0"].notna()) == [True, False, True, True]
    told = table.loc[0, ["network", "width", "depth", "init"]]
    assert told.tolist() == ["FullyConnected", 16, 3, "he"]
    again = sweep([hardened, but(seed=1)], store=Store(tmp_path), progress=None)
    assert again.equals(table)


def test_half_resolution_shows_the_means_of_two_by_two_pixels():
    images = torch.randn(2, 3, 32, 32)
    net = HalfResolution(FullyConnected(16, 3))(nn.ReLU(), (3, 32, 32), 10)
    means = images.unflatten(2, (16, 2)).unflatten(4, (16, 2)).mean((3, 5))
    torch.testing.assert_close(net(images), net[1](means))


def test_snapshots_are_taken_once_at_the_end():
    watched = (SnapshotFiring(bins=4), SnapshotSurface(n=50, points=3))
    first, *_, last = but(observe=watched).train(CPU)[0]
    assert not any(name.startswith(("firing", "surface")) for name in first)
    for layer in (0, 1):
        assert sum(last[f"firing_{layer}_{k}"] for k in range(5)) == 16
    losses = [last[f"surface_{i}_{j}"] for i in range(3) for j in range(3)]
    assert len(set(losses)) == 9 and losses[4] == pytest.approx(last["train_loss"], abs=0.5)


def test_a_run_that_diverges_says_so_and_keeps_the_epochs_before():
    records, diverged = but(lr=1e6, epochs=5).train(CPU)
    assert diverged and 1 <= len(records) < 6
    assert all(math.isfinite(r.get("train_loss", 0)) for r in records)


def test_the_key_changes_with_every_field():
    changes = [
        {"dataset": "cifar10"}, {"network": FullyConnected(16, 4)}, {"activation": GELU(0.5)},
        {"seed": 1}, {"n_train": 90}, {"n_valid": 10}, {"n_test": 10}, {"epochs": 4},
        {"batch_size": 10}, {"optimizer": torch.optim.AdamW}, {"lr": 0.1}, {"momentum": 0.0},
        {"weight_decay": 0.1}, {"schedule": constant}, {"c": 2.0}, {"tolerance": 0.1},
        {"harden_from": 0.5}, {"observe": (TrackFiring(),)},
    ]  # fmt: skip
    assert {name for change in changes for name in change} == {
        field.name for field in dataclasses.fields(MinibatchRun)
    }
    keys = {run_key(run, CPU) for run in [SMALL, *(but(**change) for change in changes)]}
    assert len(keys) == len(changes) + 1


def test_the_time_of_a_run_is_guessed_also_where_its_init_differentiates():
    run = but(network=FullyConnected(16, 3, critical_init_), activation=nn.SiLU())
    assert 0 < run.seconds() < 1


def test_training_leaves_torchs_generator_as_it_was():
    before = torch.get_rng_state()
    but(activation=StochasticReLU()).train(CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_settings_are_refused_before_training():
    with pytest.raises(ValueError, match="epochs must be a positive integer, got 0"):
        but(epochs=0)
    with pytest.raises(ValueError, match="the learning rate must be positive and finite"):
        but(lr=float("nan"))
    with pytest.raises(ValueError, match="learns no hardness"):
        but(tolerance=0.1).train(CPU)
