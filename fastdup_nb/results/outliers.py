"""Outliers: which images are unlike all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import check_choice
from ..views import Badge, Fact, Row, View, format_count, format_similarity
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown

if TYPE_CHECKING:
    from ..widgets._deck import Deck


@dataclass(frozen=True, eq=False, repr=False)
class Outliers(ImageResult):
    """How strange each image is, as ``Dataset.outliers`` found it.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, strangest first: ``outlier_score`` (larger is stranger; see ``Dataset.outliers``),
        ``is_outlier``, ``nearest_id`` and ``nearest_similarity`` (cosine): the nearest image that is no exact copy,
        missing where there is none.
    contamination : "auto" or float
        How the bound was set.
    """

    table: pd.DataFrame
    contamination: str | float
    _shown: Shown

    @property
    def n_outliers(self) -> int:
        """Number of images with ``is_outlier``."""
        return int(self.table["is_outlier"].sum())

    def _deck(self) -> Deck:
        from .decks import deck_of_outliers

        return deck_of_outliers(self)

    def _listed(self, which: object) -> list[str]:
        wanted = check_choice("outliers" if which is None else which, "which", "Outliers.tag", ("outliers", "all"))
        table = self.table if wanted == "all" else self.table[self.table["is_outlier"]]
        ids: list[str] = table.index.tolist()
        return ids

    def _view(self, n_rows: int) -> View:
        n = self.n_outliers
        shown = self.table.head(n_rows if n == 0 else min(n, n_rows))
        return View(
            title="Outliers",
            headline=self._headline(),
            facts=(
                Fact(("outlier", "outliers"), n, self._meaning()),
                Fact("highest score", _number(self.table["outlier_score"].max()), "larger is stranger, 1 is ordinary"),
                Fact(("image compared", "images compared"), len(self.table), "broken ones are left out"),
            ),
            rows=tuple(self._row(str(image_id), row) for image_id, row in shown.iterrows()),
            rows_title="Strangest first" if n else "The strangest of them, for a look",
            noun=("image", "images"),
            n_more=max(0, n - len(shown)),
            empty="There is nothing to compare.",
            next_calls=(
                ("out.to_frame()", "score and nearest neighbor of every image"),
                ("ds.outliers(contamination=0.01)", "flag exactly the strangest 1 %"),
            ),
        )

    def _headline(self) -> str:
        n, n_images = self.n_outliers, len(self.table)
        if n_images < 2:
            return "An image alone cannot stand out." if n_images else NO_IMAGE
        images = format_count(n_images, IMAGES)
        if not n:
            return f"None of {images} stands out beyond doubt; the strangest come first."
        return f"{n:,} of {images} {'stands' if n == 1 else 'stand'} out."

    def _meaning(self) -> str:
        if self.contamination != "auto":
            return f"the strangest {self.contamination:.3g} of the images"
        return "farther from their neighbors than chance explains"

    def _row(self, image_id: str, row: pd.Series) -> Row:
        tiles = [self._shown.tile(image_id, label=True)]
        if isinstance(row["nearest_id"], str):
            near = f"similarity {format_similarity(row['nearest_similarity'])}"
            tiles.append(self._shown.tile(row["nearest_id"], near, label=True))
        return Row(
            title=f"Score {row['outlier_score']:.2f}",
            tiles=tuple(tiles),
            badge=Badge("outlier", "warning") if row["is_outlier"] else None,
            arrow="nearest",
        )


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"
