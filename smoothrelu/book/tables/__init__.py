"""The theory as tidy pandas tables, columns named by the book's vocabulary: what the figures and
the chapters show.
"""

from smoothrelu.book.tables.criticality import (
    critical_constants,
    critical_fixed_points,
    critical_in_words,
    kernel_flows,
    published,
    susceptibilities,
)
from smoothrelu.book.tables.definitions import activation_curves, relu_distances
from smoothrelu.book.tables.finite_width import (
    exit_layers,
    kernel_ensembles,
    kernel_paths,
    long_run,
    sampled_exit_layers,
    sampled_temperature_slopes,
    temperature_slopes,
)
from smoothrelu.book.tables.finite_width_fits import (
    compared,
    fitted_shifts,
    fitted_slopes,
    predictions,
)
from smoothrelu.book.tables.flows import (
    corner_flows,
    critical_rates,
    initialisations,
    matching_temperatures,
    network_flows,
    phase_boundaries,
    phases,
    slow_flows,
)
from smoothrelu.book.tables.hardening import (
    hardened_flows,
    hardened_susceptibilities,
    hardened_theory,
    hardness_targets,
    substitution_change,
)
from smoothrelu.book.tables.infinite_width import (
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
from smoothrelu.book.tables.kernel_spectra import (
    circle_spectra,
    decay_rates,
    near_duplicates,
    smallest_angle,
)
from smoothrelu.book.tables.random_networks import (
    closed_susceptibilities,
    errors_off,
    measured_flows,
    measured_phases,
    measured_susceptibilities,
)
from smoothrelu.book.tables.relu_limit import (
    corner_constants,
    limit_angles,
    limit_drift,
    limit_errors,
    limit_exponent_page,
    limit_exponents,
    limit_kernels,
    limit_networks,
)
from smoothrelu.book.tables.sugar import (
    backward_flow,
    descent,
    gains_by_temperature,
    slopes_below_zero,
    surrogate_curves,
)

__all__ = [
    "activation_curves",
    "backward_flow",
    "circle_spectra",
    "closed_susceptibilities",
    "collapse_rate",
    "compared",
    "conditioning",
    "conditioning_at_K_star",
    "corner_constants",
    "corner_flows",
    "critical_constants",
    "critical_fixed_points",
    "critical_in_words",
    "critical_rates",
    "decay_rates",
    "descent",
    "equal_norms",
    "errors_off",
    "exit_layers",
    "fitted_shifts",
    "fitted_slopes",
    "gains_by_temperature",
    "hardened_flows",
    "hardened_susceptibilities",
    "hardened_theory",
    "hardness_targets",
    "initialisations",
    "kernel_ensembles",
    "kernel_flows",
    "kernel_paths",
    "kernels_by_angle",
    "limit_angles",
    "limit_drift",
    "limit_errors",
    "limit_exponent_page",
    "limit_exponents",
    "limit_kernels",
    "limit_networks",
    "long_run",
    "matching_temperatures",
    "measured_flows",
    "measured_phases",
    "measured_susceptibilities",
    "near_duplicates",
    "network_flows",
    "ntk_of_real_networks",
    "phase_boundaries",
    "phases",
    "predictions",
    "published",
    "quadrature_conditioning",
    "quadrature_difference",
    "relu_distances",
    "sampled_exit_layers",
    "sampled_temperature_slopes",
    "slopes_below_zero",
    "slow_flows",
    "smallest_angle",
    "substitution_change",
    "surrogate_curves",
    "susceptibilities",
    "temperature_slopes",
]
