"""Critical constants, fixed points, susceptibilities, and kernels over depth."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas
import torch

from smoothrelu.critical import criticality
from smoothrelu.fixed_points import destination, fixed_points
from smoothrelu.kernels import chi_parallel, chi_perp, kernel_flow
from smoothrelu.tables.definitions import Family


def critical_constants(family: Family, temperatures: Sequence[float]) -> pandas.DataFrame:
    """C_W, C_b and K_star of each activation at each temperature, with both susceptibilities at
    K_star.
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
                    "chi_parallel": chi_parallel(activation, c.K_star, C_W=c.C_W),
                    "chi_perp": chi_perp(activation, c.K_star, C_W=c.C_W),
                }
            )
    return pandas.DataFrame(rows)


def critical_fixed_points(family: Family) -> pandas.DataFrame:
    """Every fixed point of the critical kernel map at temperature 1, with the sides it attracts,
    and where the kernel goes that the first layer makes of an input of mean square 1.
    """
    rows = []
    for kind in family:
        c = criticality(kind())
        points = fixed_points(kind(), C_W=c.C_W, C_b=c.C_b, tangent=c.K_star)
        goal = destination(points, c.C_b + c.C_W)
        for p in points:
            sides = {"below": p.attracts_from_below, "above": p.attracts_from_above}
            row = {"activation": kind.__name__} | dataclasses.asdict(p)
            row["attracts"] = " and ".join(side for side, yes in sides.items() if yes)
            rows.append(row | {"critical": c.K_star == p.K, "reached": goal == p.K})
    return pandas.DataFrame(rows)


def susceptibilities(family: Family, K: np.ndarray) -> pandas.DataFrame:
    """chi_parallel and chi_perp against the kernel K, at temperature 1 and the critical C_W of
    each activation.
    """
    kernels = torch.as_tensor(K, dtype=torch.float64)
    frames = []
    for kind in family:
        activation, c = kind(), criticality(kind())
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
            critical = criticality(activation)
            for init, C_W, C_b in (("critical", critical.C_W, critical.C_b), ("he", 2.0, 0.0)):
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
