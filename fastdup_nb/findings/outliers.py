"""Outliers: pictures that are far even from the pictures nearest to them.

A score says how many times farther a picture's neighbors are than is usual in this collection; a bound says from which
score on a picture stands out. Both need only the neighbor graph.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from ..errors import ParameterError, ParameterTypeError

__all__ = ["check_contamination", "find_outliers", "flag_outliers", "score_outliers"]

Scores = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_NORMAL = NormalDist()
_FALSE_SHARE = 0.1  # of the flagged pictures that may be ordinary; also the chance that a clean set has any
_LEAST_SAMPLES = 20  # fewer do not tell what is ordinary
_LEAST_SPREAD = 0.01  # of the logarithms: scores within some percent of each other never stand out
_SMALLEST = 1e-4  # a distance that is nothing but rounding and recompression


def score_outliers(indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]) -> Scores:
    """Score how strange each picture is: larger is stranger, 1 is ordinary for this collection.

    The mean distance to the later two thirds of a picture's nearest neighbors (of 15, the 6th to the 15th), divided by
    the median of this over all pictures: 2 means *its neighbors are twice as far as usual*. The nearest third is passed
    over, so a few near-identical strange pictures do not hide each other.

    Parameters
    ----------
    indices : int32 array (n_samples, n_neighbors)
        Row numbers of each row's nearest neighbors, never itself; -1 where there is none.
    distances : float32 array (n_samples, n_neighbors)
        1 - cosine similarity to them, ascending; inf where there is none.

    Returns
    -------
    float64 array (n_samples,)
        Positive and finite. 1 for all where no picture has a neighbor (a lone picture is ordinary); a picture without
        neighbors among others that have some scores as high as the highest.

    Notes
    -----
    After the k-nearest-neighbor outliers of Ramaswamy, Rastogi and Shim (2000) and their mean by Angiulli and Pizzuti
    (2002). Scores relative to the neighbors' own density (LOF and the like) found fewer planted pictures; the numbers
    are in ``docs/findings.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.outliers import score_outliers
    >>> indices = np.array([[1], [0], [1]], dtype=np.int32)
    >>> score_outliers(indices, np.array([[0.1], [0.1], [0.4]], dtype=np.float32)).round(1)
    array([1., 1., 4.])
    """
    known = (indices >= 0) & np.isfinite(distances)
    n_known = known.sum(axis=1)
    if not n_known.any():
        return np.ones(len(indices))
    is_late = known & (np.arange(indices.shape[1]) >= (n_known // 3)[:, None])
    sums = np.where(is_late, distances, 0.0).sum(axis=1, dtype=np.float64)
    mean = np.maximum(sums, 0.0) / np.maximum(is_late.sum(axis=1), 1)
    mean[n_known == 0] = mean.max()
    return np.asarray((mean + _SMALLEST) / (np.median(mean) + _SMALLEST))


def flag_outliers(scores: Scores, *, contamination: float | str = "auto") -> tuple[Flags, float]:
    """Say which scores stand out, and above which bound.

    Parameters
    ----------
    scores : float array (n_samples,)
        From `score_outliers`; larger is stranger.
    contamination : "auto" or float in (0, 0.5], default "auto"
        ``"auto"`` flags what the rest of the collection does not explain, which may be nothing: at most about a tenth
        of the flagged are expected to be ordinary, and about one clean collection in ten has any flagged (of up to a
        few hundred, one in six). Fewer than 20 scores never have one. A float flags exactly
        ``round(contamination * n_samples)``, of equal scores the earlier ones.

    Returns
    -------
    is_outlier : bool array (n_samples,)
    bound : float
        Scores above it are flagged (with a float and equal scores at the bound, some at it as well). inf where
        nothing could be.

    Raises
    ------
    ParameterError, ParameterTypeError
        *contamination* is neither "auto" nor a float in (0, 0.5].

    Notes
    -----
    The logarithms of ordinary scores are close to normal in their upper half. Its spread is read off the 70 % to 90 %
    quantiles, which outliers do not reach, and the largest scores are judged by the false discovery rate (Benjamini
    and Hochberg, 1995).

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.outliers import flag_outliers
    >>> scores = np.append(np.linspace(0.9, 1.1, 99), 3.0)
    >>> is_outlier, bound = flag_outliers(scores)
    >>> is_outlier.nonzero()[0], round(bound, 1)
    (array([99]), 1.2)
    """
    scores = np.asarray(scores, dtype=np.float64)
    share = check_contamination(contamination, "flag_outliers")
    if not isinstance(share, str):
        return _flag_share(scores, share)
    bound = _find_bound(scores)
    return scores > bound, bound


def check_contamination(contamination: object, caller: str) -> float | str:
    """Return "auto" or a float in (0, 0.5], or raise."""
    if isinstance(contamination, str) and contamination == "auto":
        return contamination
    is_number = isinstance(contamination, numbers.Real) and not isinstance(contamination, bool)
    if is_number and 0 < float(contamination) <= 0.5:  # type: ignore[arg-type]
        return float(contamination)  # type: ignore[arg-type]
    error = ParameterError if is_number or isinstance(contamination, str) else ParameterTypeError
    raise error(
        f"The 'contamination' parameter of {caller} must be 'auto' or a float in (0, 0.5]. "
        f"Got {contamination!r} instead."
    )


def find_outliers(
    image_ids: Sequence[str],
    indices: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float32],
    *,
    rows: npt.NDArray[np.integer] | None = None,
    contamination: float | str = "auto",
) -> pd.DataFrame:
    """List all pictures, strangest first, and which of them stand out.

    Parameters
    ----------
    image_ids : sequence of str (n_images,)
        Names of the pictures.
    indices, distances : arrays (n_samples, n_neighbors)
        The neighbor graph; see `score_outliers`.
    rows : int array (n_images,), optional
        Row of the graph of each picture, where copies share one; by default picture *i* is row *i*.
    contamination : "auto" or float in (0, 0.5], default "auto"
        See `flag_outliers`.

    Returns
    -------
    DataFrame indexed by image_id
        ``outlier_score`` (float64, larger is stranger, 1 is ordinary), ``is_outlier`` (bool), ``nearest_id`` (image_id
        of the nearest neighbor) and ``nearest_similarity`` (float64, cosine), both missing without a neighbor; by
        descending score.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.outliers import find_outliers
    >>> indices = np.array([[1], [0], [1]], dtype=np.int32)
    >>> found = find_outliers(list("abc"), indices, np.array([[0.1], [0.1], [0.4]]), contamination=0.4)
    >>> found.index[found["is_outlier"]].tolist(), found.loc["c", "nearest_id"]
    (['c'], 'b')
    """
    rows = np.arange(len(indices)) if rows is None else rows
    if len(image_ids) != len(rows):
        wanted = f"have one entry for each of the {len(rows)} pictures. Got {len(image_ids)} instead."
        raise ParameterError(f"The 'image_ids' parameter of find_outliers must {wanted}")
    of_rows = score_outliers(indices, distances)
    scores = of_rows[rows]
    flags, bound = flag_outliers(of_rows if isinstance(contamination, str) else scores, contamination=contamination)
    flags = scores > bound if isinstance(contamination, str) else flags  # copies are counted once, and flagged alike
    firsts = np.asarray(image_ids, dtype=object)[np.unique(rows, return_index=True)[1]]
    nearest, similarity = (values[rows] for values in _find_nearest(firsts, indices, distances))
    columns = {"outlier_score": scores, "is_outlier": flags, "nearest_id": nearest, "nearest_similarity": similarity}
    frame = pd.DataFrame(columns, index=pd.Index(list(image_ids), name="image_id", dtype=TEXT))
    return frame.astype({"nearest_id": TEXT}).iloc[np.argsort(-scores, kind="stable")]


def _find_nearest(
    ids: npt.NDArray[np.object_], indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.object_], Scores]:
    nearest = np.full(len(ids), None, dtype=object)
    similarity = np.full(len(ids), np.nan)
    has_any = (indices >= 0).any(axis=1)
    if not has_any.any():
        return nearest, similarity
    nearest[has_any] = ids[indices[has_any, 0]]
    similarity[has_any] = 1.0 - distances[has_any, 0]
    return nearest, similarity


def _flag_share(scores: Scores, share: float) -> tuple[Flags, float]:
    """Flag exactly that share, of equal scores the earlier ones."""
    n_flagged = round(share * len(scores))
    flags = np.zeros(len(scores), dtype=np.bool_)
    flags[np.argsort(-scores, kind="stable")[:n_flagged]] = True
    return flags, float(scores[~flags].max(initial=0.0)) if n_flagged else float("inf")


def _find_bound(scores: Scores) -> float:
    """Return the score below which what is highest is still explained by the upper half of the scores."""
    n = len(scores)
    if n < _LEAST_SAMPLES:
        return float("inf")
    logs = np.log(np.maximum(scores, 1e-9))
    middle, spread = _fit_upper_half(logs)
    allowed = _FALSE_SHARE * np.arange(1, n + 1) / n
    heights = (np.sort(logs)[::-1] - middle) / spread
    chances = np.array([math.erfc(height / math.sqrt(2)) / 2 for height in heights])  # of an ordinary score this high
    n_found = int(np.flatnonzero(chances <= allowed).max(initial=0)) + 1
    return float(np.exp(middle - spread * _NORMAL.inv_cdf(allowed[n_found - 1])))


def _fit_upper_half(logs: Scores) -> tuple[float, float]:
    """Return the median and the standard deviation of the normal distribution that the upper half looks like."""
    middle = float(np.median(logs))
    levels = [0.7, 0.75, 0.8, 0.85, 0.9]
    heights = [_NORMAL.inv_cdf(level) for level in levels]
    spread = float(np.mean((np.quantile(logs, levels) - middle) / heights))
    return middle, max(spread, _LEAST_SPREAD)
