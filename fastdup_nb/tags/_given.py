"""What a user may name images, tags and pairs by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import compress
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from .._text import check_name
from ..errors import ParameterError, ParameterTypeError, UnknownImageError

Mask = pd.Series | pd.Index | npt.NDArray[np.bool_] | ExtensionArray | Sequence[bool]
VERDICTS = ("not duplicates", "same")
_WANTED = (
    "an image id, a list, Index or Series of ids, a DataFrame with image_id as index or column, a boolean Series "
    "indexed by image_id, or a boolean for each image"
)


def check_images(images: object, caller: str, known: Collection[str], *, name: str = "images") -> list[str]:
    """Return the ids that *images* stands for, each once, or raise where one is not *known*; these are in order."""
    found = list(dict.fromkeys(_read_ids(images, caller, known, name)))
    for image_id in found:
        if not isinstance(image_id, str):
            raise ParameterTypeError(
                f"The {name!r} parameter of {caller} must be {_WANTED}. Got {image_id!r} "
                f"({type(image_id).__name__}) as an id."
            )
    unknown = [image_id for image_id in found if image_id not in known]
    if unknown:
        more = f" nor {len(unknown) - 1:,} of the others given" if len(unknown) > 1 else ""
        raise UnknownImageError(
            f"There is no image {unknown[0]!r}{more} in this dataset; ids are paths relative to its root, see "
            "ds.image_ids."
        )
    return [str(image_id) for image_id in found]


def is_mask(images: object) -> TypeGuard[Mask]:
    """Whether *images* are chosen by booleans: a Series, an array, or a list of them."""
    kinds = (list, tuple, pd.Series, pd.Index, np.ndarray, ExtensionArray)
    is_flat = isinstance(images, kinds) and getattr(images, "ndim", 1) == 1
    return is_flat and pd.api.types.infer_dtype(images) == "boolean"


def read_mask(mask: Mask, caller: str, known: Collection[str], *, name: str = "images") -> list[str]:
    """Return the ids where *mask* is true; where it is missing it is not, as in ``frame[mask]``.

    A Series that is indexed by image ids tells of each by its id; other booleans stand for the *known* ids in order.
    """
    chosen = pd.Series(mask, dtype="boolean").to_numpy(dtype=bool, na_value=False)
    if isinstance(mask, pd.Series) and not isinstance(mask.index, pd.RangeIndex):
        named: list[str] = mask.index[chosen].tolist()
        return named
    if len(chosen) != len(known):
        raise ParameterError(
            f"The {name!r} parameter of {caller} must have one boolean for each of the {len(known):,} images where it "
            f"is a mask. Got {len(chosen):,}."
        )
    return list(compress(known, chosen))


def check_tags(tags: object, name: str, caller: str) -> list[str]:
    """Return tags, each once, from one str or several."""
    if isinstance(tags, str):
        tags = [tags]
    if not isinstance(tags, Iterable) or isinstance(tags, (bytes, Mapping)):
        raise ParameterTypeError(f"The {name!r} parameter of {caller} must be a tag or a list of tags. Got {tags!r}.")
    return list(dict.fromkeys(check_name(tag, name, caller) for tag in tags))


def check_pairs(pairs: object, caller: str, known: Collection[str]) -> list[tuple[str, str]]:
    """Return pairs of ids of two different images."""
    found = [tuple(check_images(list(pair), caller, known, name="pairs")) for pair in _read_pairs(pairs, caller)]
    if any(len(pair) != 2 for pair in found):
        raise ParameterError(f"The 'pairs' parameter of {caller} must be pairs of two different images.")
    return [(pair[0], pair[1]) for pair in found]


def _read_ids(images: Any, caller: str, known: Collection[str], name: str) -> Iterable[object]:
    if isinstance(images, str):
        return [images]
    if isinstance(images, pd.DataFrame):
        return _ids_of_frame(images, caller, name)
    if is_mask(images):
        return read_mask(images, caller, known, name=name)
    if isinstance(images, (pd.Series, pd.Index, np.ndarray)):
        if len(images) == 0 or (images.ndim == 1 and isinstance(images.tolist()[0], str)):
            return images.tolist()
    elif isinstance(images, Iterable) and not isinstance(images, (bytes, Mapping)):
        return images
    hint = " A finding tags what it lists: dups.tag('drop')." if hasattr(images, "to_frame") else ""
    raise ParameterTypeError(
        f"The {name!r} parameter of {caller} must be {_WANTED}. Got {type(images).__name__} instead.{hint}"
    )


def _ids_of_frame(frame: pd.DataFrame, caller: str, name: str) -> Iterable[object]:
    if frame.index.name == "image_id":
        return frame.index.tolist()
    if "image_id" in frame.columns:
        return frame["image_id"].tolist()
    hint = "name the ids, as in frame['my_column']"
    if "image_id_a" in frame.columns:
        hint = "of pairs say which images are meant, as in frame['image_id_b'], or use dups.tag('drop')"
    elif "representative" in frame.columns or "medoid" in frame.columns:
        hint = "this one has a row per group; use its members, or the result's tag method"
    raise ParameterError(
        f"The {name!r} parameter of {caller} must have image_id as index or column where it is a DataFrame. Got the "
        f"columns {', '.join(map(repr, map(str, frame.columns[:8]))) or 'none'}; {hint}."
    )


def _read_pairs(pairs: Any, caller: str) -> Sequence[Sequence[object]]:
    wanted = f"The 'pairs' parameter of {caller} must be a DataFrame with image_id_a and image_id_b, or pairs of ids."
    if isinstance(pairs, pd.DataFrame):
        if not {"image_id_a", "image_id_b"} <= set(pairs.columns):
            raise ParameterError(f"{wanted} Got the columns {', '.join(map(repr, map(str, pairs.columns)))}.")
        return list(zip(pairs["image_id_a"].tolist(), pairs["image_id_b"].tolist(), strict=True))
    if isinstance(pairs, tuple) and len(pairs) == 2 and all(isinstance(image_id, str) for image_id in pairs):
        return [pairs]
    if isinstance(pairs, (str, bytes, Mapping)) or not isinstance(pairs, Iterable):
        raise ParameterTypeError(f"{wanted} Got {pairs!r} instead.")
    found = list(pairs)
    for pair in found:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ParameterTypeError(f"{wanted} Got {pair!r} as one of them.")
    return found
