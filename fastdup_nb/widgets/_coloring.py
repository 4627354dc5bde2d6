"""What the points of a map are colored by: nothing (density), a category each, or a number each.

Colors are those of Okabe and Ito, which people with any color vision tell apart, and viridis for numbers; both without
the ends that would vanish on a light or on a dark ground, as a map is seen on either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

CATEGORY_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B3A000")
OTHER_COLOR, NONE_COLOR = "#8C8C8C", "#A6A6A6"
#: viridis from 0.2 to 0.85, in nine steps
RAMP = ("#414487", "#37598C", "#2E6E8E", "#26828E", "#1F968B", "#2BAA80", "#4BBF6C", "#77D052", "#A2D938")
N_LEVELS = 21
_NONE_NAMES = frozenset({"", "none", "noise", "no cluster"})


@dataclass(frozen=True)
class Entry:
    """A line of the legend: a category, what it is drawn in, and how many images it has."""

    name: str
    color: str
    count: int


@dataclass(frozen=True, eq=False)
class Coloring:
    """A color for each point.

    Attributes
    ----------
    title : str
        What it shows, such as ``"cluster"``.
    codes : uint8 array (n,) or None
        Which of *entries* each point belongs to.
    entries : tuple of Entry
        Of a categorical coloring, largest first; "other" and "none" are last.
    shares : float32 array (n,) or None
        In [0, 1], NaN where there is none.
    low, high : str
        What 0 and 1 stand for.
    """

    title: str
    n: int
    codes: npt.NDArray[np.uint8] | None = None
    entries: tuple[Entry, ...] = ()
    shares: npt.NDArray[np.float32] | None = None
    low: str = ""
    high: str = ""

    @property
    def kind(self) -> str:
        """``"category"``, ``"number"`` or ``"density"``."""
        return "category" if self.codes is not None else "number" if self.shares is not None else "density"

    def find_hue(self, position: int) -> str:
        """Return the color of a point as "#rrggbb"; "" where it has none of its own."""
        if self.codes is not None:
            return self.entries[int(self.codes[position])].color
        if self.shares is not None and np.isfinite(self.shares[position]):
            return RAMP[min(int(self.shares[position] * len(RAMP)), len(RAMP) - 1)]
        return ""

    def tell_legend(self, places: Sequence[object]) -> dict[str, object]:
        """Return the legend as a view is told it, with the place of each name on the map."""
        entries = [{**vars(entry), "at": at} for entry, at in zip(self.entries, places, strict=False)]
        told = {"kind": self.kind, "title": self.title, "low": self.low, "high": self.high, "ramp": RAMP}
        return {**told, "entries": entries}

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """RGB of each category, or of each level of a number: uint8 (n, 3)."""
        if self.codes is not None:
            return np.array([_read_color(entry.color) for entry in self.entries], np.uint8).reshape(-1, 3)
        return ramp_colors(N_LEVELS)

    def tell(self, position: int) -> str:
        """Return the category of a point in words; empty where it has none to tell."""
        return self.entries[int(self.codes[position])].name if self.codes is not None else ""


def ramp_colors(n: int) -> npt.NDArray[np.uint8]:
    """Return *n* colors along the ramp of numbers: uint8 (n, 3).

    >>> ramp_colors(2).tolist()
    [[65, 68, 135], [162, 217, 56]]
    """
    stops = np.array([_read_color(color) for color in RAMP], float)
    at = np.linspace(0, len(stops) - 1, n)
    mixed = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.asarray(np.round(np.column_stack(mixed)), np.uint8)


def color_by_density(n: int) -> Coloring:
    """Color nothing: the map shows where many points are."""
    return Coloring("density", n, low="few images", high="many")


def color_by(title: str, values: pd.Series, image_ids: pd.Index, colors: Mapping[str, str] | None = None) -> Coloring:
    """Color by a column: numbers and times by a ramp, all else by category.

    Parameters
    ----------
    title : str
        Name of the column.
    values : Series indexed by image_id
        Images that are not in it have no color of their own.
    image_ids : Index
        The points, in order.
    colors : mapping of str to str, optional
        "#rrggbb" of some categories.
    """
    column = values
    if not values.index.equals(image_ids):
        column = values[~values.index.duplicated()].reindex(image_ids)
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(values)
    if is_number or pd.api.types.is_datetime64_any_dtype(column):
        return _color_numbers(title, column)
    return _color_categories(title, column, colors or {})


def _color_categories(title: str, column: pd.Series, colors: Mapping[str, str]) -> Coloring:
    named, values = pd.factorize(column)
    renamed, names = pd.factorize(np.array([str(value) for value in values], dtype=object))
    named = np.append(renamed, -1)[named]
    counts = np.bincount(named[named >= 0], minlength=len(names))
    is_none = np.array([name.lower() in _NONE_NAMES for name in names], bool)
    order = np.lexsort((names.astype(str), -counts))
    kept = sorted((i for i in order if not is_none[i]), key=lambda i: names[i] not in colors)
    shown, rest = (kept, []) if len(kept) <= len(CATEGORY_COLORS) else (kept[:7], kept[7:])
    entries = [Entry(names[i], _pick(names[i], n, colors), int(counts[i])) for n, i in enumerate(shown)]
    code_of = np.full(len(names) + 1, len(entries) + bool(rest), np.uint8)  # the last place is -1: missing
    code_of[shown] = np.arange(len(shown))
    if rest:
        code_of[rest] = len(entries)
        entries.append(Entry(f"{len(rest):,} others", OTHER_COLOR, int(counts[rest].sum())))
    codes = code_of[named]
    n_none = int((codes == len(entries)).sum())
    if n_none or not entries:
        said = [str(names[i]) for i in np.flatnonzero(is_none) if names[i]]
        entries.append(Entry(said[0] if said else f"no {title}", NONE_COLOR, n_none))
    return Coloring(title, len(column), codes=codes, entries=tuple(entries))


def _pick(name: str, n: int, colors: Mapping[str, str]) -> str:
    return colors.get(name) or CATEGORY_COLORS[n % len(CATEGORY_COLORS)]


def _color_numbers(title: str, column: pd.Series) -> Coloring:
    is_time = pd.api.types.is_datetime64_any_dtype(column)
    if is_time:
        times = column.dt.tz_convert(None) if getattr(column.dt, "tz", None) is not None else column
        numbers = (times - pd.Timestamp(0)).dt.total_seconds().to_numpy(float)
    else:
        numbers = column.astype("Float64").to_numpy(float, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return _color_categories(title, pd.Series([None] * len(column), dtype=object), {})
    low, high = (float(bound) for bound in np.quantile(known, (0.01, 0.99)))
    if not high > low:
        low, high = float(known.min()), float(known.max())
    scaled = np.clip((numbers - low) / ((high - low) or 1.0), 0, 1).astype(np.float32)
    told = _tell_time if is_time else _tell_number
    return Coloring(title, len(column), shares=scaled, low=told(low, known.min()), high=told(high, known.max()))


def _tell_number(bound: float, extreme: float) -> str:
    sign = "" if np.isclose(bound, extreme) else "≤ " if extreme < bound else "≥ "
    return f"{sign}{bound:,.0f}" if abs(bound) >= 1000 or float(bound).is_integer() else f"{sign}{bound:.3g}"


def _tell_time(bound: float, extreme: float) -> str:
    sign = "" if bound == extreme else "≤ " if extreme < bound else "≥ "
    return f"{sign}{pd.Timestamp(bound, unit='s').date()}"


def _read_color(color: str) -> Sequence[int]:
    return list(bytes.fromhex(color.removeprefix("#")))
