"""Duplicates: pairs in tiers, tight groups, and what could go."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import check_choice
from ..errors import ParameterError
from ..findings.duplicates import MAX_LISTED_COPIES, TIERS
from ..views import Badge, Fact, Row, Tone, View, format_count, format_similarity
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown, tell_broken

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_TONES: dict[str, Tone] = {"identical file": "strong", "identical pixels": "good", "near": "plain"}
#: So many members of a group that are only near make one look whether they are copies at all.
_MANY_NEAR = 8
_NEXT = (
    ("dups.pairs", "every pair as a DataFrame"),
    ("dups.groups", "a row per group; dups.members has a row per image"),
    ("dups.removable", "ids of the images that could go"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Duplicates(ImageResult):
    """Images that show the same picture, as ``Dataset.duplicates`` found them.

    An image may be in a pair and in no group: where A stays and B could go, a C that is like B but not like A is left
    alone. Blank pictures of one tone are all alike, whatever their shape.

    Attributes
    ----------
    pairs : DataFrame
        ``image_id_a``, ``image_id_b`` (each unordered pair once, in listing order), ``similarity`` (1 is identical,
        at least *min_similarity*) and ``tier``: ``identical file`` (same bytes), ``identical pixels`` (same decoded
        picture in another container or with other metadata) or ``near``. Best first.
    groups : DataFrame
        Index ``group``, largest first: ``size`` (images), ``tier`` (the weakest in the group), ``representative`` (the
        image that stays), ``min_similarity`` and ``mean_similarity`` over all pairs inside the group (in one too
        large to be compared in full, over those compared), ``removable`` (images that could go: ``size - 1``).
    members : DataFrame
        Index ``image_id``, a row for each image of a group: ``group``, ``is_kept``, ``tier`` and ``similarity``
        to the representative (of the kept image: to itself). Every member is at least *min_similarity* similar to it,
        so groups are not chains.
    removable : list of str
        Ids of the images in a group that *keep* would not keep.
    min_similarity : float
        The bound that was used.
    keep : str
        The rule that chose the representatives.
    n_images : int
        Images compared: all but the broken ones.
    n_pairs_by_tier : mapping of str to int
        Number of pairs of each tier. ``pairs`` lists them all up to one million together, and above that, sets of more
        than 100 copies of one picture by their first image only.
    n_images_in_pairs : int
        Number of images that are in at least one pair.
    n_same_files : int
        Images of ``removable`` that are symbolic links, or other names of the very file that stays: without them no
        space is gained.
    n_rejected : int
        Pairs left out, alike as they are, because they were judged "not duplicates"; ``pairs`` has them, with a column
        ``is_rejected``, where *include_rejected* was set. Pairs judged "same" are in whatever their similarity.
    n_large_sets, most_in_full : int
        Sets of connected look-alikes (frames of one still camera, say) of more than *most_in_full* distinct pictures:
        these are not compared in full, but each picture with its nearest and with up to 50 that stay. Groups stay
        whole so; of the other pairs some are in no table and no count. It takes sets of more than 100, and many of
        them or more than 500,000 pairs in all.
    """

    pairs: pd.DataFrame
    groups: pd.DataFrame
    members: pd.DataFrame
    min_similarity: float
    keep: str
    n_images: int
    n_pairs_by_tier: Mapping[str, int]
    n_images_in_pairs: int
    n_same_files: int
    n_rejected: int
    n_large_sets: int
    most_in_full: int
    _shown: Shown

    @property
    def n_pairs(self) -> int:
        """Number of all pairs, listed or not."""
        return sum(self.n_pairs_by_tier.values())

    @property
    def removable(self) -> list[str]:
        """Ids of the images that could go, group by group."""
        return self.members.index[~self.members["is_kept"].to_numpy(dtype=bool)].tolist()

    @property
    def n_removable(self) -> int:
        """Number of images that could go."""
        return len(self.members) - len(self.groups)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``pairs``."""
        return self.pairs.copy()

    def _deck(self) -> Deck:
        from .decks import deck_of_duplicates

        return deck_of_duplicates(self)

    def _listed(self, which: object) -> list[str]:
        if isinstance(which, numbers.Integral):
            which = [which]
        if isinstance(which, Iterable) and not isinstance(which, str):
            return self._of_groups(list(which))
        names = {"removable": "removable", "kept": "kept", "representatives": "kept", "members": "members"}
        chosen = names[check_choice("removable" if which is None else which, "which", "Duplicates.tag", tuple(names))]
        kept = self.members["is_kept"].to_numpy(dtype=bool)
        ids: list[str] = self.members.index[{"removable": ~kept, "kept": kept}.get(chosen, kept | True)].tolist()
        return ids

    def _of_groups(self, groups: list[object]) -> list[str]:
        """Return the images of some groups that could go."""
        unknown = [group for group in groups if group not in self.groups.index]
        if unknown:
            raise ParameterError(
                "The 'which' parameter of Duplicates.tag must be 'removable', 'kept', 'members', or the number of a "
                f"group or several, as in duplicates.groups.index. Got {unknown[0]!r}."
            )
        chosen = self.members["group"].isin(groups) & ~self.members["is_kept"].astype(bool)
        ids: list[str] = self.members.index[chosen].tolist()
        return ids

    def _view(self, n_rows: int) -> View:
        return View(
            title="Duplicates",
            headline=self._headline(),
            facts=self._facts(),
            rows=tuple(self._row(int(group)) for group in self.groups.index[:n_rows]),
            rows_title="Groups, largest first",
            noun=("group", "groups"),
            n_more=max(0, len(self.groups) - n_rows),
            empty="No two images are alike." if self.n_images > 1 else "It takes two images to be alike.",
            notes=self._notes(),
            next_calls=_NEXT if len(self.groups) else (("ds.duplicates(min_similarity='loose')", "a wider net"),),
        )

    def _headline(self) -> str:
        if not self.n_images:
            return NO_IMAGE
        compared = f"{format_count(self.n_images, IMAGES)} compared at similarity {self.min_similarity:.3f} or more"
        if not self.n_removable:
            return f"{compared}: no duplicates."
        n = len(self.groups)
        stays = "one would stay" if n == 1 else f"one of each of {n:,} groups would stay"
        return f"{compared}: {format_count(self.n_removable, IMAGES)} could go, and {stays}."

    def _facts(self) -> tuple[Fact, ...]:
        counts = self.n_pairs_by_tier
        tiers = ", ".join(f"{counts[tier]:,} {tier}" for tier in TIERS if counts[tier])
        return (
            Fact(("pair", "pairs"), self.n_pairs, f"each counted once: {tiers}" if tiers else "each counted once"),
            Fact("images in a pair", self.n_images_in_pairs, "have at least one twin"),
            Fact(("group", "groups"), len(self.groups), "of images like their representative"),
            Fact("removable", self.n_removable, f"all but one of each group, keep='{self.keep}'"),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = [*tell_broken(self._shown.n_broken, "in no group")]
        n_large = int((self.members["group"][self.members["tier"] == "near"].value_counts() >= _MANY_NEAR).sum())
        if n_large:
            words = format_count(n_large, ("group has", "groups have"))
            notes.append(
                f"{words} {_MANY_NEAR} or more images that are only near the one that stays: filled-in forms, "
                "captions on one picture and variants of a product look alike to the encoder. Look before you drop."
            )
        n_alone = self.n_images_in_pairs - len(self.members)
        if n_alone:
            words = format_count(n_alone, ("image is", "images are"))
            notes.append(f"{words} in a pair but in no group: like one that could go, not like the one that stays.")
        if self.n_same_files:
            words = format_count(self.n_same_files, ("is a link", "are links"))
            notes.append(
                f"Of the removable images, {words} or the file that stays by another name: no space is gained."
            )
        if self.n_rejected:
            words = format_count(self.n_rejected, ("pair is", "pairs are"))
            notes.append(
                f'{words} left out: judged "not duplicates" (ds.duplicates(include_rejected=True) shows them).'
            )
        if self.n_large_sets:
            words = "One set" if self.n_large_sets == 1 else f"{self.n_large_sets:,} sets"
            verb = "is" if self.n_large_sets == 1 else "are"
            notes.append(
                f"{words} of more than {self.most_in_full:,} look-alikes {verb} not compared in full, but each image "
                "with its nearest and with those that stay: other pairs may be neither listed nor counted."
            )
        if self.n_pairs > len(self.pairs):
            notes.append(
                f"{len(self.pairs):,} of the pairs are listed: sets of more than {MAX_LISTED_COPIES} copies of one "
                "picture by their first image only."
            )
        return tuple(notes)

    def _row(self, group: int) -> Row:
        facts = self.groups.loc[group].to_dict()
        start = int(self.members["group"].searchsorted(group))
        tiles = []
        for image_id, member in self.members.iloc[start : start + min(int(facts["size"]), 8)].iterrows():
            mark = "keep" if member["is_kept"] else ""
            told = () if member["is_kept"] else (f"{member['tier']} {format_similarity(member['similarity'])}",)
            tiles.append(self._shown.tile(str(image_id), *told, mark=mark))
        inner = f"lowest similarity of any two {format_similarity(facts['min_similarity'])}"
        return Row(
            title=f"Group {group}: {format_count(facts['size'], IMAGES)}",
            tiles=tuple(tiles),
            badge=Badge(str(facts["tier"]), _TONES[str(facts["tier"])]),
            note=inner,
            n_more=int(facts["size"]) - len(tiles),
        )
