"""The code a result depends on, as a hash: a stored result is used only while its code is the same.

It covers the definitions (functions, classes, constants) that an object's own text names, and those
that these name, and so on, through the package's modules. What a result does not depend on, such as
another activation in the same file, comments, docstrings and annotations, does not change it.
"""

import ast
import functools
import hashlib
import importlib
import importlib.util
import types
from pathlib import Path
from typing import NamedTuple

_PACKAGE = __name__.partition(".")[0]
_WHOLE = "*"


def code_fingerprint(*objects) -> str:
    """16 hexadecimal digits for classes and functions that are defined in modules.

    Followed are the package itself and the top-level package of each object; what comes from
    elsewhere (torch, numpy) goes by its name. Raises ValueError for an object without a source
    file.
    """
    todo = [(o.__module__, o.__qualname__.partition(".")[0]) for o in objects]
    followed = {_PACKAGE, *(module.partition(".")[0] for module, _ in todo)} - {"torch"}
    texts: dict[tuple[str, str], str] = {}
    while todo:
        home = module, name = todo.pop()
        if home in texts:
            continue
        texts[home] = ""
        if module.partition(".")[0] in followed:
            source = _source(module)
            texts[home], names = source.definition(name)
            todo += [source.home(module, used) for used in names if source.knows(used)]
    return hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]


class _Source(NamedTuple):
    """A module's top-level statements by the name they define (_WHOLE: those that define none), and
    its imports: name -> (module, name there).
    """

    statements: dict[str, list[ast.stmt]]
    imports: dict[str, tuple[str, str]]

    def definition(self, name: str) -> tuple[str, set[str]]:
        """The text of a definition, and the names in it. One that is not found, such as a name
        made at run time, stands for the whole module.
        """
        chosen = self.statements.get(name)
        if chosen is None or name == _WHOLE:
            chosen = [s for group in self.statements.values() for s in group]
        nodes = [*chosen, *self.statements.get(_WHOLE, [])]
        names = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
        return "\n".join(ast.unparse(node) for node in nodes), names

    def knows(self, name: str) -> bool:
        return name in self.statements or name in self.imports

    def home(self, module: str, name: str) -> tuple[str, str]:
        """Where a name is defined, seen through re-exports."""
        if name not in self.imports:
            return module, name
        module, name = self.imports[name]
        if name != _WHOLE and module.partition(".")[0] == _PACKAGE:
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, types.ModuleType):
                return found.__name__, _WHOLE
            if hasattr(found, "__qualname__"):
                return found.__module__, found.__qualname__
        return module, name


@functools.cache
def _source(module: str) -> _Source:
    spec = None if module == "__main__" else importlib.util.find_spec(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ValueError(
            f"a run's activation, init and observers must come from a module with a source file, "
            f"for a stored result is found again by their code; {module} has none: "
            "define them in a .py file and import them"
        )
    tree = _Bare().visit(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    source = _Source({}, {})
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name(
                "." * node.level + (node.module or ""), spec.parent
            )
            source.imports.update({a.asname or a.name: (origin, a.name) for a in node.names})
        elif isinstance(node, ast.Import):
            for a in node.names:
                source.imports[a.asname or a.name.partition(".")[0]] = (a.name, _WHOLE)
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            for name in _defines(node):
                source.statements.setdefault(name, []).append(node)
    return source


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
        return [n.id for n in stored if isinstance(n.ctx, ast.Store)] or [_WHOLE]
    return [_WHOLE]


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
