"""Communities of a weighted graph, by Louvain's method (Blondel et al., 2008), refined as by Rotta and Noack (2011)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_COMPILE_FROM = 150_000  # links, some 7,000 pictures; fewer are walked in plain Python sooner than numba has compiled
_MAX_SWEEPS = 30
_MAX_RUNS = 8  # each in another order; the one of largest modularity counts
_RUNS_WITHIN = 4_000_000  # links walked in all runs together; above half of it there is one run
_PLAIN_RUNS_WITHIN = 200_000  # the same where nothing is compiled


def find_communities(links: csr_array, bound: Labels, resolution: float, rng: np.random.Generator) -> Labels:
    """Keep the best of some runs of Louvain's method."""
    finest = contract_links(links, bound)
    within = _RUNS_WITHIN if links.nnz >= _COMPILE_FROM else _PLAIN_RUNS_WITHIN
    n_runs = int(np.clip(within // max(links.nnz, 1), 1, _MAX_RUNS))
    runs = [_run_louvain(finest, resolution, rng) for _ in range(n_runs)]
    return max(runs, key=lambda labels: _modularity(finest, labels, resolution))[bound]


def _run_louvain(finest: csr_array, resolution: float, rng: np.random.Generator) -> Labels:
    """Move nodes while modularity grows, then do the same with communities as nodes; at last refine."""
    labels = np.arange(finest.shape[0], dtype=np.int64)
    coarse = finest
    while True:
        moved = _move_until_still(coarse, np.arange(coarse.shape[0], dtype=np.int64), resolution, rng)
        if moved.max() + 1 == coarse.shape[0]:
            break
        labels = moved[labels]
        coarse = contract_links(coarse, moved)
    return _move_until_still(finest, labels, resolution, rng)


def _modularity(links: csr_array, labels: Labels, resolution: float) -> float:
    """Share of the links' weight inside communities, less the share that chance would put there."""
    pairs, degrees = links.tocoo(), np.asarray(links.sum(axis=1)).ravel()
    inside = pairs.data[labels[pairs.row] == labels[pairs.col]].sum()
    whole = max(float(degrees.sum()), 1e-12)
    by_chance = resolution * np.square(np.bincount(labels, degrees) / whole).sum()
    return float(inside / whole - by_chance)


def contract_links(links: csr_array, labels: Labels) -> csr_array:
    """Make one node of all nodes with the same label; links inside become a link to itself."""
    from scipy.sparse import coo_array

    n = len(labels)
    join = coo_array((np.ones(n), (np.arange(n), labels)), shape=(n, int(labels.max()) + 1)).tocsr()
    joined: csr_array = (join.T @ links @ join).tocsr()
    return joined


def _move_until_still(links: csr_array, labels: Labels, resolution: float, rng: np.random.Generator) -> Labels:
    """Move nodes from the communities *labels* in sweeps, until hardly one in a thousand moves; number them anew."""
    degrees = np.asarray(links.sum(axis=1)).ravel() * np.sqrt(resolution)
    totals = np.bincount(labels, degrees, len(labels))
    inside, whole = np.zeros(len(labels)), max(float(links.data.sum()), 1e-12)
    parts: list[Any] = [links.indptr, links.indices, links.data, degrees, labels.copy(), totals, inside]
    compiled = links.nnz >= _COMPILE_FROM
    move: Callable[..., int] = _compile_move() if compiled else _move_nodes
    if not compiled:  # plain Python walks lists several times faster than arrays
        parts = [part.tolist() for part in parts]
    for _ in range(_MAX_SWEEPS):
        order = rng.permutation(len(labels))
        n_moved = move(*parts, whole, order if compiled else order.tolist())
        if n_moved <= len(labels) // 1000:
            break
    return np.unique(np.asarray(parts[4]), return_inverse=True)[1].astype(np.int64)


def _move_nodes(starts, neighbors, weights, degrees, labels, totals, inside, whole, order):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Move each node to the neighboring community that gains most modularity; return how many moved.

    *starts*, *neighbors* and *weights* are the links, *totals* the degrees of each community, *inside* zeros to work
    with; all are arrays where this is compiled, and lists where it is not. *labels* and *totals* change in place.
    """
    n_moved = 0
    for node in order:
        first, last = starts[node], starts[node + 1]
        old, pull = labels[node], degrees[node] / whole
        totals[old] -= degrees[node]
        for link in range(first, last):
            if neighbors[link] != node:
                inside[labels[neighbors[link]]] += weights[link]
        best, most = old, inside[old] - pull * totals[old]
        for link in range(first, last):
            label = labels[neighbors[link]]
            gain = inside[label] - pull * totals[label]
            if neighbors[link] != node and gain > most + 1e-12:
                best, most = label, gain
        for link in range(first, last):
            inside[labels[neighbors[link]]] = 0.0
        totals[best] += degrees[node]
        labels[node] = best
        n_moved += best != old
    return n_moved


@cache
def _compile_move() -> Callable[..., int]:
    from numba import njit

    return cast(Callable[..., int], njit(_move_nodes))
