r"""Initialisations for any module built of Linear layers and one activation.

Convention (PDLT): every linear layer, the first and the last included, draws W ~ N(0, C_W/fan_in)
and b ~ N(0, C_b). The first layer then puts the kernel at K(1) = C_b + C_W |x|^2/n_in.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from smoothrelu.activations.protocol import HasForwardActivation, forward_activation_of
from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.networks.mlp import linear_layers
from smoothrelu.theory.critical import critical_layers, criticality

Init = Callable[..., nn.Module]
"""(network, generator=...) -> the network, its weights and biases drawn anew."""


def critical_init_(net: nn.Module, *, generator: Generator | None = None) -> nn.Module:
    """Draw all weights and biases at the critical (C_W, C_b) of the network's activation; returns
    the network.

    With it the size of signals and of gradients neither grows nor dies with depth. For ReLU this is
    He initialisation. The network: any module of Linear layers and one kind of activation (a smooth
    ReLU, nn.SiLU, nn.ReLU, ...). Modules that define `forward_activation()` are treated as the
    activation it returns: LambdaGELU as a GELU, SUGAR as ReLU. Smooth ReLUs of one kind whose
    temperatures differ are taken in the order of the modules, one after each linear layer but the
    last, and the variances then differ from layer to layer: `critical_layers`.
    generator: the source of randomness; a CPU generator gives the same numbers whatever the
    network's device.
    Raises NoCriticality where the activation has no critical point; ValueError where the network
    has no activation, several different ones, other layers with parameters, or no biases where C_b
    > 0.
    """
    return _draw_layers_(net, _critical_variances(net), generator)


def he_init_(net: nn.Module, *, generator: Generator | None = None) -> nn.Module:
    """He initialisation: Var W = 2/fan_in, zero biases  (He et al. 2015, eq. 10). Arguments:
    `critical_init_`.
    """
    return gaussian_init_(net, C_W=2.0, C_b=0.0, generator=generator)


def standard_init_(net: nn.Module, *, generator: Generator | None = None) -> nn.Module:
    """What torch.nn.Linear does by itself: weights and biases uniform in +-1/sqrt(fan_in), so Var
    W = 1/(3 fan_in).
    """
    with torch.no_grad():
        for layer in linear_layers(net).values():
            for parameter in layer.parameters():
                noise = _draw(torch.rand, parameter, generator)
                parameter.copy_((2 * noise - 1) * layer.in_features**-0.5)
    return net


def gaussian_init_(
    net: nn.Module, *, C_W: float, C_b: float, generator: Generator | None = None
) -> nn.Module:
    """W ~ N(0, C_W/fan_in), b ~ N(0, C_b) in every Linear layer. Arguments and errors:
    `critical_init_`.
    """
    return _draw_layers_(net, [(C_W, C_b)] * len(linear_layers(net)), generator)


def _critical_variances(net: nn.Module) -> list[tuple[float, float]]:
    """(C_W, C_b) of each linear layer, in their order."""
    layers, found = linear_layers(net), _activations(net)
    one_kind = len({type(a) for a in found}) == 1 and isinstance(found[0], SmoothReLU)
    if one_kind and len({repr(a) for a in found}) > 1 and len(found) == len(layers) - 1:
        return critical_layers(found)
    critical = criticality(activation_of(net))
    return [(critical.C_W, critical.C_b)] * len(layers)


def _draw_layers_(
    net: nn.Module, variances: list[tuple[float, float]], generator: Generator | None
) -> nn.Module:
    layers = linear_layers(net)
    needed = max(C_b for _, C_b in variances)
    bare = [name for name, layer in layers.items() if layer.bias is None]
    if needed > 0 and bare:
        raise ValueError(
            f"C_b = {needed:.6g} needs biases, but {', '.join(bare)} has none; "
            "build the layers with bias=True"
        )
    with torch.no_grad():
        for layer, (C_W, C_b) in zip(layers.values(), variances, strict=True):
            layer.weight.copy_(_draw(torch.randn, layer.weight, generator))
            layer.weight.mul_((C_W / layer.in_features) ** 0.5)
            if layer.bias is not None:
                layer.bias.copy_(_draw(torch.randn, layer.bias, generator)).mul_(C_b**0.5)
    return net


def activation_of(net: nn.Module) -> nn.Module:
    """The network's one activation; ValueError where there is none or where there are different
    ones.

    Found among its modules: the smooth ReLUs and whatever torch.nn.modules.activation defines.
    """
    found = {repr(a): a for a in _activations(net)}
    if not found:
        raise ValueError(
            f"found no activation module in {type(net).__name__}: use one such as SWISH() or "
            "nn.ReLU() in place of a function, or compute (C_W, C_b) by criticality(f) and call "
            "gaussian_init_(net, C_W=..., C_b=...)"
        )
    if len(found) > 1:
        raise ValueError(
            f"one critical initialisation serves one activation, found {', '.join(sorted(found))}"
        )
    return next(iter(found.values()))


def _activations(net: nn.Module) -> list[nn.Module]:
    """What the activation modules compute forward, in the order of the modules."""
    modules = [m for m in net.modules() if _is_activation(m)]
    return [forward_activation_of(m) for m in modules]


def _is_activation(module: nn.Module) -> bool:
    ours = isinstance(module, SmoothReLU | HasForwardActivation)
    return ours or type(module).__module__ == "torch.nn.modules.activation"


def _draw(sample: Callable[..., Tensor], like: Tensor, generator: Generator | None) -> Tensor:
    device = like.device if generator is None else generator.device
    return sample(like.shape, generator=generator, device=device, dtype=torch.float32)
