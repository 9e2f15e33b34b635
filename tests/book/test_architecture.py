"""Imports go one way, importing does nothing, and the package alone needs torch and numpy only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import smoothrelu

PACKAGE = Path(__file__).parents[2] / "smoothrelu"

# module -> what it may import from the package
ARROWS = {
    "activations": set(),
    "gaussian": {"activations"},
    "kernels": {"activations", "gaussian"},
    "fixed_points": {"kernels"},
    "critical": {"activations", "fixed_points", "kernels"},
    "kernel_tables": {"gaussian", "kernels"},
    "pair_layers": {"gaussian", "kernel_tables", "kernels"},
    "whole_network": {"gaussian", "kernel_tables", "kernels", "pair_layers"},
    "infinite_width": {"kernels", "pair_layers", "whole_network"},
    "layer_factors": set(),
    "ntk": {"layer_factors"},
    "ntk_path": {"ntk"},
    "layerwise": {"activations", "critical"},
    "network": {"activations", "critical", "layerwise"},
    "lambda_gelu": {"activations"},
    "replacement": set(),
    "hardening": {"activations", "lambda_gelu", "replacement"},
    "surrogates": {"activations"},
    "gradient_injection": {"activations", "replacement", "surrogates"},
    "backward": {"gaussian", "kernels"},
    "dead_units": {"activations", "gradient_injection", "lambda_gelu", "surrogates"},
    "landscape": set(),
    "relu_limit": {"activations", "gaussian"},
    "closed_kernels": set(),
    "finite_width": {"gaussian", "kernels", "network"},
    "leaving": {"finite_width", "kernels"},
    "wide_networks": {
        *("activations", "datasets", "finite_width", "published", "random_networks", "results"),
    },
    "random_networks": {"critical", "kernels"},
    "spectra": set(),
    "relu_networks": {
        *("activations", "closed_kernels", "infinite_width", "kernels", "network", "relu_limit"),
    },
    "datasets": set(),
    "fetch": {"datasets"},
    "by_hand": {"activations", "network"},
    "training": {"by_hand"},
    "results": set(),
    "fingerprint": set(),
    "compute": {"datasets", "network", "training"},
    "runs": {"activations", "compute", "datasets", "network", "training"},
    "minibatch": {"datasets", "hardening", "lambda_gelu", "runs", "training"},
    "together": {"compute", "datasets", "runs", "training"},
    "keys": {"datasets", "fingerprint", "minibatch", "runs", "together", "training"},
    "checkpoints": {"results"},
    "worker": {"checkpoints", "minibatch", "results", "runs", "together"},
    "engine": {"results", "runs", "together", "training", "worker"},
    "experiments": {"datasets", "engine", "keys", "minibatch", "results", "runs"},
    "sign_flips": {"network"},
    "image_networks": {"network"},
    "tracking": {
        *("datasets", "dead_units", "hardening", "lambda_gelu", "minibatch", "ntk_path"),
        "sign_flips",
    },
    "snapshots": {"dead_units", "landscape"},
    "ntk_laws": {"summaries"},
    "sugar_laws": {"summaries"},
    "published": {"datasets", "results"},
    "hardness_measures": {"hardness_tables", "published", "tables"},
    "studies": {
        *("activations", "experiments", "minibatch", "network", "ntk_laws", "published", "runs"),
        *("hardness_tables", "image_networks", "lambda_gelu", "summaries", "tracking"),
        *("backward", "gradient_injection", "snapshots", "surrogates"),
    },
    "measures": {
        *("activations", "critical", "datasets", "hardness_measures", "infinite_width", "kernels"),
        *("ntk_laws", "published", "sugar_laws", "summaries", "surrogates", "tables"),
    },
    "claims": {"datasets", "measures", "results"},
    "flows": {"critical", "gaussian", "kernels"},
    "angles": {"gaussian", "kernels"},
    "phase_diagram": {"fixed_points", "kernels"},
    "tables": {
        *("activations", "angles", "closed_kernels", "critical", "datasets", "finite_width"),
        *("fixed_points", "flows", "gaussian", "infinite_width", "kernels", "leaving", "network"),
        *("backward", "gradient_injection", "image_networks", "lambda_gelu", "ntk"),
        *("phase_diagram", "published", "random_networks", "relu_limit", "relu_networks"),
        *("results", "spectra"),
    },
    "benchmark": {
        *("activations", "book", "critical", "datasets", "engine", "experiments"),
        *("infinite_width", "network", "ntk", "published", "results", "runs"),
    },
    "summaries": set(),
    "hardness_tables": {"summaries"},
    "figures": set(),
    "board": set(),
    "dials": set(),
    "show": set(),
}
HEAVY = {"pandas", "matplotlib", "torchvision", "scipy", "IPython", "papermill", "jupytext", "tqdm"}


def imports(path):
    """The modules a file imports when it runs; what only its annotations need is left out."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not _is_for_types(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def module_of(path):
    """The module or subpackage a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


SOURCES = [
    path for path in sorted(PACKAGE.rglob("*.py")) if module_of(path) not in ("__init__", "book")
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_arrows_allow(path):
    name = module_of(path)
    ours = {m.split(".")[1] for m in imports(path) if m.startswith("smoothrelu.")} - {name}
    assert ours <= ARROWS[name], f"{name} imports {ours - ARROWS[name]}"


def test_figures_and_summaries_know_no_torch():
    for path in SOURCES:
        if module_of(path) in ("figures", "summaries", "hardness_tables", "sugar_laws"):
            assert not any(m.split(".")[0] == "torch" for m in imports(path)), path


def test_the_chapter_runner_knows_nothing_of_the_theory():
    for path in (PACKAGE / "book").glob("*.py"):
        ours = {m for m in imports(path) if m.startswith("smoothrelu.")}
        ours.discard("smoothrelu.results")  # the one atomic writer
        assert all(m.startswith("smoothrelu.book") for m in ours), f"{path.name}: {ours}"


def modules_after(statement, first="import sys"):
    new = "print(*set(sys.modules) - old)"
    code = f"import sys; {first}; old = set(sys.modules); {statement}; {new}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_the_public_names_need_torch_and_numpy_only():
    assert not HEAVY & modules_after("from smoothrelu import *", first="import torch")


def test_the_package_and_its_chapter_runner_load_without_torch():
    assert "torch" not in modules_after("import smoothrelu.book.graph")


def test_a_public_name_is_never_hidden_by_a_module_of_the_same_name():
    assert not set(smoothrelu.__all__) & {path.stem for path in PACKAGE.glob("*.py")}
    assert set(smoothrelu.__all__) <= set(dir(smoothrelu))
    with pytest.raises(AttributeError, match="no attribute 'SWISHH'"):
        smoothrelu.SWISHH  # noqa: B018


def test_every_public_name_has_a_docstring():
    objects = [getattr(smoothrelu, name) for name in smoothrelu.__all__]
    assert all(o.__doc__ for o in objects if callable(o))
