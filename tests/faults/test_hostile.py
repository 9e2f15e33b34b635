"""What was handed in is data: nothing in a parameter, a name or a variable is ever executed."""

import dataclasses
import shutil
import subprocess
import sys

import pytest
from tiny_book import ROOT, book, command, record

from smoothrelu import SWISH, Run, critical_init_, sweep
from smoothrelu.book.claims.file import read_claims
from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.execution import execute
from smoothrelu.book.runner.parameters import declared, effective, parse, written

HOSTILE_TEXTS = [
    "__import__('os').system('touch made')",
    "\"; import os; os.system('touch made') #",
    "$(touch made) `touch made` ; touch made",
    "{params.values} {{wildcards}} %s %(x)s",
    "$(shell touch made) $$ \\ ' \" \\u0041",
    "../../../made",
    "😀 ünï",
]


def source(root, name="01_first"):
    return root / "notebooks" / f"{name}.py"


@pytest.mark.fault("parameters", "text with code for Python, shell, make", kept="the text")
def test_hostile_text_arrives_in_the_chapter_as_it_was_typed(root):
    text = "".join(HOSTILE_TEXTS)
    source(root).write_text(
        source(root).read_text() + "\n# %%\nprint(sum(label.encode()), len(label))\n"
    )
    execute(root, "01_first", written({"label": text}))
    assert record(root, "01_first")["parameters"]["label"] == text
    arrived = f"{sum(text.encode())} {len(text)}"
    assert arrived in (root / "book/chapters/01_first.ipynb").read_text()
    assert not list(root.rglob("made"))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_what_is_written_of_a_text_is_read_back_as_the_same_text(text):
    assert parse(written({"label": text}), {"label": "first"}) == {"label": text}


@pytest.mark.fault("make", "commands of make and of the shell in a variable", kept="everything")
def test_a_make_variable_is_handed_on_as_it_was_typed(root):
    """The project's Makefile, with an environment that is taken for installed."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (root / ".venv" / ".installed").touch()
    name = "-x$(shell touch made)$(touch made)`touch made`'\"; touch made"
    for given in ([f"CHAPTER={name}"], ["CHAPTER=01_first", f"PARAMS=label={name}"]):
        done = subprocess.run(
            ["make", "chapter", *given], cwd=root, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert f"no chapter {name!r}" in done.stdout or "cannot be read" in done.stdout
    assert not list(root.rglob("made"))


@pytest.mark.fault("parameters", "code, calls, huge and broken literals", kept="everything")
@pytest.mark.parametrize(
    "given, complaint",
    [
        ("label=__import__('os').system('touch made')", "is not one, and is not executed"),
        ("label=f\"{open('made', 'w')}\"", "is not one, and is not executed"),
        ("seeds=[x for x in range(9**9)]", "is not one, and is not executed"),
        ("seeds=9**9**9", "is not one, and is not executed"),
        ("seeds[0]=1", "is not of the form name=value"),
        ("(label:='x')", "is not of the form name=value"),
        ("nap=nan", "'nap' must be a plain value"),
        ("nap=1e400", "'nap' must be finite"),
        ("nap=-1e400", "'nap' must be finite"),
        ("nap=0x" + "f" * 3900, "int too large to convert to float"),
        ("seeds=[0x" + "f" * 3900 + "]", "must fit in 64 bits"),
        ("seeds=[f(0x" + "f" * 3900 + ")]", "is not one, and is not executed"),
        ("nap=" + "-" * 3000 + "1", "the parameters given"),
        ("seeds=" + "[" * 150 + "]" * 150, "'seeds' must be a list"),
        ("label='" + "x" * 5000 + "'", "characters; 4000 are allowed"),
        ("label='\\ud800'", "'label' must be one line of printable text"),
        ("label='a\\x00b'", "'label' must be one line of printable text"),
        ("label='a\\nb'", "'label' must be one line of printable text"),
        ("label='\udcff'", "the parameters given cannot be read"),
    ],
    ids=lambda text: text[:24].encode("ascii", "replace").decode(),
)
def test_what_is_no_plain_value_is_refused_by_name(built, given, complaint, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BookError) as refused:
        effective(built[0], "01_first", given)
    assert complaint in str(refused.value) and len(str(refused.value)) < 400
    assert str(refused.value).isprintable() and not list(tmp_path.iterdir())


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.fault("book/params.yml", "tags that run code, NaN, garbage, wrong types", kept="all")
@pytest.mark.parametrize(
    "text, complaint",
    [
        ("01_first: !!python/object/apply:os.system ['touch made']", "cannot be read"),
        ("01_first: {label: !!python/name:os.system }", "cannot be read"),
        ("01_first: {nap: .nan}", "'nap' must be finite; got nan"),
        ("01_first: {nap: .inf}", "'nap' must be finite; got inf"),
        ("01_first: {nap: 1.0e+400}", "'nap' must be finite"),
        ("01_first: {seeds: [" + "9" * 5000 + "]}", "cannot be read"),
        ("01_first: {seeds: [0x" + "f" * 5000 + "]}", "must fit in 64 bits"),
        ("01_first: {seeds: [" + "1," * 2000 + "]}", "must have 1 to 1000 entries"),
        ("01_first: {nap: 2026-01-01}", "'nap' must be a number"),
        ("01_first: {{a: 1}: 2}", "cannot be read"),
        ("01_first: 3", "expected `name: value` lines, got 3"),
        ("../../etc/passwd: {}", "no chapter '../../etc/passwd'"),
        ("- a\n- b", "must map chapter names"),
        ("[" * 100_000, "cannot be read"),
        ("\x00\x01", "cannot be read"),
        (LAUGHS.replace("i: &i", "01_first: &i").replace("a: &a", "02_second: &a"), "no chapter"),
    ],
    ids=lambda text: text[:24].encode("ascii", "replace").decode(),
)
def test_hostile_published_parameters_are_refused_by_name(root, text, complaint, monkeypatch):
    monkeypatch.chdir(root)
    (root / "book" / "params.yml").write_text(text)
    with pytest.raises(BookError, match=r"book/params\.yml") as refused:
        effective(root, "01_first")
    assert complaint in str(refused.value) and len(str(refused.value)) < 600
    assert not (root / "made").exists()


def test_values_that_share_their_parts_a_billion_times_are_refused_at_once(root):
    lines = LAUGHS.replace("a: &a", "  seeds: &a").replace("\n", "\n  ")
    (root / "book" / "params.yml").write_text("01_first:\n" + lines.replace("i: &i", "nap: &i"))
    with pytest.raises(BookError, match=r"book/params\.yml"):
        effective(root, "01_first")


@pytest.mark.fault("book/params.yml", "bytes that are no text", kept="everything")
def test_a_file_that_is_no_text_is_named(root):
    (root / "book" / "params.yml").write_bytes(b"01_first: {label: \xff}")
    with pytest.raises(BookError, match=r"book/params\.yml is not UTF-8 text"):
        effective(root, "01_first")
    source(root, "02_second").write_bytes(b"# %% \xff")
    with pytest.raises(BookError, match=r"notebooks/02_second\.py is not UTF-8 text"):
        declared(source(root, "02_second"))


@pytest.mark.fault("chapter names", "../, a dash, shell characters", kept="everything")
@pytest.mark.parametrize("name", ["../01_first", "-x", "--help", "$(touch made)", "a;b", "\n"])
def test_a_hostile_chapter_name_is_refused_with_the_list(built, name):
    done = subprocess.run(
        command("execute", "--params=", "--", name), cwd=built[0], capture_output=True, text=True
    )
    assert done.returncode == 2 and f"no chapter {name!r}" in done.stdout
    assert "There are: 01_first" in done.stdout and not (built[0] / "made").exists()


@pytest.mark.fault("chapter names", "a file in notebooks/ named like a command", kept="everything")
def test_a_source_with_a_hostile_name_stops_the_build_and_is_not_executed(root):
    source(root, "04_$(touch made)").write_text(source(root).read_text())
    done = book(root, "build")
    assert done.returncode == 2
    assert "notebooks/04_$(touch made).py: a chapter is named like 01_name.py" in done.stdout
    assert not (root / "made").exists()


RUN = Run("mnist", SWISH(0.5), critical_init_, 0, n_train=50, n_test=20, width=8, depth=3, steps=2)


@pytest.mark.fault("SMOOTHRELU_STORE", "a relative path, spaces, code, unicode", kept="the results")
@pytest.mark.parametrize("folder", ["ünï cödé 😀", "$(touch made)/-x", "a/../b", "~", "%s{0}"])
def test_a_store_may_have_any_name(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMOOTHRELU_STORE", folder)
    (tmp_path / "a").mkdir()
    runs = [RUN, dataclasses.replace(RUN, seed=1)]
    sweep(runs, workers=1, progress=None)
    assert sorted(path.suffix for path in (tmp_path / folder).iterdir()) == [".json"] * 2
    assert not list(tmp_path.rglob("made"))


@pytest.mark.fault("SMOOTHRELU_STORE", "a file, or a folder nobody can make", kept="the file")
@pytest.mark.parametrize("folder", ["file", "file/store", "/proc/store", "n" * 300])
def test_a_store_that_cannot_be_is_named_before_anything_is_computed(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    monkeypatch.setenv("SMOOTHRELU_STORE", folder)
    with pytest.raises(OSError, match="results cannot be stored in .*set SMOOTHRELU_STORE"):
        sweep([dataclasses.replace(RUN, steps=10**9)], progress=None)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.fault("book/claims.yml", "garbage, tags that run code, wrong types", kept="everything")
@pytest.mark.parametrize(
    "text",
    [
        "[",
        "\x00",
        "[" * 100_000,
        "3",
        "a: 1",
        "- a",
        "- {id: [1], claim: c}",
        "- {id: critical-point, claim: c, source: s, measure: m, chapter: c}",
        "- {id: critical-point, claim: c, source: s, measure: m, chapter: c, at_most: big}",
        "- {id: no-such-claim, claim: c, source: s, measure: m, chapter: c, at_most: 1}",
        "- !!python/object/apply:os.system ['touch made']",
    ],
    ids=lambda text: text[:24],
)
def test_a_broken_board_of_claims_is_named(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "claims.yml").write_text(text)
    with pytest.raises(ValueError, match=r"claims\.yml"):
        read_claims(tmp_path / "claims.yml")
    assert [path.name for path in tmp_path.iterdir()] == ["claims.yml"]
