r"""The empirical neural tangent kernel of a network.

    Theta(x, x')_ij = sum_theta  df_i(x)/dtheta  df_j(x')/dtheta

over every trainable parameter, as torch holds it: the standard parametrisation, without PDLT's
learning-rate tensor (lambda_W/fan_in, lambda_b) and without the 1/sqrt(fan_in) of the NTK
parametrisation. Under full-batch gradient descent on a loss L with residuals r = dL/df the outputs
move by -eta Theta r + O(eta^2), and r^T Theta r is the squared norm of the gradient.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.func import functional_call, jacrev, vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


def empirical_ntk(
    model: nn.Module, x1: Tensor, x2: Tensor | None = None, *, trace: bool = True
) -> Tensor:
    r"""Theta(x1, x2), detached, in the model's dtype and on its device; x2=None stands for x1.

    trace=True: shape (N1, N2), the sum (not the mean) over outputs of Theta_ii.
    trace=False: all of it, shape (N1, N2, n_out, n_out).
    model: maps (N, ...) to (N, n_out), each example on its own. Parameters with requires_grad False
    are left out. Where every parameter belongs to an nn.Linear used once on (N, n_in) inputs,

        Theta = sum_l (H H'^T + 1) * (D D'^T),

    H the layer's inputs, D = df/dz its deltas, the 1 its bias: no Jacobian is formed. Any other
    model takes `jacobian_ntk`, some hundred times slower.
    Raises ValueError for a model with active dropout or batch statistics, without trainable
    parameters, or whose output is not (N, n_out).
    """
    _refuse_batch_dependence(model)
    with torch.enable_grad():
        left = _layer_factors(model, x1)
        right = left if x2 is None or left is None else _layer_factors(model, x2)
    if left is None or right is None:
        return jacobian_ntk(model, x1, x2, trace=trace)
    theta = 0
    for a, b in zip(left, right, strict=True):
        deltas = _gram(a.deltas, b.deltas, trace)
        theta = deltas.mul_(a.input_gram(b)[:, None, :, None]).add_(theta)
    return _public_shape(theta, trace)


def jacobian_ntk(
    model: nn.Module,
    x1: Tensor,
    x2: Tensor | None = None,
    *,
    trace: bool = True,
    max_bytes: int = 2**28,
) -> Tensor:
    """`empirical_ntk` of any model, by contraction of explicit Jacobians (torch.func).

    The Jacobians of two blocks of examples are held at a time, about max_bytes each, or one
    example's where that is larger; smaller blocks cost time.
    """
    _refuse_batch_dependence(model)
    symmetric, x2 = x2 is None, x1 if x2 is None else x2
    parameters = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    out = _outputs(model, x1[:1])
    size = out.shape[1] * sum(p.numel() * p.element_size() for p in parameters.values())
    rows, columns = (_blocks(len(x), max(1, max_bytes // size)) for x in (x1, x2))
    k = 1 if trace else out.shape[1]
    theta = out.new_empty(len(x1), k, len(x2), k)
    for i, row in enumerate(rows):
        left = _jacobian(model, parameters, x1[row])
        for column in columns[i:] if symmetric else columns:
            on_diagonal = symmetric and row == column
            right = left if on_diagonal else _jacobian(model, parameters, x2[column])
            block = sum(_gram(a, b, trace) for a, b in zip(left, right, strict=True))
            theta[row, :, column] = block
            if symmetric and not on_diagonal:
                theta[column, :, row] = block.permute(2, 3, 0, 1)
    return _public_shape(theta, trace)


# --- the structured contraction


class _Factors(NamedTuple):
    """What one Linear layer contributes: inputs (N, n_in), deltas (N, n_out of the model, n)."""

    inputs: Tensor
    deltas: Tensor
    weight: bool  # trainable?
    bias: bool

    def input_gram(self, other: "_Factors") -> Tensor:
        """H H'^T + 1, each term where its parameter is trainable; (N1, N2)."""
        if not self.weight:
            return self.inputs.new_ones(len(self.inputs), len(other.inputs))
        gram = self.inputs @ other.inputs.T
        return gram.add_(1) if self.bias else gram


class _Call(NamedTuple):
    """One use of a Linear layer in a forward pass."""

    layer: nn.Linear
    inputs: Tensor
    version: int
    edge: object  # the layer's output in the graph, whatever is done to the tensor afterwards


def _layer_factors(model: nn.Module, x: Tensor) -> list[_Factors] | None:
    """The factors of each layer, in order of use; None where the contraction does not hold."""
    calls: list[_Call] = []

    def capture(layer, args, kwargs, output):
        inputs = args[0] if args else kwargs["input"]
        if output.requires_grad and any(p.requires_grad for p in layer.parameters(recurse=False)):
            edge = get_gradient_edge(output)
            calls.append(_Call(layer, inputs.detach(), inputs._version, edge))

    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    # Before any hook of the user's, which may replace the output.
    handles = [m.register_forward_hook(capture, prepend=True, with_kwargs=True) for m in layers]
    try:
        out = _outputs(model, x)
    finally:
        for handle in handles:
            handle.remove()
    if not _each_parameter_once(model, out, calls):
        return None
    deltas = _deltas(out, [call.edge for call in calls])
    return [
        _Factors(
            call.inputs,
            delta.transpose(0, 1).contiguous(),
            call.layer.weight.requires_grad,
            call.layer.bias is not None and call.layer.bias.requires_grad,
        )
        for call, delta in zip(calls, deltas, strict=True)
    ]


def _deltas(out: Tensor, edges: list) -> Sequence[Tensor]:
    """df_i(x_n)/dz at each edge, shape (n_out, N, n): one backward pass for all outputs.

    The sum over examples in each pass keeps them apart, for f(x_n) depends on x_n alone; the
    parameters' own gradients are never asked for.
    """
    seeds = torch.eye(out.shape[1], dtype=out.dtype, device=out.device)
    seeds = seeds[:, None, :].expand(-1, len(out), -1)

    def backward(seed: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(out, edges, seed, retain_graph=True)

    try:
        return vmap(backward)(seeds)
    except RuntimeError:  # a backward that cannot be batched, such as one that works in place
        passes = [backward(seed) for seed in seeds]
        return [torch.stack(per_output) for per_output in zip(*passes, strict=True)]


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


# --- the explicit contraction


def _jacobian(model: nn.Module, parameters: dict[str, Tensor], x: Tensor) -> list[Tensor]:
    """df/dtheta by parameter, each of shape (N, n_out, size of the parameter)."""

    def one(parameters: dict[str, Tensor], example: Tensor) -> Tensor:
        return functional_call(model, parameters, (example[None],))[0]

    jacobian = vmap(jacrev(one), in_dims=(None, 0))(parameters, x.detach())
    return [j.detach().reshape(*j.shape[:2], -1) for j in jacobian.values()]


def _blocks(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


# --- shared


def _gram(a: Tensor, b: Tensor, trace: bool) -> Tensor:
    """sum_p a_nip b_mjp of (N1, n_out, P) and (N2, n_out, P), as (N1, k, N2, k): k = n_out, or 1
    where the sum goes over i = j too.
    """
    k = 1 if trace else a.shape[1]
    rows, columns = a.reshape(len(a) * k, -1), b.reshape(len(b) * k, -1)
    return (rows @ columns.T).view(len(a), k, len(b), k)


def _public_shape(theta: Tensor, trace: bool) -> Tensor:
    return theta[:, 0, :, 0] if trace else theta.transpose(1, 2)


def _outputs(model: nn.Module, x: Tensor) -> Tensor:
    out = model(x.detach())
    if out.ndim != 2 or len(out) != len(x):
        raise ValueError(
            f"the NTK needs outputs of shape (N, n_out); {type(model).__name__} gave "
            f"{tuple(out.shape)} for {len(x)} inputs; flatten or unsqueeze them in its forward"
        )
    return out


def _refuse_batch_dependence(model: nn.Module) -> None:
    """ValueError where an output is random or depends on the other examples, or nothing is
    trainable.
    """
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(
            f"{type(model).__name__} has no trainable parameter; call model.requires_grad_(True)"
        )
    for name, module in model.named_modules():
        kind = type(module).__name__
        if isinstance(module, _BatchNorm) and module.running_mean is None:
            raise ValueError(
                f"{kind} {name!r} always uses the statistics of the batch, which ties the examples "
                "together; build it with track_running_stats=True"
            )
        random = isinstance(module, _DropoutNd) and module.p > 0
        if module.training and (random or isinstance(module, _BatchNorm)):
            raise ValueError(
                f"{kind} {name!r} is in training mode, where f(x) is not a function of x and the "
                "parameters alone; call model.eval() first"
            )
