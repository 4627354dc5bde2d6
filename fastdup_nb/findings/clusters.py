"""Clusters: pictures that keep to themselves in the neighbor graph, and what is typical of each cluster.

Three steps label the pictures. *Bind*: what lies in a tight run of near-identical pictures (frames of one shot, one
object from many sides) is never parted. *Find communities*: Louvain's method over the links of the graph, each link
weighed against its picture's own neighborhood so that sparse and dense regions count alike; communities that are hardly
less alike across than within are one. *Leave out*: a picture with
most of its links outside its community, and a community below ``min_cluster_size``, are noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._validation import check_integer, check_number
from ..errors import ParameterError
from ._communities import Floats, Labels, contract_links, find_communities
from .edges import label_connected

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["default_min_cluster_size", "find_clusters", "label_clusters"]

_BOUND_WITHIN = (0.3, 0.2, 0.1)  # of the mean distance of two pictures: links of a run, tried in this order
_TIGHTER_THAN = 0.75  # of the same: mean distance inside a run
_ALIKE = 0.75  # of the similarity above the usual within two communities: as much across them makes them one


def default_min_cluster_size(n_samples: int) -> int:
    """Return the cube root of *n_samples*, at least 5: 5 for 100 pictures, 10 for 1,000, 100 for 1,000,000."""
    return max(5, round(float(np.cbrt(n_samples))))


def label_clusters(
    vectors: npt.NDArray[np.float32],
    indices: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float32],
    *,
    min_cluster_size: int | None = None,
    resolution: float = 1.0,
    random_state: int = 0,
) -> Labels:
    """Label every picture with its cluster; 0 is the largest, -1 is noise.

    Use it to see what a collection is made of. Time and memory grow with the number of links, not of pairs.

    Parameters
    ----------
    vectors : float32 array (n_samples, n_features)
        L2-normalized, one row per distinct picture; used for means alone: of all, of runs, of communities.
    indices : int32 array (n_samples, n_neighbors)
        Row numbers of each row's nearest neighbors, nearest first, never itself; -1 where there is none.
    distances : float32 array (n_samples, n_neighbors)
        1 - cosine similarity to them; inf where there is none.
    min_cluster_size : int, default None
        Smaller clusters are noise. None is `default_min_cluster_size`.
    resolution : float, default 1.0
        Larger gives more and smaller clusters.
    random_state : int, default 0
        Seed of the order in which pictures are visited. The same input and seed give the same labels.

    Returns
    -------
    int64 array (n_samples,)
        Numbered by size, largest first; -1 for pictures with more than half of their links outside their community,
        without links, or in one that is too small.

    Notes
    -----
    Communities are those of Blondel et al. (2008), refined at last as by Rotta and Noack (2011) and split where they
    are not connected (a flaw named by Traag et al., 2019); of up to 8 runs the one with the largest modularity counts.
    Links are weighed as in UMAP (McInnes et al., 2018). Linked communities are joined where the mean similarity across,
    above that of the whole collection, is more than 0.75 of that within.
    A run is bound where the third-nearest neighbors at both ends of a link, and the link itself, are within 0.3 (else
    0.2, 0.1) of the mean distance between two pictures, and the run is within 0.75 of it on average: single linkage
    of mutual reachability, as in HDBSCAN (Campello et al., 2013).

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.clusters import label_clusters
    >>> vectors = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    >>> indices = np.array([[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]], dtype=np.int32)
    >>> label_clusters(vectors, indices, np.zeros((6, 2), np.float32), min_cluster_size=3)
    array([0, 0, 0, 1, 1, 1])
    """
    n = len(indices)
    size = default_min_cluster_size(n) if min_cluster_size is None else min_cluster_size
    size = check_integer(size, "min_cluster_size", "label_clusters", low=2)
    resolution = check_number(resolution, "resolution", "label_clusters", low=0.0)
    seed = check_integer(random_state, "random_state", "label_clusters", low=0)
    if n < size or indices.shape[1] == 0:
        return np.full(n, -1, np.int64)
    links = _weigh_links(indices, distances)
    bound = _bind_runs(vectors, indices, distances)
    labels = find_communities(links, bound, resolution, np.random.default_rng(seed))
    labels = _join_alike(vectors, links, _split_unconnected(links, labels))
    labels = _number_by_size(labels, size)
    labels[_inner_share(links, labels) < 0.5] = -1
    return _number_by_size(labels, size)


def find_clusters(
    image_ids: Sequence[str],
    vectors: npt.NDArray[np.float32],
    labels: Labels,
    *,
    given_labels: Sequence[object] | None = None,
    n_examples: int = 8,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Describe clusters: what is typical of each, how tight it is, and which of the given labels it holds.

    Parameters
    ----------
    image_ids : sequence of str (n_samples,)
        Names of the rows.
    vectors : float32 array (n_samples, n_features)
        L2-normalized.
    labels : int array (n_samples,)
        From `label_clusters`: 0, 1, ... and -1 for noise.
    given_labels : sequence (n_samples,), default None
        What the user calls each picture; None and NaN are passed over.
    n_examples : int, default 8
        At most so many examples of each cluster.

    Returns
    -------
    members : DataFrame indexed by image_id
        ``cluster`` (int64, -1 is noise) and ``similarity_to_medoid`` (float64; cosine, 1 is the medoid itself, NaN for
        noise), in the order of *image_ids*.
    clusters : DataFrame indexed by cluster
        ``size`` (pictures), ``share`` (of all pictures, noise included), ``medoid`` (image_id of the picture most
        similar to all others on average), ``examples`` (image_ids from the medoid outwards in even steps, the last
        one is the farthest), ``mean_similarity`` (mean cosine over all pairs of members; larger is tighter), and with
        *given_labels* also ``label_mix`` (str, the three largest), ``top_label`` (str) and ``top_label_share``
        (of its labeled members; 1 is pure).

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.clusters import find_clusters
    >>> vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    >>> members, clusters = find_clusters(["a", "b", "c"], vectors, np.array([0, 0, -1]), given_labels=["x", "y", "y"])
    >>> clusters.loc[0, "medoid"], clusters.loc[0, "label_mix"]
    ('a', 'x 50 %, y 50 %')
    """
    n_examples = check_integer(n_examples, "n_examples", "find_clusters", low=1)
    labels = np.asarray(labels, dtype=np.int64)
    _check_lengths(len(image_ids), vectors=vectors, labels=labels, given_labels=given_labels)
    ids = np.asarray(image_ids, dtype=object)
    similarity = np.full(len(ids), np.nan)
    rows = []
    for positions in _positions_by_cluster(labels):
        row, similarity[positions] = _describe(vectors[positions], ids[positions], n_examples)
        rows.append((len(positions), len(positions) / len(ids), *row))
    members = _as_text_index(pd.DataFrame({"image_id": ids, "cluster": labels, "similarity_to_medoid": similarity}))
    clusters = _tabulate(rows)
    return members, clusters if given_labels is None else clusters.join(_mix_labels(labels, given_labels))


def _check_lengths(n: int, **arrays: Sequence[object] | npt.NDArray[np.generic] | None) -> None:
    for name, values in arrays.items():
        if values is not None and len(values) != n:
            wanted = f"have one entry for each of the {n} image_ids. Got {len(values)} instead."
            raise ParameterError(f"The {name!r} parameter of find_clusters must {wanted}")


# --- links of the graph


def _weigh_links(indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]) -> csr_array:
    """Weigh each link by how near it is for its own picture (1 is the nearest), and join both directions."""
    from scipy.sparse import coo_array

    n, k = indices.shape
    known = indices >= 0
    near = np.where(known, distances, 0.0).astype(np.float64)
    beyond = np.where(known, near - near[:, :1], 0.0)
    spread = beyond.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    weights = np.exp(-beyond / np.maximum(spread, 1e-9))[known]
    rows = np.repeat(np.arange(n), k).reshape(n, k)[known]
    directed = coo_array((weights, (rows, indices[known])), shape=(n, n)).tocsr()
    links: csr_array = (directed + directed.T - directed * directed.T).tocsr()
    return links


def _bind_runs(
    vectors: npt.NDArray[np.float32], indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]
) -> Labels:
    """Give a number to each run of near-identical pictures; most are alone in theirs.

    Runs that are no tighter than the collection came about by chance, as in very dense ones: they are sought anew
    among the same pictures at a stricter level.
    """
    whole = _mean_distance(vectors)
    runs = np.arange(len(indices), dtype=np.int64)
    is_free = np.ones(len(indices), dtype=np.bool_)
    for level in _BOUND_WITHIN:
        parts = _link_tight(indices, distances, is_free, max(level * whole, 1e-6))
        sizes, spreads = _measure_parts(vectors, parts)
        is_run = (sizes > 1) & (spreads <= max(_TIGHTER_THAN * whole, 1e-6))
        _, first = np.unique(parts, return_index=True)
        bound = is_run[parts] & is_free
        runs[bound] = first[parts[bound]]
        is_free &= ~bound
    return np.unique(runs, return_inverse=True)[1].astype(np.int64)


def _link_tight(
    indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32], is_free: npt.NDArray[np.bool_], limit: float
) -> Labels:
    """Label the parts joined by links that are, with the third neighbors of both ends, within *limit*."""
    n, k = indices.shape
    third = min(2, k - 1)
    is_dense = is_free & (indices[:, third] >= 0) & (distances[:, third] <= limit)
    rows, columns = np.nonzero((indices >= 0) & (distances <= limit) & is_dense[:, None] & is_dense[indices])
    return label_connected(n, rows, indices[rows, columns])


def _measure_parts(vectors: npt.NDArray[np.float32], parts: Labels) -> tuple[Labels, Floats]:
    """Return size and mean inner distance of each part; 0 for a single picture."""
    sizes = np.bincount(parts)
    spreads = np.zeros(len(sizes))
    order = np.argsort(parts, kind="stable")
    ends = np.cumsum(sizes)
    for part in np.flatnonzero(sizes > 1):
        spreads[part] = _mean_distance(vectors[order[ends[part] - sizes[part] : ends[part]]])
    return sizes, spreads


def _mean_distance(vectors: npt.NDArray[np.float32]) -> float:
    """1 - mean cosine over all pairs, from the length of the sum of the vectors."""
    n = len(vectors)
    total = vectors.sum(axis=0, dtype=np.float64)
    return 1.0 - (float(total @ total) - n) / (n * max(n - 1, 1))


def _split_unconnected(links: csr_array, labels: Labels) -> Labels:
    """Make one community of each connected part of a community."""
    pairs = links.tocoo()
    inner = labels[pairs.row] == labels[pairs.col]
    return label_connected(len(labels), pairs.row[inner], pairs.col[inner])


def _join_alike(vectors: npt.NDArray[np.float32], links: csr_array, labels: Labels) -> Labels:
    """Join linked communities that are hardly less alike across than within: halves of one cluster."""
    pairs = contract_links(links, labels).tocoo()
    a, b = (side[pairs.row < pairs.col] for side in (pairs.row, pairs.col))
    sizes, within, across = _measure_pairs(vectors, labels, a, b)
    usual = 1.0 - _mean_distance(vectors)
    needed = usual + _ALIKE * np.maximum((within[a] + within[b]) / 2 - usual, 0.0)
    is_alike = (across > needed) & (np.minimum(sizes[a], sizes[b]) > 1)
    return label_connected(pairs.shape[0], a[is_alike], b[is_alike])[labels]


def _measure_pairs(
    vectors: npt.NDArray[np.float32], labels: Labels, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]
) -> tuple[Labels, Floats, Floats]:
    """Return size and mean cosine within each community, and the mean cosine across each pair *a*, *b* of them."""
    from scipy.sparse import coo_array

    sizes = np.bincount(labels)
    join = coo_array((np.ones(len(labels), np.float32), (labels, np.arange(len(labels)))))
    totals = np.asarray(join.tocsr() @ vectors, dtype=np.float64)
    within = (np.einsum("ij,ij->i", totals, totals) - sizes) / np.maximum(sizes * (sizes - 1), 1)
    across = np.array([totals[i] @ totals[j] for i, j in zip(a, b, strict=True)]) / (sizes[a] * sizes[b])
    return sizes, within, across


def _inner_share(links: csr_array, labels: Labels) -> Floats:
    """Share of the weight of each picture's links that stays in its cluster; 0 for noise and without links."""
    pairs = links.tocoo()
    inner = (labels[pairs.row] == labels[pairs.col]) & (labels[pairs.row] >= 0)
    n = len(labels)
    inside = np.bincount(pairs.row[inner], pairs.data[inner], minlength=n)
    return np.asarray(inside / np.maximum(np.bincount(pairs.row, pairs.data, minlength=n), 1e-12))


# --- from labels to tables


def _number_by_size(labels: Labels, min_size: int) -> Labels:
    """Call the largest 0, the next 1 and so on (ties by first member); noise and fewer than *min_size* are -1."""
    names, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    sizes = np.where((names < 0) | (sizes < min_size), 0, sizes)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(sizes), np.int64)
    rank[order] = np.arange(len(sizes))
    rank[sizes == 0] = -1
    return np.asarray(rank[inverse], dtype=np.int64)


# --- what is typical


def _positions_by_cluster(labels: Labels) -> list[npt.NDArray[np.int64]]:
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(int(labels.max(initial=-1)) + 2))
    return [order[start:end] for start, end in pairwise(starts)]


def _describe(
    vectors: npt.NDArray[np.float32], ids: npt.NDArray[np.object_], n_examples: int
) -> tuple[tuple[str, list[str], float], Floats]:
    """Return medoid, examples and mean similarity of one cluster, and each member's similarity to the medoid."""
    n = len(ids)
    total = vectors.sum(axis=0, dtype=np.float64)
    medoid = int(np.argmax(vectors @ total.astype(np.float32)))  # largest sum of cosines to all members
    similarity = np.clip((vectors @ vectors[medoid]).astype(np.float64), -1.0, 1.0)
    similarity[medoid] = 1.0
    outwards = np.lexsort((np.arange(n) != medoid, -similarity))
    steps = np.unique(np.linspace(0, n - 1, min(n_examples, n)).round().astype(np.int64))
    return (ids[medoid], list(ids[outwards[steps]]), _mean_cosine(vectors, total)), similarity


def _mean_cosine(vectors: npt.NDArray[np.float32], total: Floats) -> float:
    """Mean over all pairs of different members: the squared length of the sum, less the members' own."""
    n = len(vectors)
    own = float(np.einsum("ij,ij->i", vectors, vectors).sum(dtype=np.float64))
    return (float(total @ total) - own) / (n * (n - 1)) if n > 1 else 1.0


def _tabulate(rows: list[tuple[int, float, str, list[str], float]]) -> pd.DataFrame:
    clusters = pd.DataFrame(rows, columns=["size", "share", "medoid", "examples", "mean_similarity"])
    clusters.index = pd.RangeIndex(len(rows), name="cluster")
    return clusters.astype({"size": np.int64, "share": float, "medoid": TEXT, "mean_similarity": float})


def _as_text_index(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"image_id": TEXT}).set_index("image_id")


def _mix_labels(labels: Labels, given_labels: Sequence[object]) -> pd.DataFrame:
    """Say which of the user's labels each cluster is made of, in shares of its labeled members."""
    given = pd.DataFrame({"cluster": labels, "label": pd.Series(list(given_labels), dtype=object)}).dropna()
    given["label"] = given["label"].map(str)
    counts = given.groupby(["cluster", "label"]).size().rename("n").reset_index()
    counts = counts.sort_values(["cluster", "n", "label"], ascending=[True, False, True])
    rows = {number: _mix_one(group["label"], group["n"]) for number, group in counts.groupby("cluster")}
    columns = ["label_mix", "top_label", "top_label_share"]
    mixes = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return mixes.astype({"label_mix": TEXT, "top_label": TEXT, "top_label_share": float})


def _mix_one(names: pd.Series, counts: pd.Series) -> tuple[str, str, float]:
    shares = counts.to_numpy() / counts.sum()
    shown = [f"{name} {100 * share:.0f} %" for name, share in zip(names[:3], shares[:3], strict=True)]
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return ", ".join(shown + more), str(names.iloc[0]), float(shares[0])
