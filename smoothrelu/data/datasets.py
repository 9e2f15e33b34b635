"""MNIST and CIFAR-10 as four tensors on the device, every byte checked before use.

The data folder holds `manifest.json` (size and SHA-256 of every file), the embedded
class-balanced subsets (`mnist.npz`, `cifar10.npz`) and, once `make data` has run, the full
sets in their official bytes under `full/`.  `data/README.md` says where they come from.
"""

from __future__ import annotations

import difflib
import io
import json
import numbers
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from smoothrelu.files import sha256

NAMES = ("mnist", "cifar10")
CHECKOUT_DATA = Path(__file__).resolve().parents[2] / "data"


class DataError(ValueError):
    """A data file is missing, altered or unreadable; the message says what mends it."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Four tensors on one device; images are flattened and standardised per channel.

    x_train (N_train, n_in) and x_test (N_test, n_in) are floating point; y_train and y_test
    hold the class of each image, int64.  `mean` and `std` are those of each channel of the
    full official training set, pixels scaled to [0, 1]: x = (pixel/255 - mean)/std.
    """

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    name: str
    n_out: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def n_in(self) -> int:
        """Number of inputs: pixels times channels."""
        return self.x_train.shape[1]

    def __repr__(self) -> str:
        sizes = f"{len(self.x_train)} train, {len(self.x_test)} test"
        return f"Dataset({self.name}: {sizes}, n_in={self.n_in}, n_out={self.n_out})"


def load_dataset(
    name: str,
    n_train: int | None = None,
    n_test: int | None = None,
    *,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    root: str | os.PathLike | None = None,
) -> Dataset:
    """The first n_train training and n_test test images of "mnist" or "cifar10".

    Order.  The embedded images first: image i has class i mod 10, so a prefix of any multiple
    of ten is exactly balanced.  Then the rest of the full set in official order.  A smaller
    request is always a prefix of a larger one.  None asks for the whole embedded subset; more
    than that reads the full set, which `make data` fetches.

    Scale.  Images are standardised with the per-channel mean and standard deviation of the
    full official training set, whatever is loaded; hence the mean over the data of
    |x|^2/n_in is about 1 (exactly 1 on the full training set, up to rounding).

    device="auto" takes CUDA where there is one.  root is the data folder; without it the
    environment variable SMOOTHRELU_DATA, then the data/ folder of the checkout.

    Raises ValueError for an unknown name, count, device or dtype, and DataError where a file
    is missing, truncated, altered or unreadable: such a file is never used.
    """
    device = resolve_device(device)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype = {dtype!r} is not a floating-point torch.dtype")
    folder = data_root(root)
    entry = manifest_entry(name, folder)
    counts = {
        "train": _checked_count("n_train", n_train, name, entry["splits"]["train"]),
        "test": _checked_count("n_test", n_test, name, entry["splits"]["test"]),
    }
    embedded = _read_embedded(folder, entry)
    tensors = {}
    for split, n in counts.items():
        index = embedded[f"index_{split}"]
        if n <= len(index):
            images, labels = embedded[f"x_{split}"][:n], embedded[f"y_{split}"][:n]
        else:
            images, labels = read_full(folder, name, split)
            rest = np.setdiff1d(np.arange(len(images)), index)
            order = np.concatenate([index, rest])[:n]
            images, labels = images[order], labels[order]
        tensors[f"x_{split}"] = _standardise(images, entry, device, dtype)
        tensors[f"y_{split}"] = torch.from_numpy(labels.astype(np.int64)).to(device)
    mean, std = tuple(entry["mean"]), tuple(entry["std"])
    return Dataset(**tensors, name=name, n_out=entry["classes"], mean=mean, std=std)


def resolve_device(device: str | torch.device) -> torch.device:
    """The torch.device asked for; "auto" is CUDA where there is one, else the CPU.

    Raises ValueError for a name torch does not know and for a CUDA device that is not there.
    """
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device = {device!r}: use 'auto', 'cpu' or 'cuda' ({error})") from None
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise ValueError(f"device = {device!r}, but torch sees {found} CUDA devices: use 'auto'")
    return resolved


def data_fingerprint(name: str, root: str | os.PathLike | None = None) -> str:
    """16 hexadecimal digits that change when the manifest's entry for `name` does.

    Cheap: it reads the manifest, not the arrays, which are checked against it when loaded.
    """
    entry = manifest_entry(name, data_root(root))
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return sha256(canonical)[:16]


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The data folder: `root`, else $SMOOTHRELU_DATA, else data/ beside the package."""
    if root is not None:
        folder, origin = Path(root), "the argument root"
    elif os.environ.get("SMOOTHRELU_DATA"):
        folder, origin = Path(os.environ["SMOOTHRELU_DATA"]), "SMOOTHRELU_DATA"
    else:
        folder, origin = CHECKOUT_DATA, "the place beside the package"
    if (folder / "manifest.json").exists():
        return folder
    raise DataError(
        f"no data in {folder} ({origin}): it has no manifest.json. The data files are part of "
        "the project's repository, not of the installed package: clone the repository and set "
        "SMOOTHRELU_DATA to its data folder (in a checkout: `git checkout -- data`)"
    )


def manifest_entry(name: str, folder: Path) -> dict:
    """What the manifest says about one data set; ValueError names the known ones."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
        known = sorted(manifest["datasets"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} cannot be used ({type(error).__name__}: {error}). "
            f"Restore it: {_remedy(folder, 'manifest.json')}"
        ) from None
    require_known(name, known)
    return manifest["datasets"][name]


def require_known(name: str, known: Sequence[str] = NAMES) -> None:
    """ValueError, with the known ones and the closest, for a name that is none of a data set."""
    if name in known:
        return
    close = difflib.get_close_matches(str(name).lower().replace("-", ""), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"unknown data set {name!r}: known are {', '.join(known)}{hint}")


def verified_bytes(folder: Path, record: dict) -> bytes:
    """The content of one file of the manifest, hashed as read: what is returned was checked."""
    path = folder / record["path"]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        found = "no such file"
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
    else:
        digest = sha256(content)
        if digest == record["sha256"]:
            return content
        found = f"{len(content):,} bytes with SHA-256 {digest}"
    raise DataError(
        f"{path}: expected {record['bytes']:,} bytes with SHA-256 {record['sha256']}, "
        f"found {found}. It was not used. To mend it: {_remedy(folder, record['path'])}"
    )


def read_full(folder: Path, name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, ...) and labels (N,) of the full split in official order, uint8, verified."""
    records = [r for r in manifest_entry(name, folder)["full"] if r["split"] == split]
    contents = [verified_bytes(folder, record) for record in records]
    return {"mnist": parse_mnist, "cifar10": parse_cifar10}[name](contents)


def parse_mnist(contents: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 28, 28) and labels (N,) of one IDX3 and one IDX1 file, in this order."""
    images, labels = contents  # headers: 4 and 2 big-endian int32, then one byte a value
    labels = np.frombuffer(labels, np.uint8, offset=8)
    return np.frombuffer(images, np.uint8, offset=16).reshape(len(labels), 28, 28), labels


def parse_cifar10(contents: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) and labels (N,) of batches: a label byte, 3072 channel-first bytes."""
    records = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _read_embedded(folder: Path, entry: dict) -> dict[str, np.ndarray]:
    record = entry["embedded"]
    content = verified_bytes(folder, record)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in record["arrays"]}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        # The bytes are those of the manifest, so the manifest itself was changed.
        raise DataError(
            f"{folder / record['path']} does not hold the plain arrays {record['arrays']} "
            f"({error}). Restore both files: {_remedy(folder, record['path'], 'manifest.json')}"
        ) from None
    return arrays


def _standardise(images: np.ndarray, entry: dict, device: torch.device, dtype) -> Tensor:
    channels = len(entry["mean"])
    pixels = torch.from_numpy(images.reshape(len(images), channels, -1)).to(device)
    mean, std = (
        torch.tensor([255 * c for c in entry[key]], dtype=dtype, device=device)[:, None]
        for key in ("mean", "std")
    )  # (channels, 1)
    return pixels.to(dtype).sub_(mean).div_(std).flatten(1)  # (N, n_in)


def _checked_count(argument: str, n: int | None, name: str, split: dict) -> int:
    if n is None:
        return split["embedded"]
    limit = split["full"]
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or not 0 < n <= limit:
        allowed = f"a whole number from 1 to {limit:,} ({name}'s full {argument[2:]} set)"
        raise ValueError(f"{argument} = {n!r}: use {allowed} or None for the embedded ones")
    return int(n)


def _remedy(folder: Path, *names: str) -> str:
    if names[0].startswith("full/"):
        where = "" if folder == CHECKOUT_DATA else f" --root {folder}"
        return f"`make data` (or `python -m smoothrelu data{where}`)"
    command = f"`git checkout -- {' '.join(f'data/{name}' for name in names)}`"
    if folder.resolve() == CHECKOUT_DATA:
        return command
    return f"{command} in a checkout of the project, then copy it to {folder}"
