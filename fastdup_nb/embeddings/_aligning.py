"""How alike the structure of two pictures is where one is a crop, an enlargement or a slight turn of the other.

Small gray pictures are laid over each other in about a hundred ways, and the correlation of the best is taken. Most
pairs agree in none of a few rough ways, tried at half the resolution, and are left at that. Everything is a product of
matrices, so that ten thousand pairs take about a second of one processor.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from ._base import FloatArray

_SMALLEST = 8  # pixels on a side below which there is no structure to lay over each other
_PROMISING = 0.65  # correlation in the rough ways from which the finer ones are tried
_CHUNK = 256  # pairs at once, so that what is worked on stays in the processor's cache

#: A way of laying over: how much of the other picture is covered (1 is its whole width), where, and turned how far.
_Way = tuple[float, float, float, float]  # scale, shift in x and y as shares of the room there is, degrees


def align_details(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], *, noise: float) -> FloatArray:
    """Return the correlation of square gray pictures, the best of the ways in which one may lie within the other.

    Parameters
    ----------
    a, b : uint8 array of shape (n, side ** 2)
        Gray pictures, a pair in each row.
    noise : float
        Gray levels of contrast below which structure says nothing.

    Returns
    -------
    float32 array of shape (n,)
        In [0, 1]; larger is more alike; *a* and *b* may be exchanged, and either may be mirrored.
    """
    side = int(a.shape[1] ** 0.5)
    best = np.zeros(len(a), np.float32)
    if side < _SMALLEST:
        return best
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        best[part] = _align_some(a[part], b[part], side, noise)
    return np.minimum(best, 1)


def _align_some(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], side: int, noise: float) -> FloatArray:
    x, y, halved, turned = _centered(a), _centered(b), _pool(side).T, _mirror(side)
    orders = [(x, y), (y, x), (x, y[:, turned]), (y[:, turned], x)]  # either in the other, as they are and mirrored
    rough = np.stack([_rough_ways(side).correlate(one @ halved, other @ halved, noise) for one, other in orders])
    found: FloatArray = np.maximum(rough.max(axis=0), 0)
    order = rough.argmax(axis=0)
    for i, (one, other) in enumerate(orders):
        good = np.flatnonzero((order == i) & (found >= _PROMISING))
        found[good] = np.maximum(found[good], _fine_ways(side).correlate(one[good], other[good], noise))
    return found


def _mirror(side: int) -> npt.NDArray[np.int64]:
    """Return where the pixels of a mirrored picture come from."""
    places: npt.NDArray[np.int64] = np.arange(side * side).reshape(side, side)[:, ::-1].ravel()
    return places


class _Ways:
    """Ways of laying one picture over another, as matrices that sample the other at the pixels of the one."""

    def __init__(self, side: int, ways: Iterable[_Way], pooling: FloatArray) -> None:
        self.pooling = pooling  # of the one, and of what is sampled: it forgives what lies between two ways
        samplings, masks = zip(*(_sample(side, *way) for way in ways), strict=True)
        whole = pooling.sum(axis=1)
        is_inside = np.stack([pooling @ mask > 0.99 * whole for mask in masks])
        matrices = np.stack([pooling @ sampling for sampling in samplings]) * is_inside[:, :, None]
        self.shape = is_inside.shape
        self.inside: FloatArray = is_inside.astype(np.float32)
        self.matrix: FloatArray = np.ascontiguousarray(matrices.reshape(-1, side * side).T, dtype=np.float32)

    def correlate(self, a: FloatArray, b: FloatArray, noise: float) -> FloatArray:
        """Return the best correlation of each row of *a* with that of *b*, sampled in each way."""
        sampled = (b @ self.matrix).reshape(len(b), *self.shape)
        pooled = a @ self.pooling.T
        n = self.inside.sum(axis=1)
        sum_a, sum_b = pooled @ self.inside.T, sampled.sum(axis=2)
        joint = np.matmul(sampled, pooled[:, :, None])[:, :, 0] - sum_a * sum_b / n
        spread_a = pooled**2 @ self.inside.T - sum_a**2 / n + noise**2 * n
        spread_b = np.einsum("nwp,nwp->nw", sampled, sampled) - sum_b**2 / n + noise**2 * n
        correlations: FloatArray = joint / np.sqrt(spread_a * spread_b)
        return np.asarray(correlations.max(axis=1), dtype=np.float32)


def _centered(details: npt.NDArray[np.uint8]) -> FloatArray:
    x: FloatArray = details.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    return x


@functools.cache
def _rough_ways(side: int) -> _Ways:
    halved = len(_pool(side))
    return _Ways(round(halved**0.5), _list_rough(), np.eye(halved, dtype=np.float32))


@functools.cache
def _fine_ways(side: int) -> _Ways:
    return _Ways(side, _list_fine(), _pool(side))


def _list_rough() -> Iterator[_Way]:
    yield 1, 0, 0, 0
    yield from ((scale, x, y, 0) for scale in (0.9, 0.75) for x in (-1, 0, 1) for y in (-1, 0, 1))
    yield from ((scale, 0, 0, degrees) for scale in (1, 0.85) for degrees in (-8, -4, 4, 8))


def _list_fine() -> Iterator[_Way]:
    yield 1, 0, 0, 0
    for scale, steps in ((0.95, 1), (0.9, 1), (0.8, 2), (0.7, 3)):
        places = np.linspace(-1, 1, 2 * steps + 1).tolist()
        yield from ((scale, x, y, 0) for x in places for y in places)
    yield from ((scale, 0, 0, degrees) for scale in (1, 0.9, 0.82) for degrees in (-10, -7, -4, 4, 7, 10))


@functools.cache
def _pool(side: int) -> FloatArray:
    """Return the matrix that halves a picture; the identity where its side is odd."""
    if side % 2:
        return np.eye(side * side, dtype=np.float32)
    halves = np.repeat(np.eye(side // 2, dtype=np.float32), 2, axis=1) / 2
    return np.kron(halves, halves)


def _sample(side: int, scale: float, x: float, y: float, degrees: float) -> tuple[FloatArray, FloatArray]:
    """Return the matrix that takes a picture to its part seen in one way, and 1 where that part is inside it."""
    middle, room = (side - 1) / 2, (1 - scale) * side / 2
    down, right = np.mgrid[:side, :side].reshape(2, -1) - middle
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    columns = cosine * right - sine * down + x * room + middle
    rows = sine * right + cosine * down + y * room + middle
    is_inside = (np.minimum(rows, columns) > -0.51) & (np.maximum(rows, columns) < side - 0.49)
    matrix = np.zeros((side * side, side, side), np.float32)
    for row, row_weight in _between(rows, side):
        for column, column_weight in _between(columns, side):
            np.add.at(matrix, (np.arange(side * side), row, column), row_weight * column_weight)
    return matrix.reshape(side * side, -1), is_inside.astype(np.float32)


def _between(places: npt.NDArray[np.float64], side: int) -> Iterator[tuple[npt.NDArray[np.int64], FloatArray]]:
    """Yield the two pixels a place lies between, each with its weight."""
    places = np.clip(places, 0, side - 1)
    low = np.minimum(places.astype(np.int64), side - 2)
    yield low, (1 - places + low).astype(np.float32)
    yield low + 1, (places - low).astype(np.float32)
