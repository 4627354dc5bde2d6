"""Stretches in which the picture stays, and returns to what was seen before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from .frames import Flags, Frames, Ints, find_runs

_BLOCK, _LARGEST_BLOCK = 8, 4096  # frames compared at once
_STILL = 2.0  # gray levels, root mean square: what noise and recompression do to a small gray picture
_LEAST_AWAY = 4  # frames for which something else is seen before it comes back
_MOST_VIEWS = 6_000  # more are thinned out
_VIEWS_AT_ONCE = 64


@dataclass(frozen=True)
class Return:
    """Frames ``start`` to ``stop`` show again what frame ``earlier`` showed; ``frame`` is the nearest of them."""

    start: int
    stop: int
    frame: int
    earlier: int
    similarity: float


def find_stills(frames: Frames, *, least: float, shortest: int) -> list[tuple[int, int]]:
    """Return start and stop of the stretches of at least *shortest* frames that stay like their first one.

    They are compared with the first frame and not with the one before, so a slow pan is no still stretch.
    """
    n = len(frames)
    places = np.arange(1, n, dtype=np.int64)
    is_quiet = np.concatenate([np.zeros(min(n, 1), dtype=bool), _is_still(frames, places - 1, places, least)])
    found = []
    for begin, end in find_runs(is_quiet):
        runs = split_runs(begin - 1, end, lambda anchor, block: _is_still(frames, _fill(anchor, block), block, least))
        found += [(start, stop) for start, stop in runs if stop - start >= shortest]
    return found


def split_runs(start: int, stop: int, is_near: Callable[[int, Ints], Flags]) -> Iterator[tuple[int, int]]:
    """Yield runs of frames that are all near their first one; each begins where the one before ends."""
    while start < stop:
        end, size = start + 1, _BLOCK
        while end < stop:
            block = np.arange(end, min(end + size, stop), dtype=np.int64)
            near = is_near(start, block)
            if not near.all():
                end += int(np.argmin(near))
                break
            end, size = int(block[-1]) + 1, min(2 * size, _LARGEST_BLOCK)
        yield start, end
        start = end


def find_returns(frames: Frames, bounds: Ints, *, alike: float, apart: float) -> list[Return]:
    """Return where a scene is seen again after something else was seen.

    Parameters
    ----------
    frames : Frames
    bounds : int64 array (n_shots + 1,)
        Where shots begin, and where the last one ends.
    alike, apart : float
        Distances: at most *alike* is the same scene, from *apart* on it has been left.
    """
    views = [
        run
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        for run in split_runs(start, stop, lambda anchor, block: frames.distance(_fill(anchor, block), block) < apart)
    ]
    views = [view for view in views if not frames.is_blank[(view[0] + view[1]) // 2]]
    if len(views) > _MOST_VIEWS:
        views = [views[i] for i in np.linspace(0, len(views) - 1, _MOST_VIEWS).astype(int)]
    return _join(frames, views, set(bounds.tolist()), alike=alike, apart=apart)


def _join(
    frames: Frames, views: list[tuple[int, int]], bounds: set[int], *, alike: float, apart: float
) -> list[Return]:
    """Return the views that show an earlier one again; those that follow each other within a shot are one return."""
    found: list[Return] = []
    for j, i, frame, earlier, distance in _match(frames, views, alike):
        start, stop = views[j]
        between = np.arange(views[i][1], start, max(1, (start - views[i][1]) // 64), dtype=np.int64)
        if not (frames.distance(_fill(earlier, between), between) >= apart).any():
            continue
        if found and found[-1].stop == start and start not in bounds:
            before = found.pop()
            nearest = max(before, Return(start, stop, frame, earlier, 1 - distance), key=lambda one: one.similarity)
            found.append(replace(nearest, start=before.start, stop=stop))
        else:
            found.append(Return(start, stop, frame, earlier, 1 - distance))
    return found


def _match(frames: Frames, views: list[tuple[int, int]], alike: float) -> Iterator[tuple[int, int, int, int, float]]:
    """Yield the number of each view and of the earlier one it is most like, the two frames and their distance."""
    marks = np.array([_marks(*view) for view in views], dtype=np.int64).reshape(-1, 3)
    stops = np.array([view[1] for view in views])
    flat = marks.ravel()
    vectors = frames.vectors_of(flat)
    n_before = 3 * np.searchsorted(stops, marks[:, 0] - _LEAST_AWAY, side="right")
    for start in range(0, len(views), _VIEWS_AT_ONCE):
        block = slice(3 * start, 3 * (start + _VIEWS_AT_ONCE))
        cosines = vectors[block] @ vectors[: n_before[min(start + _VIEWS_AT_ONCE, len(views)) - 1]].T
        for j in range(start, min(start + _VIEWS_AT_ONCE, len(views))):
            if not n_before[j]:
                continue
            near = cosines[3 * (j - start) : 3 * (j - start) + 3, : n_before[j]].argmax(axis=1)
            distances = frames.distance(marks[j], flat[near])
            best = int(np.argmin(distances))
            if distances[best] <= alike:
                yield j, int(near[best]) // 3, int(marks[j][best]), int(flat[near[best]]), float(distances[best])


def _marks(start: int, stop: int) -> tuple[int, int, int]:
    """Return three frames that stand for a view."""
    return start, (start + stop) // 2, stop - 1


def number_scenes(returns: list[Return], bounds: Ints) -> Ints:
    """Return the scene of each shot, numbered by first appearance: shots that return to one another share one.

    A shot shares the scene of an earlier one where at least half of it is a return to it.
    """
    n_shots = len(bounds) - 1
    scene = np.arange(n_shots)
    sizes = np.diff(bounds)
    for back in returns:
        shot = int(np.searchsorted(bounds, back.start, side="right")) - 1
        earlier = int(np.searchsorted(bounds, back.earlier, side="right")) - 1
        if shot != earlier and 2 * (min(back.stop, int(bounds[shot + 1])) - back.start) >= sizes[shot]:
            scene[shot] = scene[earlier]
    return np.asarray(np.unique(scene, return_inverse=True)[1], dtype=np.int64)


def choose_representative(frames: Frames, start: int, stop: int, is_clean: Flags) -> int:
    """Return the frame of a shot that is nearest to the mean of its vectors; of 1,000 of them, evenly spaced."""
    places = np.arange(start, stop, dtype=np.int64)
    places = places[is_clean[start:stop]] if is_clean[start:stop].any() else places
    places = places[np.unique(np.linspace(0, len(places) - 1, min(len(places), 1000)).astype(np.int64))]
    vectors = frames.vectors_of(places)
    return int(places[np.argmax(vectors @ vectors.mean(axis=0))])


def _is_still(frames: Frames, a: Ints, b: Ints, least: float) -> Flags:
    if frames.details is None:
        return np.asarray(frames.cosine(a, b) <= least / 10)
    near = np.asarray(frames.motion(a, b) <= _STILL)
    near[near] = frames.distance(a[near], b[near]) <= least / 2
    return near


def _fill(anchor: int, block: Ints) -> Ints:
    return np.full(len(block), anchor, dtype=np.int64)
