"""A chart, drawn as SVG that needs no style sheet and no script, and told in a few lines of text.

Lines take the color of the text around them, so they are seen on light and on dark; what tells two lines apart is that
one is dashed. A drawing has a bounded number of points and marks, so a long sequence is no larger on the page than a
short one. Where a page drops drawings, the words and the strip of pictures below are left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._format import format_count, format_similarity
from ._model import Chart, Line, Look, Marks, Thumbnail
from ._picture import Picture, make_picture

_WIDTH, _HEIGHT = 720, 180  # pixels
_LEFT, _RIGHT, _NAMES, _TOP, _BOTTOM = 48, 12, 120, 12, 48
_COLUMNS = 320  # points of a line, and marks of a kind, at most
_MOST_POINTS = 120
_STRIP_SIZE = 80
_BARS = "▁▂▃▄▅▆▇█"
_N_BARS = 24
_SLACK = 1e-4  # 1.0000001, a similarity in float32, is no more than 1
_COLORS: dict[Look, str] = {"line": "red line", "band": "orange band", "dot": "blue dot", "bar": "gray bar"}

_Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class DrawnLine:
    """A line in pixels: its points, and where its name stands."""

    name: str
    is_dashed: bool
    points: tuple[tuple[float, float], ...]
    name_y: float


@dataclass(frozen=True)
class DrawnChart:
    """What the template needs of a chart: sizes, ticks, lines, marks and the strip of pictures, in pixels."""

    chart: Chart
    lines: tuple[DrawnLine, ...]
    marks: dict[Look, tuple[tuple[float, float], ...]]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    strip: tuple[tuple[str, Picture | None], ...]
    words: tuple[str, ...]
    legend: str
    right: float
    left: int = _LEFT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM
    width: int = _WIDTH
    height: int = _HEIGHT


def thin_out(n: int) -> list[int]:
    """Return at most 120 of the positions 0 to n - 1, dense at the beginning, with the first and the last."""
    if n <= _MOST_POINTS:
        return list(range(n))
    steps = (round((n - 1) * (i / (_MOST_POINTS - 1)) ** 2) for i in range(_MOST_POINTS))
    return sorted(set(steps))


def draw_chart(chart: Chart, thumbnail: Thumbnail) -> DrawnChart:
    """Return a chart as the numbers of a drawing."""
    low, high = _find_range(chart)
    first, last = chart.x[0], chart.x[-1]
    right = _WIDTH - (_NAMES if any(line.name for line in chart.lines) else _RIGHT)
    step = (right - _LEFT) / max(1, last - first)

    def across(x: float) -> float:
        return round(_LEFT + step * (x - first), 1)

    def down(y: float) -> float:
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - y) / (high - low), 1)

    lines = []
    for line in chart.lines:
        points = tuple((across(x), down(y)) for x, y in zip(*_bin(_known(chart, line), _COLUMNS), strict=True))
        if points:
            lines.append(DrawnLine(line.name, line.is_dashed, points, points[-1][1]))
    quarters = (0.25, 0.5, 0.75) if last - first >= 8 else ()
    x_ticks = sorted({first, last, *(round(first + share * (last - first)) for share in quarters)})
    return DrawnChart(
        chart=chart,
        lines=_spread_names(lines),
        marks=dict.fromkeys(_COLORS, ())
        | {
            m.look: _join_near(m.look, ((across(start), across(stop - 1)) for start, stop in m.runs))
            for m in chart.marks
        },
        x_ticks=tuple((across(x), format_count(x)) for x in x_ticks),
        y_ticks=tuple((down(y), f"{y:.2f}") for y in (low, (low + high) / 2, high)),
        strip=tuple((image_id, make_picture(thumbnail(image_id), _STRIP_SIZE)) for image_id in chart.strip),
        words=tuple(tell_chart(chart)),
        legend=tell_marks(chart, with_colors=True),
        right=right,
    )


def tell_chart(chart: Chart, width: int = 88) -> list[str]:
    """Return a line of text for each curve: little bars, and the numbers that they begin and end with."""
    low, high = _find_range(chart)
    told, name_width = [], max((len(line.name) for line in chart.lines), default=0)
    for line in chart.lines:
        x, y = _known(chart, line)
        if not len(x):
            continue
        n_bars = _N_BARS if line.name else width
        levels = (_sample(_bin((x, y), n_bars), n_bars) - low) / (high - low) * len(_BARS)
        bars = "".join(_BARS[min(len(_BARS) - 1, int(level))] for level in levels)
        if not line.name:
            told += [bars, f"highest {y.max():.3f}, lowest {y.min():.3f}"]
            continue
        ends = ", ".join(f"{format_similarity(y[at])} with {format_count(int(x[at]))}" for at in (0, -1))
        told.append(f"{line.name:<{name_width}}  {bars}  {ends}")
    return told


def tell_marks(chart: Chart, *, with_colors: bool = False) -> str:
    """Return in words how many there are of each kind of marks, and, if *with_colors*, how they are drawn."""
    if not chart.marks:
        return ""
    told = [_tell_kind(marks, with_colors) for marks in chart.marks if marks.runs]
    return ", ".join(told) + "." if told else "Nothing is marked."


def _tell_kind(marks: Marks, with_colors: bool) -> str:
    color = f" ({_COLORS[marks.look]}{'s' * (len(marks.runs) != 1)})" if with_colors else ""
    return format_count(len(marks.runs), marks.noun) + color


def _known(chart: Chart, line: Line) -> _Points:
    """Return x and y where y is a number."""
    x, y = np.asarray(chart.x, dtype=np.float64), np.asarray(line.values, dtype=np.float64)
    is_known = np.isfinite(y)
    return x[is_known], y[is_known]


def _bin(points: _Points, n: int) -> _Points:
    """Return at most *n* points, the highest of each of *n* equal parts of x."""
    x, y = points
    if len(x) <= n:
        return points
    part = ((x - x[0]) * n // (x[-1] - x[0] + 1)).astype(np.int64)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    highest = np.maximum.reduceat(y, starts)
    is_highest = y == np.repeat(highest, np.diff(starts, append=len(y)))
    places = np.flatnonzero(is_highest)
    chosen = places[np.unique(part[places], return_index=True)[1]]
    return x[chosen], y[chosen]


def _sample(points: _Points, n: int) -> npt.NDArray[np.float64]:
    """Return values at equal steps along x, at most *n*; a curve holds its value until the next x."""
    x, y = points
    steps = np.linspace(x[0], x[-1], int(min(n, x[-1] - x[0] + 1)))
    return y[np.searchsorted(x, steps + 1e-9, side="right") - 1]


def _find_range(chart: Chart) -> tuple[float, float]:
    values = np.array([*chart.y_range, *(value for line in chart.lines for value in line.values)], dtype=np.float64)
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    low, high = math.floor(values.min() * 10 + _SLACK) / 10, math.ceil(values.max() * 10 - _SLACK) / 10
    return (low, high) if high > low else (low - 0.1, low + 0.1)


def _join_near(look: Look, runs: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return runs as left and width in pixels; of those in one column, lines and dots give one, others are joined."""
    joined: list[tuple[float, float]] = []
    for left, right in runs:
        if joined and left - joined[-1][1] < _WIDTH / _COLUMNS:
            if look in {"band", "bar"}:
                joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
        else:
            joined.append((left, right))
    return tuple((left, round(right - left, 1)) for left, right in joined)


def _spread_names(lines: list[DrawnLine]) -> tuple[DrawnLine, ...]:
    """Move the names at the ends of the lines apart, so that none covers another."""
    spread, at = [], -math.inf
    for line in sorted(lines, key=lambda line: line.name_y):
        at = max(at + 14, line.name_y)
        spread.append(DrawnLine(line.name, line.is_dashed, line.points, round(at, 1)))
    return tuple(spread)
