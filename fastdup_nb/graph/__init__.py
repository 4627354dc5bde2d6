"""Arrays to neighbors: who is near whom, by the cosine of their vectors."""

from __future__ import annotations

from ._build import METHODS, build_graph, uses_nn_descent
from ._exact import search
from ._neighbors import NeighborGraph
from ._update import update_graph
from ._warm import warm_up

__all__ = ["METHODS", "NeighborGraph", "build_graph", "search", "update_graph", "uses_nn_descent", "warm_up"]
