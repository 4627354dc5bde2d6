"""The graphs of a dataset and the store: found there, brought up to date, or built."""

from __future__ import annotations

import io
import zipfile
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ._store import Store
from .embeddings import Descriptors, turn_upright
from .graph import NeighborGraph, build_graph, update_graph

GRAPH_VERSION = 1
_N_TURNED = 5  # enough for 38 of 45 copies that the graph of the vectors lost, most of them turned by 90°
_LEAST_TURNED = 0.85  # correlation below which pictures turned the same way up are none of these

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
    names: Names | None = None,
) -> NeighborGraph:
    """Return the neighbors of vectors that *maker* made, from *store* as far as they are there.

    What tells them apart are their *names*, by default of what they hold.
    """
    names = name_rows(vectors) if names is None else names
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


def link_turned(
    descriptors: Descriptors, store: Store, maker: str, *, method: str, random_state: int, n_jobs: int
) -> npt.NDArray[np.int32]:
    """Return for each of distinct vectors the rows whose pictures lie like it once all are turned the same way up.

    Such may be copies that the encoder does not know again, for they were turned. The array has as many rows as there
    are vectors, -1 where there is no such picture, and no column where pictures have no details.
    """
    if descriptors.details is None or len(descriptors) < 2:
        return np.empty((len(descriptors), 0), dtype=np.int32)
    graph = link_vectors(
        turn_upright(descriptors.details),
        store,
        f"{maker}:turned",
        n_neighbors=_N_TURNED,
        method=method,
        random_state=random_state,
        n_jobs=n_jobs,
        names=name_rows(descriptors.vectors),
    )
    return np.where(graph.distances <= 1 - _LEAST_TURNED, graph.indices, np.int32(-1))


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
