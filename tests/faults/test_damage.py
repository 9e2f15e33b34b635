"""Damaged chapters, a build without memory, dates that lie: what is built again, and what not?"""

import json
import os
import random
import time

import pytest
from tiny_book import NAMES, book, executed, page

from smoothrelu.book.runner.freshness import (
    is_fresh,
    is_whole,
    seal_of,
    site_is_fresh,
    site_seal_of,
)
from smoothrelu.book.runner.parameters import published

TOMORROW = time.time() + 86_400


def fresh(root):
    return [name for name in NAMES if is_fresh(root, name, published(root, name))]


def flipped(content, seed):
    place = random.Random(seed).randrange(8 * len(content))
    broken = bytearray(content)
    broken[place // 8] ^= 1 << place % 8
    return bytes(broken)


def with_record(content, record):
    notebook = json.loads(content)
    notebook["metadata"]["smoothrelu"] = record
    return json.dumps(notebook).encode()


@pytest.mark.fault("chapters folder", "a page is truncated or garbage", kept="the other pages")
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-40],
        lambda content: b"",
        lambda content: b"\x80 no text",
        lambda content: b"[" * 100_000,
        lambda content: b"[]",
        lambda content: with_record(content, 3),
        lambda content: with_record(content, {"parameters": {}, "format": "of another version"}),
    ],
)
def test_a_damaged_page_is_not_taken_for_whole(root, damage):
    path = page(root, "02_second")
    path.write_bytes(damage(path.read_bytes()))
    assert not is_whole(root, "02_second") and fresh(root) == ["01_first", "03_third"]
    seal_of(root, "02_second").unlink()
    assert not is_whole(root, "02_second")


@pytest.mark.fault("chapters folder", "one bit of a page is flipped", kept="the other pages")
def test_one_flipped_bit_of_a_page_is_found_wherever_it_is(root):
    path = page(root, "02_second")
    good = path.read_bytes()
    for seed in range(50):
        path.write_bytes(flipped(good, seed))
        assert not is_whole(root, "02_second") and "02_second" not in fresh(root)
    path.write_bytes(good)
    assert fresh(root) == NAMES


@pytest.mark.fault("chapters folder", "a seal is truncated, flipped or garbage", kept="the pages")
def test_a_damaged_seal_makes_its_chapter_stale(root):
    path = seal_of(root, "02_second")
    good = path.read_bytes()
    for broken in (good[:-20], b"", b"3", b"[]", b'{"sources": 3}', flipped(good, 5)):
        path.write_bytes(broken)
        assert fresh(root) == ["01_first", "03_third"]


@pytest.mark.fault("book", "all of that, and no seal of the site", kept="what was not damaged")
def test_one_build_mends_all_damage_and_the_next_has_nothing_to_do(root):
    first, second = page(root, "01_first"), page(root, "02_second")
    first.write_bytes(first.read_bytes()[:-40])
    second.write_bytes(second.read_bytes().replace(b"0.25", b"0.75"))
    site_seal_of(root).unlink()
    done = book(root, "build")
    assert sorted(executed(done.stdout)) == ["01_first", "02_second"], done.stdout
    assert b"0.75" not in second.read_bytes() and fresh(root) == NAMES
    assert "is up to date" in book(root, "build").stdout


@pytest.mark.fault("book", "the seal of the site is garbage", kept="every page: none runs again")
def test_a_site_with_a_damaged_seal_is_built_again_from_the_same_pages(root):
    site_seal_of(root).write_bytes(b'["\x80')
    done = book(root, "build")
    assert done.returncode == 0 and executed(done.stdout) == [] and site_is_fresh(root)


def dated(root, when):
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (when, when))


@pytest.mark.fault("book", "the clock was set back: all is from tomorrow", kept="what is unchanged")
def test_files_from_the_future_are_neither_rebuilt_for_ever_nor_refused(root):
    source = root / "notebooks" / "03_third.py"
    source.write_text(source.read_text() + "\n# %%\nprint('new')\n")
    dated(root, TOMORROW)
    done = book(root, "build")
    assert done.returncode == 0 and executed(done.stdout) == ["03_third"], done.stdout
    assert "new" in page(root, "03_third").read_text()
    assert "is up to date" in book(root, "build").stdout


@pytest.mark.fault("book", "a source changes under an old date", kept="the other chapters")
def test_a_changed_source_is_stale_whatever_its_date(root):
    source = root / "notebooks" / "03_third.py"
    source.write_text(source.read_text() + "\n# %%\nprint('new')\n")
    os.utime(source, (0, 0))
    assert fresh(root) == ["01_first", "02_second"]
    (root / "smoothrelu" / "files.py").write_text("# changed\n")
    os.utime(root / "smoothrelu" / "files.py", (0, 0))
    assert fresh(root) == []


@pytest.mark.fault("book", "dates change and nothing else", kept="everything: nothing runs again")
@pytest.mark.parametrize("when", [0, TOMORROW], ids=["1970", "tomorrow"])
def test_dates_alone_make_nothing_stale(root, when):
    dated(root, when)
    assert fresh(root) == NAMES
