"""Ensembles of networks of finite width, sampled or read from the committed long run."""

from collections.abc import Sequence

import pandas
import torch
from torch import nn

from smoothrelu.book.tables.definitions import Family, critical_and_he
from smoothrelu.experiments.committed import published
from smoothrelu.networks.random_networks import critically_initialised
from smoothrelu.theory.exit_times import mean_exit_layers, sample_exit_layers
from smoothrelu.theory.finite_width import (
    ensemble_statistics,
    leading_order,
    paired_with_relu,
    sample_kernels,
)


def long_run() -> pandas.DataFrame:
    """The committed ensembles at critical initialisation, starting at K*, with their provenance:
    column sampled is "networks", real ones, weights and all, or "chain"; the others are those of
    `kernel_ensembles`.  Raises DataError where the file is not as it was written.
    """
    return published("finite_width", command="python -m smoothrelu.book.studies.finite_width")


def kernel_ensembles(
    activations: Sequence[nn.Module],
    widths: Sequence[int],
    *,
    depth: int,
    budget: int,
    seed: int,
) -> pandas.DataFrame:
    """Kernels sampled at critical initialisation, starting at K* (ReLU: at 1): a row for each
    (activation, width, layer) with the columns of `ensemble_statistics` and `paired_with_relu`.

    budget: random numbers per layer, so that width n has budget/n members (column networks). The
    members of all activations come from the same random numbers.
    """
    frames = []
    for width in widths:
        members = budget // width
        relu = _critical_sample(nn.ReLU(), width, depth, members, seed)
        for activation in activations:
            K = critically_initialised(activation).K
            plain = isinstance(activation, nn.ReLU)
            kernels = relu if plain else _critical_sample(activation, width, depth, members, seed)
            columns = ensemble_statistics(kernels) | paired_with_relu(kernels / K, relu)
            frame = pandas.DataFrame({name: c.numpy() for name, c in columns.items()})
            where = {"activation": type(activation).__name__, "K": K, "width": width}
            where |= {"layer": range(1, depth + 1), "depth": depth, "networks": members}
            frames.append(frame.assign(**where))
    return pandas.concat(frames, ignore_index=True)


def kernel_paths(
    activation: nn.Module, widths: Sequence[int], *, depth: int, members: int, seed: int
) -> pandas.DataFrame:
    """Single members of the chain: K_hat/K* of each layer (ratio) and the predicted standard
    deviation of its logarithm (sd): a row for each (width, network, layer).
    """
    start = critically_initialised(activation)
    K, C_W, C_b = start.K, start.C_W, start.C_b
    theory = leading_order(activation, K, depth=depth, C_W=C_W, C_b=C_b)
    frames = []
    for width in widths:
        kernels = _critical_sample(activation, width, depth, members, seed) / K
        for network, path in enumerate(kernels):
            columns = {"layer": range(1, depth + 1), "ratio": path.numpy()}
            columns["sd"] = ((theory.V / width).sqrt() / theory.K).numpy()
            frame = pandas.DataFrame(columns)
            frames.append(frame.assign(width=width, network=network))
    return pandas.concat(frames, ignore_index=True)


def temperature_slopes(
    family: Family, temperatures: Sequence[float], *, depth: int, x_square: float = 1.0
) -> pandas.DataFrame:
    """V/K^2 per layer at the last layer against the temperature, for inputs of mean square
    x_square: a row for each (activation, temperature, init).
    """
    rows = []
    for kind in family:
        for T in temperatures:
            for init, (C_W, C_b) in critical_and_he(kind(T)).items():
                K = C_b + C_W * x_square
                theory = leading_order(kind(T), K, depth=depth, C_W=C_W, C_b=C_b)
                slope = (theory.V[-1] / theory.K[-1] ** 2).item() / (depth - 1)
                rows.append((kind.__name__, T, init, slope))
    return pandas.DataFrame(rows, columns=["activation", "temperature", "init", "slope"])


def sampled_temperature_slopes(
    family: Family,
    temperatures: Sequence[float],
    *,
    depth: int,
    width: int,
    members: int,
    seed: int,
    x_square: float = 1.0,
) -> pandas.DataFrame:
    """The same from sampled ensembles: n Var(log K_hat)/(depth - 1) as sampled, its standard error,
    and z, its distance from `temperature_slopes` in standard errors.
    """
    table = temperature_slopes(family, temperatures, depth=depth, x_square=x_square)
    kinds = {kind.__name__: kind for kind in family}
    found = []
    for row in table.itertuples():
        activation = kinds[row.activation](row.temperature)
        C_W, C_b = critical_and_he(activation)[row.init]
        kernels = sample_kernels(
            activation,
            C_b + C_W * x_square,
            width=width,
            depth=depth,
            members=members,
            C_W=C_W,
            C_b=C_b,
            generator=torch.Generator().manual_seed(seed),
        )
        s = {name: column[-1].item() for name, column in ensemble_statistics(kernels).items()}
        sampled = width / (depth - 1) * s["sd_log_K"] ** 2
        found.append((sampled, sampled * ((s["kurtosis_log_K"] - 1) / members) ** 0.5))
    table[["sampled", "error"]] = found
    return table.assign(z=(table["sampled"] - table["slope"]) / table["error"])


def exit_layers(
    activations: Sequence[nn.Module], widths: Sequence[int], *, factor: float = 2.0
) -> pandas.DataFrame:
    """After how many layers, on average, a critical kernel has left K* by the factor, and how often
    it leaves above, by the diffusion of `mean_exit_layers`: a row for each (activation, width).
    """
    frames = []
    for activation in activations:
        start = critically_initialised(activation)
        K, C_W, C_b = start.K, start.C_W, start.C_b
        layers, above = mean_exit_layers(
            activation, K, widths=torch.tensor(widths), factor=factor, C_W=C_W, C_b=C_b
        )
        columns = {"width": widths, "layers": layers.numpy(), "above": above.numpy()}
        frames.append(pandas.DataFrame(columns).assign(activation=type(activation).__name__))
    return pandas.concat(frames, ignore_index=True)


def sampled_exit_layers(
    activations: Sequence[nn.Module],
    widths: Sequence[int],
    *,
    budget: int,
    seed: int,
    factor: float = 2.0,
) -> pandas.DataFrame:
    """The same from sampled chains, budget/n of them at width n, followed until every one has left:
    columns of `exit_layers`, and sampled, error, sampled_above and z.

    error: the standard error if chance alone drives the kernel out, the variance of Brownian
    motion's exit time being 2/3 of its mean squared. The sample's own would be small where, by
    chance, none stays long.
    """
    table = exit_layers(activations, widths, factor=factor)
    found = []
    for activation in activations:
        start = critically_initialised(activation)
        K, C_W, C_b = start.K, start.C_W, start.C_b
        for width in widths:
            signed = sample_exit_layers(
                activation,
                K,
                width=width,
                members=budget // width,
                factor=factor,
                longest=20 * width,
                C_W=C_W,
                C_b=C_b,
                generator=torch.Generator().manual_seed(seed + width),
            )
            found.append((signed.abs().mean().item(), (signed > 0).double().mean().item()))
    table[["sampled", "sampled_above"]] = found
    table["error"] = table["layers"] * (2 / 3 / (budget // table["width"])) ** 0.5
    return table.assign(z=(table["sampled"] - table["layers"]) / table["error"])


def _critical_sample(activation: nn.Module, width: int, depth: int, members: int, seed: int):
    start = critically_initialised(activation)
    K, C_W, C_b = start.K, start.C_W, start.C_b
    generator = torch.Generator().manual_seed(seed + width)
    return sample_kernels(
        activation,
        K,
        width=width,
        depth=depth,
        members=members,
        C_W=C_W,
        C_b=C_b,
        generator=generator,
    )
