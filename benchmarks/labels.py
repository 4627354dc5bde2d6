"""How well wrong labels are found, beside cleanlab on cross-validated logistic regression of the same vectors.

``python -m benchmarks.labels FOLDER [FOLDER ...] [--rate 0.05] [--seeds 1] [--cache FOLDER] [--reviewed CSV]``

Each FOLDER holds one folder of images per class; scikit-learn's digits come with them. Mistakes are planted:
*uniform* (any label becomes any other), *class* (each class is taken for one other), *one way* (the first class for
the second and the third for the fourth, at four times the rate); *none* plants nothing. For *none*, ``--reviewed``
names a CSV with the columns ``path`` (an image id) and ``is_error`` of people who reviewed labels of the FOLDER whose
images it names: AP and AUROC are then told among the reviewed, and with all others taken as right. Of few images,
forty draws of four classes of ten, and of five of fifteen and of thirty, are judged for each number of mistakes.
Predicted labels are measured by hiding half of them. Needs ``pip install cleanlab`` for the other side, whose folds
are shuffled as in cleanlab's own cross-validation: pictures are listed by their true class, so that folds cut from
that order would put most of the planted mistakes of a class into one fold, and clean labels into the others. Each
side has one thread; seconds are of a processor.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import fastdup_nb as fd
from fastdup_nb.findings.labeled import Labeled
from fastdup_nb.findings.labels import find_label_issues
from fastdup_nb.findings.predicting import predict_labels
from fastdup_nb.graph import build_graph

from ._report import print_machine

KINDS = ("none", "uniform", "class", "one way")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rate", type=float, default=0.05, help="share of the labels that become wrong")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="folder with a cache for each FOLDER, by its name or its parent's")
    parser.add_argument("--reviewed", type=Path)
    parser.add_argument("--rival", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    sets = {folder.name: read_folder(folder, options.cache) for folder in options.folders} | {"digits": read_digits()}
    print_machine(("numpy", "scipy", "scikit-learn", "cleanlab"), **{name: len(one.rows) for name, one in sets.items()})
    rows = list(compare(sets, options))
    table = pd.DataFrame(rows).set_index(["set", "mistakes", "seed", "method"])
    print(f"\nWrong labels\n{table.round(3).to_string()}")
    few = pd.DataFrame(list(draw_few(sets))).groupby(["set", "images", "planted"], sort=False).sum()
    few["false share"] = few["false"] / few.pop("judged")
    print(f"\nFew images, all draws together\n{few.round(4).to_string()}")
    predicted = pd.DataFrame(list(hide_half(sets))).set_index(["set", "method"])
    print(f"\nPredicted labels of the half that was hidden\n{predicted.round(3).to_string()}")


def read_folder(folder: Path, cache: Path | None) -> Labeled:
    near = [cache / name for name in (folder.name, folder.parent.name) if (cache / name).exists()] if cache else []
    ds = fd.Dataset(folder, labels="folder", cache=near[0] if near else None, tags=None)
    return ds._labeled(ds._given_labels("benchmark"), ds.duplicates())


def read_digits() -> Labeled:
    data = load_digits()
    vectors = data.data - data.data.mean(axis=0)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    graph, every = build_graph(vectors, n_neighbors=15), np.arange(len(vectors))
    ids = [f"{i:04}" for i in every]
    return Labeled(ids, [str(i) for i in data.target], vectors, every, every, graph.indices, graph.distances)


def plant(codes: np.ndarray, kind: str, rate: float, seed: int) -> np.ndarray:
    rng, n_classes = np.random.default_rng(seed), int(codes.max()) + 1
    chosen = rng.random(len(codes)) < rate
    if kind == "uniform":
        other = (codes + rng.integers(1, n_classes, len(codes))) % n_classes
    elif kind == "class":
        other = ((np.arange(n_classes) + 1 + rng.integers(0, n_classes - 1, n_classes)) % n_classes)[codes]
    else:
        chosen = (rng.random(len(codes)) < 4 * rate) & ((codes == 0) | (codes == 2))
        other = np.where(codes == 0, 1, 3)
    return np.where(chosen & (kind != "none"), other, codes)


def compare(sets: dict[str, Labeled], options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for name, truth in sets.items():
        classes, codes = truth.number(1)
        for kind in KINDS:
            for seed in range(1 if kind == "none" else options.seeds):
                labels = plant(codes, kind, options.rate, seed)
                wrong = {"planted": (labels != codes, np.ones(len(codes), dtype=bool))}
                if kind == "none":
                    wrong = read_reviewed(options.reviewed, truth.image_ids)
                told = {"set": name, "mistakes": kind, "seed": seed}
                yield {**told, **ours(truth, classes, labels, wrong)}
                if options.rival and wrong:
                    yield from ({**told, **row} for row in rival(truth, labels, wrong))


def read_reviewed(path: Path | None, image_ids: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if path is None:
        return {}
    verdicts = pd.read_csv(path).set_index("path")["is_error"]
    found = np.array([verdicts.get(i, verdicts.get("test/" + i, np.nan)) for i in image_ids], dtype=float)
    known = ~np.isnan(found)
    if not known.any():
        return {}
    return {"reviewed": (found == 1, known), "all": (found == 1, np.ones(len(found), dtype=bool))}


def rate_of(quality: np.ndarray, wrong: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    told = {}
    for name, (is_wrong, known) in wrong.items():
        prefix = "" if name == "planted" else f"{name} "
        told[f"{prefix}AP"] = average_precision_score(is_wrong[known], -quality[known])
        told[f"{prefix}AUROC"] = roc_auc_score(is_wrong[known], -quality[known])
    return told


def ours(truth: Labeled, classes: list[str], labels: np.ndarray, wrong: dict) -> dict[str, object]:
    given = Labeled(truth.image_ids, [classes[i] for i in labels], truth.vectors, truth.rows, truth.families,
                    truth.indices, truth.distances)  # fmt: skip
    started = time.process_time()
    table = find_label_issues(given).table.loc[list(truth.image_ids)]
    seconds = time.process_time() - started
    quality, flagged = table["label_quality"].to_numpy(), table["is_label_issue"].to_numpy()
    found = {"method": "label_issues", "s": seconds, **rate_of(quality, wrong), "flagged": flagged.sum()}
    found["errors, estimated"] = (1 - quality).sum()
    found["precision, estimated"] = (1 - quality[flagged]).mean() if flagged.any() else np.nan
    if "planted" in wrong:
        is_wrong = wrong["planted"][0]
        found |= {"errors": is_wrong.sum(), "precision": is_wrong[flagged].mean(), "recall": flagged[is_wrong].mean()}
    return found


def rival(truth: Labeled, labels: np.ndarray, wrong: dict) -> Iterator[dict[str, object]]:
    from cleanlab.filter import find_label_issues as find_by_cleanlab
    from cleanlab.rank import get_label_quality_scores
    from threadpoolctl import threadpool_limits

    started = time.process_time()
    with threadpool_limits(limits=1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, folds = LogisticRegression(max_iter=1000), StratifiedKFold(5, shuffle=True, random_state=0)
        chances = cross_val_predict(model, truth.vectors[truth.rows], labels, cv=folds, method="predict_proba")
    for method in ("self_confidence", "normalized_margin"):
        quality = get_label_quality_scores(labels, chances, method=method)
        seconds = time.process_time() - started
        flagged = find_by_cleanlab(labels, chances, n_jobs=1)
        found = {"method": f"cleanlab {method}", "s": seconds, **rate_of(quality, wrong), "flagged": flagged.sum()}
        if "planted" in wrong:
            is_wrong = wrong["planted"][0]
            found |= {"errors": is_wrong.sum(), "precision": is_wrong[flagged].mean()}
            found["recall"] = flagged[is_wrong].mean()
        yield found


def draw_few(sets: dict[str, Labeled]) -> Iterator[dict[str, object]]:
    for (name, truth), (n_classes, size) in product(sets.items(), ((4, 10), (5, 15), (5, 30))):
        codes, firsts = truth.number(1)[1], np.unique(truth.families, return_index=True)[1]
        for seed, planted in product(range(40), (0, 1, 2)):
            rng = np.random.default_rng(seed)
            kinds = rng.permutation(codes.max() + 1)[:n_classes]
            chosen = np.concatenate([rng.permutation(firsts[codes[firsts] == kind])[:size] for kind in kinds])
            labels, wrong = np.repeat(np.arange(n_classes), size), rng.permutation(n_classes * size)[:planted]
            labels[wrong] = (labels[wrong] + rng.integers(1, n_classes, planted)) % n_classes
            vectors, every = truth.vectors[truth.rows[chosen]], np.arange(len(chosen))
            graph = build_graph(vectors, n_neighbors=15)
            given = Labeled([f"{i:04}" for i in every], [str(i) for i in labels], vectors, every, every, graph.indices,
                            graph.distances)  # fmt: skip
            is_issue = find_label_issues(given).table.sort_index()["is_label_issue"].to_numpy()
            found = int(is_issue[wrong].sum())
            yield {"set": name, "images": len(every), "planted": planted, "wrong": planted, "found": found,
                   "false": int(is_issue.sum()) - found, "judged": len(every)}  # fmt: skip


def hide_half(sets: dict[str, Labeled]) -> Iterator[dict[str, object]]:
    for name, truth in sets.items():
        hidden = truth.families % 2 == 1
        labels = [None if gone else label for gone, label in zip(hidden, truth.labels, strict=True)]
        known = np.unique(truth.rows[~hidden])
        indices = np.where(np.isin(truth.indices, known), truth.indices, -1)
        half = Labeled(truth.image_ids, labels, truth.vectors, truth.rows, truth.families, indices, truth.distances)
        for method in ("auto", "logistic", "neighbors"):
            started = time.process_time()
            found = predict_labels(half, method=method)
            seconds = time.process_time() - started
            table = found.table.loc[[i for i, gone in zip(truth.image_ids, hidden, strict=True) if gone]]
            right = table["predicted_label"].to_numpy() == np.array(truth.labels, dtype=object)[hidden]
            confidence = table["confidence"].to_numpy()
            bins = pd.DataFrame({"gap": confidence - right, "bin": (confidence * 10).astype(int)}).groupby("bin")["gap"]
            error = float((bins.mean().abs() * bins.size()).sum() / len(table))
            yield {"set": name, "method": method, "s": seconds, "accuracy": right.mean(), "calibration error": error,
                   "cross-validated": found.accuracy, "mean confidence": confidence.mean()}  # fmt: skip


if __name__ == "__main__":
    main()
