"""Sequences: cuts, events, still stretches and returns in frames that have an order.

A cut is a step that stands out from the steps around it, and after which what was before stays away; a bound of its own
for every moment, so that neither a hand-held camera nor a still one needs another setting. What comes and goes again at
once is an event. Gradual changes are frames that lie between two pictures (``gradual``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from .frames import Flags, Floats, Frames, Ints
from .gradual import Change, find_dissolves, find_fades
from .pans import flag_pans
from .returns import Return, choose_representative, find_returns, find_stills, number_scenes

__all__ = ["Frames", "Timeline", "find_changes", "find_events", "measure_steps", "read_timeline"]

_AROUND = 8  # frames on either side that tell what change is usual here
_SURE = 5.0  # spreads above the usual: a sudden change
_ABOVE, _FAR_ABOVE = 1.0, 1.5  # distance across a cut over that within either side: with, and without such a step
_LONGEST_EVENT = 3  # frames; what stays longer is a shot
_BACK = 0.4  # of the change into an event: the picture after it is that near to the one before


def measure_steps(frames: Frames) -> Floats:
    """Return the distance of each frame to the one before it; 0 for the first."""
    n = len(frames)
    places = np.arange(1, n, dtype=np.int64)
    return np.concatenate([np.zeros(min(n, 1)), frames.distance(places - 1, places)])


def rate_steps(steps: Floats, unit: float) -> Floats:
    """Return how far each step stands out from those around it, in spreads: the median and its absolute deviation.

    *unit* is added to each spread, so that a change too small to be seen never stands out among none.
    """
    n = len(steps)
    if n < 3:
        return np.zeros(n)
    padded = np.pad(steps, _AROUND, constant_values=np.nan)
    padded[_AROUND] = np.nan  # the first frame has no step
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    around = np.delete(around, _AROUND, axis=1)
    middle = np.nanmedian(around, axis=1)
    spread = 1.4826 * np.nanmedian(np.abs(around - middle[:, None]), axis=1)
    rated: Floats = (steps - middle) / (spread + unit)
    rated[0] = 0
    return rated


def find_hard_cuts(frames: Frames, steps: Floats, *, least: float) -> list[Change]:
    """Return the sudden changes after which what was before does not come back within a few frames."""
    rated = rate_steps(steps, least / 6)
    places = np.arange(len(frames))
    sudden = np.flatnonzero((steps >= least) & (rated >= 1) & (places > 1) & (places < len(frames) - 1))
    lasting, within = measure_lasting(frames, sudden, np.cumsum((steps >= least) & (rated >= _SURE)))
    ratio = lasting / (within + least / 6)
    is_cut = (lasting >= least) & (lasting >= 0.5 * steps[sudden]) & (ratio >= _ABOVE)
    is_cut &= (rated[sudden] >= _SURE) | ((ratio >= _FAR_ABOVE) & (lasting >= 2 * least))
    is_cut[is_cut] = ~flag_pans(frames, sudden[is_cut])
    cuts: list[Change] = []
    for place, strength in zip(sudden[is_cut].tolist(), lasting[is_cut].tolist(), strict=True):
        change = Change(place, place, place, "cut", strength)
        if not cuts or place > cuts[-1].position + 1:
            cuts.append(change)
        elif strength > cuts[-1].strength:  # a frame that belongs to neither side, or to both
            cuts[-1] = change
    return cuts


def measure_lasting(frames: Frames, places: Ints, pieces: Ints) -> tuple[Floats, Floats]:
    """Compare the four frames before a place with the four from it on.

    Parameters
    ----------
    frames : Frames
    places : int64 array (n,)
        First frames of what may be new shots.
    pieces : int64 array (n_frames,)
        A number for each frame that rises at each sudden change: a short shot is no movement.

    Returns
    -------
    lasting : float64 array (n,)
        The least distance of any of the ones to any of the others.
    within : float64 array (n,)
        The mean distance of two of the ones of one piece, or of the others if that is larger.
    """
    reach, n = _LONGEST_EVENT + 1, len(frames)
    before = [np.maximum(places - i, 0) for i in range(1, reach + 1)]
    after = [np.minimum(places + i, n - 1) for i in range(reach)]
    lasting = np.full(len(places), np.inf)
    for a, b in product(before, after):
        lasting = np.minimum(lasting, frames.distance(a, b))
    return lasting, np.maximum(_mean_within(frames, before, pieces), _mean_within(frames, after, pieces))


def _mean_within(frames: Frames, side: list[Ints], pieces: Ints) -> Floats:
    """Return the mean distance of two different ones of some frames: of those of one piece, of all if there are none.

    Where each frame is a piece by itself, they are no shots but a fast movement.
    """
    total, count = np.zeros((2, len(side[0]))), np.zeros((2, len(side[0])))  # of one piece, of different ones
    for a, b in combinations(side, 2):
        distance = frames.distance(a, b)
        for i, is_told in enumerate((pieces[a] == pieces[b], pieces[a] != pieces[b])):
            total[i] += distance * is_told
            count[i] += (a != b) & is_told
    means = total / np.maximum(count, 1)
    mean: Floats = np.where(count[0] > 0, means[0], means[1])
    return mean


def find_changes(frames: Frames, steps: Floats, *, least: float) -> list[Change]:
    """Return all changes of scene, in order: fades, dissolves, and cuts outside of these."""
    fades = find_fades(frames, least=least, longest_event=_LONGEST_EVENT)
    dissolves = [change for change in find_dissolves(frames, least=2 * least) if not _meets(change, fades)]
    gradual = fades + dissolves
    cuts = [change for change in find_hard_cuts(frames, steps, least=least) if not _meets(change, gradual)]
    return sorted(gradual + cuts, key=lambda change: change.position)


def _meets(change: Change, others: list[Change]) -> bool:
    """Return whether a change lies within another one, or beside it so closely that both are one."""
    margin = _LONGEST_EVENT
    return any(change.start < other.stop + margin and other.start - margin <= change.stop for other in others)


def find_events(frames: Frames, steps: Floats, *, least: float) -> list[tuple[int, int]]:
    """Return start and stop of what is there for up to three frames, after which the picture before is back."""
    n = len(frames)
    light = np.nan_to_num(frames.brightness)
    loud = np.maximum(steps, np.abs(np.diff(light, prepend=light[:1])))
    sudden = (loud >= least) & (rate_steps(loud, least / 6) >= _SURE)
    found: list[tuple[int, int]] = []
    for length in range(1, _LONGEST_EVENT + 1):
        starts = np.flatnonzero(sudden[: max(n - length, 0)])
        starts = starts[(starts > 0) & (loud[starts + length] >= least)]
        back = np.maximum(
            frames.distance(starts - 1, starts + length), np.abs(light[starts - 1] - light[starts + length])
        )
        is_back = back <= _BACK * np.minimum(loud[starts], loud[starts + length])
        for start in starts[is_back].tolist():
            if all(start + length < begin or stop < start for begin, stop in found):
                found.append((start, start + length))
    return sorted(found)


@dataclass(frozen=True, eq=False)
class Timeline:
    """What happens in one sequence; frames are numbered from 0 on.

    Attributes
    ----------
    steps : float64 array (n_frames,)
        Distance of each frame to the one before, 0 for the first: 0 is the same picture, about 1 an unrelated one.
    light : float64 array (n_frames,)
        Change of mean brightness since the frame before, -1 to 1; 0 where it is not known.
    is_stream : bool
        Whether pictures differ from one to the next throughout, as in a folder of photographs: then nothing is a cut.
    changes : list of Change
        Changes of scene, by position: the first frame of the new scene, or the middle of a gradual change.
    events, stills : list of (int, int)
        First frame, and the frame after the last.
    returns : list of Return
    bounds : int64 array (n_shots + 1,)
        Where shots begin, and where the last one ends.
    scenes, representatives : int64 arrays (n_shots,)
        Shots that return to one another have the same scene; the frame that stands for a shot.
    """

    steps: Floats
    light: Floats
    is_stream: bool
    changes: list[Change]
    events: list[tuple[int, int]]
    stills: list[tuple[int, int]]
    returns: list[Return]
    bounds: Ints
    scenes: Ints
    representatives: Ints


def read_timeline(frames: Frames, *, least: float, alike: float, min_still_length: int = 10) -> Timeline:
    """Find what happens in one sequence.

    Parameters
    ----------
    frames : Frames
        In order.
    least : float
        Distance below which two pictures are edited copies of each other; no change of scene is smaller.
    alike : float
        Distance up to which two pictures show the same scene.
    min_still_length : int, default 10
        Frames of a still stretch, at least.

    Returns
    -------
    Timeline

    Notes
    -----
    Time grows with the number of frames; nothing compares all pairs but the views in the search for returns, of which
    6,000 at most are compared. Windows before and after a place are compared as in Foote's novelty (2000), dissolves
    are known by the production model of Hampapur, Jain and Weymouth (1995).

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.sequence.timeline import Frames, read_timeline
    >>> vectors = np.repeat(np.eye(2, 8, dtype=np.float32), 10, axis=0)
    >>> found = read_timeline(Frames(vectors, None, np.arange(20)), least=0.12, alike=0.2)
    >>> [change.position for change in found.changes], found.bounds.tolist()
    ([10], [0, 10, 20])
    """
    n = len(frames)
    steps = measure_steps(frames)
    light = np.nan_to_num(frames.brightness)
    is_stream = n > 1 and float(np.median(steps[1:])) >= 2 * least
    changes = [] if is_stream else find_changes(frames, steps, least=least)
    events = [] if is_stream else _outside(find_events(frames, steps, least=least), changes)
    bounds = np.array([0, *(change.position for change in changes), n] if n else [0], dtype=np.int64)
    returns = [] if is_stream else find_returns(frames, bounds, alike=alike, apart=max(2 * least, alike))
    is_clean = _flag_clean(n, changes, events)
    return Timeline(
        steps=steps,
        light=np.diff(light, prepend=light[:1]),
        is_stream=is_stream,
        changes=changes,
        events=events,
        stills=find_stills(frames, least=least, shortest=min_still_length),
        returns=returns,
        bounds=bounds,
        scenes=number_scenes(returns, bounds),
        representatives=np.array(
            [choose_representative(frames, a, b, is_clean) for a, b in _pairs(bounds)], dtype=np.int64
        ),
    )


def _outside(events: list[tuple[int, int]], changes: list[Change]) -> list[tuple[int, int]]:
    """Return the events that are no part of a gradual change."""
    return [(a, b) for a, b in events if not any(c.start <= b and a <= c.stop for c in changes if c.stop > c.start)]


def _flag_clean(n: int, changes: list[Change], events: list[tuple[int, int]]) -> Flags:
    """Return which frames are neither part of a gradual change nor an event."""
    is_clean = np.ones(n, dtype=bool)
    for start, stop in [(change.start, change.stop) for change in changes] + events:
        is_clean[start:stop] = False
    return is_clean


def _pairs(bounds: Ints) -> list[tuple[int, int]]:
    return list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
