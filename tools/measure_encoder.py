"""How well, and at what cost, the encoder finds edited copies among photographs.

    python tools/measure_encoder.py PHOTOS                    # the shipped encoder
    python tools/measure_encoder.py PHOTOS --variants         # and other choices; needs what export_encoder.py needs
    python tools/measure_encoder.py PHOTOS --onnx FILE        # and a model of your own

PHOTOS is a folder of photographs, none the duplicate of another. Three quarters get six edited copies each, the rest
distract. Pairs come from the ten nearest neighbors of every picture. Printed are average precision, recall at
precision 0.99 (over all pairs of pictures with one origin), and milliseconds of processor time of prepare and encode
per picture; then, for each preset, precision, recall, the copies of each edit that reach their original, and how many
pairs of distinct photographs pass, per thousand photographs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from encoder_copies import EDITS, Copies, find_photographs, make_copies

from fastdup_nb.embeddings import Descriptors, Encoder, load_encoder
from fastdup_nb.embeddings._prepare import fit_square
from fastdup_nb.embeddings._scoring import presets_for, score_edges

N_NEIGHBORS = 10
# input size, fit, frame cut, pooling, projected
VARIANTS = [
    *((size, "half", True, "generalized", True) for size in (96, 112, 128, 144, 160, 176, 192, 224)),
    (128, "squash", False, "mean", False),
    (128, "half", False, "mean", False),
    (128, "half", True, "mean", False),
    (128, "half", True, "generalized", False),
    (128, "squash", True, "generalized", True),
    (128, "crop", True, "generalized", True),
    (128, "half", False, "generalized", True),
]


class Variant:
    """The bundled encoder with another choice of size, fit, frame, pooling or projection."""

    def __init__(self, choice: tuple[int, str, bool, str, bool], folder: Path) -> None:
        import export_encoder as export
        from onnxruntime import InferenceSession, SessionOptions

        size, fit, cut, pooling, projected = choice
        projection = export.shipped_projection(export.MODELS / "efficientnet-lite0.onnx") if projected else None
        path = folder / "variant.onnx"
        path.write_bytes(export.build(size, projection=projection, pooling=pooling).SerializeToString())
        options = SessionOptions()
        options.intra_op_num_threads = 1
        self.session = InferenceSession(str(path), options)
        self.input_size, self.fit, self.cut = size, fit, cut
        self.key = f"{size} {fit} {'frame cut' if cut else 'frame kept'} {pooling} {'384' if projected else '1280'}"

    def prepare(self, image: object) -> np.ndarray:
        return fit_square(image, self.input_size, fit=self.fit, cut_frame=self.cut)

    def encode(self, batch: np.ndarray) -> Descriptors:
        return Descriptors(*self.session.run(None, {"pixels": batch}))


def encode_all(encoder: Encoder, pixels: np.ndarray) -> Descriptors:
    parts = [encoder.encode(pixels[i : i + 4]) for i in range(0, len(pixels), 4)]
    details = None if parts[0].details is None else np.concatenate([p.details for p in parts])
    return Descriptors(np.concatenate([p.vectors for p in parts]), details)


def find_edges(vectors: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pair once, a < b, of pictures of which one is among the nearest of the other."""
    nearest = []
    for start in range(0, len(vectors), 1024):
        cosine = vectors[start : start + 1024] @ vectors.T
        cosine[np.arange(len(cosine)), start + np.arange(len(cosine))] = -2
        nearest.append(np.argpartition(-cosine, n_neighbors, axis=1)[:, :n_neighbors])
    rows = np.repeat(np.arange(len(vectors)), n_neighbors)
    pairs = np.unique(np.sort(np.stack([rows, np.concatenate(nearest).ravel()], axis=1), axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def measure_ranking(is_copy: np.ndarray, scores: np.ndarray, n_possible: int) -> tuple[float, float]:
    """Average precision, and recall at precision 0.99."""
    hits = is_copy[np.argsort(-scores, kind="stable")]
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    good = np.flatnonzero(precision >= 0.99)
    return float((precision * hits).sum() / n_possible), float(found[good[-1]] / n_possible) if len(good) else 0.0


def copies_for(encoder: Encoder, paths: list[Path], seed: int) -> Copies:
    n_originals = len(paths) * 3 // 4
    order = np.random.default_rng(seed).permutation(len(paths))
    chosen = [paths[i] for i in order]
    size = encoder.input_size
    copied = make_copies(chosen[:n_originals], encoder.prepare, size=size, random_state=seed)
    rest = make_copies(chosen[n_originals:], encoder.prepare, size=size, n_edits=0, random_state=seed)
    return Copies(
        np.concatenate([copied.pixels, rest.pixels]),
        np.concatenate([copied.origin, rest.origin + n_originals]),
        np.concatenate([copied.edit, rest.edit]),
    )


def measure(encoder: Encoder, paths: list[Path], seed: int) -> dict[str, object]:
    copies = copies_for(encoder, paths, seed)
    start = time.process_time()
    descriptors = encode_all(encoder, copies.pixels)
    encode_ms = 1e3 * (time.process_time() - start) / len(copies.pixels)
    a, b = find_edges(descriptors.vectors, N_NEIGHBORS)
    is_copy = copies.origin[a] == copies.origin[b]
    sizes = np.bincount(copies.origin)
    possible = int((sizes * (sizes - 1) // 2).sum())
    scores = {"cosine": score_edges(Descriptors(descriptors.vectors), a, b), "scored": score_edges(descriptors, a, b)}
    row: dict[str, object] = {"encoder": encoder.key, "encode_ms": round(encode_ms, 1)}
    for name, values in scores.items():
        ap, recall = measure_ranking(is_copy, values, possible)
        row |= {f"AP {name}": round(ap, 4), f"R@P99 {name}": round(recall, 4)}
    row["pairs"] = pd.DataFrame({"a": a, "b": b, "is_copy": is_copy, "score": scores["scored"]})
    row["copies"], row["possible"] = copies, possible
    return row


def report_presets(encoder: Encoder, row: dict[str, object]) -> None:
    pairs, copies = row["pairs"], row["copies"]
    edit = copies.edit
    for name, bound in presets_for(encoder).items():
        kept = pairs[pairs.score >= bound]
        plain = kept[(edit[kept.a] == "original") & (edit[kept.b] == "original") & ~kept.is_copy]
        linked = kept[kept.is_copy & ((edit[kept.a] == "original") | (edit[kept.b] == "original"))]
        reached = pd.Series(np.where(edit[linked.a] == "original", edit[linked.b], edit[linked.a])).value_counts()
        shares = (reached / pd.Series(edit).value_counts()).reindex(list(EDITS)).fillna(0).round(3)
        recall, n_false = kept.is_copy.sum() / row["possible"], (~kept.is_copy).sum()
        print(f"{name} {bound}: precision {kept.is_copy.mean():.4f}, recall {recall:.4f}")
        print(f"    false pairs per 1000 photographs {1e3 * len(plain) / (edit == 'original').sum():.2f}")
        print(f"    false pairs per 1000 pictures with copies {1e3 * n_false / len(edit):.2f}")
        print("   ", ", ".join(f"{e} {s:g}" for e, s in shares.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--onnx", nargs="*", default=[])
    args = parser.parse_args()
    paths = find_photographs(args.photos)
    if args.variants:
        with tempfile.TemporaryDirectory() as folder:
            for variant in VARIANTS:
                row = measure(Variant(variant, Path(folder)), paths, args.seed)
                print({k: v for k, v in row.items() if k not in {"pairs", "copies", "possible"}}, flush=True)
    for encoder in [load_encoder(), *map(load_encoder, args.onnx)]:
        row = measure(encoder, paths, args.seed)
        print({k: v for k, v in row.items() if k not in {"pairs", "copies", "possible"}})
        report_presets(encoder, row)


if __name__ == "__main__":
    main()
