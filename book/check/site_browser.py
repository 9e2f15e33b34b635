"""A built site as a browser shows it."""

import asyncio
import importlib.util
import os
from collections import defaultdict
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from urllib.parse import urljoin

from site_hands import operate
from site_links import Page
from site_server import serving

from smoothrelu.book.runner.browser import FLAGS

LIGHT, DARK = "light", "dark"
STATES = tuple(product((LIGHT, DARK), (1280, 390)))  # theme and width, in one load of a page
SECONDS = 60  # for one page to load, and for its mathematics, on a busy machine
AT_ONCE = 3  # pages

TYPESET = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await document.fonts.ready;
}"""
LOOK = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
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

# Without preload: axe would fetch style sheets again, from addresses that it guesses. Inside a
# picture with a name there is nothing for axe, and thousands of lines to walk through.
AXE = """async (rules) => {
  const drawings = [...document.querySelectorAll('.drawing > svg, .dial > svg')]
    .map((svg) => [svg, [...svg.childNodes]]);
  for (const [svg] of drawings) svg.replaceChildren();
  const found = await axe.run(document, {runOnly: rules, preload: false});
  for (const [svg, parts] of drawings) svg.append(...parts);
  return found.violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].target.join(' ')}`);
}"""
AXE_ALL = ["wcag2a", "wcag2aa"]
AXE_CONTRAST = ["color-contrast", "link-in-text-block"]  # all that another theme can change


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


def check_in_browser(
    site: Path, pages: dict[str, Page], browser_path: str, screenshots: Path | None = None
) -> dict[tuple, list[str]]:
    """Faults by (page, "http" or "file", theme, width), from a real browser.

    Each page is loaded once over http and once as a file, and then looked at in both themes and
    widths; what is wrong with the load itself stands with the first of these.
    """
    return asyncio.run(_check(site, pages, browser_path, screenshots))


async def _check(site, pages, browser_path, screenshots) -> dict[tuple, list[str]]:
    from playwright.async_api import async_playwright

    axe = axe_source()
    turn = asyncio.Semaphore(AT_ONCE)
    with serving(site) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=browser_path, args=FLAGS, chromium_sandbox=os.geteuid() != 0
            )
            bases = {"http": address, "file": site.as_uri() + "/"}

            async def one(scheme: str, name: str) -> dict[tuple, list[str]]:
                pictures = screenshots if scheme == "http" else None
                async with turn:
                    context = await _context(browser, bases.values())
                    visit = Visit(context, bases[scheme], name, pages[name].redirect)
                    faults = await visit.look(axe if scheme == "http" else None, pictures)
                    await context.close()
                return {(name, scheme, *state): found for state, found in faults.items()}

            parts = await asyncio.gather(*(one(*which) for which in product(bases, pages)))
            await browser.close()
    return {key: faults for part in parts for key, faults in part.items()}


async def _context(browser, bases: Iterable[str]):
    """A reader's window from which nothing leaves this machine; what a page asks is reported."""
    context = await browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(SECONDS * 1000)
    await context.route(
        lambda url: not url.startswith((*bases, "data:", "blob:")), lambda route: route.abort()
    )
    return context


class Visit:
    """One page, loaded once; `look` returns its faults by theme and width."""

    def __init__(self, context, base: str, name: str, redirect: str | None) -> None:
        self.context, self.base, self.name = context, base, name
        self.redirect = redirect
        self.faults: list[str] = []

    async def look(self, axe: str | None, pictures: Path | None) -> dict[tuple, list[str]]:
        from playwright.async_api import Error

        found = defaultdict(list)
        page = await self.context.new_page()
        self._listen(page)
        try:
            for theme, width in STATES:
                await page.set_viewport_size({"width": width, "height": 900})
                await page.emulate_media(color_scheme=theme)
                if (theme, width) == STATES[0]:
                    await self._load(page)
                    if axe:
                        await page.evaluate(axe)
                    self.faults += await operate(page)
                seen = await page.evaluate(LOOK)
                self.faults += faults_of_look(seen, theme)
                if axe and (theme, width) != STATES[-1]:  # dark and narrow is nothing new
                    self.faults += await self._accessibility(page, theme)
                if pictures:
                    picture = f"{self.name.replace('/', '-')[:-5]}-{theme}-{width}.png"
                    await page.screenshot(path=pictures / picture, full_page=True)
                found[theme, width], self.faults = self.faults, []
        except Error as error:
            self.faults.append(f"could not be looked at: {error.message.splitlines()[0]}")
        for state in STATES:  # what came late, or kept the others from being looked at
            found[state] += self.faults if state not in found or state == STATES[-1] else []
        return found

    async def _accessibility(self, page, theme: str) -> list[str]:
        rules = AXE_CONTRAST if theme == DARK else AXE_ALL
        return [f"accessibility: {violation}" for violation in await page.evaluate(AXE, rules)]

    async def _load(self, page) -> None:
        await page.goto(self.base + self.name, wait_until="load")
        if self.redirect:
            target = urljoin(self.base + self.name, self.redirect)
            await page.wait_for_url(target, wait_until="load")
        await page.evaluate(TYPESET)

    def _listen(self, page) -> None:
        def note(condition: bool, fault: str) -> None:
            if condition:
                self.faults.append(fault)

        ours = (self.base, "data:", "blob:")
        page.on(
            "console",
            lambda m: note(m.type in ("error", "warning"), f"console {m.type}: {m.text[:200]}"),
        )
        page.on("pageerror", lambda error: note(True, f"script error: {str(error)[:200]}"))
        page.on(
            "request",
            lambda r: note(not r.url.startswith(ours), f"request to the outside: {r.url[:200]}"),
        )
        page.on("response", lambda r: note(r.status >= 400, f"status {r.status}: {r.url[:200]}"))
