"""The board of claims as a page shows it: grouped by who makes them, the papers first, with what
was measured a click or a key away.
"""

import html
from collections import Counter
from collections.abc import Iterable

import pandas

_OURS = "this book"
_TITLES = {  # others name themselves
    "the paper": "The paper: When are smooth-ReLUs ReLU-like?",
    _OURS: "This book, beyond the papers",
}


class ClaimsPage:
    """Shows itself as HTML in any notebook; made by `board_of_claims`."""

    def __init__(self, page: str) -> None:
        self._page = page

    def _repr_html_(self) -> str:
        return self._page


def board_of_claims(claims: pandas.DataFrame) -> ClaimsPage:
    """The table of `file.read_claims`, in its order, for the last line of a cell.

    source: "PAPER, which of its claims", or "this book" for what the book adds.
    """
    groups: dict[str, list] = {}
    for _, row in claims.iterrows():
        groups.setdefault(row["source"].partition(",")[0], []).append(row)
    groups[_OURS] = groups.pop(_OURS, [])  # to the end
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Verdict", "Claim", "Measured"))
    bodies = "".join(_group(source, rows) for source, rows in groups.items() if rows)
    return ClaimsPage(f'<table class="board"><thead><tr>{heads}</tr></thead>{bodies}</table>')


def _group(source: str, rows: list) -> str:
    counts = Counter(row["verdict"] for row in rows)
    tally = ", ".join(f"{word} {count}" for word, count in counts.items())
    title = html.escape(_TITLES.get(source, source))
    head = f'<th scope="rowgroup" colspan="3">{title} <span class="tally">({tally})</span></th>'
    return f"<tbody><tr>{head}</tr>{''.join(map(_row, rows))}</tbody>"


def _row(row: pandas.Series) -> str:
    chapter = row["chapter"]
    words = html.escape(" ".join(row["measure"].split()))
    part = html.escape(row["source"].partition(", ")[2])
    link = f'<a href="{chapter}.html">{chapter.replace("_", " ")}</a>'
    aside = f'<span class="aside">{part}{"; " if part else ""}chapter {link}</span>'
    details = f"<details><summary>What was measured</summary>{words}</details>"
    verdict = f'<span class="verdict {row["verdict"]}">{row["verdict"]}</span>'
    claim = html.escape(" ".join(row["claim"].split()))
    number = f'{value_and_interval(row)}<span class="aside">{bounds(row)}</span>'
    return _cells([verdict, f"{claim} {aside}{details}", number])


def _cells(contents: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{content}</td>" for content in contents) + "</tr>"


def value_and_interval(row: pandas.Series) -> str:
    """The number, with its interval where it has one."""
    interval = "" if row["low"] == row["high"] else f" ({_between(row['low'], row['high'])})"
    return f"{row['value']:.3g}{interval}"


def bounds(row: pandas.Series) -> str:
    """What the claim says of the number."""
    if pandas.isna(row["at_most"]):
        return f"at least {row['at_least']:g}"
    if pandas.isna(row["at_least"]):
        return f"at most {row['at_most']:g}"
    return _between(row["at_least"], row["at_most"])


def _between(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}"
