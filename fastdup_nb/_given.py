"""What a user gives beside the images: labels, splits, further columns, vectors. Checked before any image is read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._text import TEXT, make_text
from ._validation import check_choice, check_integer
from .errors import ParameterError, ParameterTypeError
from .graph import METHODS
from .sources import PATH_COLUMNS, Listing

_WANTED = "'folder', a column of the source, a sequence, or a Series, dict or DataFrame by image id or path"
_TOLD_BY = ("new_label", "label", "split")  # columns of a frame of decisions, of an annotator's, of ds.images


@dataclass(frozen=True, eq=False)
class Settings:
    """What a dataset was made with; checked before."""

    source: str | None
    labels: object
    split: object
    cache: str | Path | None
    tags: str | Path | None
    encoder: object
    n_neighbors: int
    n_jobs: int
    random_state: int
    method: str
    embeddings: npt.NDArray[np.float32] | None


def check_settings(
    source: str | None,
    listing: Listing | None,
    *,
    labels: object,
    split: object,
    cache: object,
    tags: object,
    encoder: object,
    n_neighbors: object,
    n_jobs: object,
    random_state: object,
    method: object,
) -> Settings:
    """Return the options of a dataset, checked and copied; vectors are checked later, when the images are listed."""
    columns = [] if listing is None or listing.columns is None else listing.columns.columns.tolist()
    if n_jobs != -1:
        check_integer(n_jobs, "n_jobs", "Dataset", low=1, otherwise="-1 for all processors")
    return Settings(
        source=source,
        labels=check_told(labels, "labels", columns),
        split=check_told(split, "split", columns),
        cache=_check_place(cache, "cache", "a folder"),
        tags=_check_place(tags, "tags", "a file"),
        encoder=encoder,
        n_neighbors=check_integer(n_neighbors, "n_neighbors", "Dataset", low=1, high=1000),
        n_jobs=int(n_jobs),  # type: ignore[call-overload]
        random_state=check_integer(random_state, "random_state", "Dataset", low=0, high=2**32 - 1),
        method=check_choice(method, "method", "Dataset", METHODS),
        embeddings=None,
    )


def _check_place(place: object, option: str, kind: str) -> str | Path | None:
    if place is None or (isinstance(place, str) and place == "auto"):
        return place
    wanted = f"The {option!r} parameter of Dataset must be 'auto', {kind} or None."
    if not isinstance(place, (str, os.PathLike)):
        raise ParameterTypeError(f"{wanted} Got {place!r} instead.")
    if not os.fspath(place) or "\0" in str(place):
        raise ParameterError(f"{wanted} Got {place!r} instead.")
    return Path(os.fspath(place)).expanduser().absolute()


def check_told(told: object, option: str, columns: Sequence[str]) -> object:
    """Return labels or splits as a user told them, copied, or raise."""
    if told is None or (isinstance(told, str) and told in {"folder", *columns}):
        return told
    if isinstance(told, str):
        has = f"the columns {', '.join(map(repr, columns))}" if columns else "no columns"
        raise ParameterError(
            f"The {option!r} parameter of Dataset must be {_WANTED}. Got {told!r}, but the source has {has}."
        )
    if isinstance(told, (set, frozenset)) or not isinstance(told, Sized) or not isinstance(told, Iterable):
        raise ParameterTypeError(
            f"The {option!r} parameter of Dataset must be {_WANTED}. Got {type(told).__name__} instead."
        )
    if isinstance(told, pd.DataFrame):
        told = _column_of(told, option)
    if isinstance(told, (pd.Series, Mapping)):
        return pd.Series(told, dtype=object).copy()
    return tuple(told)


def _column_of(frame: pd.DataFrame, option: str) -> pd.Series:
    """Return the column of a frame that holds labels or splits, by its image ids or paths where it has them."""
    by = next((name for name in ("image_id", *PATH_COLUMNS) if name in frame.columns), None)
    values = frame if by is None or frame.index.name == "image_id" else frame.set_index(by)
    wanted = [name for name in _TOLD_BY if name in values.columns and (name == "split") == (option == "split")]
    if not wanted and len(values.columns) != 1:
        raise ParameterError(
            f"The {option!r} parameter of Dataset must be one column where it is a DataFrame, as in {option}=frame"
            f"['my_column']. Got the columns {', '.join(map(repr, map(str, frame.columns[:8]))) or 'none'}."
        )
    return values[wanted[0]] if wanted else values.iloc[:, 0]


def _match(index: pd.Index, option: str, listing: Listing, *, caller: str = "Dataset") -> pd.Index:
    """Return the image ids that an index of ids or of paths names; what it names otherwise stays."""
    if isinstance(index, pd.RangeIndex):
        return index
    if isinstance(index, pd.MultiIndex):
        raise ParameterError(
            f"The {option!r} parameter of {caller} must have one level in its index: image ids or paths. "
            f"Got {index.nlevels}; take one with .droplevel(...)."
        )
    if not index.isin(listing.image_ids).any():
        ids = dict(zip(listing.paths, listing.image_ids, strict=True))
        paths = [os.path.abspath(os.path.expanduser(str(name))) for name in index]
        index = pd.Index([ids.get(path, name) for path, name in zip(paths, index, strict=True)], dtype=object)
    if not index.is_unique:
        raise ParameterError(
            f"The {option!r} parameter of {caller} must name each image once. Got {index[index.duplicated()][0]!r} "
            "again; keep one row of each, for example with told[~told.index.duplicated()]."
        )
    return index


def check_length(told: object, option: str, listing: Listing, *, caller: str = "Dataset") -> None:
    """Raise where labels or splits told one by one do not fit the listed images."""
    if isinstance(told, tuple) and len(told) != len(listing):
        raise ParameterError(
            f"The {option!r} parameter of {caller} must have one entry for each of the {len(listing):,} listed images. "
            f"Got {len(told):,}. Give a Series or dict by image id where not all have one."
        )
    if isinstance(told, pd.Series) and len(listing) and len(told):
        if _match(told.index, option, listing, caller=caller).isin(listing.image_ids).any():
            return
        if isinstance(told.index, pd.RangeIndex) and len(told) == len(listing):
            return
        raise ParameterError(
            f"The {option!r} parameter of {caller} must be indexed by image id, such as {listing.image_ids[0]!r} (see "
            f"ds.image_ids), or by path. Got an index such as {told.index[0]!r}."
        )


def tell(told: object, column: str, listing: Listing) -> pd.Series:
    """Return the label (*column* "label") or split of each image, missing where none was told."""
    index = pd.Index(listing.image_ids, name="image_id", dtype=TEXT)
    if told is None and listing.columns is not None and column in listing.columns:
        told = column
    values: Any = told
    if told is None:
        values = [None] * len(index)
    elif isinstance(told, pd.Series):
        told = told.set_axis(_match(told.index, column, listing))
        by_id = told.index.isin(index).any() or len(told) != len(index)
        values = told.reindex(index).tolist() if by_id else told.tolist()
    elif told == "folder":
        values = _folders(listing) if column == "label" else _top_folders(listing)
    elif isinstance(told, str):
        values = listing.names_in(told)
    return as_names(values, index)


def as_names(values: Iterable[object], index: pd.Index) -> pd.Series:
    """Return labels, splits or groups as text without the space around it; one that is blank is missing."""
    named = [(make_text(value).strip() or None) if isinstance(value, str) else value for value in values]
    given = pd.Series(named, index=index, dtype=object).convert_dtypes()  # so that 1 with a gap is no 1.0
    names: pd.Series = given.astype(object).where(given.isna(), given.astype(str)).astype(TEXT)
    return names


def check_embeddings(embeddings: object, listing: Listing) -> npt.NDArray[np.float32]:
    """Return a user's own vectors as float32 (n_images, n_features) of length 1, a row per image, or raise."""
    if isinstance(embeddings, (pd.DataFrame, pd.Series)):
        embeddings = _order_rows(embeddings, listing)
    try:
        array = np.array(embeddings, copy=True)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"its dtype is {array.dtype}")
        array = array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(f"The 'embeddings' parameter of Dataset must be an array of numbers: {error}.") from error
    if array.ndim != 2 or len(array) != len(listing) or array.shape[1] == 0:
        raise ParameterError(
            f"The 'embeddings' parameter of Dataset must have a row for each of the {len(listing):,} listed images, in "
            f"the order of ds.image_ids. Got shape {array.shape} instead."
        )
    array[np.isnan(array).all(axis=1)] = 0  # as ds.embeddings has for broken images; an error where one is not
    if not np.isfinite(array).all():
        raise ParameterError("The 'embeddings' parameter of Dataset must be finite; it holds NaN or infinity.")
    largest = np.abs(array).max(axis=1, keepdims=True)
    array = array / np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (array / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def _order_rows(embeddings: pd.DataFrame | pd.Series, listing: Listing) -> object:
    """Return the rows of a frame, or the vectors in a Series, by the image ids or paths of its index, if it has any."""
    index = _match(embeddings.index, "embeddings", listing)
    if not isinstance(index, pd.RangeIndex) and len(index):
        places = index.get_indexer(pd.Index(listing.image_ids))
        if (missing := np.flatnonzero(places < 0)).size:
            raise ParameterError(
                "The 'embeddings' parameter of Dataset must have a row for each image, by image id or path, where it "
                f"has an index. Got none for {len(missing):,} of {len(listing):,} images, the first of them "
                f"{listing.image_ids[missing[0]]!r}, and a row {index[0]!r}. Of rows that are in the order of "
                "ds.image_ids, give embeddings.to_numpy()."
            )
        embeddings = embeddings.iloc[places]
    return embeddings if isinstance(embeddings, pd.DataFrame) else embeddings.tolist()


def check_directions(vectors: npt.NDArray[np.float32], image_ids: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return vectors of images that are not broken; one of zeros has no direction, so it is an error."""
    zero = np.flatnonzero(~vectors.any(axis=1))
    if len(zero):
        raise ParameterError(
            f"The 'embeddings' parameter of Dataset has a vector of zeros or NaN for {len(zero):,} images, the first "
            f"of them {image_ids[zero[0]]!r}: such a vector is similar to nothing and to everything. Leave these "
            "images out of the source."
        )
    return vectors


def _folders(listing: Listing) -> list[str | None]:
    return [os.path.basename(os.path.dirname(path)) or None for path in listing.paths]


def _top_folders(listing: Listing) -> list[str | None]:
    return [image_id.partition("/")[0] if "/" in image_id else None for image_id in listing.image_ids]
