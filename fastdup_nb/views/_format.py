"""How numbers and names are written, the same in HTML and in plain text."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from numbers import Integral, Real

_ELLIPSIS = "…"
_FLOAT32_SLACK = 1e-4  # so that 0.95 as float32, 0.94999999, is not rounded down to 0.949
_NUMBER = re.compile(r"-?[\d,]*\.\d+(e-?\d+)?%?( \([\d.]+%\))?|[\d,]+( \([\d.]+%\))")
_JOINERS = "\u200c\u200d"  # part of Persian words and of emoji; they neither hide nor turn a text


def format_count(count: int, noun: tuple[str, str] | None = None) -> str:
    """Return ``"1,204"``, or ``"1,204 groups"`` with *noun* = ("group", "groups").

    >>> format_count(1, ("group", "groups"))
    '1 group'
    """
    written = f"{count:,d}"
    return written if noun is None else f"{written} {noun[count != 1]}"


def format_bytes(size: int) -> str:
    """Return a file size in decimal units, as file managers show it.

    >>> format_bytes(1_234_567)
    '1.2 MB'
    """
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:,.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:,.0f} {unit}"


def format_dimension(width: int, height: int) -> str:
    """Return width × height in pixels.

    >>> format_dimension(1024, 768)
    '1024 × 768'
    """
    return f"{width} × {height}"


def format_similarity(similarity: float) -> str:
    """Return a similarity with three decimals, rounded down, so that only 1 itself reads 1.000.

    >>> format_similarity(0.99996)
    '0.999'
    """
    if not math.isfinite(similarity):
        return str(similarity)
    return f"{math.floor(similarity * 1000 + _FLOAT32_SLACK) / 1000:.3f}"


def format_cell(value: object) -> str:
    """Return a table cell's or a fact's text: thousands separators, three digits of a fraction, a dash for nothing."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return "–"
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return format_count(int(value))
    return f"{float(value):,.3g}" if abs(float(value)) < 1000 else f"{float(value):,.0f}"


def has_numbers(cells: Iterable[str | int | float | None]) -> bool:
    """Return whether a table's column holds numbers, and nothing else but gaps: it is aligned to the right.

    Fractions and shares may be written already; ``"7"`` is a name.

    >>> has_numbers([3, None]), has_numbers(["0.618", "12 (3.4%)", "–"]), has_numbers(["3", "7"])
    (True, True, False)
    """
    present = [cell for cell in cells if cell is not None and cell not in {"", "–"}]
    return bool(present) and all(not isinstance(cell, str) or _NUMBER.fullmatch(cell) for cell in present)


def make_visible(text: str) -> str:
    r"""Return *text* with control, direction and undecodable characters written as Python escapes.

    What is left can be encoded as UTF-8, stays on one line and reads in the order in which it is stored.

    >>> make_visible("a\nb")
    'a\\nb'
    """
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")


def shorten(text: str, width: int) -> str:
    """Return *text* cut in the middle to at most *width* columns; the end, which tells files apart, keeps more.

    >>> shorten("holiday/2024/IMG_0001.jpg", 16)
    'holid…G_0001.jpg'
    """
    if measure_width(text) <= width:
        return text
    head = (width - 1) // 3
    return _take(text, head) + _ELLIPSIS + _take(text[::-1], width - 1 - head)[::-1]


def _take(text: str, width: int) -> str:
    """Return the longest beginning of *text* within *width* columns."""
    taken = 0
    for position, character in enumerate(text):
        taken += measure_width(character)
        if taken > width:
            return text[:position]
    return text


def measure_width(text: str) -> int:
    """Return the number of columns of *text* in a terminal: two for wide East Asian characters, none for marks."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
