"""The theory as tidy pandas tables, columns named by the book's vocabulary: what the figures and
the chapters show.
"""

from smoothrelu.book.tables.criticality import critical_constants as critical_constants
from smoothrelu.book.tables.criticality import critical_fixed_points as critical_fixed_points
from smoothrelu.book.tables.criticality import critical_in_words as critical_in_words
from smoothrelu.book.tables.criticality import kernel_flows as kernel_flows
from smoothrelu.book.tables.criticality import published as published
from smoothrelu.book.tables.criticality import susceptibilities as susceptibilities
from smoothrelu.book.tables.definitions import activation_curves as activation_curves
from smoothrelu.book.tables.definitions import relu_distances as relu_distances
from smoothrelu.book.tables.finite_width import exit_layers as exit_layers
from smoothrelu.book.tables.finite_width import kernel_ensembles as kernel_ensembles
from smoothrelu.book.tables.finite_width import kernel_paths as kernel_paths
from smoothrelu.book.tables.finite_width import long_run as long_run
from smoothrelu.book.tables.finite_width import sampled_exit_layers as sampled_exit_layers
from smoothrelu.book.tables.finite_width import (
    sampled_temperature_slopes as sampled_temperature_slopes,
)
from smoothrelu.book.tables.finite_width import temperature_slopes as temperature_slopes
from smoothrelu.book.tables.finite_width_fits import compared as compared
from smoothrelu.book.tables.finite_width_fits import fitted_shifts as fitted_shifts
from smoothrelu.book.tables.finite_width_fits import fitted_slopes as fitted_slopes
from smoothrelu.book.tables.finite_width_fits import predictions as predictions
from smoothrelu.book.tables.flows import corner_flows as corner_flows
from smoothrelu.book.tables.flows import critical_rates as critical_rates
from smoothrelu.book.tables.flows import initialisations as initialisations
from smoothrelu.book.tables.flows import matching_temperatures as matching_temperatures
from smoothrelu.book.tables.flows import network_flows as network_flows
from smoothrelu.book.tables.flows import phase_boundaries as phase_boundaries
from smoothrelu.book.tables.flows import phases as phases
from smoothrelu.book.tables.flows import slow_flows as slow_flows
from smoothrelu.book.tables.hardening import hardened_flows as hardened_flows
from smoothrelu.book.tables.hardening import hardened_susceptibilities as hardened_susceptibilities
from smoothrelu.book.tables.hardening import hardened_theory as hardened_theory
from smoothrelu.book.tables.hardening import hardness_targets as hardness_targets
from smoothrelu.book.tables.hardening import substitution_change as substitution_change
from smoothrelu.book.tables.infinite_width import equal_norms as equal_norms
from smoothrelu.book.tables.infinite_width import kernels_by_angle as kernels_by_angle
from smoothrelu.book.tables.infinite_width import ntk_of_real_networks as ntk_of_real_networks
from smoothrelu.book.tables.infinite_width import quadrature_difference as quadrature_difference
from smoothrelu.book.tables.kernel_depth import collapse_rate as collapse_rate
from smoothrelu.book.tables.kernel_depth import conditioning as conditioning
from smoothrelu.book.tables.kernel_depth import conditioning_at_K_star as conditioning_at_K_star
from smoothrelu.book.tables.kernel_depth import quadrature_conditioning as quadrature_conditioning
from smoothrelu.book.tables.kernel_spectra import circle_spectra as circle_spectra
from smoothrelu.book.tables.kernel_spectra import decay_rates as decay_rates
from smoothrelu.book.tables.kernel_spectra import near_duplicates as near_duplicates
from smoothrelu.book.tables.kernel_spectra import smallest_angle as smallest_angle
from smoothrelu.book.tables.random_networks import (
    closed_susceptibilities as closed_susceptibilities,
)
from smoothrelu.book.tables.random_networks import errors_off as errors_off
from smoothrelu.book.tables.random_networks import measured_flows as measured_flows
from smoothrelu.book.tables.random_networks import measured_phases as measured_phases
from smoothrelu.book.tables.random_networks import (
    measured_susceptibilities as measured_susceptibilities,
)
from smoothrelu.book.tables.relu_limit import corner_constants as corner_constants
from smoothrelu.book.tables.relu_limit import limit_angles as limit_angles
from smoothrelu.book.tables.relu_limit import limit_drift as limit_drift
from smoothrelu.book.tables.relu_limit import limit_errors as limit_errors
from smoothrelu.book.tables.relu_limit import limit_exponent_page as limit_exponent_page
from smoothrelu.book.tables.relu_limit import limit_exponents as limit_exponents
from smoothrelu.book.tables.relu_limit import limit_kernels as limit_kernels
from smoothrelu.book.tables.relu_limit import limit_networks as limit_networks
from smoothrelu.book.tables.sugar import backward_flow as backward_flow
from smoothrelu.book.tables.sugar import descent as descent
from smoothrelu.book.tables.sugar import gains_by_temperature as gains_by_temperature
from smoothrelu.book.tables.sugar import slopes_below_zero as slopes_below_zero
from smoothrelu.book.tables.sugar import surrogate_curves as surrogate_curves
