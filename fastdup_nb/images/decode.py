"""
Bytes to one picture, or to one short reason why not.

The format is told by content, never by suffix, and only the formats listed here are tried: none of them starts another
program. Each is opened through the class Pillow registers for it, so the limit on pixels is ours and applies before
anything is decoded. Nothing of Pillow's that is global is changed.
"""

from __future__ import annotations

import functools
import importlib
import io
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageFile

from .._optional import import_optional
from ..errors import ImageError, MissingExtraError
from ._color import color_depth, to_rgb
from ._exif import read_camera_notes, turn_upright

__all__ = ["MAX_PIXELS", "Decoded", "decode_image"]

MAX_PIXELS = 178_956_970
"""Pixels a picture may have: where Pillow, too, refuses. Of a JPEG that is decoded reduced, the reduced ones count."""

_MAX_PIXELS_PER_BYTE = 10_000  # no compression of a true picture comes near
_UNSUSPECTED_PIXELS = 16_000_000
_USUAL_SCANS = 25  # of a progressive JPEG at most; each goes through the whole picture
_MAX_SCANNED = 2_000_000_000  # pixels that more scans than that may go through: some seconds
_REASON_LENGTH = 120
_ENDED_EARLY = (EOFError, IndexError, struct.error)
_ENDED_EARLY_WORDS = ("truncated", "not enough image data", "reached eof")
_WEAK_MAGIC = ("PPM", "TGA")  # a letter and a digit, or nothing: other files begin so, too

_Opener = Callable[[Any, str], ImageFile.ImageFile]
_Accept = Callable[[bytes], bool | str]
_PLUGINS = {
    "JPEG": "Jpeg",
    "PNG": "Png",
    "WEBP": "WebP",
    "GIF": "Gif",
    "BMP": "Bmp",
    "TIFF": "Tiff",
    "JPEG2000": "Jpeg2K",
    "PPM": "Ppm",
    "ICO": "Ico",
    "AVIF": "Avif",
    "QOI": "Qoi",
    "TGA": "Tga",  # last: it has no magic number
}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_STRANGERS = (  # in lower case
    (b"%pdf", "PDF"),
    (b"%!ps", "PostScript"),
    (b"8bps", "Photoshop document"),
    (b"pk\x03\x04", "ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"version https://git-lfs", "Git LFS pointer; the file itself was not fetched"),
    (b"<svg", "SVG"),
    (b"<!doctype html", "HTML page"),
    (b"<html", "HTML page"),
    (b"<?xml", "XML"),
    (b"\x1ae\xdf\xa3", "video"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    One decoded picture and what its file says of it.

    Attributes
    ----------
    image : PIL.Image.Image
        Mode RGB, upright, over white; the first frame of an animation. A JPEG may be smaller than its file says.
    width, height : int
        Full size in pixels, upright.
    format : str
        Pillow's word: ``"JPEG"``, ``"PNG"``, ...
    mode : str
        Pillow's word for the pixels in the file: ``"RGB"``, ``"L"``, ``"P"``, ``"CMYK"``, ``"I;16"``, ...
    is_reduced : bool
        Whether *image* is smaller than the full size.
    exif_time : str or None
        When the picture was taken, by the camera's clock: ``"2024-05-01T12:30:00"``.
    camera : str or None
        Maker and model.
    n_frames : int
        Frames of an animation, pages of a TIFF; 1 for a still picture.
    orientation : int
        How the picture lies in the file, 1 to 8 as in EXIF; it has been turned upright.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    mode: str
    is_reduced: bool
    exif_time: str | None
    camera: str | None
    n_frames: int
    orientation: int


def decode_image(data: bytes, *, at_least: int = 0, region: tuple[int, int] | None = None) -> Decoded:
    """
    Return the picture that a viewer would show for the bytes of a file.

    Parameters
    ----------
    data : bytes
        A whole file: JPEG, PNG, WebP, GIF, BMP, TIFF, JPEG 2000, PPM, ICO, AVIF, QOI, TGA; HEIC with the extra
        ``heic``.
    at_least : int, default 0
        Pixels that both sides of a JPEG must keep when it is decoded at 1/2, 1/4 or 1/8 of its size, which is several
        times faster. 0 decodes at full size.
    region : (int, int), optional
        Width and height, in pixels of the full size, of the part that is wanted: its sides must keep *at_least* pixels
        then, rather than those of the whole picture.

    Returns
    -------
    Decoded

    Raises
    ------
    ImageError
        The bytes are not a picture, or not a whole one; the message is one short line, such as ``"truncated"``.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (640, 480)).save(file, "JPEG")
    >>> decoded = decode_image(file.getvalue(), at_least=160)
    >>> decoded.width, decoded.height, decoded.image.size, decoded.image.mode
    (640, 480, (320, 240), 'RGB')
    """
    if not data:
        raise ImageError("empty file")
    opened = _open(data)
    try:
        return _decode(opened, data, at_least if region is None else _scale_up(at_least, opened.size, region))
    except ImageError:
        raise
    except Exception as error:  # whatever a decoder raises for bad bytes, it is the bytes that are bad
        raise ImageError(_reason_of(error, opened.format or "image")) from error


def _scale_up(at_least: int, full: tuple[int, int], region: tuple[int, int]) -> int:
    """Return how many pixels the sides of a picture must keep so that those of a region of it keep *at_least*."""
    return math.ceil(at_least * min(full) / max(1, min(region)))


def _decode(opened: ImageFile.ImageFile, data: bytes, at_least: int) -> Decoded:
    full, mode, depth = opened.size, opened.mode, color_depth(opened)
    n_frames = _count_frames(opened, data)
    if at_least > 0 and opened.format == "JPEG":
        opened.draft(None, (at_least, at_least))
    _check_size(opened, full, data)
    is_reduced = opened.size != full
    opened.load()
    notes = read_camera_notes(opened)
    picture = to_rgb(opened, depth=depth)
    image = turn_upright(picture, notes.orientation)
    width, height = (full[::-1] if notes.orientation > 4 else full) if is_reduced else image.size
    form = opened.format or ""
    return Decoded(image, width, height, form, mode, is_reduced, notes.time, notes.camera, n_frames, notes.orientation)


def _open(data: bytes) -> ImageFile.ImageFile:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and b"avif" not in data[12:64]:
        return _open_as("HEIF", _open_heif, data)
    problem: ImageError | None = None
    for name, (opener, accept) in _openers().items():
        told = accept(data[:16]) if accept else True
        if isinstance(told, str):
            raise ImageError(f"{name} is not supported by this build of Pillow")
        if not told:
            continue
        try:
            return _open_as(name, opener, data)
        except ImageError as error:
            problem = problem or (None if name in _WEAK_MAGIC else error)
    raise problem or ImageError(_describe_stranger(data))


def _open_as(name: str, opener: _Opener, data: bytes) -> ImageFile.ImageFile:
    try:
        return opener(io.BytesIO(data), "")
    except MissingExtraError as error:
        raise ImageError(str(error)) from error
    except Exception as error:
        raise ImageError(_reason_of(error, name)) from error


@functools.cache
def _openers() -> dict[str, tuple[_Opener, _Accept | None]]:
    """Return opener and test of each format; those that this build of Pillow lacks are left out."""
    found: dict[str, tuple[_Opener, _Accept | None]] = {}
    for name, module in _PLUGINS.items():
        try:
            plugin = importlib.import_module(f"PIL.{module}ImagePlugin")
        except ImportError:
            continue
        found[name] = Image.OPEN[name]
        if name == "JPEG":  # not the factory, which makes an MPO of a phone's picture with a depth map behind it
            found[name] = (plugin.JpegImageFile, found[name][1])
    return found


def _open_heif(source: io.BytesIO, name: str) -> ImageFile.ImageFile:
    plugin = import_optional("pillow_heif", extra="heic", purpose="HEIC")
    opened: ImageFile.ImageFile = plugin.HeifImageFile(source, name)
    return opened


def _count_frames(opened: ImageFile.ImageFile, data: bytes) -> int:
    """Return the frames; where counting means going through them, on a second object, for it may leave a broken one."""
    try:
        source = _open(data) if opened.format in ("GIF", "TIFF") else opened
        return int(getattr(source, "n_frames", 1))
    except Exception:
        return 1


def _check_size(opened: ImageFile.ImageFile, full: tuple[int, int], data: bytes) -> None:
    told = f"{full[0]:,} x {full[1]:,} pixels"
    is_progressive = "progressive" in opened.info  # such a JPEG is held in memory whole before it is reduced
    width, height = full if is_progressive else opened.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"too large: {told}")
    pixels = full[0] * full[1]
    if pixels > max(_UNSUSPECTED_PIXELS, _MAX_PIXELS_PER_BYTE * len(data)):
        raise ImageError(f"truncated: {told} in {len(data):,} bytes")
    n_scans = data.count(b"\xff\xda") if is_progressive else 1
    if n_scans > _USUAL_SCANS and n_scans * pixels > _MAX_SCANNED:
        raise ImageError(f"too large: {told} in {n_scans:,} scans")


def _reason_of(error: Exception, form: str) -> str:
    if isinstance(error, MemoryError):
        return "too large for the memory there is"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return "too large"
    text = str(error).replace("not identified by this driver", "damaged header")
    if isinstance(error.__cause__ or error, _ENDED_EARLY) or any(word in text.lower() for word in _ENDED_EARLY_WORDS):
        return "truncated"
    return _one_line(f"unreadable {form}: {text or type(error).__name__}")


def _describe_stranger(data: bytes) -> str:
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.strip(b"\0"):
        return "not an image (nothing but zeros or blanks)"
    lowered = start.lower()
    kind = next((kind for magic, kind in _STRANGERS if lowered.startswith(magic)), None)
    if start[4:8] == b"ftyp":
        kind = "video"
    return f"not an image ({kind})" if kind else "not an image"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_REASON_LENGTH]
