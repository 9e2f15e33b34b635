"""The long runs of the book: what the paper profile computes, and the tables it leaves.

A study is a list of runs and what is kept of them. `python -m smoothrelu studies run NAME`, or
`make paper STUDY=NAME`, computes what the store does not have and writes data/results/NAME.csv
with its provenance; a killed one goes on where it stopped. The chapters read these tables.
"""

from collections.abc import Callable

from smoothrelu.book.studies.full_batch import FULL_BATCH, tracked
from smoothrelu.book.studies.lambda_gelu import LAMBDA_GELU
from smoothrelu.book.studies.study import Study
from smoothrelu.book.studies.sugar import SUGAR_STUDIES

__all__ = ["STUDIES", "Study", "tracked"]

STUDIES: dict[str, Callable[[], Study]] = {**FULL_BATCH, **LAMBDA_GELU, **SUGAR_STUDIES}
"""By name; a study is made when it is asked for."""
