"""The fingerprint changes with the code a result depends on, and with nothing else."""

import importlib
import sys

import pytest
import torch

from smoothrelu import GELU, SWISH
from smoothrelu.experiments.fingerprint import _source, code_fingerprint

BASE = '''
"""A module."""
import math
from other_of_mine import helper

SCALE = 2.0
UNUSED = 1

def used(x):
    return SCALE * x

class Activation:
    """Words."""
    def forward(self, x: float) -> float:
        return used(x) + helper(x) + math.pi

def unused():
    return 3
'''


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
        _source.cache_clear()
        return code_fingerprint(importlib.import_module("mine.main").Activation)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # edits within one second
    yield of
    _source.cache_clear()


@pytest.mark.parametrize(
    "old, new",
    [
        ("SCALE * x", "SCALE + x"),
        ("SCALE = 2.0", "SCALE = 3.0"),
        ("+ math.pi", "- math.pi"),
        ("UNUSED = 1", "print()"),  # a statement with an effect may change anything
    ],
)
def test_a_change_of_what_is_reached_changes_it(fingerprint, old, new):
    assert fingerprint(BASE) != fingerprint(BASE.replace(old, new))


def test_a_change_in_another_module_of_the_package_changes_it(fingerprint):
    assert fingerprint(BASE) != fingerprint(BASE, helper="def helper(x):\n    return -x")
    assert fingerprint(BASE) == fingerprint(BASE, helper="def helper(x):\n    return x\nmore = 1")


@pytest.mark.parametrize(
    "old, new",
    [
        ("return 3", "return 4"),
        ("UNUSED = 1", "UNUSED = 2"),
        ("Words.", "Other words."),
        ("x: float) -> float", "x)"),
        ("SCALE * x", "SCALE  *  x  # twice"),
    ],
)
def test_a_change_of_anything_else_does_not(fingerprint, old, new):
    assert old in BASE and fingerprint(BASE) == fingerprint(BASE.replace(old, new))


def test_activations_of_one_file_are_told_apart_and_torchs_go_by_name():
    kinds = [SWISH, GELU, torch.nn.ReLU, torch.nn.SiLU]
    assert len({code_fingerprint(kind) for kind in kinds}) == 4


def test_code_without_a_source_file_is_refused():
    kind = type("Mine", (), {"__module__": "__main__"})
    with pytest.raises(ValueError, match="define them in a .py file"):
        code_fingerprint(kind)
