"""Points to amounts per pixel: datashader counts many points, few are drawn as round dots.

datashader compiles itself in its first seconds. That is begun in a thread as soon as a map is asked for, and until it
is done NumPy counts the same into the same array, only slower.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

_LOG = logging.getLogger(__name__)
_MOST_DOTS = 20_000
_MOST_PIXELS = 1_600_000
_N_CODES = 9  # datashader compiles anew for every other number of categories, so it always gets as many
_lock = threading.Lock()
_state: dict[str, threading.Thread] = {}
_ready = threading.Event()

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """The part of a map that is looked at: its middle, and the width of a pixel in units of the map."""

    x: float
    y: float
    scale: float
    width: int
    height: int

    def find_visible(self, points: Floats, margin: float = 0.0) -> Ints:
        """Return the positions of the points in it, or within *margin* pixels around it."""
        across = (self.width / 2 + margin) * self.scale
        along = (self.height / 2 + margin) * self.scale
        x, y = points[:, 0], points[:, 1]
        is_seen = (x >= self.x - across) & (x < self.x + across) & (y > self.y - along) & (y <= self.y + along)
        return np.flatnonzero(is_seen)

    def place(self, points: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return columns and rows in pixels; row 0 is at the top, where y is largest."""
        columns = (points[:, 0].astype(np.float64) - self.x) / self.scale + self.width / 2
        rows = (self.y - points[:, 1].astype(np.float64)) / self.scale + self.height / 2
        return columns, rows

    def sized(self, ratio: float) -> Window:
        """Return the same part with *ratio* times as many pixels."""
        width, height = max(1, round(self.width * ratio)), max(1, round(self.height * ratio))
        return Window(self.x, self.y, self.scale * self.width / width, width, height)


def fit_window(points: Floats, width: int, height: int, margin: float = 36.0) -> Window:
    """Return the window that shows all points, with *margin* pixels around them."""
    if not len(points):
        return Window(0.0, 0.0, 1.0, width, height)
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    room = np.maximum([width - 2 * margin, height - 2 * margin], 16)
    scale = float(((high - low) / room).max()) or 1.0
    return Window(float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, scale, width, height)


def read_window(content: Mapping[str, object]) -> tuple[Window, float]:
    """Return what a view looks at, and how fine a picture of it is to be."""
    x, y, scale, width, height, ratio = (
        float(content[name])  # type: ignore[arg-type]
        for name in ("x", "y", "scale", "width", "height", "ratio")
    )
    window = Window(x, y, max(scale, 1e-12), int(np.clip(width, 16, 4096)), int(np.clip(height, 16, 4096)))
    most = (_MOST_PIXELS / (window.width * window.height)) ** 0.5
    return window, float(np.clip(ratio, 0.25, min(2.0, most)))


def warm_up(delay: float = 0.0) -> None:
    """Begin to compile datashader in the background, after *delay* seconds; calling it again does nothing."""
    with _lock:
        if "thread" not in _state:
            _state["thread"] = threading.Thread(
                target=_compile, args=(delay,), name="fastdup_nb-datashader", daemon=True
            )
            _state["thread"].start()


def is_warm() -> bool:
    """Tell whether datashader is compiled, so that it will be used."""
    return _ready.is_set()


def wait_until_warm(timeout: float | None = None) -> bool:
    """Wait for datashader to be compiled; for benchmarks and tests."""
    warm_up()
    return _ready.wait(timeout)


def dot_radius(n_visible: int) -> float:
    """Return the radius of a dot in pixels: fewer points are larger, and many are counted instead: 0.

    >>> [dot_radius(n) for n in (10, 1_000, 100_000)]
    [5.0, 3.5, 0]
    """
    for most, radius in ((150, 5.0), (600, 4.25), (2_000, 3.5), (6_000, 2.5), (_MOST_DOTS, 1.75)):
        if n_visible <= most:
            return radius
    return 0


def count(
    window: Window, points: Floats, codes: npt.NDArray[np.uint8] | None = None, n_codes: int = 0
) -> npt.NDArray[np.uint32]:
    """Count points per pixel, or per pixel and category; all must be in the window.

    Returns
    -------
    uint32 array (height, width), or (height, width, n_codes) with *codes*
    """
    columns, rows = _pixels(window, points)
    counting = count_by_datashader if is_warm() else count_by_numpy
    return counting(window.width, window.height, columns, rows, codes=codes, n_codes=n_codes)


def average(window: Window, points: Floats, values: Floats) -> Floats:
    """Return the mean of the values in each pixel: float32 (height, width), NaN where there is none."""
    columns, rows = _pixels(window, points)
    averaging = average_by_datashader if is_warm() else average_by_numpy
    return averaging(window.width, window.height, columns, rows, values)


def count_by_numpy(
    width: int, height: int, columns: Floats, rows: Floats,
    *, codes: npt.NDArray[np.uint8] | None = None, n_codes: int = 0,
) -> npt.NDArray[np.uint32]:  # fmt: skip
    """Count points per pixel by ``numpy.bincount``."""
    pixels = rows.astype(np.intp) * width + columns.astype(np.intp)
    if codes is None:
        return np.bincount(pixels, minlength=height * width).reshape(height, width).astype(np.uint32)
    counts = np.bincount(pixels * n_codes + codes, minlength=height * width * n_codes)
    return counts.reshape(height, width, n_codes).astype(np.uint32)


def count_by_datashader(
    width: int, height: int, columns: Floats, rows: Floats,
    *, codes: npt.NDArray[np.uint8] | None = None, n_codes: int = 0,
) -> npt.NDArray[np.uint32]:  # fmt: skip
    """Count points per pixel by datashader."""
    import datashader

    table = pd.DataFrame({"x": columns, "y": rows}, copy=False)
    canvas = datashader.Canvas(width, height, (0, width), (0, height))
    if codes is None:
        return np.asarray(canvas.points(table, "x", "y", datashader.count()).data, np.uint32)
    table["code"] = pd.Categorical.from_codes(codes.astype(np.int8), categories=pd.RangeIndex(max(n_codes, _N_CODES)))
    counts = canvas.points(table, "x", "y", datashader.by("code", datashader.count())).data
    return np.asarray(counts[:, :, :n_codes], np.uint32)


def average_by_numpy(width: int, height: int, columns: Floats, rows: Floats, values: Floats) -> Floats:
    """Average values per pixel by ``numpy.bincount``."""
    is_known = np.isfinite(values)
    pixels = (rows.astype(np.intp) * width + columns.astype(np.intp))[is_known]
    n = np.bincount(pixels, minlength=height * width)
    total = np.bincount(pixels, values[is_known], minlength=height * width)
    means = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
    return np.asarray(means.reshape(height, width), np.float32)


def average_by_datashader(width: int, height: int, columns: Floats, rows: Floats, values: Floats) -> Floats:
    """Average values per pixel by datashader."""
    import datashader

    table = pd.DataFrame({"x": columns, "y": rows, "value": values}, copy=False)
    canvas = datashader.Canvas(width, height, (0, width), (0, height))
    return np.asarray(canvas.points(table, "x", "y", datashader.mean("value")).data, np.float32)


def cover(
    window: Window, points: Floats, radius: float, hues: npt.NDArray[np.uint8] | None = None
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Draw round dots, smooth at their edges.

    Parameters
    ----------
    window : Window
    points : float32 array (n, 2)
        They may lie outside, as far as their radius reaches.
    radius : float
        In pixels.
    hues : uint8 array (n,), optional
        A number for each point.

    Returns
    -------
    amounts : float32 array (height, width)
        How much of each pixel is covered; several dots add up.
    hues : uint8 array (height, width)
        The number of the dot that covers most of the pixel.
    """
    columns, rows = window.place(points)
    reach = int(np.ceil(radius + 1))
    steps = np.arange(-reach, reach + 1)
    x = np.floor(columns).astype(np.intp)[:, None] + steps
    y = np.floor(rows).astype(np.intp)[:, None] + steps
    away = np.hypot((y + 0.5 - rows[:, None])[:, :, None], (x + 0.5 - columns[:, None])[:, None, :])
    amount = np.clip(radius + 0.5 - away, 0, 1)
    y, x = y[:, :, None], x[:, None, :]
    is_drawn = (amount > 0) & (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
    place, amount = (y * window.width + x)[is_drawn], amount[is_drawn]
    size = window.height * window.width
    amounts = np.bincount(place, amount, minlength=size).astype(np.float32)
    drawn = np.zeros(size, np.uint8)
    if hues is not None:
        order = np.argsort(amount, kind="stable")  # of several on one pixel the last is kept
        drawn[place[order]] = np.broadcast_to(hues[:, None, None], is_drawn.shape)[is_drawn][order]
    return amounts.reshape(window.height, window.width), drawn.reshape(window.height, window.width)


def _pixels(window: Window, points: Floats) -> tuple[Floats, Floats]:
    """Return columns and rows that are surely inside the window."""
    inner = np.nextafter(np.array([window.width, window.height], np.float32), np.float32(0))
    columns, rows = window.place(points)
    return (
        np.clip(columns, 0, inner[0]).astype(np.float32),
        np.clip(rows, 0, inner[1]).astype(np.float32),
    )


def _compile(delay: float) -> None:
    time.sleep(delay)
    rng = np.random.default_rng(0)
    columns, rows = (rng.random((2, 64)) * 8).astype(np.float32)
    try:
        count_by_datashader(8, 8, columns, rows)
        count_by_datashader(8, 8, columns, rows, codes=np.arange(64, dtype=np.uint8) % 2, n_codes=2)
        average_by_datashader(8, 8, columns, rows, rows)
    except Exception:
        _LOG.debug("Compiling datashader failed; NumPy draws the map.", exc_info=True)
    else:
        _ready.set()
