"""The file of the claims: book/claims.yml, whose values and verdicts are computed and never typed.

Each entry says in words what is claimed, by whom, what is measured and what would count as true:
at_least, at_most or both. `python -m smoothrelu claims` measures every claim, from
theory or from the committed tables, and writes value, low, high (a 95 % interval over seeds, or the
value twice where nothing is random) and the verdict into the file: it holds if the whole interval
is inside the bounds, fails if it is wholly outside, and is undecided otherwise.
"""

from pathlib import Path

import pandas

from smoothrelu.book.claims.measures import MEASURES
from smoothrelu.data.datasets import CHECKOUT_DATA
from smoothrelu.files import write_atomically

CLAIMS = CHECKOUT_DATA.parent / "book" / "claims.yml"
COMPUTED = ("value", "low", "high", "verdict")
_WORDS = ("id", "claim", "source", "measure", "chapter")
_BOUNDS = ("at_least", "at_most")


def read_claims(path: Path = CLAIMS) -> pandas.DataFrame:
    """One row a claim, as the file has them; bounds, and an interval that is not there, are NaN.

    Raises ValueError, naming the claim, where an entry lacks its words, its bounds or a measure.
    """
    import yaml

    try:
        entries = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path.name} must be a list of claims, each with id, claim, source, ...")
    for entry in entries:
        name = entry.get("id")
        missing = [w for w in _WORDS if not (entry.get(w) and isinstance(entry[w], str))]
        missing += [b for b in _BOUNDS if not isinstance(entry.get(b, 0), int | float)]
        if missing or not any(bound in entry for bound in _BOUNDS):
            raise ValueError(f"{path.name}: claim {name!r} needs {', '.join(missing) or 'a bound'}")
        if name not in MEASURES:
            raise ValueError(f"{path.name}: nothing in claims/measures.py measures {name!r}")
    frame = pandas.DataFrame(entries)
    return frame.reindex(columns=[*_WORDS, *_BOUNDS, *COMPUTED])


def measure(entry: dict) -> dict:
    """Value, interval and verdict of one claim, computed now."""
    value, low, high = (float(x) for x in MEASURES[entry["id"]]())
    bounds = entry.get("at_least", float("-inf")), entry.get("at_most", float("inf"))
    rounded = (float(f"{x:.4g}") for x in (value, low, high))
    return dict(zip(COMPUTED, (*rounded, verdict(low, high, *bounds)), strict=True))


def verdict(low: float, high: float, at_least: float, at_most: float) -> str:
    """Of a claim whose measure lies between low and high and should lie between the bounds."""
    if at_least <= low and high <= at_most:
        return "holds"
    return "fails" if high < at_least or low > at_most else "undecided"


def write_verdicts(path: Path = CLAIMS) -> None:
    """Measure every claim and write the file anew, its words as they are."""
    import yaml

    read_claims(path)
    entries = [entry | measure(entry) for entry in yaml.safe_load(path.read_text())]
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    parts = [yaml.safe_dump([e], sort_keys=False, width=100, allow_unicode=True) for e in entries]
    write_atomically(path, "\n".join([*head, "", *parts]).encode())
    for entry in entries:
        print(f"{entry['verdict']:10s} {entry['value']:<10.4g} {entry['id']}")
