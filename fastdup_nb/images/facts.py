"""
What is measured of every picture, in one table: ``FACTS``.

All facts are taken from the *working picture*: the picture made small enough that its short side has 160 pixels. So
they cost the same for every picture, and do not depend on whether a JPEG was decoded at full or at reduced size, as
long as it was decoded with ``at_least`` of 160 or more. Colors are taken from the working picture at half its size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["FACTS", "WORKING_SIDE", "Fact", "measure_image"]

WORKING_SIDE = 160
"""Pixels on the short side of the working picture."""

_MAX_LONG_SIDE = 1280
_LEVELS = np.arange(256, dtype=np.float64) / 255
_MIN_STEP = 3  # levels; what is weaker is noise, or nothing
_MIN_STEP_SHARE = 0.1  # a direction with weaker edges than that beside the other has none: stripes, a horizon
_WIDEST_RATIO = 2.0  # white noise has 1.73
_BURNT = 250  # levels; a channel there has lost what it showed
_MIN_BURNT = 0.35  # share of pixels with such a channel
_PALE = 100  # levels; a channel of burnt light has at least that, one of a saturated color has less
_FADING = range(3, 24)  # levels between neighbors; less is a flat color and its noise, more is an edge
_MIN_FADING = 0.035  # share of neighbors, both burnt, that differ so; plain grounds, maps and pages have none


@dataclass(frozen=True, slots=True)
class Fact:
    """One column of the facts about images: name, dtype, and what the number means."""

    name: str
    dtype: str
    meaning: str


FACTS = (
    Fact(
        "sharpness",
        "float64",
        "Narrowness of the strongest edges, 0 (none, or wide) to 1 (a pixel); not of their height.",
    ),
    Fact("brightness", "float64", "Mean luma, 0 (black) to 1 (white)."),
    Fact("contrast", "float64", "Standard deviation of luma, 0 (flat) to 0.5 (half black, half white)."),
    Fact(
        "colorfulness",
        "float64",
        "Hasler and Suesstrunk's: 0 gray, 15 slightly, 45 quite, 100 extremely colorful.",
    ),
    Fact("entropy", "float64", "Entropy of the 256 levels of luma in bits, 0 (one level) to 8 (all alike frequent)."),
    Fact("n_unique_colors", "int64", "Colors at half the working size, counted in 32 steps a channel: 1 to 32,768."),
    Fact("bright_p1", "float64", "Luma that 1 % of the pixels do not exceed, 0 to 1."),
    Fact("bright_p5", "float64", "Luma that 5 % of the pixels do not exceed, 0 to 1."),
    Fact("bright_p50", "float64", "Median luma, 0 to 1."),
    Fact("bright_p95", "float64", "Luma that 95 % of the pixels do not exceed, 0 to 1."),
    Fact("bright_p99", "float64", "Luma that 99 % of the pixels do not exceed, 0 to 1."),
    Fact(
        "channel_spread",
        "float64",
        "Largest minus smallest channel at the 99.9th percentile of pixels, 0 (gray) to 1.",
    ),
    Fact(
        "overexposure",
        "float64",
        "Where lights are burnt out, the luma that two thirds of the other pixels do not exceed; else 0.",
    ),
)
"""Facts of one picture in the order of ``measure_image``."""

_PERCENTS = {"bright_p1": 0.01, "bright_p5": 0.05, "bright_p50": 0.5, "bright_p95": 0.95, "bright_p99": 0.99}


def measure_image(image: Image.Image) -> dict[str, float | int]:
    """
    Return the facts about one picture that are listed in ``FACTS``.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, as in ``Decoded.image``.

    Returns
    -------
    dict of str to float or int
        One plain Python number for each of ``FACTS``, in that order.

    Examples
    --------
    >>> from PIL import Image
    >>> facts = measure_image(Image.new("RGB", (200, 200), "white"))
    >>> facts["brightness"], facts["entropy"], facts["n_unique_colors"]
    (1.0, 0.0, 1)
    """
    working = _working_picture(image)
    luma = working.convert("L")
    found = {
        "sharpness": _sharpness(np.asarray(luma, dtype=np.int16)),
        **_tone(np.array(luma.histogram(), dtype=np.float64)),
        **_color(*(np.asarray(band, dtype=np.int16) for band in working.reduce(2).split())),
    }
    return {fact.name: found[fact.name] for fact in FACTS}


def _working_picture(image: Image.Image) -> Image.Image:
    scale = min(WORKING_SIDE / min(image.size), _MAX_LONG_SIDE / max(image.size))
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)


def _sharpness(luma: NDArray[np.int16]) -> float:
    """
    Return how narrow the strongest edges are: a blur widens them all, whatever their height.

    Across an edge of height h and width s, the first difference is about h / s and the second h / s**2, so that the
    second over the first is 1 / s. Both are taken where the picture has its strongest edges, and the direction with the
    wider ones counts, which tells motion. A smooth background does not matter, nor do darkness and low contrast.
    """
    steps = [np.diff(luma, axis=axis) for axis in (0, 1)]
    heights = [_strongest(step) for step in steps]
    enough = max(_MIN_STEP, _MIN_STEP_SHARE * max(heights))
    ratios = [
        max(0, _strongest(np.diff(step, axis=axis)) - 1) / (height + 1)  # rounding to 8 bits makes a difference of 1
        for axis, (step, height) in enumerate(zip(steps, heights, strict=True))
        if height >= enough
    ]
    return min(1.0, min(ratios, default=0.0) / _WIDEST_RATIO)


def _strongest(differences: NDArray[np.int16]) -> int:
    return _quantile(np.abs(differences).ravel(), 0.998) if differences.size else 0


def _quantile(values: NDArray[np.int16], part: float) -> int:
    """Return the smallest value that *part* of the values do not exceed, for a part near 1.

    The n-th largest of all is at least the n-th largest among the largest of slices, and few reach that.
    """
    n_from = values.size - math.ceil(part * values.size) + 1
    n_slices = min(values.size, 8 * n_from)
    peaks = values[: values.size // n_slices * n_slices].reshape(-1, n_slices).max(axis=0)
    large = values[values >= np.partition(peaks, -n_from)[-n_from]]
    return int(np.partition(large, -n_from)[-n_from])


def _tone(histogram: NDArray[np.float64]) -> dict[str, float]:
    share = histogram / histogram.sum()
    mean = float(share @ _LEVELS)
    present = share[share > 0]
    cumulated = np.cumsum(share) + 1e-9
    return {
        "brightness": mean,
        "contrast": float(np.sqrt(share @ (_LEVELS - mean) ** 2)),
        "entropy": float(abs(present @ np.log2(present))),
        **{name: float(_LEVELS[np.searchsorted(cumulated, part)]) for name, part in _PERCENTS.items()},
    }


def _color(red: NDArray[np.int16], green: NDArray[np.int16], blue: NDArray[np.int16]) -> dict[str, float | int]:
    red_green = red - green
    yellow_blue = red + green - 2 * blue  # twice what the paper has
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    coarse = ((red >> 3) << 10) + ((green >> 3) << 5) + (blue >> 3)
    means = np.array([red_green.mean(), yellow_blue.mean() / 2])
    squares = np.array([_mean_square(red_green), _mean_square(yellow_blue) / 4])
    deviation = np.sqrt(max(0.0, float((squares - means**2).sum())))
    return {
        "colorfulness": float(deviation + 0.3 * np.hypot(*means)),
        "n_unique_colors": int(np.count_nonzero(np.bincount(coarse.ravel()))),
        "channel_spread": _quantile(spread.ravel(), 0.999) / 255,
        "overexposure": _overexposure(red, green, blue),
    }


def _overexposure(red: NDArray[np.int16], green: NDArray[np.int16], blue: NDArray[np.int16]) -> float:
    """Return how light the rest is of a picture whose lights are burnt out, or 0.

    Light that is too much fills one channel before the others, and the least full one still fades from pixel to pixel
    there, which tells it from a ground, a map or a drawing of plain colors, white or not; and it leaves the rest light,
    which tells it from a sky behind trees.
    """
    is_burnt = np.maximum(np.maximum(red, green), blue) >= _BURNT
    if is_burnt.mean() < _MIN_BURNT:
        return 0.0
    least = np.minimum(np.minimum(red, green), blue)
    is_pale = is_burnt & (least >= _PALE)
    if _count_fading(least, is_pale) + _count_fading(least.T, is_pale.T) < _MIN_FADING * 2 * least.size:
        return 0.0
    luma = (red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)) / 255
    rest = luma[luma < _BURNT / 255]
    return float(np.quantile(rest, 2 / 3)) if rest.size else 0.0


def _count_fading(levels: NDArray[np.int16], mask: NDArray[np.bool_]) -> int:
    steps = np.abs(np.diff(levels, axis=0))
    fades = (steps >= _FADING.start) & (steps < _FADING.stop)
    return int(np.count_nonzero(fades & mask[1:] & mask[:-1]))


def _mean_square(values: NDArray[np.int16]) -> float:
    flat = values.ravel().astype(np.float32)
    return float(flat @ flat) / flat.size
