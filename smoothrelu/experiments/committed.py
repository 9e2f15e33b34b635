"""The committed tables of the long runs: data/results/NAME.csv, and NAME.json with its provenance.

The provenance holds the SHA-256 of the table: one that was altered or truncated is named and never
used.
"""

import json
import os
from pathlib import Path

import pandas

from smoothrelu.data.datasets import CHECKOUT_DATA, DataError
from smoothrelu.files import sha256, write_atomically

RESULTS = CHECKOUT_DATA / "results"


def published(
    name: str, folder: str | os.PathLike = RESULTS, *, command: str | None = None
) -> pandas.DataFrame:
    """The table `name`; its provenance, a dict, is in the frame's .attrs.

    command: what computes it, for the messages; None: it is a study, `make paper STUDY=name` does.
    Raises DataError where there is none, and where its bytes are not those that were written.
    """
    table, record = (Path(folder) / f"{name}{suffix}" for suffix in (".csv", ".json"))
    remedy = f"compute it: {command or f'make paper STUDY={name}'}"
    if not (table.is_file() and record.is_file()):
        raise DataError(f"no table of {name!r} in {Path(folder).name}/; {remedy}")
    try:
        provenance = json.loads(record.read_text())
        expected = provenance["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{record.name} is damaged; restore it from git, or {remedy}") from None
    if sha256(table.read_bytes()) != expected:
        raise DataError(
            f"{table.name} is not the table that {record.name} describes; "
            f"restore both from git, or {remedy}"
        )
    frame = pandas.read_csv(table)
    frame.attrs = provenance
    return frame


def publish(
    name: str,
    table: pandas.DataFrame,
    provenance: dict,
    folder: str | os.PathLike = RESULTS,
    *,
    digits: int = 7,
) -> None:
    """Write a table and its provenance, each atomically; numbers in so many significant digits."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n").encode()
    record = provenance | {"rows": len(table), "sha256": sha256(text)}
    write_atomically(folder / f"{name}.csv", text)
    write_atomically(folder / f"{name}.json", f"{json.dumps(record, indent=2)}\n".encode())
