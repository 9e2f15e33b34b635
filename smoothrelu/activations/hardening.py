r"""Training with lambda-GELU: how fast the hardness is learned, and how it is carried to a target.

Source: Perez-Corral et al. 2026, arXiv 2603.21991, for the ideas. The details that were not found
there are this project's choices, and each docstring names its own.
"""

import copy
import math

import torch
from torch import nn

from smoothrelu.activations.lambda_gelu import LambdaGELU

_NORMALISING = (
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.Adamax,
    torch.optim.Adagrad,
    torch.optim.RMSprop,
)


def hardness_profile(model: nn.Module) -> dict[str, float]:
    """The hardness of every LambdaGELU by the name of the module, in the order of the model.

    Raises ValueError where there is none.
    """
    return {name: layer.hardness.item() for name, layer in _layers(model).items()}


def hardness_groups(
    model: nn.Module, optimizer: type[torch.optim.Optimizer], *, lr: float, c: float = 1.0
) -> list[dict]:
    r"""Parameter groups for an optimizer: all weights at lr; each s at its own, without decay.

    With lambda = 1 + softplus(s/t), a step Delta s moves lambda by sigmoid(s/t) Delta s/t. SGD
    steps by lr_s dL/ds, which carries another sigmoid/t, and Adam by about lr_s whatever the size
    of the gradient:

        SGD: Delta lambda ~ lr_s/t^2,    Adam: Delta lambda ~ lr_s/t.

    lr_s = c lr t for SGD and c lr for Adam, so that c means the same in both: lambda moves at c
    lr/t, and a smaller t hardens faster. This is the project's choice; the paper has a multiplier c
    for s, and its exact rule was not found.
    optimizer: the class that the groups are for, torch.optim.SGD or one of the normalising ones
    (Adam, AdamW, NAdam, RAdam, Adamax, Adagrad, RMSprop).
    c: >= 0. Use: torch.optim.AdamW(hardness_groups(model, torch.optim.AdamW, lr=1e-3, c=3.0)).
    Raises ValueError for another optimizer, for lr or c out of range, and for a model without
    LambdaGELU.
    """
    for name, value, low in (("lr", lr, lr > 0), ("c", c, c >= 0)):
        if not (math.isfinite(value) and low):
            raise ValueError(f"{name} must be a finite number, lr > 0 and c >= 0; got {value!r}")
    layers = list(_layers(model).values())
    own = {id(layer.s) for layer in layers}
    groups = [{"params": [p for p in model.parameters() if id(p) not in own], "lr": lr}]
    for t in sorted({layer.t.item() for layer in layers}):
        s = list({id(m.s): m.s for m in layers if m.t.item() == t}.values())
        groups.append({"params": s, "lr": c * lr * _unit(optimizer, t), "weight_decay": 0.0})
    return [group for group in groups if group["params"]]


def _unit(optimizer: type[torch.optim.Optimizer], t: float) -> float:
    """What the learning rate of s is multiplied by, that lambda move at lr/t."""
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.SGD):
        return t
    if isinstance(optimizer, type) and issubclass(optimizer, _NORMALISING):
        return 1.0
    raise ValueError(
        f"no rule for the optimizer {optimizer!r}; pass the class torch.optim.SGD, Adam, AdamW or "
        "another one that normalises its step, or build a group for the parameters named 's'"
    )


class Hardening:
    r"""A learned phase, then every hardness carried to a target in a fixed progression.

    Call `step()` once after each step of the optimizer. Before `start` it does nothing. At `start`
    every s is frozen at the hardness lambda_0 it has learned, and then, k steps in,

        lambda = lambda_0 (target/lambda_0)^((k - start)/(stop - start)),

    until it is the target at `stop`, where it stays. A layer at or above the target is frozen and
    otherwise left as it is: hardening never softens.
    start, stop: numbers of calls, 0 <= start < stop. That lambda is learned first and then driven
    to a target deterministically is the paper's; the geometric progression, which shrinks the
    distance of the gate from the step by the same factor at each step, is this project's choice.
    `state_dict` and `load_state_dict` resume it; the hardnesses are in the model's own.
    Raises ValueError for a model without LambdaGELU, a target below 1, and phases out of order.
    """

    def __init__(self, model: nn.Module, *, target: float, start: int, stop: int):
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in (start, stop))
        if not (whole and 0 <= start < stop):
            raise ValueError(
                f"hardening needs integers 0 <= start < stop, got start={start!r}, stop={stop!r}; "
                "for the last quarter of 100 steps use start=75, stop=100"
            )
        LambdaGELU(target)  # raises where it is no hardness
        self.layers = list(_layers(model).values())
        self.target, self.start, self.stop = float(target), start, stop
        self.calls = 0
        self.learned: list[float] | None = None
        self._act()

    def step(self) -> None:
        self.calls += 1
        self._act()

    def state_dict(self) -> dict:
        names = ("target", "start", "stop", "calls", "learned")
        return {name: copy.copy(getattr(self, name)) for name in names}

    def load_state_dict(self, state: dict) -> None:
        """Continue from `state`; load the model first. ValueError where the layers do not match."""
        learned = state["learned"]
        if learned is not None and len(learned) != len(self.layers):
            raise ValueError(
                f"the state is of a model with {len(learned)} LambdaGELU layers, "
                f"this one has {len(self.layers)}; build the same model first"
            )
        for name, value in state.items():
            setattr(self, name, copy.copy(value))
        for layer in self.layers:
            layer.s.requires_grad_(learned is None)
        self._act()

    def _act(self) -> None:
        if self.calls < self.start:
            return
        if self.learned is None:
            self.learned = [layer.hardness.item() for layer in self.layers]
        part = min(1.0, (self.calls - self.start) / (self.stop - self.start))
        for layer, learned in zip(self.layers, self.learned, strict=True):
            layer.s.requires_grad_(False).grad = None  # without one, no optimizer moves it
            if learned < self.target and part > 0:
                growth = (self.target / learned) ** part
                layer.set_hardness_(self.target if part == 1 else learned * growth)


def _layers(model: nn.Module) -> dict[str, LambdaGELU]:
    found = {n or "model": m for n, m in model.named_modules() if isinstance(m, LambdaGELU)}
    if not found:
        raise ValueError(
            f"found no LambdaGELU in {type(model).__name__}; "
            "convert_to_lambda_gelu(model) puts one in the place of every nn.GELU and nn.ReLU"
        )
    return found
