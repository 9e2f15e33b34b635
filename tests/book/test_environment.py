"""pyproject.toml, requirements.lock and environment.yml describe one environment."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK_TEXT = (ROOT / "requirements.lock").read_text()
LOCK = [
    Requirement(line.split("  #")[0].strip())
    for line in LOCK_TEXT.splitlines()
    if line.strip() and not line.startswith("#")
]
PYTHONS = ["3.11.0", "3.11.9", "3.12.9", "3.13.5"]
PLATFORMS = {
    "linux-x86_64": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "linux-arm64": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "macos-arm64": {"sys_platform": "darwin", "platform_machine": "arm64"},
}
EXTRAS_IN_LOCK = ["book", "test", "lab"]


def marker_environment(python: str, platform: str) -> dict[str, str]:
    """The values that pip would give to the markers on that Python and platform."""
    system = {"linux": "Linux", "darwin": "Darwin"}[PLATFORMS[platform]["sys_platform"]]
    return (
        default_environment()
        | PLATFORMS[platform]
        | {
            "os_name": "posix",
            "platform_system": system,
            "python_version": python.rpartition(".")[0],
            "python_full_version": python,
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
    )


def requirements_of_the_project() -> list[Requirement]:
    extras = [line for e in EXTRAS_IN_LOCK for line in PROJECT["optional-dependencies"][e]]
    return [Requirement(line) for line in PROJECT["dependencies"] + extras]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_exactly_once_and_inside_its_range(python, platform):
    environment = marker_environment(python, platform)
    pins: dict[str, list[str]] = {}
    for line in LOCK:
        if line.marker is None or line.marker.evaluate(environment):
            pins.setdefault(canonicalize_name(line.name), []).append(str(line.specifier))
    assert {name: p for name, p in pins.items() if len(p) != 1} == {}
    for wanted in requirements_of_the_project():
        version = pins[canonicalize_name(wanted.name)][0].removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} but the lock has {version}"


def test_every_line_of_the_lock_is_one_exact_pin():
    loose = [str(line) for line in LOCK if not re.fullmatch(r"==[\w.]+", str(line.specifier))]
    assert loose == []


def test_the_lock_leaves_the_cuda_companions_to_torch():
    companions = [r.name for r in LOCK if re.match(r"nvidia-|cuda-|triton$", r.name)]
    assert companions == []


def test_the_lock_names_no_host_no_path_and_no_option():
    words = [line for line in LOCK_TEXT.splitlines() if re.search(r"://|^\s*-|@ ", line)]
    assert words == []


def test_environment_yml_is_a_supported_python_and_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}
    version = python.removeprefix("python=")
    assert SpecifierSet(PROJECT["requires-python"]).contains(version), python
