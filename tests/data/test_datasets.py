"""Is the data what load_dataset says it is?  Order, balance, scale, and agreement with others."""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from smoothrelu.data.datasets import (
    CHECKOUT_DATA,
    data_fingerprint,
    load_dataset,
    manifest_entry,
    read_full,
    resolve_device,
)

NAMES = ["mnist", "cifar10"]


@pytest.fixture(autouse=True)
def _no_data_folder_from_outside(monkeypatch):
    monkeypatch.delenv("SMOOTHRELU_DATA", raising=False)


def _build_subsets():
    spec = importlib.util.spec_from_file_location("build", CHECKOUT_DATA / "build_subsets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _need_full(name):
    paths = [CHECKOUT_DATA / r["path"] for r in manifest_entry(name, CHECKOUT_DATA)["full"]]
    if not all(path.exists() for path in paths):
        pytest.skip(f"the full {name} is not here: make data")


def _embedded(name):
    with np.load(CHECKOUT_DATA / f"{name}.npz", allow_pickle=False) as archive:
        return dict(archive)


@pytest.mark.parametrize(
    ("name", "n_in", "n_train", "n_test"),
    [("mnist", 784, 10_000, 2_000), ("cifar10", 3072, 5_000, 1_000)],
)
def test_the_embedded_subset_has_the_sizes_that_are_promised(name, n_in, n_train, n_test):
    data = load_dataset(name, device="cpu")
    assert data.x_train.shape == (n_train, n_in) and data.x_test.shape == (n_test, n_in)
    assert data.y_train.shape == (n_train,) and data.y_test.shape == (n_test,)
    assert data.x_train.dtype == torch.float32 and data.y_train.dtype == torch.int64
    assert (data.name, data.n_in, data.n_out) == (name, n_in, 10)
    assert repr(data) == f"Dataset({name}: {n_train} train, {n_test} test, n_in={n_in}, n_out=10)"


@pytest.mark.parametrize("name", NAMES)
def test_every_prefix_of_a_multiple_of_ten_is_exactly_balanced(name):
    data = load_dataset(name, device="cpu")
    for labels in (data.y_train, data.y_test):
        # Image i has class i mod 10, which is the statement for all prefixes at once.
        assert torch.equal(labels, torch.arange(len(labels)) % 10)


@pytest.mark.parametrize("name", NAMES)
def test_no_image_is_embedded_twice(name):
    arrays = _embedded(name)
    for split in ("train", "test"):
        index = arrays[f"index_{split}"]
        assert index.dtype == np.int32 and len(np.unique(index)) == len(index)
        assert index.min() >= 0 and index.max() < (60_000 if split == "train" else 10_000)


@pytest.mark.parametrize("name", NAMES)
def test_a_smaller_request_is_a_prefix_of_a_larger_one(name):
    whole, part = load_dataset(name, device="cpu"), load_dataset(name, 137, 23, device="cpu")
    assert torch.equal(part.x_train, whole.x_train[:137])
    assert torch.equal(part.y_train, whole.y_train[:137])
    assert torch.equal(part.x_test, whole.x_test[:23])
    assert torch.equal(part.y_test, whole.y_test[:23])


@pytest.mark.parametrize("name", NAMES)
def test_images_are_standardised_with_the_stored_constants(name):
    data = load_dataset(name, 50, 50, device="cpu", dtype=torch.float64)
    for x, split in ((data.x_train, "train"), (data.x_test, "test")):
        pixels = _embedded(name)[f"x_{split}"][:50].reshape(50, len(data.mean), -1) / 255.0
        expected = (pixels - np.array(data.mean)[:, None]) / np.array(data.std)[:, None]
        np.testing.assert_allclose(x.numpy(), expected.reshape(50, -1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_square_of_an_embedded_image_is_about_one(name):
    x = load_dataset(name, device="cpu").x_train.double()
    squares = x.square().mean(1)  # |x|^2/n_in of each image
    tolerance = 5 * squares.std() / len(squares) ** 0.5  # five standard errors of a random choice
    assert abs(squares.mean() - 1) < tolerance < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_the_full_training_set_has_mean_zero_and_variance_one_per_channel(name):
    _need_full(name)
    n = manifest_entry(name, CHECKOUT_DATA)["splits"]["train"]["full"]
    data = load_dataset(name, n, 10, device="cpu")
    per_channel = data.x_train.view(n, len(data.mean), -1)
    for channel in range(len(data.mean)):
        values = per_channel[:, channel].double()
        assert abs(values.mean()) < 1e-6 and abs(values.square().mean() - 1) < 1e-6


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_every_floating_dtype_loads_the_same_images(dtype):
    exact = load_dataset("mnist", 20, 10, device="cpu", dtype=torch.float64)
    data = load_dataset("mnist", 20, 10, device="cpu", dtype=dtype)
    assert data.x_train.dtype == dtype
    # The subtraction and the division round once each, the two constants once each.
    error = (data.x_train.double() - exact.x_train).abs().max()
    assert error <= 4 * torch.finfo(dtype).eps * exact.x_train.abs().max()


@pytest.mark.parametrize("name", NAMES)
def test_the_subsets_can_be_built_again_from_the_full_sets(name):
    _need_full(name)
    build, stored = _build_subsets(), _embedded(name)
    entry = manifest_entry(name, CHECKOUT_DATA)
    assert entry["embedded"]["seed"] == build.SEED
    rebuilt = {}
    for split in ("train", "test"):
        images, labels = read_full(CHECKOUT_DATA, name, split)
        rebuilt |= build.subset(images, labels, split, entry["splits"][split]["embedded"])
        if split == "train":
            scale = build.standardisation(images)
    assert (scale["mean"], scale["std"]) == (entry["mean"], entry["std"])
    assert rebuilt.keys() == stored.keys()
    for key, array in stored.items():
        assert array.dtype == rebuilt[key].dtype and np.array_equal(array, rebuilt[key]), key


def test_torchvision_reads_the_same_mnist_images(tmp_path):
    _need_full("mnist")
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    (tmp_path / "MNIST").mkdir()
    (tmp_path / "MNIST" / "raw").symlink_to(CHECKOUT_DATA / "full" / "mnist")
    arrays = _embedded("mnist")
    for split in ("train", "test"):
        theirs = torchvision.datasets.MNIST(tmp_path, train=split == "train")
        index = torch.from_numpy(arrays[f"index_{split}"]).long()
        assert np.array_equal(theirs.data[index].numpy(), arrays[f"x_{split}"])
        assert np.array_equal(theirs.targets[index].numpy(), arrays[f"y_{split}"])


def test_records_sought_by_hand_in_the_official_files_are_the_same_cifar10_images():
    _need_full("cifar10")
    arrays = _embedded("cifar10")
    for split, name in (("train", "data_batch_{}.bin"), ("test", "test_batch.bin")):
        for i in range(0, len(arrays[f"index_{split}"]), 97):
            batch, row = divmod(int(arrays[f"index_{split}"][i]), 10_000)
            path = CHECKOUT_DATA / "full" / "cifar10" / name.format(batch + 1)
            with open(path, "rb") as file:
                file.seek(row * 3073)
                record = file.read(3073)
            assert record == bytes([arrays[f"y_{split}"][i]]) + arrays[f"x_{split}"][i].tobytes()


@pytest.fixture
def small_mnist(tmp_path):
    """A data folder whose full MNIST has 60 + 30 random images, 20 + 10 of them embedded."""
    build, rng = _build_subsets(), np.random.default_rng(0)
    records, arrays, splits, full = [], {}, {}, tmp_path / "full" / "mnist"
    full.mkdir(parents=True)
    for split, stem, n, few in (("train", "train", 60, 20), ("test", "t10k", 30, 10)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = rng.permutation(np.arange(n, dtype=np.uint8) % 10)
        for file, header, values in (
            (f"{stem}-images-idx3-ubyte", struct.pack(">4I", 0x803, n, 28, 28), images),
            (f"{stem}-labels-idx1-ubyte", struct.pack(">2I", 0x801, n), labels),
        ):
            content = header + values.tobytes()
            (full / file).write_bytes(content)
            records.append({**build._record(f"full/mnist/{file}", content), "split": split})
        arrays |= build.subset(images, labels, split, few)
        splits[split] = {"embedded": few, "full": n}
    np.savez_compressed(tmp_path / "mnist.npz", **arrays)
    embedded = build._record("mnist.npz", (tmp_path / "mnist.npz").read_bytes())
    entry = {"classes": 10, "splits": splits, "mean": [0.5], "std": [0.25], "full": records}
    entry["embedded"] = {**embedded, "arrays": list(arrays)}
    (tmp_path / "manifest.json").write_text(json.dumps({"datasets": {"mnist": entry}}))
    return tmp_path


def test_the_full_set_begins_with_the_embedded_images_and_goes_on_in_official_order(small_mnist):
    data = load_dataset("mnist", 60, 30, device="cpu", root=small_mnist)
    few = load_dataset("mnist", device="cpu", root=small_mnist)
    some = load_dataset("mnist", 33, 10, device="cpu", root=small_mnist)
    assert torch.equal(data.x_train[:20], few.x_train)
    assert torch.equal(data.x_test[:10], few.x_test)
    assert torch.equal(data.x_train[:33], some.x_train)
    assert torch.equal(data.y_train[:33], some.y_train)
    official = (small_mnist / "full/mnist/train-images-idx3-ubyte").read_bytes()[16:]
    pixels = np.frombuffer(official, np.uint8).reshape(60, 784)
    row_of = {row.tobytes(): i for i, row in enumerate(pixels)}
    loaded = data.x_train.mul(0.25).add(0.5).mul(255).round().to(torch.uint8).numpy()
    order = [row_of[row.tobytes()] for row in loaded]
    assert sorted(order) == list(range(60))
    assert order[20:] == sorted(order[20:])
    labels = (small_mnist / "full/mnist/train-labels-idx1-ubyte").read_bytes()[8:]
    assert data.y_train.tolist() == [labels[i] for i in order]


def test_only_the_split_that_needs_it_reads_the_full_set(small_mnist):
    for file in (small_mnist / "full/mnist").glob("t10k-*"):
        file.unlink()
    data = load_dataset("mnist", 60, 10, device="cpu", root=small_mnist)
    assert len(data.x_train) == 60 and len(data.x_test) == 10


@pytest.mark.parametrize("name", NAMES)
def test_the_real_full_set_begins_with_the_embedded_images(name):
    _need_full(name)
    few = load_dataset(name, device="cpu")
    n, m = len(few.x_train), len(few.x_test)
    more = load_dataset(name, n + 5, m + 5, device="cpu")
    assert torch.equal(more.x_train[:n], few.x_train)
    assert torch.equal(more.y_test[:m], few.y_test)
    # The five after them are the first five official images that are not embedded.
    official, labels = read_full(CHECKOUT_DATA, name, "train")
    rest = np.setdiff1d(np.arange(len(labels)), _embedded(name)["index_train"])[:5]
    assert more.y_train[n:].tolist() == labels[rest].tolist()


def test_the_fingerprint_follows_the_manifest_and_needs_no_array(tmp_path):
    text = (CHECKOUT_DATA / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text)
    assert data_fingerprint("mnist", tmp_path) == data_fingerprint("mnist", CHECKOUT_DATA)
    assert data_fingerprint("mnist", tmp_path) != data_fingerprint("cifar10", tmp_path)
    before = {name: data_fingerprint(name, tmp_path) for name in NAMES}
    sha = manifest_entry("mnist", tmp_path)["embedded"]["sha256"]
    (tmp_path / "manifest.json").write_text(text.replace(sha, "0" * 64))
    assert data_fingerprint("mnist", tmp_path) != before["mnist"]
    assert data_fingerprint("cifar10", tmp_path) == before["cifar10"]


def test_the_environment_variable_names_the_data_folder(small_mnist, monkeypatch):
    monkeypatch.setenv("SMOOTHRELU_DATA", str(small_mnist))
    assert len(load_dataset("mnist", device="cpu").x_train) == 20
    assert len(load_dataset("mnist", device="cpu", root=CHECKOUT_DATA).x_train) == 10_000


def test_auto_is_cuda_where_there_is_one_and_the_cpu_elsewhere():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve_device("auto") == torch.device(expected)
    assert load_dataset("mnist", 10, 10).x_train.device.type == expected
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


def test_importing_the_module_brings_neither_torchvision_nor_pillow():
    code = "import sys, smoothrelu.data.datasets; print({'torchvision', 'PIL'} & set(sys.modules))"
    root = Path(CHECKOUT_DATA).parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=root
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_a_fresh_copy_of_the_folder_loads_the_same_images(tmp_path):
    for file in ("manifest.json", "mnist.npz"):
        shutil.copy(CHECKOUT_DATA / file, tmp_path)
    copy = load_dataset("mnist", device="cpu", root=str(tmp_path))
    assert torch.equal(copy.x_test, load_dataset("mnist", device="cpu").x_test)
