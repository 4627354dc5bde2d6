"""What a gallery does, for any front end: answers what is asked for, and turns what a person does into decisions.

Handlers may run in another thread than the notebook's cells, so all of it is behind one lock.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import ParameterError, UnknownImageError
from ..views import format_bytes, format_count, format_dimension, format_similarity
from ._base import DROP, KEEP, TagBook, exclude
from ._deck import Deck, Found, Query, find_tiles, match_text, write_code

_KEPT_ANSWERS = 4
_LOCK = (
    threading.RLock()
)  # one for all: a change in one gallery is heard by the others, each with its own would lock up
_COUNTED_PER_ROW = 6
REJECTED = "not duplicates"
HIDDEN = "All that is selected is hidden by the filter; Escape clears the selection."


class Pictures(Protocol):
    """Where a gallery gets its pictures and facts."""

    @property
    def images(self) -> pd.DataFrame:
        """One row of facts per image."""

    @property
    def thumbnail(self) -> Callable[[str], bytes | None]:
        """Takes an image id; returns a small JPEG, None where there is no picture."""

    @property
    def picture(self) -> Callable[[str, int], tuple[bytes, bool]]:
        """Takes an image id and pixels; returns a JPEG of at most so many, and whether the file has changed."""

    @property
    def neighbors(self) -> Callable[[str, int], list[tuple[str, float]]]:
        """Takes an image id and a number; returns the nearest others with their similarity."""

    @property
    def tags(self) -> TagBook:
        """Where decisions are kept."""


class Controller:
    """A deck, the tags of its images, and what is selected."""

    def __init__(self, deck: Deck, pictures: Pictures) -> None:
        self.deck = deck
        self.pictures = pictures
        self.tags = pictures.tags
        self.selection: list[str] = []
        self.lock = _LOCK
        self.ids = list(map(str, deck.table.index.to_numpy(dtype=object)))
        self._images = frozenset(self.ids)
        self._labels = pictures.images["label"].reindex(deck.table.index)
        self._answers: OrderedDict[Query, Found] = OrderedDict()
        self.tags_of: dict[str, tuple[str, ...]] = {}  # of the images in the deck that have any, as of the last count
        reasons = pictures.images.loc[pictures.images["is_broken"].to_numpy(dtype=bool), "reason"]
        self._problems = {str(image_id): str(reason) for image_id, reason in reasons.items()}  # why there is no picture
        self.called = "gallery"  # what it is called in the notebook
        self._in_view: tuple[Found | None, frozenset[str]] = (None, frozenset())
        self._counts: Counter[str] = Counter()
        self._counted = (0, 0)

    @property
    def n_images(self) -> int:
        """Number of images in the deck, each counted once."""
        return len(self._images)

    def tell(self) -> str:
        """Return in words how much the deck holds."""
        deck, n = self.deck, format_count(self.n_images, ("image", "images"))
        rows = "" if deck.rows is None else f" in {format_count(len(deck.rows), deck.row_noun)}"
        return f"{deck.title}, {n}{rows}, {len(self.selection):,} selected"

    def find(self, query: Query) -> Found:
        """Return the tiles that a query asks for."""
        with self.lock:
            self.check_row(query.row)
            if query not in self._answers:
                has_text = match_text(self.deck.table.index, self._labels, query.text)
                self._answers[query] = find_tiles(self.deck, query, has_text, self._has_tag(query.tag))
                while len(self._answers) > _KEPT_ANSWERS:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(query)
            return self._answers[query]

    def page(self, query: Query, number: int, size: int, most_in_row: int = _COUNTED_PER_ROW) -> dict[str, Any]:
        """Return one page: its tiles or rows of tiles, and which images have to be sent with it.

        Parameters
        ----------
        query : Query
            What is asked for.
        number : int
            Page, from 0; a number too large gives the last page.
        size : int
            Tiles on a page; a row counts as six.
        most_in_row : int
            Tiles of a row at most.
        """
        with self.lock:
            found = self.find(query)
            per_page = size if found.rows is None else max(1, size // _COUNTED_PER_ROW)
            n_pages = max(1, -(-found.n_units // per_page))
            number = min(max(number, 0), n_pages - 1)
            units = range(number * per_page, min((number + 1) * per_page, found.n_units))
            rows = self._tiles(found, units) if found.rows is None else self._rows(found, units, most_in_row)
            self._add_tags(rows)
            tiles = [tile for row in rows for tile in row["tiles"]]
            shown = [str(tile["id"]) for tile in tiles] + [str(tile["beside"]) for tile in tiles if tile["beside"]]
            return {
                "page": number, "first": units.start, "n_pages": n_pages, "n_units": found.n_units,
                "n_tiles": found.n_shown, **self.tell_selection(query),
                "rows": rows, "images": list(dict.fromkeys(shown)), "note": self._note(query, found),
            }  # fmt: skip

    def describe(self, image_id: str) -> dict[str, Any]:
        """Return what is known of one image: facts, tags and its nearest neighbors."""
        facts = self.pictures.images.loc[[image_id]].iloc[0]
        near = self.pictures.neighbors(image_id, 8)
        return {
            "id": image_id,
            "facts": [[name, value] for name, value in _tell(image_id, facts)],
            "tags": list(self.tags.of([image_id])[image_id]),
            "neighbors": [{"id": other, "line": format_similarity(similarity)} for other, similarity in near],
        }

    def name(self, positions: Iterable[int]) -> list[str]:
        """Return the ids of tiles, each once."""
        return list(dict.fromkeys(self.ids[i] for i in self.check_places(positions)))

    def check_places(self, positions: Iterable[int]) -> list[int]:
        """Return those of some positions at which there is a tile."""
        n = len(self.ids)
        return [int(i) for i in positions if 0 <= int(i) < n]

    def check_known(self, image_ids: Iterable[object]) -> list[str]:
        """Return ids, or raise where the dataset has no such image."""
        found = [str(image_id) for image_id in image_ids]
        for image_id in found:
            if image_id not in self._images and image_id not in self.pictures.images.index:
                raise UnknownImageError(f"There is no image {image_id!r} in this dataset.")
        return found

    def select(self, image_ids: Sequence[str], mode: str = "set") -> list[str]:
        """Set, add to, or remove from the selection; return it."""
        with self.lock:
            if mode == "set":
                self.selection = list(image_ids)
            elif mode == "add":
                self.selection = list(dict.fromkeys([*self.selection, *image_ids]))
            else:
                gone = set(image_ids)
                self.selection = [image_id for image_id in self.selection if image_id not in gone]
            return self.selection

    def in_view(self, image_ids: Sequence[str], query: Query) -> list[str]:
        """Return those of some images that a query shows, on whatever page: a key leaves the others alone."""
        shown = self._images
        if query.is_filtered or query.row >= 0:
            found = self.find(query)
            if self._in_view[0] is not found:
                self._in_view = (found, frozenset(self.ids[i] for i in found.tiles.tolist()))
            shown = self._in_view[1]
        return [image_id for image_id in image_ids if image_id in shown]

    def tag(self, image_ids: Sequence[str], tag: str, *, on: bool | None = None) -> object:
        """Give images a tag (*on*), or take it from them; by default take it where all of them have it.

        Keep and drop exclude each other.
        """
        with self.lock:
            if on is None:
                has = self.tags.of(image_ids)
                on = not (image_ids and all(tag in has[image_id] for image_id in image_ids))
            if not on:
                return self.tags.edit(image_ids, remove=[tag])
            return self.tags.edit(image_ids, add=[tag], remove=exclude(tag))

    def drop_others(self, row: int) -> object:
        """Tag all images of a row "drop" but the one that stands for it."""
        others = self.name(i for i in self._places(row) if not self._is_kept(row, i))
        return self.tags.edit(others, add=[DROP], remove=[KEEP])

    def reject(self, positions: Sequence[int]) -> object:
        """Say that images are no duplicates of the one that stands for their row; for that one, of all others."""
        pairs: list[tuple[str, str]] = []
        for position in positions:
            row = self.row_of(position)
            kept = self.kept_of(row)
            starts = self.deck.starts
            others = [position] if position != kept else [i for i in range(starts[row], starts[row + 1]) if i != kept]
            pairs += [(self.ids[kept], self.ids[other]) for other in others]
        return self.tags.judge(list(dict.fromkeys(pairs)), REJECTED)

    def count_verdicts(self) -> int:
        """Return a number that changes with every verdict; 0 where the deck shows none."""
        return self.tags.verdicts_on([])[0] if self.deck.is_comparable else 0

    def row_ids(self, row: int) -> list[str]:
        """Return the ids of all images of a row."""
        return self.name(self._places(row))

    def check_row(self, row: object, *, low: int = -1) -> None:
        """Raise where there is no such row; -1 stands for all of them."""
        n_rows = 0 if self.deck.rows is None else len(self.deck.rows)
        if not isinstance(row, int) or isinstance(row, bool) or not low <= row < n_rows:
            raise ParameterError(f"The gallery has no row {str(row)[:40]}; there are {n_rows:,}, counted from 0.")

    def _places(self, row: int) -> range:
        """Return the positions of the tiles of a row, or raise where there is no such row."""
        self.check_row(row, low=0)
        return range(self.deck.starts[row], self.deck.starts[row + 1])

    def row_of(self, position: int) -> int:
        """Return the row in which a tile stands."""
        return int(np.searchsorted(self.deck.starts, position, side="right")) - 1

    def kept_of(self, row: int) -> int:
        """Return the position of the tile that stands for its row."""
        starts = self.deck.starts
        return next((i for i in range(starts[row], starts[row + 1]) if self._is_kept(row, i)), int(starts[row]))

    def counts(self) -> dict[str, int]:
        """Return how many images of the deck carry each tag, and how many carry none; counts what has changed."""
        with self.lock:
            counted, changed = self.tags.changed_since(self._counted)
            for image_id, tags in self.tags.of([i for i in changed if i in self._images]).items():
                self._counts.subtract(self.tags_of.pop(image_id, ()))
                self._counts.update(tags)
                if tags:
                    self.tags_of[image_id] = tags
            self._counted = counted
            return {**{tag: n for tag, n in self._counts.items() if n}, "": len(self._images) - len(self.tags_of)}

    def code(self, query: Query) -> str:
        """Return the line of pandas for what is shown or selected."""
        return write_code(self.deck, query, self.selection, self.called)

    def selection_frame(self) -> pd.DataFrame:
        """Return the rows of the deck's table that are selected, or facts of images that are not in it.

        Raises
        ------
        UnknownImageError
            If an image was selected, in Python, that the dataset does not have.
        """
        unknown = pd.Index(self.selection, dtype=object).difference(self.pictures.images.index, sort=False)
        if len(unknown):
            raise UnknownImageError(
                f"There is no image {unknown[0]!r} in this dataset, yet it is in the selection, and so are "
                f"{len(unknown) - 1:,} others that are unknown; ids are those of ds.images.index."
            )
        table = self.deck.table
        known = [image_id for image_id in self.selection if image_id in self._images]
        if len(known) < len(self.selection):
            return self.pictures.images.loc[self.selection].copy()
        return table.loc[known].copy()

    def tell_selection(self, query: Query) -> dict[str, int]:
        """Return how many images are selected, and how many of them a query hides."""
        n = len(self.selection)
        return {"n_selected": n, "n_hidden": n - len(self.in_view(self.selection, query))}

    def _has_tag(self, tag: str) -> npt.NDArray[np.bool_]:
        index = self.deck.table.index
        if tag.startswith("="):
            return np.asarray(index.isin(self.tags.tagged(tag[1:])))
        if tag == "selected":
            return np.asarray(index.isin(self.selection))
        if tag in {"tagged", "untagged"}:
            return np.asarray(index.isin(self.tags.to_frame().index)) ^ (tag == "untagged")
        return np.ones(len(index), dtype=bool)

    def _is_kept(self, row: int, position: int) -> bool:
        if "is_kept" in self.deck.table.columns:
            return bool(self.deck.table["is_kept"].iloc[position])
        return bool(position == self.deck.starts[row])

    def _tiles(self, found: Found, units: range) -> list[dict[str, Any]]:
        return [{"row": -1, "tiles": [self._tile(int(found.tiles[i])) for i in units]}]

    def _rows(self, found: Found, units: range, most: int) -> list[dict[str, Any]]:
        assert found.rows is not None  # noqa: S101 - for the type checker
        assert found.starts is not None  # noqa: S101
        assert self.deck.row_caption is not None  # noqa: S101
        rows = []
        for i in units:
            row = int(found.rows[i])
            tiles = found.tiles[found.starts[i] : found.starts[i + 1]]
            caption = self.deck.row_caption(row)
            drawn = [self._tile(int(tile)) for tile in tiles[:most]]
            words = {"title": caption.title, "badge": caption.badge, "note": caption.note}
            rows.append({"row": row, **words, "tiles": drawn, "n_more": len(tiles) - len(drawn)})
        return rows

    def _tile(self, position: int) -> dict[str, Any]:
        caption = self.deck.caption(position)
        is_kept = self.deck.is_comparable and position == self.kept_of(self.row_of(position))
        return {
            "i": position, "id": self.ids[position], "lines": list(caption.lines),
            "mark": caption.mark or ("keep" if is_kept else ""),
            "beside": caption.beside, "beside_line": caption.beside_line,
            "problem": self._problems.get(self.ids[position], ""),
        }  # fmt: skip

    def _add_tags(self, rows: list[dict[str, Any]]) -> None:
        tiles = [tile for row in rows for tile in row["tiles"]]
        tags = self.tags.of([tile["id"] for tile in tiles])
        selected = set(self.selection)
        for tile in tiles:
            tile["tags"] = list(tags[tile["id"]])
            tile["selected"] = tile["id"] in selected
            tile["kept"], tile["is_rejected"] = "", False
        if self.deck.is_comparable:
            kept = [self.ids[self.kept_of(self.row_of(tile["i"]))] for tile in tiles]
            _, verdicts = self.tags.verdicts_on([(one, tile["id"]) for one, tile in zip(kept, tiles, strict=True)])
            for tile, one, verdict in zip(tiles, kept, verdicts, strict=True):
                tile["kept"], tile["is_rejected"] = one, verdict == REJECTED

    def _note(self, query: Query, found: Found) -> str:
        if not found.n_shown:
            return "Nothing matches the filter." if query.is_filtered else self.deck.empty
        images = format_count(found.n_shown, ("image", "images"))
        if query.row >= 0 and self.deck.row_caption is not None:
            title = self.deck.row_caption(query.row).title
            return f"{title.rpartition(': ')[0] or title}: {images}"
        if found.rows is None:
            return images
        return f"{images} in {format_count(len(found.rows), self.deck.row_noun)}"


def _tell(image_id: str, facts: pd.Series) -> list[tuple[str, str]]:
    """Return the facts of an image in words, in the order in which one would ask."""
    told = [("image", image_id), ("path", str(facts["path"]))]
    told += [(name, str(facts[name])) for name in ("label", "split") if pd.notna(facts[name])]
    if pd.notna(facts["width"]):
        told.append(("size", f"{format_dimension(int(facts['width']), int(facts['height']))} px"))
    if pd.notna(facts["file_size"]):
        told.append(("file", f"{facts['format'] if pd.notna(facts['format']) else 'unknown'}, "
                             f"{format_bytes(int(facts['file_size']))}"))  # fmt: skip
    told += [(name.replace("_", " "), str(facts[name])) for name in ("exif_time", "camera") if pd.notna(facts[name])]
    measured = ("sharpness", "brightness", "contrast", "entropy")
    told += [(name, f"{facts[name]:.3g}") for name in measured if pd.notna(facts[name])]
    if facts["is_broken"]:
        told.append(("broken", str(facts["reason"])))
    return told
