"""Rates at criticality, phase diagrams, and flows over depth beside real networks."""

import math
from collections.abc import Sequence

import numpy as np
import pandas
import torch

from smoothrelu.book.tables.definitions import Family
from smoothrelu.networks.initialisation import gaussian_init_
from smoothrelu.networks.layerwise import preactivations
from smoothrelu.networks.mlp import MLP
from smoothrelu.theory.correlation import angle_flow
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.depth_scaling import (
    approach_length,
    chi_products,
    crossover_depth,
    edge_of_chaos,
    rates,
)
from smoothrelu.theory.kernel_fixed_points import fixed_points
from smoothrelu.theory.kernel_maps import chi_perp, kernel_flow, moments
from smoothrelu.theory.phases import phase_diagram


def critical_rates(family: Family) -> pandas.DataFrame:
    """The rates of each activation at its critical point, T = 1, dimensionless: a K*, b K*, c K*.

    gradient_exponent = -b/a; power_layers = 1/(a K*), the layers after which a start off by K*
    itself is in the power law; gradient_layers = 1/(b K*), over which its gradient changes by e;
    neighbour, length: the nearest ordinary attractor over K*, and its approach length, NaN where
    there is none.
    """
    rows = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        r = rates(activation, c)
        row = {"activation": kind.__name__, "C_W": c.C_W, "C_b": c.C_b, "K_star": c.K_star}
        row |= {"a": r.kernel_rate * c.K_star, "b": r.gradient_rate * c.K_star}
        row |= {"c": r.correlation_rate * c.K_star}
        row |= {"gradient_exponent": r.gradient_exponent}
        row |= {"power_layers": 1 / abs(row["a"]), "gradient_layers": 1 / abs(row["b"])}
        points = fixed_points(activation, C_W=c.C_W, C_b=c.C_b, marginal=c.K_star)
        others = [p for p in points if p.attracts_from_below and p.attracts_from_above]
        row |= {"neighbour": math.nan, "length": math.nan}
        if others:
            row["neighbour"] = others[0].K / c.K_star
            row["length"] = approach_length(others[0].chi_parallel)
        rows.append(row)
    return pandas.DataFrame(rows)


def phases(
    family: Family, C_W: np.ndarray, C_b_share: np.ndarray, *, start: float
) -> pandas.DataFrame:
    """The phase diagram at T = 1: a row for each activation and pair (C_W, C_b).

    C_b_share: C_b in units of the activation's critical one. start: the kernel of the first layer
    in units of K*. K: where the flow ends. log_chi: ln chi_perp there, per layer.
    """
    frames = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        x, y = torch.as_tensor(C_W), c.C_b * torch.as_tensor(C_b_share)[:, None]
        d = phase_diagram(activation, x, y, start=start * c.K_star)
        columns = {"C_W": d.C_W, "C_b": d.C_b, "K": d.K, "log_chi": d.chi_perp.log()}
        frame = pandas.DataFrame({name: v.flatten().numpy() for name, v in columns.items()})
        frame["activation"], frame["C_b_share"] = kind.__name__, frame["C_b"] / c.C_b
        frame["phase"] = np.select(
            [np.isinf(frame["K"]), frame["K"] == 0, frame["log_chi"] > 0],
            ["growing", "vanishing", "chaotic"],
            "ordered",
        )
        frames.append(frame)
    return pandas.concat(frames, ignore_index=True)


def phase_boundaries(family: Family, K_share: np.ndarray) -> pandas.DataFrame:
    """Two lines through the critical point, T = 1, by the kernel K (in units of K*) that is a fixed
    point on them: "edge", where chi_perp = 1 there, and "fold", where chi_parallel = 1, so that an
    attractor appears or disappears.

    attracts: whether the fixed point does (on the edge: chi_parallel < 1).
    """
    frames = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        K = c.K_star * torch.as_tensor(K_share)
        m = moments(activation, K)
        for line, slope in (("edge", m.derivative_square), ("fold", m.slope)):
            C_W, C_b = 1 / slope, K - m.square / slope
            frame = pandas.DataFrame({"K_share": K_share, "C_W": C_W, "C_b_share": C_b / c.C_b})
            frame["attracts"] = (C_W * m.slope <= 1 + 1e-9).numpy()
            frames.append(frame.assign(activation=kind.__name__, line=line))
    return pandas.concat(frames, ignore_index=True)


def slow_flows(family: Family, *, offset: float, depth: int) -> pandas.DataFrame:
    """The critical flow at T = 1 from K* (1 - offset) or K* (1 + offset), the side that attracts,
    exact and by the law of `Rates`, on layers spaced evenly in their logarithm.

    distance: |K - K*|/K*; gradient: the product of chi_perp; law_distance, law_gradient.
    """
    layers = np.unique(np.geomspace(1, depth, 120).round().astype(int))
    frames = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        r = rates(activation, c)
        start = c.K_star * (1 - math.copysign(offset, r.kernel_rate))
        K = kernel_flow(activation, start, depth=depth, C_W=c.C_W, C_b=c.C_b)
        _, gradient = chi_products(activation, K, C_W=c.C_W)
        at = torch.as_tensor(layers, dtype=torch.float64)
        columns = {"gradient": gradient[layers - 1], "law_gradient": r.gradient(start, at)}
        columns["distance"] = (K[layers - 1] / c.K_star - 1).abs()
        columns["law_distance"] = (r.kernel(start, at) / c.K_star - 1).abs()
        frames.append(pandas.DataFrame(columns).assign(layer=layers, activation=kind.__name__))
    return pandas.concat(frames, ignore_index=True)


def initialisations(
    family: Family, temperature: float, *, x_square: float, fan_in: int, depth: int
) -> pandas.DataFrame:
    """What each initialisation makes of an input of mean square x_square: a row for each activation
    and for critical, edge (of chaos, at the kernel x_square), He and PyTorch's default.

    C_b; K and chi_perp where the flow ends; gradient: the product of chi_perp over `depth` layers.
    fan_in: PyTorch's biases have the variance 1/(3 fan_in), its weights C_W = 1/3. NaN for the edge
    where x_square lies below K*, so that no attractor has chi_perp = 1.
    """
    rows = []
    for kind in family:
        activation = kind(temperature)
        c = criticality(activation)
        pairs = {"critical": (c.C_W, c.C_b), "he": (2.0, 0.0), "standard": (1 / 3, 1 / 3 / fan_in)}
        if x_square > c.K_star:
            pairs["edge"] = edge_of_chaos(activation, x_square)
        for init, (C_W, C_b) in pairs.items():
            K = x_square if init == "edge" else C_b + C_W * x_square
            flow = kernel_flow(activation, K, depth=depth, C_W=C_W, C_b=C_b)
            _, gradient = chi_products(activation, flow, C_W=C_W)
            end = phase_diagram(activation, C_W, C_b, start=K)
            row = {"activation": kind.__name__, "init": init, "C_W": C_W, "C_b": C_b}
            row |= {"K": end.K.item(), "chi_perp": end.chi_perp.item()}
            rows.append(row | {"gradient": gradient[-1].item()})
    return pandas.DataFrame(rows)


def matching_temperatures(family: Family, *, x_square: float) -> pandas.DataFrame:
    """The temperature at which the first layer of a critical network makes K* of an input of mean
    square x_square, T^2 = x_square C_W/(K* - C_b) in units of T = 1; and there, and at a hundredth
    of it, the depth from which the angle between inputs feels the corner.
    """
    rows = []
    for kind in family:
        c = criticality(kind())
        T = math.sqrt(x_square * c.C_W / (c.K_star - c.C_b))
        row = {"activation": kind.__name__, "temperature": T}
        for name, share in (("crossover", 1.0), ("cold_crossover", 0.01)):
            row[name] = crossover_depth(kind(share * T), c.K_star * T * T)
        rows.append(row)
    return pandas.DataFrame(rows)


def network_flows(
    family: Family, *, depth: int, width: int, seeds: Sequence[int], x_square: float, angle: float
) -> pandas.DataFrame:
    """Kernel and 1 - rho over the layers of critical networks at T = 1, for two inputs of mean
    square x_square and an angle between them: by theory, and in real networks of finite width.

    A row for each (activation, layer, seed): K, rest = 1 - rho; and K_theory, rest_theory.
    """
    frames = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        K = c.C_b + c.C_W * x_square
        half = c.C_W * x_square / K * math.sin(angle / 2) ** 2
        first = 2 * math.asin(math.sqrt(half))
        theory = kernel_flow(activation, K, depth=depth, C_W=c.C_W, C_b=c.C_b)
        theta = angle_flow(activation, K, first, depth=depth, C_W=c.C_W, C_b=c.C_b)
        columns = {"layer": range(1, depth + 1), "K_theory": theory}
        columns["rest_theory"] = 2 * (theta / 2).sin().square()
        for seed in seeds:
            z1, z2 = _preactivations(activation, c, depth, width, seed, x_square, angle)
            K1, K2 = z1.square().mean(1), z2.square().mean(1)
            measured = {"K": (K1 + K2) / 2, "rest": 1 - (z1 * z2).mean(1) / (K1 * K2).sqrt()}
            frame = pandas.DataFrame(columns | measured)
            frames.append(frame.assign(activation=kind.__name__, seed=seed))
    return pandas.concat(frames, ignore_index=True)


def _preactivations(activation, c, depth, width, seed, x_square, angle) -> torch.Tensor:
    """Of two inputs in every layer of one random network, (2, depth, width), float64."""
    with torch.device("meta"):  # torch would draw all weights once more
        net = MLP(2, width, width=width, depth=depth, activation=activation)
    net.to_empty(device="cpu")
    gaussian_init_(net, C_W=c.C_W, C_b=c.C_b, generator=torch.Generator().manual_seed(seed))
    x = math.sqrt(2 * x_square) * torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    with torch.no_grad():
        return torch.stack(preactivations(net, x), 1).double()


def corner_flows(
    activation_kind: type, temperatures: Sequence[float], *, reach: float, angle: float = 1.0
) -> pandas.DataFrame:
    """Angles at kernel 1 over reach/T layers, for each temperature on the edge of chaos and with He
    initialisation, and ReLU's; scaled = angle/T against scaled_layer = layer T, and 1 - rho.

    smooth_law: the angle by which all curves on the edge end, from 1 - rho = 1/(c K l).
    """
    frames = []
    for T in temperatures:
        activation, depth = activation_kind(T), math.ceil(reach / T)
        layers = np.unique(np.geomspace(1, depth, 150).round().astype(int))
        crossover = crossover_depth(activation, 1.0)
        for init, (C_W, C_b) in {"edge": edge_of_chaos(activation, 1.0), "he": (2.0, 0.0)}.items():
            theta = angle_flow(activation, 1.0, angle, depth=depth, C_W=C_W, C_b=C_b)
            frame = pandas.DataFrame({"layer": layers, "angle": theta[layers - 1]})
            frame = frame.assign(temperature=T, init=init, crossover=crossover)
            frame["chi_perp"] = chi_perp(activation, 1.0, C_W=C_W)
            frames.append(frame)
    table = pandas.concat(frames, ignore_index=True)
    table["scaled"], table["scaled_layer"] = (
        table["angle"] / table["temperature"],
        table["layer"] * table["temperature"],
    )
    table["rest"] = 2 * np.sin(table["angle"] / 2) ** 2
    table["relu_law"] = 3 * np.pi / table["scaled_layer"]
    table["smooth_law"] = (
        3 * np.pi / np.sqrt(table["crossover"] * table["temperature"] * table["scaled_layer"])
    )
    return table.assign(activation=activation_kind.__name__)
