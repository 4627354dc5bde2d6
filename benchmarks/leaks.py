"""Leaks that people have judged, and the quality of new splits: `python -m benchmarks.leaks index.csv truth.csv`.

`index.csv` has the columns path (relative to its folder), split and label; `truth.csv` the columns test_path,
train_path and judgement: pairs judged 1 count as twins, all other judged pairs are left out, and a pair that nobody
judged counts as wrong, though many of these are twins (a picture of the test split was judged with the nearest one
only). So pairs are ranked, too, without those that nobody judged of two pictures that both have a judged twin, which
are mostly of one series; and test images by their best pair: there one twin is enough. `--fastdup PYTHON` is one
that has fastdup 2.54 (`python3.11 -m venv fd; fd/bin/pip install fastdup==2.54`); it runs on the same folder, in a
process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import fastdup_nb as fd
from fastdup_nb.embeddings import DEFAULT_MODEL, MODELS
from fastdup_nb.findings.splitting import split_groups

from ._report import measured, print_machine, print_table

FASTDUP = """
import sys, tempfile
from pathlib import Path
import fastdup, pandas as pd
folder, target = sys.argv[1:]
with tempfile.TemporaryDirectory() as work:
    run = fastdup.create(work_dir=work, input_dir=folder)
    run.run(overwrite=True, threshold=.5, nearest_neighbors_k=10, print_summary=False)
    pairs = run.similarity()
root = Path(folder).resolve()
inside = lambda column: [Path(path).resolve().relative_to(root).as_posix() for path in column]
frame = pd.DataFrame({"a": inside(pairs.filename_from), "b": inside(pairs.filename_to), "similarity": pairs.distance})
frame.to_csv(target, index=False)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--fastdup", help="python with fastdup 2.54")
    parser.add_argument("--fastdup-pairs", type=Path, help="or what it found before: a CSV with a, b, similarity")
    parser.add_argument("--cache", default=None)
    options = parser.parse_args()
    index, truth = pd.read_csv(options.index), pd.read_csv(options.truth)
    sizes = index["split"].value_counts().to_dict()
    print_machine(["numpy", "pandas", "scikit-learn", "onnxruntime"], images=len(index), splits=sizes,
                  twins=int((truth["judgement"] == 1).sum()))  # fmt: skip
    ours, facts = measured(lambda: find_ours(options.index, index, options.cache))
    sides = [("fastdup_nb", ours, facts["wall_s"])]
    if options.fastdup or options.fastdup_pairs:
        theirs, facts = measured(lambda: find_theirs(options, index))
        sides.append(("fastdup 2.54", theirs, facts["wall_s"]))
    print_table([score(name, what, judge(pairs, truth), seconds)
                 for what, judge in (("pairs", judge_pairs), ("pairs less series", judge_apart),
                                     ("test images", judge_images))
                 for name, pairs, seconds in sides])  # fmt: skip
    print()
    print_table(bounds(ours, truth))
    print()
    print_table([*compare_splits(index["label"].to_numpy()), *compare_splits(None)])


def find_ours(place: Path, index: pd.DataFrame, cache: str | None) -> pd.DataFrame:
    """Return the pairs across splits as a, b, similarity: a the test image."""
    ds = fd.Dataset(index.assign(path=[str(place.parent / path) for path in index["path"]]), cache=cache)
    back = dict(zip(ds.image_ids, index["path"], strict=True))
    pairs = ds.leaks(min_similarity=0.6).pairs
    return orient(pairs["image_id_a"].map(back), pairs["image_id_b"].map(back), pairs["similarity"], index)


def find_theirs(options: argparse.Namespace, index: pd.DataFrame) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        target = options.fastdup_pairs
        if target is None:
            target = Path(folder) / "pairs.csv"
            subprocess.run([options.fastdup, "-c", FASTDUP, str(options.index.parent), str(target)], check=True,
                           capture_output=True)  # fmt: skip
        pairs = pd.read_csv(target)
    return orient(pairs["a"], pairs["b"], pairs["similarity"], index)


def orient(a: pd.Series, b: pd.Series, similarity: pd.Series, index: pd.DataFrame) -> pd.DataFrame:
    """Return each pair across splits once, the test image first."""
    split = dict(zip(index["path"], index["split"], strict=True))
    table = pd.DataFrame({"a": list(a), "b": list(b), "similarity": list(similarity)})
    is_test_a, is_test_b = (table[side].map(split) == "test" for side in "ab")
    table = table[is_test_a != is_test_b]
    swap = ~is_test_a.loc[table.index]
    table.loc[swap, ["a", "b"]] = table.loc[swap, ["b", "a"]].to_numpy()
    return table.sort_values("similarity", ascending=False, kind="stable").drop_duplicates(["a", "b"])


def judge_pairs(pairs: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the pairs that count, best first, with whether each is right; and how many there are to find."""
    judged = dict(zip(zip(truth["test_path"], truth["train_path"], strict=True), truth["judgement"], strict=True))
    given = [judged.get(pair, 0) for pair in zip(pairs["a"], pairs["b"], strict=True)]
    table = pairs.assign(judgement=given)
    table = table[table["judgement"] <= 1].sort_values("similarity", ascending=False, kind="stable")
    return table.assign(is_right=table["judgement"] == 1), int((truth["judgement"] == 1).sum())


def judge_apart(pairs: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return what ``judge_pairs`` does, without wrong pairs of two pictures that both have a twin elsewhere."""
    table, n_twins = judge_pairs(pairs, truth)
    twins = truth[truth["judgement"] == 1]
    in_series = table["a"].isin(twins["test_path"]) & table["b"].isin(twins["train_path"])
    return table[table["is_right"] | ~in_series], n_twins


def judge_images(pairs: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the test images that count, by their best pair, with whether they have a twin; and how many have."""
    best = pairs.drop_duplicates("a")
    twins = set(truth.loc[truth["judgement"] == 1, "test_path"])
    unsure = set(truth["test_path"]) - twins
    table = best[~best["a"].isin(unsure)]
    return table.assign(is_right=table["a"].isin(twins)), len(twins)


def score(name: str, what: str, judged: tuple[pd.DataFrame, int], seconds: float) -> dict[str, object]:
    table, n_twins = judged
    right = table["is_right"].to_numpy()
    last = np.append(np.diff(table["similarity"].to_numpy()) != 0, True)  # equal similarities stand or fall together
    recall = (np.cumsum(right) / n_twins)[last]
    precision = (np.cumsum(right) / np.arange(1, len(right) + 1))[last]
    average = float((np.diff(recall, prepend=0) * precision).sum())
    told = {f"recall at {p}": f"{recall[precision >= p].max(initial=0):.3f}" for p in (0.95, 0.9, 0.8, 0.5)}
    found = f"{right.sum() / n_twins:.3f}"
    return {
        "": name,
        "ranked": what,
        "average precision": f"{average:.3f}",
        **told,
        "found at all": found,
        "wall s": f"{seconds:.0f}",
    }


def bounds(pairs: pd.DataFrame, truth: pd.DataFrame) -> list[dict[str, object]]:
    """Return what each named bound finds."""
    table, n_twins = judge_pairs(pairs, truth)
    rows = []
    for name, bound in MODELS[DEFAULT_MODEL].presets.items():
        chosen = table[table["similarity"] >= bound]
        n = int(chosen["is_right"].sum())
        images, n_images = judge_images(pairs[pairs["similarity"] >= bound], truth)
        right = int(images["is_right"].sum())
        rows.append({"min_similarity": f"{name} ({bound})", "pairs": len(chosen), "recall": f"{n / n_twins:.3f}",
                     "precision": f"{n / max(1, len(chosen)):.3f}", "test images": len(images),
                     "recall of these": f"{right / n_images:.3f}",
                     "precision of these": f"{right / max(1, len(images)):.3f}"})  # fmt: skip
    return rows


def compare_splits(labels: np.ndarray | None) -> list[dict[str, object]]:
    """Return how far splits of 0.8, 0.1 and 0.1 are from that, here and by ten folds of scikit-learn."""
    from sklearn.model_selection import StratifiedGroupKFold

    shares = np.array([0.8, 0.1, 0.1])
    rng = np.random.default_rng(0)
    name = "labels of the set" if labels is not None else "5 classes"
    classes = rng.integers(0, 5, 2000) if labels is None else pd.factorize(labels)[0]
    n = len(classes)
    groups = {"none": np.arange(n), "pairs": np.arange(n) // 2, "50 patients": rng.integers(0, 50, n),
              "some huge": np.minimum(rng.geometric(0.03, n), 150)}  # fmt: skip
    rows = []
    for kind, numbers in groups.items():
        group = np.unique(numbers, return_inverse=True)[1]
        folds = np.empty(n, dtype=int)
        folder = StratifiedGroupKFold(10, shuffle=True, random_state=0)
        for i, (_, test) in enumerate(folder.split(classes, classes, group)):
            folds[test] = i
        sides = {"split_groups": split_groups(group, classes, shares), "ten folds": np.clip(folds - 7, 0, 2)}
        told = {"classes": name, "groups": kind}
        for side, splits in sides.items():
            counts = pd.crosstab(classes, splits).to_numpy()
            told[f"{side}, shares off"] = f"{np.abs(counts.sum(axis=0) / n - shares).max():.4f}"
            told[f"{side}, class off"] = f"{np.abs(counts / counts.sum(axis=1, keepdims=True) - shares).max():.4f}"
        rows.append(told)
    return rows


if __name__ == "__main__":
    main()
