"""The README shows what the code draws, and names what is there."""

import importlib.util
import re
from pathlib import Path

import matplotlib
import pytest
from torch import nn

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


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.S))
def test_the_snippets_run_as_printed(code):
    exec(code, {"model": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))})


TEXTS = ["README.md", "CONTRIBUTING.md", "data/README.md"]
TEXTS += sorted(f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("name", TEXTS)
def test_every_file_that_a_text_names_is_there(name):
    named = re.findall(
        r"`((?:smoothrelu|tests|book|data|notebooks)/[\w./-]+)`", (ROOT / name).read_text()
    )
    made_or_yours = ("data/runs", "data/full", "book/chapters", "notebooks/NN_name.py")
    lost = [
        path for path in named if not path.startswith(made_or_yours) and not (ROOT / path).exists()
    ]
    assert lost == []
