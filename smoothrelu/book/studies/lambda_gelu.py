"""The studies of lambda-GELU: drift of the hardness, its profiles, and ReLU put in its place.

All networks, sizes, learning rates and seeds are this project's, chosen for a machine of two cores;
the paper's were not found. GELU is LambdaGELU at hardness one, where it stays: so that the same is
observed of it.
"""

from collections.abc import Callable, Iterable

from torch import nn
from torch.optim import AdamW

from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.book.statistics import lambda_gelu as statistics
from smoothrelu.book.studies.study import Study
from smoothrelu.experiments.minibatch_run import MinibatchRun
from smoothrelu.networks.image_networks import ConvNet, FullyConnected, VisionTransformer
from smoothrelu.networks.initialisation import critical_init_, he_init_
from smoothrelu.training.observers import TrackHardness, TrackSubstitution

_SIZES = {"n_train": 2000, "n_valid": 2000, "n_test": 1000, "epochs": 10, "batch_size": 50}
_MLP = {"network": FullyConnected(width=64, depth=11), "lr": 0.02}
MLPS = {name: {"dataset": name} | _MLP for name in ("mnist", "cifar10")}
OTHERS = {
    "conv": {"dataset": "cifar10", "network": ConvNet(width=8), "lr": 0.02},
    "transformer": {
        **{"dataset": "cifar10", "network": VisionTransformer(24, depth=3, heads=2, patch=8)},
        **{"optimizer": AdamW, "lr": 0.002, "weight_decay": 0.01},
    },
}
SEEDS = range(5)
TEMPERATURES, MULTIPLIERS = (0.05, 0.1, 1.0), (1.0, 3.0, 9.0)
STARTS = (1.05, LambdaGELU().hardness.item(), 3.0)
TOLERANCES = (0.3, 0.1, 0.01)


def learned(
    where: dict, activation: LambdaGELU, seeds: Iterable[int] = SEEDS, **changed
) -> list[MinibatchRun]:
    """A run for each seed of a network of `MLPS` or `OTHERS` (or of any fields of a MinibatchRun),
    whose hardness and substitution are followed; `changed`: other fields.
    """
    fields = _SIZES | where | {"observe": (TrackHardness(), TrackSubstitution())} | changed
    return [MinibatchRun(activation=activation, seed=seed, **fields) for seed in seeds]


def gelu(where: dict, seeds: Iterable[int] = SEEDS, **changed) -> list[MinibatchRun]:
    """The same with GELU."""
    return learned(where, LambdaGELU(1.0), seeds, **changed)


def relu(where: dict, seeds: Iterable[int] = SEEDS, **changed) -> list[MinibatchRun]:
    """The same with ReLU, which has nothing to follow."""
    return learned(where, nn.ReLU(), seeds, observe=(), **changed)


def drift() -> Study:
    runs = [run for where in MLPS.values() for run in gelu(where)]
    for where in MLPS.values():
        for t in TEMPERATURES:
            for c in MULTIPLIERS:
                runs += learned(where, LambdaGELU(t=t), c=c)
    about = "Fully connected, MNIST and CIFAR-10: hardness learned at each t and c, and GELU"
    return Study(about, runs, statistics.final_rows)


def optimizers() -> Study:
    runs = [run for where in OTHERS.values() for run in gelu(where)]
    for where in OTHERS.values():
        for c in MULTIPLIERS:
            runs += learned(where, LambdaGELU(), c=c)
    about = "Convolutions under SGD, a transformer under AdamW, CIFAR-10: three multipliers c"
    return Study(about, runs, statistics.final_rows)


def profiles() -> Study:
    runs = [
        run
        for where in MLPS.values()
        for start in STARTS
        for run in learned(where, LambdaGELU(start), c=3.0)
    ]
    about = "Fully connected, MNIST and CIFAR-10: profiles of hardness from three initialisations"
    return Study(about, runs, statistics.final_rows)


def substitution() -> Study:
    runs = []
    for where in (MLPS | OTHERS).values():
        runs += relu(where) + gelu(where) + learned(where, LambdaGELU(), c=3.0)
        for tolerance in TOLERANCES:
            runs += learned(where, LambdaGELU(), c=3.0, tolerance=tolerance)
    about = "ReLU in the place of lambda-GELU after training: hardened, not hardened, and GELU"
    return Study(about, runs, statistics.final_rows)


def deep() -> Study:
    runs = []
    for init in (he_init_, critical_init_):
        where = MLPS["mnist"] | {"network": FullyConnected(width=64, depth=21, init=init)}
        runs += gelu(where)
        for tolerance in (None, 0.01):
            runs += learned(where, LambdaGELU(), c=3.0, tolerance=tolerance)
    about = "Fully connected, 21 layers, MNIST: ReLU put in place, He's and critical initialisation"
    return Study(about, runs, statistics.final_rows)


def paths() -> Study:
    where = MLPS["mnist"]
    runs = gelu(where)
    for t, c in ((1.0, 1.0), (0.1, 3.0), (0.05, 9.0)):
        runs += learned(where, LambdaGELU(t=t), c=c)
    runs += learned(where, LambdaGELU(), c=3.0, tolerance=0.01)
    about = "Fully connected, MNIST: hardness and substitution, epoch by epoch"
    return Study(about, runs, statistics.paths)


LAMBDA_GELU: dict[str, Callable[[], Study]] = {
    "lambda_substitution": substitution,
    "lambda_drift": drift,
    "lambda_optimizers": optimizers,
    "lambda_profiles": profiles,
    "lambda_paths": paths,
    "lambda_deep": deep,
}
