"""Predicted labels: what images without a label most likely show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._validation import check_choice
from ..views import Fact, Table, View, format_count
from ._base import IMAGES, NO_IMAGE, PER_ROW, TILE_ROWS, ImageResult, Shown, count_rows, put_in_rows, tell_broken
from .labels import NO_LABELS

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_SURE = 0.9


@dataclass(frozen=True, eq=False, repr=False)
class Predictions(ImageResult):
    """A label and its confidence for each image, as ``Dataset.predict_labels`` found them.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, the least sure first, which is the order to label in: ``predicted_label``, ``confidence``
        (chance that it is right, 0 to 1), ``second_label``, ``second_confidence``, ``given_label``. An image that has a
        label is predicted by models that saw neither it nor its duplicates.
    report : DataFrame
        Index ``label``: ``precision``, ``recall``, ``f1``, ``support`` (images with that label) and ``n_predicted``,
        cross-validated on the images that have a label; duplicates are never on both sides.
    calibration : DataFrame
        Of the same images, by tenths of the confidence: ``n_images``, ``mean_confidence``, ``accuracy``. Where the two
        agree, the confidence means what it says.
    accuracy : float
        Share of the labeled images that are predicted right, cross-validated; NaN without labels of two classes.
    n_tested : int
        Number of labeled images.
    n_alone : int
        Of these, images of classes with one picture (or duplicates of it) only: nothing else tells what such a class
        shows, so they count as predicted wrong.
    method : {"auto", "logistic", "neighbors"}
        The kind of evidence.
    which : {"unlabeled", "all"}
        Which images are in *table*.
    """

    table: pd.DataFrame
    report: pd.DataFrame
    calibration: pd.DataFrame
    accuracy: float
    n_tested: int
    n_alone: int
    method: str
    which: str
    n_images: int
    labels: tuple[str, ...]
    _shown: Shown

    @property
    def calibration_error(self) -> float:
        """Mean gap between confidence and accuracy over the tenths, 0 is best (expected calibration error)."""
        gaps = (self.calibration["mean_confidence"] - self.calibration["accuracy"]).abs()
        return float(np.average(gaps, weights=self.calibration["n_images"])) if len(gaps) else float("nan")

    def _listed(self, which: object) -> list[str]:
        if which is not None and which != "all":
            labels = self.table["predicted_label"]
            return [
                str(i) for i in labels.index[labels == check_choice(which, "which", "Predictions.tag", self.labels)]
            ]
        return [str(i) for i in self.table.index]

    def _deck(self) -> Deck:
        from ..widgets._deck import Caption, Deck, Sort

        table = self.table

        def caption(i: int) -> Caption:
            row = table.iloc[i]
            return Caption((*_told(row), f"or {row['second_label']} {row['second_confidence']:.2f}"))

        return Deck(
            title="Predicted labels", headline=self._headline(), table=table, caption=caption,
            code=f"ds.predict_labels(method={self.method!r}, which={self.which!r}).table",
            sorts={"surest first": Sort("confidence", ascending=False), "predicted label": Sort("predicted_label"),
                   "path": Sort("image_id"), "path, backwards": Sort("image_id", ascending=False)},
            empty="There is no image without a label.",
        )  # fmt: skip

    def _view(self, n_rows: int) -> View:
        shown = self.table.head(min(n_rows, 2) * PER_ROW)
        rows = put_in_rows([self._shown.tile(str(i), *_told(row)) for i, row in shown.iterrows()])
        return View(
            title="Predicted labels",
            headline=self._headline(),
            facts=self._facts(),
            rows=rows,
            rows_title="Least sure first",
            n_more=count_rows(len(self.table)) - len(rows),
            noun=TILE_ROWS,
            empty=self._empty(),
            table=self._report_table(),
            notes=self._notes(),
            next_calls=(
                ("pred.to_frame()", "label and confidence, the least sure first"),
                ("pred.calibration", "how often a confidence is right"),
                ("ds.annotate(labels, queue=pred.table)", "label the least sure ones by keys"),
            ),
        )

    def _headline(self) -> str:
        if not self.n_images:
            return NO_IMAGE
        if not self.labels:
            return NO_LABELS
        if len(self.labels) == 1:
            told = f"All {self.n_tested:,} labels are" if self.n_tested > 1 else "The only label is"
            return f"{told} {self.labels[0]!r}: there is nothing to tell apart."
        images = format_count(len(self.table), IMAGES)
        what = "with and without a label" if self.which == "all" else "without a label"
        return f"{images} {what} predicted; of {self.n_tested:,} with a label, {self.accuracy:.0%} are predicted right."

    def _empty(self) -> str:
        if len(self.labels) < 2:
            return "It takes labels of two classes."
        return "Every image has a label; ds.predict_labels(which='all') shows what would be predicted."

    def _facts(self) -> tuple[Fact, ...]:
        if len(self.labels) < 2:
            return (
                Fact(("image", "images"), self.n_images, "that can be read"),
                Fact("with a label", self.n_tested, f"of {format_count(len(self.labels), ('class', 'classes'))}"),
            )
        n_sure = int((self.table["confidence"] >= _SURE).sum())
        return (
            Fact("predicted", len(self.table), "images in the table"),
            Fact("sure", n_sure, f"with a confidence of {_SURE} or more"),
            Fact("accuracy", f"{self.accuracy:.1%}", f"cross-validated on {format_count(self.n_tested, IMAGES)}"),
            Fact(
                "calibration error", f"{self.calibration_error:.3f}", "mean gap of confidence and accuracy, 0 is best"
            ),
        )

    def _notes(self) -> tuple[str, ...]:
        told = []
        if len(self.labels) > 1:
            told.append("Duplicates of an image are never among those it is predicted from, where this is measured.")
            if self.n_alone:
                words = format_count(self.n_alone, ("image counts", "images count"))
                told.append(f"{words} as wrong for being of a class of one picture, which no other could tell.")
            told.append("Images like none that has a label get a label all the same: look at ds.outliers() too.")
        return (*told, *tell_broken(self._shown.n_broken))

    def _report_table(self) -> Table | None:
        if self.report.empty:
            return None
        worst = self.report.sort_values("f1", kind="stable").head(8)
        rates = worst[["precision", "recall", "f1"]]
        rows = tuple(
            (str(label), *(None if pd.isna(rate) else f"{rate:.2f}" for rate in row), int(support))
            for label, row, support in zip(worst.index, rates.to_numpy(), worst["support"], strict=True)
        )
        return Table(
            ("class", "precision", "recall", "f1", "support"), rows, n_more=len(self.report) - len(rows),
            caption="Classes, the hardest first, cross-validated.",
        )  # fmt: skip


def _told(row: pd.Series) -> tuple[str, ...]:
    given = (f"labeled {row['given_label']}",) if isinstance(row["given_label"], str) else ()
    return (f"{row['predicted_label']} {row['confidence']:.2f}", *given)
