"""The graph against brute force, at its edges, carried over, and with its recall told truly."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.graph import NeighborGraph, build_graph, search, update_graph, uses_nn_descent
from fastdup_nb.graph import _exact as exact_module
from fastdup_nb.graph._cost import choose_method
from fastdup_nb.graph._nndescent import estimate_recall


def clustered(n_samples, n_features=32, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(max(1, n_samples // 60), n_features))
    labels = rng.integers(len(centers), size=n_samples)
    directions = rng.normal(size=(len(centers), 6, n_features))
    along = np.einsum("ij,ijk->ik", rng.normal(size=(n_samples, 6)) * 0.3, directions[labels])
    return (centers[labels] + along + 0.05 * rng.normal(size=(n_samples, n_features))).astype(np.float32)


def brute_force(vectors, n_neighbors):
    """Distances of the nearest others, by the definition, in float64; inf where there are too few."""
    lengths = np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    distances = 1 - unit @ unit.T
    np.fill_diagonal(distances, np.inf)
    padded = np.pad(distances, ((0, 0), (0, n_neighbors)), constant_values=np.inf)
    return np.sort(padded, axis=1)[:, :n_neighbors]


def assert_well_formed(graph, n_samples, n_neighbors):
    assert graph.indices.shape == graph.distances.shape == (n_samples, n_neighbors)
    assert graph.indices.dtype == np.int32
    assert graph.distances.dtype == np.float32
    assert np.array_equal(graph.indices < 0, np.isinf(graph.distances))
    assert not np.any(graph.indices == np.arange(n_samples)[:, None])
    assert np.all(graph.distances >= 0)
    assert np.all(graph.distances[:, 1:] >= graph.distances[:, :-1])
    assert all(len(set(row[row >= 0])) == np.count_nonzero(row >= 0) for row in graph.indices)


# --- exact search ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [0, 1, 2, 3, 15, 16, 17, 255, 257, 700])
def test_exact_distances_are_those_of_brute_force_at_every_size(n_samples):
    vectors = clustered(n_samples)
    graph = build_graph(vectors, n_neighbors=15, method="exact")
    assert_well_formed(graph, n_samples, 15)
    np.testing.assert_allclose(graph.distances, brute_force(vectors, 15), atol=3e-6)


def test_exact_neighbors_are_those_of_scikit_learn():
    vectors = clustered(900, seed=3)
    graph = build_graph(vectors, n_neighbors=7, method="exact")
    _, indices = NearestNeighbors(n_neighbors=8, metric="cosine", algorithm="brute").fit(vectors).kneighbors(vectors)
    assert np.array_equal(graph.indices, indices[:, 1:])


def test_tiles_smaller_than_the_data_change_nothing(monkeypatch):
    vectors = clustered(500, seed=4)
    whole = build_graph(vectors, n_neighbors=5, method="exact")
    monkeypatch.setattr(exact_module, "TILE_ROWS", 7)
    monkeypatch.setattr(exact_module, "TILE_COLUMNS", 83)
    tiled = build_graph(vectors, n_neighbors=5, method="exact", n_jobs=3)
    assert np.array_equal(tiled.indices, whole.indices)
    assert np.array_equal(tiled.distances, whole.distances)


def test_the_number_of_threads_does_not_change_an_exact_graph():
    vectors = clustered(1200, seed=5)
    one, three = (build_graph(vectors, method="exact", n_jobs=n_jobs) for n_jobs in (1, 3))
    assert np.array_equal(one.indices, three.indices)
    assert np.array_equal(one.distances, three.distances)


def test_copies_are_at_distance_zero_and_come_in_order_of_their_rows():
    graph = build_graph(np.full((300, 5), 0.3), n_neighbors=4)
    assert np.all(graph.distances == 0)
    assert graph.indices[0].tolist() == [1, 2, 3, 4]
    assert graph.indices[2].tolist() == [0, 1, 3, 4]
    assert graph.indices[299].tolist() == [0, 1, 2, 3]


def test_a_pair_has_the_same_distance_from_both_ends():
    vectors = clustered(300, seed=6)
    graph = build_graph(vectors, n_neighbors=299, method="exact")
    matrix = np.zeros((300, 300), dtype=np.float32)
    np.put_along_axis(matrix, graph.indices.astype(int), graph.distances, axis=1)
    assert np.array_equal(matrix, matrix.T)


def test_length_and_dtype_of_the_vectors_do_not_matter():
    vectors = clustered(200, seed=7)
    expected = build_graph(vectors, n_neighbors=5)
    scales = np.random.default_rng(0).uniform(0.01, 100, size=(200, 1))
    for scaled in (vectors * scales, (vectors * scales).astype(np.float32), vectors.astype(float) * 1e200):
        graph = build_graph(scaled, n_neighbors=5)
        assert np.array_equal(graph.indices, expected.indices)
        np.testing.assert_allclose(graph.distances, expected.distances, atol=3e-6)


def test_the_given_vectors_are_left_as_they_were():
    vectors = clustered(50)
    before = vectors.copy()
    build_graph(vectors)
    assert np.array_equal(vectors, before)


def test_rows_of_zeros_are_at_distance_one_from_all():
    vectors = clustered(40, seed=8)
    vectors[[3, 4]] = 0
    graph = build_graph(vectors, n_neighbors=39)
    assert np.all(graph.distances[[3, 4]] == 1)
    assert_well_formed(graph, 40, 39)


def test_opposite_vectors_are_at_distance_two():
    assert build_graph([[1, 0], [-3, 0]], n_neighbors=1).distances.tolist() == [[2], [2]]


def test_progress_rises_to_one():
    shares = []
    build_graph(clustered(1000), method="exact", progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


# --- NN-descent -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many():
    return clustered(3000, 64, seed=1)


@pytest.fixture(scope="module")
def descended(many):
    return build_graph(many, n_neighbors=10, method="nn-descent", random_state=4, n_jobs=2)


def test_nn_descent_finds_at_least_95_percent_and_tells_so_truly(many, descended):
    assert_well_formed(descended, 3000, 10)
    true = brute_force(many, 10)
    found = np.mean(descended.distances <= true[:, -1:] + 2e-6)
    assert found >= 0.95
    assert descended.method == "nn-descent"
    assert descended.recall_sample == 1000
    assert descended.recall == pytest.approx(found, abs=0.02)


def test_nn_descent_gives_the_same_graph_for_the_same_seed(many, descended):
    again = build_graph(many, n_neighbors=10, method="nn-descent", random_state=4, n_jobs=2)
    assert np.array_equal(again.indices, descended.indices)
    assert np.array_equal(again.distances, descended.distances)


def test_nn_descent_leaves_the_random_numbers_and_threads_of_others_alone(many):
    threads = numba.get_num_threads()
    np.random.seed(3)  # noqa: NPY002 - the global generator is what is looked at
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    build_graph(many, method="nn-descent", n_jobs=1)
    assert np.random.random() == expected  # noqa: NPY002
    assert numba.get_num_threads() == threads


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_nn_descent_gives_full_rows_however_many_copies_there_are(share):
    vectors = clustered(2000, seed=2)
    vectors[: int(share * 2000)] = vectors[0]
    graph = build_graph(vectors, n_neighbors=8, method="nn-descent")
    assert_well_formed(graph, 2000, 8)
    assert np.all(graph.indices >= 0)
    assert np.all(graph.distances[: int(share * 2000)] == 0)


def test_rows_that_nn_descent_cannot_rank_are_searched_exactly():
    vectors = np.concatenate([clustered(1000, 16, seed=9), np.zeros((30, 16), dtype=np.float32)])
    graph = build_graph(vectors, n_neighbors=6, method="nn-descent")
    assert_well_formed(graph, 1030, 6)
    assert np.all(graph.distances[1000:] == 1)


def test_too_few_vectors_for_nn_descent_are_searched_exactly():
    graph = build_graph(clustered(20), n_neighbors=30, method="nn-descent")
    assert graph.method == "exact"
    np.testing.assert_allclose(graph.distances, brute_force(clustered(20), 30), atol=3e-6)


def test_the_estimated_recall_falls_when_neighbors_are_missing(many):
    exact = build_graph(many, n_neighbors=10, method="exact")
    spoiled = exact.distances.copy()
    spoiled[:, 5:] = 2
    unit = many / np.linalg.norm(many, axis=1, keepdims=True)
    assert estimate_recall(unit, exact.distances, random_state=0, n_jobs=1) == (1.0, 1000)
    assert estimate_recall(unit, spoiled, random_state=0, n_jobs=1) == (0.5, 1000)


# --- choosing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_features", [256, 512, 1280])
def test_a_few_thousand_vectors_never_wait_for_the_compiler(n_features):
    assert not uses_nn_descent(5000, n_features)
    assert choose_method(5000, n_features, n_neighbors=15, n_jobs=1, is_warm=False) == "exact"


@pytest.mark.parametrize("n_jobs", [1, 4, 64])
def test_what_was_warmed_up_for_is_used(n_jobs):
    for n_samples in np.geomspace(300, 1_000_000, 40).astype(int).tolist():
        chosen = choose_method(n_samples, 512, n_neighbors=15, n_jobs=n_jobs, is_warm=uses_nn_descent(n_samples, 512))
        if uses_nn_descent(n_samples, 512):
            assert chosen == "nn-descent"


def test_a_million_vectors_use_nn_descent_unless_told_otherwise():
    assert uses_nn_descent(1_000_000, 256)
    assert not uses_nn_descent(1_000_000, 256, method="exact")


def test_importing_the_graph_loads_no_compiler():
    code = "import sys, fastdup_nb.graph; print({'numba', 'pynndescent', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_process_may_end_while_the_compiler_runs():
    code = "import time; from fastdup_nb.graph import warm_up; warm_up(); warm_up(); time.sleep(2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- searching for queries ------------------------------------------------------------------------------------------


def test_a_query_finds_itself_first():
    vectors = clustered(500, seed=10)
    indices, distances = search(vectors, vectors[40:60] * 3, n_neighbors=3)
    assert indices[:, 0].tolist() == list(range(40, 60))
    assert np.all(distances[:, 0] == 0)
    np.testing.assert_allclose(distances[:, 1:], brute_force(vectors, 2)[40:60], atol=3e-6)


def test_a_search_among_too_few_is_padded():
    indices, distances = search(np.eye(2), np.eye(2)[:1], n_neighbors=4)
    assert indices.tolist() == [[0, 1, -1, -1]]
    assert distances.tolist() == [[0, 1, np.inf, np.inf]]
    assert search(np.empty((0, 2)), np.eye(2), n_neighbors=1)[0].tolist() == [[-1], [-1]]
    assert search(np.eye(2), np.empty((0, 2)), n_neighbors=1)[0].shape == (0, 1)


# --- carrying a graph over ------------------------------------------------------------------------------------------


@st.composite
def changes(draw):
    """Two states of a small collection full of ties, and which rows of the second were in the first."""
    n_before, n_after = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    n_kept = draw(st.integers(0, min(n_before, n_after)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_features = draw(st.integers(1, 4))
    before = rng.integers(-2, 3, size=(n_before, n_features)).astype(np.float32)
    after = rng.integers(-2, 3, size=(n_after, n_features)).astype(np.float32)
    kept = np.full(n_after, -1)
    kept[rng.permutation(n_after)[:n_kept]] = rng.permutation(n_before)[:n_kept]
    after[kept >= 0] = before[kept[kept >= 0]]
    return before, after, kept, draw(st.integers(1, 6))


@given(changes())
@settings(max_examples=150, deadline=None)
def test_a_graph_carried_over_is_as_near_as_one_built_anew(change):
    before, after, kept, n_neighbors = change
    graph = update_graph(build_graph(before, n_neighbors=n_neighbors), after, kept=kept)
    assert_well_formed(graph, len(after), n_neighbors)
    assert graph.recall == 1.0
    np.testing.assert_allclose(graph.distances, brute_force(after, n_neighbors), atol=3e-6)


def test_without_ties_the_graph_carried_over_is_the_same_graph():
    vectors = clustered(800, seed=11)
    graph = build_graph(vectors[:780], method="exact")
    order = np.random.default_rng(0).permutation(800)[:795]
    kept = np.where(order < 780, order, -1)
    carried, anew = update_graph(graph, vectors[order], kept=kept), build_graph(vectors[order], method="exact")
    assert np.array_equal(carried.indices, anew.indices)
    assert np.array_equal(carried.distances, anew.distances)


def test_rows_that_did_not_change_are_not_searched_again(monkeypatch):
    vectors = clustered(2000, seed=12)
    graph = build_graph(vectors[:1990], method="exact")
    pairs = []
    original = exact_module.search_exact

    def counting(base, queries, **options):
        pairs.append(len(base) * len(queries))
        return original(base, queries, **options)

    monkeypatch.setattr("fastdup_nb.graph._update.search_exact", counting)
    update_graph(graph, vectors, kept=np.r_[np.arange(1990), np.full(10, -1)])
    assert sum(pairs) == 10 * 2000 + 1990 * 10


def test_a_collection_that_changed_altogether_is_built_anew(monkeypatch):
    built = []
    original = build_graph
    monkeypatch.setattr(
        "fastdup_nb.graph._update.build_graph", lambda *args, **options: built.append(1) or original(*args, **options)
    )
    graph = original(clustered(400, seed=13))
    update_graph(graph, clustered(400, seed=14), kept=np.full(400, -1))
    assert built == [1]


def test_a_graph_carried_over_from_nn_descent_tells_its_recall_anew(many, descended):
    more = np.concatenate([many, clustered(20, 64, seed=15)])
    graph = update_graph(descended, more, kept=np.r_[np.arange(3000), np.full(20, -1)])
    assert graph.method == "nn-descent"
    assert graph.recall_sample == 1000
    assert graph.recall == pytest.approx(np.mean(graph.distances <= brute_force(more, 10)[:, -1:] + 2e-6), abs=0.02)


@pytest.mark.parametrize(
    ("kept", "error", "words"),
    [
        ([0, 1], ParameterError, r"3 different rows in \[0, 3\), or -1. Got shape \(2,\)"),
        ([0, 1, 3], ParameterError, "values from 0 to 3"),
        ([0, 1, -2], ParameterError, "values from -2 to 1"),
        ([0, 1, 1], ParameterError, "Got a row twice"),
        ([0.0, 1.0, 2.0], ParameterTypeError, "Got dtype float64"),
    ],
)
def test_rows_that_do_not_fit_the_graph_are_refused(kept, error, words):
    graph = build_graph(np.eye(3), n_neighbors=1)
    with pytest.raises(error, match=words):
        update_graph(graph, np.eye(3), kept=kept)


# --- errors and how it looks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vectors", "error", "words"),
    [
        (np.ones(3), ParameterError, r"of shape \(n_samples, n_features\). Got shape \(3,\)"),
        (np.array([["a"]]), ParameterTypeError, "Got dtype <U1"),
        (
            np.array([[1.0, 2.0], [np.nan, 1.0]]),
            ParameterError,
            "NaN or infinity in 1 of 2 rows, the first of them row 1",
        ),
        (np.array([[np.inf, 2.0], [0.0, -np.inf]]), ParameterError, "in 2 of 2 rows"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(vectors, error, words):
    with pytest.raises(error, match=words):
        build_graph(vectors)


@pytest.mark.parametrize(
    "options",
    [{"n_neighbors": 0}, {"method": "hnsw"}, {"n_jobs": 0}, {"random_state": -1}],
    ids=lambda options: next(iter(options)),
)
def test_options_out_of_range_are_refused_by_name(options):
    with pytest.raises(ParameterError, match=f"The '{next(iter(options))}' parameter of build_graph"):
        build_graph(np.eye(3), **options)


def test_queries_of_another_width_are_refused():
    with pytest.raises(ParameterError, match=r"as many features as the vectors, 3\. Got 2"):
        search(np.eye(3), np.eye(2))


def test_a_graph_tells_what_is_known_of_its_recall():
    indices, distances = np.zeros((9, 2), dtype=np.int32), np.zeros((9, 2), dtype=np.float32)
    assert "recall=unknown" in repr(NeighborGraph(indices, distances))
    sampled = NeighborGraph(indices, distances, method="nn-descent", recall=0.98765, recall_sample=4)
    assert repr(sampled).endswith("method='nn-descent', recall=0.988 on a sample of 4)")
    assert repr(build_graph(np.eye(3), n_neighbors=2)).startswith("NeighborGraph(n_samples=3, n_neighbors=2,")


def test_similarities_are_one_less_the_distance():
    graph = build_graph([[1, 0], [0, 1]], n_neighbors=2)
    assert graph.similarities.tolist() == [[0, -np.inf], [0, -np.inf]]
