"""Pictures of two datasets in one view: those of the second go by names that the first cannot have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ._base import Shown


@dataclass(frozen=True, eq=False)
class _Two:
    """The pictures of two datasets, of which those of the other one are asked for by ids that begin so."""

    this: Shown
    other: Shown
    begin: str
    ids: frozenset[str]

    def thumbnail(self, image_id: str) -> bytes | None:
        """Return the thumbnail of an image of either."""
        whose, own_id = self._find(image_id)
        return whose.thumbnail(own_id)

    def picture(self, image_id: str, size: int) -> tuple[bytes, bool]:
        """Return the picture of an image of either."""
        whose, own_id = self._find(image_id)
        return whose.picture(own_id, size)

    def neighbors(self, image_id: str, n: int) -> list[tuple[str, float]]:
        """Return the nearest images of its own dataset, of those that are there."""
        whose, own_id = self._find(image_id)
        near = whose.neighbors(own_id, n)
        if own_id == image_id:
            return near
        found = ((self.begin + near_id, value) for near_id, value in near)
        return [(near_id, value) for near_id, value in found if near_id in self.ids]

    def _find(self, image_id: str) -> tuple[Shown, str]:
        is_other = image_id.startswith(self.begin)
        return (self.other, image_id.removeprefix(self.begin)) if is_other else (self.this, image_id)


def join_shown(this: Shown, other: Shown, name: str, *, ids: Sequence[str] | None = None) -> tuple[Shown, str]:
    """Return what shows pictures of two datasets, and what the ids of the other one begin with there.

    Tags are those of *this*. Of *other*, only *ids* are there if given. The prefix is *name* and a colon, more than
    once where an id of *this* begins so.
    """
    begin = f"{name}:"
    while any(str(image_id).startswith(begin) for image_id in this.images.index):
        begin = f"{name}:{begin}"
    theirs = other.images if ids is None else other.images.loc[list(ids)]
    theirs = theirs.rename(index=lambda image_id: f"{begin}{image_id}")
    # The columns that a source brings come last, and are left out.
    frames = [frame.loc[:, :"reason"] for frame in (this.images, theirs) if len(frame)]
    images = pd.concat(frames) if frames else this.images
    two = _Two(this, other, begin, frozenset(images.index))
    return Shown(images, two.thumbnail, two.picture, two.neighbors, this.open_tags), begin
