"""A run in the columns of a table: its activation and its network, by the names of their arguments.

What does not apply is None or NaN; a table never has to be read by parsing a repr.
"""

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import nn

from smoothrelu.activations.smooth_relu import temperature_as_float
from smoothrelu.experiments.schedulable import name_of


def activation_columns(activation: nn.Module) -> dict:
    """activation: its class; surrogate: that of SUGAR, its class; temperature: of the activation or
    of the surrogate; hardness and t: of lambda-GELU, to seven digits.
    """
    surrogate = getattr(activation, "surrogate", None)
    smooth = activation if surrogate is None else surrogate
    return {
        "activation": _class(activation),
        "surrogate": None if surrogate is None else _class(surrogate),
        "temperature": temperature_as_float(getattr(smooth, "temperature", math.nan)),
        "hardness": _number(activation, "hardness"),
        "t": _number(activation, "t"),
    }


def network_columns(network: Callable) -> dict:
    """network: the class (or function) of the recipe, and every number it is made with: width,
    depth, ...; init: the name of its initialisation, initial_bias where that sets one; images: the
    class of the recipe around it, such as HalfResolution.
    """
    found = {"width": math.nan, "depth": math.nan, "init": None, "initial_bias": math.nan}
    found |= {"images": None}
    if not dataclasses.is_dataclass(network):
        return {"network": name_of(network)} | found
    fields = {f.name: getattr(network, f.name) for f in dataclasses.fields(network)}
    if "network" in fields:
        return network_columns(fields["network"]) | {"images": type(network).__name__}
    if (init := fields.pop("init", None)) is not None:
        name = name_of(init) if hasattr(init, "__qualname__") else type(init).__name__
        found |= {"init": name, "initial_bias": getattr(init, "bias", math.nan)}
    return {"network": type(network).__name__} | found | fields


def _class(module: nn.Module) -> str:
    kind = type(module)
    ours = kind.__module__.startswith(("smoothrelu.", "torch.nn."))
    return kind.__name__ if ours else repr(kind)


def _number(module: nn.Module, name: str) -> float:
    value = getattr(module, name, None)
    return math.nan if value is None else float(f"{float(torch.as_tensor(value).detach()):.7g}")
