"""Clusters: communities of the neighbor graph, and what is typical of each.

The graph says who looks like whom; clusters are groups with many more links inside than chance would give (Louvain).
Whole-array code prepares the graph, one small loop moves nodes; it is compiled by numba where the graph is large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd

from fastdup_nb._validation import check_integer

__all__ = ["find_clusters", "label_clusters"]

_COMPILE_FROM = 300_000  # links; below this the plain loop is done before numba is imported


def label_clusters(
    vectors: np.ndarray,
    indices: np.ndarray,
    distances: np.ndarray,
    *,
    min_cluster_size: int | None = None,
    random_state: int = 0,
) -> np.ndarray:
    """Label every picture with its cluster; -1 is noise, 0 the largest cluster."""
    n = len(indices)
    size = _default_size(n) if min_cluster_size is None else min_cluster_size
    size = check_integer(size, "min_cluster_size", "label_clusters", low=2)
    seed = check_integer(random_state, "random_state", "label_clusters", low=0)
    if n < size:
        return np.full(n, -1, np.int64)
    links = _weigh_links(indices, distances)
    labels = _find_communities(links, np.random.default_rng(seed))
    return _number_by_size(labels, size)


def find_clusters(
    image_ids: Sequence[str],
    vectors: np.ndarray,
    labels: np.ndarray,
    *,
    given_labels: Sequence[object] | None = None,
    n_examples: int = 8,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Describe clusters: one row per picture and one row per cluster."""
    n_examples = check_integer(n_examples, "n_examples", "find_clusters", low=1)
    ids = np.asarray(image_ids, dtype=object)
    labels = np.asarray(labels, dtype=np.int64)
    to_medoid = np.full(len(ids), np.nan)
    rows = []
    for rows_of_cluster in _members_by_cluster(labels):
        row, similarity = _describe(vectors[rows_of_cluster], ids[rows_of_cluster], n_examples)
        to_medoid[rows_of_cluster] = similarity
        rows.append(row)
    index = pd.Index(ids, name="image_id", dtype=object)
    members = pd.DataFrame({"cluster": labels, "similarity_to_medoid": to_medoid}, index=index)
    clusters = pd.DataFrame(rows, columns=["size", "medoid", "examples", "mean_similarity"])
    clusters.index = pd.RangeIndex(len(clusters), name="cluster")
    clusters.insert(1, "share", clusters["size"].astype(float) / max(len(ids), 1))
    clusters = clusters.astype({"size": np.int64, "mean_similarity": float})
    if given_labels is None:
        return members, clusters
    return members, clusters.join(_mix_labels(labels, given_labels, len(clusters)))


def _default_size(n_samples: int) -> int:
    """5 up to 100 pictures, 16 at 1,000, 50 at 10,000, 500 at 1,000,000."""
    return max(5, round(np.sqrt(n_samples) / 2))


def _weigh_links(indices: np.ndarray, distances: np.ndarray):  # type: ignore[no-untyped-def]
    """UMAP's fuzzy links."""
    from scipy.sparse import coo_array

    n, k = indices.shape
    near = np.where(indices >= 0, distances, np.nan)
    first = near[:, :1]
    spread = np.maximum(np.nanmean(near - first, axis=1, keepdims=True), 1e-6)
    known = indices >= 0
    weights = np.exp(-(near - first) / spread)[known]
    rows = np.repeat(np.arange(n), k).reshape(n, k)[known]
    directed = coo_array((weights.astype(np.float64), (rows, indices[known])), shape=(n, n)).tocsr()
    return (directed + directed.T - directed * directed.T).tocsr()


def _find_communities(links, rng: np.random.Generator) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Louvain: move nodes while modularity grows, then do the same with communities as nodes."""
    from scipy.sparse import coo_array

    labels = np.arange(links.shape[0])
    move = _compiled_move() if links.nnz >= _COMPILE_FROM else _move_nodes
    while True:
        n = links.shape[0]
        found = _move_until_still(links, rng, move)
        names, found = np.unique(found, return_inverse=True)
        labels = found[labels]
        if len(names) == n:
            return labels
        join = coo_array((np.ones(n), (np.arange(n), found)), shape=(n, len(names))).tocsr()
        links = (join.T @ links @ join).tocsr()


def _move_until_still(links, rng, move) -> np.ndarray:  # type: ignore[no-untyped-def]
    n = links.shape[0]
    degrees = np.asarray(links.sum(axis=1)).ravel()
    labels, totals = np.arange(n), degrees.copy()
    for _ in range(30):
        n_moved = move(links.indptr, links.indices, links.data, degrees, labels, totals, rng.permutation(n))
        if n_moved <= n // 1000:
            break
    return labels


def _move_nodes(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    weights: np.ndarray,
    degrees: np.ndarray,
    labels: np.ndarray,
    totals: np.ndarray,
    order: np.ndarray,
) -> int:
    """Move each node in turn to the neighboring community that gains most modularity; labels and totals change."""
    n_moved = 0
    whole = degrees.sum()
    inside = np.zeros(len(labels))
    for node in order:
        old, pull = labels[node], degrees[node] / whole
        totals[old] -= degrees[node]
        for link in range(indptr[node], indptr[node + 1]):
            if neighbors[link] != node:
                inside[labels[neighbors[link]]] += weights[link]
        best, most = old, inside[old] - pull * totals[old]
        for link in range(indptr[node], indptr[node + 1]):
            label = labels[neighbors[link]]
            gain = inside[label] - pull * totals[label]
            if neighbors[link] != node and gain > most + 1e-12:
                best, most = label, gain
        for link in range(indptr[node], indptr[node + 1]):
            inside[labels[neighbors[link]]] = 0.0
        totals[best] += degrees[node]
        n_moved += best != old
        labels[node] = best
    return n_moved


@cache
def _compiled_move() -> Callable[..., int]:
    from numba import njit

    compiled: Callable[..., int] = njit(_move_nodes)
    return compiled


def _number_by_size(labels: np.ndarray, min_size: int) -> np.ndarray:
    """Call the largest 0, the next 1 and so on (ties by first member); fewer than *min_size* are noise."""
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(sizes), np.int64)
    rank[order] = np.arange(len(sizes))
    rank[sizes < min_size] = -1
    return rank[inverse]


def _members_by_cluster(labels: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(labels, kind="stable")
    n_clusters = int(labels.max(initial=-1)) + 1
    starts = np.searchsorted(labels[order], np.arange(n_clusters + 1))
    return [order[starts[i] : starts[i + 1]] for i in range(n_clusters)]


def _describe(
    vectors: np.ndarray, ids: np.ndarray, n_examples: int
) -> tuple[tuple[int, str, list[str], float], np.ndarray]:
    """Return size, medoid, examples and mean similarity of one cluster, and each member's similarity to the medoid."""
    n = len(ids)
    total = vectors.sum(axis=0, dtype=np.float64)
    medoid = int(np.argmax(vectors @ total.astype(vectors.dtype)))
    similarity = np.clip((vectors @ vectors[medoid]).astype(np.float64), -1.0, 1.0)
    similarity[medoid] = 1.0
    own = float(np.einsum("ij,ij->", vectors, vectors, dtype=np.float64))
    mean = (float(total @ total) - own) / (n * (n - 1)) if n > 1 else 1.0
    order = np.lexsort((np.arange(n), np.arange(n) != medoid, -similarity))
    order = np.concatenate([[medoid], order[order != medoid]])
    spread = np.unique(np.linspace(0, n - 1, min(n_examples, n)).round().astype(int))
    return (n, ids[medoid], list(ids[order[spread]]), mean), similarity


def _mix_labels(labels: np.ndarray, given_labels: Sequence[object], n_clusters: int) -> pd.DataFrame:
    """Say which of the user's labels each cluster is made of; pictures without a label are left out."""
    given = pd.Series(list(given_labels), dtype=object)
    pairs = pd.DataFrame({"cluster": labels, "label": given}).dropna().query("cluster >= 0")
    pairs["label"] = pairs["label"].astype(str)
    shares = pairs.groupby("cluster")["label"].value_counts(normalize=True)
    rows = [_mix_one(shares.loc[c]) if c in shares.index.levels[0] else ("", None, np.nan) for c in range(n_clusters)]
    return pd.DataFrame(rows, columns=["label_mix", "top_label", "top_label_share"], index=pd.RangeIndex(n_clusters))


def _mix_one(shares: pd.Series) -> tuple[str, str | None, float]:
    shown = ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in shares.head(3).items())
    rest = "" if len(shares) <= 3 else f", {len(shares) - 3} more"
    return shown + rest, str(shares.index[0]), float(shares.iloc[0])
