"""How well samples stand for the whole, and how long choosing takes.

``python -m benchmarks.sampling [FOLDER ...] [--limit 5000] [--cache FOLDER] [--large 100000] [--draws 10]``

Each FOLDER holds one folder of images per class; the digits of scikit-learn come with them. The images of a sample,
10 % and 30 %, are the only ones with a label, and the others get the label of the nearest, or of the majority of the
three nearest. Beside it stand the mean and the standard deviation of random samples, and z, by how many standard
deviations a method is above that mean. Then 1,000 of many artificial vectors are chosen, beside apricot where it is
installed, and by plain greedy search that looks at every image at each step.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from fastdup_nb.findings.clusters import default_min_cluster_size, label_clusters
from fastdup_nb.findings.coverage import measure_coverage
from fastdup_nb.findings.sampling import METHODS, Parts, choose
from fastdup_nb.graph import build_graph

from ._report import print_machine
from .findings import print_table, read_folder
from .graph import make_vectors

N_FEATURES = 384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--limit", type=int, default=5000, help="at most so many images of a folder, evenly chosen")
    parser.add_argument("--cache", type=Path, help="folder to keep the vectors in between runs")
    parser.add_argument("--large", type=int, default=100_000, help="vectors to choose 1,000 of; 0 for none")
    parser.add_argument("--draws", type=int, default=10, help="random samples")
    options = parser.parse_args()
    sets = {folder.name: read_folder(folder, options.limit, options.cache) for folder in options.folders}
    digits, classes = load_digits(return_X_y=True)
    sets["digits"] = (digits / np.linalg.norm(digits, axis=1, keepdims=True)).astype(np.float32), classes.astype(str)
    print_machine(("numpy", "scikit-learn", "apricot-select"), **{name: len(v) for name, (v, _) in sets.items()})
    rows = [row for name, found in sets.items() for row in compare(name, *found, options.draws)]
    print_table("Accuracy of nearest neighbors", pd.DataFrame(rows).set_index(["set", "share", "method"]))
    if options.large:
        print_table(f"1,000 of {options.large:,}", pd.DataFrame(list(time_large(options.large))).set_index("method"))


def compare(name: str, vectors: np.ndarray, labels: np.ndarray, n_draws: int) -> Iterator[dict[str, object]]:
    for share in (0.1, 0.3):
        n = round(share * len(vectors))
        draws = np.array([rate(vectors, labels, pick(vectors, labels, n, "random", seed)) for seed in range(n_draws)])
        mean, deviation = draws.mean(axis=0), draws.std(axis=0, ddof=1)
        yield {"set": name, "share": share, "method": "random, mean", "1-NN": mean[0], "3-NN": mean[1]}
        yield {"set": name, "share": share, "method": "random, sd", "1-NN": deviation[0], "3-NN": deviation[1]}
        for method in (method for method in METHODS if method != "random"):
            found = np.array(rate(vectors, labels, pick(vectors, labels, n, method, 0)))
            z = (found - mean) / deviation
            yield {"set": name, "share": share, "method": method, "1-NN": found[0], "3-NN": found[1],
                   "z 1-NN": z[0], "z 3-NN": z[1]}  # fmt: skip


def pick(vectors: np.ndarray, labels: np.ndarray, n: int, method: str, seed: int) -> np.ndarray:
    groups = None
    if method == "stratified":
        groups = np.unique(labels, return_inverse=True)[1]
    elif method == "diverse per cluster":
        graph = build_graph(vectors, n_neighbors=15)
        size = default_min_cluster_size(len(vectors))
        found = label_clusters(vectors, graph.indices, graph.distances, min_cluster_size=size)
        groups = np.where(found < 0, found.max() + 1, found).astype(np.int64)
    parts = Parts(np.zeros(len(vectors), dtype=np.int64), [n])
    return choose(vectors, parts, method=method, groups=groups, random_state=seed)


def rate(vectors: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    rest = np.setdiff1d(np.arange(len(vectors)), rows)
    scores = [
        KNeighborsClassifier(k, metric="cosine").fit(vectors[rows], labels[rows]).score(vectors[rest], labels[rest])
        for k in (1, 3)
    ]
    return scores[0], scores[1]


def time_large(n: int) -> Iterator[dict[str, object]]:
    vectors = make_vectors(n, N_FEATURES)
    for method in ("representative", "coverage", "random"):
        yield measure(method, vectors, lambda method=method: pick(vectors, np.empty(0), 1000, method, 0))
    yield measure("coverage, plain greedy", vectors, lambda: cover_plainly(vectors, 1000))
    try:
        from apricot import FacilityLocationSelection
    except ImportError:
        return
    # all pairs of 100,000 do not fit: it is given 5,000 of them
    some = np.sort(np.random.default_rng(0).choice(n, min(n, 5000), replace=False))
    rival = FacilityLocationSelection(50, metric="cosine", optimizer="lazy")
    yield measure("apricot, 50 of 5,000", vectors, lambda: some[rival.fit(vectors[some]).ranking])
    parts = Parts(np.zeros(len(some), dtype=np.int64), [50])
    yield measure(
        "representative, 50 of 5,000", vectors, lambda: some[choose(vectors[some], parts, method="representative")]
    )


def cover_plainly(vectors: np.ndarray, n: int) -> np.ndarray:
    rows = [int((vectors @ vectors.mean(axis=0)).argmax())]
    nearest = vectors @ vectors[rows[0]]
    while len(rows) < n:
        rows.append(int(nearest.argmin()))
        np.maximum(nearest, vectors @ vectors[rows[-1]], out=nearest)
    return np.array(rows)


def measure(method: str, vectors: np.ndarray, call: object) -> dict[str, object]:
    wall, processor = time.perf_counter(), time.process_time()
    rows = call()  # type: ignore[operator]
    taken = {"wall s": time.perf_counter() - wall, "processor s": time.process_time() - processor}
    found = measure_coverage(vectors, rows)
    return {
        "method": method,
        "chosen": len(rows),
        **taken,
        "mean similarity": found.mean[-1],
        "lowest": found.least[-1],
    }


if __name__ == "__main__":
    main()
