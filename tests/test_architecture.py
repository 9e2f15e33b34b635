"""Rooms import one way, importing does nothing, and the package alone needs torch and numpy."""

import subprocess
import sys
from pathlib import Path

import pytest

import smoothrelu

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "smoothrelu"
HEAVY = {"pandas", "matplotlib", "torchvision", "scipy", "IPython", "papermill", "jupytext", "tqdm"}


def test_the_contracts_of_the_rooms_hold():
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def modules_after(statement, first="import sys"):
    new = "print(*set(sys.modules) - old)"
    code = f"import sys; {first}; old = set(sys.modules); {statement}; {new}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_the_public_names_need_torch_and_numpy_only():
    assert not HEAVY & modules_after("from smoothrelu import *", first="import torch")


def test_the_package_and_its_chapter_runner_load_without_torch():
    assert "torch" not in modules_after("import smoothrelu.book.runner.__main__")


def test_a_public_name_is_never_hidden_by_a_module_of_the_same_name():
    assert not set(smoothrelu.__all__) & {path.stem for path in PACKAGE.iterdir()}
    assert set(smoothrelu.__all__) <= set(dir(smoothrelu))
    with pytest.raises(AttributeError, match="no attribute 'SWISHH'"):
        smoothrelu.SWISHH  # noqa: B018


def test_every_public_name_has_a_docstring():
    objects = [getattr(smoothrelu, name) for name in smoothrelu.__all__]
    assert all(o.__doc__ for o in objects if callable(o))
