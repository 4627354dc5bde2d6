"""Novelty of a list: new pictures judged together, so that a kind of picture that is new shows itself by its number.

A single picture is new by being far from all that is known. A list says more: where many of its pictures lie together
and few of the known ones do, something new has come, even if none of them is far out by itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..graph import search
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

__all__ = ["LEAST_KNOWN", "LEAST_NEW", "score_together"]

LEAST_NEW, LEAST_KNOWN = 20, 40  # pictures, below which a list tells too little
_STRENGTH = 0.1  # of the fit: scikit-learn's C; smaller is simpler
_MOST_FITTED = 10_000
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
        belonging to the list rather than to what was learned from; larger is newer, 1 is ordinary. The odds are
        rescaled to the spread of the distances, so that both count alike.
    int
        Number of known pictures that calibrate.

    Notes
    -----
    After Marandon, Lei, Mary and Roquain (2024), "Adaptive novelty detection with false discovery rate guarantee": a
    classifier (here logistic regression on the vectors) tells the first half from the second half and the new pictures
    mixed. It does not know which of these are new, so it treats them alike, and the p-values hold whatever it learns,
    as does the rule for lists. It learns something only where the list has many pictures of a new kind. A picture that
    is nearer to known ones than 99 % of these are to each other has a p-value of 1.

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
    different = np.append(np.arange(n_known), n_known + _leave_out_twins(asked, model.scale, n_jobs))
    odds = _learn_odds(split.vectors[learned], mixed, different, np.random.default_rng(random_state))
    if odds.std() > 0:
        scores = scores + odds * scores.std() / odds.std()
    known, new = np.sort(scores[:n_known]), scores[n_known:]
    p_values = (1 + n_known - np.searchsorted(known, new, side="left")) / (n_known + 1)
    found = np.exp(new - np.median(known))
    alone = score_new(model, asked, n_nearest=n_nearest, n_jobs=n_jobs)
    is_familiar = alone.p_values >= _FAMILIAR
    p_values[is_familiar] = 1.0
    found[is_familiar] = np.minimum(found, alone.scores)[is_familiar]
    return NewScores(found, p_values, alone.indices, alone.similarities), n_known


def _leave_out_twins(vectors: Vectors, scale: float, n_jobs: int) -> Rows:
    """Return one row of each burst of all but the same pictures, which would count as a kind of their own."""
    indices, distances = search(vectors, vectors, n_neighbors=8, n_jobs=n_jobs)
    twins = group_twins(indices, distances, bound=_TWIN_SHARE * scale)
    return np.unique(twins, return_index=True)[1].astype(np.int64)


def _learn_odds(learned: Vectors, mixed: Vectors, different: Rows, rng: np.random.Generator) -> Floats:
    """Return the log odds of each mixed picture of being one of these rather than one that was learned from."""
    from sklearn.linear_model import LogisticRegression

    parts = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (learned, mixed)]
    fitted = [
        part if len(part) <= _MOST_FITTED else rng.permutation(part)[:_MOST_FITTED]
        for part in (parts[0], parts[1][different])
    ]
    is_mixed = np.repeat([0, 1], [len(part) for part in fitted])
    model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000, tol=1e-3)
    return np.asarray(model.fit(np.vstack(fitted), is_mixed).decision_function(parts[1]), dtype=np.float64)
