"""The built site as one PDF: its pages in the order of the contents, printed by Chromium.

Nothing is built again: the articles of the site are put into one page, each id and link with the
name of its page before it, and that page is printed as anyone could print it.
"""

import os
import re
import time
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from smoothrelu.book.runner.browser import FLAGS, find_browser
from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.progress import say
from smoothrelu.book.runner.site import index_of

SECONDS = 180  # for the mathematics of the whole book, and for printing it
_MARGINS = {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}
_FOOTER = (
    '<div style="font-size: 8px; text-align: center; width: 100%">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


def pdf(root: Path) -> Path:
    """Print the built site to _build/book.pdf; return its path.

    Raises BookError where there is no site, or no Chromium to print it.
    """
    if not index_of(root).is_file():
        raise BookError("there is no site to print; `make book` builds it")
    browser = find_browser()
    if browser is None:
        raise BookError(
            "no Chromium or Chrome to print the book with; on Debian and Ubuntu: "
            "apt install chromium. The site is whole without it"
        )
    began = time.monotonic()
    page, target = root / "_build" / "book.html", root / "_build" / "book.pdf"
    page.write_text(assembled(index_of(root).parent), encoding="utf-8")
    say("pdf", "printing")
    _print(browser, page, target)
    page.unlink()
    say("pdf", f"printed in {time.monotonic() - began:.1f} s: {target}")
    return target


def _print(browser: str, page: Path, target: Path) -> None:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise BookError("printing needs playwright: pip install 'smoothrelu[test]'") from None
    new = target.with_suffix(".new.pdf")
    options = {"prefer_css_page_size": True, "tagged": True, "outline": True, "margin": _MARGINS}
    options |= {"display_header_footer": True, "header_template": "<p></p>"}
    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0
        try:
            window = playwright.chromium.launch(
                executable_path=browser, args=FLAGS, chromium_sandbox=sandbox
            )
            tab = window.new_page(color_scheme="light")
            tab.set_default_timeout(SECONDS * 1000)
            tab.goto(page.as_uri(), wait_until="load")
            tab.evaluate(
                "async () => { await MathJax.startup.promise; await document.fonts.ready }"
            )
            tab.pdf(path=new, footer_template=_FOOTER, **options)
            window.close()
        except Error as error:
            raise BookError(f"Chromium could not print the book: {error.message}") from None
    os.replace(new, target)


def assembled(site: Path) -> str:
    """All pages of the contents as one HTML page, to lie beside the site's folder."""
    from bs4 import BeautifulSoup

    def read(name: str):
        return BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser")

    first = read("index.html").find("meta", {"http-equiv": re.compile("refresh", re.I)})
    first = first["content"].partition("url=")[2]
    head = read(first)
    names = [first] + [
        urljoin(first, link["href"])
        for link in head.select("nav.bd-links a.reference.internal[href]")
        if not link["href"].startswith("#")
    ]
    names = list(dict.fromkeys(names))
    articles = [_article(read(name), name, names, site.name) for name in names]
    return _page(_head(head, first, site.name), articles)


def _head(front, name: str, folder: str) -> str:
    """Styles and mathematics of the site; nothing else of it runs."""
    wanted = front.head.select('link[rel="stylesheet"], script')
    parts = [part for part in wanted if part.name == "link" or "mathjax" in str(part).lower()]
    for part in parts:
        for key in {"href", "src"} & set(part.attrs):
            part[key] = f"{folder}/{urljoin(name, part[key])}"
    return "\n".join(map(str, parts))


def _article(page, name: str, names: list[str], folder: str):
    """The text of a page, its ids and links made those of the whole."""
    article = page.select_one("article.bd-article")
    for part in article.select("a.headerlink, .dial label, .hide.above-input, script"):
        part.decompose()
    for part in article.find_all(lambda tag: not tag.find_parent("svg")):  # names of their own
        for key in {"id", "for", "aria-describedby"} & set(part.attrs):
            part[key] = f"{_slug(name)}--{part[key]}"
        for key in {"href", "src"} & set(part.attrs):
            part[key] = _moved(part[key], name, names, folder)
        if part.name == "a" and part.get("href", "").startswith(f"{folder}/"):
            del part["href"]  # a file of the site, which paper does not have
        if part.name == "details":
            part["open"] = ""
    article["id"] = _slug(name)
    return article


def _moved(url: str, name: str, names: list[str], folder: str) -> str:
    target = urlsplit(urljoin(name, url))
    if target.scheme or url.startswith("//"):
        return url
    path = unquote(target.path) or name
    if path in names:
        return f"#{_slug(path)}--{target.fragment}" if target.fragment else f"#{_slug(path)}"
    return f"{folder}/{target.geturl()}"


def _slug(name: str) -> str:
    return Path(name).stem


def _page(head: str, articles: list) -> str:
    title = articles[0].h1.get_text()
    contents = "".join(
        f'<li><a href="#{article["id"]}">{article.h1.get_text()}</a></li>' for article in articles
    )
    texts = "\n".join(map(str, articles))
    return (
        f'<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{title}</title>{head}</head><body>"
        f'<div class="bd-content whole-book"><div class="bd-article-container">'
        f'<nav class="printed-contents"><p class="book-title">{title}</p><ol>{contents}</ol></nav>'
        f"{texts}</div></div></body></html>"
    )
