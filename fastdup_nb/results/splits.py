"""A new split: which image goes where, and how near that is to what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

import pandas as pd

from .._validation import check_choice
from ..views import Cell, Fact, Row, Table, View, format_count
from ._base import IMAGES, NO_IMAGE, DatasetT, ImageResult, Shown, tell_broken

if TYPE_CHECKING:
    from ..widgets._deck import Caption, Deck, RowCaption

_N_EXAMPLES = 5
_MAX_ROWS = 4
_MAX_CLASSES = 12
_MAX_COLUMNS = 6  # splits side by side in a table
_FAR = 0.01  # how far off the wanted share is worth a remark


@dataclass(frozen=True, eq=False, repr=False)
class Split(ImageResult, Generic[DatasetT]):
    """A new split of the images in which groups stay whole, as ``Dataset.split`` made it.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, every image that can be read, in listing order: ``split``; ``class``, by which the split is
        stratified (missing where an image has none, or it is not stratified); ``group``, the same number for images
        that had to stay together.
    counts : DataFrame
        Index ``class``, largest first, a column for each split: number of images. Images without a class are counted
        under ``"(none)"``.
    shares : DataFrame
        Index ``split``: ``wanted`` and ``achieved`` share of the images, in [0, 1], ``n_images``, ``n_groups`` and
        ``largest_group`` (images).
    n_rounds : int
        How many splits were made and searched for leaks; the last one has none.
    min_similarity : float
        Images at least so similar are in one group.
    """

    table: pd.DataFrame
    counts: pd.DataFrame
    shares: pd.DataFrame
    n_rounds: int
    min_similarity: float
    _told: tuple[str, ...]
    _n_broken: int
    _call: str
    _make: Callable[..., DatasetT]
    _shown: Shown

    @property
    def splits(self) -> pd.Series:
        """The split of each image by its id; broken images are not in it. ``splits.to_csv(path)`` keeps it."""
        return self.table["split"].copy()

    @property
    def dataset(self) -> DatasetT:
        """The dataset with this split in the place of its own; no image is read again."""
        return self._make(split=self.splits)

    def _listed(self, which: object) -> list[str]:
        name = check_choice(which, "which", "Split.tag", self.shares.index.tolist())
        ids: list[str] = self.table.index[self.table["split"] == name].tolist()
        return ids

    def _deck(self) -> Deck:
        from ..widgets._deck import Caption, Deck, RowCaption, Sort

        names = self.shares.index.tolist()
        order = pd.Index(names).get_indexer(self.table["split"]).argsort(kind="stable")
        table = self.table.iloc[order]
        rows = self.shares.loc[self.shares["n_images"] > 0]
        sizes = self.table["group"].value_counts()

        def caption(i: int) -> Caption:
            image = table.iloc[i]
            n = int(sizes[image["group"]])
            told = [str(image["class"])] if isinstance(image["class"], str) else []
            return Caption((*told, *([f"group {image['group']} of {n:,}"] if n > 1 else [])))

        def row_caption(row: int) -> RowCaption:
            facts = rows.iloc[row]
            return RowCaption(str(rows.index[row]), format_count(int(facts["n_images"]), IMAGES), _tell_shares(facts))

        return Deck(
            title="Split", headline=self._headline(), table=table, caption=caption,
            code=self._call and f"{self._call}.table.sort_values('split', key=lambda s: s.map({names!r}.index), "
            "kind='stable')", rows=rows, row_column="split", row_caption=row_caption,
            row_code="t.groupby('split', sort=False).size().to_frame('n_images')",
            row_noun=("split", "splits"), sorts={"smallest first": Sort("n_images")}, empty=NO_IMAGE,
        )  # fmt: skip

    def _view(self, n_rows: int) -> View:
        return View(
            title="Split",
            headline=self._headline(),
            facts=self._facts(),
            rows=tuple(self._row(i) for i in range(min(n_rows, _MAX_ROWS, len(self.shares))) if len(self.table)),
            rows_title="Some of each",
            noun=("split", "splits"),
            n_more=max(0, len(self.shares) - min(n_rows, _MAX_ROWS)) if len(self.table) else 0,
            empty=NO_IMAGE,
            table=self._table(),
            notes=self._notes(),
            next_calls=(
                ("split.dataset", "the dataset with this split"),
                ("split.splits.to_csv('split.csv')", "keep it as a file"),
                ("split.dataset.leaks()", "look for leaks, which finds none"),
            ),
        )

    def _headline(self) -> str:
        if not len(self.table):
            return NO_IMAGE
        parts = ", ".join(f"{int(row['n_images']):,} {name}" for name, row in self.shares.head(_MAX_COLUMNS).iterrows())
        n_more = len(self.shares) - _MAX_COLUMNS
        parts += f" and {format_count(n_more, ('more split', 'more splits'))}" if n_more > 0 else ""
        return (
            f"{format_count(len(self.table), IMAGES)} in {format_count(self._n_groups, ('group', 'groups'))}: {parts}."
        )

    @property
    def _n_groups(self) -> int:
        return int(self.table["group"].nunique())

    def _facts(self) -> tuple[Fact, ...]:
        sizes = self.table["group"].value_counts()
        n_bound = int(sizes[sizes > 1].sum())
        off = float((self.shares["achieved"] - self.shares["wanted"]).abs().max()) if len(self.table) else 0.0
        return (
            Fact(
                ("image bound", "images bound"),
                n_bound,
                f"to others, in {format_count(int((sizes > 1).sum()), ('group', 'groups'))}",
            ),
            Fact("largest group", int(sizes.max()) if len(sizes) else 0, "images that stay together"),
            Fact("off the shares", f"{off:.1%}", "of all images, at most, in any split"),
            Fact(
                "leaks",
                0,
                f"searched at similarity {self.min_similarity:.3f}, {format_count(self.n_rounds, ('time', 'times'))}",
            ),
        )

    def _table(self) -> Table | None:
        if not len(self.table):
            return None
        if len(self.shares) > _MAX_COLUMNS:
            rows = [
                (
                    str(name),
                    f"{row['wanted']:.1%}",
                    f"{row['achieved']:.1%}",
                    int(row["n_images"]),
                    int(row["n_groups"]),
                )
                for name, row in self.shares.iterrows()
            ]
            return Table(("split", "wanted", "share", "images", "groups"), tuple(rows), "Images and their share")
        wanted = tuple(f"{share:.1%}" for share in self.shares["wanted"])
        achieved = tuple(f"{int(n):,} ({share:.1%})" for n, share in self.shares[["n_images", "achieved"]].to_numpy())
        total = self.counts.sum(axis=1)
        lines: list[tuple[Cell, ...]] = [("wanted", *wanted, ""), ("all images", *achieved, len(self.table))]
        if len(self.counts) > 1:
            shown = self.counts.head(_MAX_CLASSES)
            lines += [
                (str(name), *(f"{n:,} ({n / total[name]:.1%})" for n in row), int(total[name]))
                for name, row in zip(shown.index, shown.to_numpy().tolist(), strict=True)
            ]
        n_more = max(0, len(self.counts) - _MAX_CLASSES) if len(self.counts) > 1 else 0
        return Table(
            ("", *map(str, self.shares.index), "images"), tuple(lines), "Images and their share", n_more=n_more
        )

    def _notes(self) -> tuple[str, ...]:
        notes = [*self._told, *tell_broken(self._n_broken, "in no split")]
        if not len(self.table):
            return tuple(notes)
        n, wanted = len(self.table), self.shares["wanted"]
        largest = int(self.table["group"].value_counts().iloc[0])
        small = [str(name) for name in wanted.index[(wanted > 0) & (wanted * n < largest)]]
        if largest > 1 and small:
            notes.append(f"The largest group has {largest:,} images, more than the whole share of {', '.join(small)}.")
        off = self.shares.index[((self.shares["achieved"] - wanted).abs() > max(_FAR, 1 / n))]
        if len(off):
            notes.append(f"The shares of {', '.join(map(str, off))} could not be met: groups stay whole.")
        empty = [str(name) for name in self.shares.index[(wanted > 0) & (self.shares["n_images"] == 0)]]
        if empty:
            notes.append(f"No image is in {', '.join(empty)}.")
        n_open = int((wanted > 0).sum())
        n_small = int(((self.counts > 0).sum(axis=1) < n_open).sum()) if len(self.counts) > 1 else 0
        if n_small:
            notes.append(f"{format_count(n_small, ('class is', 'classes are'))} not in every split.")
        return tuple(notes)

    def _row(self, place: int) -> Row:
        name, facts = str(self.shares.index[place]), self.shares.iloc[place]
        ids = self.table.index[self.table["split"] == name]
        step = max(1, len(ids) // _N_EXAMPLES)
        shown = ids[::step][:_N_EXAMPLES]
        return Row(
            title=f"{name}: {format_count(int(facts['n_images']), IMAGES)}",
            tiles=tuple(self._shown.tile(str(image_id), label=True) for image_id in shown),
            note=_tell_shares(facts),
            n_more=len(ids) - len(shown),
        )


def build_counts(table: pd.DataFrame, wanted: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return images by class and split, and the shares of the splits."""
    named = table["class"].astype(object).where(table["class"].notna(), "(none)")
    counts = pd.crosstab(named, table["split"].astype(object)).reindex(columns=wanted.index, fill_value=0)
    counts = counts.rename_axis(index="class", columns="split").astype("int64")
    counts = counts.iloc[(-counts.sum(axis=1)).argsort(kind="stable")]
    n_images = table["split"].value_counts().reindex(wanted.index, fill_value=0)
    sizes = table.groupby(["split", "group"]).size().groupby(level="split")
    shares = pd.DataFrame({
        "wanted": wanted, "achieved": n_images / max(len(table), 1), "n_images": n_images,
        "n_groups": sizes.size().reindex(wanted.index, fill_value=0),
        "largest_group": sizes.max().reindex(wanted.index, fill_value=0),
    }).rename_axis("split")  # fmt: skip
    return counts, shares.astype({"n_images": "int64", "n_groups": "int64", "largest_group": "int64"})


def _tell_shares(facts: pd.Series) -> str:
    return f"{facts['achieved']:.1%} of the images, {facts['wanted']:.1%} wanted"
