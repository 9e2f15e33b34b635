"""What the site's extensions and its printer make of a page."""

import re
import sys
from pathlib import Path

import pytest

from smoothrelu.book.figures.style import COLOURS, INK, PAPER, panels, styled, temperature_colours
from smoothrelu.book.runner import pdf
from smoothrelu.book.runner.checks import BookError

ROOT = Path(__file__).resolve().parents[2]
DAY, NIGHT = "#ffffff", "#121212"  # the pages of the two themes


@pytest.fixture(scope="module")
def vector_figures():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        import vector_figures
    finally:
        sys.path.pop(0)
    return vector_figures


@styled
def drawing(colour="#0072b2", image=False):
    figure, (ax,) = panels(1, width=2, height=2)
    if image:
        ax.imshow([[0, 1]])
        ax.text(0, 0, "cold", color=PAPER)
        ax.text(1, 0, "hot", color=INK)
    else:
        ax.plot([0, 1], [0, 1], color=colour)
    return figure._repr_svg_()


def test_a_drawing_takes_its_ink_from_the_page_and_a_name_with_it(vector_figures):
    svg = vector_figures.inline(drawing(), 'A "line".')
    assert svg.startswith('<svg role="img" aria-label="A &quot;line&quot;." class="drawn"')
    assert "stroke: currentColor" in svg and "fill: var(--pst-color-background)" in svg
    assert "stroke: #0072b2; stroke: light-dark(#0072b2, #" in svg
    assert "<style" not in svg and "<metadata" not in svg


def test_every_name_in_a_drawing_is_its_own_and_every_use_finds_it(vector_figures):
    one, two = (vector_figures.inline(drawing(c), "") for c in ("#0072b2", "#a63603"))
    names = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, two)]
    used = [set(re.findall(r"""href="#([^"]+)"|url\(#([^)]+)\)""", svg)) for svg in (one, two)]
    assert names[0] and not names[0] & names[1]
    assert {a or b for a, b in used[0]} <= names[0] and {a or b for a, b in used[1]} <= names[1]


def test_a_heat_map_has_its_axes_from_the_page_and_keeps_its_colours(vector_figures):
    svg = vector_figures.inline(drawing(image=True), "A map.")
    assert "stroke: currentColor" in svg and "fill: var(--pst-color-background)" in svg
    assert f"fill: {INK}" in svg and f"fill: {PAPER}" in svg and "light-dark" not in svg


def luminance(colour):
    rgb = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in rgb)
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", COLOURS)
def test_the_line_of_each_activation_can_be_seen_on_both_pages(vector_figures, name):
    assert contrast(COLOURS[name], DAY) >= 3
    assert contrast(vector_figures.in_the_dark(COLOURS[name]), NIGHT) >= 3


def test_temperatures_keep_their_order_in_the_dark_and_the_coldest_is_seen(vector_figures):
    from matplotlib.colors import to_hex

    scale = [to_hex(colour) for _, colour in temperature_colours([0.01, 0.03, 0.1, 0.3, 1, 3])]
    dark = [vector_figures.in_the_dark(colour) for colour in scale]
    assert sorted(dark, key=luminance) == dark
    assert min(contrast(colour, NIGHT) for colour in dark) >= 3


PAGE = """<html><head><title>t</title><link rel="stylesheet" href="_static/x.css">
<script src="https://elsewhere/x.js"></script><script src="_static/mathjax/m.js"></script></head>
<body><nav class="bd-links"><a class="reference internal" href="two.html">2</a></nav>
<article class="bd-article"><h1 id="top">{title}<a class="headerlink">#</a></h1>
<a href="#top">up</a> <a href="two.html#top">over</a> <a href="two.html">there</a>
<a href="_downloads/two.ipynb">file</a> <img src="_images/a.png">
<details class="hide above-input"><summary>code</summary></details>
<details><summary>solution</summary></details></article></body></html>"""


def test_a_printed_book_is_its_pages_in_order_with_links_within_it(tmp_path):
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=one.html">')
    for name in ("one", "two"):
        (tmp_path / f"{name}.html").write_text(PAGE.format(title=name))
    page = pdf.assembled(tmp_path)
    assert re.findall(r'<h1 id="([^"]+)">(\w+)</h1>', page) == [
        ("one--top", "one"),
        ("two--top", "two"),
    ]
    for link in ("#one--top", "#two--top", "#two", f"{tmp_path.name}/_static/x.css"):
        assert f'href="{link}"' in page
    assert f'src="{tmp_path.name}/_images/a.png"' in page and "elsewhere" not in page
    assert "_downloads" not in page
    assert "code" not in page and '<details open="">' in page


def test_without_a_site_or_a_browser_printing_says_what_is_missing(tmp_path, monkeypatch):
    with pytest.raises(BookError, match="make book"):
        pdf.pdf(tmp_path)
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BookError, match="apt install chromium"):
        pdf.pdf(tmp_path)
