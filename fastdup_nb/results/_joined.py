"""Pictures of two datasets in one view: those of the second go by names that the first cannot have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pandas as pd

from ._base import Shown

_Answer = TypeVar("_Answer")


def join_shown(this: Shown, other: Shown, name: str, *, ids: Sequence[str] | None = None) -> tuple[Shown, str]:
    """Return what shows pictures of two datasets, and what the ids of the other one begin with there.

    Tags are those of *this*. Of *other*, only *ids* are there if given. The prefix is *name* and a colon, more than
    once where an id of *this* begins so.
    """
    begin = f"{name}:"
    while any(str(image_id).startswith(begin) for image_id in this.images.index):
        begin = f"{name}:{begin}"

    def ask(call: Callable[[Shown, str], _Answer], image_id: str) -> _Answer:
        is_other = image_id.startswith(begin)
        return call(other if is_other else this, image_id.removeprefix(begin))

    def near(image_id: str, n: int) -> list[tuple[str, float]]:
        if not image_id.startswith(begin):
            return this.neighbors(image_id, n)
        found = ((begin + near_id, value) for near_id, value in other.neighbors(image_id.removeprefix(begin), n))
        return [(near_id, value) for near_id, value in found if near_id in images.index]

    theirs = other.images if ids is None else other.images.loc[list(ids)]
    theirs = theirs.rename(index=lambda image_id: f"{begin}{image_id}")
    # The columns that a source brings come last, and are left out.
    frames = [frame.loc[:, :"reason"] for frame in (this.images, theirs) if len(frame)]
    images = pd.concat(frames) if frames else this.images
    shown = Shown(
        images,
        lambda image_id: ask(lambda whose, own_id: whose.thumbnail(own_id), image_id),
        lambda image_id, size: ask(lambda whose, own_id: whose.picture(own_id, size), image_id),
        near,
        this.open_tags,
    )
    return shown, begin
