"""Which listed image is which item of the journal: decisions follow the content, yet copies do not share them.

An item is one copy of one content, known by where it was last seen. When an image is acted upon, every listed copy of
it becomes an item of its own, so a copy that was there is never taken for one that was moved. Then, content by content:

1. an item whose place is listed with this content is that image;
2. an item that is not is looked for where it was seen before, then, where the whole collection was moved, under its id;
3. items and images still left over are files that were moved: they are matched in sorted order, one to one. An image at
   a place where another copy was seen is not among them.

An item whose file lies where this source does not list it, in another collection or outside a glob, is left alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ._journal import Journal, Place


class Catalog(Protocol):
    """What the tags need of a dataset."""

    @property
    def root(self) -> str:
        """The folder that image ids are relative to."""

    @property
    def image_ids(self) -> Sequence[str]:
        """All listed images, in order."""

    @property
    def positions(self) -> Mapping[str, int]:
        """The place of each image in the listing."""

    @property
    def is_read(self) -> bool:
        """Whether the digests are known, so that asking for them opens no image."""

    def digests(self) -> Sequence[str | None]:
        """Return the content digest of each image, None where it could not be read."""

    def labels(self) -> Sequence[object]:
        """Return the label of each image, missing where it has none."""


class Places:
    """The items of a journal among the images of a catalog."""

    def __init__(self, journal: Journal, catalog: Catalog) -> None:
        self.journal = journal
        self.catalog = catalog
        self.image_of: dict[int, str] = {}
        self.item_of: dict[str, int] = {}
        self._listed: dict[str, list[str]] | None = None
        self._n_done = 0
        self._root = catalog.root.rstrip("/")

    def prepare(self) -> None:
        """Find out the digests; reads images that are new. Not to be called with the journal's lock held."""
        if self._listed is None:
            listed: dict[str, list[str]] = {}
            for image_id, digest in zip(self.catalog.image_ids, self.catalog.digests(), strict=True):
                listed.setdefault(digest or "", []).append(image_id)
            self._listed = listed

    def update(self) -> None:
        """Bring the matches up to date with the journal, whose lock is held."""
        touched = self.journal.touched
        if self._n_done == len(touched):
            return
        self.prepare()
        for digest in dict.fromkeys(touched[self._n_done :]):
            self._match(digest)
        self._n_done = len(touched)

    def listed(self, digest: str) -> list[str]:
        """Return the listed images of a content."""
        self.prepare()
        return [] if self._listed is None else self._listed.get(digest, [])

    def digest(self, image_id: str) -> str:
        """Return the digest of an image, empty where it could not be read."""
        return self.catalog.digests()[self.catalog.positions[image_id]] or ""

    def register(self, db: sqlite3.Connection, image_ids: Iterable[str]) -> dict[str, int]:
        """Make items of images and of all their listed copies, in the open transaction; return those of the images."""
        image_ids = list(image_ids)
        wanted: dict[str, str] = {}
        for image_id in image_ids:
            digest = self.digest(image_id)
            copies = [image_id] if not digest or image_id in wanted else self.listed(digest)
            wanted.update(dict.fromkeys(copies, digest))
        items, rows = dict(self.item_of), []
        number = max(self.journal.digest_of, default=0)
        for image_id, digest in wanted.items():
            here = Place(self._root, image_id)
            if image_id not in items:
                number += 1
                items[image_id] = number
                rows.append((number, digest, here))
            elif self.journal.places[items[image_id]][-1] != here:
                rows.append((items[image_id], digest, here))
        self.journal.place(db, rows)
        return {image_id: items[image_id] for image_id in image_ids}

    def _match(self, digest: str) -> None:
        items = self.journal.items_of.get(digest, [])
        for item in items:
            image_id = self.image_of.pop(item, None)
            if image_id is not None:
                del self.item_of[image_id]
        free = dict.fromkeys(sorted(self.listed(digest)))
        if not free:
            return
        left = [item for item in items if not self._take(item, self._own_id(self._last(item)), free)]
        left = [item for item in left if not self._lies_elsewhere(self._last(item))]
        if not digest or not left:
            return
        for ways in (self._places_before, self._same_ids):
            left = [item for item in left if not any(self._take(item, image_id, free) for image_id in ways(item))]
        ours = [item for item in items if item in self.image_of] + left
        seen = {place.image_id for item in ours for place in self.journal.places[item]}
        new = [image_id for image_id in free if image_id not in seen]
        left.sort(key=lambda item: (self._last(item).image_id, item))
        for item, image_id in zip(left, new, strict=False):
            self._take(item, image_id, free)

    def _take(self, item: int, image_id: str | None, free: dict[str, None]) -> bool:
        if image_id is None or image_id not in free:
            return False
        del free[image_id]
        self.image_of[item] = image_id
        self.item_of[image_id] = item
        return True

    def _last(self, item: int) -> Place:
        return self.journal.places[item][-1]

    def _places_before(self, item: int) -> list[str]:
        found = [self._own_id(place) for place in reversed(self.journal.places[item][:-1])]
        return [image_id for image_id in found if image_id is not None]

    def _same_ids(self, item: int) -> list[str]:
        place = self._last(item)
        return [] if place.root == self._root else [place.image_id]

    def _own_id(self, place: Place) -> str | None:
        """Return the id that a place has below our root."""
        if place.root == self._root:
            return place.image_id
        full = f"{place.root}/{place.image_id}"
        return full.removeprefix(self._root + "/") if full.startswith(self._root + "/") else None

    def _lies_elsewhere(self, place: Place) -> bool:
        own = self._own_id(place)
        return (own is None or own not in self.catalog.positions) and os.path.lexists(f"{place.root}/{place.image_id}")
