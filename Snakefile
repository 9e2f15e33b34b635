# The long runs on a cluster, one job a study; more in CONTRIBUTING.md:
#     snakemake paper --executor slurm --jobs 8 --config threads=16 studies="mnist_warm ntk_mnist"
# Their tables are committed, and no output of this graph: a job that fails must not delete one.

import os
import sys

PYTHON = sys.executable


rule paper:
    input:
        expand("_build/studies/{study}", study=config["studies"].split()),


rule study:
    output:
        touch("_build/studies/{study}"),
    threads: int(config.get("threads", 0)) or os.cpu_count()  # of one job, on its machine
    shell:
        "{PYTHON:q} -m smoothrelu studies run {wildcards.study} --workers {threads}"
