"""smoothrelu: when is a smooth ReLU ReLU-like?

Activations with a temperature, and what it does to deep networks. A public name is imported from
its module at its first use: `import smoothrelu` alone, and the chapter runner, need no torch.
"""

import importlib

_PUBLIC = {
    "activations.smooth_relu": "SMOOTH_RELUS SWISH GELU GumbelLU AlgebraicLU GudermanLU Mish"
    " SmoothReLU",
    "theory.correlation": "angle_flow",
    "theory.infinite_width.closed_forms": "closed_form_kernels",
    "theory.critical": "Criticality NoCriticality criticality critical_layers critical_points",
    "data.datasets": "DataError Dataset load_dataset",
    "networks.dead_units": "Firing count_firing firing_histogram firing_table",
    "experiments.sweeps": "SweepFailed sweep",
    "theory.finite_width": "leading_order sample_kernels",
    "networks.layerwise": "network_kernels",
    "theory.kernel_fixed_points": "FixedPoint attractor_of destination",
    "theory.root_finding": "NotConverged",
    "theory.quadrature": "gaussian_mean gaussian_pair_mean",
    "activations.surrogate_gradient": "SUGAR sugar",
    "activations.hardening": "Hardening hardness_groups hardness_profile",
    "activations.convert": "SubstitutionGap convert_to_lambda_gelu convert_to_sugar"
    " replace_with_relu substitution_gap",
    "theory.infinite_width.kernels": "infinite_width_kernels",
    "theory.kernel_maps": "chi_parallel chi_perp kernel_flow kernel_map",
    "activations.lambda_gelu": "LambdaGELU",
    "theory.hardness": "expected_slope gate_distance relu_distances target_hardness",
    "networks.loss_landscape": "loss_surface",
    "networks.mlp": "MLP",
    "networks.initialisation": "critical_init_ gaussian_init_ he_init_ standard_init_",
    "networks.ntk": "empirical_ntk",
    "networks.ntk_path": "NTKTracker",
    "experiments.run": "Run grid",
    "activations.surrogates": "BSiLU HeLU NeLU StochasticReLU",
    "training.full_batch": "Diverged gradient_descent",
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names.split()}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'smoothrelu' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"smoothrelu.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
