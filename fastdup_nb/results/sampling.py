"""Sample: a few images that stand for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._validation import check_choice
from ..findings._facility import CELL_SIZE
from ..findings.coverage import Coverage
from ..views import Chart, Fact, Line, Table, Tile, View, format_count, format_similarity, thin_out
from ._base import IMAGES, NO_IMAGE, PER_ROW, TILE_ROWS, DatasetT, ImageResult, Shown, count_rows, put_in_rows

if TYPE_CHECKING:
    from ..widgets._deck import Deck

FloatArray = npt.NDArray[np.float64]

_WAYS = {
    "representative": "so that each image is like one of them",
    "coverage": "so that no image is far from all of them",
    "diverse per cluster": "as many from each cluster, unlike each other",
    "stratified": "at random, in the shares of the labels",
    "random": "at random",
}
_BOUNDS = {
    "representative": "The greedy choice reaches at least 63 % (1 - 1/e) of the best total similarity that {n} images "
    "could have{within}.",
    "coverage": "The largest distance of an image to the chosen ones, sqrt(2 (1 - cosine)), is at most twice the least "
    "that {n} images could have{within}.",
}


@dataclass(frozen=True, eq=False, repr=False)
class Sample(ImageResult, Generic[DatasetT]):
    """A few images that stand for many, as ``Dataset.sample`` chose them.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, in order of choice: its first rows are a good smaller sample. ``gain`` (by how much the
        image raises ``mean_similarity`` of the curve; larger is more), ``distance`` (cosine distance to the nearest
        image chosen before it, missing for the first; larger is more unlike), ``share`` (of the candidates that are
        nearest to this image of the sample; they sum to 1), ``is_included`` (it had to be in), ``label``.
    curve : DataFrame
        Index ``n_images``, a row for each image of the sample: how similar the candidates are to the nearest of the
        first so many images. ``mean_similarity`` and ``min_similarity`` (cosine, 1 is identical; the latter is that of
        the image served worst), ``random_similarity``: the mean with as many images drawn at random, once, measured on
        up to 2,000 candidates.
    method : str
        How they were chosen.
    n_wanted : int
        How many were asked for.
    n_images : int
        Images looked at: all but the broken ones.
    n_candidates : int
        Images that could be chosen, those that had to be in among them.
    n_left_out : mapping of str to int
        Images that could not be chosen, by the first reason that holds: ``"excluded"``, ``"quality"``, ``"outlier"``,
        ``"duplicate"``.
    n_measured : int
        Candidates that the curve is measured on: all, or a sample of them where all would take too long.
    remarks : tuple of str
        What else there is to know, such as a quota that could not be filled.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    method: str
    n_wanted: int
    n_images: int
    n_candidates: int
    n_left_out: Mapping[str, int]
    n_measured: int
    remarks: tuple[str, ...]
    _call: str
    _take: Callable[[list[str]], DatasetT]
    _shown: Shown

    @property
    def image_ids(self) -> list[str]:
        """Ids of the images, in order of choice."""
        ids: list[str] = self.table.index.tolist()
        return ids

    @property
    def dataset(self) -> DatasetT:
        """A Dataset of these images, in listing order, that shares cache and tags: ``ds.where(sample.image_ids)``."""
        return self._take(self.image_ids)

    def _listed(self, which: object) -> list[str]:
        wanted = check_choice("all" if which is None else which, "which", "Sample.tag", ("all", "new", "included"))
        is_included = self.table["is_included"].to_numpy(dtype=bool)
        keep = {"all": is_included | True, "new": ~is_included, "included": is_included}[wanted]
        ids: list[str] = self.table.index[keep].tolist()
        return ids

    def _deck(self) -> Deck:
        return _make_deck(self)

    def _view(self, n_rows: int) -> View:
        shown = self.table.head(PER_ROW * n_rows)
        tiles = [self._tile(str(image_id), gain) for image_id, gain in shown["gain"].items()]
        rows = put_in_rows(tiles)
        return View(
            title="Sample",
            headline=self._headline(),
            facts=self._facts(),
            charts=self._charts(),
            rows=rows,
            rows_title="In order of choice",
            noun=TILE_ROWS,
            n_more=count_rows(len(self.table)) - len(rows),
            empty="There is no image to choose." if self.n_images else NO_IMAGE,
            table=self._stops(),
            notes=self._notes(),
            next_calls=(
                ("sample.dataset", "a Dataset of these images"),
                ("sample.to_frame()", "ids in order of choice, with gain, distance and share"),
                ("sample.curve", "how well the first 1, 2, 3, ... stand for all"),
            ) if len(self.table) else (),
        )  # fmt: skip

    def _headline(self) -> str:
        n = len(self.table)
        if not self.n_images:
            return NO_IMAGE
        of = f"{n:,} of {format_count(self.n_images, IMAGES)}"
        if not n:
            return f"{of} chosen."
        return f"{of} chosen, {_WAYS[self.method]}."

    def _facts(self) -> tuple[Fact, ...]:
        told = [f"{n:,} {_REASONS[reason][n != 1]}" for reason, n in self.n_left_out.items() if n or reason in _ASKED]
        n_included = int(self.table["is_included"].sum())
        facts = [
            Fact("chosen", len(self.table), f"{n_included:,} of them had to be in" if n_included else "each once"),
            Fact(
                ("candidate", "candidates"),
                self.n_candidates,
                "left out: " + ", ".join(told) if told else "none was left out",
            ),
        ]
        if len(self.curve):
            mean, least = self.curve["mean_similarity"].iloc[-1], self.curve["min_similarity"].iloc[-1]
            chance = self.curve["random_similarity"].iloc[-1]
            facts += [
                Fact("mean similarity", format_similarity(mean),
                     f"of a candidate to the nearest chosen image; {format_similarity(chance)} if chosen at random"),
                Fact("lowest similarity", format_similarity(least), "of the candidate served worst"),
            ]  # fmt: skip
        return (*facts, Fact("broken", self._shown.n_broken, "not looked at"))

    def _charts(self) -> tuple[Chart, ...]:
        if len(self.curve) < 2:
            return ()
        some = self.curve.iloc[thin_out(len(self.curve))]
        names = {"mean_similarity": "mean", "min_similarity": "lowest", "random_similarity": "mean at random"}
        lines = (
            Line(tuple(map(float, some[column])), name, is_dashed=column.startswith("random"))
            for column, name in names.items()
            if not (column.startswith("random") and self.method == "random")
        )
        title = "Similarity of the candidates to the nearest chosen image"
        return (Chart(title, "number of images", tuple(map(int, some.index)), tuple(lines)),)

    def _stops(self) -> Table | None:
        if len(self.curve) < 2:
            return None
        some = self.curve.loc[_round_stops(len(self.curve))]
        values = [map(format_similarity, some[column]) for column in some.columns]
        rows = tuple(zip(map(int, some.index), *values, strict=True))
        columns = ("images", "mean similarity", "lowest", "mean at random")
        return Table(columns, rows, caption="Where to stop: the first so many images of this order")

    def _notes(self) -> tuple[str, ...]:
        notes = list(self.remarks)
        if self.method in _BOUNDS and len(self.table):
            parts = ""
            if self.method == "representative" and self.n_candidates > 2 * CELL_SIZE:
                parts = f", counted within cells of at most {CELL_SIZE:,} near images"
            if any(remark.startswith("Quotas") for remark in self.remarks):
                parts += ", of each quota by itself"
            notes.append(_BOUNDS[self.method].format(n=format_count(len(self.table)), within=parts))
        if self.n_measured < self.n_candidates:
            notes.append(f"The curve is measured on {format_count(self.n_measured, IMAGES)} drawn from the candidates.")
        return (*notes, *self._label_note())

    def _label_note(self) -> tuple[str, ...]:
        counts = self.table["label"].value_counts(sort=True)
        if counts.empty:
            return ()
        told = ", ".join(f"{label} {n:,}" for label, n in counts.head(8).items())
        more = f", and {format_count(len(counts) - 8, ('label', 'labels'))} more" if len(counts) > 8 else ""
        n_none = len(self.table) - int(counts.sum())
        without = f"; {format_count(n_none, IMAGES)} without a label" if n_none else ""
        return (f"By label: {told}{more}{without}.",)

    def _tile(self, image_id: str, gain: float) -> Tile:
        mark = "included" if self.table.loc[image_id, "is_included"] else ""
        return self._shown.tile(image_id, f"gain {gain:#.2g}", mark=mark, label=True)


_ASKED = ("quality", "outlier")  # told even where there are none, as someone asked for it
_REASONS = {
    "excluded": ("excluded", "excluded"),
    "quality": ("with a quality issue", "with a quality issue"),
    "outlier": ("outlier", "outliers"),
    "duplicate": ("duplicate", "duplicates"),
}


def _round_stops(n: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... and n."""
    stops = [digit * 10**power for power in range(len(str(n))) for digit in (1, 2, 5)]
    return [*(stop for stop in stops if stop < n), n]


def _make_deck(found: Sample[DatasetT]) -> Deck:
    """Return single images, in order of choice."""
    from ..widgets._deck import Caption, Deck, Sort

    table = found.table

    def caption(i: int) -> Caption:
        row = table.iloc[i]
        lines = [f"{i + 1:,}. gain {row['gain']:#.2g}", f"nearest to {row['share']:.1%}"]
        lines += [f"label {row['label']}"] if pd.notna(row["label"]) else []
        return Caption(tuple(lines), mark="included" if row["is_included"] else "")

    return Deck(
        title="Sample", headline=found._headline(), table=table, caption=caption,
        code=found._call and f"{found._call}.table",
        sorts={
            "stands for most first": Sort("share", ascending=False),
            "most unlike first": Sort("distance", ascending=False),
            "path": Sort("image_id"),
        },
        empty="There is no image to choose.",
    )  # fmt: skip


def make_tables(
    image_ids: pd.Index, coverage: Coverage, random_mean: FloatArray, n_included: int, labels: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table and the curve of a sample."""
    table = pd.DataFrame(
        {
            "gain": np.diff(coverage.mean, prepend=0.0),
            "distance": coverage.distance,
            "share": coverage.share,
            "is_included": np.arange(len(image_ids)) < n_included,
            "label": labels.set_axis(image_ids),
        },
        index=image_ids,
    )
    curve = pd.DataFrame(
        {"mean_similarity": coverage.mean, "min_similarity": coverage.least, "random_similarity": random_mean},
        index=pd.RangeIndex(1, len(image_ids) + 1, name="n_images"),
    )
    return table, curve
