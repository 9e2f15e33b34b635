"""A term of the glossary shows its definition where it is used: hover over it, or focus it.

The definition stands in the link's title from the build on, so it is there without scripts too;
book/_static/hints.js makes it a hint that the keyboard reaches and Escape takes away.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

# TeX in definitions, as plain text can have it.
PLAIN = {r"\,": " ", r"^\star": "*", r"\Theta": "Θ", r"\sum": "Σ", r"\partial": "∂", r"\phi": "φ",
         r"\chi": "χ", r"\lambda": "λ", r"\ell": "ℓ", r"\eta": "η"}  # fmt: skip


def setup(app) -> dict:
    app.add_post_transform(DefineTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class DefineTerms(SphinxPostTransform):
    """Give each reference to a term its definition."""

    default_priority = 20  # after references are resolved (10)

    def run(self, **kwargs) -> None:
        for reference in self.document.findall(nodes.reference):
            target = reference.get("refid") or reference.get("refuri", "").partition("#")[2]
            if target.startswith("term-") and reference.get("internal"):
                reference["reftitle"] = self._definitions().get(target, "")
                reference["classes"].append("term")

    def _definitions(self) -> dict[str, str]:
        """Anchor -> definition, of every glossary; read once a build."""
        known = getattr(self.env, "glossary_hints", None)
        if known is None:
            domain = self.env.get_domain("std")
            pages = {page for (kind, _), (page, _) in domain.objects.items() if kind == "term"}
            known = {}
            for page in sorted(pages):
                for item in self.env.get_doctree(page).findall(nodes.definition_list_item):
                    text = plain(item[-1])
                    known |= {name: text for term in item[:-1] for name in term["ids"]}
            self.env.glossary_hints = known
        return known


def plain(definition: nodes.Node) -> str:
    """A definition without markup. A warning, which fails the build, where its TeX is not plain."""
    text = " ".join(definition.astext().split())
    for tex, letters in PLAIN.items():
        text = text.replace(tex, letters)
    if "\\" in text:
        logger.warning("a definition has TeX that glossary_hints.PLAIN lacks: %s", text)
    return text
