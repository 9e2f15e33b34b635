"""python -m smoothrelu.tables: write the table of critical constants that the book offers."""

from smoothrelu.datasets import CHECKOUT_DATA
from smoothrelu.results import write_atomically
from smoothrelu.tables.criticality import published

if __name__ == "__main__":
    path = CHECKOUT_DATA / "results" / "critical_constants.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = published().to_csv(index=False, float_format="%.12g", lineterminator="\n")
    write_atomically(path, text.encode())
    print(path)
