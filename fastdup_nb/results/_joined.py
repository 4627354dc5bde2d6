"""Pictures of two datasets in one view: those of the second go by names that the first cannot have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ._base import Shown

_PREFIX = "known: "


def join_shown(new: Shown, known: Shown, ids: Sequence[str]) -> tuple[Shown, dict[str, str]]:
    """Return what shows the images of *new* and some of *known*, and the name by which each of those goes.

    Tags, and the nearest neighbors of an image, are those of *new*.
    """
    prefix = _PREFIX
    while any(str(image_id).startswith(prefix) for image_id in new.images.index):
        prefix = "known " + prefix
    name_of = {image_id: prefix + image_id for image_id in ids}
    pictures = _Pictures(new, known, {name: image_id for image_id, name in name_of.items()})
    facts = new.images.loc[:, :"reason"]  # what comes after is the source's own
    if name_of:
        others = known.images.loc[list(name_of), :"reason"]
        others = others.set_index(pd.Index(list(name_of.values()), name="image_id", dtype=facts.index.dtype))
        facts = pd.concat([facts, others]) if len(facts) else others
    return Shown(facts, pictures.thumbnail, pictures.picture, pictures.neighbors, new.open_tags), name_of


@dataclass(frozen=True, eq=False)
class _Pictures:
    new: Shown
    known: Shown
    ids: Mapping[str, str]

    def thumbnail(self, image_id: str) -> bytes | None:
        return self.known.thumbnail(self.ids[image_id]) if image_id in self.ids else self.new.thumbnail(image_id)

    def picture(self, image_id: str, size: int) -> bytes:
        if image_id in self.ids:
            return self.known.picture(self.ids[image_id], size)
        return self.new.picture(image_id, size)

    def neighbors(self, image_id: str, n_neighbors: int) -> list[tuple[str, float]]:
        return [] if image_id in self.ids else self.new.neighbors(image_id, n_neighbors)
