"""A graph for a collection that has changed a little, without searching again for what has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError, ParameterTypeError
from ._build import build_graph, resolve_method
from ._cost import exact_seconds, nn_descent_seconds
from ._exact import Found, search_exact
from ._neighbors import NeighborGraph
from ._nndescent import estimate_recall
from ._vectors import Progress, as_unit_vectors, check_n_jobs, sort_rows


def update_graph(
    graph: NeighborGraph,
    vectors: ArrayLike,
    *,
    kept: ArrayLike,
    method: str = "auto",
    random_state: int = 0,
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> NeighborGraph:
    """Carry a graph over to vectors of which some were added and some removed.

    Added rows are searched for exactly, and so are rows that lost a neighbor; the others only take what was added
    and is nearer. The result is the exact graph when *graph* was. Where so much changed that building anew is less
    work, that is what is done.

    Parameters
    ----------
    graph : NeighborGraph
        The graph of the former vectors.
    vectors : array-like of shape (n_samples, n_features)
        The present vectors, in any order.
    kept : array-like of int, shape (n_samples,)
        For each present row, the row of *graph* it was, with the same vector; -1 for an added (or changed) one.
    method, random_state, n_jobs, progress
        As in :func:`build_graph`; the first two matter only where the graph is built anew.

    Returns
    -------
    NeighborGraph
        With as many neighbors as *graph*. Its ``recall`` is estimated anew unless *graph* was exact.

    Raises
    ------
    ParameterError
        If *kept* does not fit: wrong length, a row that *graph* does not have, or one given twice.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.graph import build_graph, update_graph
    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> graph = build_graph(vectors[:2], n_neighbors=1)
    >>> update_graph(graph, vectors, kept=[0, 1, -1]).indices.ravel().tolist()
    [2, 2, 1]
    """
    n_jobs = check_n_jobs(n_jobs, "update_graph")
    unit = as_unit_vectors(vectors, "vectors", "update_graph")
    former = _checked_kept(kept, graph.n_samples, len(unit))
    indices, distances, has_lost = _carried(graph, former)
    if not _is_less_work(graph, unit, former, has_lost, method=method, n_jobs=n_jobs):
        return build_graph(
            unit,
            n_neighbors=graph.n_neighbors,
            method=method,
            random_state=random_state,
            n_jobs=n_jobs,
            progress=progress,
        )
    _take_added(unit, indices, distances, former=former, has_lost=has_lost, n_jobs=n_jobs)
    _search_again(unit, indices, distances, is_wanted=has_lost | (former < 0), n_jobs=n_jobs, progress=progress)
    if graph.method == "exact":
        return NeighborGraph(indices, distances, method="exact", recall=1.0, recall_sample=len(unit))
    recall, sample = estimate_recall(unit, distances, random_state=random_state, n_jobs=n_jobs)
    return NeighborGraph(indices, distances, method=graph.method, recall=recall, recall_sample=sample)


def _checked_kept(kept: ArrayLike, n_former: int, n_samples: int) -> NDArray[np.int64]:
    former = np.asarray(kept)
    wanted = f"The 'kept' parameter of update_graph must be {n_samples} different rows in [0, {n_former}), or -1."
    if former.size and former.dtype.kind not in "iu":
        raise ParameterTypeError(f"{wanted} Got dtype {former.dtype} instead.")
    if former.shape != (n_samples,):
        raise ParameterError(f"{wanted} Got shape {former.shape} instead.")
    former = former.astype(np.int64)
    if n_samples and (former.min() < -1 or former.max() >= n_former):
        raise ParameterError(f"{wanted} Got values from {former.min()} to {former.max()} instead.")
    if len(np.unique(former[former >= 0])) < np.count_nonzero(former >= 0):
        raise ParameterError(f"{wanted} Got a row twice; give -1 for a copy that was added.")
    return former


def _carried(
    graph: NeighborGraph, former: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the former neighbors under their present rows, and which rows have lost one."""
    present = np.full(graph.n_samples + 1, -1, dtype=np.int32)  # its last entry is where -1 leads
    is_kept = former >= 0
    present[former[is_kept]] = np.flatnonzero(is_kept)
    indices = np.full((len(former), graph.n_neighbors), -1, dtype=np.int32)
    distances = np.full(indices.shape, np.inf, dtype=np.float32)
    before = graph.indices[former[is_kept]]
    indices[is_kept] = present[before]
    distances[is_kept] = graph.distances[former[is_kept]]
    has_lost = np.zeros(len(former), dtype=bool)
    has_lost[is_kept] = np.any((before >= 0) & (indices[is_kept] < 0), axis=1)
    return indices, distances, has_lost


def _is_less_work(
    graph: NeighborGraph,
    unit: NDArray[np.float32],
    former: NDArray[np.int64],
    has_lost: NDArray[np.bool_],
    *,
    method: str,
    n_jobs: int,
) -> bool:
    n_samples, n_features = unit.shape
    n_added = int(np.count_nonzero(former < 0))
    n_searched = n_added + int(np.count_nonzero(has_lost))
    update = exact_seconds(n_searched, n_samples, n_features)
    update += exact_seconds(n_samples - n_searched, n_added, n_features)
    anew = exact_seconds(n_samples, n_samples, n_features)
    resolved = resolve_method(method, n_samples, n_features, n_neighbors=graph.n_neighbors, n_jobs=n_jobs)
    if resolved == "nn-descent":
        anew = min(anew, nn_descent_seconds(n_samples, n_features, graph.n_neighbors))
    return update < anew


def _take_added(
    unit: NDArray[np.float32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    *,
    former: NDArray[np.int64],
    has_lost: NDArray[np.bool_],
    n_jobs: int,
) -> None:
    """Let the rows that are not searched again take what was added and is nearer, in place."""
    added = np.flatnonzero(former < 0).astype(np.int32)
    rows = np.flatnonzero((former >= 0) & ~has_lost)
    if len(added) == 0:
        sort_rows(indices, distances)
        return
    n_neighbors = min(indices.shape[1], len(added))
    found, near = search_exact(unit[added], unit[rows], n_neighbors=n_neighbors, n_jobs=n_jobs)
    indices[rows], distances[rows] = _merged((indices[rows], distances[rows]), (added[found], near))


def _merged(first: Found, second: Found) -> Found:
    indices = np.concatenate([first[0], second[0]], axis=1)
    distances = np.concatenate([first[1], second[1]], axis=1)
    sort_rows(indices, distances)
    width = first[0].shape[1]
    return indices[:, :width], distances[:, :width]


def _search_again(
    unit: NDArray[np.float32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    *,
    is_wanted: NDArray[np.bool_],
    n_jobs: int,
    progress: Progress | None,
) -> None:
    rows = np.flatnonzero(is_wanted).astype(np.int32)
    indices[rows], distances[rows] = search_exact(
        unit, unit[rows], n_neighbors=indices.shape[1], n_jobs=n_jobs, rows=rows, progress=progress
    )
    if progress is not None and len(rows) == 0:
        progress(1.0)
