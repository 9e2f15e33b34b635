"""Drawings become part of the page, so that their ink and paper are those of the reader's theme.

The notebooks keep plain SVG, dark on white, which any program shows. Here its black becomes the
colour of the text, its white that of the page, and each colour gets a lighter partner for the dark.
A drawing with a raster image in it (a heat map) keeps its other colours: those of the image cannot
change, and what lies on it, in figures.style's INK and PAPER, must not.
"""

import html
import re
import zlib
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

_UNWANTED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->", re.DOTALL)
_ASIDE = re.compile(r"<(metadata|style)\b.*?</\1>", re.DOTALL)
_COLOUR = re.compile(r"(fill|stroke|stop-color): (#[0-9a-f]{6})\b")
_IDENTITY = re.compile(r"""(\bid="|href="#|url\(#)""")
_OUTLINE = re.compile(r'(?<= d=")[^"]*')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_HEAD = re.compile(r"<svg\b[^>]*>")
_PAGE = {"#000000": "currentColor", "#ffffff": "var(--pst-color-background)"}
_SIZE = re.compile(r' (width|height)="([\d.]+pt)"')


def setup(app) -> dict:
    app.add_post_transform(DrawingsIntoThePage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class DrawingsIntoThePage(SphinxPostTransform):
    """Executed drawings (SVG files of myst-nb) and those of dials, as inline SVG."""

    default_priority = 50  # after myst-nb chose the output to show, before images are collected
    formats = ("html",)

    def run(self, **kwargs) -> None:
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.app.srcdir) / image["uri"]
            if path.suffix == ".svg" and path.is_file():
                drawing = inline(path.read_text(encoding="utf-8"), image.get("alt", ""))
                box = f'<div class="drawing">{drawing}</div>'
                image.replace_self(nodes.raw("", box, format="html"))
        for raw in list(self.document.findall(nodes.raw)):
            if 'class="dial"' in raw.astext():
                page = re.sub(
                    r"<svg\b.*</svg>", lambda m: inline(m[0], ""), raw.astext(), flags=re.S
                )
                raw.replace_self(nodes.raw("", page, format="html"))


def inline(svg: str, alt: str) -> str:
    """One drawing as an element of a page; its names are its own, so two may stand on one page."""
    svg = _ASIDE.sub("", _UNWANTED.sub("", svg)).strip()
    own = f"{zlib.crc32(svg.encode()):08x}-"
    svg = _IDENTITY.sub(lambda match: match[0] + own, svg)
    svg = _OUTLINE.sub(lambda match: _DECIMALS.sub(r"\1", match[0]), svg)
    in_theme = _page_colours if "<image" in svg else _for_both_themes
    svg = _COLOUR.sub(lambda match: in_theme(*match.groups()), svg)
    return _HEAD.sub(lambda match: _head(match[0], alt), svg, count=1)


def _head(tag: str, alt: str) -> str:
    """The opening tag, with a name for who does not see it, and as wide as there is room."""
    width = dict(_SIZE.findall(tag))["width"]
    named = f'role="img" aria-label="{html.escape(alt)}" ' if alt else ""
    start = f'<svg {named}class="drawn" style="--width: {width}"'
    return _SIZE.sub("", tag).replace("<svg", start, 1)


def _page_colours(what: str, colour: str) -> str:
    return f"{what}: {_PAGE.get(colour, colour)}"


def _for_both_themes(what: str, colour: str) -> str:
    if colour in _PAGE:
        return _page_colours(what, colour)
    # The first is for browsers older than light-dark(), of 2024.
    return f"{what}: {colour}; {what}: light-dark({colour}, {in_the_dark(colour)})"


def in_the_dark(colour: str) -> str:
    """A partner to be seen on a dark page: greys change places, colours are mixed with white, the
    darker the more, so that their order from dark to light stays.
    """
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    if max(rgb) - min(rgb) < 0.04:
        mixed = [0.16 + 0.78 * (1 - x) for x in rgb]
    else:
        luminance = sum(w * x**2.2 for w, x in zip((0.2126, 0.7152, 0.0722), rgb, strict=True))
        white = 0.42 * (1 - luminance**0.5)
        mixed = [x + (1 - x) * white for x in rgb]
    return "#" + "".join(f"{round(255 * x):02x}" for x in mixed)
