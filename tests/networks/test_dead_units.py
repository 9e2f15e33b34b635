"""Firing counts, dead units and loss surfaces of real networks, counted a second way."""

import pytest
import torch
from torch import nn

from smoothrelu import GELU, MLP
from smoothrelu.activations.convert import convert_to_sugar
from smoothrelu.networks.dead_units import count_firing, firing_histogram, firing_table
from smoothrelu.networks.loss_landscape import loss_surface


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))


@pytest.fixture
def x():
    return torch.randn(103, 4, generator=seeded())


def test_counts_over_batches_are_those_of_the_whole_set(net, x):
    with torch.no_grad():
        net[0].bias[2], net[2].bias[:2] = -100.0, -100.0
    first, second = count_firing(net, x, batch_size=10)
    hidden = net[0](x)
    assert torch.equal(first.counts, (hidden > 0).sum(0)) and first.looks == 103
    assert torch.equal(second.counts, (net[2](hidden.relu()) > 0).sum(0))
    assert (first.dead, second.dead) == (1, 2)
    assert first.sparsity == pytest.approx((hidden <= 0).double().mean().item())
    assert torch.allclose(first.rates, (hidden > 0).double().mean(0))
    table = firing_table([first, second])
    assert [row["units"] for row in table] == [6, 5]
    assert [row["dead"] for row in table] == [1, 2] and table[1]["dead_fraction"] == 0.4
    assert [(row["layer"], row["name"]) for row in table] == [(0, "1"), (1, "3")]


def test_a_module_called_at_several_places_has_a_row_for_each():
    net = MLP(4, 2, width=7, depth=4, activation=GELU(0.3))
    firing = count_firing(net, torch.randn(20, 4, generator=seeded()), batch_size=8)
    assert [(f.layer, f.name, len(f.counts)) for f in firing] == [
        (i, "activation", 7) for i in range(3)
    ]


def test_units_are_channels_of_images_and_features_of_tokens():
    images = torch.randn(5, 3, 8, 8, generator=seeded())
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    (firing,) = count_firing(conv, images, batch_size=2)
    assert torch.equal(firing.counts, (conv[0](images) > 0).sum((0, 2, 3)))
    assert firing.looks == 5 * 36
    tokens = torch.randn(5, 9, 3, generator=seeded())
    linear = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    (firing,) = count_firing(linear, tokens)
    assert torch.equal(firing.counts, (linear[0](tokens) > 0).sum((0, 1))) and firing.looks == 45


def test_sugar_fires_as_the_relu_does_whose_place_it_took(net, x):
    before = count_firing(net, x)
    after = count_firing(convert_to_sugar(net), x)
    assert all(torch.equal(a.counts, b.counts) for a, b in zip(before, after, strict=True))


def test_the_histogram_holds_every_unit_once_and_the_dead_ones_apart(net, x):
    with torch.no_grad():
        net[0].bias[:2], net[0].bias[2] = -100.0, 100.0
    firing = count_firing(net, x)
    rows = firing_histogram(firing, bins=4)
    assert [sum(r["units"] for r in rows if r["layer"] == k) for k in (0, 1)] == [6, 5]
    first = [r for r in rows if r["layer"] == 0]
    assert [(r["low"], r["high"]) for r in first] == [
        (0, 0), (0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)
    ]  # fmt: skip
    assert first[0]["units"] == 2 and first[-1]["units"] >= 1
    for row in first[1:]:
        inside = (firing[0].rates > row["low"]) & (firing[0].rates <= row["high"])
        assert row["units"] == inside.sum()


def test_the_model_comes_back_without_hooks_in_its_own_mode_even_after_an_error(x):
    class Breaks(nn.Module):
        def forward(self, x):
            raise RuntimeError("on purpose")

    batch_norm = nn.BatchNorm1d(6)
    net = nn.Sequential(nn.Linear(4, 6), batch_norm, nn.ReLU(), nn.Dropout().eval())
    mean = batch_norm.running_mean.clone()
    count_firing(net, x)
    broken = nn.Sequential(net, Breaks())
    with pytest.raises(RuntimeError, match="on purpose"):
        count_firing(broken, x)
    assert not any(m._forward_hooks for m in broken.modules())
    assert net.training and batch_norm.training and not net[3].training
    assert torch.equal(batch_norm.running_mean, mean)


def test_nothing_to_count_is_refused_with_the_remedy(net, x):
    with pytest.raises(ValueError, match="found no activation module in Linear"):
        count_firing(nn.Linear(4, 2), x)
    with pytest.raises(ValueError, match="batch_size >= 1"):
        count_firing(net, x, batch_size=0)
    with pytest.raises(ValueError, match="needs inputs"):
        count_firing(net, x[:0])
    with pytest.raises(ValueError, match="at least one bin"):
        firing_histogram(count_firing(net, x), bins=0)
    idle = nn.Linear(4, 2)
    idle.extra = nn.ReLU()
    with pytest.raises(ValueError, match="none of the modules extra was called"):
        count_firing(idle, x)


# --- the loss surface
# -------------------------------------------------------------------------------------------------


def targets(x):
    return (x[:, 0] > 0).long()


def test_the_middle_of_the_surface_is_the_loss_and_the_model_stays_as_it_is(net, x):
    weights = [p.clone() for p in net.parameters()]
    rows = loss_surface(net, x, targets(x), points=5, generator=seeded())
    assert len(rows) == 25 and {r["a"] for r in rows} == {-1.0, -0.5, 0.0, 0.5, 1.0}
    (middle,) = [r["loss"] for r in rows if r["a"] == r["b"] == 0]
    expected = nn.functional.cross_entropy(net(x), targets(x)).item()
    assert middle == pytest.approx(expected, rel=1e-6)
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), weights, strict=True))
    assert net.training
    again = loss_surface(net, x, targets(x), points=5, generator=seeded())
    assert again == rows != loss_surface(net, x, targets(x), points=5, generator=seeded(1))


def test_the_surface_does_not_see_a_rescaling_that_leaves_the_function_alone(x):
    """ReLU(c z) = c ReLU(z): with filter normalisation the surface is the same, and without biases
    exactly so.
    """
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6, bias=False), nn.ReLU(), nn.Linear(6, 2, bias=False))
    rows = loss_surface(net, x, targets(x), points=3, generator=seeded())
    with torch.no_grad():
        net[0].weight *= 16
        net[2].weight /= 16
    scaled = loss_surface(net, x, targets(x), points=3, generator=seeded())
    assert [r["loss"] for r in scaled] == pytest.approx([r["loss"] for r in rows], rel=1e-5)


def test_a_linear_models_square_loss_is_a_parabola_along_the_surface(x):
    model = nn.Linear(4, 1).double()
    rows = loss_surface(
        model, x.double(), x[:, :1].double(), points=7, generator=seeded(),
        loss=nn.functional.mse_loss,
    )  # fmt: skip
    along = torch.tensor([r["loss"] for r in rows if r["b"] == 0], dtype=torch.float64)
    second = along.diff(n=2)
    assert (second > 0).all() and torch.allclose(second, second[0].expand(5), rtol=1e-9)


@pytest.mark.parametrize("bad", [dict(radius=0.0), dict(radius=float("nan")), dict(points=1)])
def test_a_surface_without_extent_is_refused(net, x, bad):
    with pytest.raises(ValueError, match="radius > 0 and points >= 2"):
        loss_surface(net, x, targets(x), **bad)
