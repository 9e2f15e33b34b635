"""Replaces the activation modules of any model and leaves the rest as it is: ReLU by SUGAR, GELU or
ReLU by lambda-GELU, and lambda-GELU by ReLU, with what that changes.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smoothrelu.activations.hardening import hardness_profile
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.activations.surrogate_gradient import SurrogateFunction, sugar
from smoothrelu.activations.surrogates import BSiLU

Make = Callable[[nn.Module], nn.Module]


def replace_modules(
    model: nn.Module, kinds: Sequence[type[nn.Module]], make: Make, remedy: str
) -> nn.Module:
    """Exchange every module m whose type is exactly one of `kinds` for make(m); returns the model.

    A module used at several places is exchanged once, for one that is used at all of them. Where
    the model itself is of such a kind, what is returned is another object. The new module is put
    into the training or evaluation mode of the old. A function called in a forward method, such as
    torch.nn.functional.relu, is not a module and cannot be found.
    Raises ValueError with the remedy where there is nothing to exchange.
    """
    made: dict[int, nn.Module] = {}
    old = [module for module in model.modules() if type(module) in kinds]
    for module in old:
        made[id(module)] = make(module).train(module.training)
    if not made:
        names = ", ".join(f"nn.{k.__name__}" if _is_torchs(k) else k.__name__ for k in kinds)
        raise ValueError(f"found no module of type {names} in {type(model).__name__}; {remedy}")
    for parent in [m for m in model.modules() if id(m) not in made]:
        children = {n: made[id(c)] for n, c in parent._modules.items() if id(c) in made}
        for name, module in children.items():
            setattr(parent, name, module)
        if children and isinstance(parent, nn.TransformerEncoderLayer):
            # else its fused evaluation path goes on computing the activation it was built with
            parent.activation_relu_or_gelu = 0
    return made.get(id(model), model)


def convert_to_sugar(model: nn.Module, surrogate: SurrogateFunction | None = None) -> nn.Module:
    """Exchange every nn.ReLU of the model for `SUGAR(surrogate)`; returns the model.

    The forward pass, the parameters and the state dict stay as they are. Calls of F.relu or
    torch.relu inside a forward method are not modules and are not found: write nn.ReLU() there.
    Raises ValueError where the model has no nn.ReLU, and for what `SUGAR` refuses.
    """
    surrogate = BSiLU() if surrogate is None else surrogate
    return replace_modules(
        model,
        (nn.ReLU,),
        lambda relu: sugar(relu, surrogate),
        "F.relu or torch.relu called in forward cannot be found: use an nn.ReLU() module there",
    )


def convert_to_lambda_gelu(
    model: nn.Module, *, hardness: float = 1 + math.log(2), t: float = 0.1
) -> nn.Module:
    """Exchange every nn.GELU, nn.ReLU and GELU of the model for a LambdaGELU of its own; returns
    the model. Each module learns one hardness, so a module called at several places shares it.

    Arguments: `LambdaGELU`. Raises ValueError where there is no such module.
    """
    return replace_modules(
        model,
        (nn.GELU, nn.ReLU, GELU),
        lambda old: _on_device_of(model, LambdaGELU(hardness, t=t)),
        "a function called in forward cannot be found: write nn.GELU() in the model instead",
    )


def replace_with_relu(model: nn.Module) -> nn.Module:
    """Exchange every LambdaGELU for nn.ReLU and leave the rest as it is; returns the model.

    `substitution_gap` measures beforehand what that changes. Raises ValueError where there is none.
    """
    return replace_modules(
        model, (LambdaGELU,), lambda old: nn.ReLU(), "convert_to_lambda_gelu(model) puts them in"
    )


@dataclass(frozen=True)
class SubstitutionGap:
    """How far the outputs move when ReLU takes the place of lambda-GELU: the largest and the mean
    absolute change over all outputs, in their units; the mean absolute output beforehand, to hold
    them against; and the hardness of every layer.
    """

    largest: float
    mean: float
    output: float
    hardness: dict[str, float]


def substitution_gap(model: nn.Module, x: Tensor) -> SubstitutionGap:
    """Measure on the inputs x what `replace_with_relu` would change; the model is left as it is.

    Both are evaluated in evaluation mode, the ReLU network as a copy.
    Raises ValueError where the model has no LambdaGELU.
    """
    hardness = hardness_profile(model)
    smooth = copy.deepcopy(model).eval()
    with torch.no_grad():
        before = smooth(x)
        change = (replace_with_relu(smooth)(x) - before).abs()
    return SubstitutionGap(
        change.max().item(), change.mean().item(), before.abs().mean().item(), hardness
    )


def _is_torchs(kind: type) -> bool:
    return kind.__module__.startswith("torch.nn.")


def _on_device_of(model: nn.Module, layer: nn.Module) -> nn.Module:
    """The layer with the device and the dtype of the model's parameters, where it has any."""
    like = next((p for p in model.parameters() if p.is_floating_point()), None)
    return layer if like is None else layer.to(device=like.device, dtype=like.dtype)
