"""Which p-values of a list are small enough: one by one, or after Benjamini and Hochberg (1995)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._validation import check_choice

__all__ = ["CONTROLS", "adjust_p_values", "count_needed", "flag_novel"]

Floats = npt.NDArray[np.float64]

CONTROLS = ("list", "each")


def adjust_p_values(p_values: npt.ArrayLike) -> Floats:
    """Return for each p-value of a list the smallest rate at which Benjamini and Hochberg (1995) would flag it.

    Parameters
    ----------
    p_values : array-like of float (n,)
        NaN is left out, and stays NaN.

    Returns
    -------
    float64 array (n,)
        At least the p-value itself, at most 1.

    Examples
    --------
    >>> from fastdup_nb.findings.novelty import adjust_p_values
    >>> adjust_p_values([0.01, 0.04, 0.03, 0.9]).round(3).tolist()
    [0.04, 0.053, 0.053, 0.9]
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    raised = values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return adjusted


def flag_novel(
    p_values: npt.ArrayLike, *, false_alarm_rate: float = 0.01, control: str = "list"
) -> npt.NDArray[np.bool_]:
    """Say which p-values are small enough.

    Parameters
    ----------
    p_values : array-like of float (n,)
        From ``score_new``; NaN is never flagged.
    false_alarm_rate : float in (0, 1), default 0.01
        What is allowed; smaller flags less.
    control : {"list", "each"}, default "list"
        ``"list"``: of the flagged, at most this share is expected to be ordinary, and of a list without anything new,
        with at most this chance anything is flagged (Benjamini and Hochberg, 1995). ``"each"``: of the ordinary
        pictures, at most this share is expected to be flagged, however long the list.

    Returns
    -------
    bool array (n,)

    Notes
    -----
    Bates, Candès, Lei, Romano and Sesia (2023), "Testing for outliers with conformal p-values", show that the rule for
    lists holds with a held-out calibration. With leave-one-out it is not proven; ``docs/novelty.md`` measures it.

    Examples
    --------
    >>> from fastdup_nb.findings.novelty import flag_novel
    >>> flag_novel([0.004, 0.3, 0.009], false_alarm_rate=0.01).tolist()
    [False, False, False]
    >>> flag_novel([0.004, 0.3, 0.009], false_alarm_rate=0.01, control="each").tolist()
    [True, False, True]
    """
    check_choice(control, "control", "flag_novel", CONTROLS)
    values = adjust_p_values(p_values) if control == "list" else np.asarray(p_values, dtype=np.float64)
    return np.asarray(values <= false_alarm_rate * (1 + 1e-12))  # NaN is not; the rest is rounding


def count_needed(smallest_p: float, n_tested: int, false_alarm_rate: float) -> int:
    """Return how many of a list must have the smallest p-value before Benjamini and Hochberg flag any.

    More than *n_tested* means that none of this list can be flagged.

    Examples
    --------
    >>> from fastdup_nb.findings.novelty import count_needed
    >>> count_needed(1 / 400, 20, 0.01), count_needed(1 / 40, 20, 0.01)
    (5, 50)
    """
    return max(1, int(np.ceil(smallest_p * n_tested / false_alarm_rate - 1e-9)))
