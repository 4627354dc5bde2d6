"""What a camera wrote beside the picture: orientation, time, camera. None of it can make a picture broken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

__all__ = ["CameraNotes", "read_camera_notes", "turn_upright"]

_MAKE, _MODEL, _ORIENTATION, _DATE_TIME = 0x010F, 0x0110, 0x0112, 0x0132
_EXIF_IFD, _ORIGINAL, _DIGITIZED = 0x8769, 0x9003, 0x9004
_TIME = re.compile(r"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_YEARS = range(1900, 2101)
_CAMERA_LENGTH = 64

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class CameraNotes:
    """Orientation (1..8, 1 is upright), time the picture was taken (ISO) and camera, where they are told."""

    orientation: int = 1
    time: str | None = None
    camera: str | None = None


def read_camera_notes(loaded: Image.Image) -> CameraNotes:
    """Return what EXIF says of *loaded*; damaged EXIF says nothing."""
    try:
        exif = loaded.getexif()
        if not exif:
            return CameraNotes()
        orientation = exif.get(_ORIENTATION)
        return CameraNotes(
            orientation if isinstance(orientation, int) and orientation in _TURNS else 1,
            _time_of(exif),
            _camera_of(exif.get(_MAKE), exif.get(_MODEL)),
        )
    except Exception:
        return CameraNotes()


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return *image* as it is meant to be seen."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _time_of(exif: Image.Exif) -> str | None:
    inner = _inner_of(exif)
    told = (inner.get(_ORIGINAL), inner.get(_DIGITIZED), exif.get(_DATE_TIME))
    return next((time for time in map(_iso_time, told) if time), None)


def _inner_of(exif: Image.Exif) -> dict[int, Any]:
    try:
        return exif.get_ifd(_EXIF_IFD)
    except Exception:
        return {}


def _iso_time(told: object) -> str | None:
    parts = _TIME.match(_text(told))
    if not parts:
        return None
    try:
        time = datetime(*(int(part) for part in parts.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return time.isoformat() if time.year in _YEARS else None


def _camera_of(make: object, model: object) -> str | None:
    maker, name = _text(make), _text(model)
    if maker and name.lower().startswith(maker.split()[0].lower()):
        maker = ""  # "Canon", "Canon EOS 5D"; "NIKON CORPORATION", "NIKON D90"
    return f"{maker} {name}".strip()[:_CAMERA_LENGTH].rstrip() or None


def _text(told: object) -> str:
    """Return one line of printable characters; nothing for what is no text."""
    if isinstance(told, bytes):
        told = told.decode("utf-8", "replace")
    if not isinstance(told, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in told.split("\0")[0][:200]).split())
