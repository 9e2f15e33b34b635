"""The links of a built site, followed without a browser."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

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
