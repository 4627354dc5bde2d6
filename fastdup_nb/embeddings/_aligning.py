"""How alike the structure of two pictures is where one is a crop, an enlargement or a slight turn of the other.

Small gray pictures are laid over each other in about a hundred ways, in some with a quarter left out, which text or a
sticker may cover, and the correlation of the best is taken, of what is left without an even slope of light, which
all landscapes have: the sky above is light, the ground below dark. Most pairs agree in none of a few rough ways, tried
at half the resolution, and are left at that. What costs is to take a picture to its parts; that is done once for all
pairs it is in, and everything is a product of matrices, so that fifty thousand pairs take about a second of one
processor.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._base import FloatArray, PixelArray

_SMALLEST = 8  # pixels on a side below which there is no structure to lay over each other
_PROMISING = 0.65  # correlation in the rough ways from which the finer ones are tried
_TIE = 1e-5  # by which rounding may tell apart two orders of a pair that agree equally well
_AROUND = 1.4  # parts of a picture: how far around a part (one standard deviation) is what it is compared with
_CONTRAST, _LEAST_CONTRAST = 60, 3  # gray levels a sharpened picture has, and below which it has proportionally less
_COVERED = 0.98  # what a correlation counts from which a quarter is left out, for that is easier to reach
_CHUNK = 512  # pairs at once, so that what is worked on stays in the processor's cache

_Part = tuple[float, float, float, float]  # from and to which share of the height, and of the width


class _Way(NamedTuple):
    """A way of laying over: how much of the other picture is covered, where, and turned how far."""

    scale: float = 1  # of its width
    x: float = 0  # shifts, as shares of the room there is
    y: float = 0
    degrees: float = 0
    hidden: tuple[_Part, ...] = ()  # what is left out of the comparison: text or a sticker may cover it


_BARS: tuple[tuple[_Part, ...], ...] = (
    ((0, 0.25, 0, 1),), ((0.75, 1, 0, 1),), ((0, 1, 0, 0.25),), ((0, 1, 0.75, 1),),
    ((0.375, 0.625, 0, 1),), ((0, 0.125, 0, 1), (0.875, 1, 0, 1)),
)  # fmt: skip
_MIDDLE: tuple[_Part, ...] = ((0.25, 0.75, 0.25, 0.75),)
_QUARTERS: tuple[tuple[_Part, ...], ...] = (
    ((0, 0.5, 0, 0.5),), ((0, 0.5, 0.5, 1),), ((0.5, 1, 0, 0.5),), ((0.5, 1, 0.5, 1),),
)  # fmt: skip
_Rows = npt.NDArray[np.integer]
#: ``map``, or that of a pool of threads.
Map = Callable[[Callable[[int], None], Iterable[int]], Iterable[None]]


def align_details(
    details: PixelArray, rows: _Rows, others: _Rows, *, noise: float, hide: bool = True, run: Map = map
) -> FloatArray:
    """Return the correlation of square gray pictures, the best of the ways in which one may lie within the other.

    Parameters
    ----------
    details : uint8 array of shape (n_pictures, side ** 2)
        Gray pictures.
    rows, others : int array of shape (n,)
        The pairs of them.
    noise : float
        Gray levels of contrast below which structure says nothing.
    hide : bool, default True
        Whether a quarter of the pictures may be left out of the comparison, because it may be covered.
    run : callable, default map
        What calls a function with each of many numbers, perhaps on several threads.

    Returns
    -------
    float32 array of shape (n,)
        In [0, 1]; larger is more alike; *rows* and *others* may be exchanged, and either picture may be mirrored.
    """
    side = int(details.shape[1] ** 0.5)
    if side < _SMALLEST or not len(rows):
        return np.zeros(len(rows), np.float32)
    both = np.concatenate([others, rows]), np.concatenate([rows, others])  # either in the other
    as_is, mirrored = np.arange(side * side), np.arange(side * side).reshape(side, side)[:, ::-1].ravel()
    rough = _correlate_pairs(_rough_ways(side, noise, hide), details, both, [as_is, mirrored], run)
    rough = rough.reshape(2, len(rows), 2).swapaxes(0, 1).reshape(len(rows), 4)
    best = rough.max(axis=1)
    found: FloatArray = np.maximum(best, 0)
    for order, turn in enumerate((as_is, mirrored, as_is, mirrored)):
        good = np.flatnonzero((best >= _PROMISING) & (rough[:, order] >= best - _TIE))
        pair = (others[good], rows[good]) if order < 2 else (rows[good], others[good])
        fine = _correlate_pairs(_fine_ways(side, noise, hide), details, pair, [turn], run)
        found[good] = np.maximum(found[good], fine[:, 0])
    return np.minimum(found, 1, out=found)


def _correlate_pairs(
    ways: _Ways, details: PixelArray, pairs: tuple[_Rows, _Rows], turns: list[_Rows], run: Map
) -> FloatArray:
    """Return the best correlation of pairs, the second picture turned in each of *turns* and laid over the first."""
    sampled, laid = pairs
    found = np.empty((len(sampled), len(turns)), np.float32)
    order = np.argsort(sampled, kind="stable")

    def correlate(start: int) -> None:
        part = order[start : start + _CHUNK]
        distinct, which = np.unique(sampled[part], return_inverse=True)
        pictures = _centered(details[laid[part]])
        over = np.stack([pictures[:, turn] for turn in turns], axis=1)
        found[part] = ways.correlate(_centered(details[distinct]), which, over)

    list(run(correlate, range(0, len(order), _CHUNK)))
    return found


class _Ways:
    """Ways of laying one picture over another, as matrices that sample the other at the pixels of the one."""

    def __init__(self, ways: Iterable[_Way], pooling: FloatArray, reduction: FloatArray, noise: float) -> None:
        ways = list(ways)
        side = round(pooling.shape[1] ** 0.5)
        samplings, masks = zip(*(_sample(side, way) for way in ways), strict=True)
        whole = pooling.sum(axis=1)
        is_inside = np.stack([pooling @ mask > 0.99 * whole for mask in masks])
        matrices = np.stack([pooling @ sampling for sampling in samplings]) * is_inside[:, :, None]
        self.reduction = reduction
        self.pooling = pooling @ reduction  # of the one, and of what is sampled: it forgives what lies between two ways
        self.shape = is_inside.shape
        self.inside: FloatArray = is_inside.astype(np.float32)
        self.noise: FloatArray = noise**2 * self.inside.sum(axis=1)
        self.weights = np.array([_COVERED if way.hidden else 1 for way in ways], dtype=np.float32)
        self.slopes: FloatArray = np.stack([find_slopes(mask) for mask in is_inside])  # (n_ways, 3, n_pixels)
        self.matrix: FloatArray = np.ascontiguousarray(matrices.reshape(-1, side * side).T, dtype=np.float32)

    def correlate(self, sampled: FloatArray, which: _Rows, laid: FloatArray) -> FloatArray:
        """Return the best correlation of each of *laid* (n, n_turns, n_pixels) with row *which* of *sampled*."""
        parts = (sampled @ self.reduction.T @ self.matrix).reshape(len(sampled), *self.shape)
        parts -= np.einsum("nwp,wkp,wkq->nwq", parts, self.slopes, self.slopes, optimize=True)
        parts /= np.sqrt(np.einsum("nwp,nwp->nw", parts, parts) + self.noise)[:, :, None]
        pooled = laid.reshape(-1, laid.shape[2]) @ self.pooling.T
        spread = pooled**2 @ self.inside.T + self.noise
        for slope in self.slopes.swapaxes(0, 1):
            spread -= (pooled @ slope.T) ** 2
        correlations = np.empty_like(spread)
        ends = laid.shape[1] * np.searchsorted(which, np.arange(len(parts) + 1))
        for part, (start, end) in zip(parts, pairwise(ends), strict=True):
            np.matmul(pooled[start:end], part.T, out=correlations[start:end])
        correlations *= self.weights / np.sqrt(spread)
        best: FloatArray = correlations.max(axis=1).reshape(laid.shape[:2])
        return best


def find_slopes(is_inside: npt.NDArray[np.bool_]) -> FloatArray:
    """Return three rows: the level and the slopes down and right, of length 1 and at right angles, where inside."""
    side = round(len(is_inside) ** 0.5)
    down, right = np.mgrid[:side, :side].reshape(2, -1)
    orthogonal, _ = np.linalg.qr((np.stack([np.ones(side * side), down, right]) * is_inside).T)
    return np.ascontiguousarray(orthogonal.T, dtype=np.float32)


def sharpen_details(details: PixelArray) -> PixelArray:
    """Return square gray pictures less what is around each of their parts, all of one contrast (but for plain ones)."""
    side = round(details.shape[1] ** 0.5)
    away = np.arange(-4 * side, 5 * side)  # beyond the edges is what is at them
    weights = np.exp(-((np.arange(side)[:, None] - away) ** 2) / (2 * _AROUND**2))
    weights /= weights.sum(axis=1, keepdims=True)
    near = (weights @ np.eye(side)[np.clip(away, 0, side - 1)]).astype(np.float32)
    pictures = details.reshape(-1, side, side).astype(np.float32)
    left = (pictures - near @ pictures @ near.T).reshape(details.shape)
    left *= _CONTRAST / np.maximum(left.std(axis=1, keepdims=True), _LEAST_CONTRAST)
    sharpened: PixelArray = np.clip(left + 128, 0, 255).astype(np.uint8)
    return sharpened


def _centered(details: PixelArray) -> FloatArray:
    x: FloatArray = details.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    return x


@functools.cache
def _rough_ways(side: int, noise: float, hide: bool) -> _Ways:
    halving = _pool(side)
    return _Ways(_list_rough(hide), np.eye(len(halving), dtype=np.float32), halving, noise)


@functools.cache
def _fine_ways(side: int, noise: float, hide: bool) -> _Ways:
    return _Ways(_list_fine(hide), _pool(side), np.eye(side * side, dtype=np.float32), noise)


def _list_rough(hide: bool) -> Iterator[_Way]:
    yield _Way()
    yield from (_Way(scale, x, y) for scale in (0.9, 0.75) for x in (-1, 0, 1) for y in (-1, 0, 1))
    yield from (_Way(scale, degrees=degrees) for scale in (1, 0.85) for degrees in (-8, -4, 4, 8))
    if hide:
        yield from (_Way(hidden=hidden) for hidden in (_BARS[1], _MIDDLE))


def _list_fine(hide: bool) -> Iterator[_Way]:
    yield _Way()
    for scale, steps in ((0.95, 1), (0.9, 1), (0.8, 2), (0.7, 3)):
        places = np.linspace(-1, 1, 2 * steps + 1).tolist()
        yield from (_Way(scale, x, y) for x in places for y in places)
    yield from (_Way(scale, degrees=degrees) for scale in (1, 0.9, 0.82) for degrees in (-10, -7, -4, 4, 7, 10))
    if hide:
        yield from (_Way(hidden=hidden) for hidden in (*_BARS, _MIDDLE, *_QUARTERS))


@functools.cache
def _pool(side: int) -> FloatArray:
    """Return the matrix that halves a picture; the identity where its side is odd."""
    if side % 2:
        return np.eye(side * side, dtype=np.float32)
    halves = np.repeat(np.eye(side // 2, dtype=np.float32), 2, axis=1) / 2
    return np.kron(halves, halves)


def _sample(side: int, way: _Way) -> tuple[FloatArray, FloatArray]:
    """Return the matrix that takes a picture to its part seen in one way, and 1 where that part is inside it."""
    scale, x, y, degrees, hidden = way
    middle, room = (side - 1) / 2, (1 - scale) * side / 2
    down, right = np.mgrid[:side, :side].reshape(2, -1) - middle
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    columns = cosine * right - sine * down + x * room + middle
    rows = sine * right + cosine * down + y * room + middle
    is_inside = (np.minimum(rows, columns) > -0.51) & (np.maximum(rows, columns) < side - 0.49)
    seen = is_inside.reshape(side, side)
    for part in hidden:
        top, bottom, first, last = (round(share * side) for share in part)
        seen[top:bottom, first:last] = False
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
