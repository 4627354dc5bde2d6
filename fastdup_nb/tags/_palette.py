"""Colors and keys of tags."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .._text import check_name
from ..errors import ParameterError
from ._journal import Journal

KEYS = "1234567890"
#: Okabe and Ito's colors, and darker and lighter ones of Paul Tol's, told apart with any color vision.
COLORS = (
    "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#999933", "#44aa99", "#aa4499",
)  # fmt: skip


@dataclass(frozen=True)
class TagStyle:
    """How a tag looks: its *color* as ``#rrggbb``, and the digit *key* that sets it in a gallery, or ""."""

    color: str
    key: str


class Palette(Mapping[str, TagStyle]):
    """The color and key of each tag, kept in the file of the tags; a tag that is used first gets the next free ones."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getitem__(self, name: str) -> TagStyle:
        self._journal.refresh()
        return TagStyle(*self._journal.palette[name])

    def __iter__(self) -> Iterator[str]:
        self._journal.refresh()
        return iter(dict(self._journal.palette))

    def __len__(self) -> int:
        self._journal.refresh()
        return len(self._journal.palette)

    def __repr__(self) -> str:
        lines = [f"  {style.key or '-'}  {style.color}  {name}" for name, style in self.items()]
        return "\n".join(["Palette: key, color and tag", *lines])

    def set(self, name: str, color: str | None = None, key: str | None = None) -> None:
        """Give a tag a color or a key; what is None stays as it is, or is the next free one.

        Parameters
        ----------
        name : str
            The tag; it need not be in use.
        color : str, optional
            As ``#rrggbb``.
        key : {"1", ..., "9", "0", ""}, optional
            The digit that sets the tag in a gallery, "" for none. It is taken from the tag that had it.
        """
        name = check_name(name, "name", "Dataset.tags.palette.set")
        if color is not None and not (isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color)):
            raise ParameterError(
                "The 'color' parameter of Dataset.tags.palette.set must be a color such as '#d55e00'. "
                f"Got {color!r} instead."
            )
        if key is not None and not (isinstance(key, str) and (key == "" or (len(key) == 1 and key in KEYS))):
            raise ParameterError(
                f"The 'key' parameter of Dataset.tags.palette.set must be one digit as str, or ''. Got {key!r} instead."
            )
        with self._journal.transaction() as db:
            before = self._journal.palette.get(name) or next_style(self._journal.palette)
            if key:
                db.execute("update palette set key = '' where key = ?", (key,))
            style = (color.lower() if color else before[0], before[1] if key is None else key)
            db.execute(_PUT, (name, *style))

    def remove(self, name: str) -> None:
        """Take a tag out of the palette; images keep it."""
        with self._journal.transaction() as db:
            if name not in self._journal.palette:
                raise ParameterError(f"There is no tag {name!r} in the palette; it has {', '.join(self) or 'none'}.")
            db.execute("delete from palette where name = ?", (name,))


_PUT = (
    "insert into palette values (?, ?, ?) on conflict (name) do update set color = excluded.color, key = excluded.key"
)


def next_style(palette: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Return the first color and key that no tag has; with none left, the colors begin again and there is no key."""
    colors, keys = {color for color, _ in palette.values()}, {key for _, key in palette.values()}
    color = next((color for color in COLORS if color not in colors), COLORS[len(palette) % len(COLORS)])
    return color, next((key for key in KEYS if key not in keys), "")


def add_missing(db: sqlite3.Connection, palette: Mapping[str, tuple[str, str]], names: Iterable[str]) -> None:
    """Give tags that are used first a color and a key, in the open transaction."""
    styles = dict(palette)
    for name in names:
        if name not in styles:
            styles[name] = next_style(styles)
            db.execute(_PUT, (name, *styles[name]))
