r"""Infinitely wide networks: the kernel of their Gaussian process, and their neural tangent kernel.

From layer to layer both depend on a pair of inputs through the variances q1, q2 of its
preactivations and the angle theta between them:  E = <phi(z1) phi(z2)>  and  E' = <phi'(z1)
phi'(z2)>. Per layer they are computed once on a grid of (q1, q2, theta), Chebyshev points in log q
and in asinh(theta/c), c = T/sqrt(q), from either end of [0, pi]; and interpolated for every pair.

The angle of nearly equal inputs is lost in K, so the angle is what is carried along. What is
tabulated is G = (E(0) - E(theta)) / (sqrt(q1 q2) (1 - cos theta)), where E(0) - E(theta) is
<(phi(z1) - phi(z2)) of the one norm times that of the other>/2, without cancellation.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothrelu.gaussian import gaussian_rule, pair_rules, pair_scale
from smoothrelu.kernels import Activation, scale_of, value_and_derivative

_ROWS = 256  # rows of the kernel matrix at a time
_CLOSEST = 1e-4  # c of a table: nearer to theta = 0, G would be lost in rounding
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
    Accuracy: relative to sqrt(K(x,x) K(x',x')), 1e-11 for nngp, and 1e-10 for ntk, up to depth 20,
    for a smooth ReLU with T above 1e-3 sqrt(K) or a function analytic on either side of the
    origin. Between inputs of different norms whose angle falls below 1e-8, that angle is not
    resolved.
    Raises ValueError for inputs that are not finite matrices of equal width, depth < 1, C_W <= 0,
    C_b < 0, a zero input where C_b = 0, a kernel that leaves the range of float64 with depth.
    """
    _check(depth, C_W, C_b, lambda_W, lambda_b)
    other = x1 if x2 is None else x2
    rows, cols = (_augmented(x, C_W, C_b) for x in (x1, other))
    if rows.shape[1] != cols.shape[1]:
        raise ValueError(f"x1 and x2 differ in width: {tuple(x1.shape)}, {tuple(other.shape)}")
    q, index = _distinct(torch.cat([rows.square().sum(1), cols.square().sum(1)]))
    layers = _layers(activation, q, depth, C_W, C_b)
    bias = torch.tensor([C_b, lambda_b], dtype=torch.float64)
    weight = torch.tensor([C_W, lambda_W], dtype=torch.float64)
    shape = len(rows), len(cols)
    nngp, ntk = (torch.empty(shape, dtype=torch.float64) for _ in range(2))
    for start in range(0, len(rows), _ROWS):
        block = slice(start, start + _ROWS)
        right = slice(start if x2 is None else 0, None)
        pair = index[: len(rows)][block, None], index[len(rows) :][None, right]
        state = _first(rows[block], cols[right], q, pair, bias, weight)
        for layer in layers:
            state = layer.step(*state, pair, bias, weight)
        nngp[block, right], ntk[block, right] = state[1:]
    if x2 is None:
        for kernel in (nngp, ntk):
            kernel.copy_(kernel.triu() + kernel.triu(1).T)
    return nngp, ntk


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


def _first(a: Tensor, b: Tensor, q: Tensor, pair, bias: Tensor, weight: Tensor):
    """sin^2(theta/2), K and Theta of the first layer; distances directly, never by way of K."""
    unit_a, unit_b = (v / v.norm(dim=1, keepdim=True) for v in (a, b))
    chord = torch.cdist(unit_a, unit_b, compute_mode="donot_use_mm_for_euclid_dist")
    half = (chord / 2).square().clamp(max=1.0)
    K = (q[pair[0]] * q[pair[1]]).sqrt() * (1 - 2 * half)
    return half, K, bias[1] + weight[1] * (K - bias[0]) / weight[0]


def _layers(activation: Activation, q: Tensor, depth: int, C_W: float, C_b: float):
    """The steps from layer 1 to layer depth; one table serves while the variances stand still."""
    scale = scale_of(activation)
    flow = []
    for number in range(2, depth + 1):
        coincident = _coincident(activation, q, scale)
        flow.append((q, coincident))
        q = C_b + C_W * coincident.diag()
        if not (q.isfinite().all() and (q > 0).all()):
            raise ValueError(
                f"the kernel at layer {number} is {q.min():.3g} to {q.max():.3g}: with C_W={C_W}, "
                f"C_b={C_b} it leaves the range of float64; take `criticality(activation)`'s"
            )
    layers = []
    following = [*(before for before, _ in flow[1:]), q]
    for (now, coincident), q_next in zip(flow, following, strict=False):
        if layers and ((now - layers[-1].q).abs() <= _SAME * now).all():
            layers.append(layers[-1])
        else:
            layers.append(_Layer.of(activation, now, q_next, coincident))
    return layers


@dataclass(frozen=True)
class _Layer:
    """The tables of one layer, and the step they take.

    q, q_next (D,): the distinct variances, before and after. coincident (D, D): E at angle 0.
    to_grid (D, Q): interpolation from the Q variances of the grid. tables (2, 2, M, Q, Q):
    Chebyshev coefficients on (theta < pi/2, theta > pi/2) of (G, E'); c: their scale in theta.
    """

    q: Tensor
    q_next: Tensor
    coincident: Tensor
    to_grid: Tensor
    tables: Tensor
    c: float

    @classmethod
    def of(cls, activation: Activation, q: Tensor, q_next: Tensor, coincident: Tensor) -> "_Layer":
        grid, to_grid = _grid(q)
        c = pair_scale(grid.max().sqrt(), scale_of(activation)).item()
        tables = _tables(activation, grid.sqrt(), c)
        return cls(q, q_next, coincident, to_grid, tables, max(c, _CLOSEST))

    def step(self, half: Tensor, K: Tensor, theta_kernel: Tensor, pair, bias, weight):
        """half = sin^2(theta/2), K, Theta of the next layer, for pairs (i, j) of variances."""
        size, size_next = ((q[pair[0]] * q[pair[1]]).sqrt() for q in (self.q, self.q_next))
        slope, derivative = self._interpolated(half, pair)
        coincident = self.coincident[pair]
        drop = 2 * size * half * slope  # E(0) - E(theta)
        E = coincident - drop
        unequal = size_next - bias[0] - weight[0] * coincident  # 0 where the variances are equal
        half = (unequal.clamp(min=0) + weight[0] * drop) / (2 * size_next)
        ntk = bias[1] + weight[1] * E + weight[0] * derivative * theta_kernel
        return half.clamp(0, 1), bias[0] + weight[0] * E, ntk

    def _interpolated(self, half: Tensor, pair) -> tuple[Tensor, Tensor]:
        """G and E', by Chebyshev series in the mapped angle from the nearer end."""
        far = half > 0.5
        theta = 2 * torch.asin(torch.where(far, 1 - half, half).clamp(0, 1).sqrt())
        y = torch.asinh(theta / self.c) * (2 / math.asinh(math.pi / 2 / self.c)) - 1
        left, right = self.to_grid[pair[0][:, 0]], self.to_grid[pair[1][0]]
        before, now = torch.ones_like(y), y
        sums = 0
        for m in range(self.tables.shape[2]):
            values = (
                left @ self.tables[:, :, m] @ right.T if left.shape[1] > 1 else self.tables[:, :, m]
            )
            sums = sums + before * torch.where(far, values[1], values[0])
            before, now = now, 2 * y * now - before
        return sums[0], sums[1]


def _coincident(activation: Activation, q: Tensor, scale: float | None) -> Tensor:
    """<phi(sqrt(q1) z) phi(sqrt(q2) z)> for all pairs of variances, exactly symmetric."""
    sigma = q.sqrt()
    z, w = gaussian_rule(1.0, None if scale is None else scale / sigma.max().item())
    values = activation(sigma[:, None] * z)
    product = (w * values) @ values.T
    product = (product + product.T) / 2
    product.diagonal().copy_((w * values * values).sum(1))
    return product


def _grid(q: Tensor) -> tuple[Tensor, Tensor]:
    """Variances between which functions analytic for |arg q| < pi are interpolated to 1e-14."""
    low, high = q.min().log().item(), q.max().log().item()
    radius = math.asinh(2 * math.pi / max(high - low, 1e-3))
    size = math.ceil(34 / radius) + 1
    if len(q) <= size:
        return q, torch.eye(len(q), dtype=torch.float64)
    x, coefficients = _chebyshev(size)
    a = (q.log() - (low + high) / 2) / ((high - low) / 2)
    degree = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(degree * torch.acos(a.clamp(-1, 1))[:, None])
    return torch.exp((low + high) / 2 + x * (high - low) / 2), basis @ coefficients


def _chebyshev(size: int) -> tuple[Tensor, Tensor]:
    """Points of the first kind, and the matrix from values there to Chebyshev coefficients."""
    angle = (torch.arange(size, dtype=torch.float64) + 0.5) * (math.pi / size)
    matrix = torch.cos(torch.arange(size)[:, None] * angle) * (2 / size)
    matrix[0] /= 2
    return torch.cos(angle), matrix


def _tables(activation: Activation, sigma: Tensor, c: float) -> Tensor:
    """Coefficients of (G, E') for all pairs of sigma: (2, 2, M, Q, Q),
    as in `_Layer`.
    """
    closest = max(c, _CLOSEST)
    y_max = math.asinh(math.pi / 2 / closest)
    x, coefficients = _chebyshev(math.ceil(32 + 3 * y_max))
    near = closest * torch.sinh((x + 1) * (y_max / 2))
    half = torch.sin(near / 2).square()
    half = torch.stack([half, 1 - half])
    values = _pair_values(activation, sigma, torch.cat([near, math.pi - near]), c)
    values = values.unflatten(1, (2, len(near)))
    values[0] /= 2 * half[..., None, None] * sigma[:, None] * sigma
    return torch.einsum("mk,vhkij->hvmij", coefficients, values)


def _pair_values(activation: Activation, sigma: Tensor, angle: Tensor, c: float) -> Tensor:
    """E(0) - E(angle) and E'(angle) for all pairs of sigma: (2, B, Q, Q)."""
    out = torch.zeros(2, len(angle), len(sigma), len(sigma), dtype=torch.float64)
    s = sigma[:, None]
    for part, x1, x2, w in pair_rules(angle, c):
        for i, (u, v, weight) in enumerate(zip(x1, x2, w, strict=True), part.start):
            (phi1, d1), (phi2, d2) = (value_and_derivative(activation, s * x) for x in (u, v))
            change = phi1 - phi2
            out[0, i] += (change * weight) @ change.T / 2
            out[1, i] += (d1 * weight) @ d2.T
    return (out + out.transpose(-1, -2)) / 2
