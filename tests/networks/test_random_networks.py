"""Real random networks at many settings: what they are made of, and what they should show."""

import numpy as np
import pandas
import pytest
import torch
from torch import nn

from smoothrelu import SMOOTH_RELUS, SWISH, kernel_flow
from smoothrelu.book import tables
from smoothrelu.networks.random_networks import (
    InitialisedNetwork,
    critically_initialised,
    mean_and_error,
    random_flows,
    sampled_flows,
)
from smoothrelu.theory.depth_scaling import chi_products


def test_the_sensitivity_is_that_of_autograd_through_the_same_network():
    width, K, C_W, C_b = 30, 2.0, 1.9, 0.2
    net = InitialisedNetwork("SWISH", SWISH(), C_W, C_b, K)
    generator = torch.Generator().manual_seed(0)
    kernel, sensitivity = random_flows([net], width=width, depth=2, generators=[generator])
    generator.manual_seed(0)
    z = K**0.5 * torch.randn(width, 1, generator=generator)
    changes = torch.randn(width, 1, 4, generator=generator)[:, 0]
    weight = torch.empty(width, width).normal_(generator=generator) * (C_W / width) ** 0.5
    bias = C_b**0.5 * torch.randn(width, 1, generator=generator)

    def layer(z):
        return weight @ (z * torch.sigmoid(z)) + bias

    jacobian = torch.autograd.functional.jacobian(lambda v: layer(v[:, None])[:, 0], z[:, 0])
    expected = (jacobian @ changes).square().mean() / changes.square().mean()
    assert kernel[0, 0, 1].item() == pytest.approx(layer(z).square().mean().item(), rel=1e-5)
    assert sensitivity[0, 0, 1].item() == pytest.approx(expected.item(), rel=1e-5)


def test_wide_networks_follow_the_kernel_flow_and_the_product_of_chi_perp():
    nets = [critically_initialised(kind()) for kind in (nn.ReLU, *SMOOTH_RELUS)]
    nets += [InitialisedNetwork("SWISH", SWISH(), 2.0, 0.0, 1.0)]
    mean, error = mean_and_error(sampled_flows(nets, width=1000, depth=8, seeds=range(10)))
    for i, net in enumerate(nets):
        flow = kernel_flow(net.activation, net.K, depth=8, C_W=net.C_W, C_b=net.C_b)
        theory = torch.stack([flow, chi_products(net.activation, flow, C_W=net.C_W)[1]])
        off = (mean[:, i] - theory).abs() - 0.01 * theory  # of order depth/width
        assert (off <= 4 * error[:, i]).all(), net
        assert (error[:, i] < 0.1 * theory).all()


def test_the_same_seed_gives_the_same_networks_and_another_gives_others():
    def flows(seed):
        generator = torch.Generator().manual_seed(seed)
        net = critically_initialised(SWISH())
        return random_flows([net], width=20, depth=3, generators=[generator])[0]

    assert torch.equal(flows(0), flows(0)) and not torch.equal(flows(0), flows(1))


def test_the_closed_form_of_gelu_gives_the_susceptibilities_of_the_quadrature():
    K = np.logspace(-3, 4, 8)
    exact = tables.closed_susceptibilities(K)
    table = tables.susceptibilities(SMOOTH_RELUS[1:2], K)
    for column in ("chi_parallel", "chi_perp"):
        assert np.abs(exact[column] - table[column]).max() < 1e-12


def test_networks_on_either_side_of_the_edge_of_chaos_part_and_merge_inputs():
    table = tables.measured_phases(
        (SWISH,), [(1.8, 1.5), (1.99, 1.5)], depth=20, width=600, seeds=range(12)
    )
    ordered, chaotic = table.itertuples()
    assert ordered.log_chi < -4 * ordered.log_chi_error
    for row in (ordered, chaotic):
        assert abs(row.log_chi - row.log_chi_theory) < 4 * row.log_chi_error
        assert row.K_theory == pytest.approx(1, abs=1e-9)
        assert abs(row.K - 1) < 4 * row.K_error + 0.05
    assert chaotic.log_chi_theory > 0 > ordered.log_chi_theory


def test_the_worst_row_is_reported_in_standard_errors_and_a_row_without_theory_is_refused():
    theory = pandas.DataFrame({"activation": ["A", "B"], "K": [1.0, 2.0]})
    measured = pandas.DataFrame({"activation": ["B", "A"], "K": [2.5, 1.1], "K_error": [0.1, 0.2]})
    off = tables.errors_off(measured, theory, ["K"], beyond=0.05)
    assert off["K"] == pytest.approx((0.5 - 0.05 * 2) / 0.1)
    with pytest.raises(ValueError, match="1 rows of .* have no theory beside them"):
        tables.errors_off(measured, theory[:1], ["K"], beyond=0.05)
