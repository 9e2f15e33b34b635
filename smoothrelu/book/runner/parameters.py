"""A chapter's parameters: what its cell declares, what the book publishes, what a reader asks.

Three layers, later ones win: the defaults in the notebook's cell tagged ``parameters``, the
published values in book/params.yml, the reader's overrides.  Everything is checked here, before
a kernel is started, and nothing is ever evaluated: a value is a literal or it is refused.
"""

import ast
import json
import re
from pathlib import Path

from smoothrelu.book.runner.checks import BookError, Value, check, did_you_mean, shown

LONGEST_TEXT = 4000  # characters of overrides
PARAMETERS_TAG = r"""tags=\[[^\]]*["']parameters["']"""


def chapters(root: Path) -> list[str]:
    """Names of the chapters, in order: notebooks/NN_name.py without the suffix."""
    names = sorted(path.stem for path in (root / "notebooks").glob("[0-9]*.py"))
    for name in names:
        if not re.fullmatch(r"\w+", name, flags=re.ASCII):
            raise BookError(f"notebooks/{name}.py: a chapter is named like 01_name.py")
    return names


def source_of(root: Path, name: str) -> Path:
    """Path of a chapter's source; raises BookError with the list when there is none."""
    known = chapters(root)
    if name not in known:
        raise BookError(f"no chapter {name!r}{did_you_mean(name, known)}")
    return root / "notebooks" / f"{name}.py"


def effective(root: Path, name: str, overrides: str = "") -> dict[str, Value]:
    """All parameters of one execution: defaults, then book/params.yml, then ``overrides``.

    ``overrides`` reads ``temperatures=[0.3]; seeds=[0]``.  Raises BookError, naming the parameter.
    """
    defaults = declared(source_of(root, name))
    checked = _merged(defaults, defaults, f"{name}, defaults")
    checked |= _merged(defaults, _published(root, name), f"book/params.yml, {name}")
    return checked | _merged(defaults, parse(overrides, defaults), name)


def published(root: Path, name: str) -> dict[str, Value]:
    """The parameters the published book is made with."""
    return effective(root, name)


def declared(source: Path) -> dict[str, Value]:
    """Defaults in the one cell tagged ``parameters`` of a py:percent notebook.

    Read without jupytext, whose import alone is seconds of a build that has nothing to do.
    """
    cells = re.split(r"^# %%", _text(source), flags=re.MULTILINE)[1:]
    split = [cell.partition("\n")[::2] for cell in cells]  # (header, source)
    tagged = [(head, body) for head, body in split if re.search(PARAMETERS_TAG, head)]
    if len(tagged) != 1 or "[markdown]" in tagged[0][0]:
        raise BookError(
            f"notebooks/{source.name} has {len(tagged)} cells tagged 'parameters'; "
            'it needs exactly one code cell that starts with `# %% tags=["parameters"]`'
        )
    return _assignments(tagged[0][1], f"the parameters cell of notebooks/{source.name}", {})


def parse(text: str, defaults: dict[str, Value]) -> dict[str, Value]:
    """Overrides as written on the command line, ``name=literal; name=literal``, to values.

    A bare word is taken as text where the default is text: ``profile=paper``.
    """
    if len(text) > LONGEST_TEXT:
        raise BookError(f"the parameters have {len(text)} characters; {LONGEST_TEXT} are allowed")
    return _assignments(text, "the parameters given", defaults)


def written(parameters: dict[str, Value]) -> str:
    """Parameters as a reader types them: the inverse of ``parse``."""
    return "; ".join(f"{key}={_literal(value)}" for key, value in parameters.items())


def _literal(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _assignments(text: str, where: str, defaults: dict[str, Value]) -> dict[str, Value]:
    try:
        statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise BookError(
            f"{where} cannot be read: {text.strip()[:80]!r} ({getattr(error, 'msg', error)}); "
            "write them as  temperatures=[0.3]; seeds=[0]  with text in double quotes"
        ) from None
    values = {}
    for statement in statements:
        name = _target(statement, where, text.strip())
        if name in values:
            raise BookError(f"{where}: {name!r} is given twice")
        values[name] = _evaluated(name, statement.value, where, text.strip(), defaults.get(name))
    return values


def _target(statement: ast.stmt, where: str, text: str) -> str:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        target = None
    if not isinstance(target, ast.Name):
        line = ast.get_source_segment(text, statement)
        raise BookError(
            f"{where}: {line[:80]!r} is not of the form name=value, and is not executed"
        )
    return target.id


def _evaluated(name: str, node: ast.expr, where: str, text: str, default: Value | None) -> Value:
    if isinstance(node, ast.Name) and isinstance(default, str):
        return node.id
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise BookError(
            f'{where}: {name!r} must be a plain value such as 0.3, [0.3, 1.0] or "paper"; '
            f"{ast.get_source_segment(text, node)[:80]!r} is not one, and is not executed"
        ) from None
    return list(value) if isinstance(value, tuple) else value


def _published(root: Path, name: str) -> dict[str, Value]:
    import yaml

    path = root / "book" / "params.yml"
    try:
        book = yaml.safe_load(_text(path)) or {} if path.exists() else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BookError(f"book/params.yml cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(book, dict):
        raise BookError("book/params.yml must map chapter names to parameters")
    known = chapters(root)
    for stranger in (str(chapter) for chapter in book if chapter not in known):
        raise BookError(f"book/params.yml: no chapter {stranger!r}{did_you_mean(stranger, known)}")
    values = book.get(name) or {}
    if not isinstance(values, dict):
        raise BookError(
            f"book/params.yml, {name}: expected `name: value` lines, got {shown(values)}"
        )
    return values


def _merged(defaults: dict[str, Value], values: dict, where: str) -> dict[str, Value]:
    for name in values:
        if name not in defaults:
            raise BookError(f"{where}: no parameter {name!r}{did_you_mean(str(name), defaults)}")
    return {name: check(name, value, defaults[name], where) for name, value in values.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BookError(
            f"{path.parent.name}/{path.name} is not UTF-8 text ({error.reason})"
        ) from None
