"""Look at the built site as its readers do: follow every link, open every page in a browser.

    python tests/book/check_site.py _build/html [--screenshots DIR] [--allow-skip]

Every page is opened light and dark, 1280 and 390 pixels wide, over http and as a file. It must
ask nothing of the outside, log no error, typeset its mathematics, describe its images, not
scroll sideways, and have no WCAG 2 A or AA violation that axe can see.
Exit status: 0 all passed, 1 something failed, 77 no browser was found (0 with --allow-skip).
"""

import argparse
import functools
import http.server
import importlib.util
import os
import shutil
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

THEMES = ("light", "dark")
WIDTHS = (1280, 390)
SECONDS = 30  # for one page to load, and for its mathematics
SKIPPED = 77  # the status by which automake and others know a skipped test
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOADING = {"src", "srcset", "poster", "data"}  # attributes that fetch; so does href on <link>


class Page(HTMLParser):
    """What one HTML file offers (ids) and asks for (links, loads, a redirection)."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.redirect: str | None = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.ids.add(value or "")
            elif name == "srcset":
                self.loads += [part.split()[0] for part in (value or "").split(",") if part.strip()]
            elif name in LOADING or (tag == "link" and name == "href"):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")
        fields = dict(attrs)
        if tag == "meta" and (fields.get("http-equiv") or "").lower() == "refresh":
            self.redirect = (fields.get("content") or "").partition("url=")[2]
            self.links.append(self.redirect)


def pages_of(site: Path) -> dict[str, Page]:
    """Every HTML page below `site` by relative path, less the theme's templates in _static."""
    paths = sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)
    return {p.relative_to(site).as_posix(): Page(p) for p in paths}


def link_fault(site: Path, pages: dict[str, Page], name: str, url: str) -> str | None:
    """Why `url`, found on page `name`, leads nowhere inside the site; None when it resolves."""
    target = urlsplit(urljoin(f"/{name}", url))
    path = unquote(target.path).lstrip("/")
    file = site / path
    if file.is_dir():
        file, path = file / "index.html", f"{path}/index.html".lstrip("/")
    if not file.is_file():
        return f"dead link: {url}"
    if target.fragment and path in pages and unquote(target.fragment) not in pages[path].ids:
        return f"no such anchor: {url}"
    return None


def check_links(site: Path, pages: dict[str, Page]) -> dict[str, list[str]]:
    """Faults of the links and loads of each page, found without a browser."""
    faults = {}
    for name, page in pages.items():
        outside = [url for url in page.loads if is_outside(url)]
        inside = [
            u for u in page.links + page.loads if not urlsplit(u).scheme and not is_outside(u)
        ]
        dead = (link_fault(site, pages, name, url) for url in inside)
        faults[name] = [f"loads from outside: {url}" for url in outside] + sorted(
            {fault for fault in dead if fault}
        )
    return faults


def is_outside(url: str) -> bool:
    return url.startswith("//") or urlsplit(url).scheme not in ("", "data")


LOOK = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await document.fonts.ready;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement;
  return {
    theme: root.dataset.theme || null,
    untypeset: all('.math').filter((e) => !e.querySelector('mjx-container'))
      .map((e) => e.textContent.trim().slice(0, 60)),
    misprints: all('[data-mml-node="merror"], mjx-merror')
      .map((e) => (e.dataset.mjxError || e.textContent).slice(0, 60)),
    unnamed: all('img').filter((e) => !(e.getAttribute('alt') || '').trim())
      .map((e) => e.getAttribute('src').slice(0, 60)),
    width: root.scrollWidth,
    room: root.clientWidth,
    wide: all('body *').filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1)
      .map((e) => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '')).slice(0, 3),
  };
}"""

# Without preload: axe would fetch style sheets again, from addresses that it guesses.
AXE = """async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa'], preload: false}))
  .violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].target.join(' ')}`)"""


def faults_of_look(seen: dict, theme: str) -> list[str]:
    """What is wrong with a page, from what LOOK measured on it."""
    faults = [f"mathematics not typeset: {tex}" for tex in seen["untypeset"]]
    faults += [f"mathematics with an error: {text}" for text in seen["misprints"]]
    faults += [f"image without alt text: {src}" for src in seen["unnamed"]]
    if seen["width"] > seen["room"]:
        causes = ", ".join(seen["wide"])
        faults.append(f"scrolls sideways: {seen['width']} > {seen['room']} px ({causes})")
    if seen["theme"] not in (None, theme):
        faults.append(f"shows its {seen['theme']} theme to a reader who asked for {theme}")
    return faults


def axe_source() -> str:
    """The text of axe.min.js; the package is found, not imported, for that file alone."""
    package = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    return (Path(package) / "axe.min.js").read_text(encoding="utf-8")


def visit(
    context,
    base: str,
    name: str,
    redirect: str | None,
    theme: str,
    axe: str | None,
    picture: Path | None,
) -> list[str]:
    """Open one page of the site at `base`; return its faults."""
    from playwright.sync_api import Error

    faults: list[str] = []
    page = context.new_page()
    page.on(
        "console",
        lambda m: (
            m.type in ("error", "warning") and faults.append(f"console {m.type}: {m.text[:200]}")
        ),
    )
    page.on("pageerror", lambda error: faults.append(f"script error: {str(error)[:200]}"))
    page.on(
        "request",
        lambda r: (
            r.url.startswith((base, "data:", "blob:"))
            or faults.append(f"request to the outside: {r.url[:200]}")
        ),
    )
    page.on(
        "response", lambda r: r.status >= 400 and faults.append(f"status {r.status}: {r.url[:200]}")
    )
    try:
        page.goto(base + name, wait_until="load")
        if redirect:
            page.wait_for_url(urljoin(base + name, redirect), wait_until="load")
        faults += faults_of_look(page.evaluate(LOOK), theme)
        if axe:
            page.evaluate(axe)
            faults += [f"accessibility: {violation}" for violation in page.evaluate(AXE)]
        if picture:
            page.screenshot(path=picture, full_page=True)
    except Error as error:
        faults.append(f"could not be looked at: {error.message.splitlines()[0]}")
    finally:
        page.close()
    return faults


def check_in_browser(
    site: Path, pages: dict[str, Page], browser_path: str, screenshots: Path | None = None
) -> dict[tuple, list[str]]:
    """Faults by (page, "http" or "file", theme, width), from a real browser."""
    from playwright.sync_api import sync_playwright

    axe = axe_source()
    results = {}
    with serving(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        bases = {"http": address, "file": site.as_uri() + "/"}
        for theme, width in product(THEMES, WIDTHS):
            context = browser.new_context(
                color_scheme=theme,
                viewport={"width": width, "height": 900},
                reduced_motion="reduce",
            )
            context.set_default_timeout(SECONDS * 1000)
            # Nothing leaves this machine, whatever the page asks for; it is reported all the same.
            context.route(
                lambda url: not url.startswith((*bases.values(), "data:", "blob:")),
                lambda route: route.abort(),
            )
            for (scheme, base), (name, page) in product(bases.items(), pages.items()):
                first = scheme == "http"  # the file shows the same page: no second axe and picture
                picture = (
                    screenshots / f"{name.replace('/', '-')[:-5]}-{theme}-{width}.png"
                    if screenshots and first
                    else None
                )
                results[name, scheme, theme, width] = visit(
                    context, base, name, page.redirect, theme, axe if first else None, picture
                )
            context.close()
        browser.close()
    return results


@contextmanager
def serving(site: Path):
    """Serve the folder on a free port of this machine; yield the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A browser that leaves a page hangs up in the middle of an answer; no fault of it."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    handler = functools.partial(Quiet, directory=str(site))
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def find_browser() -> str | None:
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def report(links: dict[str, list[str]], visits: dict[tuple, list[str]], skipped: bool) -> int:
    """Print a table of pages, then each fault with where it was seen; return the failures."""
    opened = defaultdict(list)
    for (name, *_), faults in visits.items():
        opened[name].append(faults)
    width = max(map(len, links), default=4)
    print(f"{'page':{width}}  links  opened  clean")
    for name, faults in links.items():
        clean = sum(not f for f in opened[name])
        print(
            f"{name:{width}}  {'ok' if not faults else 'BAD':5}  {len(opened[name]):6}  {clean:5}"
        )
    where = defaultdict(list)
    for name, faults in links.items():
        for fault in faults:
            where[name, fault].append("links")
    for (name, *how), faults in visits.items():
        for fault in dict.fromkeys(faults):
            where[name, fault].append(" ".join(map(str, how)))
    for (name, fault), places in where.items():
        print(f"{name}: {fault}  [{'; '.join(places)}]")
    outcomes = [not faults for faults in (*links.values(), *visits.values())]
    failed = outcomes.count(False)
    print(f"{len(outcomes) - failed} passed, {failed} failed" + ", 1 skipped" * skipped)
    return failed


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("site", type=Path, help="the built site, for example _build/html")
    parser.add_argument(
        "--screenshots", type=Path, metavar="DIR", help="keep a picture of each page"
    )
    parser.add_argument("--browser", default=find_browser(), help="path of Chromium or Chrome")
    parser.add_argument(
        "--allow-skip", action="store_true", help="succeed where there is no browser"
    )
    options = parser.parse_args(argv)
    site = options.site.resolve()
    pages = pages_of(site)
    if not pages:
        parser.error(f"{options.site} holds no HTML page; build the site first: make book")
    links, visits = check_links(site, pages), {}
    if options.browser:
        if options.screenshots:
            options.screenshots.mkdir(parents=True, exist_ok=True)
        visits = check_in_browser(site, pages, options.browser, options.screenshots)
    else:
        print("SKIPPED: the browser check, for want of Chromium or Chrome (apt install chromium)")
    failed = report(links, visits, skipped=not options.browser)
    return 1 if failed else 0 if options.browser or options.allow_skip else SKIPPED


if __name__ == "__main__":
    sys.exit(main())
