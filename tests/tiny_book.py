"""A book of three tiny chapters, and what its users type: real processes, nothing pretended."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["01_first", "02_second", "03_third"]

CHAPTER = """# %% [markdown]
# # {title}

# %% tags=["parameters"]
temperatures = [0.25, 1.0]
seeds = [0]
nap = 0.0
label = "first"

# %%
import sys, time, os
print("half done", file=sys.stderr)
end = time.monotonic() + nap
while time.monotonic() < end and not os.path.exists("wake"):
    time.sleep(0.05)

# %%
print(temperatures, os.getcwd())
"""
CONTENTS = """format: jb-book
root: book/intro
chapters:
  - file: book/chapters/01_first
  - file: book/chapters/02_second
  - file: book/chapters/03_third
  - file: book/provenance
"""
MANIFEST = {"datasets": {"tiny": {"embedded": {"path": "tiny.npz", "sha256": "0123abcd"}}}}


def write_sources(root):
    """The project's own runner and site, with tiny chapters."""
    package = [f"smoothrelu/{name}.py" for name in ("files", "provenance", "book/__init__")]
    for name in ("_config.yml", "book/provenance.md", *package):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    without_caches = shutil.ignore_patterns("__pycache__")
    for folder in ("smoothrelu/book/runner", "book/_ext", "book/_static"):
        shutil.copytree(ROOT / folder, root / folder, ignore=without_caches)
    (root / "smoothrelu" / "__init__.py").touch()
    (root / "_toc.yml").write_text(CONTENTS)
    (root / "book" / "intro.md").write_text("# A small book\n")
    (root / "book" / "references.bib").touch()
    (root / "book" / "params.yml").write_text("01_first:\n  temperatures: [0.5]\n")
    for folder in ("notebooks", "data"):
        (root / folder).mkdir()
    (root / "data" / "manifest.json").write_text(json.dumps(MANIFEST))
    for name in NAMES:
        (root / "notebooks" / f"{name}.py").write_text(CHAPTER.format(title=f"Chapter {name}"))


def command(*arguments):
    return [sys.executable, "-m", "smoothrelu.book.runner", *arguments]


def book(root, *arguments, **environment):
    return subprocess.run(
        command(*arguments),
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def page(root, name):
    return root / "book" / "chapters" / f"{name}.ipynb"


def record(root, name):
    return json.loads(page(root, name).read_text())["metadata"]["smoothrelu"]


def executed(output):
    return re.findall(r"^(\w+) +\| executed", output, flags=re.MULTILINE)


def has_our_traceback(said):
    """Whether a traceback in it goes through the project. One of pyzmq's own, which it prints when
    a kernel ends at a bad moment, does not count.
    """
    return re.search(r'File ".*smoothrelu/', said) is not None


@contextlib.contextmanager
def running(root, *arguments, until):
    """A process that has come to print ``until``; killed at the end, with all its children."""
    with subprocess.Popen(
        command(*arguments), cwd=root, start_new_session=True, stdout=subprocess.PIPE, text=True
    ) as process:
        assert any(until in line for line in process.stdout), f"it never said {until!r}"
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def sleeping(root, *arguments):
    """A process whose chapter has begun its nap."""
    return running(root, *arguments, until="half done")


def left_behind(root, seconds=60):
    """Processes that work in the folder, kernels among them, once they have had time to end."""
    end = time.monotonic() + seconds
    while (alive := _inside(root)) and time.monotonic() < end:
        time.sleep(0.1)
    return alive


def _inside(root):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if Path(os.readlink(process / "cwd")).is_relative_to(root):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if line]  # a zombie has none


def jobs(root, name):
    """Process numbers of a build's jobs that execute the chapter."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().split(b"\0")
            if line[2:5] == [b"smoothrelu.book.runner", b"execute", name.encode()]:
                inside = Path(os.readlink(process / "cwd")).is_relative_to(root)
                found += [int(process.name)] if inside else []
    return found
