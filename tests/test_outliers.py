"""Outliers: what stands out is found, what does not is left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings.outliers import find_outliers, flag_outliers, score_outliers


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def neighbors_of(vectors, n_neighbors=15):
    k = min(n_neighbors, len(vectors) - 1)
    distances, indices = NearestNeighbors(n_neighbors=k, metric="cosine").fit(vectors).kneighbors()
    return indices.astype(np.int32), np.maximum(distances, 0).astype(np.float32)


def ordinary_pictures(n=400, seed=0):
    """Pictures of handwritten digits."""
    digits = load_digits().data
    return unit(digits[np.random.default_rng(seed).choice(len(digits), n, replace=False)])


def strange_pictures(n_each, seed=1):
    """Four pictures with one lit corner, each with so many near-identical ones."""
    rng = np.random.default_rng(seed)
    return unit(np.repeat(np.eye(64)[[0, 7, 56, 63]], n_each, axis=0) + rng.random(size=(4 * n_each, 64)) * 0.01)


@pytest.mark.parametrize("seed", range(5))
def test_none_stand_out_in_a_clean_set(seed):
    is_outlier, bound = flag_outliers(score_outliers(*neighbors_of(ordinary_pictures(seed=seed))))
    assert is_outlier.sum() == 0
    assert np.isfinite(bound)


def test_planted_outliers_are_flagged_and_nothing_else():
    vectors = np.vstack([ordinary_pictures(), strange_pictures(1)])
    is_outlier, _ = flag_outliers(score_outliers(*neighbors_of(vectors)))
    assert is_outlier.nonzero()[0].tolist() == [400, 401, 402, 403]


@pytest.mark.parametrize("n_each", [2, 3])
def test_near_twins_of_an_outlier_do_not_hide_it(n_each):
    vectors = np.vstack([ordinary_pictures(), strange_pictures(n_each)])
    is_outlier, _ = flag_outliers(score_outliers(*neighbors_of(vectors)))
    assert is_outlier.nonzero()[0].tolist() == list(range(400, 400 + 4 * n_each))


def test_a_score_of_one_is_ordinary_and_two_is_twice_as_far():
    indices = np.array([[1, 2], [0, 2], [0, 1], [0, 1]], dtype=np.int32)
    distances = np.array([[0.2, 0.2], [0.2, 0.2], [0.2, 0.2], [0.4, 0.4]], dtype=np.float32)
    assert score_outliers(indices, distances) == pytest.approx([1, 1, 1, 2], abs=0.01)


def test_scores_stay_with_their_pictures_when_rows_are_shuffled():
    vectors = np.vstack([ordinary_pictures(), strange_pictures(1)])
    order = np.random.default_rng(3).permutation(len(vectors))
    assert score_outliers(*neighbors_of(vectors[order])) == pytest.approx(
        score_outliers(*neighbors_of(vectors))[order], rel=1e-3
    )


@pytest.mark.parametrize(("share", "n_flagged"), [(0.01, 4), (0.1, 40), (0.5, 200), (0.001, 0)])
def test_a_share_flags_exactly_so_many(share, n_flagged):
    scores = score_outliers(*neighbors_of(ordinary_pictures()))
    is_outlier, bound = flag_outliers(scores, contamination=share)
    assert is_outlier.sum() == n_flagged
    assert (scores[is_outlier] > bound).all()
    assert (scores[~is_outlier] <= bound).all()


def test_of_equal_scores_the_earlier_rows_make_up_the_share():
    is_outlier, _ = flag_outliers(np.ones(10), contamination=0.3)
    assert is_outlier.nonzero()[0].tolist() == [0, 1, 2]


def test_auto_flags_are_exactly_the_scores_above_the_bound():
    scores = score_outliers(*neighbors_of(np.vstack([ordinary_pictures(), strange_pictures(1)])))
    is_outlier, bound = flag_outliers(scores)
    assert np.array_equal(is_outlier, scores > bound)


def test_a_longer_ordinary_tail_raises_the_bound():
    narrow = np.exp(np.random.default_rng(0).normal(scale=0.1, size=500))
    assert flag_outliers(narrow**2)[1] > flag_outliers(narrow)[1]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_handful_of_pictures_has_finite_scores_and_none_stands_out(n):
    vectors = ordinary_pictures(n)
    indices, distances = neighbors_of(vectors) if n > 1 else (np.full((n, 3), -1), np.full((n, 3), np.inf))
    found = find_outliers([str(i) for i in range(n)], indices, distances)
    assert len(found) == n
    assert np.isfinite(found["outlier_score"]).all()
    assert not found["is_outlier"].any()


def test_a_lone_picture_is_ordinary_and_has_no_nearest():
    found = find_outliers(["only.jpg"], np.array([[-1]]), np.array([[np.inf]], dtype=np.float32))
    row = found.loc["only.jpg"]
    assert row["outlier_score"] == 1
    assert pd.isna(row["nearest_id"])
    assert np.isnan(row["nearest_similarity"])


def test_a_graph_without_columns_is_no_error():
    found = find_outliers(["a", "b"], np.empty((2, 0), np.int32), np.empty((2, 0), np.float32))
    assert found["outlier_score"].tolist() == [1, 1]


def test_missing_neighbors_leave_the_score_to_those_that_are_known():
    indices = np.array([[1, 2, -1], [0, 2, -1], [0, 1, -1], [0, -1, -1]], dtype=np.int32)
    distances = np.where(indices >= 0, 0.2, np.inf).astype(np.float32)
    distances[3, 0] = 0.6
    assert score_outliers(indices, distances) == pytest.approx([1, 1, 1, 3], abs=0.01)


def test_a_picture_without_neighbors_is_as_strange_as_the_strangest():
    indices = np.array([[1], [0], [0], [-1]], dtype=np.int32)
    distances = np.array([[0.1], [0.1], [0.5], [np.inf]], dtype=np.float32)
    scores = score_outliers(indices, distances)
    assert scores[3] == scores[2] == scores.max()


@pytest.mark.parametrize("distance", [0.0, 0.3])
def test_where_all_are_equally_far_none_stands_out(distance):
    indices = (np.arange(50)[:, None] + np.arange(1, 6)) % 50
    scores = score_outliers(indices.astype(np.int32), np.full((50, 5), distance, np.float32))
    assert scores == pytest.approx(np.ones(50))
    assert not flag_outliers(scores)[0].any()


def test_the_table_lists_the_strangest_first_with_its_nearest_picture():
    vectors = np.vstack([ordinary_pictures(50), strange_pictures(1)[:1]])
    indices, distances = neighbors_of(vectors)
    found = find_outliers([f"{i:02}.jpg" for i in range(51)], indices, distances)
    assert found.index.name == "image_id"
    assert found.columns.tolist() == ["outlier_score", "is_outlier", "nearest_id", "nearest_similarity"]
    assert found.index[0] == "50.jpg"
    assert found["outlier_score"].is_monotonic_decreasing
    assert found["is_outlier"].dtype == bool
    assert found.loc["50.jpg", "nearest_id"] == f"{indices[50, 0]:02}.jpg"
    assert found.loc["50.jpg", "nearest_similarity"] == pytest.approx(vectors[50] @ vectors[indices[50, 0]], abs=1e-5)


def test_the_same_graph_gives_the_same_table():
    graph = neighbors_of(ordinary_pictures(60))
    ids = [str(i) for i in range(60)]
    pd.testing.assert_frame_equal(find_outliers(ids, *graph), find_outliers(ids, *graph))


def test_ids_have_one_type_whether_there_are_neighbors_or_not():
    none = find_outliers(["a", "b"], np.full((2, 1), -1), np.full((2, 1), np.inf))
    empty = find_outliers([], np.empty((0, 1), np.int32), np.empty((0, 1)))
    some = find_outliers(["a", "b"], np.array([[1], [0]]), np.full((2, 1), 0.5))
    for found in (none, empty):
        pd.testing.assert_series_equal(found.dtypes, some.dtypes)
        assert found.index.dtype == some.index.dtype == some["nearest_id"].dtype


@pytest.mark.parametrize("contamination", [0, 0.6, -0.1, "some", float("nan")])
def test_a_contamination_out_of_range_is_an_error(contamination):
    with pytest.raises(ParameterError, match="contamination"):
        flag_outliers(np.ones(30), contamination=contamination)


@pytest.mark.parametrize("contamination", [None, True, [0.1]])
def test_a_contamination_of_another_type_is_an_error(contamination):
    with pytest.raises(ParameterTypeError, match="contamination"):
        flag_outliers(np.ones(30), contamination=contamination)


def test_ids_of_another_length_than_the_graph_are_an_error():
    with pytest.raises(ParameterError, match="image_ids"):
        find_outliers(["a"], *neighbors_of(ordinary_pictures(5)))
