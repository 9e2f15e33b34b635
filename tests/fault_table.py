"""The fault table of the book, from the tests that inject the faults.

A test is a row where it carries `@pytest.mark.fault(where, fault, kept=...)`; what happened is its
name, as a sentence. `pytest --fault-table` writes book/faults.csv, if every one of them has passed.
"""

import ast
import csv
import io
from pathlib import Path

TESTS = Path(__file__).parent
TABLE = TESTS.parent / "book" / "faults.csv"
HEAD = ("Where", "Fault", "What happened", "What was kept")


def rows() -> list[tuple[str, ...]]:
    """The rows that the tests declare, in the order of their files."""
    trees = [ast.parse(path.read_text()) for path in sorted(TESTS.rglob("test_*.py"))]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = [
        row(function.name, *map(ast.literal_eval, mark.args), **_keywords(mark))
        for function in functions
        for mark in function.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault"
    ]
    return sorted(found, key=lambda each: each[0])


def row(function: str, where: str, fault: str, *, kept: str) -> tuple[str, ...]:
    sentence = function.removeprefix("test_").replace("_", " ")
    return where, fault, f"{sentence[0].upper()}{sentence[1:]}.", kept


def as_text(table: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *table])
    return text.getvalue()


def _keywords(mark: ast.Call) -> dict[str, str]:
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in mark.keywords}


class Witness:
    """Sees the tests end, in the process that commands the others."""

    def __init__(self):
        self.outcomes: dict[tuple[str, ...], set[str]] = {}

    def pytest_runtest_logreport(self, report):
        for name, value in report.user_properties:
            if name == "fault" and (report.when == "call" or not report.passed):
                self.outcomes.setdefault(tuple(value), set()).add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter):
        unseen = [each for each in rows() if self.outcomes.get(each) != {"passed"}]
        if unseen:
            terminalreporter.write_line(f"{TABLE.name} was not written; these have not passed:")
            for each in unseen:
                terminalreporter.write_line(f"    {each[0]}: {each[2]}")
        else:
            TABLE.write_text(as_text(rows()))
            terminalreporter.write_line(f"{TABLE.name}: {len(rows())} faults, all met")
