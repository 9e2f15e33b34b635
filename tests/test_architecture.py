"""Imports go one way, importing does nothing, and the package alone needs torch and numpy only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import smoothrelu

PACKAGE = Path(__file__).parents[1] / "smoothrelu"

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


def test_figures_and_statistics_know_no_torch():
    for folder in ("figures", "statistics"):
        for path in (PACKAGE / "book" / folder).glob("*.py"):
            assert not any(m.split(".")[0] == "torch" for m in imports(path)), path


def test_the_chapter_runner_knows_nothing_of_the_theory():
    for path in (PACKAGE / "book" / "runner").glob("*.py"):
        ours = {m for m in imports(path) if m.startswith("smoothrelu.")}
        ours -= {"smoothrelu.files", "smoothrelu.provenance"}
        assert all(m.startswith("smoothrelu.book.runner") for m in ours), f"{path.name}: {ours}"


def modules_after(statement, first="import sys"):
    new = "print(*set(sys.modules) - old)"
    code = f"import sys; {first}; old = set(sys.modules); {statement}; {new}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_the_public_names_need_torch_and_numpy_only():
    assert not HEAVY & modules_after("from smoothrelu import *", first="import torch")


def test_the_package_and_its_chapter_runner_load_without_torch():
    assert "torch" not in modules_after("import smoothrelu.book.runner.build")


def test_a_public_name_is_never_hidden_by_a_module_of_the_same_name():
    assert not set(smoothrelu.__all__) & {path.stem for path in PACKAGE.iterdir()}
    assert set(smoothrelu.__all__) <= set(dir(smoothrelu))
    with pytest.raises(AttributeError, match="no attribute 'SWISHH'"):
        smoothrelu.SWISHH  # noqa: B018


def test_every_public_name_has_a_docstring():
    objects = [getattr(smoothrelu, name) for name in smoothrelu.__all__]
    assert all(o.__doc__ for o in objects if callable(o))
