"""Similar: the images nearest to a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import check_choice
from ..views import Fact, Row, Tile, View, format_count, format_similarity
from ._base import IMAGES, ImageResult, Shown

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_PER_ROW = 5  # as many as a view draws side by side


@dataclass(frozen=True, eq=False, repr=False)
class Similar(ImageResult):
    """The images nearest to a query, as ``Dataset.similar`` found them.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, most similar first: ``similarity`` (cosine of the vectors, 1 is identical).
    query : str
        What was asked for: an image id, or a description of the picture that was given.
    query_id : str or None
        The image id of the query where it is one of the dataset.
    """

    table: pd.DataFrame
    query: str
    query_id: str | None
    _shown: Shown

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``table``."""
        return self.table.copy()

    def _deck(self) -> Deck:
        from .decks import deck_of_similar

        return deck_of_similar(self)

    def _listed(self, which: object) -> list[str]:
        check_choice("all" if which is None else which, "which", "Similar.tag", ("all",))
        return [str(image_id) for image_id in self.table.index if image_id != self.query_id]

    def _view(self, n_rows: int) -> View:
        n = len(self.table)
        shown = self.table["similarity"].head(_PER_ROW * n_rows)
        tiles = [self._tile(str(image_id), similarity) for image_id, similarity in shown.items()]
        rows = tuple(_row(i, tiles[i : i + _PER_ROW]) for i in range(0, len(tiles), _PER_ROW))
        best = "" if self.table.empty else f"{self.table['similarity'].iloc[0]:.3f}"
        return View(
            title="Similar images",
            headline=f"{format_count(n, IMAGES)} nearest to {self.query}" if n else f"No image is near {self.query}",
            facts=(Fact("highest similarity", best or "–", "cosine, 1 is identical"),),
            rows=rows,
            rows_title="Most similar first",
            noun=("row of images", "rows of images"),
            n_more=-(-n // _PER_ROW) - len(rows),
            empty="There is no image to compare with.",
            next_calls=(("similar.to_frame()", "ids and similarities"),),
        )

    def _tile(self, image_id: str, similarity: float) -> Tile:
        mark = "query" if image_id == self.query_id else ""
        return self._shown.tile(image_id, f"similarity {format_similarity(similarity)}", mark=mark, label=True)


def _row(first: int, tiles: list[Tile]) -> Row:
    places = f"{first + 1:,} to {first + len(tiles):,}" if len(tiles) > 1 else f"{first + 1:,}"
    return Row(title=places, tiles=tuple(tiles))
