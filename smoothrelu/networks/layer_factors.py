"""What each linear layer of a network contributes to the empirical tangent kernel: its inputs, and
the derivatives of the outputs by its own.

Both are read from autograd's graph, by private names of torch: the only file of the room that uses
any. Where a release of torch lacks one of them, `layer_factors` returns None, and `empirical_ntk`
takes the plain path, `jacobian_ntk`.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, Node
from torch.func import vmap

_ELEMENTWISE = {
    *("SiluBackward0", "GeluBackward0", "ReluBackward0", "TanhBackward0", "SigmoidBackward0"),
    *("MishBackward0", "EluBackward0", "LeakyReluBackward0", "SoftplusBackward0", "ErfBackward0"),
    "FusedFunctionBackward",
}
"""autograd's names of the functions of one number that a network may have between its layers."""


class Factors(NamedTuple):
    """What one linear layer contributes to the tangent kernel: inputs (N, n_in), or (N, 0) where
    the weight is not trained, and deltas (N, n_out of the model, n), or (N, 1, n) where these have
    the same Gram matrix summed over the outputs.
    """

    inputs: Tensor
    deltas: Tensor
    bias: bool  # trainable?

    @property
    def count(self) -> int:
        return len(self.inputs)

    def of(self, examples: slice) -> "Factors":
        return self._replace(inputs=self.inputs[examples], deltas=self.deltas[examples])

    def input_gram(self, other: "Factors") -> Tensor:
        """H H'^T + 1, each term where its parameter is trainable; (N1, N2)."""
        if self.bias:
            return torch.addmm(self.inputs.new_ones(()), self.inputs, other.inputs.T)
        return self.inputs @ other.inputs.T


class _Call(NamedTuple):
    """One use of a linear layer, as autograd's graph has it."""

    node: Node
    inputs: Tensor
    before: Node | None  # what made the inputs
    trained: list[Tensor]  # weight, bias or both
    bias: bool  # among them


def layer_factors(model: nn.Module, x: Tensor, *, trace: bool = False) -> Iterator[Factors] | None:
    """The factors of each linear layer, from the last to the first, made when they are asked for,
    which should be without gradients; None where the contraction over layers does not hold, for a
    parameter belongs to something else or is used twice.

    trace: only sums over outputs of the deltas' Gram matrices are wanted.
    """
    out = outputs(model, x)
    if out.grad_fn is None:
        return None
    try:
        calls, uses = _linear_calls(out)
    except AttributeError:  # this torch's graph has other names
        return None
    mine = Counter(id(p) for call in calls for p in call.trained)
    trainable = {id(p) for p in model.parameters() if p.requires_grad}
    if not mine == uses == Counter(trainable & uses.keys()):
        return None
    chain = _is_chain(out, calls)
    deltas = _deltas_of_chain(out, calls, trace) if chain else _deltas(out, calls)
    return (Factors(c.inputs, delta, c.bias) for c, delta in zip(calls, deltas, strict=True))


def _linear_calls(out: Tensor) -> tuple[list[_Call], Counter]:
    """The linear layers in the graph of `out`, the last first, and how often each leaf enters it,
    by the leaf's id.
    """
    calls, uses, seen, nodes = [], Counter(), set(), [out.grad_fn]
    for node in nodes:
        if (call := _linear_call(node, out)) is not None:
            calls.append(call)
        for before, _ in node.next_functions:
            if hasattr(before, "variable"):
                uses[id(before.variable)] += 1
            elif before is not None and before not in seen:
                seen.add(before)
                nodes.append(before)
    return calls, uses


def _linear_call(node: Node, out: Tensor) -> _Call | None:
    """x W + b, with a row of x for each row of the model's outputs, and trained leaves for W or
    its transpose, b, or both. autograd keeps x where W is trained.
    """
    if node.name() == "AddmmBackward0" and node._saved_alpha == node._saved_beta == 1:
        (bias, _), (before, _), (weight, _) = node.next_functions
        inputs, (rows, _) = "_saved_mat1", node._saved_mat1_sym_sizes
    elif node.name() == "MmBackward0":
        bias, ((before, _), (weight, _)) = None, node.next_functions
        inputs, (rows, _) = "_saved_self", node._saved_self_sym_sizes
    else:
        return None
    if weight is not None and weight.name() == "TBackward0":
        weight = weight.next_functions[0][0]
    trained = [getattr(leaf, "variable", None) for leaf in (weight, bias) if leaf is not None]
    if not trained or rows != len(out) or any(leaf is None for leaf in trained):
        return None
    if bias is not None and trained[-1].shape != node._saved_mat2_sym_sizes[1:]:
        return None
    try:
        x = out.new_empty(rows, 0) if weight is None else getattr(node, inputs)
    except RuntimeError:  # overwritten since
        return None
    return _Call(node, x.detach(), before, trained, bias is not None)


def _is_chain(out: Tensor, calls: Sequence[_Call]) -> bool:
    """Whether one elementwise function stands between each layer and the next, and nothing after
    the last.
    """
    return out.grad_fn is calls[0].node and all(
        hasattr(after.node, "_saved_mat2")
        and type(after.before).__name__ in _ELEMENTWISE
        and [node for node, _ in after.before.next_functions if node] == [call.node]
        for after, call in itertools.pairwise(calls)
    )


def _deltas_of_chain(out: Tensor, calls: Sequence[_Call], trace: bool) -> Iterator[Tensor]:
    """df_i(x_n)/dz of each layer of a chain, (N, n_out, n), one made of the one after it.

    The first two do not mix examples and outputs: traced, (N, 1, n) is enough.
    """
    delta, one = None, None
    eye = torch.eye(out.shape[1], dtype=out.dtype, device=out.device)
    yield eye.expand(len(out), -1, -1)
    for after in calls[:-1]:
        weight = after.node._saved_mat2.t()
        if one is None or one.shape[1] != weight.shape[1]:
            one = out.new_ones(len(out), weight.shape[1])
        slope = _backward_of(after.before, one)[:, None]
        if delta is None:
            delta = weight * slope
            yield weight.norm(dim=0) * slope if trace else delta
        else:
            delta = (delta.flatten(0, 1) @ weight).view(len(out), -1, weight.shape[1]).mul_(slope)
            yield delta


def _backward_of(node: Node, grad: Tensor) -> Tensor:
    """What autograd's engine would get from a node of one input, without its rounds."""
    result = getattr(node, "apply", node)(grad)  # a Function's node in Python is not callable
    return result[0] if isinstance(result, tuple) else result


def _deltas(out: Tensor, calls: Sequence[_Call]) -> list[Tensor]:
    """The same of any model: one backward pass for all outputs.

    The sum over examples in each pass keeps them apart, for f(x_n) depends on x_n alone; the
    parameters' own gradients are never asked for.
    """
    edges = [GradientEdge(call.node, 0) for call in calls]
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


def outputs(model: nn.Module, x: Tensor) -> Tensor:
    out = model(x.detach())
    if out.ndim != 2 or len(out) != len(x):
        raise ValueError(
            f"the NTK needs outputs of shape (N, n_out); {type(model).__name__} gave "
            f"{tuple(out.shape)} for {len(x)} inputs; flatten or unsqueeze them in its forward"
        )
    return out
