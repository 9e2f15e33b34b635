"""Initialisations of any network of Linear layers and one activation."""

import pytest
import torch
from torch import nn

from smoothrelu import (
    GELU,
    MLP,
    SWISH,
    GumbelLU,
    critical_init_,
    criticality,
    gaussian_init_,
    he_init_,
    standard_init_,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def deep_net(activation, width=512):
    return MLP(width, width, width=width, depth=3, activation=activation)


@pytest.mark.parametrize("activation", [SWISH(), SWISH(0.1), GumbelLU(2.0), nn.SiLU(), nn.GELU()])
def test_critical_init_draws_every_layer_with_the_critical_variances(activation):
    net = critical_init_(deep_net(activation), generator=seeded())
    c = criticality(activation)
    n = 512
    for layer in net.layers:
        # the variance of m normal draws has the standard error sqrt(2/m); five of them are allowed
        assert layer.weight.var().item() * n == pytest.approx(c.C_W, rel=5 * (2 / n**2) ** 0.5)
        assert layer.bias.var().item() == pytest.approx(c.C_b, rel=5 * (2 / n) ** 0.5)


def test_critical_init_of_relu_is_he_init():
    critical = critical_init_(deep_net(nn.ReLU()), generator=seeded(3))
    he = he_init_(deep_net(nn.ReLU()), generator=seeded(3))
    for a, b in zip(critical.parameters(), he.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_standard_init_has_the_bounds_and_the_variance_of_torchs_linear():
    net = standard_init_(deep_net(nn.ReLU()), generator=seeded())
    fresh = nn.Linear(512, 512)
    for layer in net.layers:
        assert layer.weight.abs().max() <= 512**-0.5 and layer.bias.abs().max() <= 512**-0.5
        assert layer.weight.var().item() == pytest.approx(fresh.weight.var().item(), rel=0.03)


def test_the_same_generator_seed_gives_the_same_network_and_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    first, second = (deep_net(SWISH(), 32) for _ in range(2))
    after_building = torch.get_rng_state()
    critical_init_(first, generator=seeded(7))
    critical_init_(second, generator=seeded(7))
    assert torch.equal(torch.get_rng_state(), after_building) and len(before) == len(after_building)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_any_module_of_linear_layers_and_one_activation_will_do():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = GELU(0.5)
            self.parts = nn.ModuleDict({"a": nn.Linear(4, 8), "b": nn.Linear(8, 2)})

        def forward(self, x):
            return self.parts["b"](self.act(self.parts["a"](x)))

    net = Branches()
    assert critical_init_(net) is net and net(torch.ones(3, 4)).shape == (3, 2)
    sequential = nn.Sequential(
        nn.Flatten(), nn.Linear(4, 8), nn.SiLU(), nn.Dropout(), nn.Linear(8, 2)
    )
    assert critical_init_(sequential) is sequential
    tied = nn.Sequential(nn.Linear(4, 8), SWISH(0.5), nn.Linear(8, 8), SWISH(0.5))
    critical_init_(tied)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2)), "no activation module.*gaussian_init_"),
        (nn.Sequential(nn.ReLU()), "no nn.Linear"),
        (nn.Sequential(nn.Linear(2, 2), SWISH(), nn.Linear(2, 2), SWISH(0.5)), "found SWISH"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), SWISH()),
            "'1.weight' belongs to another",
        ),
        (nn.Sequential(nn.Linear(2, 2, bias=False), SWISH()), "build the layers with bias=True"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softplus()), "no critical initialisation"),
    ],
)
def test_a_network_outside_the_theory_is_refused_with_the_remedy_and_left_alone(net, message):
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(ValueError, match=message):
        critical_init_(net)
    for p, q in zip(net.parameters(), before, strict=True):
        assert torch.equal(p, q)


def test_layers_without_biases_are_fine_where_no_bias_is_needed():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 4, bias=False))
    he_init_(net)
    critical_init_(net)


@pytest.mark.parametrize(
    "sizes", [dict(width=0, depth=2), dict(width=4, depth=0), dict(width=2.5, depth=2)]
)
def test_sizes_that_are_not_positive_integers_are_refused(sizes):
    with pytest.raises(ValueError, match="must be a positive integer"):
        MLP(3, 2, activation=SWISH(), **sizes)


def test_the_mlp_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match="activation must be a module"):
        MLP(3, 2, width=4, depth=2, activation="swish")
    net = MLP(3, 2, width=4, depth=2, activation=SWISH())
    with pytest.raises(ValueError, match=r"shape \(N, 3\), got \(5, 4\)"):
        net(torch.ones(5, 4))
    with pytest.raises(ValueError, match="flatten"):
        net(torch.ones(5, 1, 3))


def test_depth_counts_the_linear_layers():
    assert len(MLP(3, 2, width=4, depth=1, activation=SWISH()).layers) == 1
    net = MLP(3, 2, width=4, depth=5, activation=SWISH())
    assert [tuple(layer.weight.shape) for layer in net.layers] == [(4, 3)] + [(4, 4)] * 3 + [(2, 4)]


def test_the_kernel_of_a_wide_network_is_the_one_of_the_kernel_flow():
    from smoothrelu.theory.kernel_maps import kernel_flow

    activation, n, nets = SWISH(0.5), 1024, 8
    c = criticality(activation)
    x = torch.ones(1, n)  # |x|^2/n_in = 1
    flow = kernel_flow(activation, c.C_b + c.C_W, depth=6, C_W=c.C_W, C_b=c.C_b)
    means = []
    for seed in range(nets):
        net = MLP(n, n, width=n, depth=6, activation=activation)
        gaussian_init_(net, C_W=c.C_W, C_b=c.C_b, generator=seeded(seed))
        means.append(net(x).square().mean().item())
    means = torch.tensor(means, dtype=torch.float64)
    # a layer's mean square fluctuates with relative variance of about (5 l + 2)/n over networks
    error = flow[-1] * ((5 * 6 + 2) / n / nets) ** 0.5
    assert abs(means.mean() - flow[-1]) < 4 * error
