"""Where the decisions about a dataset are kept, and what they need to know of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ._given import Settings
from ._store import default_location
from .sources import Listing
from .tags import Journal

_LOG = logging.getLogger(__name__)
FILE_NAME = "tags-1.sqlite"


def open_journal(settings: Settings, root: Path) -> Journal:
    """Return the journal at the place that the options name; its file is made with the first decision."""
    if settings.tags is None or (settings.tags == "auto" and settings.cache is None):
        return Journal(None)
    if settings.tags != "auto":
        return Journal(Path(settings.tags))
    if settings.cache != "auto":
        return Journal(Path(str(settings.cache)) / FILE_NAME)
    try:
        return Journal(default_location(root) / FILE_NAME)
    except RuntimeError as error:  # no home, so no cache either
        _LOG.warning("Decisions are kept in memory only: %s Name a file with tags='tags.sqlite'.", error)
        return Journal(None)


@dataclass(frozen=True, eq=False)
class Listed:
    """What the tags need of a dataset: a catalog whose digests and labels are asked for when they are needed."""

    listing: Listing
    positions: Mapping[str, int]
    digests: Callable[[], Sequence[str | None]]
    labels: Callable[[], Sequence[object]]
    has_digests: Callable[[], bool]

    @property
    def root(self) -> str:
        """The folder that image ids are relative to."""
        return str(self.listing.root)

    @property
    def image_ids(self) -> Sequence[str]:
        """All listed images, in order."""
        return self.listing.image_ids

    @property
    def is_read(self) -> bool:
        """Whether the digests are known."""
        return self.has_digests()
