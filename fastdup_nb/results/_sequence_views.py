"""How a sequence is shown: the curve with its filmstrip, shots in rows, and the gallery of all frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..findings.sequence.frames import find_runs
from ..views import Badge, Chart, Fact, Line, Marks, Row, Tile, View, format_count
from ._base import NO_IMAGE, tell_broken

if TYPE_CHECKING:
    from ..widgets._deck import Caption, Deck, RowCaption
    from .sequence import Sequence

_FRAMES = ("frame", "frames")
_SHOTS = ("shot", "shots")
_MOST_CHARTS = 3
_ON_STRIP = 8  # pictures below a chart
_LEAST_TOP = 0.2  # of the scale: what hardly changes does not fill it


def view_sequence(found: Sequence, n_rows: int) -> View:
    """Return what an output shows: a chart for each of the first sequences, and shots in rows."""
    shots = found.shots.head(n_rows)
    names = found.frames["sequence"].unique().tolist()
    drawn = [str(name) for name, n in found.frames["sequence"].value_counts(sort=False).items() if n > 1]
    return View(
        title="Sequence",
        headline=_headline(found),
        facts=_facts(found, len(names)),
        charts=tuple(_chart(found, name) for name in drawn[:_MOST_CHARTS]),
        n_more_charts=max(0, len(drawn) - _MOST_CHARTS),
        rows=tuple(_row(found, int(shot)) for shot in shots.index),
        rows_title="Shots, in order: first, most typical and last frame",
        noun=_SHOTS,
        n_more=max(0, len(found.shots) - len(shots)),
        empty=NO_IMAGE,
        notes=_notes(found),
        next_calls=(
            ("seq.cuts", "every cut with its kind and extent; .shots, .stills, .returns, .events"),
            ("seq.keyframes(20)", "ids of 20 frames that show what there is"),
            ("seq.transitions('scene')", "which scene follows which; .cooccurrence(window=25)"),
            ("seq.gallery()", "all frames, a row per shot"),
        )
        if len(found.frames)
        else (),
    )


def _headline(found: Sequence) -> str:
    n = len(found.frames)
    if not n:
        return NO_IMAGE
    names = found.frames["sequence"].nunique()
    words = f"{format_count(n, _FRAMES)} in {format_count(names, ('sequence', 'sequences'))}"
    if n == 1:
        return f"{words}: nothing happens in a single frame."
    if len(found.streams) == names:
        return f"{words}: pictures differ from one to the next throughout, so no cuts are claimed."
    counts = found.cuts["kind"].value_counts()
    told = [
        format_count(int(counts.get(kind, 0)), (kind, kind + "s"))
        for kind in ("cut", "dissolve", "fade")
        if kind in counts
    ]
    return f"{words}: {', '.join(told)}." if told else f"{words}: no cut."


def _facts(found: Sequence, n_sequences: int) -> tuple[Fact, ...]:
    n_still = int(found.frames["is_still"].sum())
    of_what = f"in {format_count(n_sequences, ('sequence', 'sequences'))}, by {_told_order(found)}"
    n_scenes = format_count(found.shots["scene"].nunique(), ("scene", "scenes"))
    return (
        Fact(("frame", "frames"), len(found.frames), of_what),
        Fact(("shot", "shots"), len(found.shots), f"of {n_scenes}"),
        Fact(("change of scene", "changes of scene"), len(found.cuts), "a gradual one counts once"),
        Fact(("event", "events"), len(found.events), "gone again after at most three frames"),
        Fact(("still frame", "still frames"), n_still,
             f"in stretches of at least {found.min_still_length}, as seen small"),
        Fact(("return", "returns"), len(found.returns), "to a scene seen before"),
    )  # fmt: skip


def _told_order(found: Sequence) -> str:
    return {"time": "EXIF time", "name": "name", "listing": "listing", "frame time": "frame time"}.get(
        found.order, f"column {found.order}"
    )


def _notes(found: Sequence) -> tuple[str, ...]:
    notes = [*tell_broken(found._shown.n_broken)]
    if found.n_left_out:
        words = format_count(found.n_left_out, ("image has", "images have"))
        notes.append(
            f"{words} no time and {'is' if found.n_left_out == 1 else 'are'} left out; order='name' takes all."
        )
    if found._n_timed:
        notes.append(
            f"Only {found._n_timed:,} of {format_count(len(found.frames), _FRAMES)} tell in EXIF when they were taken, "
            "so names give the order; order='time' takes these alone."
        )
    if found.n_equal:
        notes.append(
            f"{format_count(found.n_equal, _FRAMES)} share their time with another one; they are in the order of names."
        )
    if found.streams and len(found.frames) > 1:
        some = ", ".join(name or "(top folder)" for name in found.streams[:3])
        more = f" and {len(found.streams) - 3:,} more" if len(found.streams) > 3 else ""
        notes.append(
            f"Single pictures rather than a film: {some}{more}. Their pictures differ from one to the next throughout, "
            "so each of these sequences is left as one shot, without cuts and events."
        )
    if len(found.streams) < found.frames["sequence"].nunique():
        notes.append(
            "A cut is a change that stands out from the steps around it, after which the picture before stays away for "
            "four frames; a still frame differs by no more than noise from the first of its stretch."
        )
    return tuple(notes)


def _chart(found: Sequence, name: str) -> Chart:
    table = found.frames[found.frames["sequence"] == name]
    at = np.linspace(0, len(table), min(len(table), _ON_STRIP) + 1)
    middles = ((at[:-1] + at[1:]) / 2).astype(int)
    cuts = np.flatnonzero(table["is_cut"] & ~table["is_gradual"]).tolist()
    return Chart(
        title=f"{name or 'All frames'}: change from frame to frame",
        x_name=f"frame{_told_times(table)}",
        x=range(len(table)),
        lines=(Line(tuple(table["change"].tolist())),),
        y_range=(0.0, _LEAST_TOP),
        marks=(
            Marks(("cut", "cuts"), "line", tuple((cut, cut + 1) for cut in cuts)),
            Marks(("gradual change", "gradual changes"), "band", _runs(table["is_gradual"])),
            Marks(("event", "events"), "dot", _runs(table["is_event"])),
            Marks(("still stretch", "still stretches"), "bar", _runs(table["is_still"])),
        ),
        strip=tuple(str(table.index[i]) for i in middles),
    )


def _runs(flags: pd.Series) -> tuple[tuple[int, int], ...]:
    return tuple(find_runs(flags.to_numpy(dtype=bool)))


def _told_times(table: pd.DataFrame) -> str:
    """Return from when to when frames were taken, where that is known."""
    times = table["time"].iloc[[0, -1]]
    if times.isna().any():
        return ""
    told = [f"{time:%Y-%m-%d %H:%M:%S}" if isinstance(time, pd.Timestamp) else f"{time:g}" for time in times]
    return f", from {told[0]} to {told[1]}"


def _row(found: Sequence, shot: int) -> Row:
    facts = found.shots.loc[shot].to_dict()
    words: dict[str, list[str]] = {}
    for image_id, word in ((facts["start"], "first"), (facts["representative"], "typical"), (facts["end"], "last")):
        words.setdefault(str(image_id), []).append(word)
    positions = found.frames["position"]
    tiles = [Tile(i, lines=(" and ".join(told), f"frame {positions.loc[i]:,}")) for i, told in words.items()]
    kind, note = _tell_begin(found, shot)
    return Row(
        title=_name_shot(found, shot),
        tiles=tuple(tiles),
        badge=Badge(kind, "plain" if kind == "cut" else "strong") if kind else None,
        note=note,
    )


def _name_shot(found: Sequence, shot: int) -> str:
    return f"Shot {shot}: {format_count(int(found.shots['n_frames'].loc[shot]), _FRAMES)}"


def _tell_begin(found: Sequence, shot: int) -> tuple[str, str]:
    """Return how a shot begins, and a line about it."""
    begins = found.cuts[found.cuts["shot"] == shot]
    kind = str(begins["kind"].iloc[0]) if len(begins) else ""
    told = [f"{int(begins['n_gradual'].iloc[0])} frames of {kind}" if kind in {"dissolve", "fade"} else ""]
    earlier = found.returns[(found.returns["shot"] == shot) & (found.returns["earlier_shot"] != shot)]["earlier_shot"]
    told += [f"returns to shot {int(earlier.iloc[0])}" if len(earlier) else ""]
    told += [str(found.shots.loc[shot, "sequence"]) if not kind else ""]
    return kind, ", ".join(filter(None, told))


def deck_of_sequence(found: Sequence) -> Deck:
    """Return all frames, a row per shot."""
    from ..widgets._deck import Caption, Deck, RowCaption, Sort

    table, shots = found.frames, found.shots
    typical = set(shots["representative"])
    call = f"ds.sequence({found.order if found.order != 'frame time' else 'auto'!r}, by={found.by!r}, min_still_length={found.min_still_length})"  # noqa: E501
    words = {"is_event": "event", "is_cut": "cut", "is_gradual": "gradual"}

    def caption(i: int) -> Caption:
        row = table.iloc[i]
        mark = next((word for flag, word in words.items() if row[flag]), "typical" if table.index[i] in typical else "")
        change = "" if pd.isna(row["change"]) else f"change {row['change']:.3f}"
        told = (f"frame {row['position']:,}", change, "still" if row["is_still"] else "")
        return Caption(tuple(filter(None, told)), mark=mark)

    def row_caption(i: int) -> RowCaption:
        kind, note = _tell_begin(found, int(shots.index[i]))
        return RowCaption(_name_shot(found, int(shots.index[i])), kind, note)

    return Deck(
        title="Sequence", headline=_headline(found), table=table, code=f"{call}.to_frame()", caption=caption,
        rows=shots, row_column="shot", row_code=f"{call}.shots", row_caption=row_caption, row_noun=_SHOTS,
        sorts={
            "longest first": Sort("n_frames", ascending=False), "shortest first": Sort("n_frames"),
            "most change first": Sort("mean_change", ascending=False),
        },
        empty=NO_IMAGE,
    )  # fmt: skip
