"""Critical constants, fixed points, susceptibilities, and kernels over depth."""

from collections.abc import Sequence

import numpy as np
import pandas
import torch
from torch.nn import Module

from smoothrelu.activations.smooth_relu import SMOOTH_RELUS, Mish
from smoothrelu.book.tables.definitions import Family, critical_and_he
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.depth_scaling import rates
from smoothrelu.theory.elementwise import Activation
from smoothrelu.theory.kernel_fixed_points import FixedPoint, attractor_of, fixed_points
from smoothrelu.theory.kernel_maps import chi_parallel, chi_perp, kernel_flow


def critical_constants(family: Family, temperatures: Sequence[float]) -> pandas.DataFrame:
    """C_W, C_b and K_star of each activation at each temperature, with both susceptibilities at
    K_star, and x_square, the mean square of the inputs whose first kernel is K_star.
    """
    rows = []
    for kind in family:
        for T in temperatures:
            activation = kind(T)
            c = criticality(activation)
            rows.append(
                {
                    "activation": kind.__name__,
                    "temperature": T,
                    "C_W": c.C_W,
                    "C_b": c.C_b,
                    "K_star": c.K_star,
                    "x_square": (c.K_star - c.C_b) / c.C_W,
                    "chi_parallel": chi_parallel(activation, c.K_star, C_W=c.C_W),
                    "chi_perp": chi_perp(activation, c.K_star, C_W=c.C_W),
                }
            )
    return pandas.DataFrame(rows)


def critical_in_words(constants: pandas.DataFrame, T: float) -> str:
    """The critical constants at T, their range over activations (table: `critical_constants`)."""
    here = constants[constants["temperature"] == T]
    names = {"C_W": "C_W", "C_b": "C_b", "K_star": "K*", "x_square": "inputs of mean square"}
    spans = [f"{name} {_span(here[column])}" for column, name in names.items()]
    return f"T = {T:g}: {', '.join(spans)}"


def _span(values: pandas.Series) -> str:
    low, high = (f"{x:.3g}" for x in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def critical_fixed_points(family: Family) -> pandas.DataFrame:
    """Every fixed point of the critical kernel map at temperature 1, with the sides it attracts and
    the basin it attracts from, and where the kernel goes that the first layer makes of an input of
    mean square 1.
    """
    rows = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        points = fixed_points(activation, C_W=c.C_W, C_b=c.C_b, marginal=c.K_star)
        goal = attractor_of(points, c.C_b + c.C_W)
        for p in points:
            row = {"activation": kind.__name__} | _fixed_point(p)
            rows.append(row | {"critical": c.K_star == p.K, "reached": goal == p.K})
    return pandas.DataFrame(rows)


def _fixed_point(p: FixedPoint) -> dict:
    sides = {"below": p.attracts_from_below, "above": p.attracts_from_above}
    return {
        "K": p.K,
        "chi_parallel": p.chi_parallel,
        "chi_perp": p.chi_perp,
        "attracts": " and ".join(side for side, yes in sides.items() if yes),
        "basin_low": p.basin[0],
        "basin_high": p.basin[1],
    }


def all_critical_constants(activations: Sequence[Activation]) -> pandas.DataFrame:
    """Everything known of the critical point of each activation as it stands: a row for each fixed
    point of its critical map, columns in the order of the published table.

    critical: whether the fixed point is the critical one. rate_a, rate_b, rate_c: of `Rates`, in
    units of 1/K, at half-stable points. A scale-invariant activation has one row, without K.
    """
    rows = []
    for activation in activations:
        c = criticality(activation)
        name = type(activation).__name__ if isinstance(activation, Module) else activation.__name__
        row = {"activation": name, "universality": c.universality, "C_W": c.C_W, "C_b": c.C_b}
        row["K_star"] = c.K_star
        if c.universality == "half-stable":
            r = rates(activation, c)
            row |= {
                "rate_a": r.kernel_rate,
                "rate_b": r.gradient_rate,
                "rate_c": r.correlation_rate,
            }
        if c.K_star is None:
            rows.append(row | {"critical": True})
            continue
        points = fixed_points(activation, C_W=c.C_W, C_b=c.C_b, marginal=c.K_star or None)
        rows += [row | _fixed_point(p) | {"critical": c.K_star == p.K} for p in points]
    return pandas.DataFrame(rows)


def published() -> pandas.DataFrame:
    """`all_critical_constants` of the five smooth ReLUs, Mish and ReLU at temperature 1, and of
    torch's own silu, gelu and tanh: what `python -m smoothrelu.book.tables` writes.
    """
    functions = torch.nn.functional
    ours = [kind() for kind in (*SMOOTH_RELUS, Mish)]
    return all_critical_constants(
        [*ours, torch.nn.ReLU(), functions.silu, functions.gelu, torch.tanh]
    )


def susceptibilities(family: Family, K: np.ndarray) -> pandas.DataFrame:
    """chi_parallel and chi_perp against the kernel K, at temperature 1 and the critical C_W of
    each activation.
    """
    kernels = torch.as_tensor(K, dtype=torch.float64)
    frames = []
    for kind in family:
        activation = kind()
        c = criticality(activation)
        columns = {"activation": kind.__name__, "K": K, "K_star": c.K_star}
        columns["chi_parallel"] = chi_parallel(activation, kernels, C_W=c.C_W).numpy()
        columns["chi_perp"] = chi_perp(activation, kernels, C_W=c.C_W).numpy()
        frames.append(pandas.DataFrame(columns))
    return pandas.concat(frames, ignore_index=True)


def kernel_flows(
    family: Family, temperatures: Sequence[float], *, depth: int, x_square: float = 1.0
) -> pandas.DataFrame:
    """Kernel and gradient growth over depth, for critical and He initialisation.

    A row for each (activation, temperature, init, layer): K of the layer, and gradient, the product
    of chi_perp from the first layer to this one, which is how much the squared gradient changes on
    its way back.
    x_square: |x|^2/n_in of the input; the first layer has K = C_b + C_W x_square.
    """
    frames = []
    for kind in family:
        for T in temperatures:
            activation = kind(T)
            for init, (C_W, C_b) in critical_and_he(activation).items():
                K = kernel_flow(activation, C_b + C_W * x_square, depth=depth, C_W=C_W, C_b=C_b)
                chi = chi_perp(activation, K, C_W=C_W)
                gradient = torch.cat([torch.ones(1, dtype=torch.float64), chi[:-1].cumprod(0)])
                frame = pandas.DataFrame(
                    {"layer": range(1, depth + 1), "K": K, "gradient": gradient}
                )
                frames.append(
                    frame.assign(
                        activation=kind.__name__, temperature=T, init=init, C_W=C_W, C_b=C_b
                    )
                )
    return pandas.concat(frames, ignore_index=True)
