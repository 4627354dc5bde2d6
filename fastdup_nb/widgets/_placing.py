"""Which pictures and names fit on a map without lying on each other, and which point is nearest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._coloring import Coloring
from ._raster import Floats, Ints, Window

TILE = 64  # CSS pixels a thumbnail may take on a side, with the room around it
_CROWDED = 4  # so many images for each place: then only dots are drawn
_ENOUGH = 20_000  # points tell where a category is
_GATHERED = 0.15  # of the extent of the map: a category that spreads wider has no one place for its name


def choose_tiles(window: Window, points: Floats, seen: Ints) -> Ints:
    """Return positions of visible points whose pictures fit without overlap; none where there are too many.

    The order of the points decides, so that a picture stays while the map is moved.
    """
    places = max(1, window.width // TILE) * max(1, window.height // TILE)
    if not 0 < len(seen) <= _CROWDED * places:
        return np.empty(0, np.int64)
    columns, rows = window.place(points[seen])
    chosen: list[int] = []
    for i in range(len(seen)):
        if not chosen or _is_free(columns, rows, i, chosen):
            chosen.append(i)
    return seen[chosen]


def find_nearest(points: Floats, x: float, y: float, reach: float) -> int | None:
    """Return the position of the point nearest to a place and within *reach* of it, all in units of the map."""
    near = np.flatnonzero((np.abs(points[:, 0] - x) <= reach) & (np.abs(points[:, 1] - y) <= reach))
    if not len(near):
        return None
    away = np.hypot(points[near, 0] - x, points[near, 1] - y)
    best = int(np.argmin(away))
    return int(near[best]) if away[best] <= reach else None


def place_names(points: Floats, coloring: Coloring) -> list[list[float] | None]:
    """Return for each category the middle of its points, None for one that is all over the map."""
    if coloring.codes is None or not len(points):
        return []
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    return [_find_middle(points[coloring.codes == code], extent) for code in range(len(coloring.entries))]


def _find_middle(points: Floats, extent: float) -> list[float] | None:
    if not len(points):
        return None
    points = points[:: max(1, len(points) // _ENOUGH)]
    middle = np.median(points, axis=0)
    spread = float(np.median(np.abs(points - middle), axis=0).max())
    return [float(middle[0]), float(middle[1])] if spread <= _GATHERED * extent else None


def _is_free(columns: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], i: int, chosen: list[int]) -> bool:
    apart = np.maximum(np.abs(columns[chosen] - columns[i]), np.abs(rows[chosen] - rows[i]))
    return bool(apart.min() >= TILE)
