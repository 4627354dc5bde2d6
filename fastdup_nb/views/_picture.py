"""The size and type of a thumbnail, from its first bytes: views must lay pictures out, but never decode them."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Picture:
    """A thumbnail ready for an ``<img>``: data URI, width and height on the page in pixels."""

    uri: str
    width: int
    height: int
    is_enlarged: bool


def make_picture(data: bytes | None, size: int) -> Picture | None:
    """Return the picture scaled to a box of *size* x *size* pixels, None where the bytes are no JPEG or PNG file."""
    kind_and_size = _read_header(data or b"")
    if data is None or kind_and_size is None or min(kind_and_size[1:]) < 1:
        return None
    kind, width, height = kind_and_size
    scale = size / max(width, height)
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(uri, max(1, round(width * scale)), max(1, round(height * scale)), scale >= 2)


def _read_header(data: bytes) -> tuple[str, int, int] | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return ("png", *struct.unpack(">II", data[16:24]))
    return _read_jpeg_header(data) if data.startswith(b"\xff\xd8") else None


def _read_jpeg_header(data: bytes) -> tuple[str, int, int] | None:
    """Walk over the segments of a JPEG file to the frame header, which holds height and width."""
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker, length = struct.unpack(">BH", data[position + 1 : position + 4])
        if marker == 0xFF:  # padding before a marker
            position += 1
        elif marker in _FRAME_MARKERS:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return "jpeg", width, height
        else:
            position += 2 + length
    return None
