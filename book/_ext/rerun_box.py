"""Each executed chapter ends with where it came from, the command that makes it again, and its
files; a chapter made with other than the published parameters says so at its head.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from smoothrelu.book.runner.parameters import written
from smoothrelu.book.runner.provenance import is_published, made_on, parameters_of, studies

CHAPTERS = "book/chapters/"
BEFORE_SPHINX_COLLECTS = 400  # the downloads of a page; our listeners come at 500 otherwise


def setup(app) -> dict:
    app.connect("doctree-read", add_rerun_box, BEFORE_SPHINX_COLLECTS)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_rerun_box(app, doctree) -> None:
    name = app.env.docname.removeprefix(CHAPTERS)
    path = Path(app.srcdir) / CHAPTERS / f"{name}.ipynb"
    if not app.env.docname.startswith(CHAPTERS) or not path.exists():
        return
    record = json.loads(path.read_text())["metadata"].get("smoothrelu")
    section = next(iter(doctree.findall(nodes.section)), None)
    if record is None or section is None:
        return
    published = is_published(Path(app.srcdir), name, record)
    if not published:
        section.insert(1, _other_parameters())
    box = _rerun_box(app.env.docname, name, record, published)
    box += _committed(Path(app.srcdir), name)
    section += box


def _rerun_box(docname: str, name: str, record: dict, published: bool) -> nodes.admonition:
    command = f"make chapter CHAPTER={name} PARAMS='{written(parameters_of(record))}'"
    box = nodes.admonition(classes=["rerun"])
    box += nodes.title("", "Re-run this page")
    text = "This command makes the page as it stands. Change a value: only this chapter runs again."
    box += nodes.paragraph("", text)
    box += nodes.literal_block(command, command, language="bash")
    facts = nodes.paragraph("", _facts(record, published), classes=["facts"])
    facts += _provenance(docname)
    box += facts
    files = nodes.paragraph("", "Download: ", classes=["facts"])
    files += _file(docname, f"/{CHAPTERS}{name}.ipynb", f"{name}.ipynb", " (executed notebook), ")
    files += _file(docname, f"/notebooks/{name}.py", f"{name}.py", " (its source).")
    box += files
    return box


def _committed(root: Path, name: str) -> list[nodes.paragraph]:
    """What the page shows of the long runs, and where those were computed."""
    source = (root / "notebooks" / f"{name}.py").read_text(encoding="utf-8")
    shown = dict.fromkeys(re.findall(r"""published\(["'](\w+)["']\)""", source))
    records = studies(root)
    lines = [f"{table} ({made_on(records[table])})" for table in shown if table in records]
    if not lines:
        return []
    text = f"It also shows committed tables of long runs: {'; '.join(lines)}."
    return [nodes.paragraph("", text, classes=["facts"])]


def _facts(record: dict, published: bool) -> str:
    torch = record["versions"].get("torch", "unknown")
    which = "the published" if published else "other than the published"
    return (
        f"Executed {record['executed']} in {record['seconds']:.1f} s on {record['device']}, with "
        f"{which} parameters, Python {record['python']}, torch {torch}, commit {record['commit']}. "
    )


def _provenance(docname: str) -> addnodes.pending_xref:
    where = {"refdoc": docname, "reftarget": "/book/provenance", "reftype": "doc"}
    link = addnodes.pending_xref("", refdomain="std", refexplicit=True, refwarn=True, **where)
    link += nodes.inline("", "All chapters' provenance")
    return link


def _file(docname: str, path: str, text: str, after: str) -> list[nodes.Node]:
    """A file for download, and what is said of it."""
    file = addnodes.download_reference("", "", refdoc=docname, reftarget=path, refexplicit=True)
    file += nodes.literal("", text, classes=["download"])
    return [file, nodes.Text(after)]


def _other_parameters() -> nodes.admonition:
    text = "This page was made with other values than the published book; they stand below."
    box = nodes.admonition(classes=["warning"])
    box += nodes.title("", "Not the published parameters")
    box += nodes.paragraph("", text)
    return box
