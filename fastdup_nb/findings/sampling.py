"""A few images for many: greedy choices of rows of an array of vectors, and how well they stand for all.

Two greedy methods, each with a proven bound. ``choose_covering`` leaves no image far from a chosen one;
``choose_representative`` makes images on average as similar as can be to a chosen one. A sample is drawn in parts (a
label with a quota, a cluster, or simply all): each part gets its number of images and is chosen from by itself, and the
choices of all parts are put in one order by what each image adds.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._facility import choose_representative

__all__ = [
    "METHODS",
    "Candidates",
    "Choice",
    "Parts",
    "allot",
    "choose",
    "choose_covering",
    "choose_representative",
    "find_candidates",
]

METHODS = ("representative", "coverage", "diverse per cluster", "stratified", "random")

Flags = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
Choice = tuple[IntArray, FloatArray]
"""Rows in order of choice, and what each added by the measure of the method; it never rises within one part."""

_MOST_COLUMNS = 64


@dataclass(frozen=True, eq=False)
class Parts:
    """What a sample is drawn from, part by part.

    Attributes
    ----------
    of_row : int64 array of shape (n_rows,)
        The part each row is in, from 0 on; -1 for rows that are not to be chosen.
    sizes : sequence of int
        How many images to choose from each part; no more than it has are chosen.
    """

    of_row: IntArray
    sizes: Sequence[int]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Positions of the images to choose from, in order, and for each reason the number of those left out by it."""

    positions: IntArray
    n_left_out: Mapping[str, int]


def find_candidates(
    included: IntArray, left_out: Mapping[str, npt.NDArray[np.bool_]], group: IntArray, is_kept: npt.NDArray[np.bool_]
) -> Candidates:
    """Return the images that a sample may be drawn from.

    Parameters
    ----------
    included : int64 array
        Positions of the images that must be in. They are candidates whatever else is said of them, and other members
        of their groups are not.
    left_out : mapping of str to bool array of shape (n_images,)
        Images not to choose, by the reason; an image counts for the first reason that holds.
    group : int64 array of shape (n_images,)
        The group of duplicates that each image is in, -1 for none. Of a group one image is a candidate.
    is_kept : bool array of shape (n_images,)
        Members of a group that are preferred; otherwise it is the first.
    """
    must = np.zeros(len(group), dtype=np.bool_)
    must[included] = True
    free, counts = np.ones(len(group), dtype=np.bool_), {}
    for reason, flags in left_out.items():
        hit = flags & free & ~must
        counts[reason] = int(hit.sum())
        free &= ~hit
    is_copy = free & ~must & (group >= 0)
    order = np.lexsort((np.arange(len(group)), ~is_kept, ~must))
    members = order[(group[order] >= 0) & (free | must)[order]]
    is_copy[members[np.unique(group[members], return_index=True)[1]]] = False
    counts["duplicate"] = int(is_copy.sum())
    return Candidates(np.flatnonzero((free & ~is_copy) | must), counts)


def choose(
    vectors: FloatArray,
    parts: Parts,
    *,
    method: str,
    included: Sequence[int] = (),
    groups: IntArray | None = None,
    random_state: int = 0,
) -> IntArray:
    """Return rows of *vectors* in order of choice, those *included* first.

    Parameters
    ----------
    vectors : float32 array of shape (n_rows, n_features)
        Of length 1, a row per image that may be chosen.
    parts : Parts
        How many to choose from where, *included* ones not counted.
    method : str
        One of ``METHODS``.
    included : sequence of int
        Rows that are in from the start; they count as chosen for all that follow.
    groups : int64 array of shape (n_rows,), optional
        The group of each row: clusters for ``"diverse per cluster"``, labels for ``"stratified"``. One group of all by
        default.
    random_state : int, default 0
        Seed of ``"stratified"`` and ``"random"``; the other methods leave nothing to chance.
    """
    keys = np.random.default_rng(random_state).random(len(vectors), dtype=np.float32)
    taken = np.asarray(included, dtype=np.int64)
    free = np.ones(len(vectors), dtype=np.bool_)
    free[taken] = False
    groups = np.zeros(len(vectors), dtype=np.int64) if groups is None else groups
    chosen: list[Choice] = []
    for part, n in enumerate(parts.sizes):
        inside = parts.of_row == part
        for rows, n_rows in _split(groups, inside, free, n, method):
            chosen.append(_choose_rows(vectors, rows, n_rows, method, vectors[taken], keys))
    found = np.concatenate([taken[:0], *(rows for rows, _ in chosen)])
    gains = np.concatenate([keys[:0], *(gains for _, gains in chosen)])
    return np.concatenate([taken, found[np.argsort(-gains, kind="stable")]])


def allot(sizes: Sequence[int], n: int, *, already: Sequence[int], evenly: bool) -> list[int]:
    """Return how many of *n* images each group gets beside those it has *already*, at most *sizes*.

    Parameters
    ----------
    sizes : sequence of int
        Images of each group that may still be chosen.
    n : int
        Images to hand out; fewer where there are no more.
    already : sequence of int
        Images of each group that are in from the start.
    evenly : bool
        Whether groups shall be equally large in the sample; in proportion to their size otherwise, rounded by Webster's
        method (the same as Sainte-Laguë's).

    Examples
    --------
    >>> from fastdup_nb.findings.sampling import allot
    >>> allot([90, 9, 1], 10, already=[0, 0, 0], evenly=False)
    [9, 1, 0]
    >>> allot([90, 9, 1], 10, already=[0, 0, 0], evenly=True)
    [5, 4, 1]
    """
    given = [0] * len(sizes)
    whole = [size + had for size, had in zip(sizes, already, strict=True)]

    def turn(group: int) -> tuple[float, int]:
        had = already[group] + given[group]
        return (had if evenly else (2 * had + 1) / whole[group]), group

    waiting = [turn(group) for group, size in enumerate(sizes) if size]
    heapq.heapify(waiting)
    for _ in range(n):
        if not waiting:
            break
        group = heapq.heappop(waiting)[1]
        given[group] += 1
        if given[group] < sizes[group]:
            heapq.heappush(waiting, turn(group))
    return given


def choose_covering(vectors: FloatArray, n: int, *, included: FloatArray | None = None) -> Choice:
    """Choose rows so that no row is far from a chosen one: each time the row farthest from all that are chosen.

    The largest distance of a row to its nearest chosen one is at most twice the least that any choice of *n* could
    have, in Euclidean distance of the unit vectors, sqrt(2 (1 - cosine)); no method that ends in reasonable time does
    better (Gonzalez, 1985; as a choice of training images: Sener and Savarese, 2018). It takes what is strange first.

    Parameters
    ----------
    vectors : float32 array of shape (n_rows, n_features)
        Of length 1.
    n : int
        Rows to choose; all where there are fewer.
    included : float32 array of shape (n_included, n_features), optional
        Vectors that are chosen from the start.

    Returns
    -------
    rows : int64 array
        In order of choice. The first is the one nearest to the mean of all, unless something is *included*.
    gains : float32 array
        Cosine distance of each to the nearest chosen before it; inf for the first.

    Notes
    -----
    Distances to many candidates are one matrix product: to the farthest row and, in advance, to those that follow it.
    The next farthest row is mostly among them, and where it is not, the next product is made. The choice is the same.
    """
    n = min(n, len(vectors))
    nearest = _similarity_to(vectors, included)
    chosen, gains = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.float32)
    columns: dict[int, FloatArray] = {}
    width, n_used = 1, 0
    for i in range(n):
        row = int(np.argmin(nearest)) if i or np.isfinite(nearest).all() else int(np.argmax(vectors @ vectors.mean(0)))
        if row not in columns:
            width = min(_MOST_COLUMNS, len(vectors), max(1, 2 * n_used))
            columns, n_used = _columns_of(vectors, nearest, row, width), 0
        n_used += 1
        chosen[i], gains[i] = row, max(0.0, 1 - nearest[row])
        np.maximum(nearest, columns[row], out=nearest)
        nearest[row] = np.inf
    return chosen, gains


def _similarity_to(vectors: FloatArray, included: FloatArray | None) -> FloatArray:
    """Return the similarity of each row to the nearest of what is included, -inf where there is nothing."""
    nearest = np.full(len(vectors), -np.inf, dtype=np.float32)
    for start in range(0, 0 if included is None else len(included), _MOST_COLUMNS):
        assert included is not None  # noqa: S101 - for the type checker
        np.maximum(nearest, (included[start : start + _MOST_COLUMNS] @ vectors.T).max(axis=0), out=nearest)
    return nearest


def _columns_of(vectors: FloatArray, nearest: FloatArray, row: int, width: int) -> dict[int, FloatArray]:
    """Return the similarities of all rows to *row* and to those that are farthest beside it."""
    far = np.argpartition(nearest, width - 1)[:width]
    rows = np.unique(np.append(far, row))
    return dict(zip(rows.tolist(), vectors[rows] @ vectors.T, strict=True))


def _split(
    groups: IntArray, inside: npt.NDArray[np.bool_], free: npt.NDArray[np.bool_], n: int, method: str
) -> list[tuple[IntArray, int]]:
    """Return the rows to choose from, and how many, for each group that a method treats by itself."""
    if method not in {"diverse per cluster", "stratified"}:
        return [(np.flatnonzero(inside & free), n)]
    n_groups = int(groups.max(initial=-1)) + 1
    sizes = np.bincount(groups[inside & free], minlength=n_groups).tolist()
    already = np.bincount(groups[inside & ~free], minlength=n_groups).tolist()
    numbers = allot(sizes, n, already=already, evenly=method == "diverse per cluster")
    return [(np.flatnonzero(inside & free & (groups == group)), n) for group, n in enumerate(numbers) if n]


def _choose_rows(  # noqa: PLR0917
    vectors: FloatArray, rows: IntArray, n: int, method: str, included: FloatArray, keys: FloatArray
) -> Choice:
    if method in {"random", "stratified"}:
        found = rows[np.argsort(-keys[rows], kind="stable")[:n]]
        return found, keys[found]
    part = vectors if len(rows) == len(vectors) else vectors[rows]
    pick = choose_representative if method == "representative" else choose_covering
    found, gains = pick(part, n, included=included if len(included) else None)
    return rows[found], gains
