"""Normality: what a collection says is normal, kept to judge new images by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT, write_call
from .._validation import check_choice, check_number
from ..findings.novelty import CONTROLS, NewScores, NormalModel, adjust_p_values, flag_novel, score_new
from ..findings.together import LEAST_KNOWN, LEAST_NEW, score_together
from ..views import Fact, Row, Table, View, format_count
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown
from .novelty import Novelties

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_PER_ROW = 5
_LEAST_RATE = 1e-9
METHODS = ("auto", "alone", "together")


@dataclass(frozen=True, eq=False)
class Part:
    """What was learned from one class, or from all images: the model, and the image of each of its vectors."""

    model: NormalModel
    image_ids: Sequence[str]
    n_images: int


@dataclass(frozen=True, eq=False)
class Incoming:
    """Images to be judged: ids and vectors (a row each), labels (None where there is none), how to show them."""

    image_ids: Sequence[str]
    vectors: npt.NDArray[np.float32]
    labels: Sequence[str | None]
    shown: Shown
    n_broken: int


@dataclass(frozen=True, eq=False, repr=False)
class Normality(ImageResult):
    """What is normal in a reference collection, as ``Dataset.normality`` learned it. It can be pickled.

    Attributes
    ----------
    parts : mapping of str to Part
        What was learned: one part named ``""``, or one for each label.
    by : "label" or None
        Whether each class has a normality of its own.
    calibration : str
        ``"leave-one-out"`` or ``"held-out"``.
    n_broken : int
        Reference images that could not be read.
    n_unlabeled : int
        Reference images without a label, which teach nothing by label.
    n_left_out : int
        Images of the reference that were to be judged, and so taught nothing.
    random_state : int
        Seed of the halves.
    """

    parts: Mapping[str, Part]
    by: str | None
    calibration: str
    n_broken: int
    n_unlabeled: int
    n_left_out: int
    random_state: int
    _read: Callable[[object, str | None], Incoming]
    _shown: Shown

    @property
    def n_images(self) -> int:
        """Reference images that taught, copies included."""
        return sum(part.n_images for part in self.parts.values())

    @property
    def n_groups(self) -> int:
        """Different pictures among them: images of one duplicate group count once."""
        return sum(part.model.n_groups for part in self.parts.values())

    @property
    def n_calibration(self) -> int:
        """Reference pictures that calibrate the p-values; by label, those of all classes together."""
        return sum(len(part.model.calibration) for part in self.parts.values())

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that a new image can have: 1 / (n_calibration + 1); by label, of the largest class."""
        return min((part.model.smallest_p for part in self.parts.values()), default=1.0)

    def to_frame(self) -> pd.DataFrame:
        """Return the calibration: index ``image_id``, ``novelty_score`` of each known picture that calibrates."""
        pieces = [
            pd.DataFrame(
                {"novelty_score": part.model.calibration},
                index=pd.Index([part.image_ids[i] for i in part.model.calibrated], dtype=TEXT),
            )
            for part in self.parts.values()
        ]
        table = (
            pd.concat(pieces)
            if pieces
            else pd.DataFrame({"novelty_score": np.empty(0)}, index=pd.Index([], dtype=TEXT))
        )
        return table.rename_axis("image_id").sort_values("novelty_score", ascending=False, kind="stable")

    def score(
        self, other: object, *, false_alarm_rate: float = 0.01, control: str = "list", method: str = "auto"
    ) -> Novelties:
        """Say of new images how far they are from what is normal.

        Parameters
        ----------
        other : Dataset, path, glob or list of paths; or float array (n_images, n_features)
            The new images. Files are read by the encoder of the reference, and kept in its cache. Of vectors, image
            ids are their row numbers, and there are no pictures to show.
        false_alarm_rate, control, method
            As in ``Dataset.novelty``.

        Returns
        -------
        Novelties
            The new images, newest first.
        """
        rate = check_rate(false_alarm_rate, control, method, "Normality.score")
        incoming = self._read(other, self.by)
        labels = np.array([label if self.by else "" for label in incoming.labels], dtype=object)
        judged = [
            (rows, part, *_judge(part.model, incoming.vectors[rows], method, self.random_state))
            for label, part in self.parts.items()
            if len(rows := np.flatnonzero(labels == label))
        ]
        table, nearest = _tabulate(
            incoming.image_ids, [(rows, part.image_ids, found) for rows, part, found, *_ in judged]
        )
        table.insert(2, "q_value", adjust_p_values(table["p_value"].to_numpy()))
        table.insert(3, "is_novel", flag_novel(table["p_value"].to_numpy(), false_alarm_rate=rate, control=control))
        learned = write_call("ds.normality", by=self.by, calibration=self.calibration)
        judging = write_call(".score", other, false_alarm_rate=false_alarm_rate, control=control, method=method)
        order = np.argsort(-table["novelty_score"].fillna(-1).to_numpy(), kind="stable")
        return Novelties.of(
            table.iloc[order],
            nearest,
            rate=rate,
            control=control,
            n_together=sum(len(rows) for rows, *_, is_together in judged if is_together),
            n_calibration=max((n for *_, n, _ in judged), default=0),
            model=self,
            new=incoming.shown,
            n_broken=incoming.n_broken,
            call=judging and learned + judging,
        )

    def _listed(self, which: object) -> list[str]:
        wanted = "all" if which is None else which
        check_choice(wanted, "which", "Normality.tag", ("all",))
        ids: list[str] = self.to_frame().index.tolist()
        return ids

    def _deck(self) -> Deck:
        from ..widgets._deck import Caption, Deck, Sort

        table = self.to_frame()
        return Deck(
            title="Normality", headline=self._headline(), table=table, empty="Nothing was learned.",
            caption=lambda i: Caption((f"score {table['novelty_score'].iloc[i]:.2f}",)),
            code=f"ds.normality(by={self.by!r}, calibration={self.calibration!r}).to_frame()" * (not self.n_left_out),
            sorts={"most ordinary first": Sort("novelty_score"), "path": Sort("image_id")},
        )  # fmt: skip

    def _view(self, n_rows: int) -> View:
        return View(
            title="Normality",
            headline=self._headline(),
            facts=self._facts(),
            rows=self._rows() if n_rows else (),
            rows_title="What was learned from",
            table=self._table(n_rows) if self.by else None,
            notes=(self._guarantee(),) if self.parts else (),
            empty="Nothing was learned.",
            next_calls=(
                ("model.score(other)", "score, p-value and nearest known images of new ones"),
                ("model.to_frame()", "scores of the known images; model.gallery() shows them"),
            ),
        )

    def _headline(self) -> str:
        if not self.n_images:
            return NO_IMAGE
        classes = f", each of {format_count(len(self.parts), ('class', 'classes'))} by itself" if self.by else ""
        return f"Learned from {format_count(self.n_images, IMAGES)} what is normal{classes}."

    def _facts(self) -> tuple[Fact, ...]:
        largest = " (in the largest class)" if self.by else ""
        facts = [
            Fact(
                ("reference image", "reference images"), self.n_images, "all that can be read and, by label, have one"
            ),
            Fact(
                ("different picture", "different pictures"), self.n_groups, "images of one duplicate group count once"
            ),
            Fact("calibration", self.n_calibration, _CALIBRATED[self.calibration]),
            Fact("smallest p-value", f"{self.smallest_p:.2g}", f"1 / (calibration + 1){largest}: no image gets less"),
        ]
        facts += [Fact("broken", self.n_broken, "left out")] if self.n_broken else []
        facts += [Fact("left out", self.n_left_out, "they are to be judged themselves")] if self.n_left_out else []
        facts += [Fact("without a label", self.n_unlabeled, "left out")] if self.n_unlabeled else []
        return tuple(facts)

    def _guarantee(self) -> str:
        if self.calibration == "held-out":
            return (
                "A new image that is like these gets a p-value of at most a with a chance of at most a; the rule for "
                "lists (Benjamini and Hochberg) is proven for this calibration (Bates et al., 2023)."
            )
        return (
            "A new image that is like these gets a p-value of at most a with a chance of at most a. For lists, the "
            "rule of Benjamini and Hochberg is proven with calibration='held-out', and measured with this one."
        )

    def _rows(self) -> tuple[Row, ...]:
        table = self.to_frame()
        shown = (("At the edge of normal", table.head(_PER_ROW)), ("Most ordinary", table.iloc[::-1].head(_PER_ROW)))
        return tuple(
            Row(
                title=title,
                tiles=tuple(
                    self._shown.tile(str(image_id), f"score {score:.2f}", label=self.by is not None)
                    for image_id, score in part["novelty_score"].items()
                ),
            )
            for title, part in shown
            if len(part)
        )

    def _table(self, n_rows: int) -> Table:
        rows = [
            (label, part.n_images, part.model.n_groups, f"{part.model.smallest_p:.2g}")
            for label, part in self.parts.items()
        ]
        columns = ("class", "images", "different pictures", "smallest p-value")
        return Table(columns, tuple(rows[: max(n_rows, 1) * 2]), n_more=max(0, len(rows) - max(n_rows, 1) * 2))


def _judge(
    model: NormalModel, vectors: npt.NDArray[np.float32], method: str, random_state: int
) -> tuple[NewScores, int, bool]:
    """Return the scores of new pictures, how many known ones calibrate them, and whether they were judged together."""
    is_enough = len(vectors) >= LEAST_NEW and model.n_groups >= LEAST_KNOWN
    if model.n_groups > 1 and (method == "together" or (method == "auto" and is_enough)):
        return *score_together(model, vectors, random_state=random_state), True
    return score_new(model, vectors), len(model.calibration), False


def _tabulate(
    image_ids: Sequence[str], judged: Sequence[tuple[npt.NDArray[np.intp], Sequence[str], NewScores]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row per image, and a row per image and near known one."""
    n = len(image_ids)
    scores, p_values = np.full(n, np.nan), np.full(n, np.nan)
    names, similarities = np.full((n, 3), None, dtype=object), np.full((n, 3), np.nan)
    for rows, known, found in judged:
        scores[rows], p_values[rows], similarities[rows] = found.scores, found.p_values, found.similarities
        names[rows] = np.array([*known, None], dtype=object)[found.indices]  # -1 is none
    index = pd.Index(list(image_ids), name="image_id", dtype=TEXT)
    table = pd.DataFrame({"novelty_score": scores, "p_value": p_values, "nearest_id": names[:, 0],
                          "nearest_similarity": similarities[:, 0]}, index=index)  # fmt: skip
    nearest = pd.DataFrame({"nearest_id": names.ravel(), "similarity": similarities.ravel()}, index=index.repeat(3))
    nearest = nearest.astype({"nearest_id": TEXT})
    return table.astype({"nearest_id": TEXT}), nearest[nearest["similarity"].notna()]


def check_rate(false_alarm_rate: object, control: object, method: object, caller: str) -> float:
    """Return the rate, or raise what is wrong with it, with *control* or with *method*."""
    check_choice(control, "control", caller, CONTROLS)
    check_choice(method, "method", caller, METHODS)
    return check_number(false_alarm_rate, "false_alarm_rate", caller, low=_LEAST_RATE, high=0.5)


_CALIBRATED = {
    "leave-one-out": "each different picture, scored against all others",
    "held-out": "different pictures kept apart: a random half",
}
