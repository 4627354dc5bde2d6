"""What is done to a photograph, and how it is written: pixels to pixels, pixels to bytes, bytes to worse bytes."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

__all__ = ["DAMAGES", "DRAWINGS", "EDITS", "add_exif", "encode", "flatten", "make_exif"]

_TIME_TAG, _MAKE_TAG, _MODEL_TAG, _ORIENTATION_TAG = 0x0132, 0x010F, 0x0110, 0x0112
_EXIF_FOLDER, _ORIGINAL_TIME_TAG = 0x8769, 0x9003
_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".tif": "TIFF",
}
_WORDS = ["image", "folder", "finds", "pairs", "label", "near", "score", "split", "test", "the", "of", "and", "a"]


def flatten(image: Image.Image) -> Image.Image:
    """Return *image* as RGB or L, transparency over white."""
    if image.mode in {"RGB", "L"}:
        return image
    background = Image.new("RGBA", image.size, "white")
    background.alpha_composite(image.convert("RGBA"))
    return background.convert("RGB")


def _crop(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 20, height * 3 // 20, width * 17 // 20, height * 19 // 20))


def _write_text(image: Image.Image) -> Image.Image:
    image = image.convert("RGB")
    width, height = image.size
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 7 // 8, width, height), fill=(20, 20, 20))
    draw.text((width // 20, height * 7 // 8 + height // 40), "(c) sample 2024", fill="white", font_size=height // 14)
    return image


def _rotate(image: Image.Image) -> Image.Image:
    width, height = image.size
    turned = image.rotate(4, Image.Resampling.BICUBIC)
    return turned.crop((width // 14, height // 14, width * 13 // 14, height * 13 // 14))


def _scale(image: Image.Image, factor: float) -> Image.Image:
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _shift_window(step: int) -> Callable[[Image.Image], Image.Image]:
    """Return the edit of picture number *step* of a burst: the camera moved by some pixels."""

    def shift(image: Image.Image) -> Image.Image:
        left, top = 5 * step, (3 * step) % 8
        return image.crop((left, top, left + image.width - 25, top + image.height - 8))

    return shift


def _warm(image: Image.Image) -> Image.Image:
    red, green, blue = ImageEnhance.Brightness(image.convert("RGB")).enhance(1.15).split()
    return Image.merge(
        "RGB", (red.point(lambda value: min(255, value * 1.1)), green, blue.point(lambda value: value * 0.85))
    )


def _flatten_tones(image: Image.Image) -> Image.Image:
    average = image.resize((1, 1), Image.Resampling.BOX).resize(image.size)
    return Image.blend(average, image, 0.05)


def _widen(image: Image.Image) -> Image.Image:
    return image.resize((640, 52), Image.Resampling.LANCZOS)


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": lambda image: image,  # the quality of encode() is the edit
    "resize": lambda image: _scale(image, 0.6),
    "crop": _crop,
    "mirror": ImageOps.mirror,
    "text": _write_text,
    "border": lambda image: ImageOps.expand(image.convert("RGB"), border=24, fill=(250, 250, 245)),
    "gray": lambda image: image.convert("L"),
    "tone": _warm,
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1.6)),
    "rotate": _rotate,
    "exif rotation": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "underexposed": lambda image: ImageEnhance.Brightness(image).enhance(0.13),
    "overexposed": lambda image: image.point(lambda value: min(255, 215 + value * 0.3)),
    "out of focus": lambda image: image.filter(ImageFilter.GaussianBlur(9)),
    "flat": _flatten_tones,
    "elongated": _widen,
    "upright strip": lambda image: image.resize((40, 560), Image.Resampling.LANCZOS),
    "tiny": lambda image: image.resize((24, 24), Image.Resampling.LANCZOS),
    "no color": lambda image: image.convert("L").convert("RGB"),
    **{f"burst {step}": _shift_window(step) for step in range(6)},
}


def encode(image: Image.Image, suffix: str, *, edit: str = "", exif: bytes = b"") -> bytes:
    """Return the bytes of a file with this suffix; some edits are about the way a picture is stored."""
    if edit == "cmyk":
        return _save(image.convert("CMYK"), "JPEG", quality=88)
    if edit == "16-bit":
        return _save(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG")
    if edit == "palette":
        return _save(image.convert("RGB").quantize(64), "GIF")
    if edit == "wrong suffix":
        return _save(flatten(image), "JPEG", quality=88)
    if edit == "transparent":
        return _save(image, "PNG", optimize=True)
    return _encode_plainly(flatten(image), _FORMATS[suffix.lower()], quality=30 if edit == "jpeg" else 88, exif=exif)


def _encode_plainly(image: Image.Image, kind: str, *, quality: int, exif: bytes) -> bytes:
    if kind == "JPEG":
        return _save(image, kind, quality=quality, exif=exif)
    if kind == "WEBP":
        return _save(image.convert("RGB"), kind, lossless=True, quality=40)
    if kind == "TIFF":
        return _save(image, kind, compression="tiff_adobe_deflate")
    return _save(image, kind)


def _save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_exif(*, camera: str = "", time: str = "", orientation: int = 1) -> bytes:
    """Return an EXIF block; *time* is written as cameras do, ``2024:05:01 10:00:00``."""
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    if camera:
        exif[_MAKE_TAG], exif[_MODEL_TAG] = camera.split(" ", 1)
    if time:
        exif[_TIME_TAG] = time
        exif[_EXIF_FOLDER] = {_ORIGINAL_TIME_TAG: time}
    return exif.tobytes()


def add_exif(jpeg: bytes, exif: bytes) -> bytes:
    """Return the same JPEG with an EXIF segment put in front: other bytes, the same pixels."""
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def _draw_noise(random_state: int) -> Image.Image:
    noise = np.random.default_rng(random_state).integers(0, 256, (180, 240, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((480, 360), Image.Resampling.NEAREST)


def _draw_chart(random_state: int) -> Image.Image:
    heights = np.random.default_rng(random_state).integers(30, 260, 9)
    image = Image.new("RGB", (500, 340), "white")
    draw = ImageDraw.Draw(image)
    for column, height in enumerate(heights):
        draw.rectangle((60 + column * 46, 300 - int(height), 92 + column * 46, 300), fill=(31, 119, 180))
    draw.line((50, 20, 50, 300, 480, 300), fill="black", width=2)
    draw.text((180, 306), "images per class", fill="black", font_size=20)
    return image


def _draw_code(random_state: int) -> Image.Image:
    cells = np.random.default_rng(random_state).integers(0, 2, (29, 29), dtype=np.uint8) * 255
    for top, left in ((0, 0), (0, 22), (22, 0)):
        cells[top : top + 7, left : left + 7] = 0
        cells[top + 1 : top + 6, left + 1 : left + 6] = 255
        cells[top + 2 : top + 5, left + 2 : left + 5] = 0
    return Image.fromarray(np.pad(cells, 3, constant_values=255)).resize((420, 420), Image.Resampling.NEAREST)


def _draw_text_page(random_state: int) -> Image.Image:
    rows = np.random.default_rng(random_state).choice(_WORDS, (17, 9))
    image = Image.new("RGB", (420, 560), "white")
    draw = ImageDraw.Draw(image)
    draw.text((40, 30), "A short report", fill="black", font_size=28)
    for number, row in enumerate(rows):
        draw.text((40, 90 + number * 26), " ".join(row), fill=(30, 30, 30), font_size=15)
    return image


DRAWINGS: dict[str, Callable[[int], Image.Image]] = {
    "noise": _draw_noise,
    "chart": _draw_chart,
    "code": _draw_code,
    "text page": _draw_text_page,
}


def _spoil_middle(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0xA5 for byte in data[middle : middle + 400]) + data[middle + 400 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda data: data[: len(data) * 2 // 5],
    "text": lambda _: b"Picture follows by mail.\n",
    "damaged": _spoil_middle,
    "web page": lambda _: b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n",
    "zeros": lambda data: bytes(len(data)),
}
