"""The chapters keep to their form: prose that carries the argument, code that only chooses and
shows.
"""

import ast
import re
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))
CHAPTERS = [p for p in NOTEBOOKS if not p.name.startswith("00_")]  # the front page makes no claim

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def cells(path, kind):
    return [c for c in jupytext.read(path).cells if c.cell_type == kind]


def code_lines(source):
    return [
        line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
class TestForm:
    def test_one_cell_holds_the_parameters_and_there_are_six_at_most(self, path):
        tagged = [c for c in cells(path, "code") if "parameters" in c.metadata.get("tags", [])]
        assert len(tagged) == 1
        statements = ast.parse(tagged[0].source).body
        assert 1 <= len(statements) <= 6 and all(isinstance(s, ast.Assign) for s in statements)

    def test_nothing_is_defined_and_nothing_is_trained_or_styled_in_a_notebook(self, path):
        banned = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Global, ast.Lambda)
        for cell in cells(path, "code"):
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, banned), f"{type(node).__name__} in {path.name}"
            assert not re.search(r"\bplt\.|pyplot|!pip|%pip|sys\.path|filterwarnings", cell.source)

    def test_no_cell_is_longer_than_fifteen_lines(self, path):
        assert max(len(code_lines(c.source)) for c in cells(path, "code")) <= 15

    def test_every_figure_has_a_name_a_caption_and_alt_text(self, path):
        drawing = [c for c in cells(path, "code") if re.search(r"^figures\.", c.source, re.M)]
        assert drawing
        for cell in drawing:
            mystnb = cell.metadata["mystnb"]
            assert mystnb["figure"]["name"].startswith("fig-") and mystnb["figure"]["caption"]
            assert len(mystnb["image"]["alt"].split()) >= 8

    def test_every_dial_has_a_name_and_a_caption_and_its_cell_at_most_eleven_lines(self, path):
        for cell in (c for c in cells(path, "code") if re.search(r"^dial\(", c.source, re.M)):
            figure = cell.metadata["mystnb"]["figure"]
            assert figure["name"].startswith("fig-") and figure["caption"]
            assert len(code_lines(cell.source)) <= 11

    def test_a_table_that_has_a_caption_is_numbered_as_one(self, path):
        for cell in (c for c in cells(path, "code") if re.search(r"^table\(", c.source, re.M)):
            figure = cell.metadata.get("mystnb", {}).get("figure")
            assert figure is None or (figure["name"].startswith("tab-") and figure["caption"])

    def test_every_named_figure_and_table_is_referred_to_in_the_text(self, path):
        text = "\n".join(c.source for c in cells(path, "markdown"))
        referred = set(re.findall(r"\{numref\}`(?:[^`<]*<)?([\w-]+)>?`", text))
        figures = [c.metadata.get("mystnb", {}).get("figure", {}) for c in cells(path, "code")]
        named = {figure["name"] for figure in figures if "name" in figure}
        named |= set(re.findall(r":name: ((?:fig|tab)-[\w-]+)", text))
        assert named <= referred, f"no text refers to {sorted(named - referred)}"

    def test_a_cell_with_a_caption_shows_one_thing(self, path):
        for cell in cells(path, "code"):  # what it glues would get the caption too
            assert "figure" not in cell.metadata.get("mystnb", {}) or "glue(" not in cell.source

    def test_imports_come_from_the_package_and_a_few_libraries(self, path):
        for cell in cells(path, "code"):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom | ast.Import):
                    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                    assert name.split(".")[0] in {"smoothrelu", "numpy", "torch"}

    def test_the_kernel_is_the_plain_one_and_no_output_is_kept(self, path):
        notebook = jupytext.read(path)
        assert notebook.metadata["kernelspec"]["name"] == "python3"
        assert "jupytext_version" not in path.read_text() and "formats:" not in path.read_text()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
class TestArgument:
    def test_a_chapter_opens_with_its_claim_and_ends_by_asserting_it(self, path):
        prose = [c.source for c in cells(path, "markdown")]
        assert prose[0].startswith("# ") and "**Claim.**" in prose[0]
        assert "assert " in cells(path, "code")[-1].source

    def test_it_has_the_sections_every_chapter_has_in_their_order(self, path):
        titles = re.findall(
            r"^## (.*)$", "\n".join(c.source for c in cells(path, "markdown")), re.M
        )
        wanted = ["Question", "What would falsify the claim", "Where this is computed"]
        assert [t for t in titles if t in wanted] == wanted
        assert any(t.startswith("How to read") for t in titles)

    def test_measured_numbers_in_the_prose_come_from_the_run(self, path):
        glued = {
            keyword.arg
            for cell in cells(path, "code")
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "glue"
            for keyword in node.keywords
        }
        quoted = set(re.findall(r"\{glue:text\}`(\w+)", path.read_text()))
        assert quoted and quoted <= glued


def test_no_executed_notebook_is_tracked():
    import subprocess

    tracked = subprocess.run(
        ["git", "ls-files", "*.ipynb"], cwd=ROOT, capture_output=True, text=True
    )
    assert tracked.stdout.split() == []
