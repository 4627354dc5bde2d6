"""Novelties: which images are unlike all that a reference collection has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import check_choice
from ..findings.novelty import count_needed
from ..views import Badge, Fact, Row, View, format_count, format_similarity
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown
from ._joined import join_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..widgets._deck import Deck
    from .normality import Normality

_SAME = 1 - 2e-6  # what float32 cannot tell from 1


@dataclass(frozen=True, eq=False, repr=False)
class Novelties(ImageResult):
    """How new each image is, as ``Dataset.novelty`` or ``Normality.score`` found it.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id`` of the new images, newest first: ``novelty_score`` (larger is newer, 1 is ordinary: the
        distance to the three nearest known pictures, compared with what is usual among the known ones; judged together,
        it is raised where the list as a whole says so), ``p_value``
        (smaller is newer: at most a with a chance of at most a for an image that is like the known ones), ``q_value``
        (the smallest false-alarm rate at which the rule for lists flags it), ``is_novel``, ``nearest_id`` and
        ``nearest_similarity`` (cosine): the nearest known image. Missing, by label, where the reference has no such
        class.
    nearest : DataFrame
        Index ``image_id``, up to three rows for each: ``nearest_id`` and ``similarity``, nearest first.
    false_alarm_rate : float
        What was allowed.
    control : {"list", "each"}
        What it is a rate of: see ``Dataset.novelty``.
    n_together : int
        Images that were judged together, as a list; the others were judged each by itself.
    n_calibration : int
        Known pictures that calibrate the p-values; by label, of the class that has most.
    model : Normality
        What the images were judged by.
    n_broken : int
        New images that could not be read; they are in no table.
    """

    table: pd.DataFrame
    nearest: pd.DataFrame
    false_alarm_rate: float
    control: str
    n_together: int
    n_calibration: int
    model: Normality
    n_broken: int
    _call: str
    _names: Mapping[str, str]
    _shown: Shown

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        nearest: pd.DataFrame,
        *,
        rate: float,
        control: str,
        n_together: int,
        n_calibration: int,
        model: Normality,
        new: Shown,
        n_broken: int,
        call: str,
    ) -> Novelties:
        """Return the result for the images of *new*, which is shown beside the reference."""
        known = [str(image_id) for image_id in dict.fromkeys(nearest["nearest_id"])]
        shown, begin = join_shown(new, model._shown, "known", ids=known)
        names = {image_id: begin + image_id for image_id in known}
        return cls(table, nearest, rate, control, n_together, n_calibration, model, n_broken, call, names, shown)

    @property
    def n_novel(self) -> int:
        """Number of images with ``is_novel``."""
        return int(self.table["is_novel"].sum())

    @property
    def n_unscored(self) -> int:
        """Images without a score: by label, those without a label or with one that the reference does not have."""
        return int(self.table["p_value"].isna().sum())

    @property
    def n_known(self) -> int:
        """Images that are identical, for the encoder, with a known one."""
        return int((self.table["nearest_similarity"] >= _SAME).sum())

    @property
    def smallest_p(self) -> float:
        """The smallest p-value there can be here: 1 / (n_calibration + 1)."""
        return 1 / (self.n_calibration + 1)

    @property
    def _needed(self) -> int:
        """How many images must have the smallest p-value before the rule for lists flags any."""
        return count_needed(self.smallest_p, len(self.table) - self.n_unscored, self.false_alarm_rate)

    def _listed(self, which: object) -> list[str]:
        wanted = check_choice("novel" if which is None else which, "which", "Novelties.tag", ("novel", "all"))
        table = self.table if wanted == "all" else self.table[self.table["is_novel"]]
        ids: list[str] = table.index.tolist()
        return ids

    def _deck(self) -> Deck:
        from ..widgets._deck import Caption, Deck, Sort

        table = self.table

        def caption(i: int) -> Caption:
            row = table.iloc[i]
            near = self._names[row["nearest_id"]] if isinstance(row["nearest_id"], str) else ""
            line = f"nearest known, similarity {format_similarity(row['nearest_similarity'])}" if near else ""
            mark = "new" if row["is_novel"] else ""
            return Caption((_told(row),), mark=mark, beside=near, beside_line=line)

        return Deck(
            title="Novelty", headline=self._headline(), table=table, caption=caption,
            code=self._call and f"{self._call}.table",
            sorts={"most ordinary first": Sort("novelty_score"), "path": Sort("image_id")},
            empty="There is nothing to compare.",
        )  # fmt: skip

    def _view(self, n_rows: int) -> View:
        n = self.n_novel
        shown = self.table.head(n_rows if n == 0 else min(n, n_rows))
        return View(
            title="Novelty",
            headline=self._headline(),
            facts=self._facts(),
            rows=tuple(self._row(str(image_id), row) for image_id, row in shown.iterrows()),
            rows_title="Newest first" if n else "The newest of them, for a look",
            noun=("image", "images"),
            n_more=max(0, n - len(shown)),
            empty="There is nothing to compare.",
            notes=self._notes(),
            next_calls=(
                ("found.to_frame()", "score, p-value and nearest known image of each"),
                ("found.gallery()", "look through all of them, newest first"),
                ("found.tag('new')", "tag those that are new, in their own dataset"),
            )
            if len(self.table)
            else (),
        )

    def _headline(self) -> str:
        n, n_images = self.n_novel, len(self.table)
        if not n_images:
            return NO_IMAGE
        if not self.model.n_images:
            return f"Nothing is known, so nothing can be said of {format_count(n_images, IMAGES)}."
        images, known = format_count(n_images, IMAGES), format_count(self.model.n_images, IMAGES)
        if self.n_unscored == n_images:
            return f"Nothing was compared: of {images}, none has a label that a known image has."
        if not n and self.smallest_p > self.false_alarm_rate:
            return (
                f"None of {images} could be flagged as new at a false-alarm rate of {self.false_alarm_rate:g}: "
                f"compared with {known}, no p-value can be below {self.smallest_p:.2g}."
            )
        told = f"{n:,} of {images} {'is' if n == 1 else 'are'} new" if n else f"None of {images} is surely new"
        if not n and self.control == "list" and 2 * self._needed > n_images - self.n_unscored and self._needed > 1:
            told += f" (fewer than {self._needed:,} at once could not be flagged)"
        return f"{told}, compared with {known} at a false-alarm rate of {self.false_alarm_rate:g}."

    def _facts(self) -> tuple[Fact, ...]:
        alone = int((self.table["p_value"] <= self.false_alarm_rate).sum())
        tested = len(self.table) - self.n_unscored
        expected = self.false_alarm_rate * tested
        facts = [
            Fact("new", self.n_novel, self._meaning()),
            Fact(
                ("small p-value", "small p-values"),
                alone,
                f"at most {self.false_alarm_rate:g}; about {expected:.2g} expected if none is new",
            ),
            Fact(
                ("image compared", "images compared"),
                tested,
                f"with {format_count(self.model.n_groups, ('different picture', 'different pictures'))}",
            ),
            Fact("already known", self.n_known, "identical with a known image"),
        ]
        facts.append(Fact("judged together", self.n_together, self._why_together()))
        facts += [Fact("not compared", self.n_unscored, self._why_unscored())] if self.n_unscored else []
        facts += [Fact("broken", self.n_broken, "could not be read")] if self.n_broken else []
        return tuple(facts)

    def _why_together(self) -> str:
        if self.n_together:
            return "as a list: a new kind shows by its number, too"
        return "each was judged by itself"

    def _why_unscored(self) -> str:
        return "no label, or none that the reference has" if self.model.by else "nothing is known to compare with"

    def _meaning(self) -> str:
        share = f"{self.false_alarm_rate:.3g}"
        if self.control == "each":
            return f"of ordinary images, at most a share of {share} is expected here"
        return f"of these, at most a share of {share} is expected to be ordinary"

    def _notes(self) -> tuple[str, ...]:
        """Say what this calibration cannot do."""
        smallest, rate, tested = self.smallest_p, self.false_alarm_rate, len(self.table) - self.n_unscored
        if not tested or not self.model.n_images:
            return ()
        per = "class" if self.model.by else "reference"
        if smallest > rate:
            least = (_ceil(1 / rate) - 1) * (2 if self.model.calibration == "held-out" else 1)
            return (
                f"The smallest p-value here is {smallest:.2g}, above {rate:g}: nothing can be flagged. Take a "
                f"false_alarm_rate of {smallest:.2g} or more, or at least {least:,} different pictures in the "
                f"{per}; the order of the scores holds all the same.",
            )
        needed = self._needed
        if self.control == "each" or needed == 1:
            return ()
        return (
            f"The smallest p-value here is {smallest:.2g}; in a list of {tested:,}, it takes {needed:,} images this "
            f"new to flag any. control='each' flags each image by its own p-value: of ordinary images, a share of "
            f"{rate:g}.",
        )

    def _row(self, image_id: str, row: pd.Series) -> Row:
        label = self.model.by is not None
        tiles = [self._shown.tile(image_id, label=True)]
        near = self.nearest.loc[self.nearest.index == image_id]
        for known, similarity in zip(near["nearest_id"], near["similarity"], strict=True):
            told = f"similarity {format_similarity(similarity)}"
            tiles.append(self._shown.tile(self._names[known], told, label=label))
        return Row(
            title=_told(row),
            tiles=tuple(tiles),
            badge=Badge("new", "warning") if row["is_novel"] else None,
            arrow="nearest known",
        )


def _told(row: pd.Series) -> str:
    if pd.isna(row["p_value"]):
        return "not compared"
    score = "–" if pd.isna(row["novelty_score"]) else f"{row['novelty_score']:.2f}"
    return f"score {score}, p {row['p_value']:.2g}"


def _ceil(value: float) -> int:
    return int(-(-round(value, 9) // 1))
