"""One function per figure: a tidy table in, a matplotlib Figure out. No torch, no files."""

from smoothrelu.book.figures.criticality import (
    flow_over_depth,
    kernel_against_temperature,
    susceptibilities,
)
from smoothrelu.book.figures.definitions import (
    distance_to_relu,
    gates_and_activations,
    temperature_family,
)
from smoothrelu.book.figures.dial import at_temperature
from smoothrelu.book.figures.finite_width import (
    fluctuation_against_temperature,
    layers_until_exit,
    mean_against_inverse_width,
    paths_of_kernels,
    variance_against_depth_over_width,
)
from smoothrelu.book.figures.flows import (
    corner_crossover,
    networks_beside_theory,
    phase_diagrams,
    slow_flows,
)
from smoothrelu.book.figures.infinite_width import (
    circle_spectra,
    conditioning,
    kernels_by_angle,
    near_duplicates,
    ntk_of_real_networks,
    spectral_crossover,
)
from smoothrelu.book.figures.lambda_gelu import (
    drift_map,
    hardening_and_criticality,
    hardness_paths,
    hardness_profiles,
    substitution_drops,
)
from smoothrelu.book.figures.ntk import collapse, kernel_speed, path_laws, travel_by_width
from smoothrelu.book.figures.performance import growth, ratios
from smoothrelu.book.figures.relu_limit import (
    drift_over_depth,
    error_against_angle,
    errors_against_temperature,
    network_differences,
)
from smoothrelu.book.figures.sugar import (
    gain_against_temperature,
    gradient_going_back,
    small_steps,
    surrogates_and_slopes,
)
from smoothrelu.book.figures.sugar_training import (
    accuracy_by_surrogate,
    against_temperature,
    deaths,
    firing,
    loss_surfaces,
    revived_by_slope,
)
from smoothrelu.book.figures.training import (
    gain_against,
    gain_by_width,
    gain_map,
    learning,
    loss_by_learning_rate,
    loss_curves,
)

__all__ = [
    "accuracy_by_surrogate",
    "against_temperature",
    "at_temperature",
    "circle_spectra",
    "collapse",
    "conditioning",
    "corner_crossover",
    "deaths",
    "distance_to_relu",
    "drift_map",
    "drift_over_depth",
    "error_against_angle",
    "errors_against_temperature",
    "firing",
    "flow_over_depth",
    "fluctuation_against_temperature",
    "gain_against",
    "gain_against_temperature",
    "gain_by_width",
    "gain_map",
    "gates_and_activations",
    "gradient_going_back",
    "growth",
    "hardening_and_criticality",
    "hardness_paths",
    "hardness_profiles",
    "kernel_against_temperature",
    "kernel_speed",
    "kernels_by_angle",
    "layers_until_exit",
    "learning",
    "loss_by_learning_rate",
    "loss_curves",
    "loss_surfaces",
    "mean_against_inverse_width",
    "near_duplicates",
    "network_differences",
    "networks_beside_theory",
    "ntk_of_real_networks",
    "path_laws",
    "paths_of_kernels",
    "phase_diagrams",
    "ratios",
    "slow_flows",
    "small_steps",
    "spectral_crossover",
    "substitution_drops",
    "surrogates_and_slopes",
    "susceptibilities",
    "temperature_family",
    "travel_by_width",
    "variance_against_depth_over_width",
    "revived_by_slope",
]
