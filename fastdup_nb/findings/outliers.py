"""Outliers: pictures that are far from even the pictures nearest to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fastdup_nb._validation import check_number
from fastdup_nb.errors import ParameterError

__all__ = ["find_outliers", "flag_outliers", "score_outliers"]


def score_outliers(indices: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Score how strange each picture is: larger is stranger, 1 is ordinary for this collection."""
    n, k = indices.shape
    if n == 0 or k == 0:
        return np.ones(n)
    known = np.where(indices >= 0, distances, np.nan).astype(np.float64)
    late = known[:, min(k - 1, k // 3) :]
    counts = np.isfinite(late).sum(axis=1)
    sums = np.nansum(late, axis=1)
    raw = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    if not np.isfinite(raw).any():
        return np.ones(n)
    raw = np.where(np.isnan(raw), np.nanmax(raw), raw)
    ordinary = float(np.median(raw))
    return np.asarray((raw + 1e-6) / (ordinary + 1e-6))


def flag_outliers(scores: np.ndarray, *, contamination: float | str = "auto") -> tuple[np.ndarray, float]:
    """Say which scores stand out, and the bound above which they do."""
    scores = np.asarray(scores, dtype=np.float64)
    if contamination != "auto":
        return _flag_share(scores, contamination)
    bound = _find_bound(scores)
    return scores > bound, bound


def find_outliers(
    image_ids: Sequence[str],
    indices: np.ndarray,
    distances: np.ndarray,
    *,
    contamination: float | str = "auto",
) -> pd.DataFrame:
    """List all pictures, strangest first, with whether they stand out."""
    ids = np.asarray(image_ids, dtype=object)
    scores = score_outliers(indices, distances)
    flags, _ = flag_outliers(scores, contamination=contamination)
    has_nearest = indices[:, 0] >= 0 if indices.shape[1] else np.zeros(len(ids), bool)
    nearest = np.full(len(ids), None, dtype=object)
    similarity = np.full(len(ids), np.nan)
    nearest[has_nearest] = ids[indices[has_nearest, 0]]
    similarity[has_nearest] = 1.0 - distances[has_nearest, 0]
    frame = pd.DataFrame(
        {"outlier_score": scores, "is_outlier": flags, "nearest_id": nearest, "nearest_similarity": similarity},
        index=pd.Index(ids, name="image_id", dtype=object),
    ).astype({"nearest_id": object})
    return frame.iloc[np.argsort(-scores, kind="stable")]


def _flag_share(scores: np.ndarray, contamination: float | str) -> tuple[np.ndarray, float]:
    """Flag exactly round(contamination * n); ties go to the earlier row."""
    share = check_number(contamination, "contamination", "flag_outliers", low=0.0, high=0.5)
    if share == 0:
        raise ParameterError("The 'contamination' parameter of flag_outliers must be 'auto' or a float in (0, 0.5].")
    n_flagged = round(share * len(scores))
    order = np.argsort(-scores, kind="stable")
    flags = np.zeros(len(scores), bool)
    flags[order[:n_flagged]] = True
    bound = float(scores[order[n_flagged]]) if n_flagged < len(scores) else float("inf")
    return flags, bound


def _find_bound(scores: np.ndarray) -> float:
    """Bound that an ordinary collection passes with probability 0.05."""
    if len(scores) < 10:
        return float("inf")
    logs = np.log(np.maximum(scores, 1e-6))
    half, three_quarters = np.quantile(logs, [0.5, 0.9])
    scale = max((three_quarters - half) / np.log(5), 1e-3)
    return float(np.exp(half + scale * np.log(len(scores) * 0.5 / 0.05)))
