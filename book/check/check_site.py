"""Look at the built site as its readers do: follow every link, open every page in a browser.

    python book/check/check_site.py _build/html [--screenshots DIR] [--allow-skip]

Every page is loaded over http and as a file, and looked at light and dark, 1280 and 390 pixels
wide. It must ask nothing of the outside, log no error, typeset its mathematics, describe its
images, not scroll sideways, have no WCAG 2 A or AA violation that axe can see, and what can be
moved on it (dials, hints, folds) must obey the keyboard.
Exit status: 0 all passed, 1 something failed, 77 no browser was found (0 with --allow-skip).
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

from site_browser import check_in_browser
from site_links import check_links, pages_of

from smoothrelu.book.runner.browser import find_browser

SKIPPED = 77  # the status by which automake and others know a skipped test


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
