"""What a user judged of pairs, applied to a search for duplicates.

Verdicts are on contents, so on files as ``Copies.files`` numbers them. A node that holds a file of a rejected pair is
split: that file becomes a node of its own (each copy of it where copies of one file were judged apart), linked at
similarity 1 to what is left of the node. Then no edge joins a rejected pair, and no group may hold one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .edges import Copies, Edges, IntArray, Score, score_nodes

#: Of more copies of one file that were judged apart, only the pairs with the first copy are listed.
MAX_LISTED = 100


@dataclass(frozen=True)
class Verdicts:
    """Pairs of file numbers, (n, 2): those that are no duplicates, and those that are."""

    rejected: IntArray
    same: IntArray

    def applied(self, copies: Copies, edges: Edges, score: Score, least: float) -> Judged:
        """Return nodes and edges on which the verdicts hold."""
        split, base = _split_nodes(copies, self.rejected)
        rejected, n_left_out = _list_rejected(copies, self.rejected, score, least)
        apart = _apart(split, self.rejected)
        edges = _expand(edges, base).joined(_within_nodes(base, _own_nodes(split, self.rejected)))
        edges = edges.joined(_same_edges(split, self.same, score))
        is_free = [b not in apart.get(a, ()) for a, b in zip(edges.a.tolist(), edges.b.tolist(), strict=True)]
        free = np.array(is_free, dtype=bool)
        edges = Edges(edges.a[free], edges.b[free], edges.similarity[free])
        return Judged(split, edges, apart, rejected, n_left_out)


@dataclass(frozen=True)
class Judged:
    """Nodes and edges after the verdicts.

    Attributes
    ----------
    apart : mapping of int to set of int
        The nodes that each node may not be in a group with.
    rejected : DataFrame
        Rejected pairs that would have been found: positions ``a`` < ``b``, ``similarity`` and ``tier`` (its number).
    n_by_tier : tuple of int
        Number of all of them, listed or not, by tier.
    """

    copies: Copies
    edges: Edges
    apart: Mapping[int, set[int]]
    rejected: pd.DataFrame
    n_by_tier: tuple[int, int, int]

    def counted(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return the numbers of pairs by tier, in which identical ones were counted as if none was rejected."""
        n_files, n_pixels, _ = self.n_by_tier
        changes = (-n_files, -n_pixels, n_files + n_pixels)
        return {tier: n + change for (tier, n), change in zip(counts.items(), changes, strict=True)}


def keep_apart(center: int, near: IntArray, apart: Mapping[int, set[int]]) -> IntArray:
    """Return those of *near*, first come first served, that may be in one group with the center and each other."""
    taken = {center}
    for node in near.tolist():
        if apart.get(node, set()).isdisjoint(taken):
            taken.add(node)
    return np.array(sorted(taken - {center}), dtype=np.int64)


def _split_nodes(copies: Copies, rejected: IntArray) -> tuple[Copies, IntArray]:
    """Return copies with rejected files in nodes of their own, and the node each new node was part of."""
    alone = np.isin(copies.files, rejected.ravel())
    each = np.isin(copies.files, rejected[rejected[:, 0] == rejected[:, 1], 0])
    n_files = int(copies.files.max(initial=-1)) + 1
    part = np.where(alone, copies.files + 1, 0)
    part[each] = n_files + 1 + np.flatnonzero(each)
    keys = copies.nodes * (n_files + len(part) + 2) + part
    _, firsts, nodes = np.unique(keys, return_index=True, return_inverse=True)
    split = Copies(copies.image_ids, copies.rows, copies.files, copies.pixels, copies.rank)
    split.__dict__["nodes"] = nodes.astype(np.int64)  # in place of those that would be worked out
    return split, copies.nodes[firsts]


def _nodes_of_files(copies: Copies, files: IntArray) -> dict[int, list[int]]:
    """Return the nodes that hold each of some files."""
    found: dict[int, dict[int, None]] = {}
    for i in np.flatnonzero(np.isin(copies.files, files)).tolist():
        found.setdefault(int(copies.files[i]), {})[int(copies.nodes[i])] = None
    return {file: list(nodes) for file, nodes in found.items()}


def _own_nodes(copies: Copies, rejected: IntArray) -> IntArray:
    return np.unique(copies.nodes[np.isin(copies.files, rejected.ravel())])


def _apart(copies: Copies, rejected: IntArray) -> dict[int, set[int]]:
    nodes_of = _nodes_of_files(copies, rejected.ravel())
    apart: dict[int, set[int]] = {}
    is_self = rejected[:, 0] == rejected[:, 1]
    for file in rejected[is_self, 0].tolist():
        shared = set(nodes_of.get(file, ()))
        apart.update(dict.fromkeys(shared, shared))
    for one, other in rejected[~is_self].tolist():
        for here, there in ((one, other), (other, one)):
            for node in nodes_of.get(here, ()):
                apart[node] = apart.get(node, set()) | set(nodes_of.get(there, ()))
    return apart


def _expand(edges: Edges, base: IntArray) -> Edges:
    """Return edges between the parts of nodes where there were edges between the nodes."""
    order = np.argsort(base, kind="stable")
    sizes = np.bincount(base)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    n_a, n_b = sizes[edges.a], sizes[edges.b]
    edge = np.repeat(np.arange(len(edges.a)), n_a * n_b)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(n_a * n_b) - n_a * n_b, n_a * n_b)
    a = order[starts[edges.a[edge]] + place // n_b[edge]]
    b = order[starts[edges.b[edge]] + place % n_b[edge]]
    return Edges(a, b, edges.similarity[edge]).once()


def _within_nodes(base: IntArray, own: IntArray) -> Edges:
    """Return edges at similarity 1 between each split-off part and the other parts of the node it was in."""
    parts: dict[int, list[int]] = {}
    wanted = set(base[own].tolist())
    for node, origin in enumerate(base.tolist()):
        if origin in wanted:
            parts.setdefault(origin, []).append(node)
    split = set(own.tolist())
    pairs = [(node, other) for nodes in parts.values() for node in nodes if node in split for other in nodes]
    a, b = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Edges(a, b, np.ones(len(a), dtype=np.float32)).once()


def _same_edges(copies: Copies, same: IntArray, score: Score) -> Edges:
    """Return edges between files judged the same, with their real similarity."""
    nodes_of = _nodes_of_files(copies, same.ravel())
    pairs = [(a, b) for one, other in same.tolist() for a in nodes_of.get(one, ()) for b in nodes_of.get(other, ())]
    a, b = np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2).T
    return score_nodes(copies, score, np.minimum(a, b), np.maximum(a, b))


def _list_rejected(
    copies: Copies, rejected: IntArray, score: Score, least: float
) -> tuple[pd.DataFrame, tuple[int, int, int]]:
    """Return the rejected pairs of images that are similar enough to be found, and how many of each tier there are."""
    a, b = _pairs_of_images(copies, rejected)
    tier = np.full(len(a), 2, dtype=np.int8)
    tier[copies.pixels[a] == copies.pixels[b]] = 1
    tier[copies.files[a] == copies.files[b]] = 0
    similarity = np.ones(len(a), dtype=np.float32)
    apart = copies.nodes[a] != copies.nodes[b]
    similarity[apart] = score(copies.rows[a[apart]], copies.rows[b[apart]])
    found = similarity >= least
    table = pd.DataFrame({"a": a[found], "b": b[found], "similarity": similarity[found], "tier": tier[found]})
    return table, _count_rejected(copies, rejected, table)


def _count_rejected(copies: Copies, rejected: IntArray, table: pd.DataFrame) -> tuple[int, int, int]:
    sizes = np.bincount(copies.files)
    own = sizes[rejected[rejected[:, 0] == rejected[:, 1], 0]]
    n_pixels, n_near = (int((table["tier"] == tier).sum()) for tier in (1, 2))
    return int((own * (own - 1) // 2).sum()), n_pixels, n_near


def _pairs_of_images(copies: Copies, rejected: IntArray) -> tuple[IntArray, IntArray]:
    """Return the positions a < b of the images of rejected files."""
    images: dict[int, npt.NDArray[np.int64]] = {
        file: np.flatnonzero(copies.files == file) for file in np.unique(rejected).tolist()
    }
    found = [np.empty((2, 0), dtype=np.int64)]
    for one, other in rejected.tolist():
        if one != other:
            found.append(np.array(np.meshgrid(images[one], images[other])).reshape(2, -1))
        elif len(images[one]) <= MAX_LISTED:
            found.append(images[one][np.array(np.triu_indices(len(images[one]), 1))])
        else:
            found.append(np.stack([np.full(len(images[one]) - 1, images[one][0]), images[one][1:]]))
    a, b = np.concatenate(found, axis=1)
    return np.minimum(a, b), np.maximum(a, b)


def number_verdicts(judged: Mapping[tuple[str, str], str], file_of: Mapping[str | None, int]) -> Verdicts | None:
    """Return verdicts on pairs of digests as verdicts on files, None where none is on two files that are there."""
    found: dict[str, list[tuple[int, int]]] = {"not duplicates": [], "same": []}
    for (one, other), verdict in judged.items():
        if one in file_of and other in file_of:
            found[verdict].append((file_of[one], file_of[other]))
    if not any(found.values()):
        return None
    rejected, same = (np.array(pairs, dtype=np.int64).reshape(-1, 2) for pairs in found.values())
    return Verdicts(rejected, same)
