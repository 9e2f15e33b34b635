"""The README shows what the code draws, and names what is there."""

import importlib.util
import re
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_figure_is_what_the_code_draws():
    spec = importlib.util.spec_from_file_location("draw_answer", ROOT / "book" / "draw_answer.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    committed = (ROOT / "book" / "answer.svg").read_text()
    if f"Matplotlib v{matplotlib.__version__}," not in committed:
        pytest.skip(f"drawn by another matplotlib than {matplotlib.__version__}")
    assert "(book/answer.svg)" in README

    def numbers(svg):
        return [float(x) for x in re.findall(r"-?\d+\.\d+", svg)]

    assert numbers(program.drawing()) == pytest.approx(numbers(committed), abs=0.01)


def test_every_room_is_in_the_tree():
    tree = README.partition("## Where things are")[2]
    rooms = {p.parent.name for p in (ROOT / "smoothrelu").glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"^ +(\w+)/", tree, re.M))
