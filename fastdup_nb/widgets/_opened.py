"""The picture that a viewer shows large, and what has to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..views import format_bytes

if TYPE_CHECKING:
    from ._controller import Pictures

_FITTED, _FULL, _REDUCED = 1400, 6000, 2800  # pixels on the long side
_MAX_BYTES = 8_000_000  # a message may carry
_CHANGED = "The file has changed since it was read: facts, tags and neighbors are those of the picture it was."


@dataclass(frozen=True)
class Opened:
    """A JPEG, why there is none, and remarks."""

    jpeg: bytes
    problem: str = ""
    remarks: tuple[str, ...] = ()


def open_picture(pictures: Pictures, image_id: str, *, is_full: bool) -> Opened:
    """Return a picture, fitted, or *is_full*: pixel by pixel as far as that can be sent."""
    size = _FULL if is_full else _FITTED
    try:
        jpeg, has_changed = pictures.picture(image_id, size)
        too_much = len(jpeg) if len(jpeg) > _MAX_BYTES else 0
        if too_much:
            size = _REDUCED
            jpeg, has_changed = pictures.picture(image_id, size)
    except ValueError as error:
        return Opened(b"", problem=str(error))
    remarks = (_CHANGED,) if has_changed else ()
    reduced = _tell_reduced(pictures.images.loc[[image_id]].iloc[0], size, too_much) if is_full else ""
    return Opened(jpeg, remarks=(*remarks, reduced) if reduced else remarks)


def _tell_reduced(facts: pd.Series, size: int, too_much: int) -> str:
    """Say that a picture is not shown at 100 %, where it is not."""
    long = 0 if pd.isna(facts["width"]) else int(max(facts["width"], facts["height"]))
    if long <= size:
        return ""
    why = f"all of it would be {format_bytes(too_much)}" if too_much else f"it has {long:,} pixels on its long side"
    return f"Shown at {size / long:.0%} of its size, not at 100 %: {why}."
