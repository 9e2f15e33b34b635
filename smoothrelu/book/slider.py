"""A figure with a slider: one drawing for each stop, of which one is seen.

What all drawings share is written once, the rest once a stop, so thirty stops are no heavier than a
few figures. Without scripts, and in print, the drawing of the first stop shown stays as it is;
book/_static/dial.js moves it. Nothing is fetched, and nothing moves by itself.
"""

import html
import json
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_WHOLE = f"{{{_SVG}}}clipPath"  # may hold shapes only, so never a group of a stop


class Dial:
    """Shows itself as HTML in any notebook; made by `dial`."""

    def __init__(self, page: str) -> None:
        self._page = page

    def _repr_html_(self) -> str:
        return self._page


def dial(figures: Mapping[str, object], *, label: str, alt: str, shown: int = 0) -> Dial:
    """A slider over figures of one size, for the last line of a cell.

    figures: what is to be read at each stop, such as "T = 0.3", to its figure, in the order of the
    slider; all are put on the same axes. label: what the slider moves. alt: the text in place of
    the picture, with {} where the stop's words belong. shown: the stop at which it stands at first,
    and in print; -1 is the last. One figure alone is shown without a slider.
    Raises ValueError where there is no figure or `shown` is no stop, and for an `alt` without {}.
    """
    stops = list(figures)
    if not -len(stops) <= shown < len(stops):
        raise ValueError(f"the dial has {len(stops)} stops, so none has the number {shown}")
    if "{}" not in alt:
        raise ValueError(f"alt must say where the stop's words belong, by {{}}; got {alt!r}")
    _on_the_same_axes(figures.values())
    drawings = [ElementTree.fromstring(figure._repr_svg_()) for figure in figures.values()]
    return Dial(_page(stops, _overlaid(drawings), label, alt, shown % len(stops)))


def _on_the_same_axes(figures: Iterable[object]) -> None:
    """Widen each panel to what it shows at any stop: only curves move."""
    for panel in zip(*(figure.axes for figure in figures), strict=False):
        for axis in ("x", "y"):
            limits = [end for ax in panel for end in getattr(ax, f"get_{axis}lim")()]
            for ax in panel:
                getattr(ax, f"set_{axis}lim")(min(limits), max(limits))


def _page(stops: list[str], picture: list[Element], label: str, alt: str, shown: int) -> str:
    (root,) = picture
    root.attrib |= {"role": "img", "aria-label": alt.format(stops[shown])}
    for stop in root.iterfind(".//*[@data-stop]"):
        if stop.get("data-stop") == str(shown):
            stop.set("class", "stop shown")
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    words = json.dumps([{"text": text, "alt": alt.format(text)} for text in stops])
    slider = f'min="0" max="{len(stops) - 1}" value="{shown}"'
    said = html.escape(stops[shown])
    hand = (
        f"<label hidden><span>{html.escape(label)}</span>"
        f'<input type="range" {slider} step="1" aria-valuetext="{said}"></label>'
    )
    return (
        f'<div class="dial" data-stops="{html.escape(words)}">\n'
        "<style>.dial .stop:not(.shown) { display: none; }</style>\n"
        f"{ElementTree.tostring(root, encoding='unicode')}\n"
        f'<p class="dial-hand">{hand if len(stops) > 1 else ""}<output>{said}</output></p>\n</div>'
    )


def _overlaid(drawings: list[Element]) -> list[Element]:
    """One drawing of all: elements that all have as they are, the others in a group a stop."""
    first = drawings[0]
    if len({ElementTree.tostring(drawing) for drawing in drawings}) == 1:
        return [first]
    heads = {(d.tag, tuple(d.attrib.items()), len(d)) for d in drawings}
    if len(heads) > 1 or len(first) == 0 or first.tag == _WHOLE:
        return [_stop(number, drawing) for number, drawing in enumerate(drawings)]
    merged = Element(first.tag, first.attrib)
    for parts in zip(*drawings, strict=True):
        merged.extend(_overlaid(list(parts)))
    return [merged]


def _stop(number: int, drawing: Element) -> Element:
    group = Element(f"{{{_SVG}}}g", {"class": "stop", "data-stop": str(number)})
    group.append(drawing)
    return group
