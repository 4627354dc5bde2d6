"""Novelty of a list: new pictures judged together, so that a kind of picture that is new shows itself by its number.

A single picture is new by being far from all that is known. A list says more: where many of its pictures lie together
and few of the known ones do, something new has come, even if none of them is far out by itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..graph import search
from .classifying import fit_logistic
from .novelty import (
    Floats,
    NewScores,
    NormalModel,
    Rows,
    Vectors,
    distances_to_groups,
    fit_normal,
    group_twins,
    score_new,
)

__all__ = ["LEAST_KNOWN", "LEAST_NEW", "score_together", "smallest_together"]

LEAST_NEW, LEAST_KNOWN = 20, 40  # pictures, below which a list tells too little
_STRENGTH = 0.1  # of the fit: scikit-learn's C; smaller is simpler
_MOST_FITTED = 20_000
_N_FOLDS = 5
_N_AROUND = 20  # pictures of either side that tell how dense it is around one
_TWIN_SHARE = 0.05  # of the usual distance
_FAMILIAR = 0.99  # nearer to known pictures than so many of these are to each other


def score_together(
    model: NormalModel, queries: npt.ArrayLike, *, n_nearest: int = 3, random_state: int = 0, n_jobs: int = -1
) -> tuple[NewScores, int]:
    """Say of a list of new pictures how new they are, by what sets the list as a whole apart.

    Parameters
    ----------
    model : NormalModel
        From ``fit_normal``; its groups are split anew: a random half is learned from, the other half calibrates.
    queries : array-like of shape (n_queries, n_features)
        The new pictures, by the same encoder.
    n_nearest : int, default 3
        How many of the nearest known pictures to name.
    random_state : int, default 0
        Seed of the halves.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.

    Returns
    -------
    NewScores
        As ``score_new`` returns it, with other scores: the distance to the nearest known groups, times the odds of
        belonging to the list rather than to what was learned from, times how much denser the list is around it; larger
        is newer, 1 is ordinary. The factors are rescaled to the spread of the distances, so that all count alike.
    int
        Number of known pictures that calibrate.

    Notes
    -----
    After Marandon, Lei, Mary and Roquain (2024), "Adaptive novelty detection with false discovery rate guarantee": a
    classifier tells the first half from the second half and the new pictures mixed. Here there are two: logistic
    regression on the vectors, and the ratio of the distances to the 20 nearest of either side (as densities are
    compared by nearest neighbors; Loftsgaarden and Quesenberry, 1965), which sees small kinds that no plane parts.
    They do not know which of the mixture are new, so they treat them alike, and the p-values hold whatever they learn,
    as does the rule for lists. Where the list has too few pictures of a new kind to learn from, they count for nothing,
    and the distance is left. A picture that is nearer to known ones than 99 % of these are to each other has a p-value
    of 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.novelty import fit_normal
    >>> from fastdup_nb.findings.together import score_together
    >>> rng = np.random.default_rng(0)
    >>> found, n = score_together(fit_normal(rng.normal(size=(200, 8)) + 2), rng.normal(size=(50, 8)) - 2)
    >>> n, bool(np.median(found.p_values) < 0.02)
    (100, True)
    """
    split = fit_normal(
        model.vectors,
        groups=model.groups,
        calibration="held-out",
        n_neighbors=model.n_neighbors,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    asked = np.asarray(queries, dtype=np.float32)
    mixed = np.vstack([split.vectors[split.calibrated], asked])
    nobody = np.full(len(mixed), -1)
    distances = distances_to_groups(split.fitted, mixed, nobody, n_neighbors=split.n_neighbors, n_jobs=n_jobs)
    learned = np.intersect1d(np.unique(split.groups, return_index=True)[1], np.flatnonzero(split.is_fit))
    scores = np.log(distances)
    n_known = len(split.calibrated)
    twins = np.append(np.arange(n_known), n_known + _find_twins(asked, model.scale, n_jobs))
    rng, spread = np.random.default_rng(random_state), scores.std()
    for told, trust in (
        _learn_odds(split.vectors[learned], mixed, twins, rng),
        _compare_density(split.vectors[learned], mixed, twins, rng, n_jobs),
    ):
        if told.std() > 0:
            scores = scores + trust * told * spread / told.std()
    known, new = np.sort(scores[:n_known]), scores[n_known:]
    p_values = (1 + n_known - np.searchsorted(known, new, side="left")) / (n_known + 1)
    found = np.exp(new - np.median(known))
    alone = score_new(model, asked, n_nearest=n_nearest, n_jobs=n_jobs)
    is_familiar = alone.p_values >= _FAMILIAR
    p_values[is_familiar] = 1.0
    found[is_familiar] = np.minimum(found, alone.scores)[is_familiar]
    return NewScores(found, p_values, alone.indices, alone.similarities), n_known


def smallest_together(model: NormalModel) -> float:
    """Return the smallest p-value there can be where a list is judged together, which half of the groups calibrate."""
    return 1 / (model.n_groups // 2 + 1)


def _find_twins(vectors: Vectors, scale: float, n_jobs: int) -> Rows:
    """Return a number for each picture, the same in a burst of next to equal ones, which would seem a kind."""
    indices, distances = search(vectors, vectors, n_neighbors=8, n_jobs=n_jobs)
    return group_twins(indices, distances, bound=_TWIN_SHARE * scale)


def _learn_odds(learned: Vectors, mixed: Vectors, twins: Rows, rng: np.random.Generator) -> tuple[Floats, float]:
    """Return the log odds of each mixed picture of not being one of those learned from, and how far to trust them.

    Each is judged by what was fitted to other pictures. The trust is that of James and Stein: 0 where the odds tell the
    two sides no better than chance would, near 1 where they do so beyond doubt.
    """
    vectors = np.vstack([learned, mixed])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    is_mixed = np.arange(len(vectors)) >= len(learned)
    groups = np.append(np.arange(len(learned)), len(learned) + twins)
    is_first = np.isin(np.arange(len(vectors)), np.unique(groups, return_index=True)[1])
    fold = rng.permutation(np.arange(groups.max() + 1) % _N_FOLDS)[groups]
    odds = np.zeros(len(vectors))
    for number in range(_N_FOLDS):
        rows = rng.permutation(np.flatnonzero(is_first & (fold != number)))[:_MOST_FITTED]
        if len(np.unique(is_mixed[rows])) == 2 and (fold == number).any():
            model = fit_logistic(vectors[rows], is_mixed[rows], C=_STRENGTH, class_weight="balanced")
            odds[fold == number] = model.decision_function(vectors[fold == number])
    return odds[is_mixed], _measure_trust(odds[is_first], is_mixed[is_first])


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
