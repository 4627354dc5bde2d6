"""What a view shows: plain words and numbers, made by a finding's result and drawn by the renderers of this package.

A view is told in the order in which it is read: a title, one sentence, a strip of numbers with their meaning, charts,
rows of pictures, a table, remarks, and the calls that come next. Nothing here draws, and nothing here computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Thumbnail = Callable[[str], bytes | None]
"""Takes an image id; returns the bytes of a small JPEG or PNG file, None where there is no picture."""

Cell = str | int | float | None
Look = Literal["line", "band", "dot", "bar"]
Tone = Literal["plain", "strong", "good", "warning"]


@dataclass(frozen=True)
class Badge:
    """A word or a score in a small frame; the tone only underlines what the text says."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Fact:
    """A number and its meaning: ``Fact(("pair", "pairs"), 1204, "two pictures counted once")``.

    An int is written with thousands separators; text stands as it is. The label may be a noun, singular and plural.
    """

    label: str | tuple[str, str]
    value: str | int
    meaning: str = ""

    @property
    def name(self) -> str:
        """The label as it is written, in the singular for one."""
        return self.label if isinstance(self.label, str) else self.label[self.value != 1]


@dataclass(frozen=True)
class Tile:
    """A picture and the lines beneath it: badges, the image id (shortened where it is long), further lines.

    *mark* sets a tile apart by a frame and by its own word, for example ``"keep"`` or ``"query"``; *problem* says why
    there is no picture.
    """

    image_id: str
    lines: tuple[str, ...] = ()
    badge: Badge | None = None
    mark: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Row:
    """Pictures that belong together: a group, an outlier and its neighbors, examples of a cluster.

    *arrow*, when it has a word (``"nearest"``), is drawn between the first tile and the others. *n_more* counts the
    pictures of this row that are not among *tiles*.
    """

    title: str
    tiles: tuple[Tile, ...]
    badge: Badge | None = None
    note: str = ""
    arrow: str = ""
    n_more: int = 0


@dataclass(frozen=True)
class Table:
    """A small table of words and numbers; *n_more* counts the rows that are not among *rows*."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    n_more: int = 0


@dataclass(frozen=True)
class Line:
    """A curve of a chart: a value for each x; NaN is a gap. A line without a name is the only one of its chart."""

    values: tuple[float, ...]
    name: str = ""
    is_dashed: bool = False


@dataclass(frozen=True)
class Marks:
    """Places of a chart that mean the same: what one and many are called, and runs of x, first and one after the last.

    *look* is how they are drawn: a line or a band behind the curve, a dot or a bar below it.
    """

    noun: tuple[str, str]
    look: Look
    runs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Chart:
    """Curves over whole numbers that rise, such as a count of images or the place of a frame.

    *y_range* holds values that the scale reaches in any case. *strip* names pictures that stand at equal distances
    below the chart, from its first x to its last.
    """

    title: str
    x_name: str
    x: Sequence[int]
    lines: tuple[Line, ...]
    y_range: tuple[float, ...] = ()
    marks: tuple[Marks, ...] = ()
    strip: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """All that one output shows.

    *rows_title* stands above the rows, *noun* (singular, plural) names them in "and 12 more groups", *n_more* counts
    those that are not among *rows*. *empty* is said in the place of the rows when there is none. *next_calls* are pairs
    of a line of code and what it does. *charts* stand above the rows; *n_more_charts* counts those not among them.
    """

    title: str
    headline: str = ""
    facts: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()
    rows_title: str = ""
    noun: tuple[str, str] = ("row", "rows")
    n_more: int = 0
    empty: str = ""
    table: Table | None = None
    notes: tuple[str, ...] = ()
    next_calls: tuple[tuple[str, str], ...] = ()
    charts: tuple[Chart, ...] = ()
    n_more_charts: int = 0
