"""Wide networks at initialisation: what width n -> infinity, and 1/n, say about signals.

Any elementwise function is taken (`elementwise`), with variances (C_W, C_b) (`variances`); all
integrals are `quadrature`'s. One input: `kernel_maps`, `critical`, `kernel_fixed_points`, `phases`
and, over depth, `depth_scaling`. Two inputs: `correlation`, `infinite_width` and `spectra`. Finite
width: `finite_width`, `exit_times`. The limit T -> 0: `relu_limit`, `relu_limit_networks`. SUGAR's
backward pass: `sugar_gradient`. The rest, `chebyshev` and `root_finding`, serves these. Source
throughout: Roberts, Yaida & Hanin, The Principles of Deep Learning Theory (PDLT), 2022.
"""

from smoothrelu.theory.correlation import angle_flow as angle_flow
from smoothrelu.theory.critical import Criticality as Criticality
from smoothrelu.theory.critical import NoCriticality as NoCriticality
from smoothrelu.theory.critical import critical_layers as critical_layers
from smoothrelu.theory.critical import critical_points as critical_points
from smoothrelu.theory.critical import criticality as criticality
from smoothrelu.theory.depth_scaling import Rates as Rates
from smoothrelu.theory.depth_scaling import approach_length as approach_length
from smoothrelu.theory.depth_scaling import chi_products as chi_products
from smoothrelu.theory.depth_scaling import crossover_depth as crossover_depth
from smoothrelu.theory.depth_scaling import curvature as curvature
from smoothrelu.theory.depth_scaling import edge_of_chaos as edge_of_chaos
from smoothrelu.theory.depth_scaling import rates as rates
from smoothrelu.theory.elementwise import Activation as Activation
from smoothrelu.theory.elementwise import Elementwise as Elementwise
from smoothrelu.theory.exit_times import mean_exit_layers as mean_exit_layers
from smoothrelu.theory.exit_times import sample_exit_layers as sample_exit_layers
from smoothrelu.theory.finite_width import LeadingOrder as LeadingOrder
from smoothrelu.theory.finite_width import ensemble_statistics as ensemble_statistics
from smoothrelu.theory.finite_width import kernel_curvature as kernel_curvature
from smoothrelu.theory.finite_width import kernel_noise as kernel_noise
from smoothrelu.theory.finite_width import leading_order as leading_order
from smoothrelu.theory.finite_width import paired_with_relu as paired_with_relu
from smoothrelu.theory.finite_width import sample_kernels as sample_kernels
from smoothrelu.theory.hardness import expected_slope as expected_slope
from smoothrelu.theory.hardness import gate_distance as gate_distance
from smoothrelu.theory.hardness import relu_distances as relu_distances
from smoothrelu.theory.hardness import target_hardness as target_hardness
from smoothrelu.theory.infinite_width import closed_form_kernels as closed_form_kernels
from smoothrelu.theory.infinite_width import gelu_moments as gelu_moments
from smoothrelu.theory.infinite_width import infinite_width_kernels as infinite_width_kernels
from smoothrelu.theory.infinite_width import relu_moments as relu_moments
from smoothrelu.theory.kernel_fixed_points import FixedPoint as FixedPoint
from smoothrelu.theory.kernel_fixed_points import attractor_of as attractor_of
from smoothrelu.theory.kernel_fixed_points import destination as destination
from smoothrelu.theory.kernel_fixed_points import fixed_points as fixed_points
from smoothrelu.theory.kernel_maps import chi_parallel as chi_parallel
from smoothrelu.theory.kernel_maps import chi_perp as chi_perp
from smoothrelu.theory.kernel_maps import kernel_flow as kernel_flow
from smoothrelu.theory.kernel_maps import kernel_map as kernel_map
from smoothrelu.theory.phases import PhaseDiagram as PhaseDiagram
from smoothrelu.theory.phases import phase_diagram as phase_diagram
from smoothrelu.theory.quadrature import gaussian_mean as gaussian_mean
from smoothrelu.theory.quadrature import gaussian_pair_mean as gaussian_pair_mean
from smoothrelu.theory.quadrature import gaussian_rule as gaussian_rule
from smoothrelu.theory.relu_limit import Corner as Corner
from smoothrelu.theory.relu_limit import Law as Law
from smoothrelu.theory.relu_limit import corner as corner
from smoothrelu.theory.relu_limit import fit_exponent as fit_exponent
from smoothrelu.theory.relu_limit import uniform_distance as uniform_distance
from smoothrelu.theory.root_finding import NotConverged as NotConverged
from smoothrelu.theory.spectra import circle_spectrum as circle_spectrum
from smoothrelu.theory.spectra import condition_number as condition_number
from smoothrelu.theory.spectra import effective_rank as effective_rank
from smoothrelu.theory.spectra import kernel_eigenvalues as kernel_eigenvalues
from smoothrelu.theory.sugar_gradient import balanced_variances as balanced_variances
from smoothrelu.theory.sugar_gradient import gradient_cosine as gradient_cosine
from smoothrelu.theory.sugar_gradient import gradient_gain as gradient_gain
from smoothrelu.theory.sugar_gradient import minimum_of as minimum_of
from smoothrelu.theory.sugar_gradient import unit_gain_temperature as unit_gain_temperature
from smoothrelu.theory.variances import HE as HE
from smoothrelu.theory.variances import Variances as Variances
