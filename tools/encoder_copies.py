"""Photographs and copies of them edited as people edit pictures, for fitting and measuring the encoder."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from fastdup_nb.images import WORKING_SIDE, reduce_image

Picture = Image.Image
Edit = Callable[[Picture, np.random.Generator], Picture]


@dataclass
class Copies:
    """Pixels (n, size, size, 3), number of the photograph each is from, and what was done to it."""

    pixels: np.ndarray
    origin: np.ndarray
    edit: np.ndarray


def crop(image: Picture, random: np.random.Generator, area: float) -> Picture:
    width, height = int(image.width * area**0.5), int(image.height * area**0.5)
    x, y = random.integers(0, image.width - width + 1), random.integers(0, image.height - height + 1)
    return image.crop((x, y, x + width, y + height))


def write_over(image: Picture, random: np.random.Generator) -> Picture:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        at = (int(random.integers(0, image.width // 2)), int(random.integers(0, image.height)))
        draw.text(
            at, "sample words", fill=tuple(random.integers(0, 255, 3).tolist()), font_size=max(12, image.height // 10)
        )
    return image


def compress(image: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def change_tone(image: Picture, random: np.random.Generator) -> Picture:
    ranges = ((ImageEnhance.Contrast, 0.7, 1.4), (ImageEnhance.Brightness, 0.7, 1.4), (ImageEnhance.Color, 0.4, 1.7))
    for kind, low, high in ranges:
        image = kind(image).enhance(random.uniform(low, high))
    return image


def put_on_page(image: Picture) -> Picture:
    page = Image.new("RGB", (int(image.width * 1.5), int(image.height * 1.5)), (243, 243, 247))
    page.paste(image, (image.width // 4, image.height // 5))
    return page


EDITS: dict[str, Edit] = {
    "jpeg30": lambda i, _: compress(i, 30),
    "third": lambda i, _: i.resize((max(32, i.width // 3), max(32, i.height // 3)), Image.Resampling.BILINEAR),
    "crop80": lambda i, r: crop(i, r, 0.8),
    "crop50": lambda i, r: crop(i, r, 0.5),
    "mirror": lambda i, _: ImageOps.mirror(i),
    "upside_down": lambda i, _: ImageOps.flip(i),
    "quarter_turn": lambda i, _: i.transpose(Image.Transpose.ROTATE_90),
    "tone": change_tone,
    "gray": lambda i, _: ImageOps.grayscale(i).convert("RGB"),
    "blur": lambda i, _: i.filter(ImageFilter.GaussianBlur(max(i.size) / 170)),
    "text": write_over,
    "border": lambda i, _: ImageOps.expand(i, border=(i.width // 7, i.height // 6), fill=(255, 255, 255)),
    "rotate8": lambda i, _: i.rotate(8),
    "screenshot": lambda i, _: put_on_page(i),
}


def find_photographs(*folders: str) -> list[Path]:
    suffixes = {".jpg", ".jpeg", ".png"}
    return sorted(p for folder in folders for p in Path(folder).rglob("*") if p.suffix.lower() in suffixes)


def open_small(path: Path) -> Picture:
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image.thumbnail((640, 640))
    return image


def reduce_as_decoder(image: Picture, size: int) -> Picture:
    """What the pass over the files gives to an encoder that takes *size* pixels."""
    return reduce_image(image, at_least=max(size, WORKING_SIDE))


def make_copies(
    paths: list[Path],
    prepare: Callable[[Picture], np.ndarray],
    *,
    size: int,
    n_edits: int = 6,
    edits: dict[str, Edit] = EDITS,
    random_state: int = 0,
) -> Copies:
    """Each photograph, and *n_edits* edited copies of it, as *prepare* gives them."""

    def of_one(item: tuple[int, Path]) -> tuple[list[np.ndarray], list[str]]:
        random = np.random.default_rng([random_state, item[0]])
        image = open_small(item[1])
        names = random.permutation(list(edits))[:n_edits].tolist()
        copies = [image] + [compress(edits[n](image, random), int(random.integers(70, 96))) for n in names]
        return [prepare(reduce_as_decoder(c, size)) for c in copies], ["original", *names]

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(of_one, enumerate(paths)))
    origin = np.repeat(np.arange(len(paths)), [len(m[1]) for m in made])
    return Copies(np.stack([p for m in made for p in m[0]]), origin, np.array([e for m in made for e in m[1]]))
