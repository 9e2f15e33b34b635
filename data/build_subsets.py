"""Make the embedded subsets and manifest.json from the full sets: `python data/build_subsets.py`.

The full sets are read from full/ beside this file (`make data` fetches them) and must have the
MD5 sums below before anything is written.  README.md says which authority each sum has.

The choice.  Each image of a split gets one 64-bit key, in official order, from the raw stream
of numpy's PCG64(SEED); MNIST train, MNIST test, CIFAR-10 train and CIFAR-10 test each start the
stream anew.  Within a class the images with the smallest keys are taken, smallest first, and
the ten classes are interleaved: image i has class i mod 10.  Only the raw stream is used because
numpy promises never to change it, which it does not for Generator.choice.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
from pathlib import Path

import numpy as np

from smoothrelu.data.datasets import parse_cifar10, parse_mnist
from smoothrelu.files import sha256, write_atomically

SEED = 20090408
CLASSES = 10

# What the full sets must be, per split, and how many images of each split are embedded.
MNIST = {
    "parse": parse_mnist,
    "embed": {"train": 10_000, "test": 2_000},
    "train": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    },
    "test": {
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
}
CIFAR10 = {
    "parse": parse_cifar10,
    "embed": {"train": 5_000, "test": 1_000},
    "train": {
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    },
    "test": {"test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d"},
}
SETS = {"mnist": MNIST, "cifar10": CIFAR10}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent)
    root = parser.parse_args().root
    entries = {name: build(root, name) for name in SETS}
    text = json.dumps({"datasets": entries}, indent=2) + "\n"
    write_atomically(root / "manifest.json", text.encode())
    print(f"wrote {root / 'manifest.json'}")


def build(root: Path, name: str) -> dict:
    """Write the embedded subset of one set; return its manifest entry."""
    recipe, records, arrays, splits, scale = SETS[name], [], {}, {}, {}
    for split in ("train", "test"):
        contents = []
        for file, md5 in recipe[split].items():
            content = _official(root / "full" / name / file, md5)
            contents.append(content)
            records.append({**_record(f"full/{name}/{file}", content), "md5": md5, "split": split})
        images, labels = recipe["parse"](contents)
        arrays |= subset(images, labels, split, recipe["embed"][split])
        splits[split] = {"embedded": recipe["embed"][split], "full": len(labels)}
        if split == "train":
            scale = standardisation(images)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(root / f"{name}.npz", buffer.getvalue())
    print(f"wrote {root / f'{name}.npz'}, {len(buffer.getvalue()):,} bytes")
    embedded = {**_record(f"{name}.npz", buffer.getvalue()), "seed": SEED, "arrays": [*arrays]}
    common = {"classes": CLASSES, "splits": splits, **scale}
    return {**common, "embedded": embedded, "full": records}


def subset(images: np.ndarray, labels: np.ndarray, split: str, n: int) -> dict[str, np.ndarray]:
    """The arrays x, y, index of n images, n/10 of each class, interleaved by class."""
    keys = np.random.PCG64(SEED).random_raw(len(labels))
    of_class = [np.flatnonzero(labels == c) for c in range(CLASSES)]
    chosen = [members[np.argsort(keys[members])][: n // CLASSES] for members in of_class]
    index = np.stack(chosen, axis=1).ravel().astype(np.int32)  # (n,)
    return {f"x_{split}": images[index], f"y_{split}": labels[index], f"index_{split}": index}


def standardisation(images: np.ndarray) -> dict[str, list[float]]:
    """Per-channel mean and standard deviation of pixels/255, from exact integer counts."""
    channels = [images] if images.ndim == 3 else np.moveaxis(images, 1, 0)
    mean, std = [], []
    for channel in channels:
        count = [int(c) for c in np.bincount(channel.ravel(), minlength=256)]
        n = sum(count)
        total = sum(c * value for value, c in enumerate(count))
        squares = sum(c * value**2 for value, c in enumerate(count))
        mean.append(total / (255 * n))
        std.append(math.sqrt(n * squares - total**2) / (255 * n))
    return {"mean": mean, "std": std}


def _official(path: Path, md5: str) -> bytes:
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise SystemExit(f"{path} has MD5 {found} instead of {md5}: run `make data`")
    return content


def _record(path: str, content: bytes) -> dict:
    return {"path": path, "bytes": len(content), "sha256": sha256(content)}


if __name__ == "__main__":
    main()
