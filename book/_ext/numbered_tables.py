"""Computed tables with a number and a caption, as figures have them.

A cell that shows a table gets them from its metadata, `mystnb={"figure": {"caption": ..., "name":
"tab-..."}}`; the name is what makes it a table. {numref} counts these with the tables of the text.
"""

from docutils import nodes
from sphinx.transforms import SphinxTransform


class numbered_table(nodes.figure):  # noqa: N801 (docutils' style)
    """A table that is not of docutils' making, under its caption."""


def setup(app) -> dict:
    app.add_enumerable_node(numbered_table, "table", html=(visit, depart))
    app.add_transform(NameTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class NameTables(SphinxTransform):
    """Figures named tab-... are tables, their caption above."""

    default_priority = 800  # before Sphinx notes what can be numbered (850)

    def apply(self, **kwargs) -> None:
        for figure in list(self.document.findall(nodes.figure)):
            if any(name.startswith("tab-") for name in figure["names"]):
                caption = [part for part in figure if isinstance(part, nodes.caption)]
                rest = [part for part in figure if part not in caption]
                table = numbered_table("", *caption, *rest, **figure.attributes)
                table["classes"] = [*table["classes"], "numbered-table"]
                figure.replace_self(table)
                self.document.ids.update(dict.fromkeys(table["ids"], table))


def visit(translator, node) -> None:
    translator.visit_figure(node)


def depart(translator, node) -> None:
    translator.depart_figure(node)
