"""What every result is: frozen, made of DataFrames, and the same facts told as text and as HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pandas as pd

from ..errors import ParameterError
from ..views import Row, Tile, View, format_bytes, format_count, format_dimension, render_html, render_text

if TYPE_CHECKING:
    from pandas.api.extensions import ExtensionArray

    from ..tags import Change, Tags
    from ..widgets._deck import Deck
    from ..widgets._gallery import Gallery
    from ..widgets._plain import PlainGallery

DatasetT = TypeVar("DatasetT")
IMAGES = ("image", "images")
NO_IMAGE = "There is no image to look at."
PER_ROW = 5  # as many as a view draws side by side
TILE_ROWS = ("row of images", "rows of images")


@dataclass(frozen=True, eq=False, repr=False)
class Shown:
    """What a result needs to show pictures: the table of images and their thumbnails."""

    images: pd.DataFrame
    thumbnail: Callable[[str], bytes | None]
    picture: Callable[[str, int], tuple[bytes, bool]]
    neighbors: Callable[[str, int], list[tuple[str, float]]]
    open_tags: Callable[[], Tags]

    @property
    def tags(self) -> Tags:
        """The tags of the dataset."""
        return self.open_tags()

    @property
    def n_broken(self) -> int:
        """Number of images that could not be read."""
        return int(self.images["is_broken"].sum())

    def tile(self, image_id: str, *lines: str, mark: str = "", label: bool = False) -> Tile:
        """Return the tile of an image: *lines*, then its size and, if *label*, its label."""
        facts = self.facts(image_id, ("label", "width", "height", "file_size"))
        told = list(lines)
        if label and pd.notna(facts["label"]):
            told.append(f"label {facts['label']}")
        if pd.notna(facts["width"]):
            told.append(f"{format_dimension(int(facts['width']), int(facts['height']))}")
        if pd.notna(facts["file_size"]):
            told.append(format_bytes(int(facts["file_size"])))
        return Tile(image_id, lines=tuple(told), mark=mark)

    def facts(self, image_id: str, names: Sequence[str]) -> dict[str, Any]:
        """Return some facts of an image; a whole row of the table would take a hundred times as long."""
        place = self.images.index.get_loc(image_id)
        return {name: self._columns[name][place] for name in names}

    @cached_property
    def _columns(self) -> dict[str, ExtensionArray]:
        return {str(name): column.array for name, column in self.images.items()}

    def open_gallery(self, deck: Deck, *, backend: str = "auto", page_size: int = 24) -> Gallery | PlainGallery:
        """Return a live gallery of a deck."""
        from ..widgets._open import open_gallery

        return open_gallery(deck, self, backend=backend, page_size=page_size)


class Result(ABC):
    """Base of all results.

    ``to_frame()`` gives the main table, ``len(result)`` its rows; the last expression of a cell shows a gallery.
    """

    _shown: Shown

    if TYPE_CHECKING:

        @property
        def table(self) -> pd.DataFrame: ...

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``table``, the main table, as a plain DataFrame."""
        return self.table.copy()

    def __len__(self) -> int:
        """Return the number of rows of the main table."""
        return len(self.to_frame())

    def __bool__(self) -> NoReturn:
        raise ParameterError(
            f"Whether {type(self).__name__} is true is ambiguous, as of a DataFrame: ask for len(result), the rows of "
            "its main table, or for one of its counts."
        )

    @abstractmethod
    def _view(self, n_rows: int) -> View:
        """Return what is shown of it, with at most *n_rows* rows of pictures."""

    def __repr__(self) -> str:
        return render_text(self._view(8))

    def _repr_html_(self) -> str:
        return render_html(self._view(8), self._shown.thumbnail)


class ImageResult(Result):
    """A result that lists images, and so has a live gallery."""

    def tag(self, tag: str | Sequence[str], which: object = None) -> Change:
        """Tag the images that this result lists, as one action.

        Parameters
        ----------
        tag : str or list of str
            One tag or several.
        which : str, int or list, optional
            Which of the images. Duplicates: ``"removable"`` (default), ``"kept"``, ``"members"``, or the
            number of a group, or several, whose removable images are meant ("drop the others"). Outliers:
            ``"outliers"`` (default) or ``"all"``. Clusters: the number of a cluster, or several; all but the noise by
            default. Quality: the name of an issue, or several; any by default. Similar: all but the query. LabelIssues:
            ``"issues"`` (default), ``"conflicts"`` (copies with two labels) or ``"all"``. Predictions: a label, for the
            images predicted to have it; all by default. Leaks: the images of one split that have a twin in another; of
            all splits by default. Split: the name of a split, always. Sample: ``"all"`` (default), ``"included"`` or
            ``"new"`` (the others). Novelties: ``"novel"`` (default) or ``"all"``. LabelQueue, Normality: all. Sequence:
            ``"cuts"`` (default), ``"keyframes"``, ``"still"``, ``"events"``, ``"returns"``, ``"gradual"`` or
            ``"representatives"``.

        Returns
        -------
        Change
            What really changed; ``ds.tags.undo()`` takes it back.
        """
        from ..tags._given import check_tags

        names = check_tags(tag, "tag", f"{type(self).__name__}.tag")
        return self._shown.tags.add(self._listed(which), names)

    @abstractmethod
    def _listed(self, which: object) -> list[str]:
        """Return the ids that *which* names."""

    @abstractmethod
    def _deck(self) -> Deck:
        """Return what a gallery shows of it."""

    def gallery(self, *, page_size: int = 24, backend: str = "auto") -> Gallery | PlainGallery:
        """Return a live gallery: page, sort, filter, select, open, compare, tag, undo.

        Parameters
        ----------
        page_size : int, default 24
            Images on a page, 1 to 96; a row counts as six, and shows up to twelve where there is room.
        backend : {"auto", "anywidget", "ipywidgets"}, default "auto"
            ``"ipywidgets"`` uses nothing but the controls that ipywidgets itself has, for front ends that can show no
            others; ``"auto"`` takes it on Kaggle.

        Returns
        -------
        Gallery or PlainGallery
            A widget; the last expression of a cell shows it.
        """
        return self._shown.open_gallery(self._deck(), page_size=page_size, backend=backend)


def put_in_rows(tiles: Sequence[Tile]) -> tuple[Row, ...]:
    """Return tiles in rows, each titled by the places it holds: *1 to 5*, *6*."""
    rows = []
    for first in range(0, len(tiles), PER_ROW):
        some = tuple(tiles[first : first + PER_ROW])
        rows.append(Row(f"{first + 1:,} to {first + len(some):,}" if len(some) > 1 else f"{first + 1:,}", some))
    return tuple(rows)


def count_rows(n_tiles: int) -> int:
    """Return in how many rows so many tiles are put."""
    return -(-n_tiles // PER_ROW)


def tell_broken(n_broken: int, where: str = "left out") -> tuple[str, ...]:
    """Return a sentence on images that could not be read, where there are any."""
    return (f"{format_count(n_broken, ('broken image is', 'broken images are'))} {where}.",) if n_broken else ()
