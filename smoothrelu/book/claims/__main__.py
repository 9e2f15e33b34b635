"""The command line: python -m smoothrelu claims measures every claim and writes the file."""

import argparse

from smoothrelu.book.claims.file import write_verdicts

if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m smoothrelu claims", description=__doc__).parse_args()
    write_verdicts()
