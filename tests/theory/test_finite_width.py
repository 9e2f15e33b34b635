"""Kernels at finite width: the recursions, the chain and real networks, each against the other."""

import math

import mpmath
import pytest
import torch
from torch import nn

from smoothrelu import GELU, MLP, SMOOTH_RELUS, SWISH, AlgebraicLU, GumbelLU, Mish
from smoothrelu.book.studies.finite_width import N_IN, _stored_or_made
from smoothrelu.book.tables.finite_width import long_run
from smoothrelu.book.tables.finite_width_fits import (
    compared,
    fitted_shifts,
    fitted_slopes,
    predictions,
)
from smoothrelu.experiments.store import Store
from smoothrelu.networks.initialisation import gaussian_init_
from smoothrelu.networks.layerwise import network_kernels
from smoothrelu.networks.random_networks import critically_initialised, drawn_kernels
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.exit_times import mean_exit_layers, sample_exit_layers
from smoothrelu.theory.finite_width import (
    ensemble_statistics,
    kernel_curvature,
    kernel_noise,
    leading_order,
    paired_with_relu,
    relu_fluctuation,
    relu_log_variance,
    sample_kernels,
)
from smoothrelu.theory.kernel_fixed_points import fixed_points
from smoothrelu.theory.kernel_maps import chi_parallel

HE = dict(C_W=2.0, C_b=0.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def critical_of(activation):
    c = criticality(activation)
    return c.K_star, dict(C_W=c.C_W, C_b=c.C_b)


def mp_mean(f, K):
    density = lambda z: mpmath.exp(-z * z / (2 * K)) / mpmath.sqrt(2 * mpmath.pi * K)  # noqa: E731
    edges = [mpmath.sqrt(K) * x for x in (-14, -6, -2, 0, 2, 6, 14)]
    return mpmath.quad(lambda z: f(z) * density(z), edges)


def swish(z):
    return z / (1 + mpmath.exp(-z))


# --- the ingredients


@pytest.mark.parametrize("K", [0.01, 1.0, 30.0])
def test_the_noise_of_a_layer_and_the_curvature_of_the_map_agree_with_mpmath(K):
    with mpmath.workdps(30):
        square, fourth = mp_mean(lambda z: swish(z) ** 2, K), mp_mean(lambda z: swish(z) ** 4, K)
        hermite = mp_mean(
            lambda z: swish(z) ** 2 * (z**4 - 6 * K * z**2 + 3 * K**2) / (4 * mpmath.mpf(K) ** 4), K
        )
    assert kernel_noise(SWISH(), K, C_W=1.5) == pytest.approx(
        float(1.5**2 * (fourth - square**2)), rel=1e-11
    )
    assert K * kernel_curvature(SWISH(), K, C_W=1.5) == pytest.approx(
        float(1.5 * K * hermite), abs=1.5e-11
    )


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
@pytest.mark.parametrize("T", [1e-3, 1.0, 1e3])
def test_the_curvature_is_the_derivative_of_chi_parallel(kind, T):
    K, h = 1.7, 1e-4
    up, down = (chi_parallel(kind(T), K * (1 + s), C_W=2.0) for s in (h, -h))
    difference = (up - down) / (2 * h)
    assert K * kernel_curvature(kind(T), K, C_W=2.0) == pytest.approx(difference, abs=1e-7)


def test_a_relu_layer_adds_five_and_a_linear_one_two_and_neither_bends_the_map():
    for K in (1e-3, 1.0, 1e4):
        assert kernel_noise(nn.ReLU(), K, C_W=2.0) == pytest.approx(5 * K**2, rel=1e-11)
        assert kernel_noise(nn.Identity(), K, C_W=1.0) == pytest.approx(2 * K**2, rel=1e-11)
        for activation in (nn.ReLU(), nn.Identity()):
            assert abs(K * kernel_curvature(activation, K, C_W=2.0)) < 2e-11


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_temperature_rescales_noise_and_curvature(kind):
    K = torch.tensor([0.3, 2.0, 50.0], dtype=torch.float64)
    unit, cold = kind(1.0), kind(0.1)
    assert torch.allclose(
        kernel_noise(cold, K * 1e-2, C_W=2.0), 1e-4 * kernel_noise(unit, K, C_W=2.0), rtol=1e-11
    )
    bends = kernel_curvature(cold, K * 1e-2, C_W=2.0), 1e2 * kernel_curvature(unit, K, C_W=2.0)
    assert torch.allclose(*bends, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_a_kernel_that_is_not_positive_is_refused(bad):
    for function in (kernel_noise, kernel_curvature):
        with pytest.raises(ValueError, match="must be positive"):
            function(SWISH(), bad, C_W=2.0)


# --- the leading order


def test_relu_at_leading_order_is_the_closed_form_to_first_order_in_one_over_n():
    theory = leading_order(nn.ReLU(), 3.0, depth=50, **HE)
    for n in (1e6, 1e8):
        exact = torch.tensor([relu_fluctuation(n, layer) for layer in range(1, 51)]) * n
        assert torch.allclose(theory.V / 9.0, exact.double(), rtol=300 / n, atol=1e-5)
    assert theory.G.abs().max() < 1e-9


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_at_the_critical_point_variance_grows_linearly_and_the_mean_quadratically(kind):
    K, init = critical_of(kind())
    theory = leading_order(kind(), K, depth=40, **init)
    layer = torch.arange(1, 41, dtype=torch.float64)
    noise = kernel_noise(kind(), K, C_W=init["C_W"])
    bend = kernel_curvature(kind(), K, C_W=init["C_W"])
    assert torch.allclose(theory.V, noise * (layer - 1), rtol=1e-6)
    assert torch.allclose(theory.G, bend * noise * (layer - 1) * (layer - 2) / 4, rtol=1e-4)


@pytest.mark.parametrize("kind", [*SMOOTH_RELUS, Mish])
def test_the_mean_is_pushed_to_the_side_on_which_the_critical_point_repels(kind):
    K, init = critical_of(kind())
    theory = leading_order(kind(), K, depth=10, **init)
    points = {p.K: p for p in fixed_points(kind(), marginal=K, **init)}
    assert points[K].attracts_from_below == (theory.G[-1] > 0)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_cold_networks_fluctuate_like_relu_whatever_their_initialisation(kind):
    for init in (critical_of(kind(1e-3))[1], HE):
        theory = leading_order(kind(1e-3), 1.0, depth=50, **init)
        assert theory.V[-1] / theory.K[-1] ** 2 / 49 == pytest.approx(5.0, rel=1e-3)


def test_the_exact_variance_of_relus_logarithm_is_that_of_a_sampled_layer():
    kernels = sample_kernels(
        nn.ReLU(), 1.0, width=40, depth=2, members=100_000, generator=seeded(), **HE
    )
    s = {name: column[1].item() for name, column in ensemble_statistics(kernels).items()}
    error = s["sd_log_K"] ** 2 * math.sqrt((s["kurtosis_log_K"] - 1) / 100_000)
    assert abs(s["sd_log_K"] ** 2 - relu_log_variance(40, 2)) < 4 * error
    assert relu_log_variance(10**5, 11) == pytest.approx(50 / 10**5, rel=1e-4)


# --- the chain against theory


def test_the_sampled_relu_chain_has_the_exact_mean_and_variance():
    members, n, depth = 20_000, 64, 20
    kernels = sample_kernels(
        nn.ReLU(), 2.0, width=n, depth=depth, members=members, generator=seeded(1), **HE
    )
    ratio = kernels[:, 1:] / 2.0
    z_mean = (ratio.mean(0) - 1) / ratio.std(0) * members**0.5
    squares = (ratio - 1) ** 2
    exact = torch.tensor([relu_fluctuation(n, layer) for layer in range(2, depth + 1)])
    z_variance = (squares.mean(0) - exact) / squares.std(0) * members**0.5
    assert z_mean.abs().max() < 4 and z_variance.abs().max() < 4


@pytest.mark.parametrize("start", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("activation", [SWISH(0.5), GELU(2.0), Mish()])
def test_variance_and_shift_of_a_wide_chain_are_the_leading_order_wherever_it_starts(
    activation, start
):
    _, init = critical_of(activation)
    members, n, depth = 3000, 1024, 8
    theory = leading_order(activation, start, depth=depth, **init)
    kernels = sample_kernels(
        activation, start, width=n, depth=depth, members=members, generator=seeded(2), **init
    )
    s = {name: column[-1].item() for name, column in ensemble_statistics(kernels).items()}
    error = s["sd_K"] / members**0.5
    assert abs(s["mean_K"] - (theory.K[-1] + theory.G[-1] / n)) < 4 * error
    predicted = (theory.V[-1] / theory.K[-1] ** 2 / n).item()
    allowed = 4 * math.sqrt((s["kurtosis_log_K"] - 1) / members) + 3 * depth / n
    assert abs(s["sd_log_K"] ** 2 / predicted - 1) < allowed


def test_the_shift_of_the_mean_is_resolved_beside_relu_and_proportional_to_one_over_n():
    for activation in (GumbelLU(), AlgebraicLU(), Mish()):
        K, init = critical_of(activation)
        shift = (leading_order(activation, K, depth=30, **init).G[-1] / K).item()
        n, members = 1024, 2000
        ratios, relu = (
            sample_kernels(a, k, width=n, depth=30, members=members, generator=seeded(3), **i) / k
            for a, k, i in ((activation, K, init), (nn.ReLU(), 1.0, HE))
        )
        found = {name: column[-1].item() for name, column in paired_with_relu(ratios, relu).items()}
        error = found["sd_excess"] / members**0.5
        assert error < abs(shift) / n / 3  # it is seen, not only allowed for
        assert abs(found["mean_excess"] - shift / n) < 4 * error + 0.1 * abs(shift) / n


# --- the chain against real networks


def test_real_networks_have_the_kernels_of_the_chain_at_small_width():
    K, init = critical_of(Mish())
    members, n, depth = 1500, 24, 8
    x = torch.full((1, 5), ((K - init["C_b"]) / init["C_W"]) ** 0.5)
    generator, rows = seeded(4), []
    for _ in range(members):
        net = MLP(5, 1, width=n, depth=depth, activation=Mish())
        gaussian_init_(net, generator=generator, **init)
        rows.append(network_kernels(net, x, **init)[0])
    real = torch.stack(rows).double()
    chain = sample_kernels(
        Mish(), K, width=n, depth=depth, members=20_000, generator=seeded(5), **init
    )
    assert torch.allclose(real[:, 0], torch.full_like(real[:, 0], K), rtol=1e-5)
    for l in range(1, depth):  # noqa: E741
        a, b = real[:, l].log(), chain[:, l].log()
        error = (a.var() / len(a) + b.var() / len(b)).sqrt()
        assert abs(a.mean() - b.mean()) < 4 * error
        spread = [((x - x.mean()) ** 2) for x in (a, b)]
        error = sum(s.var() / len(s) for s in spread).sqrt()
        assert abs(spread[0].mean() - spread[1].mean()) < 4 * error
    # the whole distribution, by the two-sample Kolmogorov-Smirnov distance
    points = torch.cat([real[:, -1], chain[:, -1]])
    below = [
        (torch.searchsorted(x.contiguous().sort().values, points, right=True) / len(x))
        for x in (real[:, -1], chain[:, -1])
    ]
    distance = (below[0] - below[1]).abs().max()
    assert distance < 2.2 * (1 / members + 1 / 20_000) ** 0.5  # exceeded once in 8000 times


def test_a_network_drawn_matrix_by_matrix_is_the_network_of_those_matrices():
    nets, n, depth = [critically_initialised(a) for a in (nn.ReLU(), SWISH(), GumbelLU())], 40, 6
    found = drawn_kernels(nets, width=n, depth=depth, n_in=N_IN, generator=seeded(6))
    for net, kernels in zip(nets, found, strict=True):
        generator = seeded(6)
        mlp = MLP(N_IN, 1, width=n, depth=depth, activation=net.activation).double()
        for layer in mlp.layers[:-1]:
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator).double()
            layer.weight.data *= (net.C_W / layer.in_features) ** 0.5
            layer.bias.data = torch.randn(n, generator=generator).double() * net.C_b**0.5
        x = torch.full((1, N_IN), ((net.K - net.C_b) / net.C_W) ** 0.5, dtype=torch.float64)
        expected = network_kernels(mlp, x, C_W=net.C_W, C_b=net.C_b)[0]
        assert torch.allclose(kernels, expected, rtol=1e-5)


def test_float32_preactivations_move_a_kernel_by_a_millionth_at_most():
    K, init = critical_of(GELU())
    kernels = sample_kernels(
        GELU(), K, width=100, depth=2, members=50, generator=seeded(7), **init
    )[:, 1]
    z = torch.randn(50, 100, generator=seeded(7)).double() * K**0.5
    expected = init["C_b"] + init["C_W"] * GELU()(z).square().mean(1)
    assert torch.allclose(kernels, expected, rtol=1e-6, atol=0)


# --- leaving the critical point


@pytest.mark.parametrize(
    "activation, width, members",
    [(GELU(), 256, 12000), (GumbelLU(), 256, 12000), (Mish(), 256, 12000), (Mish(), 1024, 800)],
)
def test_the_diffusion_predicts_after_how_many_layers_a_kernel_leaves(activation, width, members):
    K, init = critical_of(activation)
    signed = sample_exit_layers(
        activation,
        K,
        width=width,
        members=members,
        factor=2.0,
        longest=5000,
        generator=seeded(8),
        **init,
    )
    layers, above = mean_exit_layers(
        activation, K, widths=torch.tensor([width]), factor=2.0, **init
    )
    error = signed.abs().std().item() / members**0.5
    allowed = max(0.03 * layers.item(), 4 * error)
    assert abs(signed.abs().mean().item() - layers.item()) < allowed
    assert abs((signed > 0).double().mean().item() - above.item()) < 4 * (0.25 / members) ** 0.5


def test_relu_leaves_after_a_number_of_layers_proportional_to_the_width():
    widths = torch.tensor([10**4, 10**5])
    layers, above = mean_exit_layers(nn.ReLU(), 1.0, widths=widths, factor=2.0, **HE)
    b = math.log(2)
    exact = widths.double() / 5 * 2 * b * math.tanh(b / 2)  # Brownian motion with drift -1/2
    assert torch.allclose(layers, exact, rtol=0.06) and layers[1] / layers[0] > 9.5
    assert above[1].item() == pytest.approx(1 / (1 + math.e**b), rel=0.01)


def test_those_still_inside_after_the_longest_walk_are_counted_as_such():
    steps = sample_exit_layers(
        nn.ReLU(), 1.0, width=64, members=500, factor=2.0, longest=4, generator=seeded(9), **HE
    )
    left = steps[~steps.isnan()]
    assert 0 < len(left) < 500 and left.abs().max() <= 4 and (left.abs() >= 1).all()
    assert (left > 0).any() and (left < 0).any()


def test_a_width_at_which_the_integral_leaves_the_floats_is_refused():
    K, init = critical_of(Mish())
    with pytest.raises(ValueError, match="at a width of 1e"):
        mean_exit_layers(Mish(), K, widths=torch.tensor([10**8]), factor=2.0, **init)


# --- the committed long run


def test_the_committed_networks_agree_with_the_chain_and_name_their_origin():
    run = long_run()
    chain, networks = (run[run["sampled"] == name] for name in ("chain", "networks"))
    both = compared(chain, networks)
    assert set(both["width"]) == {256, 1024, 4096} and len(both) == 21
    assert both[["z_mean", "z_variance"]].abs().to_numpy().max() < 4
    for column in ("seeds", "torch", "commit", "date", "seconds"):
        assert run[column].notna().all()


def test_the_fits_to_the_committed_chain_meet_the_predictions_and_tell_gelu_from_relu():
    chain = long_run().query("sampled == 'chain'")
    activations = [nn.ReLU(), *(kind() for kind in SMOOTH_RELUS), Mish()]
    theory = predictions(activations, int(chain["depth"].max()))
    slopes = fitted_slopes(chain[chain["width"] >= 512], theory).set_index("activation")
    shifts = fitted_shifts(chain, theory).set_index("activation")
    assert slopes["z"].abs().max() < 4 and shifts["z"].abs().max() < 4
    gelu = slopes.loc["GELU"]
    assert abs(gelu["fitted"] - 5) > 5 * gelu["error"]
    for name in ("GELU", "GumbelLU", "AlgebraicLU", "Mish"):  # the sign of the shift is resolved
        assert shifts.loc[name, "fitted"] * shifts.loc[name, "predicted"] > 0
        assert abs(shifts.loc[name, "fitted"]) > 4 * shifts.loc[name, "error"]


def test_what_the_long_run_has_stored_is_not_computed_again(tmp_path):
    store, made = Store(tmp_path), []

    def make(width):
        made.append(width)
        return {"kernels": [float(width)]}

    for _ in range(2):
        _stored_or_made(store, "some-network", make, 16)
    assert made == [16] and store.get("some-network")["kernels"] == [16.0]
