"""What pandas keeps text in and how to take it out, what a name may be, and how a path or a call is told."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd

from .errors import ParameterError, ParameterTypeError

#: What pandas keeps text in: str from pandas 3 on, object before.
TEXT: Any = "str" if int(pd.__version__.split(".")[0]) >= 3 else object
MAX_NAME = 200
_MOST_WRITTEN = 8  # entries of a list in a line of code


def check_name(value: object, name: str, caller: str) -> str:
    """Return a tag or a label without the space around it: one line of at most MAX_NAME characters, or raise."""
    wanted = (
        f"The {name!r} parameter of {caller} must be a str of 1 to {MAX_NAME} characters without control characters"
    )
    if not isinstance(value, str):
        raise ParameterTypeError(f"{wanted}. Got {value!r} instead.")
    text = value.strip()
    if not 1 <= len(text) <= MAX_NAME or any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        shown = repr(value) if len(value) <= 40 else f"{value[:37]!r}... of {len(value):,} characters"
        raise ParameterError(f"{wanted}. Got {shown} instead.")
    return text


def list_text(values: pd.Series) -> list[str | None]:
    """Return text as a list, with None where it is missing."""
    return [value if isinstance(value, str) else None for value in values]


def make_text(name: str) -> str:
    r"""Return a name that can be encoded: bytes of a file's name that are no text become ``\xNN``."""
    if name.isascii():
        return name
    try:
        data = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a letter that no file's name has
        data = name.encode("utf-8", "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def show_path(path: Path) -> str:
    """Return a path as one would tell it: from the current folder or from home where it lies below."""
    for base, prefix in ((Path.cwd(), ""), (Path("~").expanduser(), "~/")):
        if path.is_relative_to(base) and path != base:
            return prefix + path.relative_to(base).as_posix()
    return str(path)


def write_call(name: str, /, *given: object, **options: object) -> str:
    """Return a call as one would write it; empty where a value is none that can be written."""
    if not all(_is_plain(value) for value in (*given, *options.values())):
        return ""
    told = [repr(_as_plain(value)) for value in given]
    told += [f"{option}={_as_plain(value)!r}" for option, value in options.items()]
    return f"{name}({', '.join(told)})"


def _is_plain(value: object) -> bool:
    """Return whether a value is text, a path, a number, or a few of them."""
    if isinstance(value, dict):
        return len(value) <= _MOST_WRITTEN and all(map(_is_plain, (*value, *value.values())))
    if isinstance(value, (list, tuple)):
        return len(value) <= _MOST_WRITTEN and all(map(_is_plain, value))
    return value is None or type(value) in {str, int, float, bool} or isinstance(value, Path)


def _as_plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_as_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
