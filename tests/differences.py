"""Two executions of a chapter, compared output by output: what differs but for the time of day?"""

import json
import re
import sys
from pathlib import Path

# Times and seconds, and nothing else.
OF_THE_RECORD = ("seconds", "executed")


def differences(one: Path, other: Path) -> list[str]:
    """The places where two executed notebooks differ, each as `cell N, output M, kind: ...`."""
    first, second = (_parts(path) for path in (one, other))
    return [
        f"{place}: {_first_difference(first.get(place, ''), second.get(place, ''))}"
        for place in dict.fromkeys([*first, *second])
        if first.get(place) != second.get(place)
    ]


def _parts(path: Path) -> dict[str, str]:
    """Place -> its content as text."""
    notebook = json.loads(path.read_text())
    record = notebook["metadata"]["smoothrelu"]
    for timed in OF_THE_RECORD:
        record[timed] = "a time"
    parts = {"metadata": json.dumps(notebook["metadata"], indent=1)}
    for number, cell in enumerate(notebook["cells"], 1):
        outputs = cell.pop("outputs", [])
        parts[f"cell {number}"] = json.dumps(cell, indent=1)
        for position, output in enumerate(outputs, 1):
            data = output.pop("data", {}) | {"the rest": output}
            for kind, content in data.items():
                text = content if isinstance(content, list) else [json.dumps(content, indent=1)]
                parts[f"cell {number}, output {position}, {kind}"] = "".join(text)
    return parts


def _first_difference(one: str, other: str) -> str:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    unequal = next(((a, b) for a, b in pairs if a != b), ("", "") if one == other else (one, other))
    at = next((i for i, (a, b) in enumerate(zip(*unequal, strict=False)) if a != b), 0)
    return " | ".join(
        repr(re.sub(r"\s+", " ", text[max(0, at - 30) : at + 50])) for text in unequal
    )


def main() -> int:
    """python tests/differences.py FOLDER FOLDER: of all chapters executed in both."""
    folders = [Path(folder) for folder in sys.argv[1:3]]
    found = 0
    for path in sorted(folders[0].glob("[0-9]*.ipynb")):
        if path.with_suffix("").suffix or not (folders[1] / path.name).exists():
            continue
        places = differences(path, folders[1] / path.name)
        found += len(places)
        print(f"{path.stem}: {len(places)} differences", *places, sep="\n    ")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
