"""A dial holds one drawing a stop, writes once what they share, and names itself."""

import re
from xml.etree import ElementTree

import pytest

from smoothrelu.book.figures.style import panels, styled
from smoothrelu.book.slider import dial


@styled
def bar(height):
    figure, (ax,) = panels(1, width=2, height=2)
    ax.plot([0, 1], [0, height])
    ax.set(ylim=(0, 3))
    return figure


def drawing(page):
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", page, re.S)[0])


def test_one_stop_is_seen_and_named_and_the_others_wait():
    page = dial({f"h = {h}": bar(h) for h in (1, 2, 3)}, label="height", alt="A line, {}.", shown=1)
    picture = drawing(page._repr_html_())
    seen = picture.findall(".//*[@class='stop shown']")
    assert {stop.get("data-stop") for stop in seen} == {"1"}
    assert {s.get("data-stop") for s in picture.findall(".//*[@class='stop']")} == {"0", "2"}
    assert picture.get("aria-label") == "A line, h = 2." and picture.get("role") == "img"
    assert 'max="2" value="1"' in page._repr_html_()
    assert 'aria-valuetext="h = 2"' in page._repr_html_()


def test_what_the_stops_share_is_written_once():
    one, three = (
        len(dial({str(h): bar(h) for h in heights}, label="h", alt="{}")._repr_html_())
        for heights in ([1], [1, 2, 3])
    )
    assert three < 1.3 * one


def test_a_single_figure_has_no_slider():
    page = dial({"only": bar(1)}, label="height", alt="A line, {}.")._repr_html_()
    assert "<input" not in page and "A line, only." in page


@pytest.mark.parametrize(
    "request_, words",
    [
        ({"figures": {}, "alt": "{}"}, "0 stops"),
        ({"figures": {"a": None}, "alt": "{}", "shown": 1}, "1 stops, so none has the number 1"),
        ({"figures": {"a": None}, "alt": "no place"}, "where the stop's words belong"),
    ],
)
def test_a_dial_that_cannot_be_is_refused_with_the_reason(request_, words):
    with pytest.raises(ValueError, match=words):
        dial(**request_, label="x")
