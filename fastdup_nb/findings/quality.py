"""
Which pictures are broken, dark, blurry, ... from facts that were measured before.

The issues and their words are those of cleanvision. Every score runs from 0 (worst) to 1 (best), and a picture has an
issue when its score is below the bound, so a bound can be changed without reading a picture again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._validation import check_number
from ..errors import ParameterError, ParameterTypeError

__all__ = ["QUALITY_BOUNDS", "QUALITY_ISSUES", "check_bounds", "find_quality_issues"]

QUALITY_ISSUES: Mapping[str, str] = MappingProxyType(
    {
        "broken": "cannot be read; 0 or 1",
        "dark": "luma that 99 % of the pixels do not exceed: even the lights are dark",
        "bright": "1 minus the luma that 5 % of the pixels do not exceed, or 2/3 of the rest where light burnt out",
        "blurry": "narrowness of the strongest edges: even the sharpest part is not sharp",
        "low_information": "entropy in parts of 8 bits, or 8 times the contrast where that is less: next to one tone",
        "odd_aspect_ratio": "shorter side divided by the longer one",
        "odd_size": "1 / (1 + d); d tells how far the size lies outside the middle half of the collection",
        "grayscale": "largest difference between channels, in parts of the light; 1 for all where most are gray",
    }
)
"""What the score of each issue is; the order is that of the columns."""

QUALITY_BOUNDS: Mapping[str, float] = MappingProxyType(
    {
        "dark": 0.32,
        "bright": 0.3,
        "blurry": 0.3,
        "low_information": 0.15,
        "odd_aspect_ratio": 0.35,
        "odd_size": 0.33,
        "grayscale": 0.02,
    }
)
"""Scores below which a picture has the issue; a larger bound finds more."""

_CALLER = "find_quality_issues"
_Column = NDArray[np.float64]
_FACTS = (
    "width",
    "height",
    "sharpness",
    "contrast",
    "entropy",
    "bright_p5",
    "bright_p99",
    "channel_spread",
    "overexposure",
)
_DARKEST = 0.2  # of a picture that is darker no color is asked
_OCTAVE = 1.0  # doubled sides: the least spread of sizes that a collection is given


def find_quality_issues(images: pd.DataFrame, *, bounds: Mapping[str, float] | None = None) -> pd.DataFrame:
    """
    Return which images are broken, dark, bright, blurry, empty, or odd among the others, and how much so.

    Parameters
    ----------
    images : pandas.DataFrame of shape (n_images, any)
        One row per image, with the facts of ``measure_image`` and ``width``, ``height``, ``is_broken``. The index is
        the image id.
    bounds : mapping of str to float, optional
        Scores in [0, 1] below which an image has an issue, in place of those in ``QUALITY_BOUNDS``; a larger bound
        finds more.

    Returns
    -------
    pandas.DataFrame of shape (n_images, 16)
        Same index. For each of ``QUALITY_ISSUES`` the columns ``is_<issue>`` (bool) and ``<issue>_score`` (float64, 0
        is worst, 1 is best). A broken image has ``broken_score`` 0, no other score (NaN) and no other issue.

    Raises
    ------
    ParameterError
        A bound of an unknown name or outside [0, 1], or a column that is missing.

    Notes
    -----
    A picture of low information is not called blurry, for there is nothing in it that could be sharp. ``odd_size`` and
    ``grayscale`` depend on the collection: the size is compared with the middle half of the readable images, in octaves
    of the side (at least one octave counts as usual spread); gray pictures are an issue only among pictures of which
    most are in color.

    Examples
    --------
    >>> import pandas as pd
    >>> facts = {"sharpness": 0.6, "contrast": 0.2, "entropy": 7.1, "bright_p5": 0.1, "channel_spread": 0.4}
    >>> images = pd.DataFrame([facts, facts], index=pd.Index(["day.jpg", "night.jpg"], name="image_id"))
    >>> images = images.assign(width=640, height=480, is_broken=False, overexposure=0.0, bright_p99=[0.9, 0.1])
    >>> issues = find_quality_issues(images)
    >>> issues.index[issues["is_dark"]].tolist()
    ['night.jpg']
    """
    _check_columns(images)
    limits = check_bounds(bounds, _CALLER)
    broken = images["is_broken"].to_numpy(dtype=bool)
    facts = {name: np.where(broken, np.nan, images[name].to_numpy(dtype="float64", na_value=np.nan)) for name in _FACTS}
    scores = _score(facts, limits["grayscale"])
    found = {"broken": broken, **{issue: scores[issue] < bound for issue, bound in limits.items()}}
    found["blurry"] = found["blurry"] & ~found["low_information"]
    scores["broken"] = np.where(broken, 0.0, 1.0)
    columns: dict[str, NDArray[Any]] = {}
    for issue in QUALITY_ISSUES:
        columns[f"is_{issue}"] = found[issue]
        columns[f"{issue}_score"] = scores[issue]
    return pd.DataFrame(columns, index=images.index)


def check_bounds(bounds: Mapping[str, float] | None, caller: str) -> dict[str, float]:
    """Return the bound of every issue, with *bounds* in place of the usual ones, or raise."""
    if bounds is None:
        return dict(QUALITY_BOUNDS)
    if not isinstance(bounds, Mapping):
        raise ParameterTypeError(
            f"The 'bounds' parameter of {caller} must be a mapping of issue to float. Got {bounds!r} instead."
        )
    unknown = [name for name in bounds if name not in QUALITY_BOUNDS]
    if unknown:
        known = ", ".join(map(repr, QUALITY_BOUNDS))
        raise ParameterError(
            f"The 'bounds' parameter of {caller} must have keys among {known}. Got {unknown[0]!r} instead."
        )
    given = {name: check_number(value, f"bounds[{name!r}]", caller, low=0, high=1) for name, value in bounds.items()}
    return {**QUALITY_BOUNDS, **given}


def _score(facts: Mapping[str, _Column], gray_bound: float) -> dict[str, _Column]:
    """Return one column of scores for each bound; NaN where the facts are."""
    wide, high = facts["width"], facts["height"]
    scores = {
        "dark": facts["bright_p99"],
        "bright": 1 - np.maximum(facts["bright_p5"], facts["overexposure"]),
        "blurry": facts["sharpness"],
        "low_information": np.minimum(facts["entropy"] / 8, 8 * facts["contrast"]),
        "odd_aspect_ratio": np.minimum(wide, high) / np.maximum(wide, high),
        "odd_size": _usualness(np.log2(wide * high) / 2),
        "grayscale": _color_among(facts["channel_spread"] / np.clip(2 * facts["bright_p99"], _DARKEST, 1), gray_bound),
    }
    return {issue: np.clip(score, 0.0, 1.0) for issue, score in scores.items()}


def _usualness(octaves: _Column) -> _Column:
    known = octaves[np.isfinite(octaves)]
    if not known.size:
        return octaves
    low, high = np.quantile(known, [0.25, 0.75])
    outside = np.maximum(0.0, np.maximum(low - octaves, octaves - high))
    usualness: _Column = 1 / (1 + outside / max(high - low, _OCTAVE))
    return usualness


def _color_among(spread: _Column, bound: float) -> _Column:
    known = spread[np.isfinite(spread)]
    if np.count_nonzero(known < bound) * 2 < known.size:
        return spread
    return np.where(np.isfinite(spread), 1.0, np.nan)


def _check_columns(images: pd.DataFrame) -> None:
    if not isinstance(images, pd.DataFrame):
        raise ParameterTypeError(f"The 'images' parameter of {_CALLER} must be a pandas DataFrame. Got {type(images)}.")
    missing = [name for name in ("is_broken", *_FACTS) if name not in images.columns]
    if missing:
        raise ParameterError(f"The 'images' parameter of {_CALLER} must have the columns {', '.join(missing)}.")
