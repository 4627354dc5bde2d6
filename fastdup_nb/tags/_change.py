"""What one action did, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """What an action did.

    Attributes
    ----------
    text : str
        In words, such as ``tagged 3 images 'drop'``.
    image_ids : tuple of str
        The listed images that really changed.
    action_id : int or None
        Number of the action in the history; None where nothing changed and nothing was written.
    """

    text: str
    image_ids: tuple[str, ...] = ()
    action_id: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return self.action_id is None


NOTHING = Change("nothing changed")


def tell_tags(n_images: int, added: Sequence[str], removed: Sequence[str]) -> str:
    """Return an edit of tags in words."""
    images = count(n_images, "image")
    if added and removed:
        return f"tagged {images} {_listed(added)} instead of {_listed(removed)}"
    return f"tagged {images} {_listed(added)}" if added else f"took {_listed(removed)} off {images}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
