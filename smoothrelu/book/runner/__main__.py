"""python -m smoothrelu.book.runner build | chapter NAME | execute NAME | site | pdf"""

import argparse
import os
import signal
import sys
from pathlib import Path

from smoothrelu.book.runner.build import BuildFailed, build, chapter
from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.execution import ChapterFailed, execute
from smoothrelu.book.runner.pdf import pdf
from smoothrelu.book.runner.site import SiteFailed, site

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Run one command; 0 done, 1 something failed, 2 the request was refused."""
    request = _parser().parse_args()
    if not (ROOT / "notebooks").is_dir():
        print(f"no notebooks/ beside the package in {ROOT}: run it from a clone", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a job ends its kernel first
    try:
        line = _answer(request)
    except BookError as error:
        return _stop(str(error), 2)
    except (ChapterFailed, SiteFailed, BuildFailed) as error:
        return _stop(str(error), 1)
    except OSError as error:  # the disk is full, a folder is read-only
        return _stop(f"{error}; what was finished is kept".replace(f"{ROOT}/", ""), 1)
    except KeyboardInterrupt:
        return _stop("interrupted; what was finished is kept", 130)
    return _stop(line, 0)


def _answer(request: argparse.Namespace) -> str:
    if request.command == "build":
        return build(ROOT)
    if request.command == "chapter":
        return chapter(ROOT, request.name, request.params)
    if request.command == "pdf":
        return f"The book is printed: {pdf(ROOT)}"
    if request.command == "site":
        site(ROOT)
    else:
        execute(ROOT, request.name, request.params)
    return ""


def _stop(message: str, code: int) -> int:
    """On stdout, where the chapters speak."""
    if message:
        print(message, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m smoothrelu.book.runner", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="execute the stale chapters and build the site")
    commands.add_parser("site", help="build the site from the executed chapters")
    commands.add_parser("pdf", help="print the built site to one PDF, by Chromium")
    named = {"chapter": "execute one chapter and build the site", "execute": "execute one chapter"}
    for command, what in named.items():
        sub = commands.add_parser(command, help=what)
        sub.add_argument("name", metavar="NAME", help="a chapter, such as 02_initialization")
        sub.add_argument("--params", default="", metavar="P", help="temperatures=[0.3]; seeds=[0]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
