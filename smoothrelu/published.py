"""The committed tables of the long runs: data/results/NAME.csv, and NAME.json with its provenance.

The provenance holds the SHA-256 of the table: one that was altered or truncated is named and never
used.
"""

import hashlib
import json
import os
from pathlib import Path

import pandas

from smoothrelu.datasets import CHECKOUT_DATA, DataError
from smoothrelu.results import write_atomically

RESULTS = CHECKOUT_DATA / "results"
COMMANDS = {"finite_width": "python -m smoothrelu.wide_networks"}  # of what is no study


def published(name: str, folder: str | os.PathLike = RESULTS) -> pandas.DataFrame:
    """The table of the study `name`; its provenance, a dict, is in the frame's .attrs.

    Raises DataError where there is none, and where its bytes are not those that were written.
    """
    table, record = (Path(folder) / f"{name}{suffix}" for suffix in (".csv", ".json"))
    remedy = f"compute it: {COMMANDS.get(name, f'make paper STUDY={name}')}"
    if not (table.is_file() and record.is_file()):
        raise DataError(f"no table of {name!r} in {Path(folder).name}/; {remedy}")
    try:
        provenance = json.loads(record.read_text())
        expected = provenance["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{record.name} is damaged; restore it from git, or {remedy}") from None
    if hashlib.sha256(table.read_bytes()).hexdigest() != expected:
        raise DataError(
            f"{table.name} is not the table that {record.name} describes; "
            f"restore both from git, or {remedy}"
        )
    frame = pandas.read_csv(table)
    frame.attrs = provenance
    return frame


def publish(
    name: str, table: pandas.DataFrame, provenance: dict, folder: str | os.PathLike = RESULTS
) -> None:
    """Write a table and its provenance, each atomically; numbers in seven significant digits."""
    text = table.to_csv(index=False, float_format="%.7g", lineterminator="\n").encode()
    publish_text(name, text, provenance | {"rows": len(table)}, folder)


def publish_text(name: str, text: bytes, record: dict, folder: str | os.PathLike = RESULTS) -> None:
    """Write a table that is text already, and its record."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    record = record | {"sha256": hashlib.sha256(text).hexdigest()}
    write_atomically(folder / f"{name}.csv", text)
    write_atomically(folder / f"{name}.json", f"{json.dumps(record, indent=2)}\n".encode())
