"""Which images have a twin in another split, or in another dataset.

An image is searched for in other splits by itself, exactly: a neighbor graph of the whole would not do, since an image
with many twins in its own split has no neighbor left in another. The images of a split ask all larger ones at once, and
the search of each widens until the later half of what it finds is no longer alike. What is connected by twins is then
compared in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from ..graph import NeighborGraph, search
from ._cells import Cells
from .duplicates import MAX_LISTED_COPIES, MAX_LISTED_PAIRS, TIERS
from .edges import Copies, Edges, IntArray, Score, label_connected, largest_in_full, pairs_within, score_nodes
from .keeping import SAME_PIXELS_DISTANCE
from .verdicts import Verdicts

#: Neighbors that an image asks another split for at first, and at most.
FIRST_NEIGHBORS = 32
MOST_NEIGHBORS = 2048
_FACTOR = 4
_CANDIDATES = 1 << 21  # pairs looked at together, to spare memory
SUMMARY = {
    "split_a": TEXT, "split_b": TEXT, "n_images_a": "int64", "n_images_b": "int64", "leaked_a": "int64",
    "leaked_b": "int64", "share_a": "float64", "share_b": "float64", "pairs": "int64",
    **dict.fromkeys(TIERS, "int64"), "label_conflicts": "int64",
}  # fmt: skip
"""The columns of ``Leaks.summary``, with their dtypes."""


@dataclass(frozen=True)
class Links:
    """Pairs of rows (distinct vectors) of two sides that are alike, or near enough to have the same pixels."""

    a: IntArray
    b: IntArray
    similarity: npt.NDArray[np.float32]
    distance: npt.NDArray[np.float32]

    @property
    def near(self) -> tuple[IntArray, IntArray, npt.NDArray[np.float32]]:
        """The pairs near enough to have the same pixels, and their distance."""
        chosen = self.distance <= SAME_PIXELS_DISTANCE
        return self.a[chosen], self.b[chosen], self.distance[chosen]

    def joined(self, other: Links) -> Links:
        """Return these pairs and others."""
        return Links(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__dict__))


@dataclass(frozen=True)
class LeakTables:
    """The tables of a search for leaks; see ``results.Leaks`` for what they are.

    Attributes
    ----------
    links : int array of shape (n, 2)
        Positions of images that connect as ``pairs`` do, without all pairs of many copies.
    touched : bool array of shape (n_images, n_sides)
        Whether an image has a twin on a side that is not its own.
    n_twins : int array of shape (n_images,)
        Number of its twins on other sides.
    n_rejected : int
        Pairs left out, as they were judged "not duplicates".
    """

    pairs: pd.DataFrame
    summary: pd.DataFrame
    links: IntArray
    touched: npt.NDArray[np.bool_]
    n_twins: IntArray
    n_rejected: int


def link_sides(
    vectors: npt.NDArray[np.float32],
    rows: IntArray,
    sides: IntArray,
    score: Score,
    *,
    min_similarity: float,
    n_jobs: int = -1,
) -> Links:
    """Return the pairs of distinct vectors of two different sides that are alike.

    Parameters
    ----------
    vectors : float32 array of shape (n_rows, n_features)
        Distinct vectors, L2-normalized.
    rows : int array of shape (n_images,)
        The vector of each image.
    sides : int array of shape (n_images,)
        The side (split) of each image, -1 for none.
    score : callable
        Similarity in [0, 1] of rows *a* and rows *b*.
    min_similarity : float
        Least similarity of a pair.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.

    Returns
    -------
    Links
        Each pair once. Of an image with more than MOST_NEIGHBORS twins in a split, at least these.
    """
    found = [np.empty((4, 0))]
    of_side = [np.unique(rows[sides == side]) for side in range(int(sides.max(initial=-1)) + 1)]
    of_side.sort(key=len)
    is_even = len(of_side) == 2 and len(of_side[0]) == len(of_side[1])

    def ask(asking: IntArray, asked: IntArray) -> bool:
        pairs, is_whole = _search_widely(vectors, asking, asked, score, min_similarity, n_jobs)
        found.append(pairs)
        return is_whole

    for place, small in enumerate(of_side[:-1], start=1):
        is_whole = ask(small, np.unique(np.concatenate(of_side[place:])))
        if is_even or not is_whole:  # of two equals both ask, so that their order cannot matter
            for large in of_side[place:]:
                if len(of_side) > 2:
                    ask(small, large)
                ask(large, small)
    a, b, similarity, distance = np.concatenate(found, axis=1)
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    keep = np.unique(low * len(vectors) + high, return_index=True)[1]
    return Links(low[keep], high[keep], similarity[keep].astype(np.float32), distance[keep].astype(np.float32))


def link_graph(
    graph: NeighborGraph | None, turned: npt.NDArray[np.int32], score: Score, *, min_similarity: float
) -> Links:
    """Return the pairs of a neighbor graph, and of rows and those *turned*, that are alike, of whatever side they are.

    Pictures of one side can connect those of two.
    """
    indices, distances = turned, np.full(turned.shape, np.inf, dtype=np.float32)  # which is not asked of these
    if graph is not None:
        indices, distances = np.hstack([graph.indices, indices]), np.hstack([graph.distances, distances])
    rows, ranks = np.nonzero(indices >= 0)
    others = indices[rows, ranks].astype(np.int64)
    a, b = np.minimum(rows, others), np.maximum(rows, others)
    order = np.lexsort((distances[rows, ranks], b, a))
    keep = order[np.unique((a * len(indices) + b)[order], return_index=True)[1]]
    similarity, distance = score(a[keep], b[keep]), distances[rows, ranks][keep]
    alike = (similarity >= min_similarity) | (distance <= SAME_PIXELS_DISTANCE)
    return Links(a[keep][alike], b[keep][alike], similarity[alike], distance[alike])


def find_leaks(
    copies: Copies,
    sides: IntArray,
    names: Sequence[str],
    links: Links,
    score: Score,
    *,
    min_similarity: float,
    labels: Sequence[object] | None = None,
    verdicts: Verdicts | None = None,
) -> LeakTables:
    """Return the pairs of images of two different sides that are at least *min_similarity* similar.

    Parameters
    ----------
    copies : Copies
        All images, without broken ones; those with the same vector, pixels or content are twins whatever *links* says.
    sides : int array of shape (n_images,)
        The side (split) of each image, a place in *names*, or -1 for none.
    names : sequence of str
        What the sides are called.
    links : Links
        Of ``link_sides``; with those of ``link_graph``, every pair that ``find_duplicates`` finds is among them.
    score : callable
        Similarity in [0, 1] of rows *a* and rows *b*.
    min_similarity : float
        Bound for the tier ``near``.
    labels : sequence of str or None, optional
        The label of each image.
    verdicts : Verdicts, optional
        Pairs that a user judged: what is rejected is no pair, what is the same is one.
    """
    edges = link_nodes(copies, links, min_similarity)
    edges = _complete(copies, sides, edges, score, min_similarity)
    n_rejected = 0
    if verdicts is not None:
        judged = verdicts.applied(copies, edges, score, min_similarity)
        copies, edges = judged.copies, judged.edges
        n_rejected = _count_across(sides, judged.rejected)
    cells = Cells.of(copies, sides, len(names))
    a, b, similarity = cells.pair(edges)
    at_most = MAX_LISTED_COPIES if cells.n_pairs(a, b).sum() > MAX_LISTED_PAIRS else len(sides)
    pairs, x, y = _list_pairs(copies, *cells.expand(a, b, similarity, at_most))
    told = _tell_sides(pairs, sides, names, labels, x, y)
    touched = cells.touch(a, b, len(names))
    counts = _count_listed(pairs, sides, x, y, len(names))
    if at_most < len(sides):
        counts = _count_all(copies, cells, a, b, len(names))
    return LeakTables(
        pairs=told,
        summary=_summarize(
            sides, names, touched, counts, told["labels_differ"].to_numpy(dtype=bool), sides[x], sides[y]
        ),
        links=cells.links(a, b),
        touched=touched,
        n_twins=cells.count_twins(a, b),
        n_rejected=n_rejected,
    )


def join_linked(n_images: int, nodes: IntArray, links: IntArray, groups: Sequence[IntArray] = ()) -> IntArray:
    """Return a number for each image, the same for those that are connected.

    Parameters
    ----------
    n_images : int
    nodes : int array of shape (n_images,)
        Images with the same number are connected.
    links : int array of shape (n, 2)
        Positions of images that are connected.
    groups : sequence of int arrays of shape (n_images,)
        In each, images with the same number are connected; those with -1 are not.
    """
    ends, offset = [np.asarray(links, dtype=np.int64).reshape(-1, 2)], n_images
    for numbers in (nodes, *groups):
        known = np.flatnonzero(numbers >= 0)
        ends.append(np.column_stack([known, numbers[known] + offset]))
        offset += int(numbers.max(initial=-1)) + 1
    a, b = np.concatenate(ends).T
    return np.unique(label_connected(offset, a, b)[:n_images], return_inverse=True)[1].astype(np.int64)


def _search_widely(  # noqa: PLR0917
    vectors: npt.NDArray[np.float32], asking: IntArray, asked: IntArray, score: Score, least: float, n_jobs: int
) -> tuple[npt.NDArray[np.float64], bool]:
    """Return row, row, similarity and distance of what is alike, and whether that is all of it.

    Rows with many twins are asked again for more neighbors.
    """
    found, base = [np.empty((4, 0))], vectors[asked]
    most = min(MOST_NEIGHBORS, len(asked))
    k = min(FIRST_NEIGHBORS, most)
    while k and len(asking):
        full = []
        for start in range(0, len(asking), max(1, _CANDIDATES // k)):
            part = asking[start : start + max(1, _CANDIDATES // k)]
            pairs, is_full = _ask(vectors[part], part, base, asked, score, least, k, n_jobs)
            found.append(pairs)
            full.append(part[is_full])
        asking = np.concatenate(full)
        if k == most:
            break
        k = min(k * _FACTOR, most)
    return np.concatenate(found, axis=1), k == len(asked) or not len(asking)


def _ask(  # noqa: PLR0917
    queries: npt.NDArray[np.float32], rows: IntArray, base: npt.NDArray[np.float32], of_base: IntArray,
    score: Score, least: float, k: int, n_jobs: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:  # fmt: skip
    """Return the pairs that are alike among the *k* nearest, and whose later half still holds some."""
    indices, distances = search(base, queries, n_neighbors=k, n_jobs=n_jobs)
    a, b, distance = np.repeat(rows, k), of_base[indices.ravel()], distances.ravel()
    similarity = score(np.minimum(a, b), np.maximum(a, b))  # as duplicates are, to the last digit
    alike = (similarity >= least) | (distance <= SAME_PIXELS_DISTANCE)
    is_full = np.asarray(alike.reshape(-1, k)[:, k // 2 :].any(axis=1))
    alike &= a != b
    return np.stack([a[alike], b[alike], similarity[alike], distance[alike]]).astype(np.float64), is_full


def link_nodes(copies: Copies, links: Links, least: float) -> Edges:
    """Return the pairs of rows that are at least *least* similar as edges of nodes."""
    node_of_row = np.zeros(int(copies.rows.max(initial=-1)) + 1, dtype=np.int64)
    node_of_row[copies.rows] = copies.nodes
    good = links.similarity >= least
    return Edges(node_of_row[links.a[good]], node_of_row[links.b[good]], links.similarity[good]).once()


def _complete(copies: Copies, sides: IntArray, edges: Edges, score: Score, least: float) -> Edges:
    """Compare in full what is connected, the smaller sets first: a twin may be far down the list of neighbors."""
    n_nodes = len(copies.first_row)
    sets = edges.components(n_nodes)
    a, b = pairs_within(sets, larger_than=2, at_most=largest_in_full(sets, larger_than=2))
    first, last = np.full(n_nodes, len(sides)), np.full(n_nodes, -1)
    np.minimum.at(first, copies.nodes, sides)
    np.maximum.at(last, copies.nodes, sides)
    is_one = (first[a] == last[a]) & (first[b] == last[b]) & (first[a] == first[b])
    new = ~is_one & ~np.isin(a * n_nodes + b, edges.a * n_nodes + edges.b)
    return edges.joined(score_nodes(copies, score, a[new], b[new]).at_least(least))


def _count_across(sides: IntArray, rejected: pd.DataFrame) -> int:
    a, b = (sides[rejected[name].to_numpy(dtype=np.int64)] for name in ("a", "b"))
    return int(((a != b) & (a >= 0) & (b >= 0)).sum())


def _list_pairs(
    copies: Copies, x: IntArray, y: IntArray, similarity: npt.NDArray[np.float32]
) -> tuple[pd.DataFrame, IntArray, IntArray]:
    """Return the table of pairs of images, best first, and their positions in that order."""
    tier = np.full(len(x), 2, dtype=np.int8)
    tier[copies.pixels[x] == copies.pixels[y]] = 1
    tier[copies.files[x] == copies.files[y]] = 0
    order = np.lexsort((y, x, -similarity, tier))
    x, y = x[order], y[order]
    table = pd.DataFrame({
        "image_id_a": copies.ids.take(x), "image_id_b": copies.ids.take(y), "similarity": similarity[order],
        "tier": pd.Categorical.from_codes(tier[order], categories=pd.Index(TIERS), ordered=True),
    })  # fmt: skip
    return table, x, y


def _tell_sides(  # noqa: PLR0917
    pairs: pd.DataFrame,
    sides: IntArray,
    names: Sequence[str],
    labels: Sequence[object] | None,
    x: IntArray,
    y: IntArray,
) -> pd.DataFrame:
    """Return pairs with the split and the label of both images."""
    called = pd.Series(list(names), dtype=TEXT)
    given = pd.Series([None] * len(sides) if labels is None else list(labels), dtype=object)
    a, b = (given.iloc[at].reset_index(drop=True) for at in (x, y))
    differ = a.notna() & b.notna() & (a != b)
    return pairs.assign(
        split_a=called.iloc[sides[x]].to_numpy(), split_b=called.iloc[sides[y]].to_numpy(),
        label_a=a.astype(TEXT), label_b=b.astype(TEXT), labels_differ=differ.to_numpy(dtype=bool),
    ).astype({"split_a": TEXT, "split_b": TEXT})  # fmt: skip


def _count_listed(pairs: pd.DataFrame, sides: IntArray, x: IntArray, y: IntArray, n_sides: int) -> IntArray:
    """Return the number of pairs of each tier of each two sides, (n_tiers, n_sides, n_sides)."""
    counts = np.zeros((len(TIERS), n_sides, n_sides), dtype=np.int64)
    np.add.at(counts, (pairs["tier"].cat.codes.to_numpy(), sides[x], sides[y]), 1)
    return counts


def _count_all(copies: Copies, cells: Cells, a: IntArray, b: IntArray, n_sides: int) -> IntArray:
    """Return the same without listing them all."""
    total = np.zeros((n_sides, n_sides), dtype=np.int64)
    np.add.at(total, (cells.sides[a], cells.sides[b]), cells.n_pairs(a, b))
    files, pixels = (
        np.triu(cells.count_same(copies.nodes, keys, n_sides), 1) for keys in (copies.files, copies.pixels)
    )
    return np.stack([files, pixels - files, total - pixels])


def _summarize(  # noqa: PLR0917
    sides: IntArray, names: Sequence[str], touched: npt.NDArray[np.bool_], counts: IntArray,
    differ: npt.NDArray[np.bool_], of_x: IntArray, of_y: IntArray,
) -> pd.DataFrame:  # fmt: skip
    """Return a row for each two sides."""
    n_images = np.bincount(sides[sides >= 0], minlength=len(names))
    rows: list[tuple[object, ...]] = []
    for s, t in combinations(range(len(names)), 2):
        leaked = [int(touched[sides == one, other].sum()) for one, other in ((s, t), (t, s))]
        n_a, n_b = int(n_images[s]), int(n_images[t])
        rows.append((names[s], names[t], n_a, n_b, *leaked, leaked[0] / max(n_a, 1), leaked[1] / max(n_b, 1),
                     int(counts[:, s, t].sum()), *counts[:, s, t].tolist(),
                     int((differ & (of_x == s) & (of_y == t)).sum())))  # fmt: skip
    table = pd.DataFrame(rows, columns=list(SUMMARY))
    return table.astype(dict(SUMMARY))
