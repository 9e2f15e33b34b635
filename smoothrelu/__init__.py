"""smoothrelu: when is a smooth ReLU ReLU-like?

Activations with a temperature, and what the temperature does to deep networks. The names most used,
by room; `smoothrelu.__all__` has all of them:

    activations   SWISH, GELU, GumbelLU, AlgebraicLU, GudermanLU, Mish; SUGAR; LambdaGELU
    theory        criticality, kernel_flow, chi_parallel, chi_perp, fixed_points, phase_diagram,
                  infinite_width_kernels
    networks      MLP, critical_init_, he_init_, empirical_ntk
    data          load_dataset
    training      gradient_descent, NTKTracker
    experiments   Run, grid, sweep

A name is imported from its room at its first use, as `__init__.pyi` lists it: `import smoothrelu`
alone, and the chapter runner, need no torch.
"""

import ast
import importlib
from pathlib import Path

_STUB = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
_ROOM_OF = {
    alias.name: node.module
    for node in _STUB.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
__all__ = list(_ROOM_OF)


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        value = version("smoothrelu")
    elif name in _ROOM_OF:
        value = getattr(importlib.import_module(_ROOM_OF[name]), name)
    else:
        raise AttributeError(f"module 'smoothrelu' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
