"""See what is in a folder of images, in a notebook cell: duplicates, outliers, clusters, quality. On CPU, local.

>>> import fastdup_nb as fd
>>> ds = fd.Dataset("photos/")      # doctest: +SKIP
>>> ds.duplicates()                 # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._sample import sample, sample_frames
    from .dataset import Dataset
    from .embeddings import CallableEncoder, OnnxEncoder
    from .errors import FastdupError
    from .export import load_plan
    from .graph import NeighborGraph, build_graph
    from .widgets import link

__version__ = "0.1.0"

__all__ = [
    "CallableEncoder",
    "Dataset",
    "FastdupError",
    "NeighborGraph",
    "OnnxEncoder",
    "build_graph",
    "link",
    "load_plan",
    "sample",
    "sample_frames",
]

_HOMES = {
    "CallableEncoder": "embeddings",
    "Dataset": "dataset",
    "FastdupError": "errors",
    "NeighborGraph": "graph",
    "OnnxEncoder": "embeddings",
    "build_graph": "graph",
    "link": "widgets",
    "load_plan": "export",
    "sample": "_sample",
    "sample_frames": "_sample",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'fastdup_nb' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
