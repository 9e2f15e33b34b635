"""The board of claims says what theory and the committed tables say, and nothing else."""

from math import inf

import pytest
import yaml

from smoothrelu.book.claims import page
from smoothrelu.book.claims.file import CLAIMS, measure, read_claims, verdict, write_verdicts
from smoothrelu.book.claims.measures import MEASURES

ENTRIES = yaml.safe_load(CLAIMS.read_text())
CHAPTERS = {path.stem for path in (CLAIMS.parents[1] / "notebooks").glob("*.py")}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_a_claim_measured_again_has_the_value_and_the_verdict_on_the_board(entry):
    again = measure(entry)
    assert again["verdict"] == entry["verdict"]
    assert again["value"] == pytest.approx(entry["value"], rel=2e-3, abs=1e-9)
    assert again["low"] == pytest.approx(entry["low"], rel=2e-3, abs=1e-9)
    assert again["high"] == pytest.approx(entry["high"], rel=2e-3, abs=1e-9)


def test_every_measure_belongs_to_a_claim_and_every_claim_to_a_chapter():
    assert {entry["id"] for entry in ENTRIES} == set(MEASURES)
    assert {entry["chapter"] for entry in ENTRIES} <= CHAPTERS
    assert len({entry["id"] for entry in ENTRIES}) == len(ENTRIES)


WORDS = {"claim": "c", "source": "s", "measure": "m", "chapter": "02_initialization"}


@pytest.mark.parametrize(
    "bounds, expected",
    [
        ({"at_most": 1e-9}, "holds"),
        ({"at_least": 1.0}, "fails"),
        ({"at_least": -1.0, "at_most": 1.0}, "holds"),
    ],
)
def test_the_verdict_follows_from_the_bounds(tmp_path, bounds, expected):
    path = tmp_path / "claims.yml"
    path.write_text("# head\n" + yaml.safe_dump([{"id": "critical-point"} | WORDS | bounds]))
    write_verdicts(path)
    (entry,) = yaml.safe_load(path.read_text())
    assert entry["verdict"] == expected and 0 < entry["value"] < 1e-9
    assert path.read_text().startswith("# head\n")
    assert " to " not in page.value_and_interval(read_claims(path).iloc[0])


def test_an_interval_across_a_bound_is_undecided():
    assert verdict(-0.1, 0.3, at_least=0.0, at_most=inf) == "undecided"
    assert verdict(-0.1, 0.3, at_least=0.4, at_most=inf) == "fails"
    assert verdict(-0.1, 0.3, at_least=-0.2, at_most=inf) == "holds"
    assert verdict(-0.1, 0.3, at_least=-0.2, at_most=0.2) == "undecided"
    assert verdict(-inf, inf, at_least=-1.0, at_most=1.0) == "undecided"


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"id": "critical-point"} | WORDS, "needs a bound"),
        ({"id": "critical-point", "at_most": 1.0}, "needs claim, source, measure, chapter"),
        ({"id": "unheard-of", "at_most": 1.0} | WORDS, "nothing in .* measures 'unheard-of'"),
    ],
)
def test_an_entry_that_lacks_something_is_named(tmp_path, entry, words):
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump([entry]))
    with pytest.raises(ValueError, match=words):
        read_claims(path)


def test_the_page_groups_claims_by_paper_and_has_ours_in_a_group_at_the_end(tmp_path):
    entry = {"at_most": 1.0, "value": 0.5, "low": 0.5, "high": 0.5, "verdict": "holds"} | WORDS
    sources = {"critical-point": "the paper, second claim", "stable-kernel": "lambda-GELU, target",
               "stable-gradient": "this book", "relu-limit": "the paper, first claim"}  # fmt: skip
    entries = [entry | {"id": id, "claim": f"{id} & co", "source": s} for id, s in sources.items()]
    (path := tmp_path / "claims.yml").write_text(yaml.safe_dump(entries))
    first, second, ours = page.board_of_claims(read_claims(path))._repr_html_().split("<tbody>")[1:]
    assert "The paper: When are" in first and "holds 2" in first
    assert "relu-limit &amp; co" in first and "first claim" in first
    assert ">lambda-GELU <" in second and "stable-kernel &amp; co" in second
    assert "This book" in ours and "stable-gradient &amp; co" in ours
    assert [part.count("What was measured") for part in (first, second, ours)] == [2, 1, 1]
