"""Bytes to pixels, and facts about one image."""

from __future__ import annotations

from .decode import MAX_PIXELS, Decoded, decode_image
from .facts import FACTS, WORKING_SIDE, Fact, measure_image
from .thumbnail import hash_jpeg, hash_pixels, reduce_image, render_thumbnail

__all__ = [
    "FACTS",
    "MAX_PIXELS",
    "WORKING_SIDE",
    "Decoded",
    "Fact",
    "decode_image",
    "hash_jpeg",
    "hash_pixels",
    "measure_image",
    "reduce_image",
    "render_thumbnail",
]
