r"""What a finite width n adds to the theory: the kernel becomes a random number.

One input, Gaussian weights: given layer l, the preactivations of layer l + 1 are independent over
its neurons and exactly normal, with the variance

    K_hat(l+1) = C_b + C_W (1/n) sum_i phi(z_i)^2,    z_i ~ N(0, K_hat(l)) independent.

So the kernels K_hat(1), K_hat(2), ... are a Markov chain whose mean step is the kernel map F,
E[K_hat(l+1) | K_hat(l)] = F(K_hat(l)), and whose variance per step is N(K_hat(l))/n with N(K) =
C_W^2 (<phi^4>_K - <phi^2>_K^2). Expanding in 1/n about the flow K(l) of infinite width,

    Var K_hat(l) = V(l)/n,      V(l+1) = F'(K)^2 V(l) + N(K),                 V(1) = 0,
    E K_hat(l) - K(l) = G(l)/n, G(l+1) = F'(K) G(l) + F''(K) V(l)/2,          G(1) = 0,

with F' = chi_parallel. Source: PDLT, chapter 4 (V is its four-point vertex, G its correction to
the kernel) and section 5.4.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import chi_parallel, kernel_flow, moments
from smoothrelu.theory.quadrature import gaussian_mean

_AT_ONCE = 1 << 16  # preactivations: they stay in the cache


@dataclass(frozen=True)
class LeadingOrder:
    """Kernels of infinite width K, and V and G of the module's equations: three float64 tensors,
    one number a layer, from layer 1.
    """

    K: Tensor
    V: Tensor
    G: Tensor


def leading_order(
    activation: Activation, K: float, *, depth: int, C_W: float, C_b: float
) -> LeadingOrder:
    """Variance V/n and shift of the mean G/n of the kernels of layers 1 to depth, to leading order
    in 1/n.

    K: the kernel of the first layer, which does not fluctuate. V is in units of K^2, G in units of
    K. What is left out is smaller by a factor of order depth/n.
    Errors: `kernel_map`.
    """
    activation = Elementwise.of(activation)
    flow = kernel_flow(activation, K, depth=depth, C_W=C_W, C_b=C_b)
    slopes = chi_parallel(activation, flow, C_W=C_W).tolist()
    bends = kernel_curvature(activation, flow, C_W=C_W).tolist()
    noises = kernel_noise(activation, flow, C_W=C_W).tolist()
    V, G = [0.0], [0.0]
    for slope, bend, noise in zip(slopes[:-1], bends[:-1], noises[:-1], strict=True):
        G.append(slope * G[-1] + bend * V[-1] / 2)
        V.append(slope**2 * V[-1] + noise)
    V, G = (torch.tensor(x, dtype=torch.float64) for x in (V, G))
    return LeadingOrder(K=flow, V=V, G=G)


def kernel_noise(activation: Activation, K: float | Tensor, *, C_W: float) -> float | Tensor:
    r"""n times the variance that one layer adds to the kernel,  N(K) = C_W^2 (<phi^4>_K -
    <phi^2>_K^2).

    5 K^2 for ReLU at C_W = 2, 2 (C_W K)^2 for a linear layer. Shapes, accuracy and errors:
    `kernel_map`.
    """
    activation = Elementwise.of(activation)
    moments(activation, K)  # refuses what is no kernel
    fourth = gaussian_mean(lambda z: activation(z) ** 4, K, activation.length_scale)
    square = gaussian_mean(lambda z: activation(z) ** 2, K, activation.length_scale)
    noise = C_W**2 * (fourth - square**2)
    return noise if isinstance(K, Tensor) else noise.item()


def kernel_curvature(activation: Activation, K: float | Tensor, *, C_W: float) -> float | Tensor:
    r"""Second derivative of the kernel map,  F''(K) = C_W/(4 K^4) <phi^2 (z^4 - 6 K z^2 + 3
    K^2)>_K.

    From d<f>_K/dK = <f''>_K/2, twice, the derivatives shifted to the normal density; 0 for ReLU.
    Shapes and errors: `kernel_map`. Accuracy: K F'' to 1e-11 C_W, absolutely.
    """
    activation = Elementwise.of(activation)
    moments(activation, K)  # refuses what is no kernel
    k = torch.as_tensor(K, dtype=torch.float64)

    def integrand(z: Tensor) -> Tensor:
        x = z / k.sqrt().unsqueeze(-1)
        return (activation(z) / k.sqrt().unsqueeze(-1)) ** 2 * (x**4 - 6 * x**2 + 3)

    bend = C_W / (4 * k) * gaussian_mean(integrand, k, activation.length_scale)
    return bend if isinstance(K, Tensor) else bend.item()


def relu_fluctuation(width: int, layer: int) -> float:
    """Var K_hat / K^2 of a He-initialised ReLU network, exactly:  (1 + 5/n)^(l-1) - 1."""
    return math.expm1((layer - 1) * math.log1p(5 / width))


def relu_log_variance(width: int, layer: int) -> float:
    """Var log K_hat of a He-initialised ReLU network, exactly; 5 (l-1)/n to leading order.

    A layer adds the variance of log chi^2 of m degrees of freedom, m ~ Binomial(n, 1/2) being the
    neurons that fire: E psi'(m/2) + Var psi(m/2). A layer that is silent throughout, probability
    2^-n, is left out.
    """
    m = torch.arange(1, width + 1, dtype=torch.float64)
    n = torch.tensor(float(width), dtype=torch.float64)
    chance = torch.lgamma(n + 1) - torch.lgamma(m + 1) - torch.lgamma(n - m + 1)
    chance = torch.softmax(chance, 0)
    mean = (chance * torch.digamma(m / 2)).sum()
    spread = (chance * (torch.digamma(m / 2) - mean) ** 2).sum()
    return (layer - 1) * (spread + (chance * torch.polygamma(1, m / 2)).sum()).item()


# --- sampling


def sample_kernels(
    activation: Activation,
    K: float,
    *,
    width: int,
    depth: int,
    members: int,
    C_W: float,
    C_b: float,
    generator: Generator,
) -> Tensor:
    """The Markov chain of the kernels, sampled: float64, shape (members, depth).

    Exactly as distributed as in real networks seen by one input, at n random numbers a layer
    instead of n^2. The same seed gives two activations the same random numbers.
    Accuracy: the preactivations are float32, which moves a kernel by a relative 1e-6 at most.
    """
    kernels = [torch.full((members,), K, dtype=torch.float64)]
    while len(kernels) < depth:
        step = next_kernels(
            activation, kernels[-1], width=width, C_W=C_W, C_b=C_b, generator=generator
        )
        kernels.append(step)
    return torch.stack(kernels, 1)


def ensemble_statistics(kernels: Tensor) -> dict[str, Tensor]:
    """Over an ensemble of kernels (members, depth): mean_K, sd_K, and of log K_hat the standard
    deviation sd_log_K and the kurtosis (3 for a normal distribution); each of shape (depth,).

    The logarithm is nearly normal where K_hat itself, nearly log-normal, has tails too heavy for
    its sample variance to be trusted. Both variances have the same leading order, V/(n K^2).
    """
    logs = kernels.log()
    centred = logs - logs.mean(0)
    return {
        "mean_K": kernels.mean(0),
        "sd_K": kernels.std(0),
        "sd_log_K": logs.std(0),
        "kurtosis_log_K": (centred**4).mean(0) / (centred**2).mean(0) ** 2,
    }


def paired_with_relu(ratios: Tensor, relu: Tensor) -> dict[str, Tensor]:
    """An ensemble of K_hat/K beside ReLU's from the same random numbers, both (members, depth).

    mean_excess: the mean of their difference; ReLU's mean being exactly 1, it is E K_hat/K - 1.
    variance_ratio: Var log K_hat over ReLU's, which is known exactly (`relu_log_variance`). Most of
    the scatter is common and drops out of both; sd_excess and sd_ratio are what is left in one
    member. Each of shape (depth,); the ratio of layer 1, where nothing varies, is NaN.
    """
    excess = ratios - relu
    logs = torch.stack([ratios.log(), relu.log()])
    squares = (logs - logs.mean(1, keepdim=True)) ** 2
    variances = squares.mean(1)
    ratio = variances[0] / variances[1]
    left = (squares[0] / variances[0] - squares[1] / variances[1]) * ratio
    return {
        "mean_excess": excess.mean(0),
        "sd_excess": excess.std(0),
        "variance_ratio": ratio,
        "sd_ratio": left.std(0),
    }


def next_kernels(
    activation: Activation,
    kernels: Tensor,
    *,
    width: int,
    C_W: float,
    C_b: float,
    generator: Generator,
) -> Tensor:
    """One step of the chain for each of the kernels (members,), float64. See `sample_kernels`."""
    squares = torch.empty_like(kernels)
    deviations = kernels.sqrt().float().unsqueeze(1)
    for part in torch.arange(len(kernels)).split(max(1, _AT_ONCE // width)):
        z = torch.randn(len(part), width, generator=generator, dtype=torch.float32)
        phi = activation(z.mul_(deviations[part]))  # (members, width)
        squares[part] = torch.linalg.vector_norm(phi, dim=1, dtype=torch.float64) ** 2
    return C_b + C_W / width * squares
