r"""How fast kernels, gradients and angles move with depth: the laws, and their constants as
integrals. The exact flows are `kernel_flow` and `angle_flow`.

Near an ordinary fixed point a deviation shrinks by the factor chi_parallel per layer, so
exponentially, over a length of -1/ln chi_parallel layers. At a half-stable point chi_parallel is 1,
and the next order of the map decides. (PDLT, section 5.3.4, has the classes; the constants as
integrals and the laws with a start are derived here.)

    delta(l+1) = delta + a delta^2 + ...,   delta = K - K*,   a = (1/2) d^2K'/dK^2  at K*.

With 1/delta = u the map reads u' = u - a + O(1/u): u falls by a per layer, and

    delta(l) = delta(1) / (1 - a delta(1) (l - 1))  ->  -1/(a l)      if a delta(1) < 0.        (1)

So the point attracts from below where a > 0, from above where a < 0. On the way
chi_perp = 1 + b delta + ..., b = d chi_perp/dK at K*, and the sum of ln chi_perp over the layers is
b times the sum of (1):

    prod chi_perp = (1 - a delta(1) (l - 1))^(-b/a)  ->  const l^(-b/a).                        (2)

While l is below 1/|a delta(1)| that is exp(b delta(1) l): the gradient changes exponentially, over
1/|b delta(1)| layers, and only far beyond turns into a power. Since d delta(l)/d delta(1) is
(delta(l)/delta(1))^2, the product of chi_parallel goes like l^-2 in every half-stable class.

Two inputs of equal norm, with covariance C: let D = K - C. Price's theorem, d<phi phi>/dC =
<phi' phi'>, expanded in D, gives

    D' = chi_perp(K) D - c D^2 + ...,        c = (C_W/2) <phi''^2>.                             (3)

At K = K* therefore 1 - rho = D/K* -> 1/(c K* l). If K itself approaches as in (1), chi_perp is
1 - p/l with p = b/a, v = 1/D obeys v' = v + p v/l + c, and D -> (1 - p)/(c l) for p < 1, and
const l^-p for p > 1. ReLU has no phi'': from its closed form theta' = theta - theta^2/(3 pi), so
theta -> 3 pi/l and 1 - rho -> 9 pi^2/(2 l^2).                                                  (4)

A smooth ReLU at T << sqrt(K) has phi'' = h(z/T)/T, a peak of area 1 at the origin. <phi'' phi''> at
angle theta sees it through the difference z1 - z2, of standard deviation theta sqrt(K): it is
(2 pi K)^(-1/2) G(s)/T, a function of s = theta sqrt(K)/T. Integrating it twice, with e = s^2/2 =
(1 - rho) K/T^2,

    e' = chi_perp e - (T/sqrt(K)) M(e),      M'' = (2/pi)^(1/2) G.                               (5)

On the edge of chaos, chi_perp = 1, T and l enter as l T/sqrt(K) only: angles at different T lie on
one curve. For s >> 1 it is ReLU's, s = 3 pi sqrt(K)/(T l); for s << 1 it is (3). They meet at
l = (9 pi^2/2) c K.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothrelu.theory.critical import Criticality
from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import moments
from smoothrelu.theory.quadrature import gaussian_mean, gaussian_rule
from smoothrelu.theory.variances import Variances


@dataclass(frozen=True)
class Rates:
    """The constants of a half-stable fixed point K_star: a, b and c of the module's equations, all
    in units of 1/K.
    """

    K_star: float
    kernel_rate: float
    gradient_rate: float
    correlation_rate: float

    @property
    def gradient_exponent(self) -> float:
        """The power of the depth as which the product of chi_perp ends: -b/a."""
        return -self.gradient_rate / self.kernel_rate

    def kernel(self, K: float, layers: Tensor) -> Tensor:
        """K(l) by (1) from K(1) = K. It holds while |K - K_star| is small against the distance to
        the next fixed point: of the critical maps, 2% of K_star for SWISH, 1% for GudermanLU.
        """
        delta = K - self.K_star
        return self.K_star + delta / (1 - self.kernel_rate * delta * (layers - 1))

    def gradient(self, K: float, layers: Tensor) -> Tensor:
        """The product of chi_perp over the layers before l, by (2), from K(1) = K."""
        delta = K - self.K_star
        return (1 - self.kernel_rate * delta * (layers - 1)) ** self.gradient_exponent


def rates(activation: Activation, critical: Criticality) -> Rates:
    r"""a = (C_W/4K^3) <z phi phi' (z^2 - 3K)>,  b = (C_W/2K^2) <phi'^2 (z^2 - K)>,
    c = (C_W/2) <phi''^2>  at K = K_star: derivatives in K of the map and of chi_perp, with the
    derivatives moved onto the normal density by parts.

    critical: the activation's `criticality`. Accuracy: relative 1e-8 for the smooth ReLUs at any
    temperature. Raises ValueError where K_star is None or 0: there is no half-stable point.
    """
    activation, K = Elementwise.of(activation), critical.K_star
    if not K:
        raise ValueError(
            f"rates belong to a half-stable point, K_star > 0; {activation.name} is of the class "
            f"{critical.universality!r}"
        )
    z, w = gaussian_rule(K, activation.length_scale)
    phi, derivative = activation.value_and_derivative(z)
    a = (w * z * phi * derivative * (z * z - 3 * K)).sum() / (4 * K**3)
    b = (w * derivative.square() * (z * z - K)).sum() / (2 * K**2)
    return Rates(
        K_star=K,
        kernel_rate=critical.C_W * a.item(),
        gradient_rate=critical.C_W * b.item(),
        correlation_rate=critical.C_W * (curvature(activation, K) / 2),
    )


def curvature(activation: Activation, K: float) -> float:
    """<phi''^2>_K, which decides how fast nearly equal inputs merge; of order 1/(T sqrt(K)).

    Infinite for a function with a kink, of which only the parts between the kinks are seen here.
    """
    activation = Elementwise.of(activation)
    return gaussian_mean(
        lambda z: activation.second_derivative(z).square(), K, activation.length_scale
    ).item()


def crossover_depth(activation: Activation, K: float) -> float:
    """The depth l = (9 pi^2/2) c K at which an angle stops falling as ReLU's, 3 pi/l, because the
    rounded corner is wider than the two inputs are apart; for a network on the edge of chaos at K.
    """
    activation = Elementwise.of(activation)
    C_W, _ = edge_of_chaos(activation, K)
    return 4.5 * math.pi**2 * C_W / 2 * curvature(activation, K) * K


def edge_of_chaos(activation: Activation, K: float) -> Variances:
    """The variances C_W = 1/<phi'^2>_K and C_b = K - C_W <phi^2>_K, with which K is a fixed point
    and chi_perp there is 1.

    K attracts, and so the edge is real, where chi_parallel < 1: above the critical kernel of a
    smooth ReLU. Raises ValueError where C_b would be negative.
    """
    m = moments(activation, K)
    C_W = 1 / m.derivative_square.item()
    C_b = K - C_W * m.square.item()
    if C_b < -1e-12 * K:
        raise ValueError(f"chi_perp = 1 at the fixed point K = {K:.6g} needs C_b = {C_b:.6g} < 0")
    return Variances(C_W, max(C_b, 0.0))


def approach_length(chi_parallel: float) -> float:
    """-1/ln chi_parallel, the layers in which a deviation from a fixed point shrinks by e; inf at
    1, negative where it grows.
    """
    if not chi_parallel > 0:
        raise ValueError(f"chi_parallel must be positive, got {chi_parallel}")
    return -1 / math.log(chi_parallel) if chi_parallel != 1 else math.inf


def chi_products(activation: Activation, kernels: Tensor, *, C_W: float) -> tuple[Tensor, Tensor]:
    """The products of chi_parallel and of chi_perp over all layers before each, (depth,) float64:
    how much a deviation of the kernel, and the squared gradient on its way back, have changed.

    kernels: as `kernel_flow` gives them. Raises ValueError where one of them is 0 or inf.
    """
    m = moments(activation, kernels)
    one = kernels.new_ones(1)
    return tuple(
        torch.cat([one, (C_W * chi[:-1]).cumprod(0)]) for chi in (m.slope, m.derivative_square)
    )
