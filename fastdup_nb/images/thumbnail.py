"""Smaller copies of a picture, and hashes to tell equal ones by."""

from __future__ import annotations

import hashlib
import io

from PIL import Image

__all__ = ["hash_jpeg", "hash_pixels", "reduce_image", "render_thumbnail"]

_QUALITY = 80
_STRIP = 512  # lines
_SCAN_OR_END = frozenset((0xDA, 0xD9))
_METADATA = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))  # APPn and comments; APP0 and APP14 tell the color space


def reduce_image(image: Image.Image, *, at_least: int) -> Image.Image:
    """
    Return a picture at 1/2, 1/4 or 1/8 of its size, as ``decode_image`` reduces a JPEG while decoding it.

    So the same picture gives nearly the same vector and facts, whatever container it comes in.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, at full size.
    at_least : int
        Pixels that both sides must keep.

    Returns
    -------
    PIL.Image.Image
        The picture itself where it is too small to be reduced.

    Examples
    --------
    >>> from PIL import Image
    >>> reduce_image(Image.new("RGB", (640, 480)), at_least=160).size
    (320, 240)
    """
    room = min(image.size) // at_least
    factor = next((factor for factor in (8, 4, 2) if factor <= room), 1)
    return image.reduce(factor) if factor > 1 else image


def render_thumbnail(image: Image.Image, *, size: int = 160) -> bytes:
    r"""
    Return a small copy of a picture as the bytes of a JPEG.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, as in ``Decoded.image``.
    size : int, default 160
        Pixels on the long side; a picture that is smaller keeps its size.

    Returns
    -------
    bytes
        Without any metadata of the original.

    Examples
    --------
    >>> from PIL import Image
    >>> render_thumbnail(Image.new("RGB", (640, 480), "navy"))[:3]
    b'\xff\xd8\xff'
    """
    buffer = io.BytesIO()
    small = _shrink(image, size).copy()
    small.info.clear()  # Pillow writes a comment that it finds there
    small.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def hash_pixels(image: Image.Image) -> str:
    """
    Return a digest of the size and the pixels: equal for pictures that look the same to the last bit.

    Compare only pictures that were decoded alike; a JPEG decoded at reduced size has other pixels.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, as in ``Decoded.image``.

    Returns
    -------
    str
        32 hexadecimal digits of BLAKE2b.

    Examples
    --------
    >>> from PIL import Image
    >>> hash_pixels(Image.new("RGB", (2, 8))) == hash_pixels(Image.new("RGB", (4, 4)))
    False
    """
    digest = hashlib.blake2b(f"{image.width}x{image.height}:".encode(), digest_size=16)
    for top in range(0, image.height, _STRIP):  # a copy of all pixels would double what a large picture takes
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height))) if image.height > _STRIP else image
        digest.update(strip.tobytes())
    return digest.hexdigest()


def hash_jpeg(data: bytes) -> str:
    """
    Return a digest of a JPEG file without its metadata: equal for files with the same compressed picture.

    Where it is equal, the decoded pixels are, up to the orientation that EXIF tells.

    Parameters
    ----------
    data : bytes
        A JPEG file.

    Returns
    -------
    str
        32 hexadecimal digits of BLAKE2b.
    """
    digest = hashlib.blake2b(digest_size=16)
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF and data[start + 1] not in _SCAN_OR_END:
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if data[start + 1] not in _METADATA:
            digest.update(data[start : start + 2 if data[start + 1] == 0xE0 else end])  # of APP0, that it is there
        start = end
    digest.update(memoryview(data)[start:])
    return digest.hexdigest()


def _shrink(image: Image.Image, size: int) -> Image.Image:
    scale = size / max(image.size)
    if scale >= 1:
        return image
    sides = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(sides, Image.Resampling.HAMMING, reducing_gap=1.0)
