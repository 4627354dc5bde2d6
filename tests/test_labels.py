"""Wrong and missing labels: planted mistakes are found, ambiguity is none, and no image votes for itself."""

from __future__ import annotations

import os
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, UnknownImageError
from fastdup_nb.findings.classifying import (
    count_votes,
    deal_folds,
    find_families,
    fit_logistic,
    score_logistic_folds,
    weigh_all,
)
from fastdup_nb.findings.discriminant import fit_discriminant, score_folds
from fastdup_nb.findings.labeled import Labeled
from fastdup_nb.findings.labels import find_conflicts, find_label_issues
from fastdup_nb.findings.predicting import predict_labels
from fastdup_nb.graph import build_graph


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def digits(n=900, seed=0):
    data = load_digits()
    chosen = np.random.default_rng(seed).choice(len(data.data), n, replace=False)
    return unit(data.data[chosen] - data.data.mean(axis=0)), data.target[chosen]


def easy(n):
    """Return vectors of four clear classes."""
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 4
    return unit(np.eye(64)[truth] + 0.08 * rng.normal(size=(n, 64))), truth


def labeled(vectors, labels, families=None):
    distances, indices = NearestNeighbors(n_neighbors=15, metric="cosine").fit(vectors).kneighbors()
    return Labeled(
        image_ids=[f"{i:04}.jpg" for i in range(len(vectors))],
        labels=[None if label is None else str(label) for label in labels],
        vectors=vectors,
        rows=np.arange(len(vectors)),
        families=np.arange(len(vectors)) if families is None else families,
        indices=indices.astype(np.int32),
        distances=distances.astype(np.float32),
    )


def flipped(labels, kind, rate=0.06, seed=1):
    """Return labels with mistakes of a kind, and which are wrong."""
    rng = np.random.default_rng(seed)
    n_classes = labels.max() + 1
    if kind == "uniform":
        wrong = rng.random(len(labels)) < rate
        other = (labels + rng.integers(1, n_classes, len(labels))) % n_classes
    else:  # one class is often taken for another
        wrong = (rng.random(len(labels)) < 5 * rate) & (labels == 3)
        other = np.full(len(labels), 8)
    return np.where(wrong, other, labels), wrong


# --- mistakes


@pytest.mark.parametrize("kind", ["uniform", "one class"])
def test_planted_mistakes_are_ranked_better_than_by_cross_validated_logistic_regression(kind):
    vectors, truth = digits(1500)
    labels, wrong = flipped(truth, kind)
    quality = find_label_issues(labeled(vectors, labels)).table["label_quality"].sort_index().to_numpy()
    chances = cross_val_predict(LogisticRegression(max_iter=1000), vectors, labels, cv=5, method="predict_proba")
    rival = chances[np.arange(len(labels)), labels]
    ours = average_precision_score(wrong, -quality)
    assert ours > 0.8
    assert ours > average_precision_score(wrong, -rival)


@pytest.mark.parametrize("kind", ["uniform", "one class"])
def test_the_estimated_number_of_errors_and_the_expected_precision_hold(kind):
    vectors, truth = digits(1500)
    labels, wrong = flipped(truth, kind)
    table = find_label_issues(labeled(vectors, labels)).table.sort_index()
    flagged = table["is_label_issue"].to_numpy()
    assert (1 - table["label_quality"]).sum() == pytest.approx(wrong.sum(), rel=0.4)
    assert wrong[flagged].mean() > 0.85
    assert wrong[flagged].mean() == pytest.approx((1 - table["label_quality"][flagged]).mean(), abs=0.2)
    assert (table["suggested_label"].astype(int).to_numpy()[flagged & wrong] == truth[flagged & wrong]).mean() > 0.9


@pytest.mark.parametrize("rate", [0.3, 0.45])
def test_where_many_labels_are_wrong_they_are_not_taken_for_ambiguity(rate):
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(10), 100)
    vectors = unit(rng.normal(size=(10, 48))[truth] + rng.normal(size=(1000, 48)))
    labels, wrong = flipped(truth, "uniform", rate)
    table = find_label_issues(labeled(vectors, labels)).table.sort_index()
    assert abs((1 - table["label_quality"]).sum() - wrong.sum()) < 0.1 * wrong.sum()
    assert table["is_label_issue"].to_numpy()[wrong].mean() > 0.95
    assert wrong[table["is_label_issue"]].mean() > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_set_has_nearly_none(seed):
    vectors, truth = digits(seed=seed)
    table = find_label_issues(labeled(vectors, truth)).table
    assert table["is_label_issue"].sum() <= 3
    assert (1 - table["label_quality"]).sum() < 6


def test_an_obviously_wrong_label_among_a_few_dozen_is_reported():
    n_found = n_false = 0
    for seed in range(16):
        rng = np.random.default_rng(seed)
        truth, kind = np.repeat([0, 1], 15), rng.integers(0, 3, 30)  # two classes of three kinds each
        centers, kinds = rng.normal(size=(2, 48)), rng.normal(size=(2, 3, 48))
        vectors = unit(centers[truth] + kinds[truth, kind] + rng.normal(size=(30, 48)))
        labels = np.where(np.arange(30) < 2, 1 - truth, truth)
        is_issue = find_label_issues(labeled(vectors, labels)).table.sort_index()["is_label_issue"]
        n_found += is_issue[:2].sum()
        n_false += is_issue[2:].sum()
    assert n_found >= 17  # of 32, which a discriminant and the nearest neighbors find ten of
    assert n_false <= 2


def test_among_a_few_dozen_images_no_label_speaks_for_its_own_family():
    vectors, labels = easy(24)
    families = np.where(np.arange(24) < 8, np.arange(24) % 4, np.arange(24))  # four pairs, such as 0 and 4
    logits = weigh_all(vectors, labels, families, n_classes=4)
    np.testing.assert_array_equal(logits.argmax(axis=1), labels)
    other = np.where(np.isin(np.arange(24), [0, 4]), 1, labels)
    changed = weigh_all(vectors, other, families, n_classes=4)
    np.testing.assert_array_equal(changed[[0, 4]], logits[[0, 4]])
    assert (changed[8:, 1] < logits[8:, 1])[labels[8:] == 1].all()


def test_two_classes_that_look_the_same_are_ambiguous_and_not_wrong():
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(600, 16)) + 4 * np.eye(16)[rng.integers(0, 2, 600)])
    shape = vectors[:, 0] > vectors[:, 1]
    labels = np.where(shape, "round", rng.choice(["left", "right"], 600))  # nothing tells left from right
    found = find_label_issues(labeled(vectors, labels))
    assert found.table["is_label_issue"].sum() < 20
    assert set(found.pairs.loc[0, ["label_a", "label_b"]]) == {"left", "right"}
    assert found.pairs.loc[0, "ambiguity"] > 0.4


def test_the_class_that_is_taken_for_another_is_told():
    vectors, truth = digits(1500)
    labels, wrong = flipped(truth, "one class")
    found = find_label_issues(labeled(vectors, labels))
    assert found.classes["estimated_errors"].idxmax() == "8"
    assert found.classes.loc["8", "often_shows"] == "3"
    assert found.confusion.loc["8", "3"] == pytest.approx(wrong.sum(), rel=0.4)
    assert found.confusion.to_numpy().sum() == pytest.approx(len(labels))
    assert found.classes["n_images"].sum() == len(labels)


def test_a_class_of_few_images_teaches_nothing_and_is_not_reported():
    vectors, truth = digits(300)
    labels = [str(label) for label in truth]
    labels[0] = labels[1] = "rare"
    found = find_label_issues(labeled(vectors, labels))
    rows = found.table.loc[["0000.jpg", "0001.jpg"]]
    assert rows["label_quality"].isna().all()
    assert not rows["is_label_issue"].any()
    assert not found.classes.loc["rare", "is_judged"]


def test_mistakes_among_many_classes_of_few_images_are_found():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(300), 4)
    vectors = unit(rng.normal(size=(300, 64))[truth] + 0.6 * rng.normal(size=(1200, 64)))
    labels, wrong = flipped(truth, "uniform")
    table = find_label_issues(labeled(vectors, labels)).table.sort_index()
    assert wrong[table["is_label_issue"]].mean() > 0.9
    assert table["is_label_issue"].to_numpy()[wrong].mean() > 0.9


def test_most_of_a_rare_class_are_not_called_wrong_as_they_may_be_what_it_shows():
    data = load_digits()
    rare, others = np.flatnonzero(data.target == 7)[:3], np.flatnonzero(data.target != 7)[:800]
    task = labeled(unit(data.data - data.data.mean(axis=0))[[*others, *rare]], ["other"] * 800 + ["rare"] * 3)
    found = find_label_issues(task)
    assert found.table["is_label_issue"].sum() == 0
    assert found.table.loc[found.table["given_label"] == "rare", "label_quality"].isna().all()
    row = found.classes.loc["rare"]
    assert (row["n_images"], row["n_pictures"], row["n_issues"], row["is_judged"]) == (3, 3, 0, False)
    assert found.classes.loc["other", "is_judged"]
    assert found.table["label_quality"].notna().sum() == 800
    decided = np.arange(803) >= 801  # two of them are confirmed, so the class is known
    assert find_label_issues(task, is_decided=decided).classes.loc["rare", "is_judged"]


def test_a_rare_class_that_is_not_judged_is_named(dataset, monkeypatch):
    for module in ("labels", "noise"):
        monkeypatch.setattr(f"fastdup_nb.findings.{module}.FEW", 64)  # the sample is judged as a larger collection is
    valid = dataset.images.index[~dataset.images["is_broken"]]
    objects = [i for i in valid if dataset.images.loc[i, "label"] == "object"][:6:2]
    issues = dataset.using(labels={i: "rare" if i in objects else "other" for i in valid}).label_issues()
    told = " ".join(repr(issues).split())
    assert "3 images of 1 class ('rare') with few pictures, most of which look like other classes: not judged" in told
    assert "duplicates that are most of their class" not in told


def test_a_rare_class_is_not_taken_for_a_mistake():
    vectors, truth = digits()
    keep = (truth != 4) | (np.cumsum(truth == 4) <= 8)
    found = find_label_issues(labeled(vectors[keep], truth[keep]))
    assert found.classes.loc["4", "n_issues"] <= 1


@pytest.mark.parametrize("labels", [["a"] * 30, [None] * 30, ["a", "b"] + [None] * 28])
def test_where_there_are_no_two_classes_nothing_is_judged(labels):
    found = find_label_issues(labeled(digits(30)[0], labels))
    assert not found.table["is_label_issue"].any()
    assert found.table["label_quality"].isna().all()
    assert found.pairs.empty


# --- out of sample


def test_labels_of_a_fold_change_nothing_of_what_is_said_of_it():
    vectors, truth = digits(300)
    folds = deal_folds(truth, np.arange(300))
    changed = np.where(folds == 2, (truth + 1) % 10, truth)
    before, after = (score_folds(vectors, labels, folds, n_classes=10) for labels in (truth, changed))
    np.testing.assert_allclose(before[folds == 2], after[folds == 2], atol=1e-3)
    assert np.abs(before - after)[folds != 2].max() > 0.1


def in_quadrants(n):
    """Return unit vectors of two classes that no plane tells apart: those of opposite quadrants are one."""
    vectors = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32) * [2, 2, 1, 1, 1, 1]
    labels = (vectors[:, 0] * vectors[:, 1] > 0).astype(np.int64)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize(("n", "low", "high"), [(2400, 0.4, 0.6), (3600, 0.9, 1.0)])
def test_many_images_are_told_apart_along_curves(n, low, high):
    vectors, labels = in_quadrants(n)
    logits = score_folds(vectors, labels, np.arange(n) % 20, n_classes=2, n_jobs=2)
    assert low < (logits.argmax(axis=1) == labels).mean() < high
    new = fit_discriminant(vectors[: n - 100], labels[: n - 100], n_classes=2).score(vectors[n - 100 :])
    assert low - 0.1 < (new.argmax(axis=1) == labels[n - 100 :]).mean() <= high


def test_labels_of_a_fold_change_nothing_of_what_landmarks_say_of_it():
    vectors, truth = in_quadrants(3600)
    folds = np.arange(3600) % 20
    changed = np.where(folds == 2, 1 - truth, truth)
    before, after = (score_folds(vectors, labels, folds, n_classes=2) for labels in (truth, changed))
    np.testing.assert_allclose(before[folds == 2], after[folds == 2], atol=1e-3)
    assert np.abs(before - after)[folds > 3].max() > 0.1


@pytest.mark.parametrize("n_kinds", [1, 40, 700])
def test_copies_among_landmarks_do_no_harm(n_kinds):
    kinds, labels = in_quadrants(n_kinds)
    every = np.arange(4200) % n_kinds
    logits = score_folds(kinds[every], labels[every], every % 20, n_classes=2)
    assert np.isfinite(logits).all()


def test_folds_keep_families_whole_and_classes_even():
    _, truth = digits(600)
    families = np.arange(600) // 2
    folds = deal_folds(truth, families)
    assert (folds[::2] == folds[1::2]).all()
    assert np.bincount(folds).tolist() == [30] * 20
    alone = deal_folds(truth, np.arange(600))
    assert pd.crosstab(alone, truth).to_numpy().std(axis=0).max() < 1


def test_an_image_its_copies_and_its_duplicates_do_not_vote():
    labels = np.array([0, 1, 1, 0, -1])
    rows, families = np.array([0, 0, 1, 2, 3]), np.array([0, 0, 1, 2])  # rows 0 and 1 are of one family
    indices = np.array([[1, 2], [0, 2], [0, 1], [0, -1]], dtype=np.int32)
    votes = count_votes(labels, rows, families, indices, n_classes=2)
    assert votes.tolist() == [[1, 0], [1, 0], [0.5, 1.5], [0.5, 0.5]]


def test_near_neighbors_count_more_and_one_at_the_median_is_one_vote():
    labels, every = np.array([0, 1, 2, 3]), np.arange(4)
    indices, distances = np.full((4, 3), -1, dtype=np.int32), np.full((4, 3), np.inf, dtype=np.float32)
    indices[0], distances[0] = [1, 2, 3], [0.4, 0.5, 0.6]
    near, median, far = count_votes(labels, every, every, indices, distances, n_classes=4)[0, 1:]
    assert median == pytest.approx(1)
    assert near == pytest.approx(np.e)
    assert far == pytest.approx(1 / np.e)


def test_an_image_votes_for_those_that_are_near_to_it_too_and_one_that_is_near_both_ways_once():
    labels, every = np.array([0, 1, 2]), np.arange(3)
    indices, distances = np.array([[1], [0], [0]], dtype=np.int32), np.full((3, 1), 0.5, dtype=np.float32)
    votes = count_votes(labels, every, every, indices, distances, n_classes=3)
    assert votes.tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("n_classes", [2, 5])
def test_logistic_folds_are_those_of_scikit_learn(n_classes):
    vectors, truth = (array[digits(1700)[1] < n_classes] for array in digits(1700))
    folds = deal_folds(truth, np.arange(len(truth)))
    own = folds % 5 == 0
    logits = score_logistic_folds(vectors, truth, folds, n_classes=n_classes + 1)  # of one class there is no image
    model = LogisticRegression(max_iter=1000, tol=1e-3).fit(vectors[~own], truth[~own])
    chances = np.exp(logits[own]) / np.exp(logits[own]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(chances[:, :-1], model.predict_proba(vectors[own]), atol=1e-3)


def test_a_logistic_regression_of_many_classes_is_fitted_and_does_not_end_where_it_begins():
    rng = np.random.default_rng(0)
    truth = np.arange(1200) % 300
    vectors = unit(rng.normal(size=(300, 512))[truth] + 0.5 * rng.normal(size=(1200, 512)))
    logits = score_logistic_folds(vectors, truth, np.arange(1200) // 300, n_classes=300)
    assert (logits.argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("weight", [None, "balanced"])
def test_a_logistic_regression_of_two_classes_whose_slopes_are_small_is_fitted(weight):
    rng = np.random.default_rng(0)
    is_new = np.arange(400) < 80
    vectors = 0.002 * unit(rng.normal(size=(400, 64)) + 0.5 * is_new[:, None])
    options = {"C": 1e6, "class_weight": weight}
    fitted = fit_logistic(vectors, is_new, **options).decision_function(vectors)
    expected = LogisticRegression(max_iter=5000, tol=1e-9, **options).fit(vectors, is_new).decision_function(vectors)
    assert np.corrcoef(fitted, expected)[0, 1] > 0.95
    assert np.std(fitted) > 0.5 * np.std(expected)


def test_copies_that_are_most_of_their_class_are_not_judged_by_the_mistakes_beside_them():
    vectors, truth = easy(120)
    clip = np.tile(unit(np.eye(64)[[9]]), (20, 1))
    labels, families = np.append(truth, np.full(20, 9)), np.append(np.arange(120), np.full(20, 120))
    labels[:2] = 9
    found = find_label_issues(labeled(np.concatenate([vectors, clip]), labels, families=families))
    table = found.table.sort_index()
    assert table["label_quality"].isna().tolist() == [False] * 120 + [True] * 20
    assert np.flatnonzero(table["is_label_issue"]).tolist() == [0, 1]
    row = found.classes.loc["9"]
    assert (row["n_images"], row["n_issues"], row["is_judged"]) == (22, 2, True)
    assert 0.08 < row["error_rate"] < 0.1


def test_wrongly_labeled_copies_do_not_hide_each_other():
    vectors, truth = (np.roll(array, -6, axis=0) for array in digits())
    copies = (
        np.repeat(vectors[:1], 5, axis=0) + np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32) * 0.002
    )
    wrong = (truth[0] + 5) % 10
    both = unit(np.vstack([vectors[1:], copies]))
    labels = np.concatenate([truth[1:], np.full(5, wrong)])
    families = np.concatenate([np.arange(len(vectors) - 1), np.full(5, len(vectors))])
    table = find_label_issues(labeled(both, labels, families)).table.sort_index()
    assert table["is_label_issue"].iloc[-5:].all()
    assert (table["suggested_label"].iloc[-5:] == str(truth[0])).all()


def test_pairs_make_families_and_long_chains_are_cut_into_groups():
    chain = np.arange(99)
    groups = np.where(np.arange(200) < 100, np.arange(200) // 2, -1)
    families = find_families(200, chain, chain + 1, groups)
    assert np.bincount(families).max() == 2
    assert find_families(200, chain[:5], chain[:5] + 1, groups)[:6].tolist() == [0] * 6


def test_the_same_seed_gives_the_same_table_and_labels_may_have_any_names():
    vectors, truth = digits(300)
    found = [find_label_issues(labeled(vectors, truth), n_jobs=n).table for n in (1, 2)]
    pd.testing.assert_frame_equal(*found)
    renamed = find_label_issues(labeled(vectors, [f"<b>{label}</b>" for label in truth])).table
    np.testing.assert_allclose(renamed["label_quality"], found[0]["label_quality"])


# --- conflicts


def test_identical_files_with_two_labels_come_first():
    members = pd.DataFrame(
        {"group": [0, 0, 0, 1, 1, 2, 2], "tier": pd.Categorical(["near"] * 7)},
        index=pd.Index(list("abcdefg"), name="image_id"),
    )
    labels = ["x", "y", "x", "x", "y", "x", "x"]
    found = find_conflicts(list("abcdefg"), labels, np.array([0, 1, 2, 3, 3, 4, 4]), members)
    assert found.index.tolist() == ["d", "e", "a", "b", "c"]
    assert found["is_identical_file"].tolist() == [True, True, False, False, False]
    assert find_conflicts(list("abcdefg"), [None] * 7, np.arange(7), members).empty


# --- the dataset


@pytest.fixture
def ds(dataset, tmp_path):
    return dataset.using(tags=tmp_path / "tags.sqlite")


def test_a_wrong_label_among_photographs_is_reported_with_its_evidence(sample_folder, dataset):
    vectors, truth = easy(len(dataset))
    labels = truth.astype(str).tolist()
    at = dataset._stages.valid[40]
    labels[at] = str((truth[at] + 1) % 4)
    ds = dataset.using(labels=labels, embeddings=vectors, cache=None, tags=None)
    issues = ds.label_issues()
    image_id = ds.image_ids[at]
    assert issues.table.index[0] == image_id
    assert issues.table["suggested_label"].iloc[0] == str(truth[at])
    near = issues.evidence(image_id)
    assert near.columns.tolist() == ["label", "similarity"]
    assert image_id not in near.index
    assert near["similarity"].is_monotonic_decreasing
    assert (near["label"] == str(truth[at])).sum() == issues.table["neighbors_as_suggested"].iloc[0]
    assert issues.tag("look").image_ids == tuple(issues._listed(None))
    with pytest.raises(UnknownImageError, match="nowhere"):
        issues.evidence("nowhere.jpg")
    with pytest.raises(ParameterError, match="which"):
        issues.tag("x", which="some")


def test_real_photographs_with_conflicting_copies_are_listed(ds, truth):
    issues = ds.label_issues()
    conflicts = issues.conflicts
    assert len(conflicts)
    assert all(len(set(labels)) > 1 for _, labels in conflicts.groupby("group")["label"])
    assert conflicts["is_identical_file"].iloc[0]
    assert issues.table.loc[conflicts.index, "has_conflict"].all()
    assert f"; {conflicts['group'].nunique()} groups of duplicates have two labels or more." in repr(issues)
    origin = pd.Series({i: row["origin"] for i, row in truth.items()})
    assert all(len(set(found)) == 1 for _, found in origin.reindex(conflicts.index).groupby(conflicts["group"]))
    assert f"{conflicts['group'].nunique()}" in repr(issues)


def test_a_decided_label_takes_the_place_of_the_given_one_and_is_not_reported(dataset, tmp_path):
    vectors, truth = easy(len(dataset))
    labels = truth.astype(str).tolist()
    places = dataset._stages.valid[[10, 30, 50]]
    for at in places:
        labels[at] = str((truth[at] + 1) % 4)
    ds = dataset.using(labels=labels, embeddings=vectors, cache=None, tags=tmp_path / "t.sqlite")
    issues = ds.label_issues()
    wrong = [ds.image_ids[at] for at in places]
    assert set(wrong) == set(issues.table.index[:3])
    reported = set(issues.table.index[issues.table["is_label_issue"]])
    change = issues.relabel(wrong[:2])
    assert set(change.image_ids) == set(wrong[:2])
    issues.confirm(wrong[2])
    again = ds.label_issues()
    assert again.table.loc[wrong[:2], "given_label"].tolist() == issues.table.loc[wrong[:2], "suggested_label"].tolist()
    assert again.table.loc[wrong, "is_decided"].all()
    assert not again.table.loc[wrong, "is_label_issue"].any()
    assert "3 labels were decided by you" in repr(again)
    ds.tags.undo()
    ds.tags.undo()
    assert ds.tags.labels().empty
    assert set(ds.label_issues()._listed(None)) == reported


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("labels", [None, "one", "each"])
def test_a_handful_of_images_is_a_sentence_and_no_warning(few, n, labels):
    given = {None: [None] * n, "one": ["a"] * n, "each": [f"class {i}" for i in range(n)]}[labels]
    whole = fd.Dataset(sorted(few.iterdir()), labels=[*given, *[None] * (6 - n)], cache=None)
    ds = whole.where(whole.image_ids[:n])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (ds.label_issues(), ds.predict_labels(), ds.predict_labels(which="all")):
            assert found._repr_html_()
            assert found._view(8).headline.endswith(".") or "annotate" in found._view(8).headline
        assert not ds.label_issues().n_issues


def test_all_identical_and_all_broken_images_are_no_error(tmp_path, few):
    data = sorted(few.iterdir())[0].read_bytes()
    for name, content in (("same", data), ("broken", b"no picture")):
        folder = tmp_path / name
        folder.mkdir()
        for i in range(8):
            (folder / f"{i}.jpg").write_bytes(content)
        ds = fd.Dataset(folder, labels=["a", "b"] * 4, cache=None)
        issues = ds.label_issues()
        assert not issues.n_issues
        assert len(issues.conflicts) == (8 if name == "same" else 0)
        assert ds.predict_labels(which="all")._repr_html_()


@pytest.mark.parametrize("several", [["a", "b"], ("a", "b"), {"a"}, frozenset("ab"), {"a": 1}, np.array(["a", "b"])])
def test_several_labels_of_an_image_are_refused_clearly(few, several):
    paths = sorted(map(str, few.iterdir()))
    told = ["a"] * 5 + [several]
    by_id = dict(zip(fd.Dataset(few, cache=None).image_ids, told, strict=True))
    says = f"takes one label for each image. Got .*a {type(several).__name__}. Choose one"
    for ds in (
        fd.Dataset(pd.DataFrame({"path": paths, "label": told}), cache=None),
        fd.Dataset(pd.DataFrame({"path": paths, "kinds": told}), labels="kinds", cache=None),
        fd.Dataset(few, labels=told, cache=None),
        fd.Dataset(few, labels=by_id, cache=None),
        fd.Dataset(few, labels=pd.Series(by_id), cache=None),
    ):
        for ask in (ds.label_issues, ds.predict_labels):
            with pytest.raises(ParameterError, match=says):
                ask()


def test_text_that_looks_like_a_list_is_one_label(few):
    ds = fd.Dataset(few, labels=["['a', 'b']"] * 3 + ['["c"]'] * 3, cache=None)
    assert set(ds.label_issues().classes.index) == {"['a', 'b']", '["c"]'}


def test_a_view_and_names_with_markup_work(dataset):
    labels = [f"<img src=x onerror=alert({i % 3})>" for i in range(len(dataset))]
    ds = dataset.using(labels=labels, tags=None).where(dataset.image_ids[:60])
    html = ds.label_issues()._repr_html_() + ds.predict_labels(which="all")._repr_html_()
    assert "<img src=x" not in html
    assert "onerror=alert" in html


def test_labels_and_splits_from_folders_whose_names_are_no_text_work(few, tmp_path):
    for i, path in enumerate(sorted(few.iterdir())):
        folder = os.fsencode(tmp_path) + (b"/named/caf\xe9" if i % 2 else b"/named/plain")
        os.makedirs(folder, exist_ok=True)
        os.replace(path, folder + b"/%d.jpg" % i)
    ds = fd.Dataset(tmp_path / "named", labels="folder", split="folder", cache=None)
    assert set(ds.images["label"]) == {"caf\\xe9", "plain"}
    assert set(ds.label_issues().classes.index) == {"caf\\xe9", "plain"}
    assert ds.leaks().summary[["split_a", "split_b"]].iloc[0].tolist() == ["caf\\xe9", "plain"]
    halves = fd.Dataset(few.parent / "named", labels=["\ud800", "b"] * 3, cache=None)  # no file system's
    assert "\\ud800" in repr(halves.label_issues()._repr_html_())


# --- predictions


@pytest.mark.parametrize("method", ["auto", "neighbors", "logistic"])
def test_missing_labels_are_predicted_and_a_confidence_means_what_it_says(method):
    vectors, truth = digits(1700)
    noise = np.random.default_rng(0).normal(size=vectors.shape) * 0.16
    vectors = unit(vectors + noise)  # so that it is hard
    is_known = np.arange(1700) % 2 == 0
    found = predict_labels(
        labeled(vectors, [t if known else None for t, known in zip(truth, is_known, strict=True)]), method=method
    )
    table = found.table
    new = table[table["given_label"].isna()]
    assert len(new) == (~is_known).sum()
    assert new["confidence"].is_monotonic_increasing
    right = new["predicted_label"].astype(int).to_numpy() == truth[[int(i[:4]) for i in new.index]]
    assert right.mean() == pytest.approx(found.accuracy, abs=0.05)
    if method != "neighbors":
        assert right.mean() > 0.75
    assert new["confidence"].mean() == pytest.approx(right.mean(), abs=0.05)
    for low in (0.3, 0.5, 0.7, 0.9):
        here = new["confidence"].between(low, low + 0.2).to_numpy()
        if here.sum() > 60:
            assert right[here].mean() == pytest.approx(
                new["confidence"][here].mean(), abs=max(0.12, 1.5 / here.sum() ** 0.5)
            )


@pytest.mark.parametrize("method", ["auto", "neighbors", "logistic"])
def test_where_each_class_has_one_picture_the_nearest_is_told_and_none_counts_as_right(method):
    rng = np.random.default_rng(0)
    centers = np.repeat(np.eye(4, 16), 6, axis=0)
    vectors = unit(centers + rng.normal(0, 0.1, centers.shape))
    kinds = np.repeat(list("abcd"), 6)
    labels = [kind if i % 6 == 0 else None for i, kind in enumerate(kinds)]
    found = predict_labels(labeled(vectors, labels), method=method)
    unknown = found.table[found.table["given_label"].isna()]
    assert unknown["predicted_label"].tolist() == [kinds[int(image_id[:4])] for image_id in unknown.index]
    assert (found.accuracy, found.n_tested, found.n_alone) == (0, 4, 4)
    assert (found.report["recall"] == 0).all()


def test_images_of_classes_of_one_picture_are_counted(dataset):
    labels = {image_id: image_id.split("/")[1] for image_id in dataset.image_ids[:40]}
    labels |= {dataset.image_ids[41]: "alone", dataset.image_ids[42]: "another"}
    told = " ".join(repr(dataset.using(labels=labels).predict_labels()).split())
    assert re.search(r"\d+ images count as wrong for being of a class of one picture", told)
    one = dataset.using(labels=dict.fromkeys(dataset.image_ids[:40], "x")).predict_labels()
    n = int((~dataset.images["is_broken"].iloc[:40]).sum())
    assert f"All {n} labels are 'x': there is nothing to tell apart." in repr(one)
    assert f"with a label {n}" in " ".join(repr(one).split())


def test_the_report_is_that_of_scikit_learn():
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    vectors, truth = digits(400)
    found = predict_labels(labeled(vectors, truth))
    table = found.table.sort_index()
    predicted = table["predicted_label"].astype(int).to_numpy()
    precision, recall, f1, support = precision_recall_fscore_support(truth, predicted)
    np.testing.assert_allclose(found.report["precision"], precision)
    np.testing.assert_allclose(found.report["recall"], recall)
    np.testing.assert_allclose(found.report["f1"], f1)
    assert found.report["support"].tolist() == support.tolist()
    assert found.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert found.calibration["n_images"].sum() == found.n_tested == 400


def test_half_labeled_photographs_are_predicted_and_queued(dataset, tmp_path):
    labels = dataset.images["label"].astype(object).tolist()
    some = [label if i % 2 else None for i, label in enumerate(labels)]
    ds = dataset.using(labels=some, tags=tmp_path / "t.sqlite")
    found = ds.predict_labels()
    assert set(found.table.index) == {i for i, label in zip(ds.image_ids, some, strict=True) if label is None} & set(
        ds._stages.valid_ids
    )
    assert found.table["confidence"].between(0, 1).all()
    assert found.tag("guess").image_ids
    first = found.table["predicted_label"].iloc[0]
    assert ds.predict_labels().tag("one", which=first).image_ids
    assert ds.annotate(list(found.labels), queue=found.table)
    assert ds.predict_labels(which="all").n_tested == sum(1 for i in ds._stages.valid if some[i] is not None)


@pytest.mark.parametrize("wrong", [{"method": "forest"}, {"which": "unlabelled images"}])
def test_other_options_are_errors(ds, wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        ds.predict_labels(**wrong)


def test_what_is_reported_is_suggested_another_label():
    rng = np.random.default_rng(5)
    codes, every = rng.integers(0, 6, 300), np.arange(300)
    vectors = rng.normal(size=(300, 16)) + 2.5 * np.eye(16)[codes]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = ["abcdef"[code] for code in np.where(rng.random(300) < 0.3, rng.integers(0, 6, 300), codes)]
    graph = build_graph(vectors, n_neighbors=15)
    given = Labeled([str(i) for i in every], labels, vectors, every, every, graph.indices, graph.distances)
    table = find_label_issues(given).table
    reported = table[table["is_label_issue"]]
    assert len(reported) > 10
    assert (reported["suggested_label"] != reported["given_label"]).all()
