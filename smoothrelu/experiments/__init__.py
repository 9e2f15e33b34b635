"""Many networks: what a run is, how its result is stored and how it is computed.

run, minibatch_run   Run and MinibatchRun: all that a result depends on; grid makes many
sweeps               sweep: runs in, a table out; finished runs are read from the store
scheduler, worker    worker processes on a CPU; ensemble: batches of networks on a GPU
store, checkpoints   finished runs, and unfinished ones: a killed run resumes from these
run_key              the key of a stored result: the run, its code, its data, its machine
committed            the tables of the long runs under data/results
"""

from smoothrelu.experiments.minibatch_run import MinibatchRun as MinibatchRun
from smoothrelu.experiments.run import Run as Run
from smoothrelu.experiments.run import grid as grid
from smoothrelu.experiments.sweeps import SweepFailed as SweepFailed
from smoothrelu.experiments.sweeps import sweep as sweep
