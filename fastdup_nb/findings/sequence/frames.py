"""Frames in order, and how far apart any two of them are: what all findings about time are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COPY, SCENE = 0.12, 0.2  # distances up to which two frames are edited copies, and show the same scene
_CHUNK = 4096  # pairs at once, to spare memory
_WEIGHT, _POWER = 0.8, 6  # of agreement in structure
_NOISE = 2.0  # gray levels of contrast below which structure says nothing
_FLAT = 4.0  # gray levels of contrast below which a picture shows nothing
_LEVELS = 255.0


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one sequence, in order.

    Attributes
    ----------
    vectors : float32 array (n_samples, n_features)
        L2-normalized; frames that are exact copies may share a row.
    details : uint8 array (n_samples, side * side) or None
        Small gray pictures of the same pass.
    rows : int64 array (n_frames,)
        Row of each frame.
    """

    vectors: npt.NDArray[np.float32]
    details: npt.NDArray[np.uint8] | None
    rows: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def vectors_of(self, frames: Ints) -> npt.NDArray[np.float32]:
        """Return the vectors of some frames."""
        return self.vectors[self.rows[frames]]

    def grays_of(self, frames: Ints) -> npt.NDArray[np.float32]:
        """Return the small gray pictures of some frames, in gray levels; their vectors where there are none."""
        if self.details is None:
            return self.vectors_of(frames)
        return self.details[self.rows[frames]].astype(np.float32)

    def distance(self, a: Ints, b: Ints) -> Floats:
        """Return how far frame ``a[i]`` is from frame ``b[i]``: 0 is the same, about 1 is unrelated.

        The cosine distance of the vectors (what is seen), made smaller where the small gray pictures agree (where it
        is), wherever the camera has moved by up to a sixteenth of the picture.
        """
        return self._in_chunks(self._measure, a, b)

    def cosine(self, a: Ints, b: Ints) -> Floats:
        """Return the cosine distances alone; cheap."""
        return self._in_chunks(self._measure_cosine, a, b)

    def motion(self, a: Ints, b: Ints) -> Floats:
        """Return how much moved: the root mean square difference of the gray pictures, in gray levels."""
        return self._in_chunks(self._measure_motion, a, b)

    @cached_property
    def brightness(self) -> Floats:
        """Mean gray of each frame, 0 to 1; NaN without details."""
        return self._of_rows(lambda x: x.mean(axis=1) / _LEVELS)

    @cached_property
    def contrast(self) -> Floats:
        """Standard deviation of gray of each frame, in gray levels; NaN without details."""
        return self._of_rows(lambda x: x.std(axis=1))

    @property
    def is_blank(self) -> Flags:
        """Whether a frame shows nothing: black, white, one tone. Never without details."""
        return self.contrast < _FLAT

    def _of_rows(self, measure: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]) -> Floats:
        if self.details is None:
            return np.full(len(self), np.nan)
        parts = [measure(self.details[i : i + _CHUNK].astype(np.float32)) for i in range(0, len(self.details), _CHUNK)]
        of_rows = np.concatenate([*parts, np.empty(0)])
        return np.asarray(of_rows[self.rows], dtype=np.float64)

    def _in_chunks(self, measure: Callable[[Ints, Ints], npt.NDArray[np.float32]], a: Ints, b: Ints) -> Floats:
        found = np.empty(len(a))
        for start in range(0, len(a), _CHUNK):
            part = slice(start, start + _CHUNK)
            found[part] = measure(a[part], b[part])
        return found

    def _measure_cosine(self, a: Ints, b: Ints) -> npt.NDArray[np.float32]:
        x, y = self.vectors_of(a), self.vectors_of(b)
        return np.asarray(np.clip(1 - np.einsum("ij,ij->i", x, y), 0, 1), dtype=np.float32)

    def _measure_motion(self, a: Ints, b: Ints) -> npt.NDArray[np.float32]:
        return np.asarray(np.sqrt(((self.grays_of(a) - self.grays_of(b)) ** 2).mean(axis=1)), dtype=np.float32)

    def _measure(self, a: Ints, b: Ints) -> npt.NDArray[np.float32]:
        found = self._measure_cosine(a, b)
        if self.details is None:
            return found
        x, y = self.grays_of(a), self.grays_of(b)
        found *= 1 - _WEIGHT * _agree(x, y) ** _POWER
        is_flat = (x.std(axis=1) < _FLAT) & (y.std(axis=1) < _FLAT)
        return np.where(is_flat, np.abs(x.mean(axis=1) - y.mean(axis=1)) / 128, found).astype(np.float32)


def find_runs(flags: Flags) -> list[tuple[int, int]]:
    """Return start and stop of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _agree(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the correlation of square gray pictures in [0, 1], the best of *y* where it is and moved by a cell."""
    best = correlate(x, y)
    side = find_side(x.shape[1])
    if not side:
        return best
    p, q = x.reshape(-1, side, side), y.reshape(-1, side, side)
    middle = p[:, 1:-1, 1:-1].reshape(len(x), -1)
    for down in range(3):
        for right in range(3):
            moved = q[:, down : side - 2 + down, right : side - 2 + right].reshape(len(x), -1)
            np.maximum(best, correlate(middle, moved), out=best)
    return best


def find_side(n_cells: int) -> int:
    """Return the side of square pictures of so many cells; 0 where they are not square, or too small to be moved."""
    side = round(n_cells**0.5)
    return side if side * side == n_cells and side >= 8 else 0


def correlate(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the correlation of each two rows, nothing below 0."""
    found: npt.NDArray[np.float32] = np.clip(np.einsum("ij,ij->i", _standardize(x), _standardize(y)), 0, 1)
    return found


def _standardize(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return rows of mean 0 and length 1; shorter where there is hardly any contrast."""
    centered: npt.NDArray[np.float32] = x - x.mean(axis=1, keepdims=True)
    centered /= np.sqrt((centered**2).sum(axis=1, keepdims=True) + _NOISE**2 * x.shape[1])
    return centered
