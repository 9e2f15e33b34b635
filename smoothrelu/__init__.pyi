"""The public names, room by room: editors read this file, and so does `__init__.py`."""

from smoothrelu.activations import (
    GELU as GELU,
)
from smoothrelu.activations import (
    SMOOTH_RELUS as SMOOTH_RELUS,
)
from smoothrelu.activations import (
    SUGAR as SUGAR,
)
from smoothrelu.activations import (
    SWISH as SWISH,
)
from smoothrelu.activations import (
    AlgebraicLU as AlgebraicLU,
)
from smoothrelu.activations import (
    BSiLU as BSiLU,
)
from smoothrelu.activations import (
    GudermanLU as GudermanLU,
)
from smoothrelu.activations import (
    GumbelLU as GumbelLU,
)
from smoothrelu.activations import (
    Hardening as Hardening,
)
from smoothrelu.activations import (
    HeLU as HeLU,
)
from smoothrelu.activations import (
    LambdaGELU as LambdaGELU,
)
from smoothrelu.activations import (
    Mish as Mish,
)
from smoothrelu.activations import (
    NeLU as NeLU,
)
from smoothrelu.activations import (
    SmoothReLU as SmoothReLU,
)
from smoothrelu.activations import (
    StochasticReLU as StochasticReLU,
)
from smoothrelu.activations import (
    SubstitutionGap as SubstitutionGap,
)
from smoothrelu.activations import (
    convert_to_lambda_gelu as convert_to_lambda_gelu,
)
from smoothrelu.activations import (
    convert_to_sugar as convert_to_sugar,
)
from smoothrelu.activations import (
    hardness_groups as hardness_groups,
)
from smoothrelu.activations import (
    hardness_profile as hardness_profile,
)
from smoothrelu.activations import (
    replace_with_relu as replace_with_relu,
)
from smoothrelu.activations import (
    substitution_gap as substitution_gap,
)
from smoothrelu.activations import (
    sugar as sugar,
)
from smoothrelu.data import (
    DataError as DataError,
)
from smoothrelu.data import (
    Dataset as Dataset,
)
from smoothrelu.data import (
    load_dataset as load_dataset,
)
from smoothrelu.experiments import (
    MinibatchRun as MinibatchRun,
)
from smoothrelu.experiments import (
    Run as Run,
)
from smoothrelu.experiments import (
    SweepFailed as SweepFailed,
)
from smoothrelu.experiments import (
    grid as grid,
)
from smoothrelu.experiments import (
    sweep as sweep,
)
from smoothrelu.networks import (
    MLP as MLP,
)
from smoothrelu.networks import (
    Firing as Firing,
)
from smoothrelu.networks import (
    NTKTracker as NTKTracker,
)
from smoothrelu.networks import (
    count_firing as count_firing,
)
from smoothrelu.networks import (
    critical_init_ as critical_init_,
)
from smoothrelu.networks import (
    empirical_ntk as empirical_ntk,
)
from smoothrelu.networks import (
    firing_histogram as firing_histogram,
)
from smoothrelu.networks import (
    firing_table as firing_table,
)
from smoothrelu.networks import (
    gaussian_init_ as gaussian_init_,
)
from smoothrelu.networks import (
    he_init_ as he_init_,
)
from smoothrelu.networks import (
    loss_surface as loss_surface,
)
from smoothrelu.networks import (
    network_kernels as network_kernels,
)
from smoothrelu.networks import (
    preactivations as preactivations,
)
from smoothrelu.networks import (
    standard_init_ as standard_init_,
)
from smoothrelu.theory import (
    HE as HE,
)
from smoothrelu.theory import (
    Criticality as Criticality,
)
from smoothrelu.theory import (
    FixedPoint as FixedPoint,
)
from smoothrelu.theory import (
    NoCriticality as NoCriticality,
)
from smoothrelu.theory import (
    NotConverged as NotConverged,
)
from smoothrelu.theory import (
    Variances as Variances,
)
from smoothrelu.theory import (
    angle_flow as angle_flow,
)
from smoothrelu.theory import (
    attractor_of as attractor_of,
)
from smoothrelu.theory import (
    chi_parallel as chi_parallel,
)
from smoothrelu.theory import (
    chi_perp as chi_perp,
)
from smoothrelu.theory import (
    closed_form_kernels as closed_form_kernels,
)
from smoothrelu.theory import (
    critical_layers as critical_layers,
)
from smoothrelu.theory import (
    critical_points as critical_points,
)
from smoothrelu.theory import (
    criticality as criticality,
)
from smoothrelu.theory import (
    destination as destination,
)
from smoothrelu.theory import (
    edge_of_chaos as edge_of_chaos,
)
from smoothrelu.theory import (
    expected_slope as expected_slope,
)
from smoothrelu.theory import (
    fixed_points as fixed_points,
)
from smoothrelu.theory import (
    gate_distance as gate_distance,
)
from smoothrelu.theory import (
    gaussian_mean as gaussian_mean,
)
from smoothrelu.theory import (
    gaussian_pair_mean as gaussian_pair_mean,
)
from smoothrelu.theory import (
    gelu_moments as gelu_moments,
)
from smoothrelu.theory import (
    infinite_width_kernels as infinite_width_kernels,
)
from smoothrelu.theory import (
    kernel_flow as kernel_flow,
)
from smoothrelu.theory import (
    kernel_map as kernel_map,
)
from smoothrelu.theory import (
    leading_order as leading_order,
)
from smoothrelu.theory import (
    phase_diagram as phase_diagram,
)
from smoothrelu.theory import (
    relu_distances as relu_distances,
)
from smoothrelu.theory import (
    relu_moments as relu_moments,
)
from smoothrelu.theory import (
    sample_kernels as sample_kernels,
)
from smoothrelu.theory import (
    target_hardness as target_hardness,
)
from smoothrelu.training import (
    CountSignFlips as CountSignFlips,
)
from smoothrelu.training import (
    Diverged as Diverged,
)
from smoothrelu.training import (
    TrackFiring as TrackFiring,
)
from smoothrelu.training import (
    TrackHardness as TrackHardness,
)
from smoothrelu.training import (
    TrackNTK as TrackNTK,
)
from smoothrelu.training import (
    TrackSubstitution as TrackSubstitution,
)
from smoothrelu.training import (
    gradient_descent as gradient_descent,
)

__version__: str
