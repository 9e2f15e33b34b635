"""Two cold executions on a machine give the same notebook but for times: what differs is named."""

import json
import shutil
import subprocess

import pytest
from differences import differences
from tiny_book import ROOT, command, page

NEEDED = ("smoothrelu", "book", "data", "requirements.lock")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "chapters", "full", "runs")


def cold_copy(folder, chapter):
    """What the chapter needs, in a folder where nothing was ever computed."""
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED)
        else:
            shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    return subprocess.Popen(
        command("execute", chapter), cwd=folder, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("chapter", ["01_definitions", "02_initialization"])
def test_two_cold_executions_in_different_folders_differ_in_times_only(tmp_path, chapter):
    folders = [tmp_path / "one", tmp_path / "another folder"]
    processes = [cold_copy(folder, chapter) for folder in folders]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert differences(*(page(folder, chapter) for folder in folders)) == []


def test_an_output_that_differs_is_named(built, tmp_path):
    good = page(built[0], "01_first")
    notebook = json.loads(good.read_text())
    notebook["cells"][4]["outputs"][0]["text"] = ["[0.75] \n"]
    notebook["metadata"]["smoothrelu"] |= {"seconds": 99.9, "executed": "another day"}
    (tmp_path / "other.ipynb").write_text(json.dumps(notebook))
    (place,) = differences(good, tmp_path / "other.ipynb")
    assert place.startswith("cell 5, output 1") and "[0.5]" in place and "[0.75]" in place
