"""From a picture to the square an encoder takes: frame cut away, then fitted.

A frame is a plain margin in one color: a border, the page around a screenshot, the bars of a letterbox. Copies often
differ by nothing else. It is cut only where it ends in a straight edge, so an object photographed before a plain
background keeps that background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ._base import PixelArray

if TYPE_CHECKING:
    import PIL.Image

Box = tuple[float, float, float, float]
FITS = ("half", "squash", "crop")
_TOLERANCE = 24  # gray levels; above what JPEG does to a plain color
_PLAIN = 0.02  # share of a line that may differ while it still counts as plain
_EDGE = 0.3  # share of a line that differs where a frame ends
_INSIDE = 0.3, 0.5  # in this share of the lines, so much differs on average; of lines of text and their gaps less does
_LINES_AT_ONCE = 16
_LEAST_LEFT = 0.3  # of either side; a frame that leaves less is no frame


def fit_square(image: PIL.Image.Image, size: int, *, fit: str = "half", cut_frame: bool = True) -> PixelArray:
    """Return *image* as uint8 RGB of shape (size, size, 3).

    Parameters
    ----------
    image : PIL image
        Of any size and mode.
    size : int
        Pixels on a side of the result.
    fit : {"half", "squash", "crop"}
        What is done about the aspect ratio: "squash" keeps all of the picture and distorts it, "crop" keeps its
        middle and distorts nothing, "half" goes half the way of both.
    cut_frame : bool
        Whether a plain frame is cut away first.
    """
    from PIL import Image

    rgb = _shrink(image if image.mode == "RGB" else image.convert("RGB"), size)
    box = find_frame(np.asarray(rgb)) if cut_frame else (0, 0, rgb.width, rgb.height)
    return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR, box=_narrow(box, fit), reducing_gap=1.0))


def find_frame(pixels: PixelArray) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what lies inside the plain frame; all of *pixels* when there is none."""
    height, width = pixels.shape[:2]
    top = _frame_width(pixels)
    bottom = height - _frame_width(pixels[::-1])
    middle = pixels[top:bottom].swapaxes(0, 1)
    left = _frame_width(middle)
    right = width - _frame_width(middle[::-1])
    if bottom - top < _LEAST_LEFT * height or right - left < _LEAST_LEFT * width:
        return 0, 0, width, height
    return left, top, right, bottom


def _frame_width(lines: PixelArray) -> int:
    """Return how many of the first *lines* are plain, or 0 when they do not end in a straight edge."""
    first = _count_plain(lines)
    if first in {0, len(lines)}:
        return 0
    near, far = (first + max(2, int(len(lines) * share)) + 1 for share in (0.02, _INSIDE[0]))
    differing = _share_differing(lines[first:far], lines[0, 0])
    return first if differing[: near - first].max() >= _EDGE and differing.mean() >= _INSIDE[1] else 0


def _count_plain(lines: PixelArray) -> int:
    """Return how many of the first *lines* are of the color of the first pixel; few are looked at in most pictures."""
    if lines.size == 0:
        return 0
    start, stop = 0, 1
    while start < len(lines):
        busy = np.flatnonzero(_share_differing(lines[start:stop], lines[0, 0]) > _PLAIN)
        if busy.size:
            return start + int(busy[0])
        start, stop = stop, stop + _LINES_AT_ONCE
    return len(lines)


def _share_differing(lines: PixelArray, color: PixelArray) -> npt.NDArray[np.float64]:
    low = np.maximum(color, _TOLERANCE) - _TOLERANCE
    high = np.minimum(color, 255 - _TOLERANCE) + _TOLERANCE
    far = (lines - low) > (high - low)  # below low it wraps around
    differs = far[:, :, 0] | far[:, :, 1] | far[:, :, 2]
    return np.asarray(differs.sum(axis=1) / max(lines.shape[1], 1))


def _shrink(image: PIL.Image.Image, size: int) -> PIL.Image.Image:
    """Return *image* reduced by a whole number, so that looking for a frame stays cheap; it stays above 2 *size*."""
    factor = min(image.size) // (2 * size)
    return image.reduce(factor) if factor > 1 else image


def _narrow(box: tuple[int, int, int, int], fit: str) -> Box:
    """Return the part of *box* that is resized to the square."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    power = {"squash": 0.0, "half": 0.5, "crop": 1.0}[fit]
    kept_width = height * (width / height) ** (1 - power) if width > height else width
    kept_height = width * (height / width) ** (1 - power) if height > width else height
    x, y = max(left + (width - kept_width) / 2, left), max(top + (height - kept_height) / 2, top)
    return x, y, min(x + kept_width, right), min(y + kept_height, bottom)
