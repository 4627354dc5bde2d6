"""Clusters: what belongs together gets one label, and each cluster is described truthfully."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors

from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings import _communities, clusters
from fastdup_nb.findings.clusters import default_min_cluster_size, find_clusters, label_clusters


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def neighbors_of(vectors, n_neighbors=15):
    k = min(n_neighbors, len(vectors) - 1)
    distances, indices = NearestNeighbors(n_neighbors=k, metric="cosine").fit(vectors).kneighbors()
    return indices.astype(np.int32), np.maximum(distances, 0).astype(np.float32)


def blobs(sizes, spread=0.15, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return unit(np.eye(32)[truth] + rng.normal(size=(len(truth), 32)) * spread), truth


def pan(n_frames, start):
    """Frames of one slow shot: each is like the next, the first is unlike the last."""
    angle = np.linspace(0, np.pi / 2, n_frames)
    vectors = np.zeros((n_frames, 12), np.float32)
    vectors[:, start], vectors[:, start + 1] = np.cos(angle), np.sin(angle)
    return vectors


@pytest.mark.parametrize("sizes", [[60, 40, 20], [200, 30, 30, 30], [300, 100], [25, 25]])
def test_blobs_are_recovered(sizes):
    vectors, truth = blobs(sizes)
    labels = label_clusters(vectors, *neighbors_of(vectors))
    assert adjusted_rand_score(truth, labels) == 1


def test_digits_are_mostly_told_apart():
    digits = load_digits()
    vectors = unit(digits.data)
    labels = label_clusters(vectors, *neighbors_of(vectors))
    assert normalized_mutual_info_score(digits.target, labels) > 0.8
    assert (labels == -1).mean() < 0.1


def test_labels_are_numbered_by_size():
    vectors, _ = blobs([20, 80, 40])
    labels = label_clusters(vectors, *neighbors_of(vectors))
    assert np.bincount(labels).tolist() == [80, 40, 20]
    assert labels[20] == 0


def test_a_slow_shot_is_one_cluster():
    vectors = np.vstack([pan(120, 0), pan(60, 2), pan(20, 4)])
    labels = label_clusters(vectors, *neighbors_of(vectors))
    assert labels.tolist() == [0] * 120 + [1] * 60 + [2] * 20


def test_near_copies_join_the_cluster_of_their_original():
    vectors, truth = blobs([60, 40])
    rng = np.random.default_rng(5)
    copies = unit(np.repeat(vectors[[0, 70]], 5, axis=0) + rng.normal(size=(10, 32)) * 0.002)
    both = np.vstack([vectors, copies])
    labels = label_clusters(both, *neighbors_of(both))
    assert adjusted_rand_score(np.append(truth, [0] * 5 + [1] * 5), labels) == 1


def test_all_identical_pictures_are_one_cluster():
    vectors = np.tile(unit(np.ones((1, 8))), (40, 1))
    assert label_clusters(vectors, *neighbors_of(vectors)).tolist() == [0] * 40


def test_the_same_seed_gives_the_same_labels():
    vectors = unit(load_digits().data[:600])
    graph = neighbors_of(vectors)
    first, again = (label_clusters(vectors, *graph, random_state=7) for _ in range(2))
    assert np.array_equal(first, again)


def test_shuffled_rows_give_the_same_partition():
    vectors, _ = blobs([60, 40, 20])
    order = np.random.default_rng(2).permutation(len(vectors))
    labels = label_clusters(vectors, *neighbors_of(vectors))
    assert np.array_equal(label_clusters(vectors[order], *neighbors_of(vectors[order])), labels[order])


def test_plain_and_compiled_loops_give_the_same_labels(monkeypatch):
    vectors = unit(load_digits().data[:300])
    graph = neighbors_of(vectors)
    monkeypatch.setattr(_communities, "_PLAIN_RUNS_WITHIN", _communities._RUNS_WITHIN)
    monkeypatch.setattr(_communities, "_COMPILE_FROM", 0)
    compiled = label_clusters(vectors, *graph)
    monkeypatch.setattr(_communities, "_COMPILE_FROM", 10**9)
    assert np.array_equal(label_clusters(vectors, *graph), compiled)


def test_a_larger_resolution_gives_more_clusters():
    vectors = unit(load_digits().data)
    graph = neighbors_of(vectors)
    few, many = (label_clusters(vectors, *graph, resolution=r).max() for r in (0.2, 5.0))
    assert many > few


def test_small_groups_are_noise():
    vectors, _ = blobs([40, 30, 12])
    graph = neighbors_of(vectors, n_neighbors=11)
    assert (label_clusters(vectors, *graph, min_cluster_size=12) == -1).sum() == 0
    assert (label_clusters(vectors, *graph, min_cluster_size=13) == -1).nonzero()[0].tolist() == list(range(70, 82))


def test_a_picture_linked_to_two_clusters_alike_is_noise():
    vectors, truth = blobs([60, 60])
    between = unit(np.eye(32)[:1] + np.eye(32)[1:2])
    indices, distances = neighbors_of(np.vstack([vectors, between]), n_neighbors=12)
    third = np.arange(4)
    indices[120] = np.concatenate([third, 60 + third, third + 30, third + 90])[:12]
    distances[120] = 0.3
    labels = label_clusters(np.vstack([vectors, between]), indices, distances)
    assert adjusted_rand_score(truth, labels[:120]) == 1


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_fewer_pictures_than_a_cluster_needs_are_all_noise(n):
    vectors = unit(np.ones((n, 4))) if n else np.empty((0, 4), np.float32)
    graph = neighbors_of(vectors) if n > 1 else (np.full((n, 2), -1, np.int32), np.full((n, 2), np.inf, np.float32))
    assert label_clusters(vectors, *graph).tolist() == [-1] * n


def test_pictures_without_neighbors_are_noise():
    vectors, _ = blobs([30, 30])
    indices, distances = neighbors_of(vectors)
    indices, distances = np.where(indices == 3, -1, indices), np.where(indices == 3, np.inf, distances)
    indices[3], distances[3] = -1, np.inf
    order = np.argsort(distances, axis=1, kind="stable")
    labels = label_clusters(vectors, np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1))
    assert (labels == -1).nonzero()[0].tolist() == [3]


def test_a_graph_with_no_links_is_all_noise():
    vectors, _ = blobs([10, 10])
    indices, distances = np.full((20, 3), -1, np.int32), np.full((20, 3), np.inf, np.float32)
    assert label_clusters(vectors, indices, distances).tolist() == [-1] * 20


@pytest.mark.parametrize(("n", "size"), [(0, 5), (100, 5), (1_000, 10), (1_000_000, 100)])
def test_the_default_size_of_a_cluster_grows_slowly(n, size):
    assert default_min_cluster_size(n) == size


def test_a_chain_through_a_dense_collection_does_not_bind_it_together():
    vectors = unit(load_digits().data)
    runs = clusters._bind_runs(vectors, *neighbors_of(vectors))
    assert np.bincount(runs).max() < 0.2 * len(vectors)


@pytest.mark.parametrize(("name", "value"), [("min_cluster_size", 1), ("resolution", -1), ("random_state", -1)])
def test_an_option_out_of_range_is_an_error(name, value):
    vectors, _ = blobs([10, 10])
    with pytest.raises(ParameterError, match=name):
        label_clusters(vectors, *neighbors_of(vectors), **{name: value})


def test_a_size_that_is_no_integer_is_an_error():
    vectors, _ = blobs([10, 10])
    with pytest.raises(ParameterTypeError, match="min_cluster_size"):
        label_clusters(vectors, *neighbors_of(vectors), min_cluster_size=0.5)


def described(n_examples=8, given_labels=None):
    vectors, truth = blobs([12, 6], seed=3)
    labels = np.append(truth, [-1, -1])
    vectors = np.vstack([vectors, -vectors[:2]])
    ids = [f"{i}.jpg" for i in range(20)]
    members, clusters = find_clusters(ids, vectors, labels, n_examples=n_examples, given_labels=given_labels)
    return vectors, labels, members, clusters


def test_each_picture_is_listed_with_its_cluster():
    _, labels, members, _ = described()
    assert members.index.tolist() == [f"{i}.jpg" for i in range(20)]
    assert members["cluster"].tolist() == labels.tolist()
    assert members["similarity_to_medoid"].isna().tolist() == (labels == -1).tolist()


def test_clusters_are_listed_without_noise_and_with_their_share_of_all():
    _, _, _, clusters = described()
    assert clusters.index.tolist() == [0, 1]
    assert clusters["size"].tolist() == [12, 6]
    assert clusters["share"].tolist() == [0.6, 0.3]


def test_the_mean_similarity_is_that_of_all_pairs():
    vectors, labels, _, clusters = described()
    for cluster in (0, 1):
        inner = vectors[labels == cluster]
        pairs = (inner @ inner.T)[np.triu_indices(len(inner), 1)]
        assert clusters.loc[cluster, "mean_similarity"] == pytest.approx(pairs.mean(), abs=1e-6)


def test_the_medoid_is_most_similar_to_all_others():
    vectors, labels, members, clusters = described()
    inner = vectors[labels == 0]
    medoid = int((inner @ inner.T).sum(axis=1).argmax())
    assert clusters.loc[0, "medoid"] == f"{medoid}.jpg"
    assert members["similarity_to_medoid"].to_numpy()[:12] == pytest.approx(inner @ inner[medoid], abs=1e-6)


def test_examples_go_from_the_medoid_to_the_farthest_member():
    _, _, members, clusters = described(n_examples=4)
    examples = clusters.loc[0, "examples"]
    similarity = members.loc[examples, "similarity_to_medoid"]
    assert len(examples) == len(set(examples)) == 4
    assert examples[0] == clusters.loc[0, "medoid"]
    assert similarity.is_monotonic_decreasing
    assert similarity.iloc[-1] == members.loc[members["cluster"] == 0, "similarity_to_medoid"].min()


def test_a_small_cluster_shows_all_its_members():
    _, _, members, clusters = described(n_examples=50)
    assert sorted(clusters.loc[1, "examples"]) == sorted(members.index[members["cluster"] == 1])


def test_given_labels_are_told_in_shares_and_missing_ones_passed_over():
    given = ["cat"] * 6 + ["dog"] * 3 + [None] * 3 + [np.nan] * 6 + ["dog"] * 2
    _, _, _, clusters = described(given_labels=given)
    assert clusters.loc[0, "label_mix"] == "cat 67 %, dog 33 %"
    assert clusters.loc[0, "top_label"] == "cat"
    assert clusters.loc[0, "top_label_share"] == pytest.approx(2 / 3)
    assert np.isnan(clusters.loc[1, "top_label_share"])


def test_a_mix_of_many_labels_names_three_and_counts_the_rest():
    given = list("aaaabbbccdef") + [None] * 8
    _, _, _, clusters = described(given_labels=given)
    assert clusters.loc[0, "label_mix"] == "a 33 %, b 25 %, c 17 %, 3 more"


def test_without_given_labels_there_are_no_label_columns():
    _, _, _, clusters = described()
    assert clusters.columns.tolist() == ["size", "share", "medoid", "examples", "mean_similarity"]


@pytest.mark.parametrize("given_labels", [None, ["x"] * 3])
def test_only_noise_gives_an_empty_table_with_the_same_columns(given_labels):
    vectors = unit(np.eye(3))
    members, clusters = find_clusters(list("abc"), vectors, np.full(3, -1), given_labels=given_labels)
    assert members["cluster"].tolist() == [-1, -1, -1]
    assert len(clusters) == 0
    assert clusters.columns[:5].tolist() == ["size", "share", "medoid", "examples", "mean_similarity"]
    assert ("label_mix" in clusters) == (given_labels is not None)


@pytest.mark.parametrize("given_labels", [None, ["x"] * 3])
def test_an_empty_table_has_the_types_of_a_full_one(given_labels):
    vectors = np.ones((3, 2), np.float32) / np.sqrt(2, dtype=np.float32)
    none = find_clusters(list("abc"), vectors, np.full(3, -1), given_labels=given_labels)
    full = find_clusters(list("abc"), vectors, np.zeros(3, np.int64), given_labels=given_labels)
    for empty_table, full_table in zip(none, full, strict=True):
        pd.testing.assert_series_equal(empty_table.dtypes, full_table.dtypes)


def test_clusters_without_any_label_have_the_columns_for_it():
    unlabeled = find_clusters(list("ab"), np.ones((2, 1), np.float32), np.zeros(2), given_labels=[None, np.nan])[1]
    assert unlabeled.loc[0, ["label_mix", "top_label", "top_label_share"]].isna().all()


def test_no_pictures_give_empty_tables():
    members, clusters = find_clusters([], np.empty((0, 4), np.float32), np.empty(0, np.int64))
    assert len(members) == len(clusters) == 0


def test_labels_of_another_length_are_an_error():
    with pytest.raises(ParameterError, match="labels"):
        find_clusters(list("abc"), unit(np.eye(3)), np.zeros(2, np.int64))
