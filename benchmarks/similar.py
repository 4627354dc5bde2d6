"""How long ``ds.similar`` takes among many images, once they are loaded.

``python -m benchmarks.similar [--n 100000 --features 384 --repeat 30]``

Two datasets, made for it in a folder that goes. One has so many tiny pictures and random vectors of one's own; it is
asked with an id, with several, and with what is not meant, beside the search as it was before (the search of the graph,
and a pandas Series of all images) and beside scikit-learn's brute force. The other has a few photographs of the size of
a camera's and the bundled encoder; it is asked with bytes and regions, which shows what decoding and encoding take.
Times are in ms: median, the slowest of nine tenths, and of all processors together, which tells more where the machine
is shared.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.neighbors import NearestNeighbors

import fastdup_nb as fd
from fastdup_nb.graph import search

from ._report import print_machine, print_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=384)
    parser.add_argument("--repeat", type=int, default=30)
    options = parser.parse_args()
    print_machine(("numpy", "pandas", "scikit-learn", "onnxruntime"), images=options.n, features=options.features)
    with tempfile.TemporaryDirectory() as folder:
        print_table(time_photographs(Path(folder) / "few", options.repeat))
        print()
        print_table(time_many(Path(folder) / "many", options))


def time_many(folder: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    folder.mkdir()
    for i in range(options.n):  # a thousand contents are soon read; the vectors are all different
        path = folder / f"{i:07d}.png"
        if i < 1000:
            Image.fromarray(np.full((4, 4), i, dtype=np.uint16)).save(path)
        else:
            path.hardlink_to(folder / f"{i % 1000:07d}.png")
    vectors = np.random.default_rng(0).standard_normal((options.n, options.features), dtype=np.float32)
    ds = fd.Dataset(folder, embeddings=vectors, cache=None)
    ids, unit = ds.image_ids, ds.embeddings
    started = time.perf_counter()
    ds.similar(ids[0])
    print(f"first call, with what it loads: {time.perf_counter() - started:.1f} s")
    brute = NearestNeighbors(n_neighbors=10, metric="cosine", algorithm="brute").fit(unit)
    return [
        time_call("an id", lambda i: ds.similar(ids[i]), options.repeat),
        time_call("an id, with its text", lambda i: repr(ds.similar(ids[i])), options.repeat),
        time_call("10 ids", lambda i: ds.similar(ids[i : i + 10]), options.repeat),
        time_call(
            "10 ids, unlike 5", lambda i: ds.similar(ids[i : i + 10], unlike=ids[i + 50 : i + 55]), options.repeat
        ),
        time_call("an id, as before", lambda i: search_as_before(ds, ids[i], i), options.repeat),
        time_call("a vector, scikit-learn brute force", lambda i: brute.kneighbors(unit[i : i + 1]), options.repeat),
    ]


def search_as_before(ds: fd.Dataset, image_id: str, row: int) -> pd.DataFrame:
    stages = ds._stages
    vectors = stages.descriptors.vectors
    rows, distances = search(vectors, vectors[row][None], n_neighbors=10)
    near = pd.Series(1 - distances[0], index=rows[0])
    similarity = pd.Series(near.reindex(stages.rows).to_numpy(), index=pd.Index(stages.valid_ids)).dropna()
    order = np.lexsort((-similarity.to_numpy(), similarity.index != image_id))
    return similarity.iloc[order].head(10).to_frame()


def time_photographs(folder: Path, n_repeat: int) -> list[dict[str, object]]:
    from skimage import data

    folder.mkdir()
    for i, make in enumerate((data.astronaut, data.chelsea, data.coffee, data.rocket)):
        Image.fromarray(make()).resize((4000, 3000)).save(folder / f"{i}.jpg", quality=90)
        Image.fromarray(make()).save(folder / f"{i}_small.jpg", quality=90)
    ds = fd.Dataset(folder, cache=None)
    ds.similar("0.jpg")
    held = {name: (folder / name).read_bytes() for name in ds.image_ids}
    stranger = io.BytesIO()
    Image.fromarray(data.camera()).save(stranger, "JPEG")
    return [
        time_call("encode a JPEG of 512 x 512", lambda _: ds.similar(stranger.getvalue()), n_repeat),
        time_call("encode a JPEG of 12 megapixels", lambda i: ds.similar(held[f"{i % 4}.jpg"]), n_repeat),
        time_call("region of 512 x 512", lambda _: ds.similar("0_small.jpg", box=(50, 50, 300, 300)), n_repeat),
        time_call("region of 12 megapixels", lambda _: ds.similar("0.jpg", box=(500, 500, 3000, 2500)), n_repeat),
    ]


def time_call(name: str, call: Callable[[int], object], n_repeat: int) -> dict[str, object]:
    call(0)
    taken, busy = [], []
    for i in range(n_repeat):
        started, used = time.perf_counter(), time.process_time()
        call(i)
        taken.append(1000 * (time.perf_counter() - started))
        busy.append(1000 * (time.process_time() - used))
    return {
        "asked with": name, "median ms": f"{np.median(taken):.1f}", "90 % within ms": f"{np.quantile(taken, 0.9):.1f}",
        "median processor ms": f"{np.median(busy):.1f}",
    }  # fmt: skip


if __name__ == "__main__":
    main()
