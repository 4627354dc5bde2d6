"""Novelty of a list: new pictures judged together, so that a kind of picture that is new shows itself by its number.

A single picture is new by being far from all that is known. A list says more: where many of its pictures lie together
and few of the known ones do, something new has come, even if none of them is far out by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._threads import one_blas_thread
from ..graph import search
from .novelty import (
    Floats,
    NewScores,
    NormalModel,
    Rows,
    Vectors,
    distances_to_groups,
    group_twins,
    score_new,
)

__all__ = ["LEAST_KNOWN", "LEAST_NEW", "score_together"]

LEAST_NEW, LEAST_KNOWN = 20, 40  # pictures, below which a list tells too little
_RIDGE = 100.0  # of the fit; larger is simpler
_MOST_FITTED = 20_000
_N_FOLDS = 5
_N_AROUND = 20  # pictures of either side that tell how dense it is around one
_TWIN_SHARE = 0.05  # of the usual distance
_N_ROUNDS = 10  # in each of which a tenth of the known pictures calibrates
_MANY = 5000  # known groups, of which one fifth is enough to calibrate
_UNLIKE = 0.75  # of the learned pictures have smaller odds than what is taken to be new,
_LEAST_UNLIKE = 10  # if there are so many
_SAFE = 0.75  # of the difference between rounds is taken off the spread of known pictures
_FAMILIAR = 0.99  # nearer to known pictures than so many of these are to each other


def score_together(
    model: NormalModel, queries: npt.ArrayLike, *, n_nearest: int = 3, random_state: int = 0, n_jobs: int = -1
) -> tuple[NewScores, int]:
    """Say of a list of new pictures how new they are, by what sets the list as a whole apart.

    Parameters
    ----------
    model : NormalModel
        From ``fit_normal``. A tenth of its groups calibrates what is learned from the others, each tenth in turn; of
        5,000 groups or more, one fifth. With ``calibration="held-out"``, the half that it holds out.
    queries : array-like of shape (n_queries, n_features)
        The new pictures, by the same encoder.
    n_nearest : int, default 3
        How many of the nearest known pictures to name.
    random_state : int, default 0
        Deals the groups.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.

    Returns
    -------
    NewScores
        As ``score_new`` returns it, with other scores: the distance to the nearest known groups (geometric mean of
        those of the vectors, and of the vectors less the mean of what was learned from), times the odds of belonging to
        the list rather than to what was learned from, times how much denser the list is around it; larger is newer, 1
        is ordinary. The factors are rescaled to the spread of the distances, so that all count alike.
    int
        Number of known pictures that calibrate.

    Notes
    -----
    After Marandon, Lei, Mary and Roquain (2024), "Adaptive novelty detection with false discovery rate guarantee": a
    classifier tells the pictures that teach from those that calibrate and the new ones mixed. Here there are two: a
    linear discriminant of the vectors, and the ratio of the distances to the 20 nearest of either side (as densities
    are compared by nearest neighbors; Loftsgaarden and Quesenberry, 1965), which sees small kinds that no plane parts,
    and counts as far as it tells the sides better than chance would. The discriminant is fitted twice, the second time
    to those of the mixture only that the first finds unlike what teaches (Liu, Dai, Li, Lee and Yu, 2003, "Building
    text classifiers using positive and unlabeled examples"). They do not know which of the mixture are new, so they
    treat them alike, whatever they learn. A picture that is nearer to known ones than 99 % of these are to each other
    has a p-value of 1.

    With one round the p-values and the rule for lists are proven, as there. Of ten rounds the scores are means, so that
    every known picture both teaches and calibrates; those of known pictures, which calibrate in one round each, are
    drawn together by as much as means spread less. That is measured, not proven (``docs/novelty.md``).

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.novelty import fit_normal
    >>> from fastdup_nb.findings.together import score_together
    >>> rng = np.random.default_rng(0)
    >>> found, n = score_together(fit_normal(rng.normal(size=(200, 8)) + 2), rng.normal(size=(50, 8)) - 2)
    >>> n, bool(np.median(found.p_values) < 0.02)
    (200, True)
    """
    asked = np.asarray(queries, dtype=np.float32)
    twins, rng = _find_twins(asked, model.scale, n_jobs), np.random.default_rng(random_state)
    pairs = []
    with one_blas_thread():
        for is_held in _deal_rounds(model, rng):
            known, new = _score_round(model, is_held, (asked, twins), rng, n_jobs)
            pairs.append((known - np.median(known), new - np.median(known)))
    known, new = np.concatenate([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])
    scores = new.mean(axis=0)
    known = np.sort(known.mean() + (known - known.mean()) * _shrink(known, new))
    p_values = (1 + len(known) - np.searchsorted(known, scores, side="left")) / (len(known) + 1)
    found = np.exp(scores)
    alone = score_new(model, asked, n_nearest=n_nearest, n_jobs=n_jobs)
    is_familiar = alone.p_values >= _FAMILIAR
    p_values[is_familiar] = 1.0
    found[is_familiar] = np.minimum(found, alone.scores)[is_familiar]
    return NewScores(found, p_values, alone.indices, alone.similarities), len(known)


def _shrink(known: Floats, new: Floats) -> float:
    """Return by how much less scores would spread that are means over rounds, as those of the new pictures are.

    A known picture calibrates in one round only. How much the rounds differ is told by those of the new pictures that
    look ordinary: more so than half of the known ones. Less of it is taken, to stay on the safe side.
    """
    n_rounds, is_ordinary = len(new), new.mean(axis=0) <= 0
    if n_rounds < 2 or not is_ordinary.any():
        return 1.0
    between = _SAFE * (1 - 1 / n_rounds) * float(np.median(new[:, is_ordinary].var(axis=0, ddof=1)))
    return float(np.sqrt(max(1 - between / max(known.var(), 1e-12), 0.25)))


def _deal_rounds(model: NormalModel, rng: np.random.Generator) -> list[npt.NDArray[np.bool_]]:
    """Return for each round which groups calibrate; of the many there are enough in one."""
    n_groups = model.n_groups
    if not model.is_fit.all():
        is_held = np.zeros(n_groups, dtype=bool)
        is_held[model.groups[~model.is_fit]] = True
        return [is_held]
    if n_groups >= _MANY:
        return [rng.permutation(n_groups) < n_groups // 5]
    fold = rng.permutation(np.arange(n_groups) % min(_N_ROUNDS, n_groups))
    return [fold == number for number in range(fold.max() + 1)]


def _score_round(
    model: NormalModel,
    is_held: npt.NDArray[np.bool_],
    new: tuple[Vectors, Rows],
    rng: np.random.Generator,
    n_jobs: int,
) -> tuple[Floats, Floats]:
    """Return the scores of the groups that are held out, and of the new pictures (and their twins), as logarithms."""
    asked, twins = new
    firsts, teaches = np.unique(model.groups, return_index=True)[1], ~is_held[model.groups]
    learned, held = model.vectors[firsts[~is_held]], model.vectors[firsts[is_held]]
    mixed, nobody = np.vstack([held, asked]), np.full(len(held) + len(asked), -1)
    n_neighbors, fitted = min(model.n_neighbors, len(learned)), (model.vectors[teaches], model.groups[teaches])
    middle, scores = learned.mean(axis=0), np.zeros(len(mixed))
    for origin in (np.zeros_like(middle), middle):  # the second tells more where the known are of many kinds
        around = fitted[0] - origin, fitted[1]
        far = distances_to_groups(around, mixed - origin, nobody, n_neighbors=n_neighbors, n_jobs=n_jobs)
        scores += np.log(far) / 2
    spread, groups = scores.std(), np.append(np.arange(len(held)), len(held) + twins)
    odds, trust_in_odds = _learn_odds(learned, mixed, groups, rng)
    denser, trust_in_density = _compare_density(learned, mixed, groups, rng, n_jobs)
    trust_in_odds = max(trust_in_odds, 1 - trust_in_density**2)  # where density tells nothing, only they can tell
    for told, trust in ((odds, trust_in_odds), (denser, trust_in_density)):
        if told.std() > 0:
            scores = scores + trust * told * spread / told.std()
    return scores[: len(held)], scores[len(held) :]


def _find_twins(vectors: Vectors, scale: float, n_jobs: int) -> Rows:
    """Return a number for each picture, the same in a burst of next to equal ones, which would seem a kind."""
    indices, distances = search(vectors, vectors, n_neighbors=8, n_jobs=n_jobs)
    return group_twins(indices, distances, bound=_TWIN_SHARE * scale)


def _learn_odds(learned: Vectors, mixed: Vectors, twins: Rows, rng: np.random.Generator) -> tuple[Floats, float]:
    """Return the log odds of each mixed picture of not being one of those learned from, and how far to trust them.

    Each is judged by what was fitted to other pictures, in two steps: of the mixture, the second is fitted to those
    only that the first, fitted to others again, finds unlike what was learned.
    """
    vectors = np.vstack([learned, mixed])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    vectors -= vectors.mean(axis=0)
    is_mixed = np.arange(len(vectors)) >= len(learned)
    groups = np.append(np.arange(len(learned)), len(learned) + twins)
    is_first = np.isin(np.arange(len(vectors)), np.unique(groups, return_index=True)[1])
    fold = rng.permutation(np.arange(groups.max() + 1) % _N_FOLDS)[groups]
    sides = [is_first & ~is_mixed, is_first & is_mixed]
    parts = [[_Sums.of(vectors[side & (fold == number)]) for side in sides] for number in range(_N_FOLDS)]

    def add_up(side: int, *left_out: int) -> _Sums:
        return _Sums.total([part[side] for number, part in enumerate(parts) if number not in left_out])

    odds, first = np.zeros(len(vectors)), np.zeros(len(vectors))
    for number in range(_N_FOLDS):
        for other in set(range(_N_FOLDS)) - {number}:
            away = add_up(0, number, other), add_up(1, number, other)
            first[fold == other] = _tell_apart(*away, vectors[fold == other])
        taught = [side & (fold != number) for side in sides]
        unlike = taught[1] & (first > np.quantile(first[taught[0]], _UNLIKE)) if taught[0].any() else taught[1]
        new = _Sums.of(vectors[unlike]) if unlike.sum() >= _LEAST_UNLIKE else add_up(1, number)
        odds[fold == number] = _tell_apart(add_up(0, number), new, vectors[fold == number])
    return odds[is_mixed], _measure_trust(odds[is_first], is_mixed[is_first])


@dataclass(frozen=True, eq=False)
class _Sums:
    """What one side of a discriminant is made of: the number of its vectors, their sum, and that of their products."""

    n: int
    vectors: Floats
    products: Floats

    @classmethod
    def of(cls, vectors: Vectors) -> _Sums:
        return cls(len(vectors), vectors.sum(axis=0, dtype=np.float64), (vectors.T @ vectors).astype(np.float64))

    @classmethod
    def total(cls, parts: Sequence[_Sums]) -> _Sums:
        products = np.zeros_like(parts[0].products)
        for part in parts:
            products += part.products
        return cls(sum(part.n for part in parts), np.sum([part.vectors for part in parts], axis=0), products)


def _tell_apart(a: _Sums, b: _Sums, vectors: Vectors) -> Floats:
    """Return the log odds of vectors of being of side b, by a linear discriminant to which both sides are one half."""
    from scipy.linalg import solve

    if not a.n or not b.n:
        return np.zeros(len(vectors))
    means = np.stack([a.vectors / a.n, b.vectors / b.n])
    within = (a.products / a.n + b.products / b.n - means.T @ means) / 2
    within[np.diag_indices_from(within)] += _RIDGE / (a.n + b.n)
    weights = solve(within, means[1] - means[0], assume_a="pos", overwrite_a=True, check_finite=False)
    return np.asarray(vectors @ weights - means.mean(axis=0) @ weights, dtype=np.float64)


def _compare_density(
    learned: Vectors, mixed: Vectors, twins: Rows, rng: np.random.Generator, n_jobs: int
) -> tuple[Floats, float]:
    """Return how much denser the mixture is around each mixed picture than what was learned, and how far to trust it.

    That is the log distance to the nearest of the one less that to the nearest of the other, twins left out.
    """
    a = rng.permutation(len(learned))[:_MOST_FITTED]
    b = rng.permutation(len(mixed))[:_MOST_FITTED]
    k = min(_N_AROUND, len(a) - 1, len(np.unique(twins[b])) - 1)
    if k < 1:
        return np.zeros(len(mixed)), 0.0
    sides = (learned[a], a), (mixed[b], twins[b])

    def compare(vectors: Vectors, own: Rows, other: Rows) -> Floats:
        to_learned, to_mixed = (
            distances_to_groups(side, vectors, numbers, n_neighbors=k, n_jobs=n_jobs)
            for side, numbers in zip(sides, (own, other), strict=True)
        )
        return np.asarray(np.log(to_learned) - np.log(to_mixed))

    of_mixed = compare(mixed, np.full(len(mixed), -1), twins)
    of_learned = compare(learned[a], a, np.full(len(a), -1))
    firsts = np.unique(twins, return_index=True)[1]
    told = np.append(of_learned, of_mixed[firsts])
    return of_mixed, _measure_trust(told, np.arange(len(told)) >= len(of_learned))


def _measure_trust(odds: Floats, is_mixed: npt.NDArray[np.bool_]) -> float:
    """Return 1 - (error / excess)², at least 0, of the area under the curve over one half."""
    from scipy.stats import rankdata

    n_mixed, n_learned = int(is_mixed.sum()), int((~is_mixed).sum())
    ranks = float(rankdata(odds)[is_mixed].sum())
    excess = (ranks - n_mixed * (n_mixed + 1) / 2) / (n_mixed * n_learned) - 0.5
    error = np.sqrt((n_mixed + n_learned + 1) / (12 * n_mixed * n_learned))
    return max(0.0, 1 - float(error / excess) ** 2) if excess > 0 else 0.0
