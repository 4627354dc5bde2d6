"""What a dataset says of itself: before work, and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from .._progress import describe_seconds
from .._text import TEXT
from ..graph import NeighborGraph
from ..views import Fact, Table, View, format_count, render_html, render_text
from ._base import IMAGES, NO_IMAGE, Result, Shown

_KINDS = 5  # of files, told by name


@dataclass(frozen=True, eq=False, repr=False)
class Summary(Result):
    """Every count with its meaning, as ``Dataset.summary`` found them.

    Attributes
    ----------
    table : DataFrame
        Index ``count`` (its name): ``value`` (int) and ``meaning``.
    """

    table: pd.DataFrame
    _shown: Shown

    def __getitem__(self, name: str) -> int:
        return int(self.table["value"].to_dict()[name])

    def _view(self, n_rows: int) -> View:  # noqa: ARG002
        return View(
            title="Summary",
            headline=f"What is in {format_count(self['images'], IMAGES)}." if self["images"] else NO_IMAGE,
            table=Table(
                ("count", "value", "meaning"),
                tuple((str(name), int(row["value"]), str(row["meaning"])) for name, row in self.table.iterrows()),
            ),
            next_calls=(("ds.report('report.html')", "all findings on one page to hand on"),),
        )


@dataclass(frozen=True, eq=False, repr=False)
class Neighbors(Result):
    """The nearest-neighbor graph of a dataset.

    Exact copies share one vector and count once, so they do not use up each other's neighbors.

    Attributes
    ----------
    graph : NeighborGraph
        ``indices`` and ``distances`` by row; row *i* is ``image_ids[i]``.
    image_ids : sequence of str
        The first image of each distinct vector.
    """

    graph: NeighborGraph
    image_ids: Sequence[str]
    _shown: Shown

    @property
    def recall(self) -> float | None:
        """Share of the true nearest neighbors that the graph has, estimated on a sample against exact search."""
        return self.graph.recall

    def to_frame(self) -> pd.DataFrame:
        """Return the edges: ``image_id``, ``neighbor_id``, ``rank`` (0 is nearest) and ``similarity`` (cosine)."""
        rows, ranks = (self.graph.indices >= 0).nonzero()
        found = self.graph.indices[rows, ranks]
        ids = pd.Index(list(self.image_ids), dtype=TEXT)
        return pd.DataFrame(
            {
                "image_id": ids.take(rows),
                "neighbor_id": ids.take(found),
                "rank": ranks,
                "similarity": 1 - self.graph.distances[rows, ranks],
            }
        )

    @property
    def _n_found(self) -> int:
        return max(0, min(self.graph.n_neighbors, self.graph.n_samples - 1))

    def _headline(self) -> str:
        if not self.graph.n_samples:
            return NO_IMAGE
        images = format_count(self.graph.n_samples, ("distinct image", "distinct images"))
        if not self._n_found:
            return f"{images} and no neighbor."
        return f"{format_count(self._n_found, ('nearest neighbor', 'nearest neighbors'))} of each of {images}."

    def _view(self, n_rows: int) -> View:  # noqa: ARG002
        graph = self.graph
        recall = "–" if graph.recall is None else f"{graph.recall:.3f}"
        measured = f"estimated against exact search for {format_count(graph.recall_sample, IMAGES)}"
        return View(
            title="Neighbors",
            headline=self._headline(),
            facts=(
                Fact(("distinct image", "distinct images"), graph.n_samples, "exact copies count once"),
                Fact("neighbors", self._n_found, f"of each, by {graph.metric} distance"),
                Fact("method", graph.method, "chosen by size, or by method="),
                Fact("recall", recall, "exact search" if graph.method == "exact" else measured),
            ),
            next_calls=(("ds.neighbors.to_frame()", "every edge as a DataFrame"),),
        )


@dataclass(frozen=True)
class Overview:
    """What is known of a dataset right now; telling it costs nothing."""

    root: str
    n_images: int
    kinds: Mapping[str, int]
    passed_over: Mapping[str, int]
    cache: str
    encoder: str
    n_labels: int
    n_splits: int
    n_broken: int | None
    is_linked: bool

    def view(self) -> View:
        """Return the description to draw."""
        return View(
            title="Dataset",
            headline=f"{format_count(self.n_images, IMAGES)} in {self.root}",
            facts=tuple(self._facts()),
            notes=tuple(self._notes()),
            next_calls=self._next_calls(),
        )

    def _facts(self) -> list[Fact]:
        kinds = ", ".join(f"{n:,} {kind or 'without suffix'}" for kind, n in list(self.kinds.items())[:_KINDS])
        facts = [Fact(("image", "images"), self.n_images, kinds or "listed")]
        if self.n_broken is not None:
            facts.append(Fact("broken", self.n_broken, "cannot be decoded; in no finding"))
        if self.n_labels:
            facts.append(Fact(("label", "labels"), self.n_labels, "different"))
        if self.n_splits:
            facts.append(Fact(("split", "splits"), self.n_splits, "different"))
        state = "read and linked" if self.is_linked else "read" if self.n_broken is not None else "not read yet"
        return [*facts, Fact("state", state, "in this session")]

    def _notes(self) -> list[str]:
        notes = [f"Encoder {self.encoder}; results are kept in {self.cache}."]
        if self.passed_over:
            kinds = sorted(self.passed_over.items(), key=lambda item: -item[1])
            told = [f"{n:,} {kind}" for kind, n in kinds[:_KINDS]]
            n_more = sum(n for _, n in kinds[_KINDS:])
            told += [f"{n_more:,} of {len(kinds) - _KINDS} other kinds"] if n_more else []
            notes.append(f"Passed over, by name or first bytes: {', '.join(told)}.")
        return notes

    def _next_calls(self) -> tuple[tuple[str, str], ...]:
        if self.n_broken is None:
            return (
                (
                    "ds.duplicates()",
                    "reads, embeds and links the images now, with one progress bar; kept for the next time",
                ),
                ("ds.estimate()", "how long that will take, measured on a few images"),
            )
        return (
            ("ds.duplicates()", "also ds.outliers(), ds.clusters(), ds.quality(), ds.similar(image_id)"),
            ("ds.images", "a row of facts per image"),
            ("ds.report('report.html')", "all findings on one page to hand on"),
        )


@dataclass(frozen=True, repr=False)
class Estimate:
    """How long reading will take, measured on a few images.

    Attributes
    ----------
    n_images : int
        Images listed.
    n_waiting : int
        Of these, images that were new or changed before the measurement.
    n_measured : int
        Images that were read for it; what they gave is kept.
    measured_seconds : float
        How long that took.
    """

    n_images: int
    n_waiting: int
    n_measured: int
    measured_seconds: float

    @property
    def images_per_second(self) -> float:
        """Pace of the measurement; NaN where nothing was waiting."""
        return self.n_measured / self.measured_seconds if self.n_measured else float("nan")

    @property
    def seconds(self) -> float:
        """Estimated time for the images that are still waiting."""
        waiting = self.n_waiting - self.n_measured
        return waiting / self.images_per_second if waiting else 0.0

    def __repr__(self) -> str:
        return render_text(self._view())

    def _repr_html_(self) -> str:
        return render_html(self._view(), lambda _: None)

    def _view(self) -> View:
        left = format_count(self.n_waiting - self.n_measured, IMAGES)
        if not self.n_waiting:
            return View(title=f"Nothing to read: {self._describe_known()}.")
        pace = f"{self.images_per_second:,.0f} images/s measured on {self.n_measured:,}"
        if self.n_waiting == self.n_measured:
            return View(title="Nothing left to read: the last images were read for the estimate.", headline=f"{pace}.")
        return View(
            title=f"About {describe_seconds(self.seconds)} for {left} still to read",
            headline=f"{pace}; what they gave is kept.",
            next_calls=(("ds.duplicates()", "reads the others now, with one progress bar"),),
        )

    def _describe_known(self) -> str:
        if self.n_images < 2:
            return "the image is known" if self.n_images else "there is no image"
        return f"all {self.n_images:,} images are known"
