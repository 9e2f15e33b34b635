"""What each linear layer of a network contributes to the empirical tangent kernel: its inputs, and
the derivatives of the outputs by its own.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.func import vmap

_ELEMENTWISE = {
    *("SiluBackward0", "GeluBackward0", "ReluBackward0", "TanhBackward0", "SigmoidBackward0"),
    *("MishBackward0", "EluBackward0", "LeakyReluBackward0", "SoftplusBackward0", "ErfBackward0"),
    "_HotPathBackward",
}
"""autograd's names of the functions of one number that a network may have between its layers."""


class Factors(NamedTuple):
    """What one Linear layer contributes to the tangent kernel: inputs (N, n_in), deltas
    (N, n_out of the model, n), or (N, 1, n) where these have the same Gram matrix summed over the
    outputs.
    """

    inputs: Tensor
    deltas: Tensor
    weight: bool  # trainable?
    bias: bool

    @property
    def count(self) -> int:
        return len(self.inputs)

    def of(self, examples: slice) -> "Factors":
        return self._replace(inputs=self.inputs[examples], deltas=self.deltas[examples])

    def input_gram(self, other: "Factors") -> Tensor:
        """H H'^T + 1, each term where its parameter is trainable; (N1, N2)."""
        if not self.weight:
            return self.inputs.new_ones(len(self.inputs), len(other.inputs))
        gram = self.inputs @ other.inputs.T
        return gram.add_(1) if self.bias else gram


class _Call(NamedTuple):
    """One use of a Linear layer in a forward pass."""

    layer: nn.Linear
    inputs: Tensor  # in the graph
    version: int
    edge: object  # the layer's output in the graph, whatever is done to the tensor afterwards


def layer_factors(model: nn.Module, x: Tensor, *, trace: bool = False) -> Iterator[Factors] | None:
    """The factors of each layer, from the last to the first; None where the contraction over layers
    does not hold, for a parameter belongs to something else or is used twice.

    trace: only sums over outputs of the deltas' Gram matrices are wanted.
    """
    calls: list[_Call] = []

    def capture(layer, args, kwargs, output):
        inputs = args[0] if args else kwargs["input"]
        if output.requires_grad and any(p.requires_grad for p in layer.parameters(recurse=False)):
            edge = get_gradient_edge(output)
            calls.append(_Call(layer, inputs, inputs._version, edge))

    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    # Before any hook of the user's, which may replace the output.
    handles = [m.register_forward_hook(capture, prepend=True, with_kwargs=True) for m in layers]
    try:
        out = outputs(model, x)
    finally:
        for handle in handles:
            handle.remove()
    if not _each_parameter_once(model, out, calls):
        return None
    calls.reverse()
    deltas = _deltas_of_chain(calls, trace) if _is_chain(out, calls) else _deltas(out, calls)
    return (_factors(*layer) for layer in zip(calls, deltas, strict=True))


def _factors(call: _Call, deltas: Tensor) -> Factors:
    weight, bias = call.layer.weight, call.layer.bias
    trained = weight.requires_grad, bias is not None and bias.requires_grad
    return Factors(call.inputs.detach(), deltas, *trained)


def _is_chain(out: Tensor, calls: Sequence[_Call]) -> bool:
    """Whether one elementwise function stands between each layer and the next, and nothing after
    the last.
    """
    return out.grad_fn is calls[0].edge.node and all(
        type(after.inputs.grad_fn).__name__ in _ELEMENTWISE
        and [node for node, _ in after.inputs.grad_fn.next_functions if node] == [call.edge.node]
        for after, call in itertools.pairwise(calls)
    )


def _deltas_of_chain(calls: Sequence[_Call], trace: bool) -> Iterator[Tensor]:
    """df_i(x_n)/dz of each layer of a chain, (N, n_out, n), one made of the one after it.

    The first two do not mix examples and outputs: traced, (N, 1, n) is enough.
    """
    last, delta = calls[0].layer.weight, None
    eye = torch.eye(len(last), dtype=last.dtype, device=last.device)
    yield eye.expand(len(calls[0].inputs), -1, -1)
    for after, call in itertools.pairwise(calls):
        one = torch.ones_like(after.inputs)
        (slope,) = torch.autograd.grad(after.inputs, call.edge, one, retain_graph=True)
        weight, slope = after.layer.weight.detach(), slope[:, None]
        if delta is None:
            delta = weight * slope
            yield weight.norm(dim=0) * slope if trace else delta
        else:
            delta = (delta @ weight).mul_(slope)
            yield delta


def _deltas(out: Tensor, calls: Sequence[_Call]) -> list[Tensor]:
    """The same of any model: one backward pass for all outputs.

    The sum over examples in each pass keeps them apart, for f(x_n) depends on x_n alone; the
    parameters' own gradients are never asked for.
    """
    edges = [call.edge for call in calls]
    seeds = torch.eye(out.shape[1], dtype=out.dtype, device=out.device)
    seeds = seeds[:, None, :].expand(-1, len(out), -1)

    def backward(seed: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(out, edges, seed, retain_graph=True)

    try:
        deltas = vmap(backward)(seeds)
    except RuntimeError:  # a backward that cannot be batched, such as one that works in place
        passes = [backward(seed) for seed in seeds]
        deltas = [torch.stack(per_output) for per_output in zip(*passes, strict=True)]
    return [delta.transpose(0, 1).contiguous() for delta in deltas]


def _each_parameter_once(model: nn.Module, out: Tensor, calls: Sequence[_Call]) -> bool:
    """Whether each trainable parameter enters the graph of `out` once, by a captured call."""
    plain = all(
        type(c.layer).forward is nn.Linear.forward
        and c.inputs.ndim == 2
        and len(c.inputs) == len(out)
        and c.inputs._version == c.version  # not overwritten since
        for c in calls
    )
    mine = [p for c in calls for p in (c.layer.weight, c.layer.bias) if p is not None]
    captured = Counter(id(p) for p in mine if p.requires_grad)
    trainable = Counter(id(p) for p in model.parameters() if p.requires_grad)
    return plain and captured == trainable == _uses(out)


def _uses(out: Tensor) -> Counter:
    """How often each leaf enters the graph of `out`, by the leaf's id."""
    uses, seen, stack = Counter(), set(), [out.grad_fn]
    while stack:
        for node, _ in getattr(stack.pop(), "next_functions", ()):
            if hasattr(node, "variable"):
                uses[id(node.variable)] += 1
            elif node is not None and node not in seen:
                seen.add(node)
                stack.append(node)
    return uses


def outputs(model: nn.Module, x: Tensor) -> Tensor:
    out = model(x.detach())
    if out.ndim != 2 or len(out) != len(x):
        raise ValueError(
            f"the NTK needs outputs of shape (N, n_out); {type(model).__name__} gave "
            f"{tuple(out.shape)} for {len(x)} inputs; flatten or unsqueeze them in its forward"
        )
    return out
