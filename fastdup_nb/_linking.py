"""The graph of a dataset and the store: found there, brought up to date, or built."""

from __future__ import annotations

import io
import zipfile
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ._store import Store
from .embeddings import Descriptors
from .graph import NeighborGraph, build_graph, update_graph

GRAPH_VERSION = 1

Names = npt.NDArray[np.void]


def link_vectors(
    vectors: npt.NDArray[np.float32],
    store: Store,
    maker: str,
    *,
    n_neighbors: int,
    method: str,
    random_state: int,
    n_jobs: int,
) -> NeighborGraph:
    """Return the neighbors of distinct vectors that *maker* made, from *store* as far as they are there."""
    names = name_rows(vectors)
    family = f"graph:{GRAPH_VERSION}:{maker}:{n_neighbors}:{method}:{random_state}"
    key = f"{family}:{blake2b(names.tobytes(), digest_size=16).hexdigest()}"
    kept = _unpack(store.result(key))
    if kept is not None:
        return kept[0]
    older = _unpack(store.latest(family))
    if older is None:
        graph = build_graph(vectors, n_neighbors=n_neighbors, method=method, random_state=random_state, n_jobs=n_jobs)
    else:
        graph = update_graph(
            older[0],
            vectors,
            kept=match_names(older[1], names),
            method=method,
            random_state=random_state,
            n_jobs=n_jobs,
        )
    store.put_result(key, _pack(graph, names), family=family)
    return graph


def name_rows(vectors: npt.NDArray[np.float32]) -> Names:
    """Return a 16-byte name for each row, the same for the same vector."""
    named = b"".join(blake2b(row.tobytes(), digest_size=16).digest() for row in vectors)
    return np.frombuffer(named, dtype="V16")


def merge_equal(descriptors: Descriptors) -> tuple[Descriptors, npt.NDArray[np.int64]]:
    """Return descriptors without repeated vectors, in order of first occurrence, and the row of each."""
    if len(descriptors) == 0:
        return descriptors, np.empty(0, dtype=np.int64)
    names: dict[bytes, int] = {}
    rows = np.array([names.setdefault(bytes(n), len(names)) for n in name_rows(descriptors.vectors)], dtype=np.int64)
    if len(names) == len(rows):
        return descriptors, rows
    return descriptors.take(np.unique(rows, return_index=True)[1]), rows


def match_names(old: Names, new: Names) -> npt.NDArray[np.int64]:
    """Return for each new name its place among the old ones, or -1."""
    places = {bytes(name): i for i, name in enumerate(old)}
    return np.array([places.get(bytes(name), -1) for name in new], dtype=np.int64)


def _pack(graph: NeighborGraph, names: Names) -> bytes:
    file = io.BytesIO()
    np.savez(
        file,
        indices=graph.indices,
        distances=graph.distances,
        names=np.frombuffer(names.tobytes(), dtype=np.uint8),
        facts=np.array([graph.metric, graph.method, repr(graph.recall), str(graph.recall_sample)]),
    )
    return file.getvalue()


def _unpack(payload: bytes | None) -> tuple[NeighborGraph, Names] | None:
    """Return a kept graph and the names of its rows; None where there is none, or it is damaged and is made anew."""
    if payload is None:
        return None
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as kept:
            metric, method, recall, sample = (str(value) for value in kept["facts"])
            graph = NeighborGraph(
                kept["indices"],
                kept["distances"],
                metric=metric,
                method=method,
                recall=None if recall == "None" else float(recall),
                recall_sample=int(sample),
            )
            names = np.frombuffer(kept["names"].tobytes(), dtype="V16")
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile):
        return None
    return (graph, names) if len(names) == graph.n_samples else None
