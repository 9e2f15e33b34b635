"""The command line: python -m smoothrelu.book.claims measures every claim and writes the file."""

from smoothrelu.book.claims.file import write_verdicts

if __name__ == "__main__":
    write_verdicts()
