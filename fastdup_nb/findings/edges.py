"""Similar images as nodes and edges: images with the same vector or the same pixels share a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT

#: A connected set of nodes up to this size is compared in full, beyond the edges of the graph.
MAX_COMPLETED = 1000

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

    def joined(self, other: Edges) -> Edges:
        """Return these edges and others, each pair once."""
        return Edges(
            np.concatenate([self.a, other.a]),
            np.concatenate([self.b, other.b]),
            np.concatenate([self.similarity, other.similarity]),
        ).once()

    def completed(self, copies: Copies, score: Score, least: float, *, n_neighbors: int) -> Edges:
        """Compare in full the connected sets that may be larger than the neighbors of one node can tell."""
        a, b = pairs_within(self.components(len(copies.first_row)), larger_than=n_neighbors)
        new = ~np.isin(a * len(copies.first_row) + b, self.a * len(copies.first_row) + self.b)
        return self.joined(score_nodes(copies, score, a[new], b[new]).at_least(least))

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


def pairs_within(labels: IntArray, *, larger_than: int) -> tuple[IntArray, IntArray]:
    """Return all pairs of members of each set of more than *larger_than* and at most MAX_COMPLETED."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    a, b = pairs_of_sets(order, starts, np.where(sizes > larger_than, sizes, 0), at_most=MAX_COMPLETED)
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
