"""Wide networks at initialisation: what width n -> infinity, and 1/n, say about signals.

Any elementwise function is taken (`elementwise`), with variances (C_W, C_b) (`variances`); all
integrals are `quadrature`'s. One input: `kernel_maps`, `critical`, `kernel_fixed_points`, `phases`
and, over depth, `depth_scaling`. Two inputs: `correlation`, `infinite_width` and `spectra`. Finite
width: `finite_width`, `exit_times`. The limit T -> 0: `relu_limit`, `relu_limit_networks`. SUGAR's
backward pass: `sugar_gradient`. The rest, `chebyshev` and `root_finding`, serves these. Source
throughout: Roberts, Yaida & Hanin, The Principles of Deep Learning Theory (PDLT), 2022.
"""

from smoothrelu.theory.correlation import angle_flow
from smoothrelu.theory.critical import (
    Criticality,
    NoCriticality,
    critical_layers,
    critical_points,
    criticality,
)
from smoothrelu.theory.depth_scaling import (
    Rates,
    approach_length,
    chi_products,
    crossover_depth,
    curvature,
    edge_of_chaos,
    rates,
)
from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.exit_times import mean_exit_layers, sample_exit_layers
from smoothrelu.theory.finite_width import (
    LeadingOrder,
    ensemble_statistics,
    kernel_curvature,
    kernel_noise,
    leading_order,
    paired_with_relu,
    sample_kernels,
)
from smoothrelu.theory.infinite_width import (
    closed_form_kernels,
    gelu_moments,
    infinite_width_kernels,
    relu_moments,
)
from smoothrelu.theory.kernel_fixed_points import (
    FixedPoint,
    attractor_of,
    destination,
    fixed_points,
)
from smoothrelu.theory.kernel_maps import chi_parallel, chi_perp, kernel_flow, kernel_map
from smoothrelu.theory.phases import PhaseDiagram, phase_diagram
from smoothrelu.theory.quadrature import gaussian_mean, gaussian_pair_mean, gaussian_rule
from smoothrelu.theory.relu_limit import Corner, Law, corner, fit_exponent, uniform_distance
from smoothrelu.theory.root_finding import NotConverged
from smoothrelu.theory.spectra import (
    circle_spectrum,
    condition_number,
    effective_rank,
    kernel_eigenvalues,
)
from smoothrelu.theory.sugar_gradient import (
    balanced_variances,
    gradient_cosine,
    gradient_gain,
    minimum_of,
    unit_gain_temperature,
)
from smoothrelu.theory.variances import HE, Variances

__all__ = [
    "Activation",
    "Corner",
    "Criticality",
    "Elementwise",
    "FixedPoint",
    "HE",
    "Law",
    "LeadingOrder",
    "NoCriticality",
    "NotConverged",
    "PhaseDiagram",
    "Rates",
    "Variances",
    "angle_flow",
    "approach_length",
    "attractor_of",
    "balanced_variances",
    "chi_parallel",
    "chi_perp",
    "chi_products",
    "circle_spectrum",
    "closed_form_kernels",
    "condition_number",
    "corner",
    "critical_layers",
    "critical_points",
    "criticality",
    "crossover_depth",
    "curvature",
    "destination",
    "edge_of_chaos",
    "effective_rank",
    "ensemble_statistics",
    "fit_exponent",
    "fixed_points",
    "gaussian_mean",
    "gaussian_pair_mean",
    "gaussian_rule",
    "gelu_moments",
    "gradient_cosine",
    "gradient_gain",
    "infinite_width_kernels",
    "kernel_curvature",
    "kernel_eigenvalues",
    "kernel_flow",
    "kernel_map",
    "kernel_noise",
    "leading_order",
    "mean_exit_layers",
    "minimum_of",
    "paired_with_relu",
    "phase_diagram",
    "rates",
    "relu_moments",
    "sample_exit_layers",
    "sample_kernels",
    "uniform_distance",
    "unit_gain_temperature",
]
