"""What the pictures alone say of their labels, learned from other pictures only.

Two kinds of evidence are joined: a discriminant of the vectors, or a logistic regression for those who ask for it, and
the labels of the nearest neighbors. Both are *out of sample*: images are dealt to folds in whole families (an image and
its duplicates), a fold is scored by a model that has not seen it, and no member of a family votes for another.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .discriminant import Floats, Ints, Vectors, one_hot
from .edges import label_connected

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

__all__ = [
    "Combiner",
    "Scorer",
    "classes_first",
    "combine",
    "count_votes",
    "deal_folds",
    "find_families",
    "fit_combiner",
    "fit_logistic",
    "fit_logistic_scorer",
    "score_logistic_folds",
    "share_families",
    "to_chances",
    "weigh_all",
]

N_FOLDS = 20
_N_LOGISTIC_FOLDS = 5
_LEAST_SLOPE = 0.1  # of that at the beginning, where a fit ends: with many classes or features all slopes are small
_REACH = 0.2  # of the median distance of neighbors: one that is so much farther counts e times less
_LEAST_TRUST = 0.01  # in a kind of evidence: its weight, where 1 takes logits for what they say
_SHARPER = 4.0  # than such weights: what all images together say
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
    """Deal whole families to at most twenty folds, each class evenly; return the fold of each image."""
    names, first, of_image = np.unique(families, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(random_state).permutation(len(names))
    order = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    folds = np.empty(len(names), dtype=np.int64)
    folds[order] = np.arange(len(names)) % N_FOLDS
    dealt: Ints = folds[of_image]
    return dealt


def fit_logistic(vectors: Vectors, labels: npt.NDArray[np.generic], **options: float | str) -> LogisticRegression:
    """Fit the logistic regression of scikit-learn, with *options* of its own, and not end where it begins."""
    from sklearn.linear_model import LogisticRegression

    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    is_balanced = options.get("class_weight") == "balanced"
    shares = np.full(len(names), 1 / len(names)) if is_balanced else counts / len(labels)
    means = one_hot(codes, len(names)) @ vectors / counts[:, None]
    slope = shares[:, None] * (means - shares @ means)  # at the beginning, where all weights are 0
    model = LogisticRegression(max_iter=1000, tol=min(1e-3, _LEAST_SLOPE * float(np.abs(slope).max())), **options)
    with warnings.catch_warnings():  # of scikit-learn before 1.7 beside SciPy 1.16, as Colab has them
        warnings.filterwarnings("ignore", "scipy.optimize: The `disp`", DeprecationWarning)
        return model.fit(vectors, labels)


@dataclass(frozen=True, eq=False)
class Scorer:
    """The logit of each class as a linear function of vectors, a larger one for a likelier class."""

    weights: Vectors
    intercept: Floats

    def score(self, vectors: Vectors) -> Floats:
        """Return logits of shape (n_samples, n_classes)."""
        return (vectors @ self.weights).astype(np.float64) + self.intercept


def fit_logistic_scorer(vectors: Vectors, labels: Ints, *, n_classes: int) -> Scorer:
    """Fit a logistic regression in place of the discriminant."""
    known, n_features = np.unique(labels), vectors.shape[1]
    weights = np.zeros((n_features, n_classes), dtype=np.float32)
    intercept = np.log((np.bincount(labels, minlength=n_classes) + 0.1) / len(labels))
    if len(known) > 1:
        model = fit_logistic(vectors, labels)
        signs = 1 if len(known) > 2 else np.array([-0.5, 0.5])  # of two classes it tells the difference
        weights[:, known], intercept[known] = model.coef_.T * signs, model.intercept_ * signs
    return Scorer(weights, intercept)


def score_logistic_folds(vectors: Vectors, labels: Ints, folds: Ints, *, n_classes: int, n_jobs: int = 1) -> Floats:
    """Return what ``score_folds`` does, by logistic regressions, and of fewer folds: four are one."""
    logits, folds = np.zeros((len(labels), n_classes)), folds % _N_LOGISTIC_FOLDS

    def score(fold: int) -> None:
        own, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if len(own) and len(others):
            logits[own] = fit_logistic_scorer(vectors[others], labels[others], n_classes=n_classes).score(vectors[own])

    with ThreadPoolExecutor(max(1, n_jobs)) as pool:
        list(pool.map(score, range(_N_LOGISTIC_FOLDS)))
    return logits


def count_votes(
    labels: Ints,
    rows: Ints,
    families: Ints,
    indices: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float32] | None = None,
    *,
    n_classes: int,
) -> Floats:
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
    distances : float32 array of shape (n_rows, n_neighbors), optional
        How far they are. If given, rows also vote for the rows that are nearest to them, and near ones count more: a
        neighbor as far as the median is one vote, and each fifth of the median that it is nearer makes that e times as
        much.
    """
    from scipy.sparse import csr_array

    told, n_rows = np.flatnonzero(labels >= 0), len(families)
    n_told = np.bincount(rows[told], minlength=n_rows)
    of_row = csr_array((1 / n_told[rows[told]], (rows[told], labels[told])), shape=(n_rows, n_classes))
    counted = (indices >= 0) & (families[indices] != families[:, None])
    near, starts = indices[counted], np.append(0, np.cumsum(counted.sum(axis=1)))
    weights = np.ones(len(near))
    if distances is not None and len(near):
        far = distances[counted]
        weights = np.exp((1 - far / max(float(np.median(far)), 1e-6)) / _REACH)
    voters = csr_array((weights, near, starts), shape=(n_rows, n_rows))
    if distances is not None:
        voters = voters.maximum(voters.T)
    votes: Floats = (voters @ of_row).toarray()
    return votes


def weigh_all(vectors: Vectors, labels: Ints, families: Ints, *, n_classes: int) -> Floats:
    """Return logits of shape (n_samples, n_classes) by how near all images of each class are, its own family left out.

    That is for a hundred images, where lists of nearest neighbors reach into all classes, and so few teach a
    discriminant little: the logarithm of the mean weight of a class, of which a fifth of the median distance takes e
    times off. Means do not favor the classes of others, of which none is left out.
    """
    from scipy.spatial.distance import cdist

    far, is_other = cdist(vectors, vectors, "sqeuclidean") / 2, families[:, None] != families
    usual = max(float(np.median(far[is_other])), 1e-6) if is_other.any() else 1.0
    counts = is_other * share_families(families)
    of_class = one_hot(labels, n_classes).T.toarray()
    weights = (counts * np.exp((1 - far / usual) / _REACH)) @ of_class
    logits: Floats = _SHARPER * np.log(weights / np.maximum(counts @ of_class, 1e-9) + 1e-12)
    return logits


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


def combine(evidence: Floats, targets: Floats, shares: Floats) -> Combiner:
    """Return the combiner under which *targets* (n_samples, n_classes; rows sum to 1) are likeliest.

    *shares* (n_samples,) say how much each sample counts: a family of duplicates counts once.

    A handful of numbers are learned from evidence that is out of sample, so the probabilities are calibrated: of those
    told with 0.8, about 80 % are right. Evidence is never taken for its contrary, as it would be where each class has
    one family: out of sample, all of them then look like another class.
    """
    kinds, aims = classes_first(evidence), np.ascontiguousarray(targets.T, dtype=np.float32)

    def miss(logits: Vectors, _: Floats) -> tuple[float, Vectors, Floats]:
        value = -float((logits * aims).sum(axis=0) @ shares)
        totals = to_chances(logits)
        value += float(np.log(totals) @ shares)
        logits -= aims
        logits *= shares
        return value, logits, _

    return fit_combiner(kinds, miss, least=_LEAST_TRUST)[0]


def classes_first(evidence: Floats) -> Vectors:
    """Return evidence as float32 of shape (n_kinds, n_classes, n_samples): NumPy adds up few long rows faster."""
    kinds: Vectors = np.ascontiguousarray(evidence.transpose(2, 1, 0), dtype=np.float32)
    return kinds


def to_chances(logits: Vectors) -> Vectors:
    """Turn logits of shape (n_classes, n_samples), of which the largest becomes 0, into chances in place.

    Return the sums that they were divided by.
    """
    np.exp(logits, out=logits)
    totals: Vectors = logits.sum(axis=0)
    logits /= totals
    return totals


Miss = Callable[[Vectors, Floats], tuple[float, Vectors, Floats]]


def fit_combiner(
    kinds: Vectors,
    miss: Miss,
    start: Combiner | None = None,
    others: Floats | None = None,
    *,
    n_steps: int = 60,
    least: float | None = None,
) -> tuple[Combiner, Floats]:
    """Return the combiner, and the other numbers beside it, that miss least.

    Parameters
    ----------
    kinds : float32 array of shape (n_kinds, n_classes, n_samples)
        Evidence.
    miss : callable
        Takes logits, of which the largest of each sample is 0 and which it may overwrite, and the other numbers;
        returns minus the log-likelihood and its slopes in both.
    start : Combiner, optional
    others : float array, optional
        Where the other numbers begin.
    n_steps : int, default 60
    least : float, optional
        Which no weight is below.
    """
    from scipy.optimize import minimize

    n_kinds, n_classes, n = kinds.shape
    flat, size = kinds.reshape(n_kinds, -1), n_kinds + n_classes
    beside = np.empty(0) if others is None else others

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, bias = values[:n_kinds], values[n_kinds:size]
        logits = (weights.astype(np.float32) @ flat).reshape(n_classes, n)
        logits += bias.astype(np.float32)[:, None]
        logits -= logits.max(axis=0)
        value, slope, slope_beside = miss(logits, values[size:])
        value += 0.125 * float(((weights - 1) ** 2).sum()) + 0.5 * float((bias**2).sum())
        slopes = flat @ slope.ravel() + 0.25 * (weights - 1), slope.sum(axis=1, dtype=np.float64) + bias, slope_beside
        return value / n, np.concatenate(slopes) / n

    first = Combiner(np.full(n_kinds, 1 / n_kinds), np.zeros(n_classes)) if start is None else start
    begin, options = np.concatenate([first.weights, first.bias, beside]), {"maxiter": n_steps, "ftol": 1e-7}
    bounds = None if least is None else [(least, None)] * n_kinds + [(None, None)] * (len(begin) - n_kinds)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return Combiner(found[:n_kinds], found[n_kinds:size]), found[size:]
