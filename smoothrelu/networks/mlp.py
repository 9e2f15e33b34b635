"""The fully connected network, and the linear layers of any module built of them."""

from collections.abc import Sequence

from torch import Tensor, nn

from smoothrelu.activations.protocol import HasForwardActivation
from smoothrelu.activations.smooth_relu import SmoothReLU


class MLP(nn.Module):
    """Fully connected network, n_in -> width -> ... -> width -> n_out.

    depth: number of linear layers, output layer included (depth 1 is a linear model); the
    activation stands between them: one module for all, or a sequence of depth - 1 modules, each in
    its own place, as where every layer learns a hardness. Input (N, n_in), output (N, n_out). The
    weights are torch's standard ones until an init_ function sets them.
    Raises ValueError for a size that is not a positive integer and for activations that do not fit.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        width: int,
        depth: int,
        activation: nn.Module | Sequence[nn.Module],
    ):
        super().__init__()
        for name, size in dict(n_in=n_in, n_out=n_out, width=width, depth=depth).items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a positive integer, got {size!r}")
        if isinstance(activation, list | tuple) and len(activation) != depth - 1:
            raise ValueError(
                f"depth {depth} has {depth - 1} places for an activation, got {len(activation)}"
            )
        if isinstance(activation, list | tuple):
            activation = nn.ModuleList(activation)
        if not isinstance(activation, nn.Module):
            raise ValueError(
                f"activation must be a module such as SWISH(0.5) or nn.ReLU(), got {activation!r}"
            )
        sizes = [n_in, *[width] * (depth - 1), n_out]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        n_in = self.layers[0].in_features
        if x.ndim != 2 or x.shape[1] != n_in:
            raise ValueError(
                f"the network takes inputs of shape (N, {n_in}), got {tuple(x.shape)}; "
                "flatten images with x.flatten(1)"
            )
        for place, layer in enumerate(self.layers[:-1]):
            x = self.activation_after(place)(layer(x))  # (N, width)
        return self.layers[-1](x)

    def activation_after(self, place: int) -> nn.Module:
        """The activation between the linear layers place and place + 1."""
        own = isinstance(self.activation, nn.ModuleList)
        return self.activation[place] if own else self.activation


def linear_layers(net: nn.Module) -> dict[str, nn.Linear]:
    """The Linear layers by name; ValueError where there is none, or where something else has
    parameters.
    """
    layers = {name or "net": m for name, m in net.named_modules() if isinstance(m, nn.Linear)}
    if not layers:
        raise ValueError(f"found no nn.Linear layer in {type(net).__name__}")
    learned = [m for m in net.modules() if isinstance(m, SmoothReLU | HasForwardActivation)]
    known = {id(p) for m in (*layers.values(), *learned) for p in m.parameters()}
    others = [name for name, p in net.named_parameters() if id(p) not in known]
    if others:
        raise ValueError(
            "the theory holds for Linear layers and one activation, "
            f"but {others[0]!r} belongs to another layer; initialise the Linear blocks alone"
        )
    return layers
