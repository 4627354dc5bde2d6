"""Changes of scene that take many frames: dissolves and fades.

A dissolve mixes the last picture of one scene with the first of the next, so each frame of it lies between the two, on
a line in the space of pictures; a camera that pans from the one view to the other shows what is on neither. A fade goes
through frames that show nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .frames import Floats, Frames, Ints, find_runs

Pixels = npt.NDArray[np.float32]

_REACHES = (3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # frames on either side: dissolves of up to about 100 frames
_OFF_LINE = 0.3  # of the way between the two pictures: a frame this far from the line is no mixture
_MOVING_OFF_LINE = 0.5  # where both move meanwhile, and contrast falls and rises as it does in mixtures
_OFF_CONTRAST = 0.15  # of how far the variance of mixtures is below that of no mixture
_ENDS = 0.1  # of the way: where a mixture begins and ends
_LEAST_STEP = 4.0  # gray levels that the two pictures must differ by
_GROWTH = 1.02  # of contrast from frame to frame while a fade goes on
_LONGEST_FADE = 96  # frames
_NO_SCENE = 3  # frames between two dissolves that are one


@dataclass(frozen=True)
class Change:
    """A change of scene: the first frame that is no longer of the old scene, the first one that is all of the new."""

    start: int
    stop: int
    position: int
    kind: str
    strength: float


def find_dissolves(frames: Frames, *, least: float) -> list[Change]:
    """Return the dissolves, in order; the two scenes are at a distance of at least *least*."""
    if frames.details is None:
        return []  # in a space that is not known, a line between two pictures says nothing
    found: list[tuple[float, Change]] = []
    n = len(frames)
    for reach in _REACHES:
        middles = np.arange(0, n, max(1, reach // 2), dtype=np.int64)
        a, b = np.maximum(middles - reach, 0), np.minimum(middles + reach, n - 1)
        wide = np.flatnonzero((b - a >= 6) & (frames.cosine(a, b) >= least))
        wide = wide[frames.distance(a[wide], b[wide]) >= least]
        found += filter(None, (_fit_mixture(frames, int(a[i]), int(b[i])) for i in wide))
    return _keep_best(found)


def _fit_mixture(frames: Frames, first: int, last: int) -> tuple[float, Change] | None:
    """Return how far off the line the frames between two lie, and the change; None where it is no dissolve."""
    x = frames.grays_of(np.arange(first, last + 1, dtype=np.int64))
    begin, way = (x[0] + x[1]) / 2, (x[-1] + x[-2]) / 2 - (x[0] + x[1]) / 2
    length = float(np.sqrt((way**2).sum()))
    if length < _LEAST_STEP * np.sqrt(x.shape[1]):
        return None
    share = (x - begin) @ way / length**2
    start, stop = int(np.argmax(share > _ENDS)), int(len(share) - np.argmax(share[::-1] < 1 - _ENDS))
    is_mixed = (share > _ENDS) & (share < 1 - _ENDS)
    if stop - start < 3 or is_mixed[start:stop].sum() < 3 or start < 2 or stop > len(share) - 2:
        return None
    if np.abs(np.diff(share)).sum() > 1.5 or np.diff(share).max() > 0.5:
        return None
    off = np.sqrt(((x - begin - share[:, None] * way) ** 2).sum(axis=1)) / length
    worst = float(np.quantile(off[start:stop], 0.75))
    if worst > _MOVING_OFF_LINE:
        return None
    if worst > _OFF_LINE and not _is_dipping(begin, begin + way, x[start:stop], share[start:stop]):
        return None
    middle = first + (start + stop) // 2
    ends = np.array([first]), np.array([last])
    strength = float(frames.distance(*ends)[0])
    return worst, Change(first + start, first + stop, middle, "dissolve", strength)


def _is_dipping(begin: Pixels, end: Pixels, x: Pixels, share: Pixels) -> bool:
    """Return whether the contrast of frames *x* is that of mixtures, of which a *share* each is *end*.

    Contrasts of two pictures that have little to do with each other partly cancel out, wherever both have moved: the
    variance of the mixtures is a parabola (Alattar, 1993).
    """
    a, b = begin - begin.mean(), end - end.mean()
    s = np.clip(share, 0, 1)
    apart = (1 - s) * (a**2).mean() + s * (b**2).mean()
    mixed = (1 - s) ** 2 * (a**2).mean() + s**2 * (b**2).mean() + 2 * s * (1 - s) * (a * b).mean()
    return bool(np.linalg.norm(x.var(axis=1) - mixed) <= _OFF_CONTRAST * np.linalg.norm(apart - mixed))


def _keep_best(found: list[tuple[float, Change]]) -> list[Change]:
    """Return changes that do not overlap: those on the line, then between the most different pictures are chosen first.

    A part of a dissolve looks like a dissolve, too; the whole of it joins pictures that differ more.
    """
    kept: list[Change] = []
    for _, change in sorted(found, key=lambda pair: (pair[0] > _OFF_LINE, -round(pair[1].strength, 1), pair[0])):
        if all(change.stop <= other.start or other.stop <= change.start for other in kept):
            kept.append(change)
    return _join_parts(sorted(kept, key=lambda change: change.start))


def _join_parts(changes: list[Change]) -> list[Change]:
    """Return changes with those made one that follow each other at once: no scene is that short."""
    joined: list[Change] = []
    for change in changes:
        if not joined or change.start - joined[-1].stop > _NO_SCENE:
            joined.append(change)
            continue
        stronger = max(joined[-1], change, key=lambda one: one.strength)
        start = joined[-1].start
        joined[-1] = replace(stronger, start=start, stop=change.stop, position=(start + change.stop) // 2)
    return joined


def find_fades(frames: Frames, *, least: float, longest_event: int) -> list[Change]:
    """Return the changes of scene that go through blank frames, with the frames in which the picture goes and comes.

    Blank frames at either end of the sequence are no change of scene; neither are up to *longest_event* of them after
    which the same picture is there again.
    """
    found = []
    for start, stop in find_runs(frames.is_blank):
        if start == 0 or stop == len(frames):
            continue
        before, after = _walk(frames.contrast, start, -1), _walk(frames.contrast, stop - 1, 1)
        strength = float(frames.distance(_one(before), _one(after))[0])
        if strength < least and stop - start <= longest_event and after - before <= longest_event + 2:
            continue
        found.append(Change(before + 1, after, (start + stop) // 2, "fade", max(strength, least)))
    return found


def _walk(contrast: Floats, edge: int, step: int) -> int:
    """Return the frame at which the picture is whole, on one side of a blank run: contrast grows up to it."""
    frame = edge + step
    for _ in range(_LONGEST_FADE):
        beyond = frame + step
        if not 0 <= beyond < len(contrast) or contrast[beyond] < contrast[frame] * _GROWTH:
            break
        frame = beyond
    return frame


def _one(frame: int) -> Ints:
    return np.array([frame], dtype=np.int64)
