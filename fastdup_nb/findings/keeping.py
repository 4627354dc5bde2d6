"""Which image of several stays, and which may have exactly the same pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..graph import NeighborGraph
from ..images import WORKING_SIDE

KEEP_RULES = ("first", "largest", "sharpest", "oldest")
#: Vectors of the same pixels are nearer (1 - cosine): those of two JPEGs, both decoded at reduced scale, ...
_SAME_JPEG_DISTANCE = 0.005
#: ... and those of a JPEG and a file of another kind, which is decoded whole: fine texture tells them apart.
SAME_PIXELS_DISTANCE = 0.05
#: Images whose detail differs by less than about a fifth are equally sharp, and the one with most pixels stays.
_STEPS_OF_DETAIL = 4


def rank_images(images: pd.DataFrame, keep: str | pd.Series) -> npt.NDArray[np.int64]:
    """Return the rank of each image, 0 to be kept first; equals are ranked by their order in *images*.

    Whatever the rule, symbolic links come last, so that what could go never is the file that a kept link points to;
    before them come files that are reached through a linked folder.

    Parameters
    ----------
    images : DataFrame
        With ``width``, ``height``, ``file_size``, ``sharpness``, ``exif_time`` and ``path``.
    keep : {"first", "largest", "sharpest", "oldest"} or Series
        ``sharpest`` takes the finest detail that a small copy resolves and, of about equal ones, most pixels;
        ``oldest`` takes images with an EXIF time before those without, which go by the time of their file; of a Series
        of numbers by image id the largest comes first, and a gap last.
    """
    keys = [np.arange(len(images)), *_keep_keys(images, keep), _rank_links(images["path"])]
    order = np.lexsort(keys)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def count_same_files(paths: pd.Series, members: pd.DataFrame) -> int:
    """Return how many of the images that could go are links, or other names of the very file that stays.

    Parameters
    ----------
    paths : Series
        Path of each image, by image id.
    members : DataFrame
        Of ``DuplicateTables``: ``group`` and ``is_kept``, group by group.
    """
    own = paths.loc[members.index].tolist()
    files = [_identify_file(path) for path in own]
    kept = np.flatnonzero(members["is_kept"].to_numpy())
    stays = kept[members["group"].to_numpy()]
    removable = np.flatnonzero(~members["is_kept"].to_numpy())
    pairs = zip(removable.tolist(), stays[removable].tolist(), strict=True)
    return sum(os.path.islink(own[i]) or (files[i] is not None and files[i] == files[j]) for i, j in pairs)


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
    near, ranks = np.nonzero((graph.indices >= 0) & (graph.distances <= SAME_PIXELS_DISTANCE))
    return find_unsure_of(facts, rows, near, graph.indices[near, ranks], graph.distances[near, ranks])


def find_unsure_of(
    facts: Sequence[Mapping[str, object]],
    rows: npt.NDArray[np.int64],
    near: npt.NDArray[np.integer],
    others: npt.NDArray[np.integer],
    distances: npt.NDArray[np.floating],
) -> list[int]:
    """Return the same, given the pairs of rows that are at most SAME_PIXELS_DISTANCE apart, and how far they are."""
    # vectors of a user's own may differ for the same pixels: each row is named, then
    named = {(facts[image]["pixel_hash"], int(rows[image])): image for image in reversed(range(len(facts)))}
    contents: dict[tuple[int, object, object], list[int]] = {}
    for image in named.values():
        key = (int(rows[image]), facts[image]["width"], facts[image]["height"])
        contents.setdefault(key, []).append(image)
    sizes_of_row: dict[int, list[tuple[object, object]]] = {}
    for row, width, height in contents:
        sizes_of_row.setdefault(row, []).append((width, height))
    unsure = {image for images in contents.values() if len(images) > 1 for image in images}
    for row, other, distance in zip(near.tolist(), others.tolist(), distances.tolist(), strict=True):
        for size in set(sizes_of_row[row]) & set(sizes_of_row[other]):
            both = contents[(row, *size)], contents[(other, *size)]
            if distance <= _SAME_JPEG_DISTANCE or _is_jpeg(facts, both[0]) != _is_jpeg(facts, both[1]):
                unsure.update(*both)
    return sorted(image for image in unsure if facts[image]["format"] == "JPEG")


def _is_jpeg(facts: Sequence[Mapping[str, object]], images: Sequence[int]) -> set[bool]:
    return {facts[image]["format"] == "JPEG" for image in images}


def _keep_keys(images: pd.DataFrame, keep: str | pd.Series) -> list[npt.NDArray[np.generic]]:
    """Return what a rule ranks by, smaller first; the last key counts most."""
    if isinstance(keep, pd.Series):
        values = keep.reindex(images.index).to_numpy(dtype=float, na_value=np.nan)
        return [np.where(np.isnan(values), np.inf, -values)]
    sides = images[["width", "height"]].to_numpy(dtype=float)
    if keep == "largest":
        return [-images["file_size"].to_numpy(dtype=float), -sides.prod(axis=1)]
    if keep == "sharpest":  # sharpness is told by the pixel of a working picture: a thumbnail of anything is sharp
        detail = images["sharpness"].to_numpy(dtype=float) * np.minimum(sides.min(axis=1), WORKING_SIDE)
        return [-sides.prod(axis=1), -np.round(_STEPS_OF_DETAIL * np.log2(1 + detail))]
    if keep == "oldest":
        taken = images["exif_time"].to_numpy(dtype="datetime64[s]").astype(np.int64)
        has_none = images["exif_time"].isna().to_numpy(dtype=bool)
        written = np.array([_file_time(path) for path in images["path"]], dtype=np.int64)
        return [written, np.where(has_none, 0, taken), has_none]
    return []


def _rank_links(paths: pd.Series) -> npt.NDArray[np.int8]:
    """Return 2 for symbolic links, 1 for files in a linked folder, else 0."""
    folders = [os.path.dirname(path) for path in paths]
    is_linked = {folder: os.path.realpath(folder) != folder for folder in set(folders)}
    found = [2 if os.path.islink(path) else int(is_linked[folder]) for path, folder in zip(paths, folders, strict=True)]
    return np.array(found, dtype=np.int8)


def _identify_file(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None


def _file_time(path: str) -> int:
    try:
        return int(os.stat(path).st_mtime)
    except OSError:
        return np.iinfo(np.int64).max
