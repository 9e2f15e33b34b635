"""The command line: python -m smoothrelu studies."""

import argparse
import sys
from collections.abc import Sequence

import torch

from smoothrelu.book import studies
from smoothrelu.book.studies import STUDIES
from smoothrelu.book.studies.study import compute
from smoothrelu.experiments.committed import publish


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m smoothrelu studies", description=studies.__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the studies, with the number of their runs")
    run = actions.add_parser("run", help="compute studies and write their tables")
    run.add_argument("names", nargs="*", metavar="NAME", help="all of them, where none is named")
    run.add_argument("--workers", type=int, default=None, help="processes (default: all cores)")
    chosen = parser.parse_args(arguments)
    if chosen.action == "list":
        for name, study in STUDIES.items():
            print(f"{name:15s} {len(study().runs):5d} runs   {study().about}")
        return 0
    unknown = sorted({*chosen.names} - {*STUDIES})
    if unknown:
        parser.error(f"no study {', '.join(unknown)}; there are {', '.join(STUDIES)}")
    for name in chosen.names or STUDIES:
        table = compute(name, STUDIES[name](), workers=chosen.workers)
        publish(name, table, table.attrs)
        print(f"data/results/{name}.csv: {len(table)} rows of {table.attrs['runs']} runs")
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
