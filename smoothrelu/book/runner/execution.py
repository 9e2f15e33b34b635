"""Execute one chapter: its source and its parameters in, a clean executed notebook out.

The last good book/chapters/NAME.ipynb is replaced in one rename, and only by a notebook that ran
to its end; until then the work is in NAME.running.ipynb, and after an error in NAME.failed.ipynb.
Last comes the seal, NAME.json: a chapter without one is executed again (see freshness.py).
"""

import contextlib
import os
import re
from pathlib import Path

from smoothrelu.book.runner.checks import Value
from smoothrelu.book.runner.freshness import failed_of, running_of, seal, sources
from smoothrelu.book.runner.lock import only_one
from smoothrelu.book.runner.parameters import effective, published, source_of, written
from smoothrelu.book.runner.progress import SECONDS_BETWEEN_UPDATES, Lines, say
from smoothrelu.book.runner.provenance import gather
from smoothrelu.files import write_atomically

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class ChapterFailed(RuntimeError):
    """A cell raised, or the kernel died; the message says which and where the notebook is."""


def execute(root: Path, name: str, overrides: str = "") -> Path:
    """Run a chapter with its published parameters and ``overrides``; return the notebook's path.

    Raises BookError before anything runs, ChapterFailed when a cell fails.
    """
    import nbformat

    parameters = effective(root, name, overrides)
    good = root / "book" / "chapters" / f"{name}.ipynb"
    with only_one(good.with_name(f".{name}.lock"), f"{name} is being executed"):
        say(name, f"executing with {written(parameters)}")
        made_from, record = sources(root, name), _record(root, name, parameters)
        running = running_of(root, name)
        notebook = _run(root, name, parameters, running)
        seconds = notebook.metadata.papermill.duration
        _scrub(notebook, root, name)
        notebook.metadata["smoothrelu"] = record | {"seconds": round(seconds, 1)}
        write_atomically(good, nbformat.writes(notebook).encode())
        seal(root, name, made_from)
        half_written = good.parent.glob(f".{name}.*.tmp")  # by a process that was killed
        for left in (running, failed_of(root, name), *half_written):
            left.unlink(missing_ok=True)
    say(name, f"executed in {seconds:.1f} s")
    return good


def _record(root: Path, name: str, parameters: dict[str, Value]) -> dict:
    is_published = parameters == published(root, name)
    record = {"chapter": name, "parameters": parameters, "order": list(parameters)}
    return record | {"published": is_published} | gather(root, parameters)


def _run(root: Path, name: str, parameters: dict[str, Value], running: Path):
    """The executed notebook; on an error the notebook so far is kept as NAME.failed.ipynb."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    try:
        return _papermill(root, name, parameters, running)
    except PapermillExecutionError as error:
        reason = _cell_message(error, source_of(root, name))
        raise ChapterFailed(_failure(root, name, running, reason)) from None
    except DeadKernelError:
        reason = "the kernel died; most often the machine ran out of memory"
        raise ChapterFailed(_failure(root, name, running, reason)) from None
    except BaseException:
        running.unlink(missing_ok=True)
        raise


def _papermill(root: Path, name: str, parameters: dict[str, Value], running: Path):
    import jupytext
    import papermill

    bar = {"file": Lines(name), "bar_format": "cell {n_fmt} of {total_fmt}", "leave": False}
    options = {
        "kernel_name": KERNEL["name"],
        "language": KERNEL["language"],  # papermill cannot infer it from a notebook object
        "cwd": root,
        "stderr_file": Lines(name),
        "progress_bar": bar | {"mininterval": SECONDS_BETWEEN_UPDATES},
    }
    # papermill formats a path with the parameters
    output = str(running).replace("{", "{{").replace("}", "}}")
    with _kernel_environment(root):
        for attempt in (1, 2):
            notebook = jupytext.read(source_of(root, name), fmt="py:percent")
            notebook.metadata["kernelspec"] = KERNEL
            try:
                return papermill.execute_notebook(notebook, output, parameters, **options)
            except RuntimeError as error:  # kernels started together can race for a port
                if attempt == 2 or "Kernel died before replying" not in str(error):
                    raise
                say(name, "the kernel did not start; trying once more")


@contextlib.contextmanager
def _kernel_environment(root: Path):
    """What the kernel inherits; a user's own kernel called python3 does not hide ours."""
    ours = {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "SMOOTHRELU_STORE": str(root / "data" / "runs"),
    }
    before = {key: os.environ.get(key) for key in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _cell_message(error, source: Path) -> str:
    """The cell by its number in the source, where nothing was injected, and what it raised."""
    import jupytext

    cells = [cell.source for cell in jupytext.read(source, fmt="py:percent").cells]
    number = cells.index(error.source) + 1 if error.source in cells else "with the parameters"
    first = error.source.strip().partition("\n")[0][:60]
    last = f"{error.ename}: {error.evalue}".strip().splitlines()[-1]
    return f"cell {number} of notebooks/{source.name} failed: `{first}`\n    {last}"


def _failure(root: Path, name: str, running: Path, reason: str) -> str:
    good = running.with_name(f"{name}.ipynb")
    failed = failed_of(root, name)
    if running.exists():
        os.replace(running, failed)
    kept = "the last good chapter is untouched" if good.exists() else "there was no chapter yet"
    return f"{name}: {reason}\n    notebook: {failed.relative_to(root)}; {kept}"


def _scrub(notebook, root: Path, name: str) -> None:
    """Leave nothing in a published notebook that belongs to one machine or one minute."""
    notebook.metadata["kernelspec"] = KERNEL
    for key in ("widgets", "jupytext"):
        notebook.metadata.pop(key, None)
    old = notebook.metadata.pop("papermill", {})
    notebook.metadata["papermill"] = {
        "input_path": f"notebooks/{name}.py",
        "output_path": f"book/chapters/{name}.ipynb",
        "parameters": old.get("parameters", {}),
        "version": old.get("version"),
    }
    shown = _display_tags(notebook)
    for number, cell in enumerate(notebook.cells):
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"] += shown
        cell["id"] = f"cell-{number}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [_local(output, root) for output in cell.outputs if not _stderr(output)]


def _display_tags(notebook) -> list[str]:
    """What hides the cell of the defaults (remove-input, ...) hides the injected one too."""
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    defaults = next((those for those in tags if "parameters" in those), [])
    return [tag for tag in defaults if tag.startswith(("remove-", "hide-"))]


def _stderr(output) -> bool:
    """Progress bars and warnings: shown while the chapter runs, no part of the page."""
    return output.output_type == "stream" and output.name == "stderr"


def _local(output, root: Path):
    """The output with paths inside the project relative to it, and no address in memory."""
    here = re.compile(re.escape(str(root)) + r"/?| at 0x[0-9a-f]{6,}(?=>)")
    if output.output_type == "stream":
        output.text = here.sub("", output.text)
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(content, str):
            output.data[kind] = here.sub("", content)
    return output
