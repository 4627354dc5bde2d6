"""How alike two encoded pictures are, from 0 to 1.

Two kinds of evidence are joined: the cosine of the vectors (what is seen, wherever it is in the picture) and the
correlation of small gray pictures (where it is), laid over each other as well as they go. Their distances multiply, so
agreement in structure brings pictures nearer that are near already, and cannot make one pair out of two different
things. Pages and line drawings all look alike to the encoder, so between two of them structure alone decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from .._threads import one_blas_thread
from ._aligning import align_details, find_slopes
from ._base import Descriptors, Encoder, FloatArray
from ._models import DEFAULT_MODEL, MODELS

PRESETS: dict[str, float] = dict(MODELS[DEFAULT_MODEL].presets)
"""Least similarity of a near duplicate under the default encoder: calibrated, see docs/encoder.md."""

GENERIC_PRESETS: dict[str, float] = {"strict": 0.95, "default": 0.9, "loose": 0.8}
"""The same for a user's own encoder or vectors: a guess, since nothing is known of them. Look, then choose."""

_WEIGHT = 0.9  # how much of the distance perfect agreement in structure takes away
_POWER = 7  # how near to perfect it must be to count
_LEAST_ALIGNED = 0.5  # cosine below which pictures are too far apart for structure to make them near
_FLAT = 4.0  # gray levels of contrast below which a picture shows nothing
_PAGE = 185  # mean gray level from which a picture may be a light ground with ink on it: a page, a drawing
_DARKEST = 150  # gray level that all but a few parts of a page have; a thing before a white wall is darker
_INK = 0.02  # of the parts may be darker
_PAGE_SLOPE = 3.5  # distance of two pages for what their structure lacks; the default bound asks for 0.966 of it
_NOISE = 2.0  # gray levels of contrast below which structure says nothing
_CHUNK = 2048


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


def score_edges(
    descriptors: Descriptors, rows: npt.NDArray[np.integer], others: npt.NDArray[np.integer], *, n_jobs: int = 1
) -> FloatArray:
    """Return :func:`score_pairs` of the pictures numbered *rows* and *others*, some at a time, on *n_jobs* threads."""
    vectors, details = descriptors.vectors, descriptors.details
    distance, structure = (np.zeros(len(rows), np.float32) for _ in range(2))

    def compare(start: int) -> None:
        part = slice(start, start + _CHUNK)
        distance[part] = 1 - np.einsum("ij,ij->i", vectors[rows[part]], vectors[others[part]])
        if details is not None:
            structure[part] = _correlate(details[rows[part]], details[others[part]])

    with one_blas_thread(), ThreadPoolExecutor(max(1, n_jobs)) as pool:
        list(pool.map(compare, range(0, len(rows), _CHUNK)))
        if details is not None:
            near = np.flatnonzero(distance <= 1 - _LEAST_ALIGNED)
            aligned = align_details(details, rows[near], others[near], noise=_NOISE, run=pool.map)
            structure[near] = np.maximum(structure[near], aligned)
    distance *= 1 - _WEIGHT * structure**_POWER
    if details is not None:
        distance = np.maximum(distance, _least_distance(details, rows, others, structure))
    scores: FloatArray = np.clip(1 - distance, 0, 1)
    return scores


def presets_for(encoder: Encoder) -> dict[str, float]:
    """Return the bounds of *encoder*: its own ``presets``, or the generic ones."""
    return dict(getattr(encoder, "presets", GENERIC_PRESETS))


def _least_distance(
    details: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.integer],
    others: npt.NDArray[np.integer],
    structure: FloatArray,
) -> FloatArray:
    """Return how far apart two pictures at least are that show nothing, or that are pages; 0 for all others."""
    used, places = np.unique(np.stack([rows, others]), return_inverse=True)
    places = places.reshape(2, -1)
    slopes = find_slopes(np.ones(details.shape[1], dtype=bool))
    light, contrast, darkest, full = (np.empty(len(used), np.float32) for _ in range(4))
    for start in range(0, len(used), _CHUNK):
        part = slice(start, start + _CHUNK)
        pixels = details[used[part]]
        light[part], contrast[part] = pixels.mean(axis=1), pixels.std(axis=1)
        structure_left = _vary(_center(pixels), slopes) / pixels.shape[1]
        full[part] = np.sqrt(structure_left / (structure_left + _NOISE**2))  # what noise leaves of a page and its copy
        n_dark = int(_INK * pixels.shape[1])
        darkest[part] = np.partition(pixels, n_dark, axis=1)[:, n_dark]
    is_flat = contrast < _FLAT
    is_page = ~is_flat & (light >= _PAGE) & (darkest >= _DARKEST)
    least = np.zeros(len(rows), np.float32)
    a, b = places[:, flat := is_flat[places].all(axis=0)]
    least[flat] = np.abs(light[a] - light[b]) / 128
    a, b = places[:, pages := is_page[places].all(axis=0)]
    least[pages] = _PAGE_SLOPE * (1 - structure[pages] / (full[a] * full[b]))
    return least


def _correlate(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> FloatArray:
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


def _center(details: npt.NDArray[np.uint8]) -> FloatArray:
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
