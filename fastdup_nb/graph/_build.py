"""Which search to use, and the graph it gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import check_choice, check_integer
from ._cost import choose_method, is_worth_compiling
from ._exact import search_exact
from ._neighbors import NeighborGraph
from ._nndescent import estimate_recall, fewest_samples, search_nn_descent
from ._vectors import Progress, as_unit_vectors, check_n_jobs, check_n_neighbors
from ._warm import is_warm

METHODS = ("auto", "exact", "nn-descent")


def build_graph(
    vectors: ArrayLike,
    *,
    n_neighbors: int = 15,
    method: str = "auto",
    random_state: int = 0,
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> NeighborGraph:
    """Link each vector to its nearest others.

    Parameters
    ----------
    vectors : array-like of shape (n_samples, n_features)
        One row for each image; normalized to length 1 if they are not. A row of zeros is at distance 1 from all.
    n_neighbors : int, default 15
        How many neighbors to keep for each. More cost more time and show more of large groups.
    method : {"auto", "exact", "nn-descent"}, default "auto"
        ``"exact"`` compares all pairs: time grows with the square of n_samples. ``"nn-descent"`` finds nearly all
        of the true neighbors (see ``recall``) in time little more than proportional, after numba has compiled for
        some 25 seconds once in a process. ``"auto"`` takes what is expected to be done sooner, so it depends on
        n_jobs and on whether NN-descent is compiled already; name the method where that must not be.
        A few hundred vectors are always searched exactly.
    random_state : int, default 0
        Seed of NN-descent. The same seed, vectors and n_jobs give the same graph.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.
    progress : callable, optional
        Called with the share done so far, in [0, 1]; by NN-descent only at the end.

    Returns
    -------
    NeighborGraph
        ``indices``, ``distances`` (1 - cosine), the ``method`` used and its estimated ``recall``.

    Raises
    ------
    ParameterError
        If *vectors* is not two-dimensional or holds NaN or infinity, or another parameter is out of range.

    References
    ----------
    W. Dong, C. Moses, K. Li: Efficient k-nearest neighbor graph construction for generic similarity measures,
    WWW 2011; by way of pynndescent.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.graph import build_graph
    >>> graph = build_graph(np.eye(4)[[0, 1, 0, 1]], n_neighbors=1)
    >>> graph.indices.ravel().tolist(), graph.distances.ravel().tolist()
    ([2, 3, 0, 1], [0.0, 0.0, 0.0, 0.0])
    """
    n_neighbors = check_n_neighbors(n_neighbors, "build_graph")
    check_choice(method, "method", "build_graph", METHODS)
    random_state = check_integer(random_state, "random_state", "build_graph", low=0, high=2**32 - 1)
    n_jobs = check_n_jobs(n_jobs, "build_graph")
    unit = as_unit_vectors(vectors, "vectors", "build_graph")
    if resolve_method(method, *unit.shape, n_neighbors=n_neighbors, n_jobs=n_jobs) == "exact":
        return _build_exact(unit, n_neighbors=n_neighbors, n_jobs=n_jobs, progress=progress)
    return _build_nn_descent(unit, n_neighbors=n_neighbors, random_state=random_state, n_jobs=n_jobs, progress=progress)


def uses_nn_descent(n_samples: int, n_features: int, *, method: str = "auto", n_neighbors: int = 15) -> bool:
    """Tell whether so large a collection is worth compiling NN-descent for, so that :func:`warm_up` may begin early.

    After ``warm_up()``, :func:`build_graph` with the same parameters does use it.

    Parameters
    ----------
    n_samples, n_features : int
        Size of the array that ``build_graph`` is going to be given, as far as one knows.
    method : {"auto", "exact", "nn-descent"}, default "auto"
        The method it is going to be given.
    n_neighbors : int, default 15
        The number of neighbors it is going to be given.

    Returns
    -------
    bool
        False for ``"exact"`` and for collections too small.

    Examples
    --------
    >>> from fastdup_nb.graph import uses_nn_descent
    >>> uses_nn_descent(5_000, 512), uses_nn_descent(500_000, 512)
    (False, True)
    """
    if method == "exact" or n_samples < fewest_samples(n_neighbors):
        return False
    return method == "nn-descent" or is_worth_compiling(n_samples, n_features, n_neighbors=n_neighbors)


def resolve_method(method: str, n_samples: int, n_features: int, *, n_neighbors: int, n_jobs: int) -> str:
    """Return what *method* comes to for vectors of this size: ``"exact"`` or ``"nn-descent"``."""
    if n_samples < fewest_samples(n_neighbors):
        return "exact"
    if method != "auto":
        return method
    return choose_method(n_samples, n_features, n_neighbors=n_neighbors, n_jobs=n_jobs, is_warm=is_warm())


def _build_exact(
    unit: NDArray[np.float32], *, n_neighbors: int, n_jobs: int, progress: Progress | None
) -> NeighborGraph:
    rows = np.arange(len(unit), dtype=np.int32)
    indices, distances = search_exact(unit, unit, n_neighbors=n_neighbors, n_jobs=n_jobs, rows=rows, progress=progress)
    return NeighborGraph(indices, distances, method="exact", recall=1.0, recall_sample=len(unit))


def _build_nn_descent(
    unit: NDArray[np.float32], *, n_neighbors: int, random_state: int, n_jobs: int, progress: Progress | None
) -> NeighborGraph:
    indices, distances = search_nn_descent(unit, n_neighbors=n_neighbors, random_state=random_state, n_jobs=n_jobs)
    recall, sample = estimate_recall(unit, distances, random_state=random_state, n_jobs=n_jobs)
    if progress is not None:
        progress(1.0)
    return NeighborGraph(indices, distances, method="nn-descent", recall=recall, recall_sample=sample)
