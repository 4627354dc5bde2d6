"""Facility location: rows that are together as similar as can be to all rows, chosen by lazy greedy search.

Of many rows, similarities of all to all would neither fit in memory nor be done in time. So the rows are split into
cells of rows that are near each other, and similarity counts within a cell only. The greedy order of all rows is then
the greedy orders of the cells, merged by what each row adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from .._threads import count_processors

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

CELL_SIZE = 4096
_BATCH, _BLOCK = 32, 1024  # rows whose gains are worked out at once: again, and at first
_POWER_STEPS = 8
_MOST_THREADS = 8  # each holds the similarities of a cell, 64 MB of them, and as much again while it works


def choose_representative(
    vectors: FloatArray,
    n: int,
    *,
    included: FloatArray | None = None,
    cell_size: int = CELL_SIZE,
    n_jobs: int = -1,
) -> tuple[IntArray, FloatArray]:
    """Choose rows that stand for all: each time the row that makes all rows most similar to a chosen one.

    What is made large is the sum over all rows of the cosine to the nearest chosen row of the same cell, nothing below
    0 (facility location). The greedy choice reaches at least 1 - 1/e = 63 % of the best that any choice could
    (Nemhauser, Wolsey and Fisher, 1978). Gains are worked out again only where an old one, which can only have been
    larger, would win (lazy greedy; Minoux, 1978): the choice is the same.

    Parameters
    ----------
    vectors : float32 array of shape (n_rows, n_features)
        Of length 1.
    n : int
        Rows to choose; all where there are fewer.
    included : float32 array of shape (n_included, n_features), optional
        Vectors that are chosen from the start.
    cell_size : int, default 4096
        Rows of a cell at most. Up to twice as many rows there is one cell, and the sum is over all pairs. Larger is
        slower: time grows with n_rows times *cell_size*.
    n_jobs : int, default -1
        Cells to work on at once, 8 at most; -1 takes as many as there are processors. The choice is the same.

    Returns
    -------
    rows : int64 array
        In order of choice.
    gains : float32 array
        What each added to the sum; never rising.
    """
    n = min(n, len(vectors))
    cells = split_cells(vectors, cell_size) if len(vectors) > 2 * cell_size else [np.arange(len(vectors))]
    limits = [min(len(cell), 8 + 2 * -(-n * len(cell) // max(1, len(vectors)))) for cell in cells]
    ranked: dict[int, tuple[IntArray, FloatArray]] = {}
    short: Iterable[int] = range(len(cells))
    n_threads = min(_MOST_THREADS, count_processors(n_jobs))
    with ThreadPoolExecutor(n_threads) as pool:
        while True:
            found = pool.map(lambda i: (i, _rank_cell(vectors[cells[i]], limits[i], included)), short)
            ranked.update(found)
            rows, gains, of_cell = _merge(cells, [ranked[i] for i in range(len(cells))], n)
            used = np.bincount(of_cell, minlength=len(cells)).tolist()
            short = [i for i, cell in enumerate(cells) if used[i] == limits[i] < len(cell)]
            if not short:
                return rows, gains
            for i in short:
                limits[i] = min(len(cells[i]), 4 * limits[i])


def split_cells(vectors: FloatArray, size: int) -> list[IntArray]:
    """Return the rows in cells of at most *size*, halved at the median along the direction in which they spread most.

    Principal direction divisive partitioning (Boley, 1998), with halves of equal size.
    """
    waiting, cells = [np.arange(len(vectors), dtype=np.int64)], []
    while waiting:
        rows = waiting.pop()
        if len(rows) <= size:
            cells.append(rows)
            continue
        part = vectors[rows]
        order = np.argsort(part @ _find_direction(part), kind="stable")
        middle = len(rows) // 2
        waiting += [np.sort(rows[order[middle:]]), np.sort(rows[order[:middle]])]
    return cells


def _find_direction(vectors: FloatArray) -> FloatArray:
    """Return the direction in which some of the vectors spread most, by a few steps of the power method."""
    some = vectors[:: max(1, len(vectors) // 4096)]
    centered = some - some.mean(axis=0)
    direction: FloatArray = centered[np.argmax(np.einsum("ij,ij->i", centered, centered))]
    for _ in range(_POWER_STEPS):
        length = float(np.linalg.norm(direction))
        if length < 1e-12:
            break
        direction = centered.T @ (centered @ (direction / np.float32(length)))
    return direction


def _rank_cell(vectors: FloatArray, n: int, included: FloatArray | None) -> tuple[IntArray, FloatArray]:
    """Return the first *n* rows of a cell in greedy order, with their gains."""
    similarity = vectors @ vectors.T
    np.maximum(similarity, 0, out=similarity)
    best = np.zeros(len(vectors), dtype=np.float32)
    if included is not None:
        best = np.maximum(vectors @ included.T, 0).max(axis=1)
    return rank_rows(similarity, n, best)


def rank_rows(
    similarity: FloatArray,
    n: int,
    best: FloatArray,
    *,
    weights: FloatArray | None = None,
    groups: npt.NDArray[np.generic] | None = None,
) -> tuple[IntArray, FloatArray]:
    """Return the first *n* rows in greedy order, with their gains; of equal gains the earlier row wins.

    Parameters
    ----------
    similarity : float32 array of shape (n_rows, n_targets)
        Of each row that may be chosen to each that shall be served.
    n : int
        Rows to choose; fewer where there are no more.
    best : float32 array of shape (n_targets,)
        What each target has from the start, at least 0.
    weights : float32 array of shape (n_targets,), optional
        What each target counts; 1 by default.
    groups : array of shape (n_rows,), optional
        Of rows with the same entry one is chosen at most.
    """
    bounds = np.empty(len(similarity), dtype=np.float32)
    for start in range(0, len(bounds), _BLOCK):
        bounds[start : start + _BLOCK] = _gain(similarity[start : start + _BLOCK], best, weights)
    known_at = np.zeros(len(bounds), dtype=np.int64)  # how many were chosen when a bound was worked out
    chosen, gains = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.float32)
    for i in range(min(n, len(bounds))):
        while known_at[row := int(np.argmax(bounds))] < i:
            next_rows = np.argpartition(-bounds, min(_BATCH, len(bounds)) - 1)[:_BATCH]
            rows = np.append(next_rows[known_at[next_rows] < i], row)  # several at once take hardly longer than one
            bounds[rows] = _gain(similarity[rows], best, weights)
            known_at[rows] = i
        if bounds[row] == -np.inf:
            return chosen[:i], gains[:i]
        chosen[i], gains[i] = row, bounds[row]
        best = np.maximum(best, similarity[row])
        taken = row if groups is None else groups == groups[row]
        bounds[taken], known_at[taken] = -np.inf, len(bounds)
    return chosen[: len(bounds)], gains[: len(bounds)]


def _gain(similarity: FloatArray, best: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Return what each row would add."""
    added = np.maximum(similarity - best, 0)
    gain: FloatArray = added.sum(axis=1) if weights is None else added @ weights
    return gain


def _merge(
    cells: list[IntArray], ranked: list[tuple[IntArray, FloatArray]], n: int
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return the *n* rows that add most, in order, with what they add and the cell of each."""
    rows = np.concatenate([cell[:0] for cell in cells[:1]] + [c[r] for c, (r, _) in zip(cells, ranked, strict=True)])
    gains = np.concatenate([gains for _, gains in ranked])
    of_cell = np.repeat(np.arange(len(cells)), [len(found) for found, _ in ranked])
    order = np.argsort(-gains, kind="stable")[:n]
    return rows[order], gains[order], of_cell[order]
