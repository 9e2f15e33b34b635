"""lambda-GELU in theory: what a tolerance asks for, and what hardening does to criticality.

phi_T(z) = T phi_1(z/T), so a network critical at the hardness lambda_0 and hardened to lambda at
fixed weights depends on lambda/lambda_0 alone, with kernels in units of 1/lambda_0^2: the tables
are of lambda_0 = 1.
"""

import math
from collections.abc import Sequence

import pandas
import torch
from torch import nn

from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.networks.initialisation import gaussian_init_
from smoothrelu.networks.layerwise import preactivations
from smoothrelu.networks.mlp import MLP
from smoothrelu.theory.critical import Criticality, criticality
from smoothrelu.theory.depth_scaling import chi_products
from smoothrelu.theory.hardness import (
    expected_slope,
    gate_distance,
    relu_distances,
    target_hardness,
)
from smoothrelu.theory.kernel_maps import chi_parallel, chi_perp, kernel_flow
from smoothrelu.theory.phases import phase_diagram
from smoothrelu.theory.quadrature import gaussian_mean

_INPUTS = 16  # over which a network's own kernel and gradient are averaged


def hardness_targets(tolerances: Sequence[float], *, K: float) -> pandas.DataFrame:
    """The hardness that each tolerance epsilon asks for, the distances there, the part of GELU's
    slope in the hardness that is left, expected_slope(lambda, K)/expected_slope(1, K), and change,
    `substitution_change` at K.
    """
    rows = []
    for epsilon in tolerances:
        hardness = target_hardness(epsilon)
        l1, sup = relu_distances(hardness)
        row = {"tolerance": epsilon, "hardness": hardness, "gate": gate_distance(hardness)}
        slope = expected_slope(hardness, K) / expected_slope(1.0, K)
        change = substitution_change(hardness, K)
        rows.append(row | {"l1": l1, "sup": sup, "slope": slope, "change": change})
    return pandas.DataFrame(rows)


def substitution_change(hardness: float, K: float) -> float:
    r"""What ReLU in the place of f changes of one layer's output, relative to it, root mean square:

        (<(f - ReLU)^2>_K / <ReLU^2>_K)^(1/2)  ->  0.22199 (lambda sqrt(K))^(-3/2),

    a function of lambda sqrt(K) alone. The law: for lambda sqrt(K) >> 1 the density is flat where f
    and ReLU differ, and int u^2 Phi(-|u|)^2 du = (4/3) ((2 pi)^(-1/2) - (5/8) pi^(-1/2)), by parts.
    Accuracy: relative 1e-9 for lambda sqrt(K) up to 1e4. Raises ValueError for lambda < 1.
    """
    relu_distances(hardness)  # raises where it is no hardness

    def square(x: torch.Tensor) -> torch.Tensor:
        return (x * torch.special.ndtr(-hardness * x.abs())).square()

    return math.sqrt(gaussian_mean(square, K, 1 / hardness).item() / (K / 2))


def hardened(factor: float) -> nn.Module:
    """GELU at the hardness `factor`; ReLU where it is infinite. Below 1 it is softened."""
    return nn.ReLU() if math.isinf(factor) else GELU(1 / factor)


def hardened_susceptibilities(factors: Sequence[float]) -> pandas.DataFrame:
    """With the critical (C_W, C_b) of GELU and its hardness multiplied by each factor: both
    susceptibilities at K*, chi_perp and chi_parallel, and where the flow from K* ends, end_perp,
    end_parallel and the kernel end in units of K*.
    """
    c, rows = criticality(GELU()), []
    for factor in factors:
        activation = hardened(factor)
        end = phase_diagram(activation, c.C_W, c.C_b, start=c.K_star)
        row = {"factor": factor, "chi_perp": chi_perp(activation, c.K_star, C_W=c.C_W)}
        row |= {"chi_parallel": chi_parallel(activation, c.K_star, C_W=c.C_W)}
        row |= {"end_perp": end.chi_perp.item(), "end_parallel": end.chi_parallel.item()}
        rows.append(row | {"end": end.K.item() / c.K_star})
    return pandas.DataFrame(rows)


def hardened_theory(factors: Sequence[float], *, depth: int) -> pandas.DataFrame:
    """Kernel and gradient over the layers of a wide network critical at hardness 1 and hardened by
    each factor at fixed weights, in units of what they were before, from an input that puts the
    first kernel at K*.

    A row for each (factor, layer): K_theory, the kernel over K*; gradient_theory, the product of
    chi_perp from this layer to the last, what the squared gradient has become there.
    """
    c, frames = criticality(GELU()), []
    for factor in factors:
        activation = hardened(factor)
        K = kernel_flow(activation, c.K_star, depth=depth, C_W=c.C_W, C_b=c.C_b)
        _, perp = chi_products(activation, K, C_W=c.C_W)
        columns = {"factor": factor, "layer": range(1, depth + 1), "K_theory": K / c.K_star}
        frames.append(pandas.DataFrame(columns | {"gradient_theory": perp[-1] / perp}))
    return pandas.concat(frames, ignore_index=True)


def hardened_flows(
    factors: Sequence[float], *, depth: int, width: int, seeds: Sequence[int]
) -> pandas.DataFrame:
    """`hardened_theory`, and K and gradient, the same ratios in networks of finite width, whose own
    fluctuations, being of the weights, mostly cancel in them: a row for each (factor, layer, seed).
    """
    c, frames = criticality(GELU()), []
    theory = hardened_theory(factors, depth=depth)
    for seed in seeds:
        net = _critical_network(c, depth, width, seed)
        before = _measured(net, GELU(), c)
        for factor in factors:
            K, gradient = _measured(net, hardened(factor), c) / before
            frame = theory[theory["factor"] == factor]
            frames.append(frame.assign(seed=seed, K=K.numpy(), gradient=gradient.numpy()))
    return pandas.concat(frames, ignore_index=True)


def _critical_network(c: Criticality, depth: int, width: int, seed: int) -> MLP:
    net = MLP(width, width, width=width, depth=depth, activation=GELU())
    return gaussian_init_(net, C_W=c.C_W, C_b=c.C_b, generator=torch.Generator().manual_seed(seed))


def _measured(net: MLP, activation: nn.Module, c: Criticality) -> torch.Tensor:
    """With the activation in the network, in every layer, the mean squares of the preactivations
    and of the derivatives by them of a random combination of the last layer's, over a few inputs:
    (2, depth).
    """
    net.activation = activation
    generator = torch.Generator().manual_seed(0)
    x, direction = torch.randn(2, _INPUTS, net.layers[0].in_features, generator=generator)
    x = x * math.sqrt((c.K_star - c.C_b) / c.C_W) / x.square().mean(1, keepdim=True).sqrt()
    z = preactivations(net, x)
    gradients = torch.autograd.grad(z[-1], z, direction)
    both = torch.stack([torch.stack(z).detach(), torch.stack(gradients)])
    return both.double().square().mean((2, 3))
