# The one build graph: sources, module, data and parameters -> executed chapters -> site.
# `make book` and `make chapter` call it through `python -m smoothrelu.book.runner`, which tells it what is
# stale (freshness.py): by itself it makes only what is missing.

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)
from smoothrelu.book.runner.parameters import chapters, effective, written

ROOT = Path(workflow.basedir)
CHAPTERS = chapters(ROOT)
PYTHON = sys.executable
ASKED = config.get("asked", {})  # chapter -> overrides, from `make chapter`
LONGEST = ["08_cifar10", "07_mnist", "10_ntk", "11_lambda_gelu", "04_flows", "09_where_it_pays"]


def parameters(chapter):
    return effective(ROOT, chapter, ASKED.get(chapter, ""))


def gpus(chapter):
    """One kernel at a time on a GPU: they would race for its memory."""
    device = str(parameters(chapter).get("device", "cpu"))
    return int(device != "cpu" and (device != "auto" or shutil.which("nvidia-smi") is not None))


def threads_each(wildcards):
    """The user's own choice, else the cores shared out over the chapters that may run."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    return int(chosen) if chosen.isdigit() else max(1, workflow.cores // len(ASKED or CHAPTERS))


def first(wildcards):
    """Priority: were a long chapter begun last, all cores but one would wait for it."""
    name = wildcards.chapter
    return len(LONGEST) - LONGEST.index(name) if name in LONGEST else 0


wildcard_constraints:
    chapter="[^/.]+",


# The outputs are records, written last by a job that succeeded. Were they the pages, Snakemake
# would delete the last good page when its job starts, or (flag update) put it back after a failure
# with a new date, and then take it for fresh.
RECORDS = expand("book/chapters/{chapter}.json", chapter=CHAPTERS)


# Asks for each record by name: one that a failed job took away is not made again for the sake of
# the site alone, when that is newer than the sources.
rule site:
    input:
        RECORDS,
        "_build/site.json",


rule pages:
    input:
        RECORDS,
    output:
        "_build/site.json",
    shell:
        "{PYTHON:q} -m smoothrelu.book.runner site"


rule execute:
    output:
        "book/chapters/{chapter}.json",
    params:
        values=lambda wildcards: written(parameters(wildcards.chapter)),
    threads: threads_each
    priority: first
    resources:
        gpu=lambda wildcards: gpus(wildcards.chapter),
    shell:
        "{PYTHON:q} -m smoothrelu.book.runner execute {wildcards.chapter:q} --params {params.values:q}"


# The long runs, one job a study, where asked for by name; more in CONTRIBUTING.md:
#     snakemake paper --cores all --config studies="mnist_warm ntk_mnist"
# Their tables are committed, and outside of this graph: a job that fails must not delete one.
if "studies" in config:

    rule paper:
        input:
            expand("_build/studies/{study}", study=config["studies"].split()),

    rule study:
        output:
            touch("_build/studies/{study}"),
        threads: int(config.get("threads", 0)) or os.cpu_count()  # of one job, on its machine
        shell:
            "{PYTHON:q} -m smoothrelu.book.studies run {wildcards.study} --workers {threads}"
