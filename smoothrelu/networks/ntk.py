r"""The empirical neural tangent kernel of a network.

    Theta(x, x')_ij = sum_theta  df_i(x)/dtheta  df_j(x')/dtheta

over every trainable parameter, as torch holds it: the standard parametrisation, without PDLT's
learning-rate tensor (lambda_W/fan_in, lambda_b) and without the 1/sqrt(fan_in) of the NTK
parametrisation. Under full-batch gradient descent on a loss L with residuals r = dL/df the outputs
move by -eta Theta r + O(eta^2), and r^T Theta r is the squared norm of the gradient.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from smoothrelu.networks.layer_factors import Factors, layer_factors, outputs

_BLOCK = 1 << 19  # numbers of the kernel at a time
_FEW = 128  # rows of a matrix product; with fewer it is slower for each


def empirical_ntk(
    model: nn.Module, x1: Tensor, x2: Tensor | None = None, *, trace: bool = True
) -> Tensor:
    r"""Theta(x1, x2), detached, in the model's dtype and on its device; x2=None stands for x1.

    trace=True: shape (N1, N2), the sum (not the mean) over outputs of Theta_ii.
    trace=False: all of it, shape (N1, N2, n_out, n_out).
    model: maps (N, ...) to (N, n_out), each example on its own. Parameters with requires_grad False
    are left out. Where every parameter is a weight or a bias of a linear layer, used once on
    (N, n_in) inputs,

        Theta = sum_l (H H'^T + 1) * (D D'^T),

    H the layer's inputs, D = df/dz its deltas, the 1 its bias: no Jacobian is formed. Any other
    model takes `jacobian_ntk`, some hundred times slower.
    Raises ValueError for a model with active dropout or batch statistics, without trainable
    parameters, or whose output is not (N, n_out).
    """
    _refuse_batch_dependence(model)
    with torch.enable_grad():
        left = layer_factors(model, x1, trace=trace)
        right = left if x2 is None or left is None else layer_factors(model, x2, trace=trace)
    if left is None or right is None:
        return jacobian_ntk(model, x1, x2, trace=trace)
    pairs = ((layer, layer) for layer in left) if x2 is None else zip(left, right, strict=True)
    with torch.no_grad():
        return _public_shape(_contraction(pairs, trace), trace)


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
    out = outputs(model, x1[:1])
    size = out.shape[1] * sum(p.numel() * p.element_size() for p in parameters.values())
    rows, columns = (_blocks(len(x), max(1, max_bytes // size)) for x in (x1, x2))
    k = 1 if trace else out.shape[1]
    theta = out.new_empty(len(x1), k, len(x2), k)
    for i, row in enumerate(rows):
        left = _jacobian(model, parameters, x1[row])
        for column in columns[i:] if symmetric else columns:
            on_diagonal = symmetric and row == column
            right = left if on_diagonal else _jacobian(model, parameters, x2[column])
            block = sum(_gram(a, b, k) for a, b in zip(left, right, strict=True))
            block = block.view(len(left[0]), k, -1, k)
            theta[row, :, column] = block
            if symmetric and not on_diagonal:
                theta[column, :, row] = block.permute(2, 3, 0, 1)
    return _public_shape(theta, trace)


# --- the structured contraction


def _contraction(pairs: Iterable[tuple[Factors, Factors]], trace: bool) -> Tensor:
    """Theta as (N1, k, N2, k), k = 1 or n_out: layer by layer, and some rows at a time, so that
    what is made on the way stays in the cache. Where both sides are one, what lies left of the
    diagonal is a mirror.
    """
    theta = None
    for left, right in pairs:
        if theta is None:
            k = 1 if trace else left.deltas.shape[1]
            theta = left.inputs.new_zeros(left.count, k, right.count * k)
            blocks = [
                (rows, cols, theta[rows, :, cols.start * k : cols.stop * k])
                for rows, cols in _row_blocks(left.count, right.count, k, left is right)
            ]
        for rows, cols, block in blocks:
            a, b = (left, right) if len(blocks) == 1 else (left.of(rows), right.of(cols))
            inputs = a.input_gram(b)
            if k > 1:
                inputs = inputs.repeat_interleave(k, 1)  # one line of memory for each
            deltas = _gram(a.deltas, b.deltas, k).view_as(block)
            block.addcmul_(deltas, inputs.view(len(inputs), 1, -1))
    theta = theta.unflatten(2, (-1, k))
    for rows, *_ in blocks:
        if left is right and rows.stop < left.count:
            later = slice(rows.stop, None)
            theta[later, :, rows] = theta[rows, :, later].permute(2, 3, 0, 1)
    return theta


def _row_blocks(n1: int, n2: int, k: int, symmetric: bool) -> list[tuple[slice, slice]]:
    size = max(1, _BLOCK // (n2 * k * k))
    if symmetric:
        size = min(size, max(_FEW // k, math.ceil(n1 / 4)))
    return [(rows, slice(rows.start if symmetric else 0, n2)) for rows in _blocks(n1, size)]


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


def _gram(a: Tensor, b: Tensor, k: int) -> Tensor:
    """sum_p a_nip b_mjp of (N1, n_out, P) and (N2, n_out, P), as (N1 k, N2 k): k = n_out, or 1
    where the sum goes over i = j too.
    """
    return a.reshape(len(a) * k, -1) @ b.reshape(len(b) * k, -1).T


def _public_shape(theta: Tensor, trace: bool) -> Tensor:
    return theta[:, 0, :, 0] if trace else theta.transpose(1, 2)


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
