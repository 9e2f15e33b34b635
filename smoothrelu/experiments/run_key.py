"""The key under which a run's result is stored: the same key, the same numbers.

The code counts by room: an edit of `activations`, `networks`, `data` or `training`, or of what a
run is, computes every run again; comments, docstrings and annotations do not count. So does an
edit of a module outside them that an activation, a network or an observer comes from.
"""

import ast
import functools
import hashlib
import importlib.util
import json
import platform
from pathlib import Path

import torch

from smoothrelu.data.datasets import data_fingerprint
from smoothrelu.experiments.schedulable import Schedulable
from smoothrelu.files import sha256
from smoothrelu.training.full_batch import deterministic

_ROOMS = ("activations", "networks", "data", "training")
_RUNS = ("run", "minibatch_run", "schedulable", "ensemble")


def run_key(run: Schedulable, device: torch.device) -> str:
    """Hash of the run, its weights at the start, the data, the code that trains, of the activation
    and of the observers, torch's version, and the kind of device and of machine.

    The weights stand for the code that draws them: theory may be rewritten, and every result kept
    whose start is the same to the last bit. 10 to 100 ms, most of it to draw them.
    """
    description = run.description()  # refuses what could not be found again
    what = {
        "run": description,
        "start": _start(run),
        "data": data_fingerprint(run.dataset),
        "code": code_fingerprint(*run.code()),
        "torch": torch.__version__,
        "device": device.type,
        "machine": platform.machine(),
    }
    return sha256(json.dumps(what, sort_keys=True))[:32]


def code_fingerprint(*objects) -> str:
    """16 hexadecimal digits for the code that trains, and for the modules in which the classes and
    functions are defined, with what these import from their own package.

    What comes from torch goes by its name. Raises ValueError for an object without a source file.
    """
    todo = {o.__module__ for o in objects}
    texts = {name: "" for name in todo if name.partition(".")[0] == "torch"}
    texts |= {f"{o.__module__}.{o.__qualname__}": "" for o in objects}
    while todo := {name for name in todo if name not in texts and not _is_of_rooms(name)}:
        for module in todo:
            texts[module], imported = _source(module)
            todo = todo | imported
    return sha256(repr([_rooms(), sorted(texts.items())]))[:16]


def _start(run: Schedulable) -> str:
    with deterministic(threads=1):
        weights = run.start().parameters()
    digest = hashlib.sha256()
    for parameter in weights:
        digest.update(parameter.detach().numpy().tobytes())
    return digest.hexdigest()


def _is_of_rooms(module: str) -> bool:
    names = (*_ROOMS, *(f"experiments.{name}" for name in _RUNS))
    return any(f"{module}.".startswith(f"smoothrelu.{name}.") for name in names)


@functools.cache
def _rooms() -> str:
    package = Path(__file__).parents[1]
    files = sorted(path for room in _ROOMS for path in (package / room).rglob("*.py"))
    files += [package / "experiments" / f"{name}.py" for name in _RUNS]
    texts = [ast.unparse(_bare(path)) for path in files]
    return sha256("\n".join(texts))


@functools.cache
def _source(module: str) -> tuple[str, set[str]]:
    """The code of a module, and the modules of its own package that it imports: of smoothrelu
    those of theory.
    """
    spec = None if module == "__main__" else importlib.util.find_spec(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ValueError(
            f"a run's activation, init and observers must come from a module with a source file, "
            f"for a stored result is found again by their code; {module} has none: "
            "define them in a .py file and import them"
        )
    tree = _bare(Path(spec.origin))
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            home = importlib.util.resolve_name(dots + (node.module or ""), spec.parent)
            named |= {home, *(f"{home}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
    package = module.partition(".")[0]
    followed = "smoothrelu.theory." if package == "smoothrelu" else f"{package}."
    return ast.unparse(tree), {n for n in named if n.startswith(followed) and _is_module(n)}


def _is_module(name: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # a name in a module
        return False
    return spec is not None and bool(spec.origin) and spec.origin.endswith(".py")


def _bare(path: Path) -> ast.AST:
    return _Bare().visit(ast.parse(path.read_text(encoding="utf-8")))


class _Bare(ast.NodeTransformer):
    """Takes docstrings and annotations away: they say much and compute nothing."""

    def visit(self, node: ast.AST) -> ast.AST:
        node = super().visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_text(s)] or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # noqa: N802
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:  # noqa: N802
        node.annotation = ast.Constant(...)
        return self.generic_visit(node)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
