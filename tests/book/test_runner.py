"""The chapter runner, as its users meet it: real processes in a small copy of the book."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from tiny_book import NAMES, book, executed, has_our_traceback, page, record, sleeping

from smoothrelu.book.runner.progress import Lines


def test_build_executes_every_chapter_and_ends_with_the_path_of_the_site(built):
    root, output = built
    assert sorted(executed(output)) == NAMES
    assert output.splitlines()[-1] == f"The book is ready: {root}/_build/html/index.html"
    assert (root / "_build/html/index.html").exists()


def test_a_chapter_records_its_parameters_and_where_it_came_from(built):
    found = record(built[0], "01_first")
    assert found["parameters"] == {
        "temperatures": [0.5], "seeds": [0], "nap": 0.0, "label": "first",
    }  # fmt: skip
    assert found["published"] is True
    assert found["data"] == {"data/tiny.npz": "0123abcd"}
    assert found["commit"] == "unknown"  # the copy is no clone
    assert found["seconds"] > 0


def test_the_page_shows_its_parameters_and_the_command_that_makes_it(built):
    html = (built[0] / "_build/html/book/chapters/01_first.html").read_text()
    text = unescape(re.sub(r"<[^>]+>", "", html))
    assert "temperatures = [0.5]\nseeds = [0]\nnap = 0.0\n" in text
    assert "make chapter CHAPTER=01_first PARAMS='temperatures=[0.5]; seeds=[0]" in text
    assert "Not the published parameters" not in text


def test_the_page_offers_its_notebook_and_its_source(built):
    page = built[0] / "_build/html/book/chapters/01_first.html"
    files = re.findall(r'class="reference download internal" [^>]*href="([^"]+)"', page.read_text())
    assert [Path(file).name for file in files] == ["01_first.ipynb", "01_first.py"]
    sources = [built[0] / "book/chapters/01_first.ipynb", built[0] / "notebooks/01_first.py"]
    for file, source in zip(files, sources, strict=True):
        assert (page.parent / file).read_bytes() == source.read_bytes()


def test_a_published_notebook_names_no_folder_of_this_machine(built):
    for name in NAMES:
        text = page(built[0], name).read_text()
        assert str(built[0]) not in text
        assert str(Path.home()) not in text
        cells = json.loads(text)["cells"]
        streams = [output.get("name") for cell in cells for output in cell.get("outputs", [])]
        assert streams == ["stdout"]  # progress belongs to the terminal


@pytest.mark.fault("site", "a broken reference", kept="the last good site")
def test_a_broken_reference_fails_the_build_and_the_last_good_site_stays(root):
    index = (root / "_build/html/index.html").read_bytes()
    source = root / "notebooks" / "02_second.py"
    lost = "\n# %% [markdown]\n# One line.\n#\n# See {eq}`eq-lost`.\n"
    source.write_text(source.read_text() + lost)
    done = book(root, "build")
    assert done.returncode == 1
    line = 1 + source.read_text().splitlines().index("# See {eq}`eq-lost`.")
    complaint = f"notebooks/02_second.py:{line}: WARNING: equation not found: eq-lost"
    assert done.stdout.count(complaint) == 1
    assert (root / "_build/html/index.html").read_bytes() == index
    assert "eq-lost" not in (root / "_build/html/book/chapters/02_second.html").read_text()
    assert not (root / "_build/site.json").exists()  # so the next build tries again


def test_a_second_build_executes_nothing_and_says_so(root):
    done = book(root, "build")
    assert done.stdout == f"The book is up to date: {root}/_build/html/index.html\n"


def test_another_temperature_runs_one_chapter_and_the_next_build_takes_it_back(root):
    done = book(root, "chapter", "02_second", "--params", "temperatures=[0.3, 2]")
    assert executed(done.stdout) == ["02_second"]
    assert record(root, "02_second")["parameters"]["temperatures"] == [0.3, 2.0]
    assert record(root, "02_second")["published"] is False
    html = (root / "_build/html/book/chapters/02_second.html").read_text()
    assert "Not the published parameters" in html
    assert (
        "not the published parameters" in (root / "book/chapters/provenance-table.md").read_text()
    )

    done = book(root, "build")
    assert executed(done.stdout) == ["02_second"]
    assert record(root, "02_second")["parameters"]["temperatures"] == [0.25, 1.0]


@pytest.mark.parametrize(
    "given, complaint",
    [
        ("temperature=[0.3]", "no parameter 'temperature'; did you mean 'temperatures'?"),
        ("temperatures='0.3'", "'temperatures' must be a list, like its default [0.25, 1.0]"),
        ("temperatures=['0.3']", "'temperatures' must be a list"),
        ("temperatures=[0.3, -1]", "'temperatures' must be positive"),
        ("temperatures=[0]", "'temperatures' must be positive"),
        ("temperatures=[1e999]", "'temperatures' must be a list"),
        ("temperatures=[" + "9" * 400 + "]", "'temperatures' int too large"),
        ("temperatures=[open('made', 'w')]", "'temperatures' must be a plain value"),
        ("import os", "'import os' is not of the form name=value"),
        ("seeds=[]", "'seeds' must have 1 to 1000 entries"),
        ("seeds=[0.5]", "each entry must be a whole number"),
        ("seeds=[-1]", "'seeds' must be 0 or a positive whole number"),
        ("seeds=[1, 1]", "'seeds' must not repeat an entry"),
        ("seeds=[0]; seeds=[1]", "'seeds' is given twice"),
        ("label=3", "'label' must be text"),
        ("nap=" + "(" * 300, "cannot be read"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name_before_anything_runs(built, given, complaint):
    before = page(built[0], "01_first").stat().st_mtime_ns
    done = book(built[0], "chapter", "01_first", "--params", given)
    assert done.returncode == 2
    assert complaint in done.stdout
    assert not has_our_traceback(done.stderr)
    assert not (built[0] / "made").exists()
    assert page(built[0], "01_first").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["01_frist", "../01_first", "notebooks/01_first", ""])
def test_an_unknown_chapter_is_refused_with_the_list(built, name):
    done = book(built[0], "chapter", name)
    assert done.returncode == 2
    assert f"no chapter '{name}'" in done.stdout
    assert "There are: 01_first, 02_second, 03_third" in done.stdout


def test_published_parameters_are_checked_like_typed_ones(root):
    (root / "book" / "params.yml").write_text("01_first:\n  temperatures: [1e-3]\n")
    done = book(root, "build")
    assert done.returncode == 2
    assert "book/params.yml, 01_first: 'temperatures'" in done.stdout
    assert "in YAML write 1.0e-3" in done.stdout


@pytest.mark.fault("book", "a chapter raises in a build", kept="the last good page and site")
def test_a_failing_chapter_leaves_the_last_good_one_and_names_the_failed_notebook(root):
    source = root / "notebooks" / "01_first.py"
    good_source, good_page = source.read_text(), page(root, "01_first").read_bytes()
    source.write_text(good_source + "\n# %%\nassert 1 > 2, 'the claim does not hold'\n")
    done = book(root, "build")
    assert done.returncode == 1
    assert "01_first: cell 5 of notebooks/01_first.py failed: `assert 1 > 2" in done.stdout
    assert "AssertionError: the claim does not hold" in done.stdout
    assert "book/chapters/01_first.failed.ipynb" in done.stdout
    assert done.stdout.count("executing") == 1  # a false claim is not tried twice
    assert page(root, "01_first").read_bytes() == good_page
    assert (root / "_build/html/index.html").exists()
    assert "the claim does not hold" in page(root, "01_first.failed").read_text()

    source.write_text(good_source)  # the chapter that was kept is not taken for fresh
    assert executed(book(root, "build").stdout) == ["01_first"]
    assert not page(root, "01_first.failed").exists()


@pytest.mark.fault("book", "kill -9 of a build", kept="the last good page")
def test_a_killed_build_leaves_the_last_good_chapter_and_the_next_one_works(root):
    good = page(root, "02_second").read_bytes()
    with sleeping(root, "chapter", "02_second", "--params", "nap=60.0"):
        pass
    assert page(root, "02_second").read_bytes() == good
    done = book(root, "build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert record(root, "02_second")["published"] is True
    assert not page(root, "02_second.running").exists()


def test_only_a_changed_published_parameter_or_a_missing_chapter_is_executed(root):
    (root / "book" / "params.yml").write_text("01_first:\n  temperatures: [0.125]\n")
    page(root, "03_third").unlink()
    done = book(root, "build")
    assert sorted(executed(done.stdout)) == ["01_first", "03_third"]
    assert record(root, "01_first")["parameters"]["temperatures"] == [0.125]


@pytest.mark.fault("chapter", "two executions at once", kept="the first one's work")
def test_a_chapter_that_is_being_executed_is_not_executed_a_second_time(root):
    with sleeping(root, "execute", "01_first", "--params", "nap=600.0") as first:
        second = book(root, "execute", "01_first")
        assert second.returncode == 2
        assert "01_first is being executed by another process" in second.stdout
        (root / "wake").touch()
        said = first.stdout.read()
        assert first.wait() == 0, said
    assert record(root, "01_first")["parameters"]["nap"] == 600.0
    assert executed(book(root, "build").stdout) == ["01_first"]


def test_progress_bars_become_whole_lines_at_a_slow_pace(capsys):
    lines = Lines("01_first")
    for done in range(1000):
        lines.write(f"\r{done} of 1000\x1b[A")
    assert capsys.readouterr().out == ""
    lines.write("\nUserWarning: rough\npart")
    lines.write("s\n")
    said = capsys.readouterr().out.splitlines()
    assert said == ["01_first          | UserWarning: rough", "01_first          | parts"]
