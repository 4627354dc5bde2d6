"""Numbers over time as a small drawing with a strip of pictures below: an SVG whose lines take the color of the text.

The drawing has a fixed number of columns, whatever the number of values, so that a long sequence is no larger on the
page than a short one. Where a page drops drawings, the strip of pictures and the words around it are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ._format import format_count
from ._model import Curve, Thumbnail
from ._picture import Picture, make_picture

_WIDTH, _HEIGHT = 720, 88  # pixels
_FLOOR = 72  # of the curve; bands lie below
_COLUMNS = 360
_STRIP_SIZE = 84
_LEAST_TOP = 0.2  # of the scale: what hardly changes does not fill it
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class DrawnCurve:
    """What the template needs of a curve."""

    curve: Curve
    line: str
    cuts: tuple[float, ...]
    gradual: tuple[tuple[float, float], ...]
    still: tuple[tuple[float, float], ...]
    events: tuple[float, ...]
    strip: tuple[tuple[str, Picture | None], ...]
    label: str
    top: float
    width: int = _WIDTH
    height: int = _HEIGHT
    floor: int = _FLOOR


def draw_curve(curve: Curve, thumbnail: Thumbnail) -> DrawnCurve:
    """Return a curve as the numbers of a drawing."""
    n = max(len(curve.values), 1)
    columns = bin_values(curve.values, _COLUMNS)
    top = max([*columns, _LEAST_TOP])
    step = _WIDTH / max(len(columns), 1)
    points = [(step * (i + 0.5), _FLOOR - (_FLOOR - 8) * value / top) for i, value in enumerate(columns)]
    return DrawnCurve(
        curve=curve,
        line=" ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        cuts=_thin((place + 0.5) / n * _WIDTH for place in curve.cuts),
        gradual=_thin_bands(curve.gradual, n),
        still=_thin_bands(curve.still, n),
        events=_thin((start + 0.5) / n * _WIDTH for start, _ in curve.events),
        strip=tuple((image_id, make_picture(thumbnail(image_id), _STRIP_SIZE)) for image_id in curve.strip),
        label=describe_curve(curve),
        top=top,
    )


def describe_curve(curve: Curve) -> str:
    """Return in words what a curve marks."""
    counts = (
        (len(curve.cuts), ("cut", "cuts")),
        (len(curve.gradual), ("gradual change", "gradual changes")),
        (len(curve.events), ("event", "events")),
        (len(curve.still), ("still stretch", "still stretches")),
    )
    return ", ".join(format_count(n, noun) for n, noun in counts if n) or "nothing is marked"


def draw_bars(values: Sequence[float], width: int) -> str:
    """Return values as a line of at most *width* small bars."""
    columns = bin_values(values, width)
    top = max([*columns, _LEAST_TOP])
    return "".join(_BARS[min(int(value / top * len(_BARS)), len(_BARS) - 1)] for value in columns)


def bin_values(values: Sequence[float], n_columns: int) -> list[float]:
    """Return the largest value of each of at most *n_columns* equal parts."""
    n = len(values)
    if n <= n_columns:
        return [float(value) for value in values]
    starts = np.linspace(0, n, n_columns, endpoint=False).astype(np.int64)
    return [float(value) for value in np.maximum.reduceat(np.asarray(values, dtype=np.float64), starts)]


def _thin(places: Iterable[float]) -> tuple[float, ...]:
    """Return places of which no two fall in the same column."""
    found = {round(place * _COLUMNS / _WIDTH): round(place, 1) for place in places}
    return tuple(found.values())


def _thin_bands(runs: Sequence[tuple[int, int]], n: int) -> tuple[tuple[float, float], ...]:
    """Return runs as left and width, those joined that touch on the drawing, at most one in a column."""
    bands: list[tuple[float, float]] = []
    for start, stop in runs:
        left, right = start / n * _WIDTH, stop / n * _WIDTH
        if bands and left - bands[-1][1] < _WIDTH / _COLUMNS:
            bands[-1] = (bands[-1][0], right)
        else:
            bands.append((left, right))
    return tuple((round(left, 1), round(max(right - left, 1), 1)) for left, right in bands)
