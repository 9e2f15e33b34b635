"""The laws that the chapter on infinite width draws, each against something independent."""

import math

import numpy as np
import pytest
import torch

from smoothrelu import GELU, MLP, SMOOTH_RELUS, SWISH, AlgebraicLU, criticality
from smoothrelu.book.tables.infinite_width import (
    _scaled_ntk,
    equal_norms,
    kernels_by_angle,
    ntk_of_real_networks,
    quadrature_difference,
)
from smoothrelu.book.tables.kernel_depth import (
    collapse_rate,
    conditioning,
    conditioning_at_K_star,
    quadrature_conditioning,
)
from smoothrelu.book.tables.kernel_spectra import circle_spectra, decay_rates, near_duplicates
from smoothrelu.theory.infinite_width.closed_forms import (
    closed_form_kernels,
    gelu_moments,
    relu_moments,
)
from smoothrelu.theory.relu_limit import fit_exponent
from smoothrelu.theory.spectra import circle_spectrum, condition_number


def images(count=12, size=20, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def test_quadrature_and_closed_form_give_the_same_kernels_at_every_angle():
    table = kernels_by_angle([1.0, 0.1], np.geomspace(1e-3, 3, 9), depth=3)
    assert quadrature_difference(table) < 1e-10
    assert set(table["source"]) == {"quadrature", "closed form"}


def test_near_angle_zero_the_ntk_falls_with_the_angle_for_relu_and_its_square_for_gelu():
    angles = np.geomspace(1e-3, 5e-3, 4)
    table = kernels_by_angle([1.0], angles, depth=2)
    relu = table[table["activation"] == "ReLU"]
    gelu = table[table["source"] == "quadrature"]
    assert fit_exponent(angles, relu["drop"])[0] == pytest.approx(1, abs=0.01)
    assert fit_exponent(angles, gelu["drop"])[0] == pytest.approx(2, abs=0.01)


def test_the_scaled_ntk_is_the_sum_over_parameters_with_their_learning_rates():
    net, x = MLP(5, 1, width=7, depth=3, activation=SWISH()).double(), images(3, 5).double()
    rows = []
    for i in range(len(x)):
        gradients = torch.autograd.grad(net(x[i : i + 1]).sum(), list(net.parameters()))
        scaled = [g / math.sqrt(g.shape[1]) if g.ndim == 2 else g for g in gradients]
        rows.append(torch.cat([g.flatten() for g in scaled]))
    rows = torch.stack(rows)
    torch.testing.assert_close(_scaled_ntk(net, x), rows @ rows.T, rtol=1e-12, atol=1e-14)


def test_real_networks_approach_the_limit_as_the_root_of_the_width():
    table = ntk_of_real_networks(images(6), [16, 64, 256], 24, temperature=0.5, depth=3)
    power, error = fit_exponent(table["width"], table["error"])
    assert error < 0.06 and abs(power + 0.5) < 4 * error


def test_relu_eigenvalues_on_the_circle_fall_as_the_second_and_the_fourth_power():
    M, k = 4096, np.arange(50, 200, 2)
    gram = (torch.arange(M, dtype=torch.float64) * (2 * math.pi / M)).cos()
    options = dict(x_square=1.0, depth=2, C_W=2.0, C_b=0.0)
    *_, last = closed_form_kernels(gram, relu_moments, **options)
    for kernel, power in ((last.ntk, -2), (last.nngp, -4)):
        c = circle_spectrum(kernel).numpy()[k]
        assert fit_exponent(k, c)[0] == pytest.approx(power, abs=0.05)


def test_smooth_eigenvalues_leave_relu_at_the_crossover_and_fall_at_the_predicted_rates():
    spectra = circle_spectra(SMOOTH_RELUS, [0.1])
    smooth = spectra.dropna(subset=["temperature"])
    early = smooth[smooth["reach"] < 0.5]["relative"]
    late = smooth[(smooth["reach"] > 10) & (smooth["reach"] < 11)]["relative"]
    assert early.between(0.8, 1.3).all() and (late < 0.05).all()
    assert decay_rates(spectra)["ratio"].between(0.9, 1.1).all()


def test_a_rate_is_not_fitted_to_a_handful_of_eigenvalues():
    assert decay_rates(circle_spectra([AlgebraicLU], [3.0]))["fitted"].isna().all()


def test_telling_near_duplicates_apart_costs_the_angle_for_relu_and_its_square_for_gelu():
    table = near_duplicates(images(seed=1), [1.0], [1e-3, 2e-3, 4e-3], depth=3)
    for name, power in (("ReLU", 1), ("GELU", 2)):
        group = table[table["activation"] == name]
        assert fit_exponent(group["angle"], group["smallest"])[0] == pytest.approx(power, abs=0.02)


def test_at_K_star_the_condition_numbers_follow_their_laws_for_every_activation():
    N = 12
    table = conditioning_at_K_star(images(N), SMOOTH_RELUS, [64, 256])
    assert len(table) == 2 * len(SMOOTH_RELUS)
    deep = table[table["layer"] == 256].set_index("activation")
    assert (deep["ntk_condition"] / (1 + N / 2) - 1).abs().max() < 0.08
    steps = table.groupby("activation")["nngp_condition"].agg(np.ptp) / (256 - 64)
    assert (steps / deep["nngp_slope"] - 1).abs().max() < 0.15


def test_very_deep_kernels_reach_the_limits_of_relu_and_of_gelu():
    N, depth = 12, 3000
    x = equal_norms(images(N))
    gram = x @ x.T / x.shape[1]
    c = criticality(GELU())
    start = (c.K_star - c.C_b) / c.C_W
    cases = [
        (gram, relu_moments, dict(x_square=1.0, C_W=2.0, C_b=0.0), 1 + N / 3),
        (start * gram, gelu_moments(1.0), dict(x_square=start, C_W=c.C_W, C_b=c.C_b), 1 + N / 2),
    ]
    for matrix, moments, options, limit in cases:
        *_, last = closed_form_kernels(matrix, moments, depth=depth, **options)
        assert condition_number(last.ntk) == pytest.approx(limit, rel=0.02)


def test_under_he_a_hot_network_doubles_its_condition_number_with_every_layer():
    table = conditioning(images(), [1.0, 0.1], depth=48)
    he = table[table["init"] == "he"]
    assert collapse_rate(he[he["temperature"] == 1.0]) == pytest.approx(math.log(2), rel=0.01)
    assert math.isnan(collapse_rate(he[he["temperature"] == 0.1]))


def test_conditioning_is_the_same_by_quadrature():
    x = images()
    closed = conditioning(x, [1.0, 0.2], depth=9)
    ours = quadrature_conditioning(x, [1.0, 0.2], [2, 9])
    key = ["activation", "temperature", "init", "layer"]
    both = ours.merge(closed, on=key, suffixes=("", "_closed"))
    assert len(both) == 4
    for column in ("ntk_condition", "nngp_condition", "ntk_rank"):
        assert (both[column] / both[f"{column}_closed"] - 1).abs().max() < 1e-8
