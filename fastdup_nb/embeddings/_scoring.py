"""How alike two encoded pictures are, from 0 to 1.

Two kinds of evidence are joined: the cosine of the vectors (what is seen, wherever it is in the picture) and the
correlation of small gray pictures (where it is), laid over each other as well as they go. Their distances multiply, so
agreement in structure brings pictures nearer that are near already, and cannot make one pair out of two different
things. Pages, line drawings and objects alone on a plain ground all have the same rough shape, so between two of them
the finer structure counts, and they are no nearer than it agrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._threads import one_blas_thread
from ._aligning import Map, align_details, find_slopes, sharpen_details
from ._base import Descriptors, Encoder, FloatArray, PixelArray
from ._models import DEFAULT_MODEL, MODELS

PRESETS: dict[str, float] = dict(MODELS[DEFAULT_MODEL].presets)
"""Least similarity of a near duplicate under the default encoder: calibrated, see docs/encoder.md."""

GENERIC_PRESETS: dict[str, float] = {"strict": 0.95, "default": 0.9, "loose": 0.8}
"""The same for a user's own encoder or vectors: a guess, since nothing is known of them. Look, then choose."""

_WEIGHT = 0.9  # how much of the distance perfect agreement in structure takes away
_POWER = 7  # how near to perfect it must be to count
_LEAST_ALIGNED = 0.5  # cosine below which pictures are too far apart for structure to make them near
_FLAT = 4.0  # gray levels of contrast below which a picture shows nothing
_FINE_POWER = 5  # the same of fine structure, in which copies agree less
_PAGE = 185  # mean gray level from which a picture may be a light ground with ink on it: a page, a drawing
_DARKEST = 150  # gray level that all but a few parts of a page have; a thing before a white wall is darker
_INK = 0.02  # of the parts may be darker
_PLAIN = 16  # gray levels between which half of a picture is that shows a plain ground; half the contrast is more
_GROUND_SLOPE = 0.3  # distance of two pictures on a plain ground for what their fine structure lacks
_PAGE_SLOPE = 1.0  # the same of two pages: the default bound asks for 0.88 of it
_NOISE = 2.0  # gray levels of contrast below which structure says nothing
_CHUNK = 2048
_Rows = npt.NDArray[np.integer]


def score_pairs(a: Descriptors, b: Descriptors) -> FloatArray:
    """Return how alike row *i* of *a* and row *i* of *b* are.

    Parameters
    ----------
    a, b : Descriptors
        Of equally many pictures, encoded by the same encoder.

    Returns
    -------
    float32 array of shape (n,)
        In [0, 1]; 1 is identical, larger is more alike; the order of *a* and *b* does not matter. Without details,
        this is the cosine of the vectors with negative values set to 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.embeddings import Descriptors, score_pairs
    >>> a = Descriptors(np.eye(2, 3, dtype="float32"))
    >>> score_pairs(a, a)
    array([1., 1.], dtype=float32)
    """
    both = np.concatenate([a.vectors, b.vectors])
    has_details = a.details is not None and b.details is not None
    details = np.concatenate([a.details, b.details]) if has_details else None
    rows = np.arange(len(a))
    return score_edges(Descriptors(both, details), rows, len(a) + rows)


def score_edges(descriptors: Descriptors, rows: _Rows, others: _Rows, *, n_jobs: int = 1) -> FloatArray:
    """Return :func:`score_pairs` of the pictures numbered *rows* and *others*, some at a time, on *n_jobs* threads."""
    vectors, details = descriptors.vectors, descriptors.details
    distance = np.zeros(len(rows), np.float32)

    def compare(start: int) -> None:
        part = slice(start, start + _CHUNK)
        distance[part] = 1 - np.einsum("ij,ij->i", vectors[rows[part]], vectors[others[part]])

    with one_blas_thread(), ThreadPoolExecutor(max(1, n_jobs)) as pool:
        list(pool.map(compare, range(0, len(rows), _CHUNK)))
        if details is not None:
            distance = _add_structure(distance, details, rows, others, pool.map)
    scores: FloatArray = np.clip(1 - distance, 0, 1)
    return scores


def presets_for(encoder: Encoder) -> dict[str, float]:
    """Return the bounds of *encoder*: its own ``presets``, or the generic ones."""
    return dict(getattr(encoder, "presets", GENERIC_PRESETS))


def _add_structure(distance: FloatArray, details: PixelArray, rows: _Rows, others: _Rows, run: Map) -> FloatArray:
    """Return the distances of pairs with what their structure adds to those of their vectors."""
    used, places = np.unique(np.stack([rows, others]), return_inverse=True)
    a, b = places.reshape(2, -1)
    looks = _look(details, used)
    on_ground = looks.is_on_ground[a] & looks.is_on_ground[b]
    left = np.flatnonzero(~on_ground)
    structure = _find_structure(distance[left], details, rows[left], others[left], run)
    joined = distance.copy()
    joined[left] *= 1 - _WEIGHT * structure**_POWER
    if on_ground.any():
        grounds = np.flatnonzero(on_ground)
        distinct, at = np.unique(np.stack([a[grounds], b[grounds]]), return_inverse=True)
        at = at.reshape(2, -1)
        fine = sharpen_details(details[used[distinct]])
        structure = _find_structure(distance[grounds], fine, at[0], at[1], run, hide=False)
        joined[grounds] *= 1 - _WEIGHT * structure**_FINE_POWER
        whole = _agree_with_themselves(fine)
        slope = np.where(looks.is_page[a[grounds]] & looks.is_page[b[grounds]], _PAGE_SLOPE, _GROUND_SLOPE)
        lacking = 1 - structure / (whole[at[0]] * whole[at[1]])
        joined[grounds] = np.maximum(joined[grounds], slope * lacking)
    flat = looks.is_flat[a] & looks.is_flat[b]
    joined[flat] = np.maximum(joined[flat], np.abs(looks.light[a[flat]] - looks.light[b[flat]]) / 128)
    return joined


def _find_structure(
    distance: FloatArray, details: PixelArray, rows: _Rows, others: _Rows, run: Map, *, hide: bool = True
) -> FloatArray:
    """Return how well the structure of pairs agrees, in [0, 1]; the nearer ones are laid over each other."""
    structure = np.zeros(len(rows), np.float32)

    def correlate(start: int) -> None:
        part = slice(start, start + _CHUNK)
        structure[part] = _correlate(details[rows[part]], details[others[part]])

    list(run(correlate, range(0, len(rows), _CHUNK)))
    near = np.flatnonzero(distance <= 1 - _LEAST_ALIGNED)
    aligned = align_details(details, rows[near], others[near], noise=_NOISE, hide=hide, run=run)
    structure[near] = np.maximum(structure[near], aligned)
    return structure


class _Looks(NamedTuple):
    """What is said of each picture by its small gray one."""

    light: FloatArray  # mean gray level
    is_flat: npt.NDArray[np.bool_]  # shows nothing
    is_page: npt.NDArray[np.bool_]  # a light ground with ink on it
    is_on_ground: npt.NDArray[np.bool_]  # a page, or anything else on a plain ground


def _look(details: PixelArray, used: _Rows) -> _Looks:
    light, contrast, darkest, spread = (np.empty(len(used), np.float32) for _ in range(4))
    n_dark, half = int(_INK * details.shape[1]), details.shape[1] // 2
    for start in range(0, len(used), _CHUNK):
        part = slice(start, start + _CHUNK)
        pixels = np.sort(details[used[part]], axis=1)
        light[part], contrast[part], darkest[part] = pixels.mean(axis=1), pixels.std(axis=1), pixels[:, n_dark]
        spread[part] = (pixels[:, half:] - pixels[:, : pixels.shape[1] - half]).min(axis=1)
    is_flat = contrast < _FLAT
    is_page = ~is_flat & (light >= _PAGE) & (darkest >= _DARKEST)
    return _Looks(light, is_flat, is_page, ~is_flat & (is_page | (spread <= np.minimum(contrast / 2, _PLAIN))))


def _agree_with_themselves(details: PixelArray) -> FloatArray:
    """Return the square root of how well pictures agree with themselves: what noise leaves of one and its copy."""
    left = _vary(_center(details), find_slopes(np.ones(details.shape[1], dtype=bool))) / details.shape[1]
    agreement: FloatArray = np.sqrt(left / (left + _NOISE**2))
    return agreement


def _correlate(a: PixelArray, b: PixelArray) -> FloatArray:
    """Return the correlation of square gray pictures, the best of *b* turned and mirrored in all ways, in [0, 1].

    It is that of what is left without an even slope of light. The slope is taken from *a* alone, for what is left of
    *a* is at right angles to any.
    """
    side = int(a.shape[1] ** 0.5)
    x, slopes = _center(a), find_slopes(np.ones(a.shape[1], dtype=bool))
    x -= (x @ slopes.T) @ slopes
    y = _center(b)
    best = np.zeros(len(x), np.float32)
    for turned in _orientations(y.reshape(-1, side, side)):
        np.maximum(best, np.einsum("ij,ij->i", x, turned.reshape(x.shape)), out=best)
    best /= np.sqrt((_square(x) + _NOISE**2 * x.shape[1]) * (_vary(y, slopes) + _NOISE**2 * x.shape[1]))
    return np.minimum(best, 1, out=best)


def _orientations(pictures: FloatArray) -> Iterator[FloatArray]:
    """Yield *pictures* (n, side, side) in their eight orientations."""
    for turned in (pictures, pictures.swapaxes(1, 2)):
        yield turned
        yield turned[:, :, ::-1]
        yield turned[:, ::-1]
        yield turned[:, ::-1, ::-1]


def _center(details: PixelArray) -> FloatArray:
    x: FloatArray = details.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    return x


def _vary(centered: FloatArray, slopes: FloatArray) -> FloatArray:
    """Return the sum of squares of what is left of pictures without their slope."""
    left: FloatArray = np.maximum(_square(centered) - _square(centered @ slopes.T), 0)
    return left


def _square(x: FloatArray) -> FloatArray:
    squares: FloatArray = np.einsum("ij,ij->i", x, x)
    return squares
