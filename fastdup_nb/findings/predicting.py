"""Labels for images without one as tables: what each most likely shows, and how often such a prediction is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._threads import one_blas_thread
from .classifying import Combiner, combine, deal_folds, share_families
from .discriminant import Floats, Ints
from .labeled import Labeled

__all__ = ["PredictionTables", "predict_labels"]

KINDS = {"auto": (0, 1), "logistic": (0,), "neighbors": (1,)}


@dataclass(frozen=True)
class PredictionTables:
    """The tables of predicted labels; see ``results.Predictions`` for what they are."""

    table: pd.DataFrame
    report: pd.DataFrame
    calibration: pd.DataFrame
    accuracy: float
    n_tested: int
    n_alone: int


def predict_labels(
    labeled: Labeled, *, method: str = "auto", n_jobs: int = 1, random_state: int = 0
) -> PredictionTables:
    """Return a label and its confidence for every image, and how well that works where labels are known.

    Parameters
    ----------
    labeled : Labeled
        Images with vectors; those with a label teach.
    method : {"auto", "logistic", "neighbors"}, default "auto"
        The kind of evidence; ``"auto"`` joins a discriminant of the vectors and the neighbors.
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
    families_of = pd.Series(labeled.families[told]).groupby(codes[told]).nunique().to_numpy()
    return PredictionTables(
        table, _report(codes[told], best, classes), calibration, float(is_right.mean()), len(told),
        n_alone=int((families_of[codes[told]] == 1).sum()),
    )  # fmt: skip


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
        table, _report(nothing, nothing, []), _calibration(np.empty(0), nothing == 0), float("nan"), 0, 0
    )
