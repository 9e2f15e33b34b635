"""What SUGAR does to gradients: closed forms of gains and minima, and real networks beside them."""

import math

import pytest
import torch
from scipy.special import lambertw
from scipy.stats import norm
from torch import nn

from smoothrelu import GELU, SWISH, BSiLU, HeLU, NeLU, load_dataset
from smoothrelu.book.statistics.sugar import per_layer
from smoothrelu.book.tables.sugar import (
    backward_flow,
    descent,
    gains_by_temperature,
    slopes_below_zero,
    surrogate_curves,
)
from smoothrelu.theory.elementwise import Elementwise
from smoothrelu.theory.kernel_maps import chi_perp, kernel_map
from smoothrelu.theory.sugar_gradient import (
    balanced_variances,
    gradient_cosine,
    gradient_gain,
    minimum_of,
    unit_gain_temperature,
)

KERNELS = (0.03, 0.5, 2.0, 30.0)


def at(x):
    return torch.tensor(x, dtype=torch.float64)


@pytest.mark.parametrize("K", KERNELS)
def test_the_gains_of_the_piecewise_surrogates_have_closed_forms(K):
    assert gradient_gain(torch.relu, K) == pytest.approx(1, rel=1e-10)
    assert gradient_gain(nn.LeakyReLU(0.1), K) == pytest.approx(1 + 0.01, rel=1e-10)
    # sharp edges away from the origin cost the quadrature its accuracy
    helu = 2 * norm.cdf(0.05 / math.sqrt(K))
    assert gradient_gain(HeLU(0.05), K) == pytest.approx(helu, rel=1e-2)
    elu = 1 + 2 * math.exp(2 * K) * norm.cdf(-2 * math.sqrt(K))
    assert gradient_gain(nn.ELU(), K) == pytest.approx(elu, rel=1e-9)


def test_small_and_large_kernels_see_the_slopes_at_the_origin_and_far_out():
    for f in (BSiLU(), nn.SiLU(), nn.GELU()):
        origin = Elementwise(f).derivative(at([0.0])).item()
        assert gradient_gain(f, 1e-8) == pytest.approx(2 * origin**2, rel=1e-4)
        assert gradient_gain(f, 1e8) == pytest.approx(1, abs=1e-3)
    assert gradient_gain(BSiLU(), 1e-8) == pytest.approx(2 * (0.5 + 1.67 / 4) ** 2, rel=1e-4)


def test_alignment_is_one_for_relu_and_falls_with_the_slope_below_zero():
    assert gradient_cosine(torch.relu, 2.0) == pytest.approx(1, rel=1e-9)
    for a in (0.1, 0.5, 1.0):
        leaky = gradient_cosine(nn.LeakyReLU(a), 2.0)
        assert leaky == pytest.approx(1 / math.sqrt(1 + a * a), rel=1e-9)
    selu, elu, nelu = (gradient_cosine(f, 2.0) for f in (nn.SELU(), nn.ELU(), NeLU()))
    assert selu < elu < nelu < 1


@pytest.mark.parametrize("alpha", [0.0, 1.67, 4.0])
def test_b_silu_has_its_minimum_where_lamberts_function_says(alpha):
    w = lambertw(math.exp(-(1 + alpha))).real
    bottom, f = at([-(1 + alpha) - w]), BSiLU(alpha)
    assert Elementwise(f).derivative(bottom).item() == pytest.approx(0, abs=1e-12)
    assert f(bottom).item() == pytest.approx(-w - alpha / 2, rel=1e-12)
    assert minimum_of(f) == pytest.approx(-bottom.item(), rel=1e-10)
    x = torch.linspace(-12, 12, 24001, dtype=torch.float64)
    assert x[f(x).argmin()].item() == pytest.approx(bottom.item(), abs=2e-3)


def test_the_reach_of_a_smooth_relu_is_proportional_to_its_temperature():
    assert minimum_of(nn.GELU()) == pytest.approx(0.7517915, abs=1e-6)
    assert minimum_of(GELU(2.0)) == pytest.approx(2 * minimum_of(nn.GELU()), rel=1e-9)
    with pytest.raises(ValueError):
        minimum_of(nn.ELU())


def test_the_slope_of_b_silu_is_extreme_where_the_chapter_says_and_has_its_value_there():
    x = torch.linspace(-12, 12, 2_400_001, dtype=torch.float64)
    slopes = Elementwise(BSiLU()).derivative(x)
    for place in (x[slopes.argmin()], x[slopes.argmax()]):
        assert (place + 1.67) * torch.tanh(place / 2) == pytest.approx(2, abs=1e-4)
        value = Elementwise(BSiLU()).derivative(place.reshape(1)).item()
        assert value == pytest.approx(1 / (1 - math.exp(-place)), abs=1e-6)


@pytest.mark.parametrize("kind", [SWISH, GELU])
def test_the_temperature_of_unit_gain_scales_with_the_root_of_the_kernel(kind):
    T = unit_gain_temperature(kind, 1.0)
    assert gradient_gain(kind(T), 1.0) == pytest.approx(1, abs=1e-10)
    assert unit_gain_temperature(kind, 9.0) == pytest.approx(3 * T, rel=1e-8)
    assert gradient_gain(kind(T / 2), 1.0) > 1 > gradient_gain(kind(2 * T), 1.0)


def test_a_surrogate_whose_gain_is_one_nowhere_is_refused():
    with pytest.raises(ValueError, match="the gain of Scaled at K = 2 is not 1 at any temperature"):
        unit_gain_temperature(Scaled, 2.0)


def Scaled(T):  # noqa: N802
    return lambda x: T * BSiLU()(x / T)


def test_balanced_variances_keep_relus_kernel_and_sugars_gradient():
    C_W, C_b = balanced_variances(BSiLU(), 2.0)
    assert kernel_map(torch.relu, 2.0, C_W=C_W, C_b=C_b) == pytest.approx(2.0, rel=1e-10)
    assert chi_perp(BSiLU(), 2.0, C_W=C_W) == pytest.approx(1, rel=1e-10)


def test_wide_networks_follow_gain_and_alignment():
    images = load_dataset("mnist", 40, 1, device="cpu").x_train
    surrogates = {"B-SiLU": BSiLU(), "ELU": nn.ELU()}
    flow = backward_flow(surrogates, images, width=512, depth=6, seeds=range(4))
    growth = per_layer(flow).set_index("surrogate")
    assert growth["gain"].to_numpy() == pytest.approx(growth["theory"], rel=0.06)
    cosine = flow.groupby(["surrogate", "back"])[["cosine", "theory_cosine"]].mean()
    assert cosine["cosine"].to_numpy() == pytest.approx(cosine["theory_cosine"], abs=0.06)


def test_small_steps_change_the_loss_by_the_true_gradient_and_not_by_what_sugar_promises():
    data = load_dataset("mnist", 60, 1, device="cpu")
    surrogates = {"B-SiLU": BSiLU(), "ReLU": torch.relu}
    steps = descent(surrogates, data.x_train, data.y_train, width=32, depths=[8], seeds=[0, 1])
    smallest = steps[steps["step"] == steps["step"].min()]
    assert smallest["change"].to_numpy() == pytest.approx(smallest["true"], rel=0.02)
    by_name = smallest.groupby("surrogate")
    ratio = smallest["change"] / smallest["promised"]
    assert ratio[smallest["surrogate"] == "ReLU"].to_numpy() == pytest.approx(1, rel=0.02)
    assert (ratio[smallest["surrogate"] == "B-SiLU"] < 0.5).all()
    assert by_name["cosine"].mean()["ReLU"] == pytest.approx(1)


def test_the_tables_of_the_chapter_have_a_row_for_each_setting():
    names = {"B-SiLU": BSiLU(), "SiLU": nn.SiLU()}
    curves = surrogate_curves(names)
    assert list(curves["surrogate"].unique()) == list(names)
    gains = gains_by_temperature([SWISH], [0.1, 1.0], 2.0)
    assert gains["gain"].iloc[1] == pytest.approx(gradient_gain(nn.SiLU(), 2.0), rel=1e-8)
    below = slopes_below_zero(names, [1.0, 2.0])
    assert below["slope"].iloc[0] == pytest.approx(BSiLU().derivative(at([-1.0])).item())
