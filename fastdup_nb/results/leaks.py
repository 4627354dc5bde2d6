"""Leaks: which images have a twin in another split, or in another dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._validation import check_choice
from ..errors import ParameterError
from ..findings.duplicates import MAX_LISTED_COPIES, TIERS
from ..findings.leaks import LeakTables
from ..views import Badge, Fact, Row, Table, Tone, View, format_count, format_similarity
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown

if TYPE_CHECKING:
    from ..widgets._deck import Caption, Deck, RowCaption

#: What the two sides are called where two datasets are compared.
THIS, OTHER = "this", "other"
#: What splits are called that were given as a Series or the like, which a line of code cannot repeat.
GIVEN = "split"
_TONES: dict[str, Tone] = {"identical file": "strong", "identical pixels": "good", "near": "plain"}
_PAIRS = ("pair", "pairs")
_MAX_TABLE = 12
_MOST_SIDES = 4  # told in a line


@dataclass(frozen=True, eq=False, repr=False)
class Leaks(ImageResult):
    """Images that have a twin in another split, or in another dataset, as ``Dataset.leaks`` found them.

    Where two datasets were compared, their sides are called ``"this"`` and ``"other"``; ids of the two may be the same,
    and ``split_a``, ``split_b`` and ``split`` say whose they are.

    Attributes
    ----------
    pairs : DataFrame
        ``image_id_a``, ``image_id_b``, ``similarity`` (1 is identical, at least *min_similarity*) and ``tier`` as in
        ``Duplicates.pairs``; ``split_a`` and ``split_b``; ``label_a``, ``label_b`` (missing where there is none) and
        ``labels_differ`` (both are there and are not the same). Each pair once, best first; the image of the larger
        split is *a*, and of two datasets that of this one.
    summary : DataFrame
        A row for each two splits, leaks or not: ``split_a``, ``split_b``; ``n_images_a``, ``n_images_b`` (images
        compared); ``leaked_a``, ``leaked_b`` (images with a twin in the other split); ``share_a``, ``share_b`` (of
        the images of their split, in [0, 1]); ``pairs``, of them ``identical file``, ``identical pixels``, ``near``;
        ``label_conflicts`` (listed pairs with ``labels_differ``).
    images : DataFrame
        Index ``image_id``, a row for each image with a twin: ``split``, ``label``, ``n_twins`` (in other splits).
    splits : tuple of str
        The names of the splits, the largest first, or ``("this", "other")``.
    min_similarity : float
        The bound that was used.
    n_images : int
        Images compared: in a split, and not broken.
    n_unassigned : int
        Images that are in no split, and so were not compared.
    n_rejected : int
        Pairs left out, alike as they are, because they were judged "not duplicates".
    """

    pairs: pd.DataFrame
    summary: pd.DataFrame
    images: pd.DataFrame
    splits: tuple[str, ...]
    min_similarity: float
    n_images: int
    n_unassigned: int
    n_rejected: int
    _touched: npt.NDArray[np.bool_]
    _call: str
    _n_broken: int
    _shown: Shown
    _other: str = ""  # what ids of the other dataset begin with where both are shown; "" within one

    @property
    def n_pairs(self) -> int:
        """Number of all pairs, listed or not."""
        return int(self.summary["pairs"].sum())

    @property
    def n_leaked(self) -> int:
        """Number of images that have a twin in another split."""
        return len(self.images)

    @property
    def n_label_conflicts(self) -> int:
        """Number of listed pairs whose images both have a label, and not the same."""
        return int(self.summary["label_conflicts"].sum())

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``pairs``."""
        return self.pairs.copy()

    def removable(
        self, from_: str | Sequence[str] = "test", *, against: str | Sequence[str] | None = None
    ) -> list[str]:
        """Return the images to take out of a split, or of several, so that it shares no picture with others.

        Parameters
        ----------
        from_ : str or list of str, default "test"
            The split that gives way; of two datasets ``"this"`` or ``"other"``. Of several splits, the first gives way
            to all others, the second to all but the first, and so on: none of them then shares a picture with any
            split, and none is lost.
        against : str or list of str, optional
            Which other splits count; all by default.

        Returns
        -------
        list of str
            Image ids, in listing order.

        Raises
        ------
        ParameterError
            If there is no such split, or none at all.
        """
        givers = self._check_splits(from_, "from_")
        others = self.splits if against is None else self._check_splits(against, "against")
        chosen = np.zeros(len(self.images), dtype=bool)
        for place, giver in enumerate(givers, start=1):
            columns = [self.splits.index(name) for name in others if name not in givers[:place]]
            chosen |= (self.images["split"] == giver).to_numpy() & self._touched[:, columns].any(axis=1)
        ids: list[str] = self.images.index[chosen].tolist()
        return ids

    def _check_splits(self, names: object, option: str) -> tuple[str, ...]:
        given = tuple(names) if isinstance(names, (list, tuple)) and names else (names,)
        return tuple(self._check_split(name, option, "Leaks.removable") for name in given)

    def _check_split(self, name: object, option: str, caller: str) -> str:
        name = str(name) if isinstance(name, (int, float, np.generic)) else name  # as splits are told
        if not self.splits:
            raise ParameterError(
                f"{caller} takes a split, and no image is in one. Name splits with fd.Dataset(..., split=...) or "
                "ds.leaks(split=...), or make new ones with ds.split()."
            )
        return check_choice(name, option, caller, self.splits)

    def _listed(self, which: object) -> list[str]:
        if which is not None:
            name = self._check_split(which, "which", "Leaks.tag")
            if self._other and name == OTHER:
                raise ParameterError(
                    "Leaks.tag tags images of the dataset that was asked. For those of the other one, use "
                    "other.leaks(ds).tag(...), or other.tags.add(leaks.removable('other'), ...)."
                )
            return self.removable(name)
        own = self.images.index[self.images["split"] == THIS] if self._other else self.images.index
        ids: list[str] = own.tolist()
        return ids

    def _deck(self) -> Deck:
        return _deck_of_other(self) if self._other else _deck_of_splits(self)

    def _view(self, n_rows: int) -> View:
        rows = self._rows(n_rows)
        return View(
            title="Leaks",
            headline=self._headline(),
            facts=self._facts(),
            rows=rows,
            rows_title="Twins across splits, surest first" if not self._other else "Twins in both, surest first",
            noun=_PAIRS,
            n_more=max(0, self.n_pairs - len(rows)),
            empty=self._empty(),
            table=self._table(),
            notes=self._notes(),
            next_calls=self._next(),
        )

    def _headline(self) -> str:
        if not self.n_images:
            return NO_IMAGE if not self.n_unassigned else "No image has a split: there is nothing to compare."
        if len(self.splits) < 2:
            return f"All {format_count(self.n_images, IMAGES)} compared are in one split, {self.splits[0]!r}."
        least = f"similarity {self.min_similarity:.3f} or more"
        between = (
            "this dataset and the other" if self._other else format_count(len(self.splits), ("", "splits")).strip()
        )
        if self._other and 0 in (sizes := self._sizes()).values():
            empty = "The other" if sizes[THIS] else "This"
            return f"{empty} dataset has no image to look at: there is nothing to compare."
        if not self.n_pairs:
            return f"No leak between {between} at {least}."
        has = "has" if self.n_leaked == 1 else "have"
        where = "the other dataset" if self._other else "another split"
        return f"{self.n_leaked:,} of {format_count(self.n_images, IMAGES)} {has} a twin in {where}, at {least}."

    def _facts(self) -> tuple[Fact, ...]:
        counts = self.summary[list(TIERS)].sum()
        tiers = ", ".join(f"{int(counts[tier]):,} {tier}" for tier in TIERS if counts[tier])
        by_split = self.images["split"].value_counts()
        listed = [name for name in self.splits[:_MOST_SIDES] if name in by_split]
        sides = ", ".join(f"{int(by_split[name]):,} in {name}" for name in listed)
        how = "each of the smaller one is searched for in the other"
        if not self._other:
            how = "each is searched for in every other split by itself"
        return (
            Fact(("pair", "pairs"), self.n_pairs, f"each counted once: {tiers}" if tiers else "each counted once"),
            Fact(("image that leaks", "images that leak"), self.n_leaked, sides or "have a twin on another side"),
            Fact(("label conflict", "label conflicts"), self.n_label_conflicts,
                 f"pairs that differ in label, {self._tell_labeled()}"),
            Fact(("image compared", "images compared"), self.n_images,
                 "; ".join(filter(None, (self._tell_sizes(), how)))),
        )  # fmt: skip

    def _sizes(self) -> dict[str, int]:
        """Return the number of images compared of each split, where there are two or more."""
        rows = self.summary.to_dict("records")
        return {str(row[f"split_{side}"]): int(row[f"n_images_{side}"]) for side in "ba" for row in rows}

    def _tell_sizes(self) -> str:
        sizes = self._sizes()
        told = [f"{sizes[name]:,} in {name}" for name in self.splits if name in sizes]
        return ", ".join(told[:_MOST_SIDES]) + (", ..." if len(told) > _MOST_SIDES else "")

    def _tell_labeled(self) -> str:
        n = int((self.pairs["label_a"].notna() & self.pairs["label_b"].notna()).sum())
        return f"of {n:,} that have two labels" if n else "but none has two labels"

    def _table(self) -> Table | None:
        if not len(self.summary):
            return None
        order = self.summary["pairs"].to_numpy().argsort(kind="stable")[::-1]
        lines = [
            (row["split_a"], row["split_b"], int(row["pairs"]), *(int(row[tier]) for tier in TIERS),
             _tell_share(row["leaked_a"], row["n_images_a"]), _tell_share(row["leaked_b"], row["n_images_b"]),
             int(row["label_conflicts"]))
            for row in self.summary.iloc[order[:_MAX_TABLE]].to_dict("records")
        ]  # fmt: skip
        columns = ("a", "b", "pairs", "file", "pixels", "near", "leaked a", "leaked b", "conflicts")
        return Table(
            columns,
            tuple(lines),
            "Each two splits: pairs by tier, images of a and of b that leak",
            n_more=len(self.summary) - len(lines),
        )

    def _empty(self) -> str:
        if len(self.splits) < 2:
            return "It takes two splits: give one with ds.leaks('folder') or ds.leaks(column), or another dataset."
        return "No image has a twin on another side."

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.n_unassigned:
            notes.append(f"{format_count(self.n_unassigned, ('image is', 'images are'))} in no split: not compared.")
        if self._n_broken:
            words = format_count(self._n_broken, ("broken image was", "broken images were"))
            notes.append(f"{words} not compared.")
        if self.n_rejected:
            notes.append(
                f'{format_count(self.n_rejected, ("pair is", "pairs are"))} left out: judged "not duplicates".'
            )
        if self.n_pairs > len(self.pairs):
            notes.append(
                f"{len(self.pairs):,} of the pairs are listed, and label conflicts counted among these: sets of more "
                f"than {MAX_LISTED_COPIES} copies of one picture in a split by their first image only."
            )
        return tuple(notes)

    def _next(self) -> tuple[tuple[str, str], ...]:
        if not self.n_pairs:
            is_compared = len(self.splits) > 1 and 0 not in self._sizes().values()
            return ((self._with("min_similarity='loose'"), "a wider net"),) if is_compared else ()
        last = OTHER if self._other else self.splits[-1]
        free = f"leaks.removable(from_={last!r})"
        return (
            ("leaks.pairs", "every pair as a DataFrame"),
            (free, f"ids of the images to take out of {last!r}"),
            *(() if self._other else (("ds.split(train=.8, val=.1, test=.1)", "a new split without leaks"),)),
        )

    def _with(self, option: str) -> str:
        return f"ds.leaks({self._call}{', ' if self._call else ''}{option})"

    def _rows(self, n_rows: int) -> tuple[Row, ...]:
        """Return the best pairs, of pictures that have not been shown yet."""
        seen: set[str] = set()
        rows: list[Row] = []
        for pair in self.pairs.head(50 * n_rows).to_dict("records"):
            a, b = str(pair["image_id_a"]), self._other + str(pair["image_id_b"])
            if len(rows) < n_rows and seen.isdisjoint({a, b}):
                rows.append(self._row(pair, a, b))
                seen |= {a, b}
        return tuple(rows)

    def _row(self, pair: dict[object, object], a: str, b: str) -> Row:
        near = format_similarity(float(pair["similarity"]))  # type: ignore[arg-type]
        return Row(
            title=f"{pair['split_a']} and {pair['split_b']}",
            tiles=(
                self._shown.tile(a, str(pair["split_a"]), label=True),
                self._shown.tile(b, str(pair["split_b"]), label=True),
            ),
            badge=Badge(f"{pair['tier']} {near}", _TONES[str(pair["tier"])]),
            note="labels differ" if pair["labels_differ"] else "",
            arrow="twin",
        )


def build_leaks(
    found: LeakTables,
    image_ids: Sequence[str],
    labels: Sequence[object],
    sides: npt.NDArray[np.int64],
    names: Sequence[str],
    *,
    min_similarity: float,
    shown: Shown,
    n_broken: int,
    call: str = "",
    other: str = "",
) -> Leaks:
    """Return the result of a search; see ``Leaks``."""
    places = np.flatnonzero(found.n_twins > 0)
    images = pd.DataFrame(
        {
            "split": pd.Series([names[sides[i]] for i in places.tolist()], dtype=TEXT),
            "label": pd.Series([labels[i] for i in places.tolist()], dtype=TEXT),
            "n_twins": found.n_twins[places],
        }
    ).set_index(pd.Index([image_ids[i] for i in places.tolist()], name="image_id", dtype=TEXT))
    n_images = int((sides >= 0).sum())
    return Leaks(
        pairs=found.pairs, summary=found.summary, images=images, splits=tuple(names), min_similarity=min_similarity,
        n_images=n_images, n_unassigned=len(sides) - n_images, n_rejected=found.n_rejected,
        _touched=found.touched[places], _call=call, _n_broken=n_broken, _shown=shown, _other=other,
    )  # fmt: skip


_BY_IMAGE = (  # two rows for each pair
    "lambda frame: frame.reset_index(drop=True).rename_axis('pair').melt([c for c in frame if c not in ('image_id_a', "
    "'image_id_b')], value_name='image_id', ignore_index=False).sort_index(kind='stable').reset_index()"
    ".set_index('image_id')"
)


def _deck_of_splits(found: Leaks) -> Deck:
    """Return a row for each pair: both images can be tagged, and judged to be no duplicates."""
    from ..widgets._deck import RowCaption, Sort
    from .decks import deck_of_anything

    pairs = found.pairs
    deck = deck_of_anything(pairs, found._shown)

    def row_caption(row: int) -> RowCaption:
        pair = pairs.iloc[row]
        near = f"similarity {format_similarity(float(pair['similarity']))}"
        note = f"{near}, labels {pair['label_a']} and {pair['label_b']}" if pair["labels_differ"] else near
        return RowCaption(f"{pair['split_a']} and {pair['split_b']}", str(pair["tier"]), note)

    def caption(i: int) -> Caption:
        """Say first in which split an image is: the two of a pair stand one after the other."""
        told = deck.caption(i)
        return replace(told, lines=(str(pairs[("split_a", "split_b")[i % 2]].iloc[i // 2]), *told.lines))

    call = f"{found._with(f'min_similarity={found.min_similarity!r}')}.pairs.pipe({_BY_IMAGE})"
    sorts = {
        "least similar first": Sort("similarity"),
        "labels that differ first": Sort("labels_differ", ascending=False),
    }
    return replace(
        deck, title="Leaks", headline=found._headline(), sorts=sorts, empty=found._empty(),
        code="" if found._call == GIVEN else call, row_caption=row_caption, caption=caption,
    )  # fmt: skip


def _deck_of_other(found: Leaks) -> Deck:
    """Return each image of this dataset that has a twin in the other, with the best one beside it."""
    from ..widgets._deck import Caption, Deck, Sort

    best = found.pairs.drop_duplicates("image_id_a").set_index("image_id_a").rename_axis("image_id")

    def caption(i: int) -> Caption:
        pair = best.iloc[i]
        line = f"{pair['tier']} {format_similarity(float(pair['similarity']))}"
        lines = (f"labels {pair['label_a']} and {pair['label_b']}",) if pair["labels_differ"] else ()
        return Caption(lines, beside=found._other + str(pair["image_id_b"]), beside_line=f"in the other: {line}")

    return Deck(
        title="Leaks", headline=found._headline(), table=best, caption=caption, code="",
        sorts={"least similar first": Sort("similarity"), "path": Sort("image_id")}, empty=found._empty(),
    )  # fmt: skip


def _tell_share(n: float, of: float) -> str:
    return f"{int(n):,} ({n / of:.1%})" if of else "0"
