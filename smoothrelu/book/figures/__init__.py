"""One function per figure: a tidy table in, a matplotlib Figure out. No torch, no files."""

from smoothrelu.book.figures.criticality import flow_over_depth as flow_over_depth
from smoothrelu.book.figures.criticality import (
    kernel_against_temperature as kernel_against_temperature,
)
from smoothrelu.book.figures.criticality import susceptibilities as susceptibilities
from smoothrelu.book.figures.definitions import distance_to_relu as distance_to_relu
from smoothrelu.book.figures.definitions import gates_and_activations as gates_and_activations
from smoothrelu.book.figures.definitions import temperature_family as temperature_family
from smoothrelu.book.figures.dial import at_temperature as at_temperature
from smoothrelu.book.figures.finite_width import (
    fluctuation_against_temperature as fluctuation_against_temperature,
)
from smoothrelu.book.figures.finite_width import layers_until_exit as layers_until_exit
from smoothrelu.book.figures.finite_width import (
    mean_against_inverse_width as mean_against_inverse_width,
)
from smoothrelu.book.figures.finite_width import paths_of_kernels as paths_of_kernels
from smoothrelu.book.figures.finite_width import (
    variance_against_depth_over_width as variance_against_depth_over_width,
)
from smoothrelu.book.figures.flows import corner_crossover as corner_crossover
from smoothrelu.book.figures.flows import networks_beside_theory as networks_beside_theory
from smoothrelu.book.figures.flows import phase_diagrams as phase_diagrams
from smoothrelu.book.figures.flows import slow_flows as slow_flows
from smoothrelu.book.figures.infinite_width import circle_spectra as circle_spectra
from smoothrelu.book.figures.infinite_width import conditioning as conditioning
from smoothrelu.book.figures.infinite_width import kernels_by_angle as kernels_by_angle
from smoothrelu.book.figures.infinite_width import near_duplicates as near_duplicates
from smoothrelu.book.figures.infinite_width import ntk_of_real_networks as ntk_of_real_networks
from smoothrelu.book.figures.infinite_width import spectral_crossover as spectral_crossover
from smoothrelu.book.figures.lambda_gelu import drift_map as drift_map
from smoothrelu.book.figures.lambda_gelu import (
    hardening_and_criticality as hardening_and_criticality,
)
from smoothrelu.book.figures.lambda_gelu import hardness_paths as hardness_paths
from smoothrelu.book.figures.lambda_gelu import hardness_profiles as hardness_profiles
from smoothrelu.book.figures.lambda_gelu import substitution_drops as substitution_drops
from smoothrelu.book.figures.ntk import collapse as collapse
from smoothrelu.book.figures.ntk import kernel_speed as kernel_speed
from smoothrelu.book.figures.ntk import path_laws as path_laws
from smoothrelu.book.figures.ntk import travel_by_width as travel_by_width
from smoothrelu.book.figures.performance import growth as growth
from smoothrelu.book.figures.performance import ratios as ratios
from smoothrelu.book.figures.relu_limit import drift_over_depth as drift_over_depth
from smoothrelu.book.figures.relu_limit import error_against_angle as error_against_angle
from smoothrelu.book.figures.relu_limit import (
    errors_against_temperature as errors_against_temperature,
)
from smoothrelu.book.figures.relu_limit import network_differences as network_differences
from smoothrelu.book.figures.sugar import gain_against_temperature as gain_against_temperature
from smoothrelu.book.figures.sugar import gradient_going_back as gradient_going_back
from smoothrelu.book.figures.sugar import small_steps as small_steps
from smoothrelu.book.figures.sugar import surrogates_and_slopes as surrogates_and_slopes
from smoothrelu.book.figures.sugar_training import accuracy_by_surrogate as accuracy_by_surrogate
from smoothrelu.book.figures.sugar_training import against_temperature as against_temperature
from smoothrelu.book.figures.sugar_training import deaths as deaths
from smoothrelu.book.figures.sugar_training import firing as firing
from smoothrelu.book.figures.sugar_training import loss_surfaces as loss_surfaces
from smoothrelu.book.figures.sugar_training import revived_by_slope as revived_by_slope
from smoothrelu.book.figures.training import gain_against as gain_against
from smoothrelu.book.figures.training import gain_by_width as gain_by_width
from smoothrelu.book.figures.training import gain_map as gain_map
from smoothrelu.book.figures.training import learning as learning
from smoothrelu.book.figures.training import loss_by_learning_rate as loss_by_learning_rate
from smoothrelu.book.figures.training import loss_curves as loss_curves
