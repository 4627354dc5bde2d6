"""How well what is new is told from what is known, and what labels are worth that were asked for in order.

``python -m benchmarks.novelty FOLDER [FOLDER ...] [--limit 3000] [--cache FOLDER] [--seeds 5]``

Each FOLDER holds one folder of images per class; a FOLDER of images without folders is split by what they show, as
their names tell that begin with a WordNet id, such as ``n02084071_dog.jpg``. scikit-learn's handwritten digits, as
plain pixels, come along.
Novelty: each class in turn is new; of the others, a fifth is held out as ordinary. Calibration: how often ordinary
pictures are called new. Queue: accuracy after 50 labels more, chosen or drawn at random.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor

from fastdup_nb.findings.novelty import fit_normal, flag_novel, score_new
from fastdup_nb.findings.queue import choose_to_label
from fastdup_nb.findings.together import score_together

from ._report import print_machine
from .findings import print_table, read_folder

_LEAST_CLASS = 10
_KINDS = [("bird", 1503061, 1624115), ("bird", 1789386, 1861778), ("bird", 2002000, 2059000), ("dog", 2084071, 2114100),
          ("mammal", 1861779, 1890000), ("mammal", 2062000, 2084070), ("mammal", 2114101, 2160000),
          ("mammal", 2323000, 2512000), ("cold-blooded", 1400000, 2660000)]  # fmt: skip
"""Kinds of animals and the WordNet ids that they have from and to; the first that fits."""
_VEHICLES = {
    "airliner", "amphibian", "beach_wagon", "bicycle-built-for-two", "bobsled", "bullet_train", "cab", "canoe",
    "catamaran", "container_ship", "fireboat", "gondola", "half_track", "jinrikisha", "liner", "minibus", "minivan",
    "mobile_home", "motor_scooter", "oxcart", "pirate", "police_van", "schooner",
}  # fmt: skip
_START, _MORE = 50, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--limit", type=int, default=3000, help="at most so many images of a folder, evenly chosen")
    parser.add_argument("--cache", type=Path, help="folder to keep the vectors in between runs")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    sets = {folder.name: read_set(folder, options.limit, options.cache) for folder in options.folders}
    digits, targets = load_digits(return_X_y=True)
    sets["digits"] = unit(digits), targets.astype(str)
    print_machine(("numpy", "scikit-learn"), **{name: len(vectors) for name, (vectors, _) in sets.items()})
    warnings.filterwarnings("ignore")
    for name, found in sets.items():
        rows = pd.DataFrame(list(hold_out_classes(*found)))
        table = rows.pivot_table(index="method", columns="new class", values="auc", sort=False)
        print_table(f"{name}: ROC AUC, each class new in turn", table.assign(mean=table.mean(axis=1)))
    for share in (0.1, 0.01):
        table = pd.DataFrame({name: mean_auc(*found, share=share) for name, found in sets.items()})
        print_table(f"Mean ROC AUC where the new class is {share:.0%} of the list or five pictures", table)
    table = pd.DataFrame({name: mean_auc(*found, one_class=True) for name, found in sets.items()})
    print_table("Mean ROC AUC where one class is known and all others are new", table)
    print_table("Ordinary pictures called new", pd.DataFrame(list(count_false_alarms(sets, options.seeds))))
    print_table("Accuracy after labels", pd.DataFrame(list(compare_queues(sets, options.seeds))))


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def read_set(folder: Path, limit: int, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    vectors, labels = read_folder(folder, limit, cache)
    if len(np.unique(labels)) == 1:
        labels = np.array([tell_kind(path.stem) for path in sorted(folder.iterdir())][: len(vectors)])
    return vectors, labels


def tell_kind(name: str) -> str:
    """Return what an image shows whose name is a WordNet id and a word; all that is no animal is made."""
    number, _, word = name.partition("_")
    if word in _VEHICLES:
        return "vehicle"
    return next((kind for kind, low, high in _KINDS if low <= int(number[1:]) <= high), "artifact")


def score_alone(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    return score_new(fit_normal(known), new).scores


def score_list(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    return score_together(fit_normal(known), new)[0].scores


def score_forest(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    return -IsolationForest(random_state=0).fit(known).score_samples(new)


def score_lof(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    return -LocalOutlierFactor(n_neighbors=20, novelty=True).fit(known).score_samples(new)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "together": score_list,
    "alone": score_alone,
    "Isolation Forest": score_forest,
    "Local Outlier Factor": score_lof,
}


def hold_out_classes(
    vectors: np.ndarray, labels: np.ndarray, *, share: float | None = None, one_class: bool = False
) -> Iterator[dict[str, object]]:
    """Yield the area under the curve of each method, for each class."""
    rng = np.random.default_rng(0)
    for name, size in zip(*np.unique(labels, return_counts=True), strict=True):
        if size < _LEAST_CLASS:
            continue
        is_new = (labels != name) if one_class else (labels == name)
        ordinary, new = rng.permutation(np.flatnonzero(~is_new)), rng.permutation(np.flatnonzero(is_new))
        held, known = np.split(ordinary, [len(ordinary) // 5])
        if share is not None:
            new = new[: max(5, round(share / (1 - share) * len(held)))]
        asked = vectors[np.concatenate([held, new])]
        truth = np.repeat([0, 1], [len(held), len(new)])
        for method, score in METHODS.items():
            started = time.perf_counter()
            auc = roc_auc_score(truth, score(vectors[known], asked))
            yield {"new class": name, "method": method, "auc": auc, "s": time.perf_counter() - started}


def mean_auc(vectors: np.ndarray, labels: np.ndarray, **options: object) -> pd.Series:
    rows = pd.DataFrame(list(hold_out_classes(vectors, labels, **options)))  # type: ignore[arg-type]
    return rows.groupby("method", sort=False)["auc"].mean()


def count_false_alarms(sets: dict[str, tuple[np.ndarray, np.ndarray]], seeds: int) -> Iterator[dict[str, object]]:
    """Yield how often ordinary pictures are called new: half of a set is known, the other half is judged."""
    for name, (vectors, _) in sets.items():
        found: dict[str, list[np.ndarray]] = {"alone": [], "alone, held-out": [], "together": []}
        for seed in range(4 * seeds):
            order = np.random.default_rng(seed).permutation(len(vectors))
            known, asked = np.split(vectors[order], [len(order) // 2])
            model = fit_normal(known)
            found["alone"].append(score_new(model, asked).p_values)
            split = fit_normal(known, calibration="held-out", random_state=seed)
            found["alone, held-out"].append(score_new(split, asked).p_values)
            found["together"].append(score_together(model, asked, random_state=seed)[0].p_values)
        for method, lists in found.items():
            p = np.concatenate(lists)
            shares = {f"p ≤ {a}": float((p <= a).mean()) for a in (0.01, 0.05, 0.2)}
            any_flagged = float(np.mean([flag_novel(each, false_alarm_rate=0.1).any() for each in lists]))
            yield {"set": name, "method": method, **shares, "lists with any flagged at 0.1": any_flagged}


def compare_queues(sets: dict[str, tuple[np.ndarray, np.ndarray]], seeds: int) -> Iterator[dict[str, object]]:
    """Yield the accuracy on held-out pictures after labels that were chosen and after random ones."""
    for name, (vectors, labels) in sets.items():
        for start in (0, _START):
            rows = [row for seed in range(seeds) for row in _try_queue(vectors, labels, start, seed)]
            table = pd.DataFrame(rows).groupby("chosen by", sort=False)[["logistic", "1-NN"]].agg(["mean", "std"])
            for method, row in table.iterrows():
                told = {
                    f"{model} {what}": row[model, what] for model in ("logistic", "1-NN") for what in ("mean", "std")
                }
                yield {"set": name, "labels before": start, "chosen by": method, **told}


def _try_queue(vectors: np.ndarray, labels: np.ndarray, start: int, seed: int) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(vectors))
    test, pool = np.split(order, [len(order) // 4])
    given = np.full(len(pool), -1)
    given[:start] = np.unique(labels, return_inverse=True)[1][pool[:start]]
    queue = choose_to_label(vectors[pool], given, n=_MORE, random_state=seed).rows
    for method, chosen in (("next_to_label", queue), ("random", np.arange(start, start + _MORE))):
        known = pool[np.concatenate([np.arange(start), chosen])]
        yield {"chosen by": method, **_measure(vectors, labels, known, test)}


def _measure(vectors: np.ndarray, labels: np.ndarray, known: np.ndarray, test: np.ndarray) -> dict[str, float]:
    models = {"logistic": LogisticRegression(C=100, max_iter=300), "1-NN": KNeighborsClassifier(1)}
    return {
        name: float(model.fit(vectors[known], labels[known]).score(vectors[test], labels[test]))
        for name, model in models.items()
    }


if __name__ == "__main__":
    main()
