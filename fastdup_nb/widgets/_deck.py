"""What a gallery shows: images in a table, in rows or one by one, and how they are captioned, filtered and sorted.

A deck is plain: frames, and functions that caption what is on one page. It knows nothing of notebooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Caption:
    """What is said of an image: a word that marks it, lines, and an image to show beside it with a line of its own."""

    lines: tuple[str, ...] = ()
    mark: str = ""
    beside: str = ""
    beside_line: str = ""


@dataclass(frozen=True)
class RowCaption:
    """What is said of a row of images."""

    title: str
    badge: str = ""
    note: str = ""


@dataclass(frozen=True)
class Sort:
    """An order: by a column of the deck's table, or of its rows where it has some."""

    column: str
    ascending: bool = True


@dataclass(frozen=True, eq=False)
class Deck:
    """All that a gallery can show.

    Attributes
    ----------
    title : str
        Such as "Duplicates".
    headline : str
        One sentence.
    table : DataFrame
        Index ``image_id``, one row per tile, in order; the tiles of one row of the gallery stand together.
    code : str
        Python that makes *table*, where ``ds`` is the dataset; "" where only the gallery itself has it.
    caption : callable
        Takes a position in *table*, returns its Caption.
    rows : DataFrame, optional
        Index: the values of ``table[row_column]`` in the order of *table*. Without it, tiles stand one by one.
    row_column : str
        The column of *table* that tells the row.
    row_code : str
        Python that makes *rows*.
    row_caption : callable, optional
        Takes a position in *rows*, returns its RowCaption.
    row_noun : (str, str)
        One and many of the rows.
    sorts : mapping of str to Sort
        Orders beside the given one, by their name for people.
    is_comparable : bool
        Whether a row shows one picture in versions, of which the kept or first one stands for all.
    notes : tuple of str
        What has to be known before anything is decided.
    empty : str
        Said where there is nothing to show.
    """

    title: str
    headline: str
    table: pd.DataFrame
    code: str
    caption: Callable[[int], Caption]
    rows: pd.DataFrame | None = None
    row_column: str = ""
    row_code: str = ""
    row_caption: Callable[[int], RowCaption] | None = None
    row_noun: tuple[str, str] = ("group", "groups")
    sorts: Mapping[str, Sort] = field(default_factory=dict)
    is_comparable: bool = False
    notes: tuple[str, ...] = ()
    empty: str = "There is nothing to show."

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each row begins in *table*, and where the last one ends."""
        if self.rows is None:
            return np.array([0, len(self.table)])
        sizes = self.table[self.row_column].value_counts(sort=False).reindex(self.rows.index, fill_value=0)
        return np.concatenate([[0], np.cumsum(sizes.to_numpy(dtype=np.int64))])


@dataclass(frozen=True)
class Query:
    """What of a deck is asked for: an order, a text, a tag, one row alone.

    *tag* is "" for all images, "tagged", "untagged", "selected", or "=" and a tag. What carries a tag is looked up
    when a *snapshot* is first asked for, so that images stay where they are while they are tagged.
    """

    sort: str = ""
    text: str = ""
    tag: str = ""
    row: int = -1
    snapshot: int = 0

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text or self.tag)


@dataclass(frozen=True)
class Found:
    """The answer to a query: positions of tiles in order, and, where rows are shown, where each row of them begins."""

    tiles: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64] | None = None  # positions of rows
    starts: npt.NDArray[np.int64] | None = None  # into tiles, one more than rows

    @property
    def n_units(self) -> int:
        """Number of what is paged through: rows or tiles."""
        return len(self.tiles) if self.rows is None else len(self.rows)

    @property
    def n_shown(self) -> int:
        """Number of tiles."""
        return len(self.tiles)


def find_tiles(deck: Deck, query: Query, has_text: npt.NDArray[np.bool_], has_tag: npt.NDArray[np.bool_]) -> Found:
    """Return the tiles of a deck that a query asks for, given which of them match its text and its tag."""
    starts = deck.starts
    matches = has_text & has_tag
    if deck.rows is None or query.row >= 0:
        low, high = (starts[query.row], starts[query.row + 1]) if query.row >= 0 else (0, len(deck.table))
        tiles = low + np.flatnonzero(matches[low:high])
        if query.row < 0 and query.sort in deck.sorts:
            tiles = tiles[order_by(deck.table.iloc[tiles], deck.sorts[query.sort])]
        return Found(tiles)
    row_of = np.repeat(np.arange(len(deck.rows)), np.diff(starts))
    if deck.is_comparable:  # versions of one picture are seen together or not at all
        matches = np.isin(row_of, row_of[matches])
    counts = np.bincount(row_of[matches], minlength=len(deck.rows))
    rows = np.flatnonzero(counts)
    rows = rows[order_by(deck.rows.iloc[rows], deck.sorts.get(query.sort))]
    parts = [starts[row] + np.flatnonzero(matches[starts[row] : starts[row + 1]]) for row in rows]
    tiles = np.concatenate([*parts, np.empty(0, dtype=np.int64)]).astype(np.int64)
    return Found(tiles, rows, np.concatenate([[0], np.cumsum(counts[rows])]))


def order_by(frame: pd.DataFrame, sort: Sort | None) -> npt.NDArray[np.int64]:
    """Return the positions of a frame's rows in an order; equal ones stay as they stand, missing ones come last."""
    if sort is None:
        return np.arange(len(frame))
    values = frame.index.to_series() if sort.column == frame.index.name else frame[sort.column]
    order = values.reset_index(drop=True).sort_values(ascending=sort.ascending, kind="stable")
    return order.index.to_numpy(dtype=np.int64)


def match_text(index: pd.Index, labels: pd.Series, text: str) -> npt.NDArray[np.bool_]:
    """Return which image ids or their labels hold a text, in whatever case."""
    if not text:
        return np.ones(len(index), dtype=bool)
    held = index.astype(str).str.contains(text, case=False, regex=False)
    by_label = labels.astype(object).where(labels.notna(), "").astype(str).str.contains(text, case=False, regex=False)
    return np.asarray(held, dtype=bool) | by_label.to_numpy(dtype=bool)


def write_code(deck: Deck, query: Query, selection: list[str], name: str = "gallery") -> str:
    """Return one line of pandas that makes the table of what is shown or, where images are selected, of these.

    ``ds`` is the dataset, *name* what the gallery is called in the notebook.
    """
    code = deck.code or f"{name}.table"
    parts = [f"t = {code}"]
    if query.row >= 0 and deck.rows is not None:
        parts.append(f"t = t[t[{deck.row_column!r}] == {deck.rows.index.tolist()[query.row]!r}]")
    sort = deck.sorts.get(query.sort)
    if sort is not None and query.row < 0:
        parts.append(_sort_code(deck, sort))  # by what rows are before any image is left out
    conditions = _conditions(query, name)
    if conditions and deck.is_comparable and query.row < 0:
        column = repr(deck.row_column)
        parts.append(f"t = t[t[{column}].isin(t.loc[{' & '.join(conditions)}, {column}])]")
    elif conditions:
        parts.append(f"t = t[{' & '.join(conditions)}]")
    if selection:
        listed = repr(selection) if len(selection) <= 8 else f"{name}.selection"
        return "; ".join([*parts, f"t[t.index.isin({listed})]"])
    return "; ".join([*parts, "t"]) if len(parts) > 1 else code


def _conditions(query: Query, name: str) -> list[str]:
    conditions = []
    if query.text:
        has = f".str.contains({query.text!r}, case=False, regex=False)"
        conditions.append(f"(t.index{has} | ds.images['label'].astype(object).reindex(t.index).fillna(''){has}.values)")
    if query.tag.startswith("="):
        conditions.append(f"t.index.isin(ds.tagged({query.tag[1:]!r}))")
    elif query.tag == "selected":
        conditions.append(f"t.index.isin({name}.selection)")
    elif query.tag:
        not_ = "~" if query.tag == "untagged" else ""
        conditions.append(f"{not_}t.index.isin(ds.tags.to_frame().index)")
    return conditions


def _sort_code(deck: Deck, sort: Sort) -> str:
    how = f"ascending={sort.ascending}, kind='stable'"
    if deck.rows is None:
        if sort.column == deck.table.index.name:
            return f"t = t.sort_index({how})"
        return f"t = t.sort_values({sort.column!r}, {how})"
    ordered = f"{deck.row_code}.sort_values({sort.column!r}, {how}).index"
    if sort.column == deck.rows.index.name:
        ordered = f"{deck.row_code}.sort_index({how}).index"
    return f"t = t.iloc[{ordered}.get_indexer(t[{deck.row_column!r}]).argsort(kind='stable')]"
