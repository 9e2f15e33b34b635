"""The fingerprint changes with the code a result depends on, and not with words."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

from smoothrelu import GELU, SWISH
from smoothrelu.book.studies.sugar import InitiallyDead
from smoothrelu.experiments import run_key
from smoothrelu.experiments.run_key import code_fingerprint

PACKAGE = Path(run_key.__file__).parents[1]
BASE = '''
"""A module."""
import math
from other_of_mine import helper

SCALE = 2.0

def used(x):
    return SCALE * x

class Activation:
    """Words."""
    def forward(self, x: float) -> float:
        return used(x) + helper(x) + math.pi
'''


def forget():
    run_key._source.cache_clear()
    run_key._rooms.cache_clear()


@pytest.fixture
def fingerprint(tmp_path, monkeypatch):
    """The fingerprint of Activation when the package `mine` says this."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(main, helper="def helper(x):\n    return x"):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / "__init__.py").write_text("")
        (tmp_path / "mine" / "main.py").write_text(main.replace("other_of_mine", ".helps"))
        (tmp_path / "mine" / "helps.py").write_text(helper)
        for name in ("mine.main", "mine.helps", "mine"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        forget()
        return code_fingerprint(importlib.import_module("mine.main").Activation)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # edits within one second
    yield of
    forget()


@pytest.mark.parametrize(
    "old, new",
    [("SCALE * x", "SCALE + x"), ("SCALE = 2.0", "SCALE = 3.0"), ("+ math.pi", "- math.pi")],
)
def test_a_change_of_the_users_code_changes_it(fingerprint, old, new):
    assert old in BASE and fingerprint(BASE) != fingerprint(BASE.replace(old, new))


def test_a_change_in_another_module_of_the_users_package_changes_it(fingerprint):
    assert fingerprint(BASE) != fingerprint(BASE, helper="def helper(x):\n    return -x")


@pytest.mark.parametrize(
    "old, new",
    [
        ("Words.", "Other words."),
        ("x: float) -> float", "x)"),
        ("SCALE * x", "SCALE  *  x  # twice"),
    ],
)
def test_comments_docstrings_and_annotations_do_not(fingerprint, old, new):
    assert old in BASE and fingerprint(BASE) == fingerprint(BASE.replace(old, new))


@pytest.mark.parametrize(
    "file, objects, changes",
    [
        ("activations/smooth_relu.py", (), True),
        ("networks/mlp.py", (), True),
        ("data/datasets.py", (), True),
        ("training/full_batch.py", (), True),
        ("experiments/run.py", (), True),
        ("experiments/scheduler.py", (), False),
        ("theory/quadrature.py", (), False),
        ("book/studies/sugar.py", (), False),
        ("book/studies/sugar.py", (InitiallyDead,), True),
    ],
)
def test_an_edit_of_the_rooms_a_result_depends_on_changes_it(monkeypatch, file, objects, changes):
    forget()
    before, read = code_fingerprint(SWISH, *objects), Path.read_text

    def edited(path, *args, **options):
        text = read(path, *args, **options)
        return f"{text}\nedited = True\n" if path == PACKAGE / file else text

    monkeypatch.setattr(Path, "read_text", edited)
    forget()
    assert (PACKAGE / file).exists() and (code_fingerprint(SWISH, *objects) != before) is changes
    forget()


def test_activations_are_told_apart_and_torchs_go_by_name():
    kinds = [SWISH, GELU, torch.nn.ReLU, torch.nn.SiLU]
    assert len({code_fingerprint(kind) for kind in kinds}) == 4


def test_code_without_a_source_file_is_refused():
    kind = type("Mine", (), {"__module__": "__main__"})
    with pytest.raises(ValueError, match="define them in a .py file"):
        code_fingerprint(kind)
