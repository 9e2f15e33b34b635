"""What happens to a chapter that raises, whose kernel dies, that is killed, or that hangs."""

import os
import signal
import subprocess
import sys

import pandas
import pytest
from tiny_book import ROOT, book, has_our_traceback, jobs, left_behind, page, record, sleeping

from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.execution import execute
from smoothrelu.book.runner.freshness import is_fresh, is_whole, seal_of
from smoothrelu.book.runner.parameters import published


def with_cell(root, code):
    """The first chapter, with one more cell; what is kept of it: the good page and its seal."""
    source = root / "notebooks" / "01_first.py"
    source.write_text(f"{source.read_text()}\n# %%\n{code}\n")
    return kept(root)


def kept(root):
    return page(root, "01_first").read_bytes(), seal_of(root, "01_first").read_bytes()


def leftovers(root):
    """Names in the chapters folder that are neither pages, seals nor locks."""
    names = {path.name for path in (root / "book" / "chapters").iterdir()}
    return {name for name in names if name.endswith((".running.ipynb", ".failed.ipynb", ".tmp"))}


@pytest.mark.fault("chapter", "a cell raises", kept="the last good page; the failed notebook")
def test_a_chapter_that_raises_names_its_cell_and_keeps_the_failed_notebook(root):
    before = with_cell(root, "x = 1\nassert x > 2, 'the claim does not hold'")
    done = book(root, "execute", "01_first")
    assert done.returncode == 1 and not has_our_traceback(done.stderr)
    assert "cell 5 of notebooks/01_first.py failed: `x = 1`" in done.stdout
    assert "AssertionError: the claim does not hold" in done.stdout
    assert kept(root) == before and leftovers(root) == {"01_first.failed.ipynb"}
    assert "the claim does not hold" in page(root, "01_first.failed").read_text()
    assert not is_fresh(root, "01_first", published(root, "01_first"))


@pytest.mark.fault("chapter", "the kernel dies", kept="the last good page; the notebook so far")
@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_chapter_whose_kernel_dies_fails_by_name(root, death):
    before = with_cell(root, death)
    done = book(root, "execute", "01_first")
    assert done.returncode == 1 and "01_first: the kernel died" in done.stdout
    assert kept(root) == before and leftovers(root) == {"01_first.failed.ipynb"}
    assert left_behind(root) == []


@pytest.mark.fault(
    "chapter", "kill -9 of the execution", kept="the last good page; the next command runs it anew"
)
def test_a_killed_execution_leaves_the_last_good_page_and_no_kernel(root):
    before = kept(root)
    with sleeping(root, "execute", "01_first", "--params", "nap=600.0"):
        pass
    assert left_behind(root) == []
    assert kept(root) == before
    done = book(root, "execute", "01_first", "--params", "seeds=[7]")
    assert done.returncode == 0, done.stdout
    assert record(root, "01_first")["parameters"]["seeds"] == [7]
    assert leftovers(root) == set() and is_whole(root, "01_first")


@pytest.mark.fault(
    "chapter", "kill -9 between the page and its seal", kept="the page, which is made again"
)
def test_a_page_without_its_own_seal_is_not_taken_for_whole(root):
    good = page(root, "01_first").read_bytes()
    page(root, "01_first").write_bytes(good.replace(b"half done", b"wholly done") + b"\n")
    assert not is_whole(root, "01_first")  # the seal is that of the page before
    seal_of(root, "01_first").unlink()
    assert not is_fresh(root, "01_first", published(root, "01_first"))
    assert is_fresh(root, "02_second", published(root, "02_second"))


@pytest.mark.fault("chapter", "Ctrl-C while a cell hangs", kept="the last good pages and the site")
def test_an_interrupted_build_ends_its_hanging_kernel_and_says_so(root):
    (before, _), index = kept(root), (root / "_build/html/index.html").read_bytes()
    (root / "book" / "params.yml").write_text("01_first:\n  nap: 600.0\n")
    with sleeping(root, "build") as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 130 and "interrupted; what was finished is kept" in said
    assert left_behind(root) == []
    assert page(root, "01_first").read_bytes() == before
    assert leftovers(root) <= {"01_first.running.ipynb"}  # which the next execution removes
    assert (root / "_build/html/index.html").read_bytes() == index


@pytest.mark.fault("book", "SIGTERM of a build alone", kept="the last good pages")
def test_a_build_that_is_told_to_end_ends_its_jobs_first(root):
    before, _ = kept(root)
    (root / "book" / "params.yml").write_text("01_first:\n  nap: 600.0\n")
    with sleeping(root, "build") as process:
        process.terminate()
        process.communicate(timeout=300)
        assert left_behind(root) == []
    assert process.returncode == 130 and page(root, "01_first").read_bytes() == before


@pytest.mark.fault("book", "kill -9 of one chapter's job", kept="the other chapters, executed")
def test_a_job_that_is_killed_is_named_and_the_others_go_on(root):
    (before, _), source = kept(root), root / "notebooks" / "02_second.py"
    (root / "book" / "params.yml").write_text("01_first:\n  nap: 600.0\n")
    source.write_text(source.read_text() + "\n# %%\nprint('new')\n")
    with sleeping(root, "build") as process:
        (job,) = jobs(root, "01_first")
        os.kill(job, signal.SIGKILL)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 1 and "01_first          | killed by SIGKILL" in said
    assert "new" in page(root, "02_second").read_text()
    assert page(root, "01_first").read_bytes() == before


@pytest.mark.fault("chapter", "the source is edited during its run", kept="what ran")
def test_a_chapter_that_was_edited_while_it_ran_is_stale(root):
    with sleeping(root, "execute", "02_second", "--params", "nap=600.0") as process:
        source = root / "notebooks" / "02_second.py"
        source.write_text(source.read_text() + "\n# %%\nprint('new')\n")
        (root / "wake").touch()
        assert process.wait(timeout=120) == 0
    ran_with = record(root, "02_second")["parameters"]
    assert is_whole(root, "02_second") and not is_fresh(root, "02_second", ran_with)


@pytest.mark.fault("chapters folder", "full disk", kept="the last good page, whole")
def test_a_full_disk_fails_a_chapter_by_name_and_leaves_nothing_half_written(root, disk):
    before = with_cell(root, "print('long ' * 100_000)")
    small = disk(root / "book" / "chapters", "200k")
    done = book(root, "execute", "01_first")
    assert done.returncode == 1 and "No space left on device" in done.stdout
    assert not has_our_traceback(done.stdout + done.stderr)
    assert kept(root) == before and leftovers(root) == set()
    small.make_writable()
    done = book(root, "execute", "01_first")
    assert done.returncode == 0 and "long long" in page(root, "01_first").read_text()


@pytest.mark.fault("chapters folder", "read-only", kept="everything")
def test_a_read_only_chapters_folder_is_named(root, disk):
    before = kept(root)
    disk(root / "book" / "chapters", "1m").make_read_only()
    done = book(root, "execute", "01_first", "--params", "seeds=[7]")
    assert done.returncode == 1 and "Read-only file system: 'book/chapters/" in done.stdout
    assert not has_our_traceback(done.stderr) and kept(root) == before


@pytest.mark.fault("chapter", "the data manifest is garbage", kept="the last good page")
@pytest.mark.parametrize("text", ["", "[]", '{"datasets": 3}', "\x80", "[" * 100_000])
def test_a_chapter_whose_data_manifest_is_garbage_is_refused_before_it_runs(root, text):
    (root / "data" / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(BookError, match="git checkout -- data/manifest.json"):
        execute(root, "01_first")
    assert is_whole(root, "01_first") and leftovers(root) == set()


SWEEP = """import sys
sys.path.insert(0, {here!r})
from smoothrelu import SWISH, grid, he_init_, sweep
runs = grid(dataset="mnist", activation=SWISH(0.5), init=he_init_, seed=[0, 1, 2, 3],
            n_train=50, n_test=20, width=8, depth=3, steps=300)
sweep(runs, workers=1, progress=None).to_pickle({table!r})"""


@pytest.mark.fault("chapter", "a sweep of the same runs at the same time", kept="every run, once")
def test_a_chapter_and_a_sweep_at_once_share_the_store(root, tmp_path):
    inside, outside = (
        SWEEP.format(here=str(ROOT), table=str(tmp_path / name)) for name in ("inside", "outside")
    )
    store = root / "data" / "runs"
    with_cell(root, inside)
    environment = os.environ | {"SMOOTHRELU_STORE": str(store)}
    with subprocess.Popen([sys.executable, "-c", outside], env=environment) as sweeping:
        done = book(root, "execute", "01_first")
    assert (done.returncode, sweeping.returncode) == (0, 0), done.stdout
    ours, theirs = (pandas.read_pickle(tmp_path / name) for name in ("inside", "outside"))
    assert ours.equals(theirs)  # dates too: each run was computed by one of them
    assert sorted(path.suffix for path in store.iterdir()) == [".json"] * 4
