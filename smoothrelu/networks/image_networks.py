"""Small networks for images in the forms that the literature trains: fully connected,
convolutional, VGG-like, ResNet-like, and a vision transformer.

Each is a frozen recipe, called with an activation, the shape (channels, height, width) of an image
and the number of classes. The activation is copied to every place, so that one which learns does so
place by place. Initial weights come from torch's own generator, and are the same for all
activations unless the recipe says otherwise.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from smoothrelu.networks.initialisation import Init, he_init_


@dataclass(frozen=True)
class FullyConnected:
    """`depth` linear layers, output layer included, of `width` units; initialised by `init`."""

    width: int = 64
    depth: int = 6
    init: Init = he_init_

    def __call__(self, activation: nn.Module, shape: tuple[int, ...], n_out: int) -> nn.Module:
        channels, height, side = shape
        sizes = [channels * height * side, *[self.width] * (self.depth - 1)]
        hidden = [
            layer
            for n_in, n in zip(sizes, sizes[1:], strict=False)
            for layer in (nn.Linear(n_in, n), copy.deepcopy(activation))
        ]
        return self.init(nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], n_out)))

    def __repr__(self) -> str:  # a function's own repr has its address
        name = getattr(self.init, "__name__", repr(self.init))
        return f"FullyConnected(width={self.width}, depth={self.depth}, init={name})"


@dataclass(frozen=True)
class ConvNet:
    """Three convolutions of stride 2 and two linear layers, no normalisation; He's weights."""

    width: int = 16

    def __call__(self, activation: nn.Module, shape: tuple[int, ...], n_out: int) -> nn.Module:
        channels, height, side = shape
        w = self.width
        convolutions = [
            layer
            for n_in, n in ((channels, w), (w, 2 * w), (2 * w, 4 * w))
            for layer in (nn.Conv2d(n_in, n, 3, stride=2, padding=1), copy.deepcopy(activation))
        ]
        for _ in range(3):
            height, side = (height + 1) // 2, (side + 1) // 2
        first = nn.Linear(4 * w * height * side, 8 * w)
        last = [nn.Flatten(), first, copy.deepcopy(activation), nn.Linear(8 * w, n_out)]
        return _he_(nn.Sequential(*convolutions, *last))


@dataclass(frozen=True)
class VGG:
    """Pairs of convolutions with batch normalisation, a maximum over 2 x 2 after each pair, then
    two linear layers: VGG's form, from `width` channels up to four times as many.
    """

    width: int = 8
    pairs: int = 4

    def __call__(self, activation: nn.Module, shape: tuple[int, ...], n_out: int) -> nn.Module:
        layers, n, side = [], shape[0], shape[1]
        for pair in range(self.pairs):
            wide = self.width * min(2**pair, 4)
            layers += [*_convolution(n, wide, activation), *_convolution(wide, wide, activation)]
            layers.append(nn.MaxPool2d(2))
            n, side = wide, side // 2
        layers += [nn.Flatten(), nn.Linear(n * side**2, 8 * self.width)]
        layers += [copy.deepcopy(activation), nn.Linear(8 * self.width, n_out)]
        return _he_(nn.Sequential(*layers))


@dataclass(frozen=True)
class ResNet:
    """Three stages of `blocks` basic residual blocks with batch normalisation, from `width`
    channels up to four times as many, then the mean over the image and one linear layer.
    """

    width: int = 8
    blocks: int = 1

    def __call__(self, activation: nn.Module, shape: tuple[int, ...], n_out: int) -> nn.Module:
        layers, n = _convolution(shape[0], self.width, activation), self.width
        for stage in range(3):
            wide = self.width * 2**stage
            for block in range(self.blocks):
                stride = 2 if stage and not block else 1
                layers.append(_Residual(n, wide, stride, activation))
                n = wide
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n, n_out)]
        return _he_(nn.Sequential(*layers))


@dataclass(frozen=True)
class HalfResolution:
    """Another network that is shown the means over 2 x 2 pixels: a quarter of the work."""

    network: Callable[[nn.Module, tuple[int, ...], int], nn.Module]

    def __call__(self, activation: nn.Module, shape: tuple[int, ...], n_out: int) -> nn.Module:
        channels, height, side = shape
        return nn.Sequential(
            nn.AvgPool2d(2), self.network(activation, (channels, height // 2, side // 2), n_out)
        )


@dataclass(frozen=True)
class VisionTransformer:
    """`depth` pre-norm blocks of attention and a two-layer perceptron on patches of the image, with
    a learned place for each, then the mean over the patches and one linear layer.
    """

    width: int = 32
    depth: int = 3
    heads: int = 4
    patch: int = 4

    def __call__(self, activation: nn.Module, shape: tuple[int, ...], n_out: int) -> nn.Module:
        return _Transformer(self, activation, shape, n_out)


class _Residual(nn.Module):
    def __init__(self, n_in: int, n: int, stride: int, activation: nn.Module):
        super().__init__()
        self.inner = nn.Sequential(
            *_convolution(n_in, n, activation, stride),
            *_convolution(n, n, activation)[:-1],
        )
        changes = stride > 1 or n_in != n
        self.shortcut = nn.Conv2d(n_in, n, 1, stride) if changes else nn.Identity()
        self.activation = copy.deepcopy(activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.shortcut(x) + self.inner(x))


class _Transformer(nn.Module):
    def __init__(self, recipe: VisionTransformer, activation, shape, n_out: int):
        super().__init__()
        channels, height, side = shape
        n, patch = recipe.width, recipe.patch
        self.patches = nn.Conv2d(channels, n, patch, stride=patch)
        tokens = (height // patch) * (side // patch)
        self.places = nn.Parameter(nn.init.trunc_normal_(self.patches.weight.new_empty(tokens, n)))
        blocks = [_Block(n, recipe.heads, activation) for _ in range(recipe.depth)]
        self.blocks = nn.Sequential(*blocks)
        self.norm, self.last = nn.LayerNorm(n), nn.Linear(n, n_out)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.places  # (N, tokens, width)
        return self.last(self.norm(self.blocks(tokens)).mean(1))


class _Block(nn.Module):
    def __init__(self, n: int, heads: int, activation: nn.Module):
        super().__init__()
        self.heads = heads
        self.norm, self.into, self.out = nn.LayerNorm(n), nn.Linear(n, 3 * n), nn.Linear(n, n)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(n), nn.Linear(n, 4 * n), copy.deepcopy(activation), nn.Linear(4 * n, n)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.out(self._attention(self.norm(x)))
        return x + self.perceptron(x)

    def _attention(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.into(x).chunk(3, 2)
        )  # (N, heads, tokens, width/heads)
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def _convolution(n_in: int, n: int, activation: nn.Module, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(n_in, n, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(n), copy.deepcopy(activation)]


def _he_(model: nn.Module) -> nn.Module:
    """W ~ N(0, 2/fan_in) and no bias in every convolution and linear layer."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model
