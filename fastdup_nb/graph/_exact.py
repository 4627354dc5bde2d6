"""Exact search in tiles: matrix products, of which only the few nearest of each row are ever looked at.

A tile of similarities stays in the cache and is compared with each row's present worst neighbor; only what is nearer is
merged. A first bound comes from the largest values of slices of the tile: the k-th largest of them is no larger than
the k-th largest of all. So there is one product and a handful of cheap passes, and memory does not grow with n_samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError
from ._vectors import (
    RESOLUTION,
    Progress,
    as_unit_vectors,
    check_n_jobs,
    check_n_neighbors,
    pair_distances,
    run_blocks,
    sort_rows,
)

TILE_ROWS = 256
TILE_COLUMNS = 4096

Found = tuple[NDArray[np.int32], NDArray[np.float32]]


def search(
    vectors: ArrayLike, queries: ArrayLike, *, n_neighbors: int = 15, n_jobs: int = -1, progress: Progress | None = None
) -> Found:
    """Find the vectors nearest to each query, exactly.

    Parameters
    ----------
    vectors : array-like of shape (n_samples, n_features)
        Where to search; normalized to length 1 if they are not.
    queries : array-like of shape (n_queries, n_features)
        What to search for. A query that is one of *vectors* finds itself, at distance 0.
    n_neighbors : int, default 15
        How many to find for each query.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.
    progress : callable, optional
        Called with the share done so far, in [0, 1].

    Returns
    -------
    indices : ndarray of int32, shape (n_queries, n_neighbors)
        Rows of *vectors*, nearest first, equally near ones by row; -1 where there are too few vectors.
    distances : ndarray of float32, shape (n_queries, n_neighbors)
        ``1 - cosine similarity``, ascending; inf where *indices* is -1.

    Raises
    ------
    ParameterError
        If an array is not two-dimensional, holds NaN or infinity, or the two differ in n_features.

    Examples
    --------
    >>> from fastdup_nb.graph import search
    >>> indices, distances = search([[1, 0], [0, 1]], [[0, 5]], n_neighbors=2)
    >>> indices.tolist(), distances.tolist()
    ([[1, 0]], [[0.0, 1.0]])
    """
    n_neighbors = check_n_neighbors(n_neighbors, "search")
    base = as_unit_vectors(vectors, "vectors", "search")
    asked = as_unit_vectors(queries, "queries", "search")
    if base.shape[1] != asked.shape[1]:
        raise ParameterError(
            f"The 'queries' parameter of search must have as many features as the vectors, {base.shape[1]}. "
            f"Got {asked.shape[1]} instead; both must come from the same encoder."
        )
    return search_exact(base, asked, n_neighbors=n_neighbors, n_jobs=check_n_jobs(n_jobs, "search"), progress=progress)


def search_exact(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    *,
    n_neighbors: int,
    n_jobs: int,
    rows: NDArray[np.int32] | None = None,
    progress: Progress | None = None,
) -> Found:
    """Search unit vectors; *rows* names the row of *vectors* that each query is and must not find, or -1."""
    indices = np.full((len(queries), n_neighbors), -1, dtype=np.int32)
    distances = np.full((len(queries), n_neighbors), np.inf, dtype=np.float32)
    if len(vectors) == 0 or len(queries) == 0:
        return indices, distances

    def search_block(start: int, stop: int) -> None:
        block = slice(start, stop)
        itself = None if rows is None else rows[block]
        found = _nearest(vectors, queries[block], itself, min(n_neighbors, len(vectors)))
        near = pair_distances(queries[block], vectors, found)
        sort_rows(found, near)
        indices[block, : found.shape[1]] = found
        distances[block, : found.shape[1]] = near

    run_blocks(search_block, len(queries), size=TILE_ROWS, n_jobs=n_jobs, progress=progress)
    return indices, distances


def _nearest(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], itself: NDArray[np.int32] | None, n_neighbors: int
) -> NDArray[np.int32]:
    best = np.full((len(queries), n_neighbors), -np.inf, dtype=np.float32)
    found = np.full((len(queries), n_neighbors), -1, dtype=np.int32)
    buffer = np.empty((len(queries), min(TILE_COLUMNS, len(vectors))), dtype=np.float32)
    for start in range(0, len(vectors), TILE_COLUMNS):
        columns = vectors[start : start + TILE_COLUMNS]
        tile = buffer.reshape(-1)[: len(queries) * len(columns)].reshape(len(queries), len(columns))
        np.matmul(queries, columns.T, out=tile)
        np.minimum(tile, 1 - RESOLUTION, out=tile)  # copies are ties, and ties go by index
        if itself is not None:
            _hide_itself(tile, itself - start)
        _merge(tile, start, best, found)
    return found


def _hide_itself(tile: NDArray[np.float32], columns: NDArray[np.int32]) -> None:
    inside = np.flatnonzero((columns >= 0) & (columns < tile.shape[1]))
    tile[inside, columns[inside]] = -np.inf


def _merge(tile: NDArray[np.float32], start: int, best: NDArray[np.float32], found: NDArray[np.int32]) -> None:
    """Take what of *tile* is nearer than the worst in *best*; equals stay with the earlier index."""
    floor = np.maximum(best[:, -1], np.nextafter(_lower_bound(tile, best.shape[1]), np.float32(-np.inf)))
    rows, columns = np.divmod(np.flatnonzero(tile > floor[:, None]), tile.shape[1])
    if len(rows) == 0:
        return
    counts = np.bincount(rows, minlength=len(tile))
    slots = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = best.shape[1]
    values = np.full((len(tile), width + counts.max()), -np.inf, dtype=np.float32)
    places = np.full(values.shape, -1, dtype=np.int32)
    values[:, :width], places[:, :width] = best, found
    values[rows, width + slots] = tile[rows, columns]
    places[rows, width + slots] = columns + start
    order = np.argsort(-values, axis=1, kind="stable")[:, :width]
    best[:] = np.take_along_axis(values, order, axis=1)
    found[:] = np.take_along_axis(places, order, axis=1)


def _lower_bound(tile: NDArray[np.float32], n_neighbors: int) -> NDArray[np.float32]:
    """Return for each row a value that at least *n_neighbors* of the tile reach, or -inf."""
    n_slices = 8 * n_neighbors
    length = tile.shape[1] // n_slices
    if length < 2:
        return np.full(len(tile), -np.inf, dtype=np.float32)
    slices = tile[:, : n_slices * length].reshape(len(tile), length, n_slices)
    largest = slices.max(axis=1)
    return np.partition(largest, n_slices - n_neighbors, axis=1)[:, n_slices - n_neighbors]
