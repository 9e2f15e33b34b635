"""Describe the runs of the committed tables by columns in place of the reprs of their activation
and network: python data/migrate_2026_12.py, once. All other text stays as it is, byte for byte.
"""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def network_columns(text: str) -> dict[str, str]:
    inner = re.fullmatch(r"HalfResolution\(network=(.*)\)", text)
    text = inner[1] if inner else text
    found = {name: re.search(rf"[(, ]{name}=(\w+)", text) for name in ("width", "depth", "init")}
    row = {"network": text.partition("(")[0]}
    row |= {name: match[1] if match else "" for name, match in found.items()}
    bias = re.search(r"Drowned\(depth=([\d.]+)\)", text)
    if bias:
        row["depth"] = re.search(r"width=\d+, depth=(\d+)", text)[1]
    row["init"] = row["init"].removesuffix("_init_").replace("Drowned", "InitiallyDead")
    images = "HalfResolution" if inner else ""
    return row | {"initial_bias": bias[1] if bias else "", "images": images}


def activation_columns(text: str) -> dict[str, str]:
    name, _, inside = text.partition("(")
    surrogate = inside.partition("(")[0] if name == "SUGAR" else ""
    temperature = re.search(r"temperature=([\d.]+)", text)
    return {
        "activation": name,
        "surrogate": surrogate,
        "temperature": temperature[1] if temperature else "",
    }


def migrated(name: str, row: dict[str, str]) -> dict[str, str]:
    new = {}
    for column, text in row.items():
        if column == "network":
            new |= network_columns(text)
            if name.startswith("lambda_"):
                del new["initial_bias"], new["images"]
        elif column == "activation" and name.startswith("sugar_"):
            new |= activation_columns(text)
        else:
            new[column] = text
    return new


def main() -> None:
    for path in sorted([*RESULTS.glob("lambda_*.csv"), *RESULTS.glob("sugar_*.csv")]):
        rows = [migrated(path.stem, row) for row in csv.DictReader(path.open(newline=""))]
        out = io.StringIO()
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_bytes(out.getvalue().encode())
        record = json.loads(path.with_suffix(".json").read_text())
        record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".json").write_text(f"{json.dumps(record, indent=2)}\n")


if __name__ == "__main__":
    main()
