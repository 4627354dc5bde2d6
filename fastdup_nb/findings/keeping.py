"""Which image of several stays, and which may have exactly the same pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..graph import NeighborGraph

KEEP_RULES = ("first", "largest", "sharpest", "oldest")
#: Vectors of the same pixels, from a JPEG decoded at reduced scale and from another file, are nearer (1 - cosine).
_SAME_PIXELS_DISTANCE = 0.005


def rank_images(images: pd.DataFrame, keep: str) -> npt.NDArray[np.int64]:
    """Return the rank of each image, 0 to be kept first; equals are ranked by their order in *images*.

    Parameters
    ----------
    images : DataFrame
        With ``width``, ``height``, ``file_size``, ``sharpness``, ``exif_time`` and ``path``.
    keep : {"first", "largest", "sharpest", "oldest"}
        ``oldest`` takes images with an EXIF time before those without, which go by the time of their file.
    """
    order = np.arange(len(images))
    if keep == "largest":
        pixels = images["width"].astype(float) * images["height"].astype(float)
        order = np.lexsort((order, -images["file_size"].astype(float), -pixels))
    elif keep == "sharpest":
        order = np.lexsort((order, -images["sharpness"].astype(float)))
    elif keep == "oldest":
        taken = images["exif_time"].to_numpy(dtype="datetime64[s]").astype(np.int64)
        has_none = images["exif_time"].isna().to_numpy(dtype=bool)
        written = np.array([_file_time(path) for path in images["path"]], dtype=np.int64)
        order = np.lexsort((order, written, np.where(has_none, 0, taken), has_none))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def find_unsure_pixels(
    facts: Sequence[Mapping[str, object]],
    rows: npt.NDArray[np.int64],
    graph: NeighborGraph,
) -> list[int]:
    """Return the JPEGs that may show the same pixels as an image with another pixel hash.

    That of a JPEG is of its compressed data, and other data, or another container, may decode to the same pixels. The
    two have the same size, and the same vector or nearly. Of those with one hash the first stands for all.

    Parameters
    ----------
    facts : sequence of mappings
        ``width``, ``height``, ``format`` and ``pixel_hash`` of each image.
    rows : int array of shape (n_images,)
        Row of the distinct vector of each image.
    graph : NeighborGraph
        Of the distinct vectors.
    """
    named = {facts[image]["pixel_hash"]: image for image in reversed(range(len(facts)))}
    contents: dict[tuple[int, object, object], list[int]] = {}
    for image in named.values():
        key = (int(rows[image]), facts[image]["width"], facts[image]["height"])
        contents.setdefault(key, []).append(image)
    sizes_of_row: dict[int, list[tuple[object, object]]] = {}
    for row, width, height in contents:
        sizes_of_row.setdefault(row, []).append((width, height))
    unsure = {image for images in contents.values() if len(images) > 1 for image in images}
    near, ranks = np.nonzero((graph.indices >= 0) & (graph.distances <= _SAME_PIXELS_DISTANCE))
    for row, other in zip(near.tolist(), graph.indices[near, ranks].tolist(), strict=True):
        for size in set(sizes_of_row[row]) & set(sizes_of_row[other]):
            unsure.update(contents[(row, *size)], contents[(other, *size)])
    return sorted(image for image in unsure if facts[image]["format"] == "JPEG")


def _file_time(path: str) -> int:
    try:
        return int(os.stat(path).st_mtime)
    except OSError:
        return np.iinfo(np.int64).max
