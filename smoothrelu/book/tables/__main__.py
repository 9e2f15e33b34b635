"""python -m smoothrelu.book.tables: write the table of critical constants that the book offers."""

from smoothrelu.book.tables.criticality import published
from smoothrelu.experiments.committed import RESULTS, publish
from smoothrelu.provenance import current_provenance

if __name__ == "__main__":
    about = "critical constants and fixed points of every activation, at temperature 1"
    made = {"about": about, "command": "python -m smoothrelu.book.tables"}
    made |= current_provenance()
    publish("critical_constants", published(), made, digits=12)
    print(RESULTS / "critical_constants.csv")
