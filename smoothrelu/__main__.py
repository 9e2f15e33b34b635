"""python -m smoothrelu COMMAND: the book and what it is made from; COMMAND --help says more.

Each command loads its own part only; those of the book load no torch.
"""

import runpy
import sys

RUNNER = "smoothrelu.book.runner"
COMMANDS = {
    "book": (RUNNER, ["build"], "execute what changed, build the site"),
    "chapter": (RUNNER, ["chapter"], "execute one chapter: NAME --params 'temperatures=[0.3]'"),
    "pdf": (RUNNER, ["pdf"], "print the built site to _build/book.pdf"),
    "data": ("smoothrelu.data.download", [], "fetch the full MNIST and CIFAR-10"),
    "studies": ("smoothrelu.book.studies", [], "list the long runs, or run some of them"),
    "claims": ("smoothrelu.book.claims", [], "measure the claims of book/claims.yml anew"),
    "bench": ("smoothrelu.benchmark", [], "time our work beside its peers"),
}


def main() -> int:
    """Run one command; its exit code, 2 where there is no such command."""
    command, rest = (sys.argv[1:2] or ["--help"])[0], sys.argv[2:]
    if command not in COMMANDS:
        lines = (f"  {name:10s}{about}" for name, (_, _, about) in COMMANDS.items())
        print(__doc__, *lines, sep="\n")
        return 0 if command in ("-h", "--help") else 2
    module, first, _ = COMMANDS[command]
    sys.argv = [f"python -m smoothrelu {command}", *first, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
