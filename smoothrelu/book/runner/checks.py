"""Whether a value may stand for a parameter; every refusal names the parameter and the remedy."""

import difflib
import json
import math
import re
import reprlib
from collections.abc import Iterable

LONGEST_LIST = 1000
LARGEST_INT = 2**63 - 1
DEVICE = r"auto|cpu|mps|cuda(:\d+)?"
PROFILES = ("quick", "paper")
_BRIEF = reprlib.Repr()
_BRIEF.maxlevel, _BRIEF.maxlist, _BRIEF.maxlong = 3, 12, 60
KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}

Value = bool | int | float | str | list


class BookError(ValueError):
    """A request that cannot be met; the message names the culprit and the remedy."""


def check(name: str, value: Value, default: Value, where: str) -> Value:
    """The value in the kind of its default (whole numbers stand for numbers), or BookError.

    A name promises the same in every chapter: temperatures are positive, seeds are not negative.
    """
    try:
        value = _in_kind(value, default)
        _obey_name(name, value)
    except (BookError, OverflowError) as error:
        raise BookError(f"{where}: {name!r} {error}; got {shown(value)}") from None
    return value


def _in_kind(value: Value, default: Value) -> Value:
    if isinstance(default, list):
        return _list_in_kind(value, default)
    kind = type(default)
    if kind not in KINDS:
        raise BookError(f"must have a default that is one of {list(KINDS)} or a list of them")
    if kind is float and type(value) is int:
        value = float(value)  # OverflowError when it does not fit
    if type(value) is not kind:
        hint = " (in YAML write 1.0e-3, with the point: 1e-3 is text)" if _yaml_float(value) else ""
        raise BookError(f"must be {KINDS[kind]}, like its default {shown(default)}{hint}")
    if kind is float and not math.isfinite(value):
        raise BookError("must be finite")
    if kind is int and abs(value) > LARGEST_INT:
        raise BookError("must fit in 64 bits")
    if kind is str and not value.isprintable():
        raise BookError("must be one line of printable text")
    return value


def _list_in_kind(value: Value, default: list) -> list:
    like = f"like its default {shown(default)}"
    if isinstance(value, tuple):
        value = list(value)
    if not isinstance(value, list):
        raise BookError(f"must be a list, {like}")
    if not value or len(value) > LONGEST_LIST:
        raise BookError(f"must have 1 to {LONGEST_LIST} entries")
    if not default or isinstance(default[0], list):
        raise BookError("must have a default that is a flat list with at least one entry")
    try:
        entries = [_in_kind(entry, default[0]) for entry in value]
    except BookError as error:
        raise BookError(f"must be a list, {like}; each entry {error}") from None
    if len(set(entries)) < len(entries):
        raise BookError("must not repeat an entry")
    return entries


def _obey_name(name: str, value: Value) -> None:
    """What a parameter's name promises in every chapter."""
    values = value if isinstance(value, list) else [value]
    kinds = {type(entry) for entry in values}
    if name in ("temperature", "temperatures") and (kinds != {float} or min(values) <= 0):
        raise BookError("must be positive (temperature 0 is ReLU itself, drawn beside)")
    if name in ("seed", "seeds") and (kinds != {int} or min(values) < 0):
        raise BookError("must be 0 or a positive whole number")
    if name == "device" and not re.fullmatch(DEVICE, str(value)):
        raise BookError("must be auto, cpu, mps, cuda or cuda:N")
    if name == "profile" and value not in PROFILES:
        raise BookError(f"must be one of {', '.join(PROFILES)}")


def _yaml_float(value: Value) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value))


def shown(value: object) -> str:
    """The value in at most 80 characters, though to write it out might take all the memory."""
    try:
        text = json.dumps(value) if isinstance(value, str) else _BRIEF.repr(value)
    except ValueError:  # Python writes out no integer of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, and all of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    guess = f"; did you mean {close[0]!r}?" if close else "."
    return f"{guess} There are: {', '.join(known) or 'none'}"
