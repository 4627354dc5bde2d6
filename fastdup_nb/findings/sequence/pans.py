"""Cameras that turn fast: a step that looks like a cut, but is one of several in which the picture moves on."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from .frames import Flags, Frames, Ints, correlate, find_side

_LEAST_OVERLAP = 0.45  # of the picture that is still there after a step
_TRACKED, _SURELY_TRACKED = 0.7, 0.8  # correlation of what is still there: at the step, and at one beside it
_LEAST_MOVE = 2  # cells from frame to frame


def flag_pans(frames: Frames, places: Ints) -> Flags:
    """Return which steps, to frames *places*, are part of a fast pan.

    What is left of the picture must have moved, and moved in the same direction at the step before or after as well. At
    a cut, even between two pans, what is left of the one picture is nowhere in the other.
    """
    is_pan = np.zeros(len(places), dtype=bool)
    if frames.details is None or not len(places) or not find_side(frames.details.shape[1]):
        return is_pan
    here, move = _track(frames, places)
    for beside in (places - 1, places + 1):
        inside = (beside > 0) & (beside < len(frames))
        there, other = _track(frames, np.clip(beside, 1, len(frames) - 1))
        is_same_way = ((move * other).sum(axis=1) > 0) & (np.abs(other).max(axis=1) >= _LEAST_MOVE)
        is_pan |= inside & (here >= _TRACKED) & (there >= _SURELY_TRACKED) & is_same_way
    return is_pan


def _track(frames: Frames, places: Ints) -> tuple[npt.NDArray[np.float32], Ints]:
    """Return by how many cells down and right the picture moved to each place, and how well what is left agrees."""
    x, y = frames.grays_of(places - 1), frames.grays_of(places)
    side = find_side(x.shape[1])
    x, y = x.reshape(-1, side, side), y.reshape(-1, side, side)
    best, move = np.full(len(x), -1, dtype=np.float32), np.zeros((len(x), 2), dtype=np.int64)
    most = int((1 - _LEAST_OVERLAP) * side)
    for down, right in product(range(-most, most + 1), repeat=2):
        if (side - abs(down)) * (side - abs(right)) < _LEAST_OVERLAP * side**2:
            continue
        found = correlate(_shift(x, -down, -right), _shift(y, down, right))
        is_better = found > best
        best[is_better], move[is_better] = found[is_better], (down, right)
    return best, move


def _shift(x: npt.NDArray[np.float32], down: int, right: int) -> npt.NDArray[np.float32]:
    """Return what is left of square pictures when so many rows and columns are taken off, as rows of numbers."""
    side = x.shape[1]
    left = x[:, max(0, down) : side + min(0, down), max(0, right) : side + min(0, right)]
    return left.reshape(len(x), -1)
