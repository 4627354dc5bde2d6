"""Wrong and missing labels as tables: what each image is labeled, what it shows, and what speaks for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._threads import one_blas_thread
from .classifying import (
    Combiner,
    Floats,
    Ints,
    Vectors,
    combine,
    count_votes,
    deal_folds,
    fit_logistic_scorer,
    fit_scorer,
    one_hot,
    score_folds,
    score_logistic_folds,
    share_families,
    weigh_all,
)
from .noise import FEW, LabelNoise, fit_noise

__all__ = ["LabelTables", "Labeled", "PredictionTables", "find_conflicts", "find_label_issues", "predict_labels"]

LEAST_OF_CLASS = 3  # independent pictures; a smaller class cannot be told from a mistake
KINDS = {"auto": (0, 1), "logistic": (0,), "neighbors": (1,)}


@dataclass(frozen=True, eq=False)
class Labeled:
    """Images, their vectors, their labels where they have one, and who is nearest to whom.

    Attributes
    ----------
    image_ids : sequence of str
    labels : sequence of str or None
        The label of each image.
    vectors : float32 array of shape (n_rows, n_features)
        The distinct vectors, of length 1.
    rows : int array of shape (n_images,)
        Row of each image's vector.
    families : int array of shape (n_images,)
        The same number for images that must not vote for each other; images of one row are of one family.
    indices, distances : arrays of shape (n_rows, n_neighbors)
        Rows of labeled images nearest to each row, -1 where there is none, and 1 - cosine similarity.
    """

    image_ids: Sequence[str]
    labels: Sequence[str | None]
    vectors: Vectors
    rows: Ints
    families: Ints
    indices: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]

    @property
    def index(self) -> pd.Index:
        """The ids as the index of a table."""
        index: pd.Index = pd.Index(list(self.image_ids), name="image_id", dtype=TEXT)
        return index

    @cached_property
    def _places(self) -> dict[str, int]:
        return {image_id: i for i, image_id in enumerate(self.image_ids)}

    @cached_property
    def _firsts(self) -> dict[int, int]:
        """The first labeled image of each row."""
        told = [i for i, label in enumerate(self.labels) if isinstance(label, str)]
        return {int(self.rows[i]): i for i in reversed(told)}

    @cached_property
    def row_families(self) -> Ints:
        """Family of each row."""
        families = np.zeros(len(self.vectors), dtype=np.int64)
        families[self.rows] = self.families
        return families

    def number(self, least: int) -> tuple[list[str], Ints]:
        """Return the classes of at least so many families, and for each image its class or -1."""
        told = pd.DataFrame({"label": list(self.labels), "family": self.families})
        sizes = told.dropna().groupby("label")["family"].nunique()
        classes = sorted(str(name) for name in sizes.index[sizes >= least])
        places = {name: i for i, name in enumerate(classes)}
        return classes, np.array(
            [places.get(str(name), -1) if isinstance(name, str) else -1 for name in self.labels], dtype=np.int64
        )

    def evidence(
        self, codes: Ints, n_classes: int, *, n_jobs: int, random_state: int, is_logistic: bool = False
    ) -> Floats:
        """Return the out-of-sample evidence of images with a class >= 0: (n_images, n_classes, 2); zero for others."""
        score = score_logistic_folds if is_logistic else score_folds
        told = np.flatnonzero(codes >= 0)
        folds = deal_folds(codes[told], self.families[told], random_state=random_state)
        evidence = np.zeros((len(codes), n_classes, 2))
        vectors = self.vectors[self.rows[told]]
        evidence[told, :, 0] = score(vectors, codes[told], folds, n_classes=n_classes, n_jobs=n_jobs)
        evidence[:, :, 1] = self._votes(codes, n_classes)
        return evidence

    def score_new(self, codes: Ints, n_classes: int, *, is_logistic: bool = False) -> Floats:
        """Return logits of the images without a class, from a model of all that have one."""
        told, fit = codes >= 0, fit_logistic_scorer if is_logistic else fit_scorer
        scorer = fit(self.vectors[self.rows[told]], codes[told], n_classes=n_classes)
        return scorer.score(self.vectors[self.rows[~told]])

    def neighbors_of(self, image_id: str) -> pd.DataFrame:
        """Return the nearest labeled images of other families: index image_id; label and similarity, nearest first."""
        place = self._places[image_id]
        row = self.rows[place]
        near, firsts = self.indices[row], self._firsts
        kept = near[(near >= 0) & (self.row_families[near] != self.families[place])]
        similarity = 1 - self.distances[row][np.isin(near, kept)]
        kept = [firsts[int(i)] for i in kept]
        index = pd.Index([self.image_ids[i] for i in kept], name="image_id", dtype=TEXT)
        labels = pd.Series([self.labels[i] for i in kept], index=index, dtype=TEXT)
        return pd.DataFrame({"label": labels, "similarity": similarity.astype(np.float32)}, index=index)

    def votes(self, codes: Ints, n_classes: int, distances: npt.NDArray[np.float32] | None = None) -> Floats:
        """Return how many neighbors of each image are of each class; with *distances*, near ones count more."""
        votes = count_votes(codes, self.rows, self.row_families, self.indices, distances, n_classes=n_classes)
        return votes[self.rows]

    def _votes(self, codes: Ints, n_classes: int) -> Floats:
        votes = self.votes(codes, n_classes, self.distances)
        prior = np.bincount(codes[codes >= 0], minlength=n_classes) / max((codes >= 0).sum(), 1)
        logs: Floats = np.log((votes + prior + 1e-6) / (votes.sum(axis=1, keepdims=True) + 1))
        return logs


@dataclass(frozen=True)
class LabelTables:
    """The tables of a search for wrong labels; see ``results.LabelIssues`` for what they are."""

    table: pd.DataFrame
    classes: pd.DataFrame
    confusion: pd.DataFrame
    pairs: pd.DataFrame


def find_label_issues(
    labeled: Labeled, *, is_decided: npt.NDArray[np.bool_] | None = None, n_jobs: int = 1, random_state: int = 0
) -> LabelTables:
    """Return how good the label of each image is, and what the classes are confused with.

    Parameters
    ----------
    labeled : Labeled
        Images with their labels and vectors.
    is_decided : bool array of shape (n_images,), optional
        Images whose label a person has decided; they teach, and are not reported.
    n_jobs : int, default 1
    random_state : int, default 0
        Deals the folds.
    """
    classes, codes = labeled.number(LEAST_OF_CLASS)
    told = np.flatnonzero(codes >= 0)
    decided = np.zeros(len(codes), dtype=bool) if is_decided is None else is_decided
    if len(classes) < 2:
        return _no_tables(labeled, decided)
    with one_blas_thread():
        if len(np.unique(labeled.families[told])) > FEW:
            evidence = labeled.evidence(codes, len(classes), n_jobs=n_jobs, random_state=random_state)[told]
        else:
            vectors = labeled.vectors[labeled.rows[told]]
            evidence = weigh_all(vectors, codes[told], labeled.families[told], n_classes=len(classes))[..., None]
        noise = fit_noise(evidence, codes[told], share_families(labeled.families[told]), random_state=random_state)
    is_judged = ~_fill_class(labeled.families[told], codes[told])
    noise, told = noise.take(is_judged), told[is_judged]
    table = _issue_table(labeled, noise, classes, codes, told, decided=decided)
    confusion = _confusion(noise, classes, codes[told])
    return LabelTables(
        table, _class_table(table, classes, confusion), confusion, _pair_table(noise, classes, codes[told])
    )


def _fill_class(families: Ints, labels: Ints) -> npt.NDArray[np.bool_]:
    """Return which images are of a family that is most of its class, which half of a class at least being right."""
    _, places, sizes = np.unique(np.stack([families, labels]), axis=1, return_inverse=True, return_counts=True)
    filled: npt.NDArray[np.bool_] = 2 * sizes[places.ravel()] > np.bincount(labels)[labels]
    return filled


def find_conflicts(
    image_ids: Sequence[str], labels: Sequence[str | None], files: Ints, members: pd.DataFrame
) -> pd.DataFrame:
    """Return the images of groups of duplicates that have two labels or more; identical files with two come first.

    Parameters
    ----------
    image_ids, labels : sequences of str
        All images and their labels.
    files : int array of shape (n_images,)
        The same number for images with the same content.
    members : DataFrame
        Index ``image_id``: ``group`` (int) and ``tier``, such as ``Duplicates.members``.
    """
    told = pd.DataFrame(
        {"label": list(labels), "file": files}, index=pd.Index(list(image_ids), dtype=TEXT), dtype=object
    )
    found = members[["group", "tier"]].assign(**told.reindex(members.index))
    found = found[found["label"].notna()]
    found = found[found.groupby("group")["label"].transform("nunique") > 1]
    found["is_identical_file"] = found.groupby("file")["label"].transform("nunique") > 1
    is_first = found["is_identical_file"].groupby(found["group"]).transform("any")
    order = np.lexsort([found["file"].to_numpy(dtype=np.int64), ~found["is_identical_file"].to_numpy(dtype=bool),
                        found["group"].to_numpy(), ~is_first.to_numpy(dtype=bool)])  # fmt: skip
    found = found.iloc[order][["group", "label", "tier", "is_identical_file"]].rename_axis("image_id")
    return found.astype({"label": TEXT, "is_identical_file": bool})


def _issue_table(
    labeled: Labeled, noise: LabelNoise, classes: list[str], codes: Ints, told: Ints, *, decided: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    n, given = len(codes), codes[told]
    names = np.array(classes, dtype=object)
    quality, margin = np.full(n, np.nan), np.full(n, np.inf)
    quality[told] = noise.posterior[np.arange(len(told)), given]
    margin[told] = noise.margin
    is_issue = (quality < 0.5) & ~decided
    chances = noise.posterior.copy()
    chances[is_issue[told], given[is_issue[told]]] = -1  # where none has half of the chance, the best of the others
    best = chances.argmax(axis=1)
    suggested = np.full(n, None, dtype=object)
    suggested[told] = names[best]
    votes = labeled.votes(codes, len(classes))
    n_given, n_suggested, n_votes = (np.zeros(n) for _ in range(3))
    n_given[told], n_suggested[told], n_votes[told] = votes[told, given], votes[told, best], votes[told].sum(axis=1)
    frame = pd.DataFrame(
        {
            "given_label": list(labeled.labels),
            "suggested_label": suggested,
            "label_quality": quality,
            "is_label_issue": is_issue,
            "n_neighbors": n_votes,
            "neighbors_as_given": n_given,
            "neighbors_as_suggested": n_suggested,
            "is_decided": decided,
        },
        index=labeled.index,
    ).astype({"given_label": TEXT, "suggested_label": TEXT})
    return frame.iloc[np.lexsort((np.arange(n), margin, ~frame["is_label_issue"].to_numpy()))]


def _no_tables(labeled: Labeled, decided: npt.NDArray[np.bool_]) -> LabelTables:
    """Return the tables where there are not two classes to tell apart."""
    n = len(labeled.rows)
    columns = {
        "given_label": list(labeled.labels), "suggested_label": [None] * n, "label_quality": np.full(n, np.nan),
        "is_label_issue": np.zeros(n, dtype=bool), "n_neighbors": np.zeros(n), "neighbors_as_given": np.zeros(n),
        "neighbors_as_suggested": np.zeros(n), "is_decided": decided,
    }  # fmt: skip
    table = pd.DataFrame(columns, index=labeled.index).astype({"given_label": TEXT, "suggested_label": TEXT})
    confusion = pd.DataFrame(dtype=float)
    pairs = pd.DataFrame({"label_a": [], "label_b": [], "ambiguity": [], "n_images": []})
    pairs = pairs.astype({"label_a": TEXT, "label_b": TEXT, "ambiguity": float, "n_images": "int64"})
    return LabelTables(table, _class_table(table, [], confusion), confusion, pairs)


def _confusion(noise: LabelNoise, classes: list[str], given: Ints) -> pd.DataFrame:
    counts = one_hot(given, len(classes)) @ noise.posterior
    index = pd.Index(classes, name="given_label", dtype=TEXT)
    return pd.DataFrame(counts, index=index, columns=pd.Index(classes, name="true_label", dtype=TEXT))


def _class_table(table: pd.DataFrame, classes: list[str], confusion: pd.DataFrame) -> pd.DataFrame:
    codes, labels = pd.factorize(table["given_label"], sort=True)
    told = codes >= 0
    quality, is_issue = (table[name].to_numpy()[told] for name in ("label_quality", "is_label_issue"))
    is_known = ~np.isnan(quality)
    n_images, n_known, n_issues, errors = (
        np.bincount(codes[told], weights, len(labels))
        for weights in (None, is_known, is_issue, np.where(is_known, 1 - quality, 0))
    )
    errors = np.where(n_known > 0, errors, np.nan)
    shows = np.full(len(labels), None, dtype=object)
    is_judged = np.isin(labels, classes)
    if len(classes) > 1:
        wrong = confusion.to_numpy() * ~np.eye(len(classes), dtype=bool)
        shows[is_judged] = np.array(classes, dtype=object)[wrong.argmax(axis=1)]
    columns = {
        "n_images": n_images, "n_issues": n_issues.astype(np.int64), "estimated_errors": errors,
        "error_rate": errors / n_images, "often_shows": shows, "is_judged": is_judged,
    }  # fmt: skip
    frame = pd.DataFrame(columns, index=pd.Index(labels, name="label", dtype=TEXT)).astype({"often_shows": TEXT})
    return frame.sort_values("error_rate", ascending=False, kind="stable")


def _pair_table(noise: LabelNoise, classes: list[str], given: Ints) -> pd.DataFrame:
    """Return the pairs of classes that look alike: mean chance of the one among images of the other."""
    sizes = np.maximum(np.bincount(given, minlength=len(classes)), 1)
    n_classes, names = len(classes), np.array(classes, dtype=object)
    mean = (one_hot(given, n_classes) @ noise.chances) / sizes[:, None]
    a, b = np.triu_indices(n_classes, 1)
    two = np.sort(np.argpartition(noise.chances, -2, axis=1)[:, -2:], axis=1)
    two = two[np.take_along_axis(noise.chances, two, axis=1).min(axis=1) > 0.25]
    between = np.bincount(two[:, 0] * n_classes + two[:, 1], minlength=n_classes**2)
    columns = {
        "label_a": names[a],
        "label_b": names[b],
        "ambiguity": (mean[a, b] + mean[b, a]) / 2,
        "n_images": between[a * n_classes + b],
    }
    frame = pd.DataFrame(columns).astype({"label_a": TEXT, "label_b": TEXT})
    return frame.sort_values("ambiguity", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class PredictionTables:
    """The tables of predicted labels; see ``results.Predictions`` for what they are."""

    table: pd.DataFrame
    report: pd.DataFrame
    calibration: pd.DataFrame
    accuracy: float
    n_tested: int


def predict_labels(
    labeled: Labeled, *, method: str = "auto", n_jobs: int = 1, random_state: int = 0
) -> PredictionTables:
    """Return a label and its confidence for every image, and how well that works where labels are known.

    Parameters
    ----------
    labeled : Labeled
        Images with vectors; those with a label teach.
    method : {"auto", "logistic", "neighbors"}, default "auto"
        The kind of evidence; ``"auto"`` joins a linear discriminant of the vectors and the neighbors.
    n_jobs : int, default 1
    random_state : int, default 0
    """
    classes, codes = labeled.number(1)
    told = np.flatnonzero(codes >= 0)
    if len(classes) < 2:
        return _no_predictions(labeled)
    targets, is_logistic = np.eye(len(classes))[codes[told]], method == "logistic"
    shares = share_families(labeled.families[told])
    with one_blas_thread():
        whole = labeled.evidence(codes, len(classes), n_jobs=n_jobs, random_state=random_state, is_logistic=is_logistic)
        if len(told) < len(codes):
            whole[codes < 0, :, 0] = labeled.score_new(codes, len(classes), is_logistic=is_logistic)
        evidence = np.ascontiguousarray(whole[:, :, list(KINDS[method])])
        chances = combine(evidence[told], targets, shares).chances(evidence)
        tested = _cross_fit(evidence[told], targets, labeled.families[told], random_state)
    chances[told] = tested
    best = tested.argmax(axis=1)
    table = _prediction_table(labeled, chances, classes, codes)
    is_right = best == codes[told]
    calibration = _calibration(tested.max(axis=1), is_right)
    return PredictionTables(table, _report(codes[told], best, classes), calibration, float(is_right.mean()), len(told))


def _cross_fit(evidence: Floats, targets: Floats, families: Ints, random_state: int) -> Floats:
    """Return the chances of images by combiners that were learned from the other half of the families."""
    halves = deal_folds(targets.argmax(axis=1), families, random_state=random_state + 1) % 2
    chances = np.empty_like(targets)
    for half in (0, 1):
        own = halves == half
        others = ~own if (~own).any() else own
        learned: Combiner = combine(evidence[others], targets[others], share_families(families[others]))
        chances[own] = learned.chances(evidence[own])
    return chances


def _prediction_table(labeled: Labeled, chances: Floats, classes: list[str], codes: Ints) -> pd.DataFrame:
    names = np.array(classes, dtype=object)
    order = np.argsort(-chances, axis=1, kind="stable")[:, :2]
    confidence = np.take_along_axis(chances, order, axis=1)
    columns = {
        "predicted_label": names[order[:, 0]], "confidence": confidence[:, 0], "second_label": names[order[:, 1]],
        "second_confidence": confidence[:, 1], "given_label": list(labeled.labels),
    }  # fmt: skip
    frame = pd.DataFrame(columns, index=labeled.index)
    frame = frame.astype({"predicted_label": TEXT, "second_label": TEXT, "given_label": TEXT})
    return frame.iloc[np.lexsort((frame["confidence"].to_numpy(), codes >= 0))]


def _report(given: Ints, predicted: Ints, classes: list[str]) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class; precision is missing where it was never predicted."""
    n = len(classes)
    right = np.bincount(given[given == predicted], minlength=n).astype(float)
    support, n_predicted = np.bincount(given, minlength=n), np.bincount(predicted, minlength=n)
    precision = np.divide(right, n_predicted, out=np.full(n, np.nan), where=n_predicted > 0)
    recall = right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(support + n_predicted, 1)
    columns = {"precision": precision, "recall": recall, "f1": f1, "support": support, "n_predicted": n_predicted}
    return pd.DataFrame(columns, index=pd.Index(classes, name="label", dtype=TEXT))


def _calibration(confidence: Floats, is_right: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return, for each tenth of the confidence, how many there are and how many of them are right."""
    bins = np.clip((confidence * 10).astype(int), 0, 9)
    told = pd.DataFrame({"bin": bins, "confidence": confidence, "accuracy": is_right.astype(float)})
    grouped = told.groupby("bin")
    frame = pd.DataFrame({"n_images": grouped.size(), "mean_confidence": grouped["confidence"].mean(),
                          "accuracy": grouped["accuracy"].mean()})  # fmt: skip
    return frame.set_axis(
        pd.Index([f"{b / 10:.1f}–{(b + 1) / 10:.1f}" for b in frame.index], name="confidence", dtype=TEXT)
    )


def _no_predictions(labeled: Labeled) -> PredictionTables:
    text = dict.fromkeys(["predicted_label", "second_label", "given_label"], TEXT)
    names = ["predicted_label", "confidence", "second_label", "second_confidence", "given_label"]
    table = pd.DataFrame({name: [] for name in names}, index=labeled.index[:0]).astype(
        {**dict.fromkeys(names, float), **text}
    )
    nothing = np.empty(0, dtype=np.int64)
    return PredictionTables(
        table, _report(nothing, nothing, []), _calibration(np.empty(0), nothing == 0), float("nan"), 0
    )
