"""What happens to a build or a site that is killed, doubled, or has nowhere to write."""

import os
import shutil
import signal
import time

import pytest
from tiny_book import book, has_our_traceback, left_behind, running, sleeping

from smoothrelu.book.runner.freshness import site_is_fresh


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.fault("site", "kill -9 of its build", kept="the last good site, byte for byte")
def test_a_killed_site_build_leaves_the_last_good_site_and_the_next_one_finishes(root):
    html = root / "_build" / "html"
    before = contents(html)
    (root / "book" / "intro.md").write_text("# A new title\n")
    with running(root, "site", until="building"):
        end = time.monotonic() + 60
        while not any((root / "_build" / "new").rglob("*.html")) and time.monotonic() < end:
            time.sleep(0.01)
    assert any((root / "_build" / "new").rglob("*.html")) and left_behind(root) == []
    assert contents(html) == before and not site_is_fresh(root)
    done = book(root, "site")
    assert done.returncode == 0 and "A new title" in (html / "book" / "intro.html").read_text()
    assert not (root / "_build" / "new").exists() and site_is_fresh(root)


@pytest.mark.fault("site", "kill -9 between the two renames", kept="the last good site")
def test_a_site_that_was_being_swapped_is_brought_back_even_if_the_next_build_fails(root):
    html = root / "_build" / "html"
    before = contents(html)
    html.rename(root / "_build" / "old")  # what such a kill leaves
    (root / "_toc.yml").write_text("format: jb-book\nroot: nowhere\n")
    done = book(root, "site")
    assert done.returncode == 1 and "the last good one is untouched" in done.stdout
    assert contents(html) == before


@pytest.mark.fault("site", "a second build of it at the same time", kept="the first one's work")
def test_a_second_site_build_is_refused_by_name(root):
    with running(root, "site", until="building") as first:
        second = book(root, "site")
        assert first.wait(timeout=120) == 0
    assert second.returncode == 2 and "the site is being built by another process" in second.stdout


@pytest.mark.fault("book", "two builds at once", kept="the first one's jobs")
def test_a_second_build_is_refused_by_name_as_long_as_any_job_of_the_first_runs(root):
    with sleeping(root, "chapter", "01_first", "--params", "nap=600.0") as first:
        second = book(root, "build")
        os.kill(first.pid, signal.SIGKILL)  # its jobs go on
        first.wait()
        third = book(root, "build")
    for refused in (second, third):
        assert refused.returncode == 2
        assert "the book is being built by another process" in refused.stdout
    assert left_behind(root) == []


@pytest.mark.fault("site folder", "full disk", kept="the last good site, byte for byte")
def test_a_full_disk_fails_the_site_by_name_and_leaves_the_last_good_one(root, disk):
    size = sum(map(len, contents(root / "_build").values()))
    disk(root / "_build", size + 1_000_000)
    before = contents(root / "_build" / "html")
    done = book(root, "site")
    assert done.returncode == 1 and "No space left on device" in done.stdout
    assert not has_our_traceback(done.stderr) and contents(root / "_build" / "html") == before


@pytest.mark.fault("site folder", "read-only", kept="the last good site")
def test_a_read_only_site_folder_is_named(root, disk):
    before = contents(root / "_build" / "html")
    disk(root / "_build", "64m").make_read_only()
    done = book(root, "site")
    assert done.returncode == 1 and "Read-only file system: '_build/" in done.stdout
    assert contents(root / "_build" / "html") == before


@pytest.mark.fault("book", "the whole folder is read-only", kept="everything")
def test_a_read_only_book_is_named_and_not_a_traceback(built, tmp_path, disk):
    root = shutil.copytree(built[0], tmp_path / "copy", symlinks=True)
    disk(root, "64m").make_read_only()
    done = book(root, "build", PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 1 and "Read-only file system: '_build/" in done.stdout
    assert not has_our_traceback(done.stderr)
