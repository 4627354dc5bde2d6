"""Live controls of a notebook: they are handed frames, thumbnails and a book of tags, and compute nothing."""

from ._base import link

__all__ = ["link"]
