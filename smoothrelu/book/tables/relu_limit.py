"""Errors against ReLU beside their laws: exact computations, and real networks."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pandas
import torch

from smoothrelu.activations.smooth_relu import SmoothReLU, temperature_as_float
from smoothrelu.book.tables.definitions import Family
from smoothrelu.networks.initialisation import he_init_
from smoothrelu.networks.layerwise import network_differences
from smoothrelu.networks.mlp import MLP
from smoothrelu.theory.kernel_maps import MomentTable, kernel_flow
from smoothrelu.theory.relu_limit import (
    Law,
    chi_parallel_law,
    corner,
    derivative_kernel_law,
    fit_exponent,
    kernel_law,
    moment_errors,
    uniform_distance,
)
from smoothrelu.theory.relu_limit_networks import (
    equal_input_laws,
    network_law,
    pair_kernels,
    pair_laws,
    relu_pair_kernels,
)
from smoothrelu.theory.root_finding import root

N_IN, N_INPUTS = 16, 128  # of the real networks: random inputs of equal norm


def corner_constants(family: Family) -> pandas.DataFrame:
    """The corner integrals of each gate (`corner`), and second_moment = E[X^2] of the distribution
    whose function it is, which is inf for a heavy tail.
    """
    rows = []
    for kind in family:
        c = corner(kind())
        second_moment = np.inf if c.tail else -2 * c.gap
        row = {"activation": kind.__name__} | dataclasses.asdict(c)
        rows.append(row | {"second_moment": second_moment})
    return pandas.DataFrame(rows)


def limit_errors(family: Family, temperatures: Sequence[float], *, K: float) -> pandas.DataFrame:
    """What one activation makes of a kernel K, and its critical initialisation, minus ReLU's.

    A row for each (quantity, activation, temperature): the error, computed at that temperature, and
    law, exponent and factor of its leading power (law = factor T^exponent). chi_parallel and
    chi_perp are taken at C_W = 2.
    """
    return _rows(_of_one(kind, T, K) for kind in family for T in temperatures)


def limit_kernels(
    family: Family, temperatures: Sequence[float], *, K: float, angle: float, depth: int
) -> pandas.DataFrame:
    """NNGP and NTK of He-initialised networks minus ReLU's, for equal inputs and at an angle.
    Columns: `limit_errors`.
    """
    relu = relu_pair_kernels(K=K, angle=angle, depth=depth)
    names = ["nngp_equal", "nngp_angle", "ntk_equal", "ntk_angle"]

    def errors():
        for kind in family:
            equal = equal_input_laws(kind(), K=K, depth=depth)
            pair = pair_laws(kind(), K=K, angle=angle, depth=depth)
            laws = [equal[0], pair[0], equal[1], pair[1]]
            for T in temperatures:
                kernels = pair_kernels(kind(T), K=K, angle=angle, depth=depth)
                yield kind, T, zip(names, (kernels - relu).tolist(), laws, strict=True)

    return _rows(errors())


def limit_exponents(*errors: pandas.DataFrame) -> pandas.DataFrame:
    """The exponent of each law and the one fitted: a row for each (quantity, activation)."""
    rows, errors = [], pandas.concat(errors)
    for (quantity, name), group in errors.groupby(["quantity", "activation"], sort=False):
        slope, standard_error = fit_exponent(group["temperature"], group["error"], group["factor"])
        row = {"quantity": quantity, "activation": name, "exponent": group["exponent"].iloc[0]}
        row["logarithm"] = bool(np.ptp(group["factor"]) > 0)
        rows.append(row | {"slope": slope, "standard_error": standard_error})
    return pandas.DataFrame(rows)


def limit_exponent_page(exponents: pandas.DataFrame) -> pandas.DataFrame:
    """`limit_exponents` for the eye: a row for each quantity, a column for each activation."""
    cells = exponents.assign(
        law=exponents["exponent"].map("{:g}".format)
        + exponents["logarithm"].map({True: " with ln", False: ""}),
        cell=(exponents["slope"].round(3) + 0.0).map("{:.3f}".format)  # never -0.000
        + (1000 * exponents["standard_error"]).map("({:.0f})".format),
    )
    page = cells.pivot(index="quantity", columns="activation", values="cell")
    page = page.loc[cells["quantity"].unique(), cells["activation"].unique()]
    laws = cells.groupby("quantity")["law"].agg(lambda law: " or ".join(law.unique()))
    page.insert(0, "law", laws)
    page.index = page.index.str.replace("_", " ")
    return page.reset_index()


def limit_drift(family: Family, temperature: float, *, K: float, depth: int) -> pandas.DataFrame:
    """How far the kernel of a He-initialised network has moved from K(1) = K, layer by layer."""
    frames = []
    for kind in family:
        flow = kernel_flow(kind(temperature), K, depth=depth, C_W=2.0, C_b=0.0).numpy()
        per_layer = 2 * kernel_law(kind(), K)(temperature)
        layer = np.arange(1, depth + 1)
        columns = {"layer": layer, "drift": flow / K - 1, "law": (layer - 1) * per_layer / K}
        frames.append(pandas.DataFrame(columns).assign(activation=kind.__name__))
    return pandas.concat(frames, ignore_index=True)


def limit_angles(
    kind: type[SmoothReLU], temperatures: Sequence[float], angles: Sequence[float], *, K: float
) -> pandas.DataFrame:
    """The error of the NTK of one hidden layer against the angle between two inputs, with the laws
    of a resolved angle and of equal inputs.
    """
    relu = relu_pair_kernels(K=K, angle=torch.as_tensor(angles), depth=2)
    laws = [pair_laws(kind(), K=K, angle=angle, depth=2)[1] for angle in angles]
    equal = equal_input_laws(kind(), K=K, depth=2)[1]
    frames = []
    for T in temperatures:
        kernels = pair_kernels(kind(T), K=K, angle=torch.as_tensor(angles), depth=2)
        columns = {"temperature": T, "angle": angles, "error": (kernels - relu)[:, 3].numpy()}
        columns |= {"law": [law(T) for law in laws], "equal": equal(T)}
        frames.append(pandas.DataFrame(columns))
    return pandas.concat(frames, ignore_index=True)


def limit_networks(
    family: Family,
    temperatures: Sequence[float],
    seeds: Sequence[int],
    *,
    K: float,
    width: int,
    depth: int,
) -> pandas.DataFrame:
    """Real He-initialised networks: the root mean square difference of the preactivations of each
    layer from those of the ReLU network with the same weights.

    Columns as `limit_errors`, with layer (2, ..., depth) and seed; the inputs have kernel K.
    """
    rows = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(N_INPUTS, N_IN, dtype=torch.float64, generator=generator)
        x *= (N_IN * K / 2) ** 0.5 / x.norm(dim=1, keepdim=True)
        net = MLP(N_IN, width, width=width, depth=depth, activation=torch.nn.ReLU())
        net = he_init_(net, generator=generator).double()
        for kind in family:
            laws = {n: network_law(kind(), K=K, layer=n) for n in range(2, depth + 1)}
            for T in temperatures:
                errors = network_differences(net, kind(T), x)[1:].tolist()
                for (layer, law), error in zip(laws.items(), errors, strict=True):
                    row = _row("hidden", kind, T, error, law)
                    rows.append(row | {"layer": layer, "seed": seed})
    return pandas.DataFrame(rows)


def _of_one(kind: type[SmoothReLU], T: float, K: float):
    """The errors of one activation at one temperature, with their laws."""
    square, derivative_square, slope = moment_errors(kind(T), K)
    C_W, C_b, K_star = _critical(kind(T))
    unit = _critical(kind())
    derivative_law = derivative_kernel_law(kind(), K)
    return (
        kind,
        T,
        [
            ("distance", uniform_distance(kind(T))[0], Law(1, uniform_distance(kind())[0])),
            ("kernel", square, kernel_law(kind(), K)),
            ("derivative_kernel", derivative_square, derivative_law),
            ("chi_parallel", 2 * slope, chi_parallel_law(kind(), K)),
            ("chi_perp", 2 * derivative_square, Law(1, 2 * derivative_law.coefficient)),
            ("C_b", C_b, Law(2, unit[1])),
            ("K_star", K_star, Law(2, unit[2])),
            ("C_W", C_W - 2, Law(0, unit[0] - 2)),
        ],
    )


def _critical(activation: SmoothReLU) -> tuple[float, float, float]:
    """C_W, C_b and K_star, solved for at this temperature: `criticality` would rescale those of
    T = 1, and prove nothing.
    """
    T = temperature_as_float(activation.temperature)

    low, high = 1e-2 * T * T, 1e3 * T * T
    table = MomentTable(activation, low, high)
    K_star = root(table.excess, low, high)
    m = table(torch.tensor(K_star, dtype=torch.float64))
    C_W = 1 / m.derivative_square.item()
    return C_W, K_star - C_W * m.square.item(), K_star


def _rows(errors: Iterator) -> pandas.DataFrame:
    rows = [
        _row(quantity, kind, T, error, law)
        for kind, T, some in errors
        for quantity, error, law in some
    ]
    return pandas.DataFrame(rows)


def _row(quantity: str, kind: type[SmoothReLU], T: float, error: float, law: Law) -> dict:
    row = {"quantity": quantity, "activation": kind.__name__, "temperature": T, "error": error}
    return row | {"law": law(T), "exponent": law.exponent, "factor": law.factor(T)}
