"""The order of frames: by time, by the numbers in their names, or by a column; and what belongs to one sequence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..._text import TEXT
from ...errors import ParameterError

__all__ = ["Order", "key_name", "order_frames", "tell_sequences"]

_NUMBER = re.compile(r"((?:(?:^|(?<=[/_=(]))-)?\d+)")  # a hyphen after a letter or digit is no minus
_FRAME_TIME = re.compile(r"@(\d+(?:\.\d+)?)s?$")
_ISO, _ZONE = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r":.*(?:Z|[+-]\d\d:?(?:\d\d)?)$")
_NO_NAME = "(none)"


@dataclass(frozen=True)
class Order:
    """How frames are put in order.

    Attributes
    ----------
    name : str
        ``"time"``, ``"name"``, ``"listing"``, ``"frame time"`` or a column.
    rank : int64 array (n_images,)
        Place of each image; -1 where it has none.
    times : Series or None
        What it was put in order by, where that is a time or a number: datetimes or floats.
    n_equal : int
        Images with the same time as another one; they are in the order of their names.
    """

    name: str
    rank: npt.NDArray[np.int64]
    times: pd.Series | None
    n_equal: int

    @property
    def n_left_out(self) -> int:
        """Images without a time."""
        return int((self.rank < 0).sum())


def key_name(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names as people do: ``frame_2`` before ``frame_10``, and ``x_-1`` before ``x_0``.

    Examples
    --------
    >>> from fastdup_nb.findings.sequence.order import key_name
    >>> sorted(["b10.jpg", "b9.jpg", "a11.jpg"], key=key_name)
    ['a11.jpg', 'b9.jpg', 'b10.jpg']
    """
    parts = _NUMBER.split(name)
    return tuple((0, int(part), part) if i % 2 else (1, 0, part.casefold()) for i, part in enumerate(parts))


def order_frames(images: pd.DataFrame, order: str, caller: str) -> Order:
    """Put images in order.

    Parameters
    ----------
    images : DataFrame (n_images,) indexed by image_id
        With ``exif_time`` and whatever else may be named.
    order : str
        ``"auto"``, ``"time"``, ``"name"``, ``"listing"``, ``"frame time"`` or a column.
    caller : str
        Named in errors.

    Raises
    ------
    ParameterError
        There is no such column, it has gaps or cannot be sorted, or no image has a time.
    """
    if order == "auto":
        order = _choose(images)
    if order == "listing":
        return Order("listing", np.arange(len(images), dtype=np.int64), None, 0)
    names = _rank_names(images.index)
    if order == "name":
        return Order("name", names, None, 0)
    if order == "frame time":
        return _by_values("frame time", _check_frame_times(images.index, caller), names)
    if order == "time":
        return _by_values("time", _exif_times(images, caller), names)
    values = _check_column(images, order, caller)
    _check_finite(values, order, caller)
    return _by_values(order, values, names)


def tell_sequences(images: pd.DataFrame, by: str | None, caller: str) -> pd.Series:
    """Return the name of the sequence of each image: its folder, its camera, or the value of a column; missing is one.

    Raises
    ------
    ParameterError
        There is no such column.
    """
    if by is None:
        return _name_all(images, [""] * len(images))
    if by == "folder":
        folders = [str(image_id).rpartition("/")[0] for image_id in images.index]
        videos = [image_id.rpartition("@")[0] if _FRAME_TIME.search(image_id) else "" for image_id in images.index]
        return _name_all(images, [video or folder for video, folder in zip(videos, folders, strict=True)])
    if by not in images.columns:
        raise ParameterError(
            f"The 'by' parameter of {caller} must be None, 'folder', 'camera' or a column of ds.images. "
            f"Got {by!r} instead; it has {_list(images.columns)}."
        )
    values = images[by].astype(object)
    return _name_all(images, [_NO_NAME if pd.isna(value) else str(value) for value in values])


def _name_all(images: pd.DataFrame, names: list[str]) -> pd.Series:
    named: pd.Series = pd.Series(names, index=images.index, dtype=TEXT)
    return named


def _choose(images: pd.DataFrame) -> str:
    """Return "frame time" for frames of videos, "time" where all times are known and differ, else "name"."""
    if len(images) and all(_FRAME_TIME.search(image_id) for image_id in images.index):
        return "frame time"
    times = images["exif_time"]
    return "time" if len(images) and times.notna().all() and times.nunique() > len(images) / 2 else "name"


def _rank_names(index: pd.Index) -> npt.NDArray[np.int64]:
    keys = [key_name(str(image_id)) for image_id in index]
    return _to_ranks(sorted(range(len(keys)), key=keys.__getitem__))


def _to_ranks(order: Sequence[int]) -> npt.NDArray[np.int64]:
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[np.asarray(order, dtype=np.int64)] = np.arange(len(order))
    return ranks


def _by_values(name: str, values: pd.Series, names: npt.NDArray[np.int64]) -> Order:
    """Return the order by values, equal ones by name; images without a value have no place."""
    known = values.notna().to_numpy()
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[known] = pd.factorize(values[known], sort=True)[0]
    rank = _to_ranks(np.lexsort((names, codes)).tolist())
    rank[~known] = -1
    n_equal = int(values[known].duplicated(keep=False).sum())
    return Order(name, rank, _read_times(values), n_equal)


def _read_times(values: pd.Series) -> pd.Series | None:
    """Return values as datetimes or floats, durations in seconds; None where they are neither times nor numbers."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_timedelta64_dtype(values):
        return pd.Series(values.to_numpy() / np.timedelta64(1, "s"), index=values.index)
    is_number: bool = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return pd.Series(values.to_numpy(dtype=float), index=values.index) if is_number else None


def _exif_times(images: pd.DataFrame, caller: str) -> pd.Series:
    times: pd.Series = images["exif_time"]
    if len(times) and times.isna().all():
        raise ParameterError(
            f"The 'order' parameter of {caller} cannot be 'time': none of {len(times):,} images tells in EXIF when it "
            "was taken. Try order='name', or the name of a column of the source."
        )
    return times


def _frame_times(index: pd.Index) -> pd.Series:
    found = [_FRAME_TIME.search(str(image_id)) for image_id in index]
    return pd.Series([float(match.group(1)) if match else np.nan for match in found], index=index, dtype=float)


def _check_frame_times(index: pd.Index, caller: str) -> pd.Series:
    times = _frame_times(index)
    if len(times) and times.isna().all():
        raise ParameterError(
            f"The 'order' parameter of {caller} cannot be 'frame time': none of {len(times):,} names ends in a time, "
            "such as 'film.mp4@12.5'. Try order='name'."
        )
    return times


def _check_column(images: pd.DataFrame, column: str, caller: str) -> pd.Series:
    if column not in images.columns:
        raise ParameterError(
            f"The 'order' parameter of {caller} must be 'auto', 'time', 'name', 'listing', 'frame time' or a column of "
            f"ds.images. Got {column!r} instead; it has {_list(images.columns)}."
        )
    values = images[column]
    gaps = values.isna()
    if gaps.any():
        raise ParameterError(
            f"The column {column!r}, given as 'order' of {caller}, must have a value for every image. It has none for "
            f"{int(gaps.sum()):,} of {len(values):,}, the first {gaps.idxmax()!r}. Fill it, or leave them out: "
            f"ds.where(ds.images[{column!r}].notna())."
        )
    if pd.api.types.is_complex_dtype(values):
        raise ParameterError(
            f"The column {column!r}, given as 'order' of {caller}, must have values that can be sorted. "
            "Got complex numbers, which cannot be compared; make them numbers or times."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        if values.cat.ordered:
            return values
        values = values.astype(object)
    if values.dtype.kind in "iufmMb" or pd.api.types.is_datetime64_any_dtype(values):
        return values
    return _check_sortable(values, column, caller)


def _check_finite(values: pd.Series, column: str, caller: str) -> None:
    """Raise where a number is infinite: no time passes from there to anywhere."""
    if values.dtype.kind == "f" and (endless := np.isinf(values.to_numpy(dtype=float))).any():
        raise ParameterError(
            f"The column {column!r}, given as 'order' of {caller}, must have finite numbers. It has infinity for "
            f"{int(endless.sum()):,} of {len(values):,}, the first {values.index[endless][0]!r}. Put a time in its "
            "place, or leave these images out with ds.where(ids)."
        )


def _check_sortable(values: pd.Series, column: str, caller: str) -> pd.Series:
    """Return text as times where all of it are times, else as it is; raise where values cannot be compared."""
    kinds = {type(value).__name__ for value in values}
    _check_zones(values, column, caller)
    try:
        pd.factorize(values.sort_values())
    except TypeError as error:
        raise ParameterError(
            f"The column {column!r}, given as 'order' of {caller}, must have values that can be sorted. "
            f"Got {', '.join(sorted(kinds))}, which cannot be compared; make them numbers or times."
        ) from error
    if kinds == {"str"}:
        return _read_text(values)
    return values


def _check_zones(values: pd.Series, column: str, caller: str) -> None:
    """Raise where some times have a zone and others have none: nobody knows which came first."""
    times = [value for value in values if isinstance(value, datetime) or (isinstance(value, str) and _ISO.match(value))]
    zoned = [bool(_ZONE.search(time)) if isinstance(time, str) else time.tzinfo is not None for time in times]
    if len(times) == len(values) and len(set(zoned)) > 1:
        raise ParameterError(
            f"The column {column!r}, given as 'order' of {caller}, must have times that can be compared. Got "
            f"{sum(zoned):,} with a time zone and {len(zoned) - sum(zoned):,} without; give all of them one, or none."
        )


def _read_text(values: pd.Series) -> pd.Series:
    """Return text that holds numbers or ISO times as such; other text in the order in which people sort it."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        return numbers.astype(float)
    times = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)
    if times.notna().all():
        return times.dt.tz_localize(None)
    distinct = sorted(set(values), key=key_name)
    return values.map({value: i for i, value in enumerate(distinct)}).astype("Int64")


def _list(columns: pd.Index) -> str:
    names = [str(name) for name in columns]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
