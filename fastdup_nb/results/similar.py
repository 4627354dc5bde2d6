"""Similar: the images nearest to a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import check_choice
from ..views import Fact, Tile, View, format_count, format_similarity
from ._base import IMAGES, PER_ROW, TILE_ROWS, ImageResult, Shown, count_rows, put_in_rows, tell_broken

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_SEVERAL = " pictures"


@dataclass(frozen=True, eq=False, repr=False)
class Similar(ImageResult):
    """The images nearest to a query, as ``Dataset.similar`` found them.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, most similar first: ``similarity`` (cosine of the vectors, 1 is identical; of several
        queries the mean). Where something was not meant, also ``unlike_similarity`` (mean cosine to that) and
        ``score``, ``similarity - unlike_similarity / 4``, and the highest score comes first. What was asked for comes
        before all others.
    query : str
        What was asked for: an image id, or a description of the picture or pictures that were given.
    query_id : str or None
        The image id of the query where it is one of the dataset, and the only one.
    query_ids : tuple of str
        The image ids of all queries that are of the dataset.
    unlike : tuple of str
        What was not meant: image ids, or descriptions.
    n_images : int
        Images compared: all but the broken ones.
    """

    table: pd.DataFrame
    query: str
    query_id: str | None
    query_ids: tuple[str, ...]
    unlike: tuple[str, ...]
    n_images: int
    _call: str
    _shown: Shown

    def _deck(self) -> Deck:
        return _make_deck(self)

    def _listed(self, which: object) -> list[str]:
        check_choice("all" if which is None else which, "which", "Similar.tag", ("all",))
        return [str(image_id) for image_id in self.table.index if image_id not in self.query_ids]

    def _view(self, n_rows: int) -> View:
        n = len(self.table)
        shown = self.table.head(PER_ROW * n_rows)
        tiles = [self._tile(i) for i in range(len(shown))]
        rows = put_in_rows(tiles)
        return View(
            title="Similar images",
            headline=self._headline(),
            facts=self._facts(),
            rows=rows,
            rows_title="Highest score first" if self.unlike else "Most similar first",
            noun=TILE_ROWS,
            n_more=count_rows(n) - len(rows),
            empty="There is no image to compare with.",
            notes=tell_broken(self._shown.n_broken),
            next_calls=(("similar.to_frame()", "ids and similarities"),),
        )

    def _headline(self) -> str:
        n = len(self.table)
        against = f", less like {tell_queries(self.unlike)}" if self.unlike else ""
        start = f"{format_count(n, IMAGES)} nearest to" if n else "No image is near"
        return f"{start} {self.query}{against}"

    def _facts(self) -> tuple[Fact, ...]:
        highest = "–" if self.table.empty else f"{self.table['similarity'].max():.3f}"
        is_mean = self.query.endswith(_SEVERAL)
        meaning = "mean cosine to all of them, 1 is identical to each" if is_mean else "cosine, 1 is identical"
        facts = [Fact("highest similarity", highest, meaning)]
        if self.unlike:
            best = "–" if self.table.empty else f"{self.table['score'].max():.3f}"
            facts.append(Fact("highest score", best, "similarity, less a quarter of that to what is not meant"))
        facts.append(
            Fact(("image compared", "images compared"), self.n_images, "all of them, each with what was asked for")
        )
        return tuple(facts)

    def _lines(self, i: int) -> tuple[str, ...]:
        row = self.table.iloc[i]
        told = f"similarity {format_similarity(row['similarity'])}"
        return (f"score {row['score']:.3f}", told) if self.unlike else (told,)

    def _tile(self, i: int) -> Tile:
        image_id = str(self.table.index[i])
        mark = "query" if image_id in self.query_ids else ""
        return self._shown.tile(image_id, *self._lines(i), mark=mark, label=True)


def tell_queries(names: Sequence[str]) -> str:
    """Return in words what was asked for: its name, or how many pictures."""
    return names[0] if len(names) == 1 else f"{len(names):,}{_SEVERAL}"


def _make_deck(found: Similar) -> Deck:
    """Return single images, the nearest first."""
    from ..widgets._deck import Caption, Deck, Sort

    table = found.table

    def caption(i: int) -> Caption:
        return Caption(found._lines(i), mark="query" if table.index[i] in found.query_ids else "")

    sorts = {"path": Sort("image_id"), "path, backwards": Sort("image_id", ascending=False)}
    return Deck(
        title="Similar images", headline=found._headline(), table=table, caption=caption,
        code=found._call and f"{found._call}.table",
        sorts=sorts,
    )  # fmt: skip
