"""Similar images as nodes and edges: images with the same vector or the same pixels share a node.

The graph knows only the nearest few of each node. So connected sets are compared in full, the smaller ones first, as
long as PAIRS_PER_NODE last; in larger sets, one node after the other that stays is compared with all that are left.
The number of comparisons thus grows with that of nodes, not with its square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT

#: A connected set of more nodes is never compared in full.
MAX_COMPLETED = 1000
#: Comparisons for each node on the average, and in any case so many: one set of MAX_COMPLETED.
PAIRS_PER_NODE = 50
LEAST_PAIRS = 500_000

IntArray = npt.NDArray[np.int64]
Score = Callable[[IntArray, IntArray], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Copies:
    """The images to compare, in order, an entry each.

    Attributes
    ----------
    image_ids : sequence of str
    rows : int array
        Row of the distinct vector of each image.
    files, pixels : int array
        The same number for images with the same content, and for images with the same decoded picture; those with
        the same content have the same picture.
    rank : int array
        Order in which images are kept: 0 first.
    """

    image_ids: Sequence[str]
    rows: IntArray
    files: IntArray
    pixels: IntArray
    rank: IntArray

    @cached_property
    def ids(self) -> pd.Index:
        """The ids as text, to take from by position."""
        ids: pd.Index = pd.Index(list(self.image_ids), dtype=TEXT)
        return ids

    @cached_property
    def nodes(self) -> IntArray:
        """The node of each image: images with the same vector or the same pixels share one."""
        n_rows, n_pixels = (int(values.max(initial=-1)) + 1 for values in (self.rows, self.pixels))
        labels = label_connected(n_rows + n_pixels, self.rows, n_rows + self.pixels)
        return np.unique(labels[self.rows], return_inverse=True)[1].astype(np.int64)

    @cached_property
    def node_rank(self) -> IntArray:
        """The lowest rank among the images of each node."""
        rank = np.full(int(self.nodes.max(initial=-1)) + 1, len(self.rank), dtype=np.int64)
        np.minimum.at(rank, self.nodes, self.rank)
        return rank

    @cached_property
    def first_row(self) -> IntArray:
        """The row that stands for each node: that of its image of the lowest rank."""
        order = np.lexsort((self.rank, self.nodes))
        firsts = np.flatnonzero(np.diff(self.nodes[order], prepend=-1))
        return self.rows[order[firsts]]


@dataclass(frozen=True)
class Edges:
    """Similar nodes: a < b, each pair once."""

    a: IntArray
    b: IntArray
    similarity: npt.NDArray[np.float32]

    @classmethod
    def of_graph(cls, copies: Copies, indices: npt.NDArray[np.int32], score: Score, least: float) -> Edges:
        """Return the edges of a neighbor graph that are at least *least* similar."""
        node_of_row = np.zeros(len(indices), dtype=np.int64)
        node_of_row[copies.rows] = copies.nodes
        a = np.repeat(np.arange(len(indices), dtype=np.int64), indices.shape[1])
        b = indices.ravel().astype(np.int64)
        a, b = a[b >= 0], b[b >= 0]
        a, b = np.minimum(a, b), np.maximum(a, b)
        keep = np.unique(a * len(indices) + b, return_index=True)[1]
        found = cls(a[keep], b[keep], score(a[keep], b[keep])).at_least(least)
        return cls(node_of_row[found.a], node_of_row[found.b], found.similarity).once()

    def at_least(self, least: float) -> Edges:
        """Return those that are similar enough."""
        good = self.similarity >= least
        return Edges(self.a[good], self.b[good], self.similarity[good])

    def joined(self, *others: Edges) -> Edges:
        """Return these edges and others, each pair once."""
        return Edges(
            np.concatenate([self.a, *(other.a for other in others)]),
            np.concatenate([self.b, *(other.b for other in others)]),
            np.concatenate([self.similarity, *(other.similarity for other in others)]),
        ).once()

    def completed(
        self, copies: Copies, sets: IntArray, score: Score, least: float, *, larger_than: int, at_most: int
    ) -> Edges:
        """Compare connected *sets* of such sizes in full, and in still larger ones all with those that stay."""
        a, b = pairs_within(sets, larger_than=larger_than, at_most=at_most)
        new = ~np.isin(a * len(sets) + b, self.a * len(sets) + self.b)
        whole = self.joined(score_nodes(copies, score, a[new], b[new]).at_least(least))
        return whole.joined(*self._starred(copies, sets, at_most, score, least))

    def _starred(self, copies: Copies, sets: IntArray, at_most: int, score: Score, least: float) -> list[Edges]:
        """Return the edges of the first nodes that stay, up to PAIRS_PER_NODE in each set of more than *at_most*."""
        is_large = (np.bincount(sets) > at_most)[sets]
        inside = is_large[self.a]
        a, b = self.a[inside], self.b[inside]
        found = []
        left = np.flatnonzero(is_large)
        left = left[np.lexsort((copies.node_rank[left], sets[left]))]
        for _ in range(PAIRS_PER_NODE):
            is_first = np.diff(sets[left], prepend=-1) != 0
            if is_first.all():
                break
            stays = left[is_first][np.cumsum(is_first) - 1][~is_first]
            stars = score_nodes(copies, score, stays, left[~is_first]).at_least(least)
            found.append(stars)
            is_center, is_taken = np.zeros((2, len(sets)), dtype=bool)
            is_center[left[is_first]] = is_taken[left[is_first]] = is_taken[stars.b] = True
            is_taken[b[is_center[a]]] = is_taken[a[is_center[b]]] = True  # several rows of a node may be nearer
            left = left[~is_taken[left]]
        return found

    def once(self) -> Edges:
        """Keep the best of edges between the same two nodes, and none of a node with itself."""
        a, b = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        order = np.lexsort((-self.similarity, b, a))
        order = order[a[order] != b[order]]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)
        return Edges(a[order[first]], b[order[first]], self.similarity[order[first]])

    def components(self, n_nodes: int) -> IntArray:
        """Return a number for each node, the same for those that are connected."""
        return label_connected(n_nodes, self.a, self.b)


def label_connected(n: int, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> IntArray:
    """Return a number for each of *n* things, the same for those that links from ``a[i]`` to ``b[i]`` connect.

    Numbers go from 0 on, in the order in which they first occur.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.edges import label_connected
    >>> label_connected(5, np.array([0, 3]), np.array([3, 4])).tolist()
    [0, 1, 2, 0, 0]
    """
    first = np.arange(n, dtype=np.int64)  # the first thing that each is known to be connected with
    while len(a):
        low, high = np.minimum(first[a], first[b]), np.maximum(first[a], first[b])
        np.minimum.at(first, high, low)
        while (further := first[first]).sum() < first.sum():
            first = further
        apart = first[a] != first[b]
        a, b = a[apart], b[apart]
    return np.unique(first, return_inverse=True)[1].astype(np.int64)


def largest_in_full(sets: IntArray, *, larger_than: int = 1) -> int:
    """Return up to which size all sets can be compared in full; those of up to *larger_than* cost nothing.

    Parameters
    ----------
    sets : int array of shape (n_nodes,)
        The set of each node.
    larger_than : int, default 1
        Up to this size, sets are known already.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.edges import largest_in_full
    >>> largest_in_full(np.repeat([0, 1], 500)), largest_in_full(np.repeat([0, 1, 2], [800, 800, 5]))
    (1000, 799)
    """
    sizes, n_sets = np.unique(np.bincount(sets), return_counts=True)
    costs = np.cumsum(np.where(sizes > larger_than, n_sets * (sizes * (sizes - 1) // 2), 0))
    too_large = sizes[costs > max(LEAST_PAIRS, PAIRS_PER_NODE * len(sets))]
    return min(MAX_COMPLETED, int(too_large[0]) - 1) if len(too_large) else MAX_COMPLETED


def pairs_within(labels: IntArray, *, at_most: int, larger_than: int = 1) -> tuple[IntArray, IntArray]:
    """Return all pairs of members of each set of more than *larger_than* and up to *at_most*."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    a, b = pairs_of_sets(order, starts, np.where(sizes > larger_than, sizes, 0), at_most=at_most)
    return np.minimum(a, b), np.maximum(a, b)


def pairs_of_sets(order: IntArray, starts: IntArray, sizes: IntArray, *, at_most: int) -> IntArray:
    """Return all pairs (2, n_pairs) of members of each set of up to *at_most*, the sets of one size at a time."""
    found = [np.empty((2, 0), dtype=np.int64)]
    chosen = np.flatnonzero((sizes > 1) & (sizes <= at_most))
    for size in np.unique(sizes[chosen]):
        sets = order[starts[chosen[sizes[chosen] == size]][:, None] + np.arange(size)]
        found.append(sets[:, np.array(np.triu_indices(size, 1))].swapaxes(0, 1).reshape(2, -1))
    return np.concatenate(found, axis=1)


def score_nodes(copies: Copies, score: Score, a: IntArray, b: IntArray) -> Edges:
    """Return edges with the similarity of the rows that stand for two nodes."""
    return Edges(a, b, score(copies.first_row[a], copies.first_row[b]))
