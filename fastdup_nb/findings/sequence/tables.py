"""What happens in sequences, as frames: every column is declared here, with its dtype and its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..._text import TEXT
from .frames import Ints
from .timeline import Timeline

_TIME = "of the order: datetime64, float, or missing"
_SPAN = "of the order: timedelta64, float, or missing"

#: Columns of every table: dtype and meaning. ``TIME`` and ``SPAN`` stand for what the order brings.
COLUMNS = MappingProxyType({
    "frames": {  # index image_id
        "sequence": (TEXT, "name of the sequence"),
        "position": ("int64", "number of the frame in its sequence, from 0 on"),
        "time": ("TIME", _TIME),
        "shot": ("int64", "number of the shot, over all sequences"),
        "scene": ("int64", "number of the scene: shots that return to one another share one"),
        "change": ("float64", "distance to the frame before, 0 to about 1 (unrelated); missing for the first"),
        "is_cut": ("bool", "first frame of a shot that is not the first, or the middle of a gradual change"),
        "is_gradual": ("bool", "part of a dissolve or fade"),
        "is_still": ("bool", "part of a still stretch"),
        "is_event": ("bool", "part of an event"),
    },
    "shots": {  # index shot
        "sequence": (TEXT, ""),
        "start": (TEXT, "image_id of the first frame"),
        "end": (TEXT, "image_id of the last frame"),
        "n_frames": ("int64", "length in frames"),
        "duration": ("SPAN", "from the first frame to the last"),
        "representative": (TEXT, "image_id of the most typical frame"),
        "scene": ("int64", ""),
        "mean_change": ("float64", "of its frames from one to the next; missing for one frame"),
    },
    "cuts": {
        "image_id": (TEXT, "first frame of the new shot; of a gradual change its middle"),
        "sequence": (TEXT, ""),
        "position": ("int64", ""),
        "time": ("TIME", ""),
        "kind": (TEXT, "cut, dissolve or fade"),
        "start": (TEXT, "image_id of the first frame that is not wholly of the old scene"),
        "end": (TEXT, "image_id of the last frame not wholly of the new scene; of a cut, the cut"),
        "n_gradual": ("int64", "frames of the gradual change, 0 for a cut"),
        "strength": ("float64", "distance of the two scenes, 0 to about 1"),
        "shot": ("int64", "that begins here"),
    },
    "stills": {
        "sequence": (TEXT, ""),
        "start": (TEXT, ""),
        "end": (TEXT, ""),
        "n_frames": ("int64", ""),
        "duration": ("SPAN", ""),
        "shot": ("int64", ""),
    },
    "returns": {
        "sequence": (TEXT, ""),
        "start": (TEXT, "image_id of the first frame that shows the earlier scene again"),
        "end": (TEXT, ""),
        "n_frames": ("int64", ""),
        "image_id": (TEXT, "the frame most like the earlier one"),
        "earlier": (TEXT, "image_id of that earlier frame"),
        "similarity": ("float64", "of these two, 1 is identical"),
        "n_between": ("int64", "frames from the earlier one to the return"),
        "shot": ("int64", ""),
        "earlier_shot": ("int64", ""),
    },
    "events": {
        "image_id": (TEXT, "first frame of the event"),
        "sequence": (TEXT, ""),
        "position": ("int64", ""),
        "time": ("TIME", ""),
        "n_frames": ("int64", "1 to 3"),
        "kind": (TEXT, "brighter, darker, or other picture"),
        "change": ("float64", "distance to the frame before; of a flash, the change of brightness if that is larger"),
        "shot": ("int64", ""),
    },
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """One sequence: its name, the ids and times of its frames in order, and what happens in it."""

    name: str
    image_ids: list[str]
    times: pd.Series | None
    timeline: Timeline

    def time_at(self, place: int) -> object:
        """Return the time of a frame, None where there is none."""
        return None if self.times is None else self.times.iloc[place]

    def span(self, start: int, stop: int) -> object:
        """Return the time from a frame to the one before *stop*."""
        return None if self.times is None else self.times.iloc[stop - 1] - self.times.iloc[start]


def build_tables(parts: Sequence[Part]) -> dict[str, pd.DataFrame]:
    """Return the tables named in COLUMNS."""
    makers = {"shots": _shots, "cuts": _cuts, "stills": _stills, "returns": _returns, "events": _events}
    first_shots = np.cumsum([0, *(len(part.timeline.scenes) for part in parts)]).tolist()
    first_scenes = np.cumsum([0, *(int(part.timeline.scenes.max(initial=-1)) + 1 for part in parts)]).tolist()
    numbered = list(zip(parts, first_shots, first_scenes, strict=False))
    kind = next((part.times.dtype for part in parts if part.times is not None), None)
    tables = {
        name: _as_frame(name, [row for part, shot, scene in numbered for row in make(part, shot, scene)], kind)
        for name, make in makers.items()
    }
    tables["shots"] = tables["shots"].rename_axis("shot")
    return {"frames": _frames(numbered, kind), **tables}


def _as_frame(name: str, rows: list[dict[str, object]], kind: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS[name])).astype(_dtypes(name, kind))


def _dtypes(name: str, kind: Any) -> dict[str, Any]:
    is_datetime = kind is not None and pd.api.types.is_datetime64_any_dtype(kind)
    own = {"TIME": kind if kind is not None else "float64", "SPAN": "timedelta64[s]" if is_datetime else "float64"}
    return {column: own.get(dtype, dtype) if isinstance(dtype, str) else dtype
            for column, (dtype, _) in COLUMNS[name].items()}  # fmt: skip


def _frames(numbered: list[tuple[Part, int, int]], kind: Any) -> pd.DataFrame:
    tables = [_frames_of(part, shot, scene) for part, shot, scene in numbered]
    empty = pd.DataFrame({column: [] for column in COLUMNS["frames"]}, index=pd.Index([], dtype=TEXT))
    table = pd.concat(tables) if tables else empty
    table.index = pd.Index(table.index, name="image_id", dtype=TEXT)
    return table[list(COLUMNS["frames"])].astype(_dtypes("frames", kind))


def _frames_of(part: Part, first_shot: int, first_scene: int) -> pd.DataFrame:
    found, n = part.timeline, len(part.image_ids)
    shot = np.repeat(np.arange(len(found.scenes)), np.diff(found.bounds))
    change = np.maximum(found.steps, np.abs(found.light))
    change[:1] = np.nan
    columns = {
        "sequence": part.name,
        "position": np.arange(n),
        "time": np.nan if part.times is None else part.times.to_numpy(),
        "shot": first_shot + shot,
        "scene": first_scene + found.scenes[shot],
        "change": change,
        "is_cut": _flag(n, [(c.position, c.position + 1) for c in found.changes]),
        "is_gradual": _flag(n, [(c.start, c.stop) for c in found.changes]),
        "is_still": _flag(n, found.stills),
        "is_event": _flag(n, found.events),
    }
    return pd.DataFrame(columns, index=part.image_ids)


def _flag(n: int, runs: Sequence[tuple[int, int]]) -> np.ndarray:
    flags = np.zeros(n, dtype=bool)
    for start, stop in runs:
        flags[start:stop] = True
    return flags


def _shot_of(bounds: Ints, place: int) -> int:
    return int(np.searchsorted(bounds, place, side="right")) - 1


def _shots(part: Part, _first_shot: int, first_scene: int) -> Iterator[dict[str, object]]:
    found, ids = part.timeline, part.image_ids
    for number, (start, stop) in enumerate(zip(found.bounds[:-1].tolist(), found.bounds[1:].tolist(), strict=True)):
        yield {
            "sequence": part.name, "start": ids[start], "end": ids[stop - 1], "n_frames": stop - start,
            "duration": part.span(start, stop), "representative": ids[found.representatives[number]],
            "scene": first_scene + int(found.scenes[number]),
            "mean_change": float(found.steps[start + 1 : stop].mean()) if stop - start > 1 else np.nan,
        }  # fmt: skip


def _cuts(part: Part, first_shot: int, _first_scene: int) -> Iterator[dict[str, object]]:
    ids = part.image_ids
    for number, change in enumerate(part.timeline.changes, start=1):
        yield {
            "image_id": ids[change.position], "sequence": part.name, "position": change.position,
            "time": part.time_at(change.position), "kind": change.kind, "start": ids[change.start],
            "end": ids[max(change.stop - 1, change.start)], "n_gradual": change.stop - change.start,
            "strength": change.strength, "shot": first_shot + number,
        }  # fmt: skip


def _stills(part: Part, first_shot: int, _first_scene: int) -> Iterator[dict[str, object]]:
    for start, stop in part.timeline.stills:
        yield {
            "sequence": part.name, "start": part.image_ids[start], "end": part.image_ids[stop - 1],
            "n_frames": stop - start, "duration": part.span(start, stop),
            "shot": first_shot + _shot_of(part.timeline.bounds, start),
        }  # fmt: skip


def _returns(part: Part, first_shot: int, _first_scene: int) -> Iterator[dict[str, object]]:
    ids, bounds = part.image_ids, part.timeline.bounds
    for back in part.timeline.returns:
        yield {
            "sequence": part.name, "start": ids[back.start], "end": ids[back.stop - 1],
            "n_frames": back.stop - back.start, "image_id": ids[back.frame], "earlier": ids[back.earlier],
            "similarity": back.similarity, "n_between": back.start - back.earlier,
            "shot": first_shot + _shot_of(bounds, back.start),
            "earlier_shot": first_shot + _shot_of(bounds, back.earlier),
        }  # fmt: skip


def _events(part: Part, first_shot: int, _first_scene: int) -> Iterator[dict[str, object]]:
    found = part.timeline
    for start, stop in found.events:
        light = float(found.light[start])
        kind = (
            "other picture" if abs(light) < max(0.1, found.steps[start] / 4) else "brighter" if light > 0 else "darker"
        )
        yield {
            "image_id": part.image_ids[start], "sequence": part.name, "position": start, "time": part.time_at(start),
            "n_frames": stop - start, "kind": kind, "change": max(float(found.steps[start]), abs(light)),
            "shot": first_shot + _shot_of(found.bounds, start),
        }  # fmt: skip
