"""Wrong labels as tables: what each image is labeled, what it shows, and what speaks for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._threads import one_blas_thread
from .classifying import share_families, weigh_all
from .discriminant import Ints, one_hot
from .labeled import Labeled
from .noise import FEW, LabelNoise, fit_noise

__all__ = ["LabelTables", "find_conflicts", "find_label_issues"]

LEAST_OF_CLASS = 3  # independent pictures; a smaller class cannot be told from a mistake
WELL_KNOWN = 20  # independent pictures; of a smaller class most cannot be called wrong: they may be what it shows


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
    families, given = labeled.families[told], codes[told]
    is_judged = ~_fill_class(families, given)
    is_wrong = (noise.posterior[np.arange(len(told)), given] < 0.5) & is_judged & ~decided[told]
    is_known = _know_classes(is_wrong, families, given, len(classes))
    is_judged &= is_known[given]
    noise, told = noise.take(is_judged), told[is_judged]
    table = _issue_table(labeled, noise, classes, codes, told, decided=decided)
    confusion = _confusion(noise, classes, codes[told])
    judged = [name for name, is_one in zip(classes, is_known, strict=True) if is_one]
    return LabelTables(
        table, _class_table(labeled, table, judged, confusion), confusion, _pair_table(noise, classes, codes[told])
    )


def _fill_class(families: Ints, labels: Ints) -> npt.NDArray[np.bool_]:
    """Return which images are of a family that is most of its class, which half of a class at least being right."""
    _, places, sizes = np.unique(np.stack([families, labels]), axis=1, return_inverse=True, return_counts=True)
    filled: npt.NDArray[np.bool_] = 2 * sizes[places.ravel()] > np.bincount(labels)[labels]
    return filled


def _know_classes(
    is_wrong: npt.NDArray[np.bool_], families: Ints, labels: Ints, n_classes: int
) -> npt.NDArray[np.bool_]:
    """Return which classes are known well enough: a few pictures, most of which look wrong, may be a rare class."""
    n_images, n_wrong, n_pictures = (
        np.bincount(labels, weights, n_classes) for weights in (None, is_wrong, share_families(families))
    )
    known: npt.NDArray[np.bool_] = (2 * n_wrong <= n_images) | (n_pictures >= WELL_KNOWN)
    return known


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
    return LabelTables(table, _class_table(labeled, table, [], confusion), confusion, pairs)


def _confusion(noise: LabelNoise, classes: list[str], given: Ints) -> pd.DataFrame:
    counts = one_hot(given, len(classes)) @ noise.posterior
    index = pd.Index(classes, name="given_label", dtype=TEXT)
    return pd.DataFrame(counts, index=index, columns=pd.Index(classes, name="true_label", dtype=TEXT))


def _class_table(labeled: Labeled, table: pd.DataFrame, judged: list[str], confusion: pd.DataFrame) -> pd.DataFrame:
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
    is_judged = np.isin(labels, judged)
    if len(confusion) > 1:
        wrong = confusion.loc[judged].to_numpy() * (np.array(judged)[:, None] != confusion.columns.to_numpy())
        shows[is_judged] = confusion.columns.to_numpy(dtype=object)[wrong.argmax(axis=1)]
    pictures = pd.Series(labeled.families).groupby(pd.Series(list(labeled.labels), dtype=object)).nunique()
    columns = {
        "n_images": n_images, "n_pictures": pictures.reindex(labels).to_numpy(dtype=np.int64),
        "n_issues": n_issues.astype(np.int64), "estimated_errors": errors,
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
