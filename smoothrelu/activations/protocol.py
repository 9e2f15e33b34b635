"""What the other rooms ask of an activation whose forward pass is another, simpler activation."""

from typing import Protocol, runtime_checkable

from torch import nn


@runtime_checkable
class HasForwardActivation(Protocol):
    """A module that computes forward what another activation computes: LambdaGELU a GELU, SUGAR
    ReLU. Kernels, criticality and initialisation are those of that activation.
    """

    def forward_activation(self) -> nn.Module:
        """The activation that forward computes at present."""
        ...


def forward_activation_of(activation):
    """`activation.forward_activation()` where it is defined, else the activation itself."""
    if isinstance(activation, HasForwardActivation):
        return activation.forward_activation()
    return activation
