"""Imports go one way, importing does nothing, and the package alone needs torch and numpy only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "smoothrelu"

# module -> what it may import from the package
ARROWS = {
    "activations": set(),
    "gaussian": {"activations"},
    "kernels": {"activations", "gaussian"},
    "criticality": {"activations", "gaussian", "kernels"},
    "network": {"activations", "criticality"},
    "relu_limit": {"activations"},
    "datasets": set(),
    "fetch": {"datasets"},
    "training": set(),
    "results": set(),
    "experiments": {"datasets", "network", "results", "training"},
    "tables": {"activations", "criticality", "kernels", "relu_limit"},
    "summaries": set(),
    "figures": set(),
    "show": set(),
}
HEAVY = {"pandas", "matplotlib", "torchvision", "scipy", "IPython", "papermill", "jupytext", "tqdm"}


def imports(path, top_level_only=False):
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("[!_]*.py")), ids=lambda p: p.stem)
def test_a_module_imports_only_what_its_arrows_allow(path):
    ours = {m.split(".")[1] for m in imports(path) if m.startswith("smoothrelu.")}
    assert ours <= ARROWS[path.stem], f"{path.stem} imports {ours - ARROWS[path.stem]}"


def test_figures_and_summaries_know_no_torch():
    for name in ("figures", "summaries"):
        assert not any(m.split(".")[0] == "torch" for m in imports(PACKAGE / f"{name}.py"))


def test_the_chapter_runner_knows_nothing_of_the_theory():
    for path in (PACKAGE / "book").glob("*.py"):
        ours = {m for m in imports(path) if m.startswith("smoothrelu.")}
        assert all(m.startswith("smoothrelu.book") for m in ours), f"{path.name}: {ours}"


def test_importing_the_package_loads_nothing_but_torch_and_numpy():
    code = (
        "import torch, sys; before = set(sys.modules); import smoothrelu\n"
        "print(*{m.split('.')[0] for m in set(sys.modules) - before})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(run.stdout.split())


def test_every_public_name_has_a_docstring():
    import smoothrelu

    public = [n for n in vars(smoothrelu) if not n.startswith("_")]
    objects = [getattr(smoothrelu, n) for n in public]
    assert all(o.__doc__ for o in objects if callable(o))
