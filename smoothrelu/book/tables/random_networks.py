"""What real random networks say beside the curves of theory: means over networks, with their
standard errors, and the closed form of GELU.
"""

from collections.abc import Sequence

import numpy as np
import pandas
import torch

from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.book.tables.definitions import Family, critical_and_he
from smoothrelu.networks.random_networks import InitialisedNetwork, mean_and_error, sampled_flows
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.depth_scaling import chi_products
from smoothrelu.theory.infinite_width.closed_forms import gelu_moments
from smoothrelu.theory.kernel_maps import kernel_flow
from smoothrelu.theory.phases import phase_diagram

_NUDGE = 0.02  # relative, of the kernel: what is left of its square is below a tenth of a percent


def closed_susceptibilities(K: np.ndarray) -> pandas.DataFrame:
    """Columns of `susceptibilities`, by the closed form of GELU's moments and its derivative:
    nothing of them is quadrature but the critical C_W.
    """
    C_W = criticality(GELU()).C_W
    q = torch.as_tensor(K, dtype=torch.float64).clone().requires_grad_()
    square, derivative_square = gelu_moments(1.0)(q, q)
    (slope,) = torch.autograd.grad(square.sum(), q)
    columns = {"K": K, "chi_parallel": C_W * slope, "chi_perp": C_W * derivative_square.detach()}
    return pandas.DataFrame(columns).assign(activation="GELU")


def measured_susceptibilities(
    family: Family, K: np.ndarray, *, width: int, seeds: Sequence[int]
) -> pandas.DataFrame:
    """Columns of `susceptibilities`, and chi_parallel_error, chi_perp_error: the growth in one
    layer of real networks of a small deviation of the kernel and of a small change across the
    input.
    """
    nets, rows = [], []
    for kind in family:
        C_W = criticality(kind()).C_W
        for kernel in K:
            rows.append({"activation": kind.__name__, "K": kernel})
            for start in (kernel * (1 - _NUDGE), kernel * (1 + _NUDGE)):
                nets.append(InitialisedNetwork(kind.__name__, kind(), C_W, 0.0, start))
    kernel, sensitivity = sampled_flows(nets, width=width, depth=2, seeds=seeds).unbind(1)
    difference = kernel[:, 1::2] - kernel[:, ::2]  # (seeds, points, 2)
    turned = sensitivity[:, :, 1].unflatten(1, (-1, 2)).mean(2)
    growths = torch.stack([difference[..., 1] / difference[..., 0], turned], 1)
    mean, error = mean_and_error(growths)
    columns = {"chi_parallel": mean[0], "chi_parallel_error": error[0]}
    columns |= {"chi_perp": mean[1], "chi_perp_error": error[1]}
    return pandas.DataFrame(rows).assign(**{name: v.numpy() for name, v in columns.items()})


def errors_off(
    measured: pandas.DataFrame,
    theory: pandas.DataFrame,
    columns: Sequence[str],
    *,
    beyond: float,
) -> pandas.Series:
    """By how many standard errors each column of `measured` is off that of `theory` at most, beyond
    the relative difference that a finite width may make; by column.

    Rows belong together that agree in whatever else the two tables share.
    """
    errors = [f"{name}_error" for name in columns]
    keys = [name for name in measured if name in theory and name not in columns]
    both = measured.merge(theory, on=keys, suffixes=("", "_theory"))
    if len(both) < len(measured):
        raise ValueError(f"{len(measured) - len(both)} rows of {keys} have no theory beside them")
    expected = both[[f"{name}_theory" for name in columns]].to_numpy()
    off = np.abs(both[list(columns)].to_numpy() - expected) - beyond * np.abs(expected)
    return pandas.Series((off / both[errors].to_numpy()).max(0), index=list(columns))


def measured_flows(
    family: Family,
    temperatures: Sequence[float],
    *,
    depth: int,
    width: int,
    seeds: Sequence[int],
    x_square: float = 1.0,
) -> pandas.DataFrame:
    """K and gradient of `kernel_flows` at some ten layers, measured in real networks, with their
    standard errors K_error and gradient_error.

    Both are those of the typical network: means of the logarithm, which is nearly normal where the
    kernel itself has tails too heavy for the scatter of a few networks to be trusted. The typical
    kernel lies below the mean one by half the variance of the logarithm, up to 5 depth/(2 width).

    Where a signal dies, chance decides in which layer: the last column, spread, is the standard
    deviation of ln K among the networks, in this layer or the one before it where it was greatest.
    Once it has passed 1 there is no typical network, and the theory's curve is none.
    """
    nets, labels = [], []
    for kind in family:
        for T in temperatures:
            for init, (C_W, C_b) in critical_and_he(kind(T)).items():
                nets.append(
                    InitialisedNetwork(kind.__name__, kind(T), C_W, C_b, C_b + C_W * x_square)
                )
                labels.append({"activation": kind.__name__, "temperature": T, "init": init})
    mean, error = mean_and_error(sampled_flows(nets, width=width, depth=depth, seeds=seeds).log())
    typical, error = mean.exp(), error * mean.exp()
    step = max(1, depth // 10)
    frames = []
    for label, m, e in zip(labels, typical.transpose(0, 1), error.transpose(0, 1), strict=True):
        columns = {"K": m[0], "K_error": e[0], "gradient": m[1], "gradient_error": e[1]}
        frame = pandas.DataFrame({name: v.numpy() for name, v in columns.items()})
        frame = frame.assign(layer=range(1, depth + 1), **label)
        frame["spread"] = (frame["K_error"] / frame["K"]).cummax() * len(seeds) ** 0.5
        frames.append(frame[step - 1 :: step])
    return pandas.concat(frames, ignore_index=True)


def measured_phases(
    family: Family,
    points: Sequence[tuple[float, float]],
    *,
    depth: int,
    width: int,
    seeds: Sequence[int],
) -> pandas.DataFrame:
    """Real networks at some points (C_W, C_b in units of the critical one) of the phase diagram at
    T = 1: a row for each activation and point.

    They start at the kernel where the diagram says that the flow from K* comes to rest; where it
    says never, at K*. log_chi: ln of the growth per layer of a small change of the input, measured;
    K: the kernel of the last layer over that of the first. Both with their standard errors
    log_chi_error, K_error, and as infinite width has them, log_chi_theory, K_theory.
    """
    nets, rows = [], []
    for kind in family:
        c = criticality(kind())
        for C_W, share in points:
            end = phase_diagram(kind(), C_W, share * c.C_b, start=c.K_star).K.item()
            start = end if end < float("inf") else c.K_star
            net = InitialisedNetwork(kind.__name__, kind(), C_W, share * c.C_b, start)
            flow = kernel_flow(kind(), start, depth=depth, C_W=C_W, C_b=net.C_b)
            _, gradient = chi_products(kind(), flow, C_W=C_W)
            row = {"activation": kind.__name__, "C_W": C_W, "C_b_share": share, "ends": end}
            row["log_chi_theory"] = gradient[-1].log().item() / (depth - 1)
            rows.append(row | {"K_theory": flow[-1].item() / start})
            nets.append(net)
    mean, error = mean_and_error(sampled_flows(nets, width=width, depth=depth, seeds=seeds))
    last, bar, starts = mean[..., -1], error[..., -1], mean.new_tensor([net.K for net in nets])
    columns = {"K": last[0] / starts, "K_error": bar[0] / starts}
    columns |= {"log_chi": last[1].log() / (depth - 1)}
    columns |= {"log_chi_error": bar[1] / last[1] / (depth - 1)}
    return pandas.DataFrame(rows).assign(**{name: v.numpy() for name, v in columns.items()})
