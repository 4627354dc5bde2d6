"""Decisions about images: tags, new labels and verdicts on pairs; durable, undoable, in one append-only history."""

from ._change import Change
from ._journal import Journal
from ._palette import TagStyle
from ._places import Catalog, Places
from ._tags import Tags

__all__ = ["Catalog", "Change", "Journal", "Places", "TagStyle", "Tags"]
