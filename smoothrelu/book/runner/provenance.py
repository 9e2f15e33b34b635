"""Where a chapter came from: versions, machine, commit and data, gathered and tabulated."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

from smoothrelu.book.runner.checks import BookError, Value
from smoothrelu.book.runner.parameters import chapters, published, written
from smoothrelu.provenance import commit, cores, processor, version

PACKAGES = ("smoothrelu", "torch", "numpy")
# What the provenance page tells of a chapter
FIELDS = ("parameters", "order", "seconds", "executed", "python")
FIELDS += ("versions", "device", "commit", "data")


def gather(root: Path, parameters: dict[str, Value]) -> dict:
    """What is written into an executed notebook; nothing in it names a path or a person."""
    return {
        "executed": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "device": _device(str(parameters.get("device", "cpu"))),
        "commit": commit(root),
        "data": _checksums(root),
    }


def record_of(root: Path, name: str) -> dict | None:
    """The record in an executed chapter, None when there is no readable one."""
    try:
        notebook = json.loads((root / "book" / "chapters" / f"{name}.ipynb").read_text())
        record = notebook["metadata"]["smoothrelu"]
        return record if all(key in record for key in FIELDS) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_published(root: Path, name: str, record: dict) -> bool:
    """Whether the chapter was made with what book/params.yml says now."""
    return record["parameters"] == published(root, name)


def parameters_of(record: dict) -> dict[str, Value]:
    """A record's parameters in the order of the chapter's cell (nbformat sorts keys)."""
    return {name: record["parameters"][name] for name in record["order"]}


def table(root: Path) -> str:
    """The provenance page's generated part, in MyST markdown."""
    records = {name: record_of(root, name) for name in chapters(root)}
    rows = [_row(root, name, record) for name, record in records.items() if record]
    data = {}
    for record in records.values():
        data |= record["data"] if record else {}
    files = [[f"`{file}`", f"`{digest}`"] for file, digest in sorted(data.items())]
    run = _markdown(["Chapter", "Parameters", "Machine and versions", "Executed"], rows)
    long = studies(root)
    files += [[f"`data/results/{name}.csv`", f"`{r['sha256']}`"] for name, r in long.items()]
    parts = [f"{{.provenance}}\n{run}"]
    if long:
        head = ["Table", "What it is", "Machine and versions", "Computed"]
        rows = [[f"`{name}`", *_study(record)] for name, record in long.items()]
        parts.append("The long runs, whose tables are part of the project:\n")
        parts.append(f"{{.provenance}}\n{_markdown(head, rows)}")
    parts += [_markdown(["Data file", "SHA-256"], files)] if files else []
    return "\n".join(parts)


def studies(root: Path) -> dict[str, dict]:
    """The records of the committed tables of long runs, by the name of the table."""
    paths = sorted((root / "data" / "results").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def made_on(record: dict) -> str:
    """The machine and the effort of a long run, in a line."""
    devices, torch = (", ".join(record.get(key, ["unknown"])) for key in ("device", "torch"))
    minutes = record.get("seconds", 0) / 60
    return f"{devices}, torch {torch}, {record.get('runs', '?')} runs, {minutes:.0f} min"


def _study(record: dict) -> list[str]:
    commits = ", ".join(f"`{commit}`" for commit in record.get("commit", []))
    when = f"{record.get('first', '?')} to<br>{record.get('last', '?')}<br>commit {commits}"
    return [record.get("about", ""), made_on(record), when]


def _row(root: Path, name: str, record: dict) -> list[str]:
    parameters = [f"`{written({key: value})}`" for key, value in parameters_of(record).items()]
    if not is_published(root, name, record):
        parameters.insert(0, "[not the published parameters]{.unpublished}")
    versions = {"python": record["python"], **record["versions"]}
    machine = [record["device"], *(f"{package} {version}" for package, version in versions.items())]
    when = [record["executed"], f"in {record['seconds']:.1f} s", f"commit `{record['commit']}`"]
    return [f"{{doc}}`chapters/{name}`", *map("<br>".join, (parameters, machine, when))]


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _device(wanted: str) -> str:
    """The GPU's name where the chapter could use one, else the processor's."""
    if wanted == "auto" or wanted.startswith("cuda"):
        import torch  # slow, so only where a chapter has a device

        if torch.cuda.is_available():
            return torch.cuda.get_device_name(wanted if ":" in wanted else None)
    if wanted == "mps":
        return f"{processor()}, GPU (mps)"
    return f"{processor()}, {cores()} cores"


def _checksums(root: Path) -> dict[str, str]:
    """File -> SHA-256 of the embedded data, from data/manifest.json."""
    path = root / "data" / "manifest.json"
    if not path.exists():
        return {}
    try:
        files = [entry["embedded"] for entry in json.loads(path.read_text())["datasets"].values()]
        return {f"data/{file['path']}": file["sha256"] for file in files}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        remedy = "git checkout -- data/manifest.json"
        raise BookError(f"data/manifest.json is damaged; restore it: {remedy}") from None
