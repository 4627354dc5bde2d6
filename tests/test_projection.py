"""A collection in two dimensions: what is alike is near, and the same input gives the same map."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import fastdup_nb as fd
from fastdup_nb._mapping import project
from fastdup_nb.errors import MissingExtraError, ParameterError
from fastdup_nb.findings import projection
from fastdup_nb.findings.projection import choose_projection, place_copies, project_vectors
from fastdup_nb.graph import build_graph

METHODS = ["pca", "umap"]


def make_groups(n_groups=4, size=30, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_groups, 24)) * 3
    vectors = (centers[:, None] + rng.normal(size=(n_groups, size, 24)) * 0.4).reshape(-1, 24).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.repeat(np.arange(n_groups), size)


def lay_out(vectors, method, **options):
    graph = build_graph(vectors, n_neighbors=15)
    return project_vectors(vectors, graph.indices, graph.distances, method=method, **options)


@pytest.mark.parametrize("method", METHODS)
def test_the_nearest_on_the_map_is_of_the_same_group(method):
    vectors, group = make_groups()
    points = lay_out(vectors, method)
    assert points.shape == (120, 2)
    assert points.dtype == np.float32
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(away, np.inf)
    assert (group[away.argmin(axis=1)] == group).mean() > 0.97


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_map(method):
    vectors, _ = make_groups()
    assert np.array_equal(lay_out(vectors, method, random_state=3), lay_out(vectors, method, random_state=3))


def test_another_seed_gives_another_map_by_umap():
    vectors, _ = make_groups()
    assert not np.array_equal(lay_out(vectors, "umap", random_state=3), lay_out(vectors, "umap", random_state=4))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 15, 16, 17])
def test_few_images_have_finite_places_of_their_own(n, method):
    points = lay_out(make_groups(1, n)[0], method)
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()
    assert len(np.unique(points.round(6), axis=0)) == n


@pytest.mark.parametrize("method", METHODS)
def test_no_image_has_no_place(method):
    nobody = np.empty((0, 5), np.float32)
    points = project_vectors(np.empty((0, 8), np.float32), nobody.astype(np.int32), nobody, method=method)
    assert points.shape == (0, 2)


def test_neighbors_that_are_missing_do_not_move_the_map_to_infinity():
    vectors, _ = make_groups()
    graph = build_graph(vectors, n_neighbors=15)
    indices, distances = graph.indices.copy(), graph.distances.copy()
    indices[::3, 6:], distances[::3, 6:] = -1, np.inf
    indices[5], distances[5] = -1, np.inf
    points = project_vectors(vectors, indices, distances, method="umap")
    assert np.isfinite(points).all()
    assert np.abs(points).max() < 100


def test_vectors_of_one_number_are_laid_out_on_a_line():
    vectors = np.array([[1.0], [-1.0], [1.0]], np.float32)
    nobody = np.empty((3, 0), np.float32)
    points = project_vectors(vectors, nobody.astype(np.int32), nobody, method="pca")
    assert (points[:, 1] == 0).all()
    assert points[0, 0] != points[1, 0]


def test_vectors_that_are_all_the_same_lie_on_one_spot():
    vectors = np.ones((4, 3), np.float32)
    nobody = np.empty((4, 0), np.float32)
    assert (project_vectors(vectors, nobody.astype(np.int32), nobody, method="pca") == 0).all()


def test_without_umap_the_map_says_what_to_install(monkeypatch):
    monkeypatch.setattr(projection.importlib.util, "find_spec", lambda _: None)
    assert choose_projection("auto", 1000) == ("pca", "PCA; pip install 'fastdup-nb[map]' for UMAP")


def test_umap_that_is_asked_for_and_missing_is_an_error_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"fastdup-nb\[map\]"):
        choose_projection("umap", 1000)


def test_wrong_parameters_are_told():
    nobody = np.empty((2, 0), np.float32)
    with pytest.raises(ParameterError, match="must be one of 'auto', 'umap', 'pca'"):
        project_vectors(nobody, nobody.astype(np.int32), nobody, method="tsne")
    with pytest.raises(ParameterError, match="a row for each of the 3 vectors"):
        project_vectors(np.eye(3, dtype=np.float32), nobody.astype(np.int32), nobody, method="pca")


def test_copies_lie_beside_the_first_and_apart_from_each_other():
    points = np.array([[0, 0], [10, 0]], np.float32)
    places = place_copies(points, np.array([0, 1, 0, 0, 1]))
    assert np.array_equal(places[[0, 1]], points)
    assert len(np.unique(places, axis=0)) == 5
    assert np.abs(places - points[[0, 1, 0, 0, 1]]).max() < 0.05


def test_copies_of_the_only_picture_are_apart():
    places = place_copies(np.zeros((1, 2), np.float32), np.zeros(3, np.int64))
    assert len(np.unique(places, axis=0)) == 3


def test_a_map_is_made_once_and_found_in_the_store_again(few, tmp_path, monkeypatch):
    from fastdup_nb import _mapping

    made = []
    original = _mapping.project_vectors
    monkeypatch.setattr(_mapping, "project_vectors", lambda *a, **k: made.append(1) or original(*a, **k))
    first, _ = project(fd.Dataset(few, cache=tmp_path / "store")._stages, "pca")
    again, note = project(fd.Dataset(few, cache=tmp_path / "store")._stages, "pca")
    assert np.array_equal(first, again)
    assert len(made) == 1
    assert note == "PCA"
    project(fd.Dataset(few, cache=tmp_path / "store", random_state=1)._stages, "pca")
    assert len(made) == 2
