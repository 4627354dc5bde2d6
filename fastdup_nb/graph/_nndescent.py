"""Approximate search by NN-descent, as pynndescent does it (Dong, Moses and Li 2011), made complete and measured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ._exact import Found, search_exact
from ._vectors import RESOLUTION, pair_distances, run_blocks, sort_rows
from ._warm import make_ready

_BLOCK = 2048
_MARGIN = 5  # neighbors searched for beyond those kept: the last few found are the least certain
_SAMPLE_PRODUCTS = 2.5e10  # what the recall estimate may cost: a second or so
_SMALLEST_SAMPLE, _LARGEST_SAMPLE = 200, 1000


def fewest_samples(n_neighbors: int) -> int:
    """Return the number of vectors below which NN-descent makes no sense: its trees would be single leaves."""
    return max(256, 4 * (n_neighbors + _MARGIN))


def search_nn_descent(vectors: NDArray[np.float32], *, n_neighbors: int, random_state: int, n_jobs: int) -> Found:
    """Find the neighbors of all unit vectors; every row is full, none has itself."""
    make_ready()
    indices = descend(vectors, n_neighbors=n_neighbors + _MARGIN, random_state=random_state, n_jobs=n_jobs)
    distances = np.empty(indices.shape, dtype=np.float32)

    def measure(start: int, stop: int) -> None:
        block = slice(start, stop)
        distances[block] = pair_distances(vectors[block], vectors, indices[block])
        sort_rows(indices[block], distances[block])

    run_blocks(measure, len(vectors), size=_BLOCK, n_jobs=n_jobs)
    indices, distances = indices[:, :n_neighbors].copy(), distances[:, :n_neighbors].copy()
    _fill(vectors, indices, distances, n_jobs=n_jobs)
    return indices, distances


def descend(vectors: NDArray[np.float32], *, n_neighbors: int, random_state: int, n_jobs: int) -> NDArray[np.int32]:
    """Run pynndescent; -1 where it found nothing."""
    from pynndescent import NNDescent

    with _numba_threads(n_jobs) as n_threads, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Failed to correctly find n_neighbors")  # they are filled
        index = NNDescent(
            vectors,
            metric="dot",
            n_neighbors=n_neighbors + 1,
            random_state=random_state,
            low_memory=True,
            n_jobs=n_threads,
            compressed=False,
        )
        found = np.asarray(index.neighbor_graph[0])
    return _without_itself(found, n_neighbors)


@contextmanager
def _numba_threads(n_jobs: int) -> Iterator[int]:
    """Give the number of threads numba can use, and put back what this thread had, whatever happens."""
    import numba

    before = int(numba.get_num_threads())
    try:
        yield min(n_jobs, before)
    finally:
        numba.set_num_threads(before)


def _without_itself(found: NDArray[np.int32], n_neighbors: int) -> NDArray[np.int32]:
    """Drop each row's own index, which pynndescent lists in most rows but, among copies, not in all."""
    useless = (found < 0) | (found == np.arange(len(found))[:, None])
    order = np.argsort(useless, axis=1, kind="stable")[:, :n_neighbors]
    kept = np.take_along_axis(found, order, axis=1).astype(np.int32)
    kept[np.take_along_axis(useless, order, axis=1)] = -1
    return kept


def _fill(
    vectors: NDArray[np.float32], indices: NDArray[np.int32], distances: NDArray[np.float32], *, n_jobs: int
) -> None:
    """Search exactly for the rows that NN-descent left incomplete."""
    rows = np.flatnonzero(indices[:, -1] < 0).astype(np.int32)
    if len(rows) == 0:
        return
    indices[rows], distances[rows] = search_exact(
        vectors, vectors[rows], n_neighbors=indices.shape[1], n_jobs=n_jobs, rows=rows
    )


def estimate_recall(
    vectors: NDArray[np.float32], distances: NDArray[np.float32], *, random_state: int, n_jobs: int
) -> tuple[float, int]:
    """Return the share of true neighbors found, and on how many rows searched exactly that rests.

    A neighbor no farther than the true last one counts as found, so that ties are no misses.
    """
    affordable = int(_SAMPLE_PRODUCTS / max(vectors.size, 1))
    size = min(len(vectors), max(_SMALLEST_SAMPLE, min(_LARGEST_SAMPLE, affordable)))
    rows = np.random.default_rng(random_state).choice(len(vectors), size, replace=False).astype(np.int32)
    _, true = search_exact(vectors, vectors[rows], n_neighbors=distances.shape[1], n_jobs=n_jobs, rows=rows)
    is_found = distances[rows] <= true[:, -1:] + RESOLUTION
    return float(is_found.mean()), size
