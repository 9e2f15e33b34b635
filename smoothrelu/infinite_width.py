r"""Infinitely wide networks: the kernel of their Gaussian process, and their neural tangent kernel.

From layer to layer both depend on a pair of inputs through the variances q1, q2 of its
preactivations and the angle theta between them. The angle of nearly equal inputs is lost in K, so
h = sin^2(theta/2) is what is carried along:

    sqrt(q1 q2) (1 - 2 h) = K(x, x'),     2 h' sqrt(q1' q2') = sqrt(q1' q2') - C_b - C_W E,

the right side from `kernel_tables` without cancellation. One table serves all the layers whose
variances lie close together.
"""

import math

import torch
from torch import Tensor

from smoothrelu.gaussian import gaussian_mean
from smoothrelu.kernel_tables import Tables, tables
from smoothrelu.kernels import Activation, scale_of

_BLOCK = 1 << 15  # pairs of inputs at a time
_CLOSE = 1 << 22  # numbers at a time where differences of inputs are needed
_SAME = 1e-14  # variances that agree to this, relative, count as one
_SPAN = 3.0  # of log q: layers are put into one table up to this


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
    _check_activation(activation, q.max().sqrt().item())
    flow, squares = _flow(activation, q, depth, C_W, C_b)
    bias, weight = (C_b, lambda_b), (C_W, lambda_W)
    layers = [
        _layer(*layer, bias, weight)
        for layer in zip(_tables(activation, flow), flow, flow[1:], squares, strict=False)
    ]
    first, last = index[: len(rows)], index[len(rows) :]
    strips, steps = [], []
    height = max(1, _BLOCK // len(cols))
    for start in range(0, len(rows), height):
        block, right = slice(start, start + height), slice(start if x2 is None else 0, None)
        pair = _ends(first[block], last[right])
        if not steps or len(q) > 1:
            steps = [layer(pair) for layer in layers]
        half, rest, ntk = _first(rows[block], cols[right], q, pair, bias, weight)
        for step in steps:
            half, rest, ntk = step(half, rest, ntk)
        nngp = _outer(flow[-1].sqrt(), pair) * (rest - half)
        empty = nngp.new_zeros(len(nngp), len(cols) - nngp.shape[1])
        strips.append([torch.cat([empty, kernel], 1) for kernel in (nngp, ntk)])
    kernels = (torch.cat(kernel) for kernel in zip(*strips, strict=True))
    return tuple(k if x2 is not None else k.triu() + k.triu(1).T for k in kernels)


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


def _check_activation(activation: Activation, sigma: float) -> None:
    """That it is elementwise and finite, tried at 24 points up to 9 standard deviations."""
    z = sigma * torch.linspace(-9, 9, 24, dtype=torch.float64)
    with torch.no_grad():
        phi, turned = activation(z), activation(z.reshape(4, 6).flip(0, 1))
    if not (isinstance(phi, Tensor) and phi.shape == z.shape and phi.is_floating_point()):
        got = tuple(phi.shape) if isinstance(phi, Tensor) else type(phi).__name__
        raise ValueError(
            f"an activation maps a tensor to one of the same shape; {activation} gave {got}"
        )
    if not phi.isfinite().all():
        at = z[~phi.isfinite()][0].item()
        raise ValueError(
            f"{activation} gave {phi[~phi.isfinite()][0].item()} at z = {at:.3g}, a preactivation "
            "these inputs lead to; bound it there, or scale the inputs down"
        )
    if turned.shape != (4, 6) or not torch.allclose(
        turned.flip(0, 1).flatten(), phi, rtol=1e-9, atol=1e-12 * phi.abs().max().item()
    ):
        raise ValueError(
            f"{activation} is not elementwise: its value at one element depends on the others or "
            "on chance; take it out of the activation, or put a module in eval mode"
        )


def _first(a: Tensor, b: Tensor, q: Tensor, pair, bias, weight) -> tuple[Tensor, Tensor, Tensor]:
    """sin^2(theta/2), cos^2(theta/2) and Theta of the first layer."""
    unit_a, unit_b = (v / v.norm(dim=1, keepdim=True) for v in (a, b))
    half, rest = _quarter_square(unit_a, unit_b), _quarter_square(unit_a, -unit_b)
    gram = (_outer(q.sqrt(), pair) * (rest - half) - bias[0]) / weight[0]
    return half, rest, bias[1] + weight[1] * gram


def _quarter_square(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2/4 for all pairs of unit vectors, by the scalar product only where they are far
    apart.
    """
    quarter = (1 - a @ b.T) / 2
    close = (quarter < 0.01).nonzero()
    for i, j in (pairs.T for pairs in close.split(max(1, _CLOSE // a.shape[1]))):
        quarter[i, j] = (a[i] - b[j]).square().sum(1) / 4
    return quarter.clamp(0, 1)


def _ends(rows: Tensor, cols: Tensor) -> tuple[Tensor, Tensor]:
    """The indices of the variances of rows and columns; one index where all have the same."""
    rows, cols = (i[:1] if (i == i[0]).all() else i for i in (rows, cols))
    return rows, cols


def _outer(v: Tensor, pair) -> Tensor:
    """v_i v_j for all pairs of rows and columns."""
    return v[pair[0], None] * v[pair[1]]


def _flow(activation: Activation, q: Tensor, depth: int, C_W: float, C_b: float):
    """The variances of the layers 1, ..., depth and <phi^2> at all but the last."""
    flow, squares = [q], []
    for number in range(2, depth + 1):
        squares.append(gaussian_mean(lambda z: activation(z) ** 2, q, scale_of(activation)))
        q = C_b + C_W * squares[-1]
        if not (q.isfinite().all() and (q > 1e-290).all()):
            raise ValueError(
                f"the kernel at layer {number} is {q.min():.3g} to {q.max():.3g}: with C_W={C_W}, "
                f"C_b={C_b} it leaves the range of float64; take `criticality(activation)`'s"
            )
        flow.append(q)
    return flow, squares


def _tables(activation: Activation, flow: list[Tensor]) -> list[Tables]:
    """The tables of the layers; neighbours share one while their variances lie close together."""
    found, group = [], []
    for q in flow[:-1]:
        if group and _span([*group, q]) > max(_SPAN, 1.2 * _span(group[:1])):
            found += [tables(activation, torch.cat(group))] * len(group)
            group = []
        group.append(q)
    return found + [tables(activation, torch.cat(group))] * len(group) if group else found


def _span(group: list[Tensor]) -> float:
    q = torch.cat(group).detach()
    return math.log(q.max().item() / q.min().item())


def _layer(table: Tables, q: Tensor, following: Tensor, square: Tensor, bias, weight):
    """The function from pairs (i, j) of variances to the step of one layer, from sin^2(theta/2),
    cos^2(theta/2) and Theta to those of the next.
    """
    at, log, root, norm = table.at(q), q.log(), q.sqrt(), square.sqrt()
    shrink = weight[0] ** 0.5 * root / following.sqrt()
    unit = norm * weight[0] ** 0.5

    def of(pair):
        (i, j), norms = pair, _outer(norm, pair)
        apart = (log[i, None] - log[j]).square() * table.spread_between(at[i], at[j])
        unequal = weight[0] * norms * apart
        if bias[0] > 0:
            sides = (bias[0] + weight[0] * square).sqrt()
            total = _outer(sides, pair) + bias[0] + weight[0] * norms
            unequal = unequal + bias[0] * (unit[i, None] - unit[j]).square() / total
        parted, shrinks = unequal / (2 * _outer(following.sqrt(), pair)), _outer(shrink, pair)
        coincident, size = bias[1] + weight[1] * norms * (1 - apart), _outer(root, pair)
        series = table.series(at[i], at[j])

        def step(half: Tensor, rest: Tensor, ntk: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            G, derivative = series(half, rest)
            drop = half * G  # (E(0) - E(theta)) / (2 size)
            ntk = coincident - 2 * weight[1] * size * drop + weight[0] * derivative * ntk
            half = (parted + shrinks * drop).clamp(0, 1)
            return half, 1 - half, ntk

        return step

    return of
