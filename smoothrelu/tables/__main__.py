"""python -m smoothrelu.tables: write the table of critical constants that the book offers."""

from pathlib import Path

from smoothrelu.tables.criticality import published

if __name__ == "__main__":
    path = Path(__file__).parents[2] / "data" / "results" / "critical_constants.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    published().to_csv(path, index=False, float_format="%.12g", lineterminator="\n")
    print(path)
