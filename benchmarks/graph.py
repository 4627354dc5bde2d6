"""The graph of nearest neighbors: exact and NN-descent beside faiss, each in its own process.

``python -m benchmarks.graph [--n 200000 --features 256 --neighbors 10 --jobs 2 --sides nn-descent,faiss-hnsw]``

Vectors are made to be like embeddings of pictures: clusters of very different sizes within broader ones, each spread
along 12 directions of its own, a little noise in all others, a few exact copies. Recall is told against a plain numpy
search for 500 rows; equally near neighbors count as found.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _report

PACKAGES = ("numpy", "numba", "pynndescent", "faiss-cpu")
Floats = NDArray[np.float32]
Ints = NDArray[np.integer[Any]]


def make_vectors(n_samples: int, n_features: int, *, seed: int = 0) -> Floats:
    """Return float32 unit vectors (n_samples, n_features) with the structure of picture embeddings."""
    rng = np.random.default_rng(seed)
    n_clusters = max(1, n_samples // 150)
    broad = rng.standard_normal((max(1, n_clusters // 20), n_features), dtype=np.float32)
    centers = broad[rng.integers(len(broad), size=n_clusters)]
    centers += 0.7 * rng.standard_normal(centers.shape, dtype=np.float32)
    sizes = rng.pareto(1.5, n_clusters) + 0.2
    labels = np.sort(rng.choice(n_clusters, size=n_samples, p=sizes / sizes.sum()))
    vectors = centers[labels]
    bounds = np.searchsorted(labels, np.arange(n_clusters + 1))
    for start, stop in pairwise(bounds):
        vectors[start:stop] += _spread(stop - start, n_features, rng)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    copies = rng.choice(n_samples, size=(2, n_samples // 100))
    vectors[copies[0]] = vectors[copies[1]]
    return np.asarray(vectors[rng.permutation(n_samples)])


def _spread(n_rows: int, n_features: int, rng: np.random.Generator, *, n_directions: int = 12) -> Floats:
    widths = 0.5 * np.arange(1, n_directions + 1, dtype=np.float32) ** -0.5
    directions = rng.standard_normal((n_directions, n_features), dtype=np.float32)
    along = (rng.standard_normal((n_rows, n_directions), dtype=np.float32) * widths) @ directions
    return np.asarray(along + 0.08 * rng.standard_normal((n_rows, n_features), dtype=np.float32))


def search_ours(vectors: Floats, n_neighbors: int, n_jobs: int, *, method: str) -> Ints:
    from fastdup_nb.graph import build_graph

    return build_graph(vectors, n_neighbors=n_neighbors, method=method, n_jobs=n_jobs).indices


def search_ours_compiled(vectors: Floats, n_neighbors: int, n_jobs: int) -> Ints:
    return search_ours(vectors, n_neighbors, n_jobs, method="nn-descent")


def search_faiss_flat(vectors: Floats, n_neighbors: int, n_jobs: int) -> Ints:
    import faiss  # type: ignore[import-not-found]

    faiss.omp_set_num_threads(n_jobs)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return np.asarray(index.search(vectors, n_neighbors + 1)[1])


def search_faiss_hnsw(vectors: Floats, n_neighbors: int, n_jobs: int) -> Ints:
    import faiss

    faiss.omp_set_num_threads(n_jobs)
    index = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 60, 60
    index.add(vectors)
    return np.asarray(index.search(vectors, n_neighbors + 1)[1])


def search_faiss_nn_descent(vectors: Floats, n_neighbors: int, n_jobs: int) -> Ints:
    import faiss

    faiss.omp_set_num_threads(n_jobs)
    width = max(64, 2 * n_neighbors)
    index = faiss.IndexNNDescentFlat(vectors.shape[1], width, faiss.METRIC_L2)
    index.add(vectors)
    return np.asarray(faiss.vector_to_array(index.nndescent.final_graph).reshape(len(vectors), width))


SIDES: dict[str, Callable[[Floats, int, int], Ints]] = {
    "nn-descent": partial(search_ours, method="nn-descent"),
    "nn-descent-compiled": search_ours_compiled,
    "exact": partial(search_ours, method="exact"),
    "faiss-flat": search_faiss_flat,
    "faiss-hnsw": search_faiss_hnsw,
    "faiss-nndescent": search_faiss_nn_descent,
}


def run_child(side: str, *, folder: str, n_neighbors: int, n_jobs: int) -> None:
    """Measure one side on the vectors in *folder*."""
    vectors = np.load(Path(folder, "vectors.npy"))
    if side == "nn-descent-compiled":
        search_ours(vectors[:1000].copy(), n_neighbors, n_jobs, method="nn-descent")
    found, facts = _report.measured(lambda: SIDES[side](vectors, n_neighbors, n_jobs))
    _report.hand_back(recall=recall(vectors, found, n_neighbors), **facts)


def recall(vectors: Floats, found: Ints, n_neighbors: int, *, n_rows: int = 500) -> float:
    """Return the share of true neighbors found, for a sample of rows, by a plain numpy search."""
    rows = np.random.default_rng(1).choice(len(vectors), min(n_rows, len(vectors)), replace=False)
    shares = [_recall_of_row(vectors, int(row), found[row], n_neighbors) for row in rows]
    return float(np.mean(shares))


def _recall_of_row(vectors: Floats, row: int, found: Ints, n_neighbors: int) -> float:
    similarities = vectors @ vectors[row]
    similarities[row] = -np.inf
    last = np.partition(similarities, -n_neighbors)[-n_neighbors]
    others = found[(found != row) & (found >= 0)][:n_neighbors]
    return np.count_nonzero(similarities[np.unique(others)] >= last - 2e-6) / n_neighbors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--neighbors", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=_report.n_processors())
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--json", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        run_child(given.side, **json.loads(given.json))
        return
    run_all(given)


def run_all(given: argparse.Namespace) -> None:
    _report.print_machine(
        PACKAGES, vectors=given.n, features=given.features, neighbors=given.neighbors, jobs=given.jobs
    )
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "vectors.npy"), make_vectors(given.n, given.features))
        options = {"folder": folder, "n_neighbors": given.neighbors, "n_jobs": given.jobs}
        rows = [_row(side, _report.run_side("benchmarks.graph", side, options)) for side in given.sides.split(",")]
    _report.print_table([row for row in rows if row])


def _row(side: str, facts: dict[str, Any]) -> dict[str, object]:
    if "failed" in facts:
        is_missing = "No module named 'faiss'" in facts["failed"]
        print(f"{side}: " + ("faiss not installed: pip install faiss-cpu" if is_missing else facts["failed"]))
        return {}
    return {
        "side": side,
        "wall s": f"{facts['wall_s']:.1f}",
        "processor s": f"{facts['processor_s']:.1f}",
        "peak MB": f"{facts['peak_mb']:.0f}",
        "above vectors MB": f"{facts['added_mb']:.0f}",
        "recall": f"{facts['recall']:.4f}",
    }


if __name__ == "__main__":
    main()
