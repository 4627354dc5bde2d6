"""Which points lie inside a drawn polygon: most are looked up in a small picture of it, those at its edge computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_SIDE = 2048  # pixels of the picture
_OUTSIDE, _INSIDE, _EDGE = 0, 1, 2
_BLOCK = 4_000_000  # pairs of a point and an edge compared at once

Floats = npt.NDArray[np.floating]


def find_inside(points: npt.NDArray[np.float32], polygon: Floats) -> npt.NDArray[np.int64]:
    """Return the positions of the points inside a polygon, by the even-odd rule.

    Parameters
    ----------
    points : float32 array (n, 2)
    polygon : float array (n_vertices, 2)
        It closes itself and may cross itself; fewer than three vertices hold nothing.

    Returns
    -------
    int array, ascending

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[1, 1], [5, 5], [9, 1]], dtype=np.float32)
    >>> find_inside(points, np.array([[0, 0], [6, 0], [6, 6], [0, 6]])).tolist()
    [0, 1]
    """
    polygon = np.asarray(polygon, np.float64).reshape(-1, 2)
    if len(polygon) < 3 or not np.isfinite(polygon).all():
        return np.empty(0, np.int64)
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    x, y = points[:, 0], points[:, 1]
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    if not len(near) or not (high > low).all():
        return np.empty(0, np.int64)
    scale = (_SIDE - 1) / (high - low)
    column = ((x[near] - low[0]) * scale[0]).astype(np.int32)
    row = ((y[near] - low[1]) * scale[1]).astype(np.int32)
    where = _draw((polygon - low) * scale)[row, column]
    is_inside = where == _INSIDE
    edge = np.flatnonzero(where == _EDGE)
    is_inside[edge] = is_inside_exactly(points[near[edge]], polygon)
    return np.asarray(near[is_inside], np.int64)


def is_inside_exactly(points: npt.NDArray[np.float32], polygon: Floats) -> npt.NDArray[np.bool_]:
    """Tell of each point whether a ray to the right crosses an odd number of edges."""
    start, stop = polygon, np.roll(polygon, -1, axis=0)
    rise = stop[:, 1] - start[:, 1]
    slope = (stop[:, 0] - start[:, 0]) / np.where(rise == 0, 1, rise)
    answer = np.empty(len(points), bool)
    step = max(1, _BLOCK // len(polygon))
    for begin in range(0, len(points), step):
        x, y = points[begin : begin + step].astype(np.float64).T[:, :, None]
        crosses = (start[:, 1] > y) != (stop[:, 1] > y)
        is_left = x < start[:, 0] + (y - start[:, 1]) * slope
        answer[begin : begin + step] = (crosses & is_left).sum(axis=1) % 2 == 1
    return answer


def _draw(polygon: Floats) -> npt.NDArray[np.uint8]:
    """Return a picture of the polygon, with all pixels near an edge marked as such."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (_SIDE, _SIDE), _OUTSIDE)
    pen = ImageDraw.Draw(picture)
    corners = [(float(x), float(y)) for x, y in polygon]
    pen.polygon(corners, fill=_INSIDE)
    pen.line([*corners, corners[0]], fill=_EDGE, width=5, joint="curve")
    return np.asarray(picture)
