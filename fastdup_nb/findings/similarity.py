"""What is like some vectors and unlike others: one product with all vectors, whatever the number of queries.

The score is that of Rocchio (1971): the mean similarity to what is wanted, less a quarter of the mean similarity to
what is not. Both are means of cosines, so both together are one product of each vector with one weight vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..graph._vectors import RESOLUTION, pair_distances

__all__ = ["UNLIKE_WEIGHT", "Ranked", "rank_similar"]

UNLIKE_WEIGHT = 0.25
"""Weight of the mean similarity to what is not wanted; with 0 it counts for nothing, with 1 as much as the likeness."""

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows, best first, with the mean cosine to what is wanted and to what is not, and the score of both."""

    rows: IntArray
    similarity: FloatArray
    unlike_similarity: FloatArray
    score: FloatArray


def rank_similar(
    vectors: FloatArray, like: FloatArray, unlike: FloatArray, *, n: int, also: IntArray | None = None
) -> Ranked:
    """Return the rows most like some vectors and least like others, by exact search.

    Parameters
    ----------
    vectors : float32 array of shape (n_rows, n_features)
        Of length 1.
    like : float32 array of shape (n_like, n_features)
        What is wanted, of length 1; at least one.
    unlike : float32 array of shape (n_unlike, n_features)
        What is not wanted, of length 1; may be empty.
    n : int
        Rows to return; of equal scores the earlier ones.
    also : int64 array, optional
        Rows to return besides, wherever they rank.

    Returns
    -------
    Ranked
        ``similarity`` is the mean cosine to *like*, ``score`` that less a quarter of the mean cosine to *unlike*. With
        one vector in *like* and none in *unlike*, ``score`` is the cosine.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.similarity import rank_similar
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> ranked = rank_similar(vectors, vectors[[0, 1]], vectors[[1]], n=2)
    >>> ranked.rows.tolist(), ranked.score.tolist()
    ([0, 1], [0.5, 0.25])
    """
    weight = like.mean(axis=0)
    if len(unlike):
        weight = weight - np.float32(UNLIKE_WEIGHT) * unlike.mean(axis=0)
    scores = np.minimum(vectors @ weight, np.float32(1 - RESOLUTION))  # copies are ties, and ties go by row
    rows = _find_highest(scores, n)
    if also is not None and len(also):
        rows = np.union1d(rows, also)
    similarity, unlike_similarity = _mean_cosines(vectors, rows, like), _mean_cosines(vectors, rows, unlike)
    score = similarity - np.float32(UNLIKE_WEIGHT) * unlike_similarity if len(unlike) else similarity
    order = np.lexsort((rows, -score))
    return Ranked(rows[order], similarity[order], unlike_similarity[order], score[order])


def _find_highest(scores: FloatArray, n: int) -> IntArray:
    """Return the *n* rows of the highest scores, of equal ones the earlier."""
    if n >= len(scores):
        return np.arange(len(scores), dtype=np.int64)
    bound = np.partition(scores, len(scores) - n)[len(scores) - n]
    near = np.flatnonzero(scores >= bound)
    return near[np.argsort(-scores[near], kind="stable")[:n]]


def _mean_cosines(vectors: FloatArray, rows: IntArray, others: FloatArray) -> FloatArray:
    """Return the mean cosine of some rows to the others, rounded as in the graph; NaN where there are none."""
    if not len(others):
        return np.full(len(rows), np.nan, dtype=np.float32)
    distances = pair_distances(others, vectors, np.broadcast_to(rows, (len(others), len(rows))).astype(np.int32))
    return np.asarray((1 - distances).mean(axis=0), dtype=np.float32)
