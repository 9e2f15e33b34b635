"""smoothrelu: when is a smooth ReLU ReLU-like?

Activations with a temperature, and what it does to deep networks. A public name is imported from
its module at its first use: `import smoothrelu` alone, and the chapter runner, need no torch.
"""

import importlib

_PUBLIC = {
    "activations": "SMOOTH_RELUS SWISH GELU GumbelLU AlgebraicLU GudermanLU Mish SmoothReLU",
    "angles": "angle_flow",
    "closed_kernels": "closed_form_kernels",
    "critical": "Criticality NoCriticality criticality critical_points",
    "datasets": "DataError Dataset load_dataset",
    "dead_units": "Firing count_firing firing_histogram firing_table",
    "experiments": "SweepFailed sweep",
    "finite_width": "leading_order network_kernels sample_kernels",
    "fixed_points": "FixedPoint NotConverged destination",
    "gaussian": "gaussian_mean gaussian_pair_mean",
    "gradient_injection": "SUGAR convert_to_sugar sugar",
    "hardening": "Hardening SubstitutionGap convert_to_lambda_gelu hardness_groups"
    " hardness_profile replace_with_relu substitution_gap",
    "infinite_width": "infinite_width_kernels",
    "kernels": "chi_parallel chi_perp kernel_flow kernel_map",
    "lambda_gelu": "LambdaGELU expected_slope gate_distance relu_distances target_hardness",
    "landscape": "loss_surface",
    "layerwise": "critical_layers",
    "network": "MLP critical_init_ gaussian_init_ he_init_ standard_init_",
    "ntk": "empirical_ntk",
    "ntk_path": "NTKTracker",
    "runs": "Run grid",
    "surrogates": "BSiLU HeLU NeLU StochasticReLU",
    "training": "Diverged gradient_descent",
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
