"""What hardening at fixed weights does to a critical network: its limits, its scaling, and real
networks.
"""

from math import inf

import numpy as np
import pytest
import torch
from torch import nn

from smoothrelu import GELU, chi_parallel, chi_perp, criticality, kernel_flow
from smoothrelu.book.tables import (
    hardened_flows,
    hardened_susceptibilities,
    hardened_theory,
    hardness_targets,
    substitution_change,
)
from smoothrelu.theory.hardness import target_hardness

CRITICAL = criticality(GELU())


def test_unhardened_the_network_is_critical_and_stays_where_it_is():
    row = hardened_susceptibilities([1.0]).iloc[0]
    assert row.drop("factor").to_numpy() == pytest.approx(np.ones(5), abs=1e-7)
    theory = hardened_theory([1.0], depth=50)
    assert theory[["K_theory", "gradient_theory"]].to_numpy() == pytest.approx(1, abs=1e-8)


def test_hardened_into_relu_both_susceptibilities_are_half_of_C_W():
    """K' = C_b + (C_W/2) K, so the flow is known in closed form."""
    half = CRITICAL.C_W / 2
    end = CRITICAL.C_b / (1 - half) / CRITICAL.K_star
    row = hardened_susceptibilities([inf]).iloc[0]
    chis = row[["chi_perp", "chi_parallel", "end_perp", "end_parallel"]].to_numpy()
    assert chis == pytest.approx(half, rel=1e-10) and row["end"] == pytest.approx(end, rel=1e-8)
    theory = hardened_theory([inf], depth=30)
    assert theory["K_theory"].to_numpy() == pytest.approx(end + (1 - end) * half ** np.arange(30))
    assert theory["gradient_theory"].to_numpy() == pytest.approx(half ** np.arange(29, -1, -1.0))


def test_a_very_hard_gelu_is_on_its_way_to_relu_and_a_soft_one_is_not():
    rows = hardened_susceptibilities([0.8, 2.0, 1e4, inf]).set_index("factor")
    assert rows.loc[1e4].to_numpy() == pytest.approx(rows.loc[inf].to_numpy(), abs=1e-3)
    assert rows.loc[2.0, "chi_perp"] > 1 > rows.loc[2.0, "chi_parallel"]
    assert rows.loc[0.8, "end_perp"] < 0.8


@pytest.mark.parametrize("hardness", [1.7, 6.0])
def test_only_the_ratio_of_the_two_hardnesses_matters(hardness):
    at = criticality(GELU(1 / hardness))
    K = kernel_flow(GELU(1 / (3 * hardness)), at.K_star, depth=20, C_W=at.C_W, C_b=at.C_b)
    theory = hardened_theory([3.0], depth=20)["K_theory"].to_numpy()
    assert (K / at.K_star).numpy() == pytest.approx(theory, rel=1e-9)
    row = hardened_susceptibilities([3.0]).iloc[0]
    for chi, name in ((chi_perp, "chi_perp"), (chi_parallel, "chi_parallel")):
        value = chi(GELU(1 / (3 * hardness)), at.K_star, C_W=at.C_W)
        assert value == pytest.approx(row[name], rel=1e-9)


def test_wide_networks_follow_the_theory_within_their_own_scatter():
    flows = hardened_flows([2.0, inf], depth=8, width=400, seeds=range(6))
    last, first = (flows[flows["layer"] == layer].groupby("factor") for layer in (8, 1))
    for group, name in ((last, "K"), (first, "gradient")):
        off = group[name].mean() - group[f"{name}_theory"].first()
        assert (off.abs() < 4 * group[name].sem() + 0.01).all()
        assert (group[f"{name}_theory"].first() - 1).abs().min() > 0.02  # there is something to see


def test_measured_ratios_are_to_the_same_network_unhardened():
    flows = hardened_flows([1.0, 4.0], depth=5, width=30, seeds=[7, 8])
    same, harder = flows[flows["factor"] == 1.0], flows[flows["factor"] == 4.0]
    assert (same[["K", "gradient"]] == 1).to_numpy().all()
    assert (harder.loc[harder["layer"] == 1, "K"] == 1).all()
    assert (harder.loc[harder["layer"] == 5, "gradient"] == 1).all()
    assert harder.loc[harder["layer"] == 5, "K"].nunique() == 2


def test_a_tolerance_asks_for_the_hardness_whose_gate_is_that_near():
    targets = hardness_targets([0.1, 0.01], K=1.0)
    assert targets["hardness"].tolist() == [target_hardness(0.1), target_hardness(0.01)]
    assert targets["gate"].to_numpy() == pytest.approx(targets["tolerance"].to_numpy())
    x = torch.linspace(-3, 3, 600_001, dtype=torch.float64)
    off = (GELU(1 / targets["hardness"][0])(x) - nn.ReLU()(x)).abs()
    assert off.max().item() == pytest.approx(targets["sup"][0], rel=1e-6)
    assert torch.trapezoid(off, x).item() == pytest.approx(targets["l1"][0], rel=1e-6)
    assert 1 > targets["slope"][0] > 500 * targets["slope"][1]


def test_the_change_by_the_substitution_depends_on_lambda_root_K_and_ends_in_its_law():
    for hardness, K in ((1.0, 9.0), (3.0, 1.0), (30.0, 0.01)):
        assert substitution_change(hardness, K) == pytest.approx(substitution_change(3.0, 1.0))
    z = torch.randn(10**6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    off, relu = GELU(1 / 3)(z) - z.relu(), z.relu()
    sampled = (off.square().mean() / relu.square().mean()).sqrt().item()
    assert substitution_change(3.0, 1.0) == pytest.approx(sampled, rel=0.01)
    area = 4 / 3 * ((2 * np.pi) ** -0.5 - 5 / 8 * np.pi**-0.5)
    constant = (2 * area / (2 * np.pi) ** 0.5) ** 0.5
    assert constant == pytest.approx(0.22199, abs=1e-5)
    assert substitution_change(1e4, 1.0) * 1e6 == pytest.approx(constant, rel=1e-6)
    with pytest.raises(ValueError, match="hardness must be a finite number >= 1"):
        substitution_change(0.5, 1.0)
