"""Novelty: learn from known pictures what is normal, then say how far new ones are from it, and how sure that is.

The score is a distance to the nearest known pictures. The known pictures are scored in the same way, each against all
others; the share of them that lie as far out is the p-value of a new picture. All of it works on plain arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._validation import check_choice, check_integer
from ..errors import ParameterError
from ..graph import search
from ._p_values import CONTROLS, adjust_p_values, count_needed, flag_novel
from .edges import label_connected

__all__ = [
    "CALIBRATIONS",
    "CONTROLS",
    "NewScores",
    "NormalModel",
    "adjust_p_values",
    "count_needed",
    "fit_normal",
    "flag_novel",
    "group_twins",
    "score_new",
]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

CALIBRATIONS = ("leave-one-out", "held-out")
_N_NEIGHBORS = 3
_TWIN_SHARE = 0.05  # of the usual distance to the last neighbor
_SMALLEST = 1e-6  # a distance that is nothing but rounding
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class NormalModel:
    """What is normal, as ``fit_normal`` learned it.

    Attributes
    ----------
    vectors : float32 array (n_samples, n_features)
        The known pictures.
    groups : int64 array (n_samples,)
        For each the number of its group, from 0; pictures alone are groups of one.
    is_fit : bool array (n_samples,)
        Which of them new pictures are measured against: all, or those that are not held out.
    calibration : float64 array (n_calibration,)
        Scores of known pictures, one of each group, ascending; see ``score_new``.
    calibrated : int64 array (n_calibration,)
        Rows of these pictures, in the same order.
    scale : float
        The distance that counts as 1: the median over the calibration.
    n_neighbors : int
        To how many known groups the distance is measured.
    """

    vectors: Vectors
    groups: Rows
    is_fit: npt.NDArray[np.bool_]
    calibration: Floats
    calibrated: Rows
    scale: float
    n_neighbors: int

    @property
    def n_groups(self) -> int:
        """Number of known groups."""
        return len(np.unique(self.groups))

    @property
    def fitted(self) -> tuple[Vectors, Rows]:
        """What new pictures are measured against: vectors and their groups."""
        return self.vectors[self.is_fit], self.groups[self.is_fit]

    @property
    def smallest_p(self) -> float:
        """The smallest p-value there can be: ``1 / (n_calibration + 1)``."""
        return 1 / (len(self.calibration) + 1)


@dataclass(frozen=True, eq=False)
class NewScores:
    """What ``score_new`` says of new pictures, a row for each.

    Attributes
    ----------
    scores : float64 array (n_queries,)
        Larger is newer, 1 is ordinary; NaN where nothing is known.
    p_values : float64 array (n_queries,)
        Smaller is newer; 1 where nothing is known.
    indices : int64 array (n_queries, n_nearest)
        Rows of the nearest known vectors, nearest first; -1 where there are fewer.
    similarities : float64 array (n_queries, n_nearest)
        Cosine similarity to them; NaN where there is none.
    """

    scores: Floats
    p_values: Floats
    indices: Rows
    similarities: Floats


def fit_normal(
    vectors: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    calibration: str = "leave-one-out",
    n_neighbors: int = _N_NEIGHBORS,
    random_state: int = 0,
    n_jobs: int = -1,
) -> NormalModel:
    """Learn what is normal from known pictures.

    Parameters
    ----------
    vectors : array-like of shape (n_samples, n_features)
        The known pictures; only directions count.
    groups : array-like of int (n_samples,), optional
        Pictures of one number belong together, such as duplicates or frames of one shot. A group counts once, and its
        pictures never make each other look normal. By default each picture is a group.
    calibration : {"leave-one-out", "held-out"}, default "leave-one-out"
        ``"leave-one-out"`` scores each group against all others: every picture both teaches and calibrates.
        ``"held-out"`` learns from a random half of the groups and calibrates on the other half: less power, and the
        theorem for lists holds (see ``flag_novel``).
    n_neighbors : int, default 3
        To how many nearest groups the distance is measured. More hides less behind a few odd known pictures, and
        blurs small kinds of pictures.
    random_state : int, default 0
        Seed of the halves.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.

    Returns
    -------
    NormalModel

    Raises
    ------
    ParameterError
        If *groups* has another length than *vectors*, or *calibration* is none of those.

    Notes
    -----
    The score is the distance to the nearest known pictures, after Sun, Ming, Zhu and Li (2022), "Out-of-distribution
    detection with deep nearest neighbors". A group is left out where it scores itself, which is where the p-value gets
    its guarantee from: with the new picture added to the others, as full conformal prediction asks (Vovk, Gammerman
    and Shafer, 2005), a known picture can only have nearer neighbors. So its score here is at least the one there, and
    the p-value too is at least that of full conformal prediction, which is valid at any sample size.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.novelty import fit_normal, score_new
    >>> model = fit_normal(np.random.default_rng(0).normal(size=(99, 8)) + 3)
    >>> found = score_new(model, [[1, 1, 1, 1, 1, 1, 1, 1], [9, 0, 0, 0, 0, 0, 0, -9]])
    >>> found.p_values.tolist()
    [0.98, 0.01]
    """
    known = np.asarray(vectors, dtype=np.float32)
    numbers = _check_groups(groups, len(known))
    check_choice(calibration, "calibration", "fit_normal", CALIBRATIONS)
    n_neighbors = check_integer(n_neighbors, "n_neighbors", "fit_normal", low=1)
    n_groups, firsts = int(numbers.max(initial=-1)) + 1, np.unique(numbers, return_index=True)[1]
    in_fit = np.ones(n_groups, dtype=bool)
    if calibration == "held-out":
        in_fit[np.random.default_rng(random_state).permutation(n_groups)[: n_groups // 2]] = False
    judged = firsts if calibration == "leave-one-out" else firsts[~in_fit]
    k = max(1, min(n_neighbors, int(in_fit.sum()) - (calibration == "leave-one-out")))
    is_fit = in_fit[numbers] if len(known) else np.empty(0, dtype=bool)
    distances = distances_to_groups(
        (known[is_fit], numbers[is_fit]), known[judged], numbers[judged], n_neighbors=k, n_jobs=n_jobs
    )
    order = np.argsort(distances, kind="stable")[: int(np.isfinite(distances).sum())]
    ascending = distances[order]
    scale = float(np.median(ascending)) if len(order) else 1.0
    return NormalModel(known, numbers, is_fit, ascending / scale, judged[order], scale, k)


def score_new(model: NormalModel, queries: npt.ArrayLike, *, n_nearest: int = 3, n_jobs: int = -1) -> NewScores:
    """Say of new pictures how far they are from what is normal.

    Parameters
    ----------
    model : NormalModel
        From ``fit_normal``.
    queries : array-like of shape (n_queries, n_features)
        The new pictures, by the same encoder.
    n_nearest : int, default 3
        How many of the nearest known pictures to name.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.

    Returns
    -------
    NewScores
        ``scores``: the geometric mean of the distances (1 - cosine) to the ``n_neighbors`` nearest known groups,
        divided by the median of this over the known pictures: 2 means *twice as far as usual*, and next to 0 that the
        same picture is known. ``p_values``: the
        share of the calibration that scores as high, the new picture counted in: ``(1 + count) / (n + 1)``. For a
        picture that is like the known ones, the chance of a p-value of at most a is at most a.

    Examples
    --------
    >>> from fastdup_nb.findings.novelty import fit_normal, score_new
    >>> found = score_new(fit_normal([[1, 0], [1, 0.1], [1, 0.2]], n_neighbors=1), [[1, 0.1], [0, 1]])
    >>> found.indices[:, 0].tolist(), found.p_values.tolist()
    ([1, 2], [1.0, 0.25])
    """
    asked = np.asarray(queries, dtype=np.float32)
    if not len(model.vectors) or not len(asked):
        nothing = np.full((len(asked), n_nearest), np.nan)
        return NewScores(nothing[:, 0].copy(), np.ones(len(asked)), np.full(nothing.shape, -1), nothing)
    nobody = np.full(len(asked), -1)
    distances = distances_to_groups(model.fitted, asked, nobody, n_neighbors=model.n_neighbors, n_jobs=n_jobs)
    scores = distances / model.scale
    n_higher = len(model.calibration) - np.searchsorted(model.calibration, scores, side="left")
    indices, near = search(model.vectors, asked, n_neighbors=n_nearest, n_jobs=n_jobs)
    similarities = np.where(indices >= 0, 1 - near.astype(np.float64), np.nan)
    p_values = np.asarray((1 + n_higher) * model.smallest_p, dtype=np.float64)
    return NewScores(scores, p_values, indices.astype(np.int64), similarities)


def group_twins(
    indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32], *, bound: float | None = None
) -> Rows:
    """Group vectors of which nothing is known but that they are unusually near: copies with a little noise.

    Parameters
    ----------
    indices, distances : arrays (n_samples, n_neighbors)
        The neighbor graph.
    bound : float, optional
        Largest distance of twins. By default a twentieth of the median distance to the last neighbor: in vectors that
        spread over more than a few dimensions, chance makes next to no such pairs, whatever their scale.

    Returns
    -------
    int64 array (n_samples,)
        A number for each row, the same for rows that are joined by twins.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.novelty import group_twins
    >>> indices = np.array([[1, 2], [0, 2], [0, 1]])
    >>> group_twins(indices, np.array([[0.001, 0.4], [0.001, 0.4], [0.4, 0.5]])).tolist()
    [0, 0, 1]
    """
    known = np.where(np.isfinite(distances), distances, np.nan)
    last = known[:, -1:] if known.size else np.empty((0, 1))
    if bound is None:
        bound = _TWIN_SHARE * float(np.nanmedian(last)) if np.isfinite(last).any() else 0.0
    rows, columns = np.nonzero((indices >= 0) & (distances <= bound))
    return label_connected(len(indices), rows, indices[rows, columns])


def _check_groups(groups: npt.ArrayLike | None, n: int) -> Rows:
    """Return groups numbered from 0 in the order in which they first occur."""
    if groups is None:
        return np.arange(n, dtype=np.int64)
    given = np.asarray(groups)
    if given.shape != (n,):
        raise ParameterError(
            f"The 'groups' parameter of fit_normal must have one entry for each of the {n:,} vectors. "
            f"Got shape {given.shape} instead."
        )
    _, firsts, inverse = np.unique(given, return_index=True, return_inverse=True)
    rank = np.empty(len(firsts), dtype=np.int64)
    rank[np.argsort(firsts)] = np.arange(len(firsts))
    return rank[inverse]


def distances_to_groups(
    fitted: tuple[Vectors, Rows],
    queries: Vectors,
    own: npt.NDArray[np.integer],
    *,
    n_neighbors: int,
    n_jobs: int,
) -> Floats:
    """Return the geometric mean of the distances to the nearest groups but its *own*; inf where there are too few."""
    vectors, numbers = fitted
    if not len(vectors) or not len(queries):
        return np.full(len(queries), np.inf)
    wide = min(4 * (n_neighbors + 1), len(vectors))
    indices, distances = search(vectors, queries, n_neighbors=wide, n_jobs=n_jobs)
    near = _first_of_each(numbers[indices], distances.astype(np.float64), own, n_neighbors)
    short = np.flatnonzero(~np.isfinite(near[:, -1])) if wide < len(vectors) else np.empty(0, dtype=np.int64)
    for start in range(0, len(short), _BLOCK):
        block = short[start : start + _BLOCK]
        near[block] = _nearest_groups(vectors, numbers, queries[block], own[block], n_neighbors)
    return np.asarray(np.exp(np.log(np.maximum(near, _SMALLEST)).mean(axis=1)))


def _first_of_each(numbers: Rows, distances: Floats, own: npt.NDArray[np.integer], n_neighbors: int) -> Floats:
    """Return the distances to the first *n_neighbors* different groups among neighbors in order, its own left out."""
    same = numbers[:, :, None] == numbers[:, None, :]
    is_first = ~np.tril(same, k=-1).any(axis=2) & (numbers != own[:, None])
    nearest = np.sort(np.where(is_first, distances, np.inf), axis=1)[:, :n_neighbors]
    missing = n_neighbors - nearest.shape[1]
    return np.pad(nearest, ((0, 0), (0, missing)), constant_values=np.inf) if missing else nearest


def _nearest_groups(
    vectors: Vectors, numbers: Rows, queries: Vectors, own: npt.NDArray[np.integer], n_neighbors: int
) -> Floats:
    """Return the same by looking at all vectors, for queries whose neighbors are all of one large group."""
    order = np.argsort(numbers, kind="stable")
    present, starts = np.unique(numbers[order], return_index=True)
    lengths = np.linalg.norm(vectors, axis=1)[order], np.linalg.norm(queries, axis=1)
    cosines = (queries @ vectors[order].T).astype(np.float64) / np.outer(lengths[1], lengths[0])
    nearest = np.maximum(1 - np.maximum.reduceat(cosines, starts, axis=1), 0)
    nearest[present[None, :] == own[:, None]] = np.inf
    return np.asarray(np.sort(np.partition(nearest, n_neighbors - 1, axis=1)[:, :n_neighbors], axis=1))
