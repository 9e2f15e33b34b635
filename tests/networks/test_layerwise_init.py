"""Networks whose layers differ in temperature, and networks that are ReLU in forward only."""

import pytest
import torch
from torch import nn

from smoothrelu import GELU, MLP, SWISH, critical_init_, criticality
from smoothrelu.activations.convert import convert_to_sugar
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.activations.surrogate_gradient import SUGAR
from smoothrelu.theory.critical import critical_layers


def net(*hardness, n=64):
    activations = [LambdaGELU(h) for h in hardness]
    return MLP(n, n, width=n, depth=len(activations) + 1, activation=activations)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_layers_of_equal_hardness_are_drawn_as_for_the_gelu_of_that_temperature():
    ours = critical_init_(net(2.0, 2.0, 2.0), generator=seeded())
    plain = MLP(64, 64, width=64, depth=4, activation=GELU(0.5))
    critical_init_(plain, generator=seeded())
    for p, q in zip(ours.layers.parameters(), plain.layers.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-7)


def test_in_a_wide_network_every_layer_has_the_critical_kernel_of_its_own_hardness():
    hardness, n, nets = [1.0, 4.0, 20.0, 2.0, 1.5], 1024, 4
    unit = criticality(GELU())
    C_W, C_b = critical_layers([GELU(1 / h) for h in hardness])[0]
    x = torch.full((1, n), ((unit.K_star - C_b) / C_W) ** 0.5)
    kernels = torch.zeros(len(hardness) + 1)
    for seed in range(nets):
        model, z = critical_init_(net(*hardness, n=n), generator=seeded(seed)), x
        for place, layer in enumerate(model.layers):
            z = layer(model.activation[place - 1](z) if place else z)
            kernels[place] += z.detach().square().mean() / nets
    expected = torch.tensor([unit.K_star / h**2 for h in [*hardness, hardness[-1]]])
    # the relative variance over networks is about (5 l + 2)/n, l = 6 layers
    assert ((kernels / expected - 1).abs() < 4 * ((5 * 6 + 2) / n / nets) ** 0.5).all()


def test_sugar_is_initialised_as_the_relu_that_it_computes():
    model = nn.Sequential(nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 300))
    critical_init_(convert_to_sugar(model, SWISH(0.5)), generator=seeded())
    assert model[0].weight.var().item() * 300 == pytest.approx(2, rel=5 * 2**0.5 / 300)
    assert not model[0].bias.any()


def test_as_many_activations_as_places_are_asked_for():
    with pytest.raises(ValueError, match="depth 4 has 3 places for an activation, got 2"):
        MLP(2, 2, width=4, depth=4, activation=[GELU(), GELU()])


def test_the_criticality_of_sugar_and_of_a_learned_hardness_is_that_of_what_they_compute():
    relu, gelu = criticality(SUGAR()), criticality(LambdaGELU(3.0))
    assert abs(relu.C_W - 2) < 1e-12
    assert gelu.C_b == pytest.approx(criticality(GELU(1 / 3.0)).C_b, rel=1e-6)
