"""What tests of several folders share."""

import shutil
import signal
import subprocess

import fault_table
import pytest
import tiny_book


def pytest_addoption(parser):
    parser.addoption(
        "--fault-table", action="store_true", help="write book/faults.csv, if all faults were met"
    )


def pytest_configure(config):
    # A shell starts what it runs in the background with SIGINT ignored, and so are all children:
    # what is tested to end at Ctrl-C never would.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--fault-table") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(fault_table.Witness())


def pytest_itemcollected(item):
    for mark in item.iter_markers("fault"):
        row = fault_table.row(item.originalname, *mark.args, **mark.kwargs)
        item.user_properties.append(("fault", list(row)))


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A book of three tiny chapters, executed and built once; tests work on copies of it."""
    root = tmp_path_factory.mktemp("book")
    tiny_book.write_sources(root)
    done = tiny_book.book(root, "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return root, done.stdout


@pytest.fixture
def root(built, tmp_path):
    return shutil.copytree(built[0], tmp_path / "copy", symlinks=True)


class Disk:
    """A small file system of its own at a folder; what was in the folder is on it."""

    def __init__(self, folder, size):
        self.folder = folder
        aside = folder.with_name(f"{folder.name}.aside")
        folder.mkdir(parents=True, exist_ok=True)
        folder.rename(aside)
        folder.mkdir()
        try:
            _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a file system cannot be mounted here ({error})")
        shutil.copytree(aside, folder, dirs_exist_ok=True, symlinks=True)

    def make_read_only(self):
        _mount("-o", "remount,ro", self.folder)

    def make_writable(self, size="64m"):
        _mount("-o", f"remount,rw,size={size}", self.folder)


def _mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def disk():
    """Makes a folder a disk of its own, of some size; it is unmounted after the test."""
    disks = []

    def make(folder, size="64k"):
        disks.append(Disk(folder, size))
        return disks[-1]

    yield make
    for each in disks:
        subprocess.run(["umount", "--lazy", str(each.folder)], check=True)
