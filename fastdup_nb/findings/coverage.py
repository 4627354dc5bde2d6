"""How well the first 1, 2, 3, ... images of a choice stand for all: the curve that tells where to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Coverage", "measure_coverage", "measure_random"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

_MOST_PAIRS = 400_000_000
_LEAST_MEASURED = 2000
_BLOCK_PAIRS = 4_000_000


@dataclass(frozen=True, eq=False)
class Coverage:
    """How similar images are to the nearest of the first i chosen ones.

    Attributes
    ----------
    mean, least : float64 arrays of shape (n_chosen,)
        Mean and smallest cosine over all images, after the first, the second, ... choice.
    share : float64 array of shape (n_chosen,)
        Share of the images that are nearest to each chosen one, when all are chosen.
    distance : float32 array of shape (n_chosen,)
        Cosine distance of each chosen one to the nearest chosen before it; NaN for the first.
    n_measured : int
        Images that were looked at.
    """

    mean: npt.NDArray[np.float64]
    least: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    distance: FloatArray
    n_measured: int


def measure_coverage(
    vectors: FloatArray, chosen: IntArray, *, random_state: int = 0, most_pairs: int = _MOST_PAIRS
) -> Coverage:
    """Measure how well rows *chosen* of *vectors*, in their order, stand for all rows.

    Above *most_pairs* pairs of a row and a chosen one, a random sample of the rows is measured instead of all (400
    million by default: 1,000 of 400,000 rows are measured on all).
    """
    n_most = max(_LEAST_MEASURED, most_pairs // max(1, len(chosen)))
    measured = vectors
    if len(vectors) > n_most:
        measured = vectors[np.sort(np.random.default_rng(random_state).choice(len(vectors), n_most, replace=False))]
    centers = vectors[chosen]
    total, least = np.zeros(len(chosen)), np.full(len(chosen), np.inf)
    counts = np.zeros(len(chosen), dtype=np.int64)
    size = max(1, _BLOCK_PAIRS // max(1, len(chosen)))
    for start in range(0, len(measured) if len(chosen) else 0, size):
        similarity = measured[start : start + size] @ centers.T
        counts += np.bincount(similarity.argmax(axis=1), minlength=len(chosen))
        np.maximum.accumulate(similarity, axis=1, out=similarity)
        total += similarity.sum(axis=0, dtype=np.float64)
        np.minimum(least, similarity.min(axis=0), out=least)
    n = max(1, len(measured))
    return Coverage(total / n, least, counts / n, _distances_before(centers), len(measured))


def measure_random(vectors: FloatArray, n: int, *, random_state: int = 0) -> npt.NDArray[np.float64]:
    """Return the mean similarity to the nearest of 1, 2, ..., *n* rows drawn at random, once.

    It is measured on up to 2,000 rows.
    """
    chance = np.random.default_rng(random_state)
    centers = vectors[chance.permutation(len(vectors))[:n]]
    measured = vectors[chance.permutation(len(vectors))[:_LEAST_MEASURED]]
    total = np.zeros(len(centers))
    size = max(1, _BLOCK_PAIRS // max(1, n))
    for start in range(0, len(measured) if len(centers) else 0, size):
        similarity = measured[start : start + size] @ centers.T
        total += np.maximum.accumulate(similarity, axis=1).sum(axis=0, dtype=np.float64)
    return total / max(1, len(measured))


def _distances_before(centers: FloatArray) -> FloatArray:
    """Return the cosine distance of each row to the nearest row before it."""
    distances = np.full(len(centers), np.nan, dtype=np.float32)
    size = 512
    for start in range(0, len(centers), size):
        block = centers[start : start + size]
        similarity = block @ centers[: start + len(block)].T
        later = np.arange(similarity.shape[1]) >= np.arange(start, start + len(block))[:, None]
        similarity[later] = -np.inf
        distances[start : start + size] = np.maximum(0, 1 - similarity.max(axis=1))
    distances[:1] = np.nan
    return distances
