"""A curve, drawn as SVG that needs no style sheet and no script, and told in one line of text.

Lines take the color of the text around them, so they are seen on light and on dark; what tells two lines apart is that
one is dashed. Numbers stand beside the axes as text of the picture, and its title says the same in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ._format import format_count

_WIDTH, _HEIGHT = 560, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 120, 12, 36
_BARS = "▁▂▃▄▅▆▇█"
_MOST_POINTS = 120


@dataclass(frozen=True)
class Line:
    """One curve: a name and a value for each x of its chart; NaN is a gap."""

    name: str
    values: tuple[float, ...]
    is_dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves over whole numbers that rise, such as a count of images."""

    title: str
    x_name: str
    x: tuple[int, ...]
    lines: tuple[Line, ...]


def thin_out(n: int) -> list[int]:
    """Return at most 120 of the positions 0 to n - 1, dense at the beginning, with the first and the last."""
    if n <= _MOST_POINTS:
        return list(range(n))
    steps = (round((n - 1) * (i / (_MOST_POINTS - 1)) ** 2) for i in range(_MOST_POINTS))
    return sorted(set(steps))


def draw_chart(chart: Chart) -> dict[str, object]:
    """Return what the template of a chart needs: sizes, ticks, and the points of each line in pixels."""
    low, high = _find_range(chart)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    first, last = chart.x[0], chart.x[-1]

    def across(x: float) -> float:
        return round(_LEFT + width * (x - first) / max(1, last - first), 1)

    def down(y: float) -> float:
        return round(_TOP + height * (high - y) / (high - low), 1)

    drawn = []
    for line in chart.lines:
        points = [(across(x), down(y)) for x, y in zip(chart.x, line.values, strict=True) if math.isfinite(y)]
        path = " ".join(f"{x},{y}" for x, y in points)
        if points:
            drawn.append({"line": line, "path": path, "x": points[-1][0] + 6, "y": points[-1][1], "last": points[-1]})
    _spread_names(drawn)
    middle = [tick for tick in (0.25, 0.5, 0.75) if last - first >= 8]
    x_ticks = sorted({first, last, *(round(first + tick * (last - first)) for tick in middle)})
    step = (high - low) / 2
    return {
        "width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP,
        "bottom": _HEIGHT - _BOTTOM, "lines": drawn,
        "x_ticks": [(across(x), format_count(x)) for x in x_ticks],
        "y_ticks": [(down(y), f"{y:.2f}") for y in (low, low + step, high)],
        "words": tell_chart(chart),
    }  # fmt: skip


def tell_chart(chart: Chart) -> list[str]:
    """Return a line of text for each curve: little bars, and what it begins and ends with."""
    low, high = _find_range(chart)
    told, width = [], max((len(line.name) for line in chart.lines), default=0)
    for line in chart.lines:
        known = [(x, y) for x, y in zip(chart.x, line.values, strict=True) if math.isfinite(y)]
        if not known:
            continue
        bars = "".join(
            _BARS[min(len(_BARS) - 1, int((y - low) / (high - low) * len(_BARS)))] for y in _sample(chart, line)
        )
        (x0, y0), (x1, y1) = known[0], known[-1]
        told.append(f"{line.name:<{width}}  {bars}  {y0:.3f} with {format_count(x0)}, {y1:.3f} with {format_count(x1)}")
    return told


def _sample(chart: Chart, line: Line, n_bars: int = 24) -> list[float]:
    """Return values at equal steps along x; the curve is a step that holds until the next x."""
    known = [(x, y) for x, y in zip(chart.x, line.values, strict=True) if math.isfinite(y)]
    n = min(n_bars, known[-1][0] - known[0][0] + 1)
    wanted = (known[0][0] + i * (known[-1][0] - known[0][0]) / max(1, n - 1) for i in range(n))
    return [max((point for point in known if point[0] <= x + 1e-9), default=known[0])[1] for x in wanted]


def _find_range(chart: Chart) -> tuple[float, float]:
    values = [value for line in chart.lines for value in line.values if math.isfinite(value)]
    low, high = math.floor(min(values, default=0.0) * 10) / 10, math.ceil(max(values, default=1.0) * 10) / 10
    return (low, high) if high > low else (low - 0.1, low + 0.1)


def _spread_names(drawn: list[dict[str, object]]) -> None:
    """Move the names at the ends of the lines apart, so that none covers another."""
    at = -math.inf
    for line in sorted(drawn, key=lambda line: float(str(line["y"]))):
        at = max(at + 14, float(str(line["y"])))
        line["y"] = round(at, 1)
