"""What the vectors say of classes: Fisher's discriminant, which scores an image by a model that has not seen it.

A discriminant is made of sums over images, so leaving a fold out takes a subtraction and no second look at the others.
A wrong label is one term of a mean, and bends it less than a logistic regression. A ridge (Friedman, *Regularized
discriminant analysis*, 1989) keeps few images from being learned by heart.

Of many images it need not be linear (Mika et al., *Fisher discriminant analysis with kernels*, 1999): each is described
by how alike it is to *landmarks* (Williams and Seeger, *Using the Nyström method to speed up kernel machines*, 2001),
which are means of near images (Zhang, Tsang and Kwok, *Improved Nyström low-rank approximation and error analysis*,
2008). Of fewer images, that tells no more than the vectors themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Discriminant", "Floats", "Ints", "Vectors", "fit_discriminant", "one_hot", "score_folds"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

_LEAST_LANDMARKS, _MOST_LANDMARKS = 500, 1200
_IMAGES_TO_LANDMARK = 6  # at least; with fewer, there are fewer landmarks
_MOST_AVERAGED = 20_000  # images that landmarks are means of
_LEAST_GAIN = 1.5  # landmarks for each feature; with fewer, or fewer than the least, vectors stand for themselves
_WIDTH = 0.7  # of the kernel: landmarks as far apart as is usual are alike by exp(-0.7)
_JITTER = 1e-3  # added to the likeness of each landmark to itself, so that twins among them do no harm
_BLOCK = 4096  # images that are described at a time


def one_hot(labels: Ints, n_classes: int) -> csr_array:
    """Return a sparse array of shape (n_classes, n_samples) with a one where a sample is of a class."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(n_classes, len(labels)))


@dataclass(frozen=True, eq=False)
class Discriminant:
    """The logit of each class as a function of vectors, a larger one for a likelier class."""

    description: _Plain | _Landmarks
    weights: Vectors
    intercept: Floats

    def score(self, vectors: Vectors) -> Floats:
        """Return logits of shape (n_samples, n_classes)."""
        logits = np.empty((len(vectors), len(self.intercept)))
        for block in _blocks(len(vectors)):
            logits[block] = self.description.likeness(vectors[block]) @ self.weights
        return logits + self.intercept


def fit_discriminant(vectors: Vectors, labels: Ints, *, n_classes: int) -> Discriminant:
    """Fit the discriminant of labels 0 ... n_classes - 1 on vectors of shape (n_samples, n_features)."""
    description = _choose_description(vectors)
    return _fit(description, _Sums.of(description, vectors, labels, n_classes))


def score_folds(vectors: Vectors, labels: Ints, folds: Ints, *, n_classes: int, n_jobs: int = 1) -> Floats:
    """Return logits of shape (n_samples, n_classes), each from a model that saw no label of the sample's fold.

    Where many images are told apart by their landmarks, two folds are one.
    """
    logits = np.zeros((len(labels), n_classes))
    description = _choose_description(vectors)
    folds = folds // 2 if isinstance(description, _Landmarks) else folds
    members = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    if len(members) < 2:
        return logits

    def add_up(own: Ints) -> _Sums:
        return _Sums.of(description, vectors[own], labels[own], n_classes)

    def score(own: Ints, part: _Sums) -> None:
        logits[own] = _fit(description, total - part).score(vectors[own])

    with ThreadPoolExecutor(max(1, n_jobs)) as pool:
        parts = list(pool.map(add_up, members))
        total = _Sums.total(parts)
        list(pool.map(score, members, parts))
    return logits


def _choose_description(vectors: Vectors) -> _Plain | _Landmarks:
    n, n_features = vectors.shape
    n_landmarks = min(_MOST_LANDMARKS, n // _IMAGES_TO_LANDMARK)
    if n_landmarks < max(_LEAST_LANDMARKS, _LEAST_GAIN * n_features):
        return _Plain(vectors.mean(axis=0))
    return _Landmarks.of(_average(_thin(vectors, _MOST_AVERAGED), n_landmarks))


def _thin(vectors: Vectors, most: int) -> Vectors:
    """Return at most so many vectors, evenly chosen: in the order of files, of each folder its share."""
    return vectors[np.linspace(0, len(vectors) - 1, min(most, len(vectors))).astype(np.int64)]


def _squared_distances(vectors: Vectors, points: Vectors) -> Vectors:
    distances: Vectors = vectors @ points.T
    distances *= -2
    distances += (vectors**2).sum(axis=1)[:, None]
    distances += (points**2).sum(axis=1)
    return np.maximum(distances, 0, out=distances)


def _fade(distances: Vectors, scale: float) -> Vectors:
    """Turn squared distances into how alike images are, in place."""
    distances *= -_WIDTH / scale
    return np.exp(distances, out=distances)


def _average(vectors: Vectors, n_means: int) -> Vectors:
    """Return means of the vectors, of those nearest to each of some that are evenly chosen: one step of k-means."""
    firsts = _thin(vectors, n_means)
    blocks = _blocks(len(vectors))
    nearest = np.concatenate([_squared_distances(vectors[block], firsts).argmin(axis=1) for block in blocks])
    _, places, counts = np.unique(nearest, return_inverse=True, return_counts=True)  # of twins all but one get nothing
    means: Vectors = (one_hot(places, len(counts)) @ vectors / counts[:, None]).astype(np.float32)
    return means


@dataclass(frozen=True, eq=False)
class _Plain:
    """What describes an image: its vector, less the mean of all."""

    middle: Vectors
    ridge = 1.0  # added to the scatter within classes in every direction, where vectors have length 1

    def likeness(self, vectors: Vectors) -> Vectors:
        """Return what weights are for."""
        return vectors - self.middle

    describe = likeness

    def weigh(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return weights of the likeness from those of the description, and what is to be added."""
        return weights, np.zeros(weights.shape[1])


@dataclass(frozen=True, eq=False)
class _Landmarks:
    """What describes an image: how alike it is to some; the Cholesky factor is of how alike these are to each other."""

    points: Vectors
    scale: float
    root: Vectors
    ridge = 0.3  # less than of vectors, as lengths of 1 spread over more directions

    @classmethod
    def of(cls, points: Vectors) -> _Landmarks:
        from scipy.linalg import cholesky

        apart = _squared_distances(points, points)
        scale = max(float(np.median(apart[np.triu_indices(len(points), 1)])) if len(points) > 1 else 1.0, 1e-6)
        among = _fade(apart, scale)
        among[np.diag_indices_from(among)] += _JITTER
        return cls(points, scale, cholesky(among, lower=True, overwrite_a=True, check_finite=False))

    def likeness(self, vectors: Vectors) -> Vectors:
        """Return how alike vectors are to the landmarks, 1 for the same: shape (n_samples, n_landmarks)."""
        return _fade(_squared_distances(vectors, self.points), self.scale)

    def describe(self, vectors: Vectors) -> Vectors:
        """Return descriptions, whose products are how alike vectors are, less those of a mean landmark."""
        from scipy.linalg import solve_triangular

        alike = self.likeness(vectors).T
        described: Vectors = solve_triangular(self.root, alike, lower=True, overwrite_b=True, check_finite=False).T
        described -= self.middle
        return described

    def weigh(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return weights of the likeness from those of the description, and what is to be added."""
        from scipy.linalg import solve_triangular

        alike = solve_triangular(self.root, weights, lower=True, trans="T", check_finite=False)
        return alike, -(self.middle @ weights)

    @cached_property
    def middle(self) -> Vectors:
        """The description of a mean landmark."""
        middle: Vectors = self.root.mean(axis=0)
        return middle


@dataclass(frozen=True, eq=False)
class _Sums:
    """What a discriminant is made of: of each class the number and the sum of its descriptions; products of all."""

    counts: Floats
    sums: Floats
    products: npt.NDArray[np.floating]

    @classmethod
    def of(cls, description: _Plain | _Landmarks, vectors: Vectors, labels: Ints, n_classes: int) -> _Sums:
        size = len(description.middle)
        sums, products = np.zeros((n_classes, size)), np.zeros((size, size), dtype=np.float32)
        for block in _blocks(len(vectors)):
            described = description.describe(vectors[block])
            sums += one_hot(labels[block], n_classes) @ described
            products += described.T @ described
        return cls(np.bincount(labels, minlength=n_classes).astype(np.float64), sums, products)

    @classmethod
    def total(cls, parts: Sequence[_Sums]) -> _Sums:
        """Return the sums over all parts, of which many would add up roughly in float32."""
        products = np.zeros(parts[0].products.shape)
        for part in parts:
            products += part.products
        counts, sums = (np.sum([getattr(part, name) for part in parts], axis=0) for name in ("counts", "sums"))
        return cls(counts, sums, products)

    def __sub__(self, other: _Sums) -> _Sums:
        return _Sums(self.counts - other.counts, self.sums - other.sums, self.products - other.products)


def _fit(description: _Plain | _Landmarks, sums: _Sums) -> Discriminant:
    """Fit on sums: the classes differ in their means, and spread alike around them."""
    from scipy.linalg import cho_factor, cho_solve

    means = sums.sums / np.maximum(sums.counts, 1)[:, None]
    within = (sums.products - (means.T * sums.counts) @ means).astype(np.float32)
    within[np.diag_indices_from(within)] += description.ridge
    n = sums.counts.sum()
    factor = cho_factor(within.T, lower=True, overwrite_a=True, check_finite=False)
    weights = n * cho_solve(factor, means.T, check_finite=False)
    intercept = np.log((sums.counts + 0.1) / n) - 0.5 * (means.T * weights).sum(axis=0)
    weights, more = description.weigh(weights)
    return Discriminant(description, weights.astype(np.float32), intercept + more)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, n, _BLOCK))
