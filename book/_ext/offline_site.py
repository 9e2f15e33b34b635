"""What this site adds to Jupyter Book: local mathematics, a box that says how to re-run a page."""

import json
import shutil
from importlib.metadata import distribution
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from smoothrelu.book.parameters import written
from smoothrelu.book.provenance import is_published, parameters_of

# One file without fonts, so that it also works from file://; the package holds 24 MB.
MATHJAX = "tex-svg-full.js"
CHAPTERS = "book/chapters/"


def setup(app) -> dict:
    app.connect("builder-inited", copy_mathjax)
    app.connect("doctree-read", add_rerun_box)
    app.connect("html-page-context", mend_bibliography)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def copy_mathjax(app) -> None:
    """Put MathJax where mathjax_path points, beside the other static files."""
    package = distribution("sphinx-mathjax-offline")
    source = package.locate_file(f"sphinx-mathjax-offline/static/mathjax/{MATHJAX}")
    target = Path(app.outdir) / "_static" / "mathjax" / MATHJAX
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def add_rerun_box(app, doctree) -> None:
    """End each executed chapter with its provenance and the command that makes it again."""
    name = app.env.docname.removeprefix(CHAPTERS)
    path = Path(app.srcdir) / CHAPTERS / f"{name}.ipynb"
    if not app.env.docname.startswith(CHAPTERS) or not path.exists():
        return
    record = json.loads(path.read_text())["metadata"].get("smoothrelu")
    section = next(iter(doctree.findall(nodes.section)), None)
    if record is None or section is None:
        return
    if not is_published(Path(app.srcdir), name, record):
        section.insert(1, _other_parameters())
    section += _rerun_box(app.env.docname, name, record)


def mend_bibliography(app, pagename, templatename, context, doctree) -> None:
    """Drop the roles docutils gives a bibliography: a list of no list items fails WCAG."""
    body = context.get("body", "")
    for role in ("list", "doc-biblioentry", "doc-backlink"):
        body = body.replace(f' role="{role}"', "")
    context["body"] = body


def _rerun_box(docname: str, name: str, record: dict) -> nodes.admonition:
    command = f"make chapter CHAPTER={name} PARAMS='{written(parameters_of(record))}'"
    box = nodes.admonition(classes=["rerun"])
    box += nodes.title("", "Re-run this page")
    text = "This command makes the page as it stands. Change a value: only this chapter runs again."
    box += nodes.paragraph("", text)
    box += nodes.literal_block(command, command, language="bash")
    facts = nodes.paragraph("", _facts(record), classes=["facts"])
    facts += _link_to_provenance(docname)
    box += facts
    return box


def _facts(record: dict) -> str:
    torch = record["versions"].get("torch", "unknown")
    return (
        f"Executed {record['executed']} in {record['seconds']:.1f} s on {record['device']}, "
        f"Python {record['python']}, torch {torch}, commit {record['commit']}. "
    )


def _link_to_provenance(docname: str) -> addnodes.pending_xref:
    link = addnodes.pending_xref(
        "",
        refdoc=docname,
        refdomain="std",
        reftype="doc",
        refexplicit=True,
        reftarget="/book/provenance",
        refwarn=True,
    )
    link += nodes.inline("", "All chapters' provenance")
    return link


def _other_parameters() -> nodes.admonition:
    text = "This page was made with other values than the published book; they stand below."
    box = nodes.admonition(classes=["warning"])
    box += nodes.title("", "Not the published parameters")
    box += nodes.paragraph("", text)
    return box
