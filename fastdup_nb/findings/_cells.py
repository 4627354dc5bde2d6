"""Images of one node and one side, taken together: they have the same twins on the other sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .edges import Copies, Edges, IntArray


@dataclass(frozen=True)
class Cells:
    """Images of one node and one side are a cell: they have the same twins."""

    n_images: int
    order: IntArray  # positions of images, cell by cell
    starts: IntArray
    sizes: IntArray
    nodes: IntArray
    sides: IntArray

    @classmethod
    def of(cls, copies: Copies, sides: IntArray, n_sides: int) -> Cells:
        """Return the cells of all images that are on a side."""
        chosen = np.flatnonzero(sides >= 0)
        keys = copies.nodes[chosen] * max(n_sides, 1) + sides[chosen]
        order = np.argsort(keys, kind="stable")
        cells, starts, sizes = np.unique(keys[order], return_index=True, return_counts=True)
        nodes, of_side = np.divmod(cells, max(n_sides, 1))
        return cls(len(sides), chosen[order], starts, sizes, nodes, of_side)

    def pair(self, edges: Edges) -> tuple[IntArray, IntArray, npt.NDArray[np.float32]]:
        """Return the cells of different sides that belong to one node or to two linked ones; the lower side first."""
        n_nodes = 1 + max(int(self.nodes.max(initial=-1)), int(edges.b.max(initial=-1)))
        itself = np.unique(self.nodes)
        u, v = np.concatenate([itself, edges.a, edges.b]), np.concatenate([itself, edges.b, edges.a])
        similarity = np.concatenate([np.ones(len(itself)), edges.similarity, edges.similarity])
        first = np.searchsorted(self.nodes, np.arange(n_nodes + 1))
        n_u, n_v = np.diff(first)[u], np.diff(first)[v]
        edge, place = _unroll(n_u * n_v)
        a, b = first[u[edge]] + place // n_v[edge], first[v[edge]] + place % n_v[edge]
        keep = self.sides[a] < self.sides[b]
        return a[keep], b[keep], similarity[edge[keep]].astype(np.float32)

    def n_pairs(self, a: IntArray, b: IntArray) -> IntArray:
        """Return the number of pairs of images of each pair of cells."""
        return self.sizes[a] * self.sizes[b]

    def count_twins(self, a: IntArray, b: IntArray) -> IntArray:
        """Return for each image the number of its twins."""
        n_cells = len(self.sizes)
        twins = np.bincount(a, self.sizes[b], n_cells) + np.bincount(b, self.sizes[a], n_cells)
        found = np.zeros(self.n_images, dtype=np.int64)
        found[self.order] = np.repeat(twins.astype(np.int64), self.sizes)
        return found

    def touch(self, a: IntArray, b: IntArray, n_sides: int) -> npt.NDArray[np.bool_]:
        """Return for each image (n_images, n_sides) where it has a twin."""
        touched = np.zeros((len(self.sizes), n_sides), dtype=bool)
        touched[a, self.sides[b]] = touched[b, self.sides[a]] = True
        found = np.zeros((self.n_images, n_sides), dtype=bool)
        found[self.order] = np.repeat(touched, self.sizes, axis=0)
        return found

    def count_same(self, nodes: IntArray, keys: IntArray, n_sides: int) -> IntArray:
        """Return for each two sides the number of pairs of images of one node that have the same key."""
        from scipy.sparse import coo_array

        own = self.order
        groups = np.unique(nodes[own] * (int(keys.max(initial=-1)) + 1) + keys[own], return_inverse=True)[1]
        ones = np.ones(len(own), dtype=np.int64)
        shape = (int(groups.max(initial=-1)) + 1, n_sides)
        held = coo_array((ones, (groups, np.repeat(self.sides, self.sizes))), shape=shape).tocsr()
        return np.asarray((held.T @ held).toarray(), dtype=np.int64)

    def links(self, a: IntArray, b: IntArray) -> IntArray:
        """Return pairs of images that connect all images of paired cells with each other."""
        firsts = self.order[self.starts]
        inside = np.flatnonzero(np.isin(np.arange(len(self.sizes)), np.concatenate([a, b])))
        cell, place = _unroll(self.sizes[inside])
        own = np.column_stack([firsts[inside[cell]], self.order[self.starts[inside[cell]] + place]])
        return np.concatenate([np.column_stack([firsts[a], firsts[b]]), own])

    def expand(
        self, a: IntArray, b: IntArray, similarity: npt.NDArray[np.float32], at_most: int
    ) -> tuple[IntArray, IntArray, npt.NDArray[np.float32]]:
        """Return the pairs of images of paired cells; of a cell with more than *at_most* images only the first."""
        shown = np.where(self.sizes > at_most, 1, self.sizes)
        pair, place = _unroll(shown[a] * shown[b])
        x = self.order[self.starts[a[pair]] + place // shown[b[pair]]]
        y = self.order[self.starts[b[pair]] + place % shown[b[pair]]]
        return x, y, similarity[pair]


def _unroll(counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return for each of *counts* items which count it belongs to, and its place there."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
