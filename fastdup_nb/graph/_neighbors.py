"""What the search for neighbors gives: one small frozen object of two arrays and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class NeighborGraph:
    """The nearest neighbors of every row of an array of vectors.

    Attributes
    ----------
    indices : ndarray of int32, shape (n_samples, n_neighbors)
        Rows of the nearest vectors, nearest first, never the row itself. Where there are fewer than
        *n_neighbors* others, the rest of the row is -1.
    distances : ndarray of float32, shape (n_samples, n_neighbors)
        ``1 - cosine similarity`` of each, ascending, at least 0: 0 is the same direction, 1 unrelated, 2 opposite.
        What float32 cannot tell from 0 (below 2e-6) is 0. ``inf`` where *indices* is -1.
    metric : str
        ``"cosine"``.
    method : str
        How the neighbors were found: ``"exact"`` or ``"nn-descent"``.
    recall : float or None
        Share of the true nearest neighbors that the graph has, estimated by an exact search for *recall_sample*
        rows; a neighbor that is as near as the true one counts as found. 1.0 for an exact graph.
    recall_sample : int
        Number of rows the estimate rests on; *n_samples* when every row was searched exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.graph import build_graph
    >>> graph = build_graph(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), n_neighbors=1)
    >>> graph
    NeighborGraph(n_samples=3, n_neighbors=1, metric='cosine', method='exact', recall=1.0)
    >>> graph.indices.ravel().tolist()
    [1, 0, 1]
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str = "cosine"
    method: str = "exact"
    recall: float | None = None
    recall_sample: int = 0

    @property
    def n_samples(self) -> int:
        """Number of vectors."""
        return int(self.indices.shape[0])

    @property
    def n_neighbors(self) -> int:
        """Number of neighbors kept for each vector."""
        return int(self.indices.shape[1])

    @property
    def similarities(self) -> NDArray[np.float32]:
        """Cosine similarity of each neighbor, ``1 - distances``; ``-inf`` where there is none."""
        return np.asarray(1 - self.distances, dtype=np.float32)

    def __repr__(self) -> str:
        return (
            f"NeighborGraph(n_samples={self.n_samples}, n_neighbors={self.n_neighbors}, "
            f"metric={self.metric!r}, method={self.method!r}, recall={self._told_recall()})"
        )

    def _told_recall(self) -> str:
        if self.recall is None:
            return "unknown"
        if self.recall_sample >= self.n_samples:
            return str(round(self.recall, 4))
        return f"{self.recall:.3f} on a sample of {self.recall_sample}"
