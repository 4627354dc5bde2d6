"""Samples: greedy choices keep their proven bounds, wishes are kept, and what is said is true."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, UnknownImageError
from fastdup_nb.findings._facility import rank_rows, split_cells
from fastdup_nb.findings.coverage import measure_coverage, measure_random
from fastdup_nb.findings.sampling import (
    METHODS,
    Parts,
    allot,
    choose,
    choose_covering,
    choose_representative,
    find_candidates,
)
from fastdup_nb.views import format_similarity


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(n, n_features=6, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, n_features)))


def clustered_vectors(n, n_clusters=5, n_features=16, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_clusters, n_features))
    return unit(centers[rng.integers(n_clusters, size=n)] + 0.3 * rng.normal(size=(n, n_features)))


def total(vectors, rows):
    """What facility location makes large."""
    return float(np.maximum(vectors @ vectors[list(rows)].T, 0).max(axis=1).sum())


def radius(vectors, rows):
    """What k-center makes small: the largest Euclidean distance to a chosen row."""
    return float(np.sqrt(np.maximum(0, 2 - 2 * (vectors @ vectors[list(rows)].T).max(axis=1))).max())


def plain_representative(vectors, n):
    """Work out every gain at every step."""
    similarity, best, rows = np.maximum(vectors @ vectors.T, 0), np.zeros(len(vectors), np.float32), []
    for _ in range(n):
        gains = np.maximum(similarity - best, 0).sum(axis=1)
        gains[rows] = -np.inf
        rows.append(int(gains.argmax()))
        best = np.maximum(best, similarity[rows[-1]])
    return rows


def plain_covering(vectors, n):
    rows = [int((vectors @ vectors.mean(axis=0)).argmax())]
    while len(rows) < n:
        nearest = (vectors @ vectors[rows].T).max(axis=1)
        nearest[rows] = np.inf
        rows.append(int(nearest.argmin()))
    return rows


# --- bounds


@pytest.mark.parametrize("make", [random_vectors, clustered_vectors])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_greedy_choices_keep_their_bounds_beside_the_best_of_all_choices(make, seed, n):
    vectors = make(12, seed=seed)
    every = list(combinations(range(12), n))
    most, least = max(total(vectors, rows) for rows in every), min(radius(vectors, rows) for rows in every)
    assert total(vectors, choose_representative(vectors, n)[0]) >= (1 - 1 / np.e) * most - 1e-5
    assert radius(vectors, choose_covering(vectors, n)[0]) <= 2 * least + 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_bounds_hold_for_what_completes_included_images(seed):
    vectors = random_vectors(12, seed=seed)
    given, others = [0, 1], list(combinations(range(2, 12), 2))
    parts = Parts(np.zeros(12, np.int64), [2])
    for method in ("representative", "coverage"):
        rows = choose(vectors, parts, method=method, included=given)
        assert rows[:2].tolist() == given
        if method == "coverage":
            assert radius(vectors, rows) <= 2 * min(radius(vectors, [*given, *more]) for more in others) + 1e-3
        else:
            best = max(total(vectors, [*given, *more]) for more in others)
            assert total(vectors, rows) >= (1 - 1 / np.e) * best - 1e-5


@pytest.mark.parametrize("make", [random_vectors, clustered_vectors])
@pytest.mark.parametrize(("size", "n"), [(30, 30), (200, 60), (700, 25)])
def test_lazy_choices_are_the_plain_greedy_ones(make, size, n):
    vectors = make(size)
    assert choose_representative(vectors, n)[0].tolist() == plain_representative(vectors, n)
    assert choose_covering(vectors, n)[0].tolist() == plain_covering(vectors, n)


@pytest.mark.parametrize("pick", [choose_representative, choose_covering])
def test_gains_never_rise_and_every_row_is_chosen_once(pick):
    vectors = clustered_vectors(300)
    rows, gains = pick(vectors, 1000)
    assert sorted(rows.tolist()) == list(range(300))
    assert (np.diff(gains) <= 1e-5).all()


@pytest.mark.parametrize("pick", [choose_representative, choose_covering])
def test_rows_that_are_all_equal_are_chosen_in_order(pick):
    rows, gains = pick(np.full((40, 4), 0.5, np.float32), 40)
    assert sorted(rows.tolist()) == list(range(40))
    assert (gains[1:] == 0).all()


@pytest.mark.parametrize("pick", [choose_representative, choose_covering])
@pytest.mark.parametrize(("size", "n"), [(0, 3), (1, 3), (2, 1)])
def test_very_few_rows_are_no_problem(pick, size, n):
    rows, gains = pick(random_vectors(size) if size else np.empty((0, 4), np.float32), n)
    assert len(rows) == len(gains) == min(size, n)


# --- cells


def test_cells_hold_each_row_once_and_near_rows_together():
    vectors = clustered_vectors(1000, n_clusters=2, n_features=64)
    cells = split_cells(vectors, 500)
    assert sorted(np.concatenate(cells).tolist()) == list(range(1000))
    assert max(map(len, cells)) <= 500
    inside = np.mean([(vectors[cell] @ vectors[cell].T).mean() for cell in cells])
    assert inside > (vectors @ vectors.T).mean() + 0.1


def test_a_choice_in_cells_is_the_greedy_choice_for_similarity_within_cells():
    vectors = clustered_vectors(400, n_clusters=7)
    cells = split_cells(vectors, 60)
    of_row = np.empty(400, np.int64)
    for i, cell in enumerate(cells):
        of_row[cell] = i
    similarity = np.maximum(vectors @ vectors.T, 0) * (of_row[:, None] == of_row)
    for n in (5, 100, 400):
        rows, gains = choose_representative(vectors, n, cell_size=60)
        _, wanted = rank_rows(similarity.astype(np.float32), n, np.zeros(400, np.float32))
        np.testing.assert_allclose(gains, wanted, rtol=1e-4, atol=1e-4)
        assert len(set(rows.tolist())) == n


def test_a_cell_from_which_most_is_chosen_is_searched_further():
    """A quarter has every row apart, the rest is one point: nearly all choices fall into the first."""
    rng = np.random.default_rng(0)
    apart = np.hstack([unit(rng.normal(size=(64, 200))), np.zeros((64, 1), np.float32)])
    point = np.zeros((192, 201), np.float32)
    point[:, -1] = 1
    rows, _ = choose_representative(unit(np.vstack([point, apart])), 60, cell_size=64)
    assert (rows < 192).sum() == 3  # the point is in three cells
    assert len(set(rows.tolist())) == 60


def test_cells_cost_little_of_what_is_reached():
    vectors = clustered_vectors(3000, n_clusters=40, n_features=32)
    whole, cut = (choose_representative(vectors, 100, cell_size=size)[0] for size in (3000, 400))
    chance = np.random.default_rng(0).choice(3000, 100, replace=False)
    gained = (total(vectors, cut) - total(vectors, chance)) / (total(vectors, whole) - total(vectors, chance))
    assert gained > 0.8


# --- what a sample is good for


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("n_neighbors", [1, 3])
def test_the_default_teaches_a_classifier_more_than_random_images_do(share, n_neighbors):
    digits, labels = load_digits(return_X_y=True)
    vectors = unit(digits)
    n = round(share * len(vectors))

    def accuracy(rows):
        rest = np.setdiff1d(np.arange(len(vectors)), rows)
        return KNeighborsClassifier(n_neighbors).fit(vectors[rows], labels[rows]).score(vectors[rest], labels[rest])

    rng = np.random.default_rng(0)
    by_chance = [accuracy(rng.choice(len(vectors), n, replace=False)) for _ in range(12)]
    assert accuracy(choose_representative(vectors, n)[0]) > np.mean(by_chance) + np.std(by_chance, ddof=1)


# --- allotment


def test_places_are_allotted_evenly_or_by_share():
    assert allot([50, 30, 20], 10, already=[0, 0, 0], evenly=False) == [5, 3, 2]
    assert allot([50, 30, 2], 9, already=[0, 0, 0], evenly=True) == [4, 3, 2]
    assert allot([50, 30, 20], 8, already=[2, 0, 0], evenly=False) == [3, 3, 2]
    assert allot([1, 2], 10, already=[0, 0], evenly=False) == [1, 2]
    assert allot([], 10, already=[], evenly=True) == []


@pytest.mark.parametrize("seed", range(20))
def test_shares_are_kept_to_within_one_image(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 200, size=5).tolist()
    n = int(rng.integers(1, sum(sizes) + 1))
    given = allot(sizes, n, already=[0] * 5, evenly=False)
    assert sum(given) == n
    assert np.abs(np.array(given) - n * np.array(sizes) / sum(sizes)).max() < 1.5


# --- candidates and coverage


def test_of_each_group_one_is_a_candidate_the_included_then_the_kept_then_the_first():
    group, is_kept = np.array([0, 0, 1, 1, -1, 2, 2]), np.array([False, True, False, True, False, True, False])
    none = np.zeros(7, bool)
    find = lambda included, out: find_candidates(np.array(included, dtype=np.int64), {"x": out}, group, is_kept)  # noqa: E731
    assert find([], none).positions.tolist() == [1, 3, 4, 5]
    assert find([0], none).positions.tolist() == [0, 3, 4, 5]
    assert find([0, 1], none).positions.tolist() == [0, 1, 3, 4, 5]
    out = none.copy()
    out[[1, 5, 4]] = True
    found = find([4], out)
    assert found.positions.tolist() == [0, 3, 4, 6]
    assert dict(found.n_left_out) == {"x": 2, "duplicate": 1}


def test_the_curve_is_what_brute_force_says():
    vectors = clustered_vectors(150)
    chosen = choose_covering(vectors, 20)[0]
    found = measure_coverage(vectors, chosen)
    for i in (0, 4, 19):
        nearest = (vectors @ vectors[chosen[: i + 1]].T).max(axis=1)
        assert found.mean[i] == pytest.approx(nearest.mean(), abs=1e-5)
        assert found.least[i] == pytest.approx(nearest.min(), abs=1e-5)
    before = [1 - (vectors[chosen[i]] @ vectors[chosen[:i]].T).max() for i in range(1, 20)]
    assert np.isnan(found.distance[0])
    np.testing.assert_allclose(found.distance[1:], before, atol=1e-5)
    assert found.share.sum() == pytest.approx(1)
    assert found.n_measured == 150


def test_a_large_curve_is_measured_on_a_sample_near_the_whole():
    vectors = clustered_vectors(6000)
    chosen = np.arange(30)
    whole, some = measure_coverage(vectors, chosen), measure_coverage(vectors, chosen, most_pairs=1000)
    assert (whole.n_measured, some.n_measured) == (6000, 2000)
    np.testing.assert_allclose(some.mean, whole.mean, atol=0.02)
    assert measure_random(vectors, 30)[-1] == pytest.approx(whole.mean[-1], abs=0.05)


# --- on photographs


@pytest.mark.parametrize("method", METHODS)
def test_wishes_are_kept_by_every_method(dataset, method):
    ids = dataset.images.index[~dataset.images["is_broken"]].tolist()
    dark = dataset.quality().table["is_dark"]
    strange = dataset.outliers(0.05).table["is_outlier"]
    must, never = [ids[30], ids[7]], ids[50:60]
    found = dataset.sample(
        25, method, include=must, exclude=never, quotas={"animal": 2}, drop_issues="dark", drop_outliers=0.05
    )
    table = found.table
    assert table.index[:2].tolist() == must
    assert table["is_included"].tolist() == [True] * 2 + [False] * (len(table) - 2)
    assert not set(never) & set(table.index)
    assert not dark.loc[table.index[2:]].any()
    assert not strange.loc[table.index[2:]].any()
    assert (table["label"] == "animal").sum() == 2
    groups = dataset.duplicates().members["group"].reindex(table.index).dropna()
    assert groups.is_unique
    assert table.index.is_unique
    assert len(table) == 25
    assert len(found.curve) == 25


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_sample(dataset, method):
    one, two, other = (dataset.sample(15, method, random_state=seed).image_ids for seed in (3, 3, 4))
    assert one == two
    assert (one != other) == (method in {"random", "stratified"})
    assert dataset.sample(15, method).image_ids == dataset.sample(15, method, random_state=0).image_ids


@pytest.mark.parametrize("method", ["representative", "coverage"])
def test_the_beginning_of_a_sample_is_the_smaller_sample(dataset, method):
    assert dataset.sample(30, method).image_ids[:10] == dataset.sample(10, method).image_ids


def test_labels_are_kept_in_their_shares(dataset):
    found = dataset.sample(30, "stratified", deduplicate=False)
    readable = dataset.images[~dataset.images["is_broken"]]
    wanted = 30 * readable["label"].value_counts(normalize=True)
    got = found.table["label"].value_counts().reindex(wanted.index, fill_value=0)
    assert (got - wanted).abs().max() < 1
    assert len(found.table) == 30


def test_clusters_are_served_alike(dataset):
    found = dataset.sample(12, "diverse per cluster", deduplicate=False)
    labels = dataset.clusters().labels
    sizes, got = labels.value_counts(), labels.loc[found.image_ids].value_counts()
    full = got.reindex(sizes.index, fill_value=0)
    short = full[full < sizes]
    assert short.max() - short.min() <= 1


def test_a_share_is_of_all_that_can_be_read_and_no_more_than_there_are_is_chosen(dataset):
    n_readable = int((~dataset.images["is_broken"]).sum())
    assert len(dataset.sample(0.1).table) == round(0.1 * n_readable)
    whole = dataset.sample(1.0)
    assert len(whole.table) == whole.n_candidates < n_readable == whole.n_wanted
    assert "there are" in repr(whole)
    assert len(dataset.sample(1.0, deduplicate=False).table) == n_readable


def test_stratified_tells_how_many_have_no_label_and_gives_them_their_share(dataset):
    labels = dataset.images["label"].where(dataset.images["label"] == "medical")
    found = dataset.using(labels=labels).sample(20, "stratified")
    everything = dataset.using(labels=labels).sample(10_000, "stratified").table
    n_without, n = int(everything["label"].isna().sum()), len(everything)
    assert f"{n_without} candidates have no label, and count as a class of their own." in found.remarks
    assert abs(found.table["label"].isna().sum() - 20 * n_without / n) < 1
    assert "there is 1 candidate." in dataset.where(dataset.image_ids[:1]).sample(9, "stratified").remarks[-1]


def test_quotas_alone_say_how_many(dataset):
    found = dataset.sample(quotas={"animal": 2, "food": 1})
    assert found.table["label"].value_counts().to_dict() == {"animal": 2, "food": 1}
    short = dataset.sample(quotas={"animal": 500})
    n = len(dataset.sample(500, quotas={"animal": 500}).table)
    assert f"Quotas that are not filled: label 'animal' ({n} candidates, 500 wanted)." in repr(short)
    rest = repr(dataset.sample(600, quotas={"animal": 500}))
    assert re.search(r"'animal' \(.*\); other labels or none \(\d+ candidates, 100 wanted\)\.", " ".join(rest.split()))
    assert (short.table["label"] == "animal").all()
    assert not (dataset.sample(20, quotas={"animal": 0}).table["label"] == "animal").any()


def test_a_dataset_comes_out_of_it_and_tags_go_in(dataset, tmp_path):
    ds = dataset.using(tags=tmp_path / "tags.sqlite")
    found = ds.sample(10, include=ds.image_ids[0])
    part = found.dataset
    assert sorted(part.image_ids) == sorted(found.image_ids)
    assert len(part.sample(4).table) == 4
    found.tag("picked")
    assert sorted(ds.tagged("picked")) == sorted(found.image_ids)
    assert ds.tags.undo() is not None
    found.tag("new", which="new")
    assert sorted(ds.tagged("new")) == sorted(found.image_ids[1:])
    with pytest.raises(ParameterError, match="which"):
        found.tag("x", which="some")


def test_own_vectors_and_parts_can_be_sampled(few):
    vectors = np.eye(6)[[0, 0, 1, 2, 3, 4]] + 1e-9
    ds = fd.Dataset(few, embeddings=vectors, cache=None)
    assert len(ds.sample(6).table) == 5
    assert len(ds.sample(6, deduplicate=False).table) == 6
    assert len(ds.where(ds.image_ids[:3]).sample(3, "coverage").table) == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_very_few_images_give_a_sample_and_a_sentence(few, method, n):
    found = fd.Dataset(sorted(few.iterdir())[:n], cache=None).sample(2, method)
    assert len(found.table) == n
    text, page = repr(found), found._repr_html_()
    assert ("There is no image to look at." in text) == ("There is no image to look at." in page) == (n == 0)
    assert len(found.dataset) == n
    assert found.gallery() is not None


@pytest.mark.parametrize("method", METHODS)
def test_broken_and_identical_images_are_no_problem(tmp_path, method):
    for i in range(3):
        (tmp_path / f"broken{i}.jpg").write_text("no picture")
    assert fd.Dataset(tmp_path, cache=None).sample(2, method).table.empty
    for i in range(5):
        Image.new("RGB", (40, 40), "red").save(tmp_path / f"red{i}.png")
    ds = fd.Dataset(tmp_path, cache=None, labels=["a"] * 8)
    assert len(ds.sample(3, method).table) == 1
    found = ds.sample(3, method, deduplicate=False)
    assert len(found.table) == 3
    assert "3 of 5 images chosen" in repr(found)
    assert found._repr_html_()


def test_an_empty_sample_has_the_types_of_a_full_one(few):
    full, empty = (fd.Dataset(source, cache=None).sample(3) for source in (few, []))
    for a, b in ((full.table, empty.table), (full.curve, empty.curve)):
        pd.testing.assert_series_equal(a.dtypes, b.dtypes)
        assert (a.index.name, a.index.dtype) == (b.index.name, b.index.dtype)


def test_what_has_no_groups_is_told_in_a_sentence(few):
    ds = fd.Dataset(few, cache=None)
    assert "No image has a label" in repr(ds.sample(3, "stratified"))
    assert "There is no cluster" in repr(ds.where(ds.image_ids[:3]).sample(2, "diverse per cluster"))


def test_the_counts_a_reader_would_ask_for_are_told(dataset):
    readable = dataset.images.index[~dataset.images["is_broken"]].tolist()
    found = dataset.sample(20, drop_issues=True, drop_outliers=True, exclude=readable[:3])
    text = repr(found)
    for words in ("duplicates", "with a quality issue", "outlier", "3 excluded", "broken", "63 %", "By label:"):
        assert words in text
    assert sum(found.n_left_out.values()) + found.n_candidates == found.n_images
    assert "twice the least" in repr(dataset.sample(5, "coverage").__repr__())


def test_the_curve_is_drawn_without_style_sheet_or_script_and_told_as_text(dataset):
    found = dataset.sample(20)
    page = found._repr_html_()
    drawing = page[page.index("<svg") : page.index("</svg>")]
    assert drawing.count("<polyline") == 3
    assert "currentColor" in drawing
    assert "style=" not in drawing
    assert "class=" not in drawing
    assert "<script" not in page
    for column, name in (("mean_similarity", "mean"), ("random_similarity", "mean at random")):
        first, last = (format_similarity(found.curve[column].iloc[at]) for at in (0, -1))
        assert re.search(rf"  {name} +[▁▂▃▄▅▆▇█]+  {first} with 1, {last} with 20", repr(found))
    assert "▁" in repr(found)


# --- wrong parameters


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"n": 0}, ParameterError, "'n' parameter of Dataset.sample must be an int of at least 1, or a share"),
        ({"n": 1.5}, ParameterError, "share as a float in"),
        ({"n": float("nan")}, ParameterError, "Got nan"),
        ({"n": True}, ParameterTypeError, "Got True"),
        ({}, ParameterTypeError, "only where quotas are given. Got None"),
        ({"n": 3, "method": "best"}, ParameterError, "one of 'representative', 'coverage'"),
        ({"n": 3, "quotas": ["a"]}, ParameterTypeError, "mapping of label to int.*Got list"),
        ({"n": 3, "quotas": {"z": 1}}, ParameterError, "Got 'z'; the labels are 'a', 'b'"),
        ({"n": 3, "quotas": {"a": 1, " a": 2}}, ParameterError, "each label once.*Got 'a' twice"),
        ({"n": 3, "quotas": {"a": -1}}, ParameterError, "at least 0"),
        ({"n": 3, "quotas": {"a": 2.5}}, ParameterTypeError, "Got 2.5"),
        ({"n": 1, "quotas": {"a": 2}}, ParameterError, "add up to at most the 1 images"),
        ({"n": 3, "drop_issues": "dork"}, ParameterError, "'dark'.*Got 'dork'"),
        ({"n": 3, "drop_issues": 5}, ParameterTypeError, "Got 5"),
        ({"n": 3, "drop_outliers": 0.9}, ParameterError, r"float in \(0, 0.5\]"),
        ({"n": 3, "drop_outliers": "yes"}, ParameterTypeError, "Got 'yes'"),
        ({"n": 3, "deduplicate": 1}, ParameterTypeError, "bool"),
        ({"n": 3, "min_similarity": 5}, ParameterError, "parameter of Dataset.sample must be a float in"),
        ({"n": 3, "random_state": -1}, ParameterError, "random_state"),
        ({"n": 3, "include": "nobody.jpg"}, UnknownImageError, "nobody.jpg"),
        ({"n": 3, "exclude": 5}, ParameterTypeError, "'exclude' parameter of Dataset.sample"),
        ({"n": 3, "include": "cat.jpg", "exclude": "cat.jpg"}, ParameterError, "Got 'cat.jpg' in both"),
        ({"n": 1, "include": ["cat.jpg", "grass.jpg"]}, ParameterError, "at most the 1 images wanted. Got 2"),
    ],
)
def test_what_is_wrong_is_said_before_any_image_is_read(few, reads, how, error, says):
    ds = fd.Dataset(few, labels=list("aabbab"), cache=None)
    with pytest.raises(error, match=says):
        ds.sample(**how)
    assert reads == []


def test_included_images_must_be_readable_unlike_and_within_their_quota(few):
    (few / "broken.jpg").write_text("no picture")
    (few / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = fd.Dataset(few, labels=["a"] * 8, cache=None)
    with pytest.raises(ParameterError, match=r"'broken.jpg' is broken"):
        ds.sample(3, include="broken.jpg")
    with pytest.raises(ParameterError, match=r"two duplicates. Got 'cat.jpg' and 'cat2.jpg'"):
        ds.sample(3, include=["cat.jpg", "cat2.jpg"])
    assert len(ds.sample(3, include=["cat.jpg", "cat2.jpg"], deduplicate=False).table) == 3
    with pytest.raises(ParameterError, match=r"fit the quotas. Got 2 images of label 'a', of which 1 are wanted"):
        ds.sample(3, include=["cat.jpg", "grass.jpg"], quotas={"a": 1})


def test_names_in_labels_and_files_are_escaped(few):
    (few / "<b>cat.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = fd.Dataset(few, labels=["<script>alert(1)</script>"] * 7, cache=None)
    found = ds.sample(4, include="<b>cat.jpg")
    assert "<script>" not in found._repr_html_()
    assert "<b>cat" not in found._repr_html_()


@pytest.mark.parametrize(
    "given",
    [
        lambda ds: ds.images.head(2),
        lambda ds: pd.Series([True, True, False, False, False, False], index=ds.image_ids),
        lambda ds: np.array(ds.image_ids[:2]),
        lambda ds: pd.Index(ds.image_ids[:2]),
    ],
    ids=["frame", "booleans", "array", "index"],
)
def test_images_that_must_be_in_or_out_may_be_told_by_a_table(few, given):
    ds = fd.Dataset(few, cache=None)
    assert ds.sample(4, include=given(ds)).table.index[:2].tolist() == list(ds.image_ids[:2])
    assert not set(ds.sample(6, exclude=given(ds)).table.index) & set(ds.image_ids[:2])


def test_any_number_may_be_wanted(few):
    ds = fd.Dataset(few, labels=list("aabbab"), cache=None)
    assert len(ds.sample(10**30).table) == 6
    assert len(ds.sample(quotas={"a": 10**30}).table) == 3
    assert ds.sample(quotas=ds.images["label"].value_counts() - 1).table["label"].value_counts().to_dict() == {
        "a": 2, "b": 2,
    }  # fmt: skip
