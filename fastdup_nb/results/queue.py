"""LabelQueue: which images to label next, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._validation import check_choice
from ..findings.queue import Choice
from ..views import Fact, View, format_count
from ._base import IMAGES, NO_IMAGE, PER_ROW, TILE_ROWS, ImageResult, Shown, count_rows, put_in_rows

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_FAR, _UNSURE = "unlike what is labeled", "labels of its neighbors disagree"


@dataclass(frozen=True, eq=False, repr=False)
class LabelQueue(ImageResult):
    """Images to label next, as ``Dataset.next_to_label`` chose them.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, the most useful first: ``reason`` (in words), ``uncertainty`` (how much the labels of the
        ten nearest labeled pictures disagree: 0 not at all, 1 evenly or none has a label), ``n_covered`` (pictures
        without a label to which it is the nearest of all that are labeled or chosen), ``distance`` (1 - cosine to the
        nearest labeled picture; larger is newer, missing where none has a label), ``gain`` (share of what is not known
        yet that its label adds, given those before it).
    n_asked : int
        How many were asked for.
    n_labeled : int
        Images that have a label: a given one, a decided one, or a tag that counts as one.
    n_unlabeled : int
        Images that have none.
    n_skipped : int
        Of these, images that were skipped while labeling, and are not asked for again.
    tags : tuple of str
        The tags that count as labels.
    """

    table: pd.DataFrame
    n_asked: int
    n_labeled: int
    n_unlabeled: int
    n_skipped: int
    tags: tuple[str, ...]
    _shown: Shown

    def _listed(self, which: object) -> list[str]:
        check_choice("all" if which is None else which, "which", "LabelQueue.tag", ("all",))
        ids: list[str] = self.table.index.tolist()
        return ids

    def _deck(self) -> Deck:
        from ..widgets._deck import Caption, Deck, Sort

        table = self.table
        return Deck(  # without code of its own: asked again, it would choose others once some are labeled
            title="Next to label", headline=self._headline(), table=table, code="",
            caption=lambda i: Caption((str(table["reason"].iloc[i]),)),
            sorts={"most uncertain first": Sort("uncertainty", ascending=False),
                   "farthest first": Sort("distance", ascending=False), "path": Sort("image_id")},
            empty="There is nothing to label.",
        )  # fmt: skip

    def _view(self, n_rows: int) -> View:
        n = len(self.table)
        shown = self.table.head(PER_ROW * n_rows)
        tiles = [self._shown.tile(str(image_id), *_lines(row)) for image_id, row in shown.iterrows()]
        rows = put_in_rows(tiles)
        return View(
            title="Next to label",
            headline=self._headline(),
            facts=self._facts(),
            rows=rows,
            rows_title="Most useful first",
            noun=TILE_ROWS,
            n_more=count_rows(n) - len(rows),
            empty="There is nothing to label.",
            next_calls=(
                ("ds.annotate(labels, queue=queue.to_frame())", "label them by keys"),
                (f"ds.next_to_label({self.n_asked}, labels=labels)", "then ask for more; those tags count as labels"),
            )
            if n
            else (),
        )

    def _headline(self) -> str:
        n = len(self.table)
        if not self.n_labeled and not self.n_unlabeled:
            return NO_IMAGE
        if not self.n_unlabeled:
            return f"{format_count(self.n_labeled, IMAGES)}, and none without a label."
        waiting = f"{format_count(self.n_unlabeled, IMAGES)} without a label"
        if not n:
            return f"{waiting}: all twins of labeled ones, or skipped."
        return f"{format_count(n, IMAGES)} to label next, of {waiting}."

    def _facts(self) -> tuple[Fact, ...]:
        told = (
            f"given, decided, or one of the tags {', '.join(self.tags)}"
            if self.tags
            else "given or decided; no tag counts"
        )
        facts = [
            Fact("labeled", self.n_labeled, told),
            Fact("without a label", self.n_unlabeled, "broken images are left out"),
            Fact("chosen", len(self.table), "no near-twins of each other or of labeled ones"),
        ]
        if len(self.table):
            gain = f"{self.table['gain'].sum():.0%}"
            facts.append(Fact("gain", gain, "of what is not known yet, once all of them are labeled"))
        facts += [Fact("skipped", self.n_skipped, "not asked for again")] if self.n_skipped else []
        return tuple(facts)


def tabulate_choice(choice: Choice, image_ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Return the table of what was chosen, given the image of each vector."""
    index = pd.Index(image_ids[choice.rows].tolist(), name="image_id", dtype=TEXT)
    table = pd.DataFrame(
        {"uncertainty": choice.uncertainties, "n_covered": choice.n_covered, "distance": choice.distances,
         "gain": choice.gains}, index=index,
    )  # fmt: skip
    table.insert(0, "reason", pd.Series(_find_reasons(table), index=index, dtype=TEXT))
    return table


def _find_reasons(table: pd.DataFrame) -> list[str]:
    """Say of each what sets it apart among the chosen: the largest rank of distance, uncertainty and cover."""
    ranks = np.array(table[["distance", "uncertainty", "n_covered"]].rank(pct=True), dtype=np.float64)
    ranks[table["distance"].isna().to_numpy(), :2] = -1  # nothing is labeled
    ranks[(table["uncertainty"] == 0).to_numpy(), 1] = -1
    ranks[(table["n_covered"] <= 1).to_numpy(), 2] = -0.5
    words = np.array([_FAR, _UNSURE, ""], dtype=object)
    stands = [f"stands for {format_count(n, IMAGES)}" for n in table["n_covered"].tolist()]
    reasons = words[np.argmax(ranks, axis=1)] if len(table) else words[:0]
    return [reason or stands[i] for i, reason in enumerate(reasons)]


def _lines(row: pd.Series) -> list[str]:
    unsure = [] if pd.isna(row["distance"]) else [f"uncertainty {row['uncertainty']:.2f}"]
    return [str(row["reason"]), *unsure]
