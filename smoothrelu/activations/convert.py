"""Activation modules exchanged for others inside any model, the rest of it left as it is."""

from collections.abc import Callable, Sequence

from torch import nn

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


def _is_torchs(kind: type) -> bool:
    return kind.__module__.startswith("torch.nn.")
