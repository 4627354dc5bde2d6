"""Every mode of Pillow to the picture a viewer shows: RGB, 8 bits a channel, over white.

Pillow's own ``convert("RGB")`` clips 16-bit gray to white and drops transparency, so both are done here first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

__all__ = ["color_depth", "to_rgb"]

_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_STORED_AS_I = ("PNG", "PPM", "JPEG2000")  # mode I of these holds 0..65535
_UNUSED_ALPHA = ("BMP", "TGA")  # in these an alpha of nothing but zeros means that there is none
_PHOTOMETRIC = 262


def color_depth(opened: ImageFile.ImageFile) -> int:
    """Return the bits a sample has in the file, as far as the conversion to 8 bits depends on it; before loading."""
    raw_mode = str(opened.tile[0][3]) if opened.tile else ""
    for bits in (16, 12, 4, 2):
        if f";{bits}" in raw_mode:
            return bits
    return 8


def to_rgb(image: Image.Image, *, depth: int = 8) -> Image.Image:
    """
    Return the picture a viewer shows: mode RGB, transparent parts over white.

    Gray of 16 bits keeps its eight highest; integers and floats beyond that are scaled by the range they seem to be in.

    Parameters
    ----------
    image : PIL.Image.Image
        A loaded picture of any mode.
    depth : int, default 8
        Bits a sample had in the file.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, same size; *image* itself when there is nothing to do.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _WIDE_MODES:
        return _wide_to_rgb(image, depth)
    if image.has_transparency_data:
        return _over_white(_with_alpha(image, depth), may_be_unused=image.format in _UNUSED_ALPHA)
    return image.convert("RGB")


def _with_alpha(image: Image.Image, depth: int) -> Image.Image:
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    if "transparency" in image.info and image.mode in ("L", "RGB"):
        key: int | tuple[int, ...] = image.info["transparency"]
        image.info["transparency"] = _key_in_8_bits(key, depth)
    return image.convert("RGBA")


def _key_in_8_bits(key: int | tuple[int, ...], depth: int) -> int | tuple[int, ...]:
    """Return the transparent color as the pixels are now: the file tells it in its own depth."""
    if isinstance(key, tuple):
        return tuple(value >> 8 for value in key) if depth == 16 else key
    return key if depth == 8 else key * 255 // (2**depth - 1)


def _over_white(image: Image.Image, *, may_be_unused: bool) -> Image.Image:
    alpha = image.getchannel("A")
    low, high = alpha.getextrema()
    if low == 255 or (high == 0 and may_be_unused):
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=alpha)
    return white


def _wide_to_rgb(image: Image.Image, depth: int) -> Image.Image:
    values = np.asarray(image)
    gray = _narrow(values, depth, stored_as_16_bit=image.mode == "I" and image.format in _STORED_AS_I)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # white is zero: Pillow inverts it only up to 8 bits
        gray = 255 - gray
    if isinstance(key := image.info.get("transparency"), int):
        gray[values == key] = 255
    return Image.fromarray(gray).convert("RGB")


def _narrow(values: NDArray[Any], depth: int, *, stored_as_16_bit: bool) -> NDArray[np.uint8]:
    if stored_as_16_bit:
        values = np.clip(values, 0, 65535).astype(np.uint16)
    if values.dtype.kind == "u":
        return (values >> (4 if depth == 12 else 8)).astype(np.uint8)
    low, high = _display_range(values)
    finite = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
    scaled = (np.clip(finite, low, high) - low) / max(high - low, 1e-30)
    return (scaled * 255 + 0.5).astype(np.uint8)


def _display_range(values: NDArray[Any]) -> tuple[float, float]:
    """Return the values shown black and white: 0..1, 0..255 or 0..65535 where that is plausible, else all there are."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low < 0:
        return low, high
    if high <= 1:
        return 0.0, 1.0
    return 0.0, next((full for full in (255.0, 65535.0) if full / 16 < high <= full), high)
