"""Wrong labels: which images are labeled as what they do not show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import check_choice
from ..errors import UnknownImageError
from ..findings.labels import LEAST_OF_CLASS
from ..views import Badge, Fact, Row, Table, View, format_count, format_similarity
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown, tell_broken

if TYPE_CHECKING:
    from ..findings.labeled import Labeled
    from ..tags import Change
    from ..widgets._deck import Deck

_MOST_CONFLICTS = 3  # groups of duplicates shown before the other images
_N_CLASSES = 8
_GROUPS = ("group of duplicates has", "groups of duplicates have")
NO_LABELS = "No image has a label: name them with fd.Dataset(..., labels=...), or give some with ds.annotate([...])."


@dataclass(frozen=True, eq=False, repr=False)
class LabelIssues(ImageResult):
    """How good the label of each image is, as ``Dataset.label_issues`` found it.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``, a row for each image with a label, the likeliest mistakes first: ``given_label`` (of the
        source, or as decided with ``ds.relabel``), ``suggested_label`` (what it most likely shows; the given one where
        nothing speaks against it), ``label_quality`` (chance that the given label is right: 0 worst, 1 best; missing
        where the class is too small to be judged), ``is_label_issue`` (quality below 0.5, not decided),
        ``n_neighbors`` (nearest labeled images that are no duplicates of it), ``neighbors_as_given`` and
        ``neighbors_as_suggested`` (how many of these have that label; copies share a vote), ``is_decided``,
        ``has_conflict`` (a duplicate of it has another label).
    conflicts : DataFrame
        Index ``image_id``, the images of each group of duplicates with two labels or more: ``group`` (as in
        ``ds.duplicates()``), ``label``, ``tier`` (of its likeness to the image that stays), ``is_identical_file`` (the
        very same file has another label elsewhere). Groups with such files come first.
    classes : DataFrame
        Index ``label``: ``n_images``, ``n_pictures`` (independent ones: duplicates are one), ``n_issues``,
        ``estimated_errors`` (expected number of wrong labels), ``error_rate`` (its share), ``often_shows`` (what the
        wrong ones show most), ``is_judged`` (whether the class has at least three independent pictures and, where
        there are fewer than twenty, not most of them look wrong: that may be a rare class).
    confusion : DataFrame
        Expected number of images with each given label (index) that show each class (columns).
    pairs : DataFrame
        Pairs of classes that look alike, the most alike first: ``label_a``, ``label_b``, ``ambiguity`` (mean chance of
        the one among images of the other, 0 to 1), ``n_images`` (that show both with a chance above 0.25).
    n_without_label : int
        Images that have no label, and so are not in *table*.
    """

    table: pd.DataFrame
    conflicts: pd.DataFrame
    classes: pd.DataFrame
    confusion: pd.DataFrame
    pairs: pd.DataFrame
    n_without_label: int
    _labeled: Labeled
    _shown: Shown

    @property
    def n_issues(self) -> int:
        """Number of images with ``is_label_issue``."""
        return int(self.table["is_label_issue"].sum())

    @property
    def n_judged(self) -> int:
        """Number of images whose label was judged."""
        return int(self.table["label_quality"].notna().sum())

    @property
    def estimated_errors(self) -> float:
        """Expected number of wrong labels among all that were judged: the sum of ``1 - label_quality``."""
        return float((1 - self.table["label_quality"]).sum())

    @property
    def estimated_precision(self) -> float:
        """Expected share of the reported images whose label is wrong; NaN where none is reported."""
        return float((1 - self.table.loc[self.table["is_label_issue"], "label_quality"]).mean())

    def evidence(self, image_id: str) -> pd.DataFrame:
        """Return the neighbors that speak for or against the label of an image, the nearest first.

        Index ``image_id``; ``label`` and ``similarity`` (cosine, 1 is identical). Duplicates of the image are left out.

        Raises
        ------
        UnknownImageError
            If there is no such image in ``table``.
        """
        if image_id not in self.table.index:
            raise UnknownImageError(f"There is no labeled image {image_id!r} in this result; see issues.table.index.")
        return self._labeled.neighbors_of(image_id)

    def relabel(self, images: object = None) -> Change:
        """Take suggested labels over, as one action; ``ds.tags.undo()`` takes it back.

        The decisions are those of ``ds.relabel``: ``ds.tags.labels()`` lists them, files stay as they are, and
        ``ds.label_issues()``, asked again, takes the decided labels and does not report these images any more. In a
        Dataset made as ``ds.relabel`` shows they count everywhere.

        Parameters
        ----------
        images : id, ids, DataFrame or boolean Series, optional
            Images of ``table``, as for ``ds.relabel``; all that are reported by default. Look before you do.
        """
        from ..tags._given import check_images

        known = {image_id: i for i, image_id in enumerate(self.table.index)}
        ids = self._listed(None) if images is None else check_images(images, "LabelIssues.relabel", known)
        labels = _told(self.table.loc[ids, "suggested_label"])
        return self._shown.tags.relabel(list(labels), labels)

    def confirm(self, images: object) -> Change:
        """Decide that the given labels of images are right, as one action; they are not reported again."""
        from ..tags._given import check_images

        known = {image_id: i for i, image_id in enumerate(self.table.index)}
        labels = _told(self.table.loc[check_images(images, "LabelIssues.confirm", known), "given_label"])
        return self._shown.tags.relabel(list(labels), labels)

    def _listed(self, which: object) -> list[str]:
        wanted = check_choice(
            "issues" if which is None else which, "which", "LabelIssues.tag", ("issues", "conflicts", "all")
        )
        if wanted == "conflicts":
            return [str(i) for i in self.conflicts.index]
        table = self.table if wanted == "all" else self.table[self.table["is_label_issue"]]
        return [str(i) for i in table.index]

    def _deck(self) -> Deck:
        from ..widgets._deck import Caption, Deck, Sort

        table = self.table[self.table["label_quality"].notna()]

        def caption(i: int) -> Caption:
            row = table.iloc[i]
            given, suggested = str(row["given_label"]), str(row["suggested_label"])
            lines = (f"labeled {given}", *_suggestion(row), f"quality {row['label_quality']:.2f}", _agreement(row))
            wanted = suggested if suggested != given else given
            near = self._labeled.neighbors_of(str(table.index[i]))
            near = near[near["label"] == wanted].head(1)
            if near.empty:
                return Caption(lines, mark=_mark(row))
            line = f"labeled {wanted}, similarity {format_similarity(near['similarity'].iloc[0])}"
            return Caption(lines, mark=_mark(row), beside=str(near.index[0]), beside_line=line)

        return Deck(
            title="Label issues", headline=self._headline(), table=table, caption=caption,
            code="ds.label_issues().table.dropna(subset='label_quality')",
            sorts={"best first": Sort("label_quality", ascending=False), "given label": Sort("given_label"),
                   "suggested label": Sort("suggested_label"), "path": Sort("image_id"),
                   "path, backwards": Sort("image_id", ascending=False)},
            empty="There is no label to judge.",
        )  # fmt: skip

    def _view(self, n_rows: int) -> View:
        groups = self.conflicts["group"].unique()
        n_groups = min(_MOST_CONFLICTS, len(groups), n_rows)
        issues = self.table[self.table["is_label_issue"]]
        shown = issues.head(n_rows - n_groups)
        if issues.empty and not n_groups:
            shown = self.table[self.table["label_quality"].notna() & ~self.table["is_decided"]].head(min(n_rows, 3))
        rows = [self._conflict(int(group)) for group in groups[:n_groups]]
        rows += [self._row(str(image_id), row) for image_id, row in shown.iterrows()]
        return View(
            title="Label issues",
            headline=self._headline(),
            facts=self._facts(len(groups)),
            rows=tuple(rows),
            rows_title=_rows_title(n_groups, len(issues)),
            noun=("image", "images"),
            n_more=max(0, len(issues) - len(shown)),
            empty="There is nothing to show.",
            table=self._class_table(),
            notes=self._notes(),
            next_calls=(
                ("issues.to_frame()", "given and suggested label and quality of every image"),
                ("issues.gallery()", "look at each, beside a picture of what is suggested"),
                ("issues.relabel(ids)", "take suggestions over; issues.confirm(ids) keeps the given label"),
            ),
        )

    def _headline(self) -> str:
        n_images = len(self.table) + self.n_without_label
        if not n_images:
            return NO_IMAGE
        if self.table.empty:
            return NO_LABELS
        if not self.n_judged:
            n = len(self.classes)
            if n == 1:
                told = f"All {len(self.table):,} labels are" if len(self.table) > 1 else "The only label is"
                return f"{told} {str(self.classes.index[0])!r}: there is nothing to confuse it with."
            return "It takes two classes of at least three different pictures to judge labels."
        images = format_count(self.n_judged, ("label", "labels"))
        told = f"{self.n_issues:,} of {images} {'is' if self.n_issues == 1 else 'are'} probably wrong"
        if not self.n_issues:
            told = f"None of {images} stands out as wrong"
        n = self.conflicts["group"].nunique()
        return f"{told}{f'; {format_count(n, _GROUPS)} two labels or more' if n else ''}."

    def _facts(self, n_groups: int) -> tuple[Fact, ...]:
        errors, precision = self.estimated_errors, self.estimated_precision
        meaning = "more likely wrong than right"
        if self.n_issues:
            meaning += f"; about {precision:.0%} of them are expected to be wrong"
        told = format_count(int(self.classes["is_judged"].sum()), ("class", "classes"))
        return (
            Fact("reported", self.n_issues, meaning if self.n_judged else "nothing was judged"),
            Fact(("estimated error", "estimated errors"), round(errors) if self.n_judged else "–", self._share()),
            Fact(("group in conflict", "groups in conflict"), n_groups, "of duplicates with two labels or more"),
            Fact(("label judged", "labels judged"), self.n_judged, f"in {told}"),
        )

    def _share(self) -> str:
        if not self.n_judged:
            return "nothing was judged"
        return f"wrong labels in all, {self.estimated_errors / self.n_judged:.1%} of those judged"

    def _notes(self) -> tuple[str, ...]:
        told = []
        if self.n_judged:
            told.append(
                "An image, its duplicates and its own label never vote for it. The estimates take ambiguous pictures "
                "for what they are, and assume that most labels of each class are right."
            )
        if self.n_without_label:
            told.append(f"{format_count(self.n_without_label, ('image has', 'images have'))} no label.")
        unknown = self.classes[~self.classes["is_judged"]] if self.n_judged else self.classes[:0]
        is_small = unknown["n_pictures"] < LEAST_OF_CLASS
        if is_small.any():
            told.append(f"{_tell_classes(unknown[is_small])} with fewer than three different pictures: not judged.")
        if not is_small.all():
            told.append(
                f"{_tell_classes(unknown[~is_small])} with few pictures, most of which look like other classes: not "
                "judged, as these may be what the class shows. Look at them with ds.where(label=...)."
            )
        is_small = self.table["given_label"].isin(self.classes.index[~self.classes["is_judged"]])
        n_alone = int((self.table["label_quality"].isna() & ~is_small).sum())
        if n_alone:
            told.append(
                f"{format_count(n_alone, IMAGES)} of duplicates that are most of their class: not judged, and taken "
                "to be right, as little else tells what the class shows."
            )
        n_decided = int(self.table["is_decided"].sum())
        if n_decided:
            words = format_count(n_decided, ("label was", "labels were"))
            told.append(f"{words} decided by you: not reported. help(ds.relabel) tells how they count everywhere.")
        return (*told, *tell_broken(self._shown.n_broken))

    def _class_table(self) -> Table | None:
        judged = self.classes[self.classes["is_judged"]]
        if judged.empty:
            return None
        rows = []
        for label, row in judged.head(_N_CLASSES).iterrows():
            shows = str(row["often_shows"]) if row["estimated_errors"] >= 0.5 else "–"
            rows.append((str(label), int(row["n_images"]), int(row["n_issues"]),
                         f"{row['estimated_errors']:,.1f} ({row['error_rate']:.1%})", shows))  # fmt: skip
        alike = ""
        if len(self.pairs):
            first = self.pairs.iloc[0]
            alike = f" The two that look most alike are {first['label_a']} and {first['label_b']}."
        return Table(
            ("class", "images", "reported", "estimated errors", "which mostly show"), tuple(rows),
            caption=f"Classes, the most errors first.{alike}", n_more=len(judged) - len(rows),
        )  # fmt: skip

    def _conflict(self, group: int) -> Row:
        members = self.conflicts[self.conflicts["group"] == group]
        tiles = tuple(self._shown.tile(str(i), f"labeled {row['label']}") for i, row in members.head(6).iterrows())
        n = members["label"].nunique()
        same = int(members["is_identical_file"].sum())
        kind = "identical files" if same == len(members) else "duplicates"
        return Row(
            title=f"{len(members):,} {kind} with {n:,} labels", tiles=tiles, badge=Badge("conflict", "warning"),
            note=f"{same:,} of them are identical files" if 0 < same < len(members) else "",
            n_more=len(members) - len(tiles),
        )  # fmt: skip

    def _row(self, image_id: str, row: pd.Series) -> Row:
        first = self._shown.tile(image_id, f"labeled {row['given_label']}", *_suggestion(row))
        near = self._labeled.neighbors_of(image_id).head(4)
        others = [
            self._shown.tile(str(i), f"labeled {label}", f"similarity {format_similarity(similarity)}")
            for i, label, similarity in zip(near.index, near["label"], near["similarity"], strict=True)
        ]
        return Row(
            title=f"Quality {row['label_quality']:.2f}", tiles=(first, *others), note=_votes(row), arrow="nearest",
            badge=Badge(_mark(row), "warning") if row["is_label_issue"] else None,
        )  # fmt: skip


def _tell_classes(classes: pd.DataFrame) -> str:
    """Return how many images are of how many classes, and the names of the first of these."""
    names = ", ".join(map(repr, classes.index[:3])) + (", ..." if len(classes) > 3 else "")
    images = format_count(int(classes["n_images"].sum()), IMAGES)
    return f"{images} of {format_count(len(classes), ('class', 'classes'))} ({names})"


def _told(labels: pd.Series) -> dict[str, str]:
    return {str(image_id): label for image_id, label in labels.items() if isinstance(label, str)}


def _rows_title(n_groups: int, n_issues: int) -> str:
    if n_groups and n_issues:
        return "Copies with two labels, then the likeliest mistakes"
    if n_groups:
        return "Copies with two labels"
    return "Likeliest mistakes first" if n_issues else "The least sure of them, for a look"


def _suggestion(row: pd.Series) -> tuple[str, ...]:
    return () if row["suggested_label"] == row["given_label"] else (f"more like {row['suggested_label']}",)


def _votes(row: pd.Series) -> str:
    n, given, suggested = (row[name] for name in ("n_neighbors", "neighbors_as_given", "neighbors_as_suggested"))
    if not n:
        return "no other labeled picture is near"
    told = f"{_whole(given)} of {_whole(n)} neighbors are labeled {row['given_label']}"
    if row["suggested_label"] == row["given_label"]:
        return told
    return f"{told}, {_whole(suggested)} {row['suggested_label']}"


def _agreement(row: pd.Series) -> str:
    n = row["n_neighbors"]
    return f"{_whole(row['neighbors_as_given'])} of {_whole(n)} neighbors agree" if n else "no labeled picture is near"


def _mark(row: pd.Series) -> str:
    return "label issue" if row["is_label_issue"] else "decided" if row["is_decided"] else ""


def _whole(count: float) -> str:
    return f"{count:.3g}"
