r"""Infinitely wide networks: the kernel of their Gaussian process, and their neural tangent kernel.

Both depend on a pair of inputs through the variances q1, q2 of its preactivations in the first
layer and the angle theta between them. `recursion` applies the layers to these, one after the
other; `interpolation` does so at a few thousand points and looks all other pairs up.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.infinite_width.interpolation import whole_network
from smoothrelu.theory.infinite_width.recursion import Kernels, Layers, Network, Pairs

_BLOCK = 1 << 15  # pairs of inputs at a time
_CLOSE = 1 << 22  # numbers at a time where differences of inputs are needed
_NOT_CLOSE = 1e-6  # sin^2(theta/2) that a scalar product still tells to some digits
_TRIED = torch.linspace(-9, 9, 24, dtype=torch.float64)  # standard deviations: phi is finite there
_SAME = 1e-14  # variances that agree to this, relative, count as one


def infinite_width_kernels(
    x1: Tensor,
    x2: Tensor | None = None,
    *,
    activation: Activation,
    depth: int,
    C_W: float,
    C_b: float,
    lambda_W: float = 1.0,
    lambda_b: float = 1.0,
) -> tuple[Tensor, Tensor]:
    r"""The kernels (nngp, ntk) of an infinitely wide MLP between the rows of x1 and x2:
    float64, (N1, N2).

    x1 (N1, n), x2 (N2, n): real inputs of any norms; x2 = None: x1 against itself.
    depth: the number of linear layers, the output layer included, each with Var W = C_W/fan_in and
    Var b = C_b. The nngp is the covariance of the outputs, K(depth):

        K(1) = C_b + C_W x.x'/n,             K(l+1) = C_b + C_W <phi phi>
        Theta(1) = lambda_b + lambda_W x.x'/n,
        Theta(l+1) = lambda_b + lambda_W <phi phi> + C_W <phi' phi'> Theta(l).

    The ntk is Theta(depth), the limit of sum_p lambda_p df/dp df'/dp over all parameters, lambda_p
    being lambda_b for a bias and lambda_W/fan_in for a weight (PDLT, chapter 9: the learning rate
    must scale so for the limit to exist). neural-tangents' Dense(W_std, b_std) in its "ntk"
    parametrisation has C_W = W_std^2, C_b = b_std^2, lambda_W = C_W, lambda_b = C_b.
    Source: Lee et al. 2018 (arXiv 1711.00165) for the nngp, Jacot et al. 2018 (arXiv 1806.07572)
    for the ntk.
    Accuracy: relative to sqrt(K(x,x) K(x',x')), 1e-11 for nngp and 1e-10 for ntk up to depth 20,
    for a smooth ReLU at T/sqrt(K) from 1e-8 to 1e3, or a function analytic on either side of the
    origin. Between inputs whose angle lies within 1e-8 of pi after the first layer (they must be
    opposite and the activation odd), that angle is not resolved.
    Differentiable in a temperature that is a tensor, by autograd and torch.func.jvp; reverse mode
    keeps some hundred numbers for each pair of inputs and layer. The inputs are constants.
    Raises ValueError for inputs that are not finite matrices of equal width, depth < 1, C_W <= 0,
    C_b < 0, a zero input where C_b = 0, a kernel that leaves the range of float64 with depth; for
    an activation that is not elementwise, gives NaN, jumps, or bends sharply elsewhere than at 0.
    """
    _check(depth, C_W, C_b, lambda_W, lambda_b)
    other = x1 if x2 is None else x2
    rows, cols = (_augmented(x, C_W, C_b) for x in (x1, other))
    if rows.shape[1] != cols.shape[1]:
        raise ValueError(f"x1 and x2 differ in width: {tuple(x1.shape)}, {tuple(other.shape)}")
    q, index = _distinct(torch.cat([rows.square().sum(1), cols.square().sum(1)]))
    activation = Elementwise.of(activation)
    activation.finite(q.max().sqrt().item() * _TRIED, within=math.inf)
    index = index[: len(rows)], index[len(rows) :]
    network, same = Network(activation, depth, (C_b, lambda_b), (C_W, lambda_W)), x2 is None
    whole = whole_network(network, q, _least(rows, cols, same=same), len(rows) * len(cols))
    found = _in_strips(whole or Layers(network, q), rows, cols, index, triangle=same)
    if not same:
        return found
    diagonals = [d[index[0]] for d in whole.diagonals] if whole else [k.diagonal() for k in found]
    return tuple(
        k.triu(1) + k.triu(1).T + d.diag_embed() for k, d in zip(found, diagonals, strict=True)
    )


def _in_strips(
    kernels: Callable[[Pairs], Kernels],
    rows: Tensor,
    cols: Tensor,
    index: tuple[Tensor, Tensor],
    *,
    triangle: bool,
) -> tuple[Tensor, Tensor]:
    """(nngp, ntk) between rows and cols, whose variances are index, some rows at a time.

    triangle: what lies left of the diagonal stays 0 or is arbitrary.
    """
    strips, of_pairs = [], None
    one = all((i == index[0][0]).all() for i in index)
    height = max(1, _BLOCK // len(cols))
    for start in range(0, len(rows), height):
        block, right = slice(start, start + height), slice(start if triangle else 0, None)
        if of_pairs is None or not one:
            i, j = index[0][block], index[1][right]
            of_pairs = kernels(Pairs(i[:1], j[:1], True) if one else Pairs(i, j, False))
        strip = of_pairs(*_angles(rows[block], cols[right]))
        empty = strip[0].new_zeros(len(strip[0]), right.start)
        strips.append([torch.cat([empty, kernel], 1) for kernel in strip])
    return tuple(torch.cat(kernel) for kernel in zip(*strips, strict=True))


def _check(depth, C_W, C_b, lambda_W, lambda_b):
    if not isinstance(depth, int) or depth < 1:
        raise ValueError(f"depth counts the linear layers, 1 or more, got {depth!r}")
    if not (math.isfinite(C_W) and C_W > 0):
        raise ValueError(f"C_W is the variance of the weights: positive and finite, got {C_W!r}")
    for name, value in {"C_b": C_b, "lambda_W": lambda_W, "lambda_b": lambda_b}.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and not negative, got {value!r}")


def _augmented(x: Tensor, C_W: float, C_b: float) -> Tensor:
    """Vectors, (N, n + 1), whose scalar products are the kernels of the first layer."""
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"inputs form a matrix (N, n), got {tuple(x.shape)}; flatten images first")
    x = x.detach().to(device="cpu", dtype=torch.float64)
    if not x.isfinite().all():
        raise ValueError(
            "inputs must be finite; row(s) " + _some(~x.isfinite().all(1)) + " are not"
        )
    a = torch.cat([x * math.sqrt(C_W / x.shape[1]), x.new_full((len(x), 1), math.sqrt(C_b))], 1)
    if not a.any(1).all():
        raise ValueError(
            f"row(s) {_some(~a.any(1))} of the inputs are zero and C_b = 0, so that their kernel "
            "is 0 at any depth and their angle undefined; leave them out, or take C_b > 0"
        )
    return a


def _some(bad: Tensor) -> str:
    found = bad.nonzero()[:, 0].tolist()
    return ", ".join(map(str, found[:5])) + (", ..." if len(found) > 5 else "")


def _distinct(q: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct variances, ascending, and the index of each input's among them."""
    ascending, order = q.sort()
    new = ascending.diff(prepend=ascending[:1]) > _SAME * ascending
    index = torch.empty_like(order)
    index[order] = new.cumsum(0)
    new[0] = True
    return ascending[new], index


def _angles(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """sin^2(theta/2) and cos^2(theta/2) between the rows of a and of b."""
    unit_a, unit_b = (v / v.norm(dim=1, keepdim=True) for v in (a, b))
    return _quarter_square(unit_a, unit_b), _quarter_square(unit_a, -unit_b)


def _least(a: Tensor, b: Tensor, *, same: bool) -> tuple[float, float]:
    """A little less than the least sin^2(theta/2), and cos^2(theta/2), between rows of a and of b;
    0 where it is very small. same: a is b, and no row is compared with itself.
    """
    unit_a, unit_b = (v / v.norm(dim=1, keepdim=True) for v in (a, b))
    highest, lowest = -1.0, 1.0
    height = max(1, _CLOSE // len(b))
    for start in range(0, len(a), height):
        rho = unit_a[start : start + height] @ unit_b.T
        lowest = min(lowest, rho.min().item())
        if same:
            rho.diagonal(start).fill_(-1)
        highest = max(highest, rho.max().item())
    found = ((1 - highest) / 2, (1 + lowest) / 2)
    return tuple(min(0.98 * h, 0.4) if h > _NOT_CLOSE else 0.0 for h in found)


def _quarter_square(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2/4 for all pairs of unit vectors, by the scalar product only where they are far
    apart.
    """
    quarter = (1 - a @ b.T) / 2
    close = (quarter < 0.01).nonzero()
    for i, j in (pairs.T for pairs in close.split(max(1, _CLOSE // a.shape[1]))):
        quarter[i, j] = (a[i] - b[j]).square().sum(1) / 4
    return quarter.clamp(0, 1)
