"""Arrays to neighbors: who is near whom, by the cosine of their vectors."""

from __future__ import annotations

from ._build import build_graph
from ._exact import search
from ._neighbors import NeighborGraph

__all__ = ["NeighborGraph", "build_graph", "search"]
