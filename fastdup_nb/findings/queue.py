"""What to label next: the pictures that tell most about those that have no label yet.

One sum says how well the collection is known: for every picture without a label, how near it is to the nearest labeled
one, weighed by how unsure its label is. Greedily, that picture is chosen which raises the sum most. So a picture is
chosen for being far from all that is labeled, for lying where labels disagree, or for standing for many others; and the
twins of a chosen one add nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._validation import check_integer
from ..errors import ParameterError
from ..graph import search
from ._facility import rank_rows

__all__ = ["Choice", "choose_to_label", "measure_uncertainty"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

_N_NEIGHBORS = 10
_LEAST_WEIGHT = 0.1  # of a picture whose neighbors agree
_MAX_TARGETS = 2_000
_MAX_CANDIDATES = 10_000


@dataclass(frozen=True, eq=False)
class Choice:
    """What ``choose_to_label`` chose, in the order of choice.

    Attributes
    ----------
    rows : int64 array (n_chosen,)
        Rows of the vectors.
    gains : float64 array (n_chosen,)
        Share of what is not known yet that this choice adds, in [0, 1]; never larger than the one before.
    distances : float64 array (n_chosen,)
        Distance (1 - cosine) to the nearest labeled picture; NaN where none has a label.
    uncertainties : float64 array (n_chosen,)
        How much the labels of the nearest labeled pictures disagree, in [0, 1]; 1 where none has a label.
    n_covered : int64 array (n_chosen,)
        Number of vectors without a label to which it is nearer than any labeled or other chosen one, itself included.
    """

    rows: Rows
    gains: Floats
    distances: Floats
    uncertainties: Floats
    n_covered: Rows


def choose_to_label(
    vectors: Vectors,
    labels: npt.ArrayLike,
    *,
    n: int,
    groups: npt.ArrayLike | None = None,
    may_choose: npt.NDArray[np.bool_] | None = None,
    random_state: int = 0,
    n_jobs: int = -1,
) -> Choice:
    """Choose pictures to label.

    Parameters
    ----------
    vectors : float32 array (n_samples, n_features)
        All pictures; only directions count.
    labels : array-like of int (n_samples,)
        The class of each, -1 where it has no label.
    n : int
        How many to choose; fewer are, where there are no more.
    groups : array-like of int (n_samples,), optional
        Twins share a number. None is chosen beside a twin that has a label or is chosen.
    may_choose : bool array (n_samples,), optional
        False for pictures that are not to be asked for, such as those that were skipped.
    random_state : int, default 0
        Seed of the sample that is looked at in large collections: 10,000 of those that can be chosen (more where *n*
        is more than a quarter of it), and 2,000 of those that shall be known.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.

    Returns
    -------
    Choice

    Notes
    -----
    Weighted facility location: the sum over pictures *j* without a label of ``(0.1 + uncertainty of j)`` times the
    largest cosine (at least 0) of *j* to a labeled or chosen one. It is submodular, so the greedy choice reaches at
    least 1 - 1/e of the best there is (Nemhauser, Wolsey and Fisher, 1978). After Wei, Iyer and Bilmes (2015),
    "Submodularity in data subset selection and active learning".

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.queue import choose_to_label
    >>> vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0.1], [0, 1, 0.2], [0, 0, 1]], dtype=np.float32)
    >>> choose_to_label(vectors, [0, -1, -1, -1, -1], n=2).rows.tolist()
    [3, 4]
    """
    n = check_integer(n, "n", "choose_to_label", low=1)
    codes = np.asarray(labels, dtype=np.int64)
    numbers = np.arange(len(codes)) if groups is None else np.asarray(groups)
    if codes.shape != (len(vectors),) or numbers.shape != (len(vectors),):
        raise ParameterError(
            "The 'labels' and 'groups' parameters of choose_to_label must have one entry for each of the "
            f"{len(vectors):,} vectors. Got shapes {codes.shape} and {numbers.shape} instead."
        )
    vectors = np.asarray(vectors, dtype=np.float32)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    rng = np.random.default_rng(random_state)
    is_open = (codes < 0) & (may_choose if may_choose is not None else True)
    is_open &= ~np.isin(numbers, numbers[codes >= 0])
    candidates = _sample(np.flatnonzero(is_open), max(_MAX_CANDIDATES, 4 * n), rng)
    targets = _sample(np.flatnonzero(codes < 0), _MAX_TARGETS, rng)
    distances, uncertainties = measure_uncertainty(vectors, codes, targets, n_jobs=n_jobs)
    known = np.maximum(1 - np.nan_to_num(distances, nan=1.0), 0)
    weights, best = (_LEAST_WEIGHT + uncertainties).astype(np.float32), known.astype(np.float32)
    near = vectors[candidates] @ vectors[targets].T
    order, added = rank_rows(near, min(n, len(near)), best, weights=weights, groups=numbers[candidates])
    rows = candidates[order]
    unknown = float((weights * (1 - best)).sum()) or 1.0
    gains = np.minimum.accumulate(np.clip(added.astype(np.float64) / unknown, 0, 1))
    distances, uncertainties = measure_uncertainty(vectors, codes, rows, n_jobs=n_jobs)
    return Choice(rows, gains, distances, uncertainties, _count_covered(vectors, codes, rows, n_jobs))


def measure_uncertainty(
    vectors: Vectors, codes: Rows, rows: Rows, *, n_neighbors: int = _N_NEIGHBORS, n_jobs: int = -1
) -> tuple[Floats, Floats]:
    """Return how far rows are from what is labeled, and how much the labels that are nearest disagree.

    Parameters
    ----------
    vectors, codes : arrays (n_samples, n_features), (n_samples,)
        As for ``choose_to_label``.
    rows : int array (n_rows,)
        Which to measure.
    n_neighbors : int, default 10
        Of how many labeled neighbors.
    n_jobs : int, default -1
        Number of threads.

    Returns
    -------
    distances : float64 array (n_rows,)
        1 - cosine to the nearest labeled row; NaN where none has a label.
    uncertainties : float64 array (n_rows,)
        Entropy of the labels of the nearest labeled rows over that of equal shares of all labels, in [0, 1]; 1 where
        none has a label.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.queue import measure_uncertainty
    >>> vectors = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    >>> _, unsure = measure_uncertainty(vectors, np.array([0, 1, -1]), np.array([2]))
    >>> unsure.round(2).tolist()
    [1.0]
    """
    labeled = np.flatnonzero(codes >= 0)
    if not len(labeled) or not len(rows):
        return np.full(len(rows), np.nan), np.ones(len(rows))
    indices, distances = search(
        vectors[labeled], vectors[rows], n_neighbors=min(n_neighbors, len(labeled)), n_jobs=n_jobs
    )
    votes = codes[labeled][indices]
    classes = np.unique(codes[labeled])
    counts = np.stack([(votes == code).sum(axis=1) for code in classes], axis=1)
    shares = counts / votes.shape[1]
    entropy = (shares * -np.log(np.maximum(shares, 1e-12))).sum(axis=1)
    return distances[:, 0].astype(np.float64), np.clip(entropy / np.log(max(2, len(classes))), 0, 1)


def _sample(rows: npt.NDArray[np.intp], n: int, rng: np.random.Generator) -> Rows:
    chosen = rows if len(rows) <= n else np.sort(rng.choice(rows, n, replace=False))
    return np.asarray(chosen, dtype=np.int64)


def _count_covered(vectors: Vectors, codes: Rows, rows: Rows, n_jobs: int) -> Rows:
    """Return for each chosen row the number of rows without a label that it is nearest to."""
    if not len(rows):
        return np.empty(0, dtype=np.int64)
    taken = np.concatenate([rows, np.flatnonzero(codes >= 0)])  # of equally near ones the chosen one counts
    nearest = search(vectors[taken], vectors[codes < 0], n_neighbors=1, n_jobs=n_jobs)[0][:, 0]
    return np.bincount(nearest[nearest < len(rows)], minlength=len(rows)).astype(np.int64)
