"""What the pictures alone say of their labels, learned from other pictures only.

Two kinds of evidence are joined: a logistic regression on the vectors, and the labels of the nearest neighbors. Both
are *out of sample*: images are dealt to folds in whole families (an image and its duplicates), a fold is scored by a
model that has not seen it, and no member of a family votes for another.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._threads import one_blas_thread
from .edges import label_connected

__all__ = [
    "Combiner",
    "Scorer",
    "combine",
    "count_votes",
    "deal_folds",
    "find_families",
    "fit_scorer",
    "score_folds",
    "share_families",
]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
_Array = npt.NDArray[np.floating]

N_FOLDS = 5
_STRENGTH = 1.0  # of the regularization: scikit-learn's C
_MAX_STEPS = 40
_MOST_LEARNED = 4_000_000  # images times classes that a fold learns from; more are sampled
_SHARE = 0.1  # of all images that one family may hold; a longer chain of pairs is cut into its groups


def find_families(n_images: int, a: Ints, b: Ints, groups: Ints) -> Ints:
    """Return a number for each image, the same for images that must not vote for each other.

    Parameters
    ----------
    n_images : int
    a, b : int arrays of shape (n_pairs,)
        Positions of the images of each pair of duplicates; what is linked is one family.
    groups : int array of shape (n_images,)
        Group of duplicates of each image, -1 for none. Where chains of pairs would put more than a tenth of all images
        into one family, it is cut into these groups.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.classifying import find_families
    >>> find_families(4, np.array([0]), np.array([2]), np.full(4, -1)).tolist()
    [0, 1, 0, 2]
    """
    if not n_images:
        return np.empty(0, dtype=np.int64)
    chained = label_connected(n_images, a, b)
    alone = np.where(groups < 0, groups.max(initial=-1) + 1 + np.arange(n_images), groups)
    is_long = (np.bincount(chained) > max(20, _SHARE * n_images))[chained]
    families: Ints = np.unique(np.where(is_long, n_images + alone, chained), return_inverse=True)[1].astype(np.int64)
    return families


def share_families(families: Ints) -> Floats:
    """Return how much each image counts: one divided by the size of its family."""
    counts = np.unique(families, return_inverse=True, return_counts=True)
    shares: Floats = 1 / counts[2][counts[1]]
    return shares


def deal_folds(labels: Ints, families: Ints, *, random_state: int = 0) -> Ints:
    """Deal whole families to at most five folds, each class evenly; return the fold of each image."""
    names, first, of_image = np.unique(families, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(random_state).permutation(len(names))
    order = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    folds = np.empty(len(names), dtype=np.int64)
    folds[order] = np.arange(len(names)) % N_FOLDS
    dealt: Ints = folds[of_image]
    return dealt


@dataclass(frozen=True, eq=False)
class Scorer:
    """A multinomial logistic regression: the logit of each class, a larger one for a likelier class."""

    mean: Vectors
    weights: Vectors
    intercept: Vectors

    def score(self, vectors: Vectors) -> Floats:
        """Return logits of shape (n_samples, n_classes)."""
        return ((vectors - self.mean) @ self.weights + self.intercept).astype(np.float64)


def fit_scorer(vectors: Vectors, labels: Ints, *, n_classes: int, random_state: int = 0) -> Scorer:
    """Fit the logistic regression of labels 0 ... n_classes - 1 on vectors of shape (n_samples, n_features)."""
    with one_blas_thread():
        return _fit(_Turned.of(vectors), np.arange(len(labels)), labels, n_classes, random_state)


def score_folds(
    vectors: Vectors, labels: Ints, folds: Ints, *, n_classes: int, n_jobs: int = 1, random_state: int = 0
) -> Floats:
    """Return logits of shape (n_samples, n_classes), each from a model that saw nothing of the sample's fold."""
    logits = np.zeros((len(labels), n_classes))

    def learn(fold: int) -> None:
        others, own = np.flatnonzero(folds != fold), folds == fold
        if len(others) and own.any():
            logits[own] = _fit(turned, others, labels, n_classes, random_state).score(vectors[own])

    with one_blas_thread(), ThreadPoolExecutor(max(1, n_jobs)) as pool:
        turned = _Turned.of(vectors)
        list(pool.map(learn, range(N_FOLDS)))
    return logits


def count_votes(labels: Ints, rows: Ints, families: Ints, indices: npt.NDArray[np.int32], *, n_classes: int) -> Floats:
    """Return the votes of each row's neighbors, without those of its own family: shape (n_rows, n_classes).

    Parameters
    ----------
    labels : int array of shape (n_images,)
        Class of each image, -1 where it has none.
    rows : int array of shape (n_images,)
        Row of the distinct vector of each image; images of one row share its vote.
    families : int array of shape (n_rows,)
        Family of each row.
    indices : int32 array of shape (n_rows, n_neighbors)
        Rows nearest to each row, -1 where there is none.
    """
    shares = np.zeros((len(families), n_classes))
    told = labels >= 0
    np.add.at(shares, (rows[told], labels[told]), 1.0)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    votes = np.zeros_like(shares)
    for near in indices.T:
        counts = (near >= 0) & (families[near] != families)
        votes[counts] += shares[near[counts]]
    return votes


@dataclass(frozen=True, eq=False)
class Combiner:
    """Weights of the kinds of evidence and a bias of each class: what turns evidence into probabilities."""

    weights: Floats
    bias: Floats

    def chances(self, evidence: Floats) -> Floats:
        """Return probabilities of shape (n_samples, n_classes) from evidence (n_samples, n_classes, n_kinds)."""
        logits = evidence @ self.weights + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits


def combine(
    evidence: Floats, targets: Floats, shares: Floats, start: Combiner | None = None, *, n_steps: int = 60
) -> Combiner:
    """Return the combiner under which *targets* (n_samples, n_classes; rows sum to 1) are likeliest.

    *shares* (n_samples,) say how much each sample counts: a family of duplicates counts once.

    A handful of numbers are learned from evidence that is out of sample, so the probabilities are calibrated: of those
    told with 0.8, about 80 % are right.
    """
    from scipy.optimize import minimize

    n, n_classes, n_kinds = evidence.shape
    kinds = np.ascontiguousarray(evidence.transpose(2, 1, 0)).reshape(n_kinds, -1)
    aims = np.ascontiguousarray(targets.T)

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, bias = values[:n_kinds], values[n_kinds:]
        logits = (weights @ kinds).reshape(n_classes, n) + bias[:, None]
        gap, value = _miss(logits, aims, shares)
        value += 0.125 * float(((weights - 1) ** 2).sum()) + 0.5 * float((bias**2).sum())
        return value / n, np.concatenate([kinds @ gap.ravel() + 0.25 * (weights - 1), gap.sum(axis=1) + bias]) / n

    first = Combiner(np.full(n_kinds, 1 / n_kinds), np.zeros(n_classes)) if start is None else start
    options = {"maxiter": n_steps}
    found = minimize(loss, np.concatenate([first.weights, first.bias]), jac=True, method="L-BFGS-B", options=options).x
    return Combiner(found[:n_kinds], found[n_kinds:])


def _miss(logits: _Array, aims: _Array, shares: _Array) -> tuple[_Array, float]:
    """Return how far chances are from what they should be, (n_classes, n_samples), and minus the log-likelihood.

    Classes come first, as NumPy adds up few long rows much faster than many short ones. *logits* are overwritten.
    """
    logits -= logits.max(axis=0)
    value = -float(((logits * aims).sum(axis=0) * shares).sum(dtype=np.float64))
    chances = np.exp(logits, out=logits)
    total = chances.sum(axis=0)
    value += float((np.log(total) * shares).sum(dtype=np.float64))
    chances /= total
    chances -= aims
    chances *= shares
    return chances, value


@dataclass(frozen=True, eq=False)
class _Turned:
    """Vectors in the directions of their spread, each stretched so that a fit takes few steps."""

    mean: Vectors
    turn: Vectors
    vectors: Vectors
    penalty: Floats

    @classmethod
    def of(cls, vectors: Vectors) -> _Turned:
        mean = vectors.mean(axis=0)
        centered = vectors - mean
        spread, directions = np.linalg.eigh((centered.T @ centered).astype(np.float64))
        scale = 1 / np.sqrt(0.1 * np.maximum(spread, 0) + 1 / _STRENGTH)
        turn = (directions * scale).astype(np.float32)
        return cls(mean, turn, centered @ turn, scale**2 / _STRENGTH)


def _fit(turned: _Turned, chosen: Ints, labels: Ints, n_classes: int, random_state: int) -> Scorer:
    """Fit on the chosen rows."""
    from scipy.optimize import minimize

    most = max(5000, _MOST_LEARNED // n_classes)
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(random_state).choice(chosen, most, replace=False))
    vectors, penalty = turned.vectors[chosen], turned.penalty
    n, n_features = vectors.shape
    targets = np.zeros((n_classes, n), dtype=np.float32)
    targets[labels[chosen], np.arange(n)] = 1
    size, ones = n_features * n_classes, np.ones(n, dtype=np.float32)

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, bias = values[:size].reshape(n_classes, n_features), values[size:]
        logits = weights.astype(np.float32) @ vectors.T + bias.astype(np.float32)[:, None]
        gap, value = _miss(logits, targets, ones)
        slope = (gap @ vectors).astype(np.float64) + penalty * weights
        value += 0.5 * float((penalty * weights**2).sum())
        return value / n, np.concatenate([slope.ravel(), gap.sum(axis=1, dtype=np.float64)]) / n

    start = np.concatenate([np.zeros(size), np.log(targets.mean(axis=1, dtype=np.float64) + 0.1 / n)])
    options = {"maxiter": _MAX_STEPS, "gtol": 1e-4, "ftol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    weights = turned.turn @ found[:size].reshape(n_classes, n_features).astype(np.float32).T
    return Scorer(turned.mean, weights, found[size:].astype(np.float32))
