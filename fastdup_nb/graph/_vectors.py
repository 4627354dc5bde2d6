"""The checks and the arithmetic that both searches share: unit vectors, pair distances, blocks over threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._threads import count_processors, one_blas_thread
from .._validation import check_integer
from ..errors import ParameterError, ParameterTypeError

Progress = Callable[[float], object]

RESOLUTION = 2e-6  # a cosine distance below this is float32 rounding: it is told as 0
_BLOCK = 4096


def as_unit_vectors(vectors: ArrayLike, name: str, caller: str) -> NDArray[np.float32]:
    """Return *vectors* as C-contiguous float32 of length 1 (rows of zeros stay zeros), without a copy if they are."""
    array = _as_float32(vectors, name, caller)
    squares = _squared_lengths(array, name, caller)
    if bool(np.all((np.abs(squares - 1) < RESOLUTION / 2) | (squares == 0))):
        return array
    return _normalized(array)


def _as_float32(vectors: ArrayLike, name: str, caller: str) -> NDArray[np.float32]:
    array = np.asarray(vectors)
    wanted = f"The {name!r} parameter of {caller} must be an array of numbers of shape (n_samples, n_features)."
    if array.dtype.kind not in "fiub":
        raise ParameterTypeError(f"{wanted} Got dtype {array.dtype} instead.")
    if array.ndim != 2:
        raise ParameterError(f"{wanted} Got shape {array.shape} instead.")
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:  # so that numbers beyond float32 stay finite
        array = _normalized(array) if not _fits_float32(array) else array
    return np.ascontiguousarray(array, dtype=np.float32)


def _fits_float32(array: NDArray[np.floating]) -> bool:
    if array.size == 0:
        return True
    largest = max(abs(float(array.max())), abs(float(array.min())))
    return not np.isfinite(largest) or 1e-15 < largest < 1e15


def _squared_lengths(array: NDArray[np.float32], name: str, caller: str) -> NDArray[np.float64]:
    squares = np.empty(len(array), dtype=np.float64)
    for start in range(0, len(array), _BLOCK):
        block = array[start : start + _BLOCK]
        squares[start : start + _BLOCK] = np.einsum("ij,ij->i", block, block, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(squares))
    if len(wrong):
        raise ParameterError(
            f"The {name!r} parameter of {caller} must hold finite numbers. Got NaN or infinity in {len(wrong)} "
            f"of {len(array)} rows, the first of them row {wrong[0]}; leave those rows out."
        )
    return squares


def _normalized(array: NDArray[np.floating]) -> NDArray[np.float32]:
    unit = np.zeros(array.shape, dtype=np.float32)
    for start in range(0, len(array), _BLOCK):
        block = array[start : start + _BLOCK].astype(np.float64)
        largest = np.max(np.abs(block), axis=1, keepdims=True, initial=0)
        block /= np.where(largest > 0, largest, 1)  # so that squares neither overflow nor vanish
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        unit[start : start + _BLOCK] = block / np.where(lengths > 0, lengths, 1)
    return unit


def check_n_neighbors(n_neighbors: object, caller: str) -> int:
    """Return *n_neighbors* as an int of at least 1."""
    return check_integer(n_neighbors, "n_neighbors", caller, low=1)


def check_n_jobs(n_jobs: object, caller: str) -> int:
    """Return the number of threads that *n_jobs* means: itself, or counted down from all processors when negative."""
    checked = check_integer(n_jobs, "n_jobs", caller, low=-(2**31))
    if checked == 0:
        raise ParameterError(
            f"The 'n_jobs' parameter of {caller} must not be 0. Got 0 instead; use -1 for all processors."
        )
    return count_processors(checked)


def pair_distances(
    queries: NDArray[np.float32], vectors: NDArray[np.float32], indices: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Cosine distance of each query to the vectors named in its row of *indices*; inf where that is -1.

    Always summed in the same order, so a pair has one distance whatever the search, block or direction it came from.
    """
    similarities = np.einsum("ij,ikj->ik", queries, vectors[np.maximum(indices, 0)])
    distances = np.asarray(1 - similarities, dtype=np.float32)
    distances[distances < RESOLUTION] = 0
    distances[indices < 0] = np.inf
    return distances


def sort_rows(indices: NDArray[np.int32], distances: NDArray[np.float32]) -> None:
    """Order each row by distance, then index, in place."""
    order = np.lexsort((indices, distances), axis=1)
    indices[:] = np.take_along_axis(indices, order, axis=1)
    distances[:] = np.take_along_axis(distances, order, axis=1)


def run_blocks(
    function: Callable[[int, int], object], n_rows: int, *, size: int, n_jobs: int, progress: Progress | None = None
) -> None:
    """Call ``function(start, stop)`` for blocks of rows, in *n_jobs* threads of which each has one BLAS thread."""
    starts = range(0, n_rows, size)
    stops = [min(start + size, n_rows) for start in starts]
    with one_blas_thread(), ThreadPoolExecutor(n_jobs, thread_name_prefix="fastdup_nb-graph") as pool:
        for stop, _ in zip(stops, pool.map(function, starts, stops), strict=True):
            if progress is not None:
                progress(stop / n_rows)
