"""check_site.py is worth its name: it passes a sound site and finds each planted fault."""

from pathlib import Path

import check_site
import pytest
import site_browser
from site_links import check_links, pages_of

from smoothrelu.book.runner.browser import find_browser

BROWSER = find_browser()
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome on this machine (apt install chromium)"
)

SOUND = """<!doctype html><html lang="en"><head><title>{title}</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"></head>
<body><main><h1 id="top">{title}</h1>
<p><a href="other.html#top">other</a> <a href="https://example.org/">a paper</a></p>
{body}</main></body></html>"""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def make_site(folder: Path, body: str = "") -> Path:
    (folder / "page.html").write_text(SOUND.format(title="Page", body=body))
    (folder / "other.html").write_text(SOUND.format(title="Other", body=""))
    return folder


def link_faults(site: Path) -> list[str]:
    return check_links(site, pages_of(site))["page.html"]


def browser_faults(site: Path) -> dict[tuple, list[str]]:
    """Faults of page.html by (scheme, theme, width)."""
    pages = {"page.html": pages_of(site)["page.html"]}
    found = site_browser.check_in_browser(site, pages, BROWSER)
    return {how: faults for (_, *key), faults in found.items() for how in [tuple(key)]}


def test_a_sound_site_has_no_link_fault(tmp_path):
    image = f'<img src="{PIXEL}" alt="A dot."><a href="#top">up</a>'
    assert link_faults(make_site(tmp_path, image)) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">x</a>', "dead link: gone.html"),
        ('<img src="gone.png" alt="x">', "dead link: gone.png"),
        ('<a href="other.html#gone">x</a>', "no such anchor: other.html#gone"),
        ('<a href="#gone">x</a>', "no such anchor: #gone"),
        ('<script src="https://cdn.example/x.js"></script>', "loads from outside: https://cdn"),
        ('<img src="//cdn.example/x.png" alt="x">', "loads from outside: //cdn"),
        ('<link rel="stylesheet" href="http://cdn.example/x.css">', "loads from outside: http:"),
    ],
)
def test_a_link_that_leads_nowhere_or_loads_from_outside_is_named(tmp_path, body, fault):
    (found,) = link_faults(make_site(tmp_path, body))
    assert found.startswith(fault)


def test_without_a_browser_the_skip_is_said_and_does_not_pass_for_success(tmp_path, capsys):
    site = str(make_site(tmp_path))
    assert check_site.main([site, "--browser", ""]) == check_site.SKIPPED
    assert check_site.main([site, "--browser", "", "--allow-skip"]) == 0
    assert "SKIPPED: the browser check" in capsys.readouterr().out


def test_an_empty_folder_is_refused_with_the_remedy(tmp_path, capsys):
    with pytest.raises(SystemExit):
        check_site.main([str(tmp_path)])
    assert "make book" in capsys.readouterr().err


@needs_browser
def test_a_sound_site_passes_in_the_browser_and_leaves_its_pictures(tmp_path, capsys):
    (site := tmp_path / "a site").mkdir()
    pictures = tmp_path / "pictures"
    make_site(site, f'<img src="{PIXEL}" alt="A dot.">')
    assert check_site.main([str(site), "--screenshots", str(pictures)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "18 passed, 0 failed"
    assert len(list(pictures.glob("page-*.png"))) == 4


@needs_browser
def test_each_planted_fault_is_seen_in_every_theme_width_and_scheme(tmp_path):
    planted = f"""<img src="{PIXEL}"><span class="math">x^2</span>
        <script>console.error("spilt"); fetch("https://example.org/tracker").catch(() => 0)</script>
        <script>undefinedFunction()</script>
        <svg><g data-mml-node="merror" data-mjx-error="bad tex"></g></svg>"""
    found = browser_faults(make_site(tmp_path, planted))
    assert len(found) == 8
    once = (  # a load; the looks that follow share it
        "console error: spilt",
        "script error: undefinedFunction is not defined",
        "request to the outside: https://example.org/tracker",
    )
    each = (
        "image without alt text",
        "mathematics not typeset: x^2",
        "mathematics with an error: bad tex",
    )
    for (scheme, *state), faults in found.items():
        for wanted in (*each, *once) if state == ["light", 1280] else each:
            assert any(fault.startswith(wanted) for fault in faults), (scheme, state, faults)
    assert any("accessibility: image-alt" in fault for fault in found["http", "light", 1280])


@needs_browser
def test_an_element_wider_than_a_phone_is_named_at_that_width_only(tmp_path):
    found = browser_faults(make_site(tmp_path, '<div id="slab" style="width:600px">.</div>'))
    for (_, _, width), faults in found.items():
        assert [("div#slab" in fault) for fault in faults] == ([True] if width == 390 else [])


@needs_browser
def test_a_page_that_ignores_the_readers_theme_and_hides_its_text_is_named(tmp_path):
    pale = """<script>document.documentElement.dataset.theme = "light"</script>
        <p style="color:#ddd;background:#fff">pale</p>"""
    found = browser_faults(make_site(tmp_path, pale))
    for (scheme, theme, width), faults in found.items():
        assert any("light theme" in fault for fault in faults) == (theme == "dark")
        seen = scheme == "http" and (theme, width) != ("dark", 390)  # which shows nothing new
        assert any("color-contrast" in fault for fault in faults) == seen


DIAL = """<div class="dial" data-stops="[]">
    <svg role="img" aria-label="a"><g class="stop"></g></svg>
    <label>T <input type="range" max="2" aria-valuetext="one"></label><output>one</output></div>"""
FOLD = """<table><tr><td><details><summary>More</summary>words</details></td></tr></table>
    <script>document.querySelector("summary").addEventListener("click", (e) => {stop})</script>"""


@needs_browser
def test_a_dial_that_does_not_turn_and_a_fold_that_does_not_open_are_named(tmp_path):
    still = DIAL + FOLD.replace("{stop}", "e.preventDefault()")
    faults = browser_faults(make_site(tmp_path, still))["http", "light", 1280]
    for wanted in ("dial whose words", "dial whose name", "dial whose said", "a fold the keyboard"):
        assert any(wanted in fault for fault in faults), (wanted, faults)


@needs_browser
def test_a_fold_that_opens_and_closes_passes(tmp_path):
    faults = browser_faults(make_site(tmp_path, FOLD.replace("{stop}", "0")))
    assert not any(faults.values())
