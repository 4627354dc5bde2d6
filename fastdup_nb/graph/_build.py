"""Which search to use, and the graph it gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._validation import check_choice
from ._exact import search_exact
from ._neighbors import NeighborGraph
from ._vectors import Progress, as_unit_vectors, check_n_jobs, check_n_neighbors

METHODS = ("auto", "exact", "nn-descent")


def build_graph(
    vectors: ArrayLike,
    *,
    n_neighbors: int = 15,
    method: str = "auto",
    random_state: int = 0,  # noqa: ARG001
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> NeighborGraph:
    """Link each vector to its nearest others."""
    n_neighbors = check_n_neighbors(n_neighbors, "build_graph")
    check_choice(method, "method", "build_graph", METHODS)
    unit = as_unit_vectors(vectors, "vectors", "build_graph")
    indices, distances = search_exact(
        unit,
        unit,
        n_neighbors=n_neighbors,
        n_jobs=check_n_jobs(n_jobs, "build_graph"),
        rows=np.arange(len(unit), dtype=np.int32),
        progress=progress,
    )
    return NeighborGraph(indices, distances, recall=1.0, recall_sample=len(unit))
