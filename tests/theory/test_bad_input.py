"""Whatever is no activation, no kernel, no variance and no angle is refused, with the value."""

import math

import pytest
import torch

from smoothrelu import (
    SWISH,
    chi_parallel,
    chi_perp,
    criticality,
    gaussian_pair_mean,
    infinite_width_kernels,
    kernel_map,
)
from smoothrelu.theory.correlation import angle_flow
from smoothrelu.theory.depth_scaling import edge_of_chaos
from smoothrelu.theory.finite_width import kernel_curvature, kernel_noise
from smoothrelu.theory.kernel_fixed_points import fixed_points
from smoothrelu.theory.kernel_maps import kernel_flow
from smoothrelu.theory.phases import phase_diagram

X = torch.eye(3, dtype=torch.float64)
BY_KERNEL = {
    "kernel_map": lambda phi, K: kernel_map(phi, K, C_W=2.0, C_b=0.1),
    "chi_parallel": lambda phi, K: chi_parallel(phi, K, C_W=2.0),
    "chi_perp": lambda phi, K: chi_perp(phi, K, C_W=2.0),
    "kernel_flow": lambda phi, K: kernel_flow(phi, K, depth=3, C_W=2.0, C_b=0.1),
    "edge_of_chaos": edge_of_chaos,
    "angle_flow": lambda phi, K: angle_flow(phi, K, 1.0, depth=3, C_W=2.0, C_b=0.1),
    "phase_diagram": lambda phi, K: phase_diagram(phi, 2.0, 0.1, start=K),
    "kernel_noise": lambda phi, K: kernel_noise(phi, K, C_W=2.0),
    "kernel_curvature": lambda phi, K: kernel_curvature(phi, K, C_W=2.0),
}
SOLVERS = {
    "criticality": lambda phi, _: criticality(phi),
    "fixed_points": lambda phi, _: fixed_points(phi, C_W=1.5, C_b=0.1),
    "infinite_width": lambda phi, _: infinite_width_kernels(
        X, activation=phi, depth=3, C_W=2.0, C_b=0.1
    ),
}
OTHER = "an activation maps a tensor to one of the same shape and dtype; .* made"
NO_ACTIVATIONS = {
    "softmax": (lambda z: torch.softmax(z, -1), "is not elementwise: at z = .* in one tensor and"),
    "nan": (lambda z: torch.where(z > 1, math.nan, z), "gives nan, with derivative .*, at z = "),
    "single precision": (
        lambda z: torch.relu(z).float(),
        OTHER,
    ),
    "shorter": (
        lambda z: z[:-1],
        OTHER,
    ),
    "a number": (
        lambda z: 3.0,
        OTHER,
    ),
    "detached": (lambda z: z.detach(), "cannot be differentiated"),
}


@pytest.mark.parametrize("kind", NO_ACTIVATIONS)
@pytest.mark.parametrize("name", [*BY_KERNEL, *SOLVERS])
def test_what_is_no_activation_is_refused_by_every_function_of_the_theory(name, kind):
    activation, message = NO_ACTIVATIONS[kind]
    with pytest.raises(ValueError, match=message):
        (BY_KERNEL | SOLVERS)[name](activation, 1.0)


@pytest.mark.parametrize("K", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", BY_KERNEL)
def test_a_kernel_that_is_no_positive_number_is_refused_with_its_value(name, K):
    with pytest.raises(ValueError, match=f"positive.*{K}"):
        BY_KERNEL[name](SWISH(), K)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_a_variance_that_is_none_is_refused_with_its_value(bad):
    for C_W, C_b, name in ((bad, 0.1, "C_W"), (2.0, bad, "C_b")):
        for refused in (
            lambda C_W=C_W, C_b=C_b: kernel_map(SWISH(), 1.0, C_W=C_W, C_b=C_b),
            lambda C_W=C_W, C_b=C_b: kernel_flow(SWISH(), 1.0, depth=3, C_W=C_W, C_b=C_b),
            lambda C_W=C_W, C_b=C_b: fixed_points(SWISH(), C_W=C_W, C_b=C_b),
            lambda C_W=C_W, C_b=C_b: phase_diagram(SWISH(), C_W, C_b, start=1.0),
        ):
            with pytest.raises(ValueError, match=f"{name} is a variance.*{bad}"):
                refused()


@pytest.mark.parametrize("angle", [-0.1, 4.0, math.nan])
def test_an_angle_that_no_correlation_has_is_refused_with_its_value(angle):
    with pytest.raises(ValueError, match=r"lies in \[0, pi\]"):
        angle_flow(SWISH(), 1.0, angle, depth=3, C_W=2.0, C_b=0.1)
    with pytest.raises(ValueError, match="arc cosine of a correlation"):
        gaussian_pair_mean(SWISH(), 1.0, 1.0, angle)
