"""How well outliers and clusters find what is known to be there.

``python -m benchmarks.findings FOLDER [FOLDER ...] [--limit 5000] [--cache FOLDER]``

Each FOLDER holds one folder of images per class. Clusters are compared with those classes, ours beside other methods,
for each FOLDER and for all together. Outliers are planted: 1 % (at least 3) pictures of other classes or of other
FOLDERs among the pictures of one class or one FOLDER; and each class alone is a clean set, where none should stand out.
"""

from __future__ import annotations

import argparse
import glob
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score, average_precision_score, normalized_mutual_info_score, roc_auc_score

from fastdup_nb.embeddings import load_encoder
from fastdup_nb.findings.clusters import default_min_cluster_size, label_clusters
from fastdup_nb.findings.outliers import flag_outliers, score_outliers
from fastdup_nb.graph import build_graph

from ._report import print_machine

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
SEEDS = range(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=5000, help="at most so many images of a folder, evenly chosen")
    parser.add_argument("--cache", type=Path, help="folder to keep the vectors in between runs")
    options = parser.parse_args()
    sets = {folder.name: read_folder(folder, options.limit, options.cache) for folder in options.folders}
    sizes = {name: len(vectors) for name, (vectors, _) in sets.items()}
    print_machine(("numpy", "scipy", "scikit-learn", "numba"), **sizes)
    print_table("Sets", pd.DataFrame({name: describe_set(*found) for name, found in sets.items()}).T)
    print_table("Clusters", pd.DataFrame(list(compare_clusters(sets))).set_index(["set", "method"]))
    print_table("Planted outliers", compare_scores(sets))
    print_table("Flagged with contamination='auto'", compare_flags(sets))


def print_table(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{table.round(3).to_string()}")


def read_folder(folder: Path, limit: int, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and labels of the pictures of a folder."""
    names = glob.glob("**", root_dir=folder, recursive=True)  # follows links to folders, as rglob does not
    paths = sorted(folder / name for name in names if Path(name).suffix.lower() in SUFFIXES)
    if len(paths) > limit:
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, limit).round().astype(int)]
    labels = np.array([path.parent.name for path in paths])
    kept = cache / f"{folder.name}-{len(paths)}.npy" if cache else None
    if kept and kept.exists():
        return np.load(kept), labels
    vectors = encode(paths)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, vectors)
    return vectors, labels


def encode(paths: list[Path], batch_size: int = 32) -> np.ndarray:
    encoder = load_encoder()
    parts = []
    for start in range(0, len(paths), batch_size):
        images = [PIL.Image.open(path).convert("RGB") for path in paths[start : start + batch_size]]
        parts.append(encoder.encode(np.stack([encoder.prepare(image) for image in images])).vectors)
    return np.concatenate(parts)


def describe_set(vectors: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    return {"images": len(vectors), "features": vectors.shape[1], "classes": len(np.unique(labels))}


def neighbors_of(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    graph = build_graph(vectors, n_neighbors=15)
    return graph.indices, graph.distances


# --- clusters


def label_shared_neighbors(_vectors: np.ndarray, indices: np.ndarray, _distances: np.ndarray) -> np.ndarray:
    """Jarvis and Patrick (1973): connect neighbors that share at least a third of theirs."""
    n, k = indices.shape
    links = coo_array((np.ones(n * k), (np.repeat(np.arange(n), k), indices.ravel())), shape=(n, n)).tocsr()
    shared = (links @ links.T).multiply(links).tocoo()
    strong = shared.data >= k / 3
    kept = coo_array((np.ones(strong.sum()), (shared.row[strong], shared.col[strong])), shape=(n, n))
    labels = connected_components(kept, directed=False)[1]
    return np.where(np.bincount(labels)[labels] < default_min_cluster_size(n), -1, labels)


def label_hdbscan(vectors: np.ndarray, _indices: np.ndarray, _distances: np.ndarray) -> np.ndarray:
    size = default_min_cluster_size(len(vectors))
    return HDBSCAN(min_cluster_size=size, min_samples=5, algorithm="brute", copy=True).fit_predict(vectors)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "label_clusters": label_clusters,
    "HDBSCAN of vectors": label_hdbscan,
    "shared neighbors": label_shared_neighbors,
}


def compare_clusters(sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> Iterator[dict[str, object]]:
    vectors = np.concatenate([found[0] for found in sets.values()])
    truth = np.concatenate([np.char.add(f"{name}/", found[1]) for name, found in sets.items()])
    for name, (some, classes) in {**sets, "all together": (vectors, truth)}.items():
        indices, distances = neighbors_of(some)
        for method, label in METHODS.items():
            start = time.process_time()
            labels = label(some, indices, distances)
            yield {"set": name, "method": method, **rate(classes, labels), "cpu_s": time.process_time() - start}


def rate(classes: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    inside = labels >= 0
    table = pd.crosstab(labels[inside], classes[inside]).to_numpy()
    return {
        "clusters": len(np.unique(labels[inside])),
        "noise": float((~inside).mean()),
        "ARI": adjusted_rand_score(classes, labels),
        "NMI": normalized_mutual_info_score(classes, labels),
        "purity": table.max(axis=1, initial=0).sum() / max(inside.sum(), 1),
    }


# --- outliers


def candidate_scores(indices: np.ndarray, distances: np.ndarray) -> dict[str, np.ndarray]:
    late = score_outliers(indices, distances)
    last = distances[:, -1]
    reach = np.maximum(distances, last[indices]).mean(axis=1)
    return {
        "score_outliers": late,
        "nearest": distances[:, 0],
        "mean of all 15": distances.mean(axis=1),
        "15th": last,
        "LOF": reach * (1 / reach[indices]).mean(axis=1),
        "relative to neighbors": late / late[indices].mean(axis=1),
        "in-degree": -np.bincount(indices.ravel(), minlength=len(indices)) + 1e-3 * late,
    }


def planted(
    sets: dict[str, tuple[np.ndarray, np.ndarray]], n_twins: int, seed: int
) -> Iterator[tuple[str, np.ndarray, int]]:
    """Yield a name, ordinary vectors followed by planted ones, and the number of the planted."""
    rng = np.random.default_rng(seed)
    for name, vectors, others in beds(sets):
        n = max(3, round(0.01 * len(vectors)))
        strange = np.repeat(others[rng.choice(len(others), min(n, len(others)), replace=False)], n_twins, axis=0)
        if n_twins > 1:  # so that twins are at a cosine of about 0.97 to their original
            noise = rng.normal(size=strange.shape) / np.sqrt(strange.shape[1])
            strange = strange + np.sqrt(1 / 0.97**2 - 1) * noise
            strange /= np.linalg.norm(strange, axis=1, keepdims=True)
        yield name, np.concatenate([vectors, strange]).astype(np.float32), len(strange)


def beds(sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for name, (vectors, labels) in sets.items():
        foreign = [found[0] for other, found in sets.items() if other != name]
        if foreign:
            yield f"{name} + other sets", vectors, np.concatenate(foreign)
        classes, counts = np.unique(labels, return_counts=True)
        for label in classes[counts >= 100] if len(classes) > 1 else []:
            yield f"{name}/{label} + other classes", vectors[labels == label], vectors[labels != label]


def compare_scores(sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    rows = []
    for n_twins in (1, 2, 3):
        for seed in SEEDS:
            for name, vectors, n in planted(sets, n_twins, seed):
                truth = np.arange(len(vectors)) >= len(vectors) - n
                for score, values in candidate_scores(*neighbors_of(vectors)).items():
                    found = roc_auc_score(truth, values), average_precision_score(truth, values)
                    rows.append((name.split(" + ")[1], n_twins, score, *found))
    table = pd.DataFrame(rows, columns=["planted", "twins", "score", "AUC", "AP"])
    return table.pivot_table(index="score", columns=["planted", "twins"], values=["AUC", "AP"])


def compare_flags(sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    rows = []
    for name, vectors, _ in beds(sets):
        flags, bound = flag_outliers(score_outliers(*neighbors_of(vectors)))
        rows.append({"set": name.split(" + ")[0], "bound": bound, "flagged": int(flags.sum()), "kind": "clean"})
    for seed in SEEDS:
        for name, vectors, n in planted(sets, 1, seed):
            flags, bound = flag_outliers(score_outliers(*neighbors_of(vectors)))
            found = {"flagged": int(flags[:-n].sum()), "recall": flags[-n:].mean()}
            rows.append({"set": name, "bound": bound, "kind": "planted", **found})
    return pd.DataFrame(rows).groupby(["kind", "set"]).mean()


if __name__ == "__main__":
    main()
