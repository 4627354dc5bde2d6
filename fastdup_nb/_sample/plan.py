"""The list of what the sample collection holds, and the truth about each picture in it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields, replace

from .photographs import PHOTOGRAPHS

__all__ = ["CAMERAS", "Picture", "plan_sample", "render_truth"]


@dataclass(frozen=True)
class Picture:
    """One row of the truth; the fields are its columns."""

    image_id: str
    origin: str
    kind: str
    edit: str
    split: str
    label: str
    tier: str


CAMERAS = {  # origin: maker and model, time of the exposure
    "pagoda": ("Canon EOS 5D", "2023:09:14 10:21:05"),
    "lake": ("Canon EOS 5D", "2023:09:14 10:22:47"),
    "garden": ("Canon EOS 5D", "2023:09:14 10:24:30"),
    "dahlia": ("Canon EOS 5D", "2024:06:02 16:05:10"),
    "cat": ("Google Pixel 7", "2024:01:20 19:40:12"),
    "engine": ("NIKON D90", "2022:04:30 09:15:00"),
    "front wheel": ("NIKON D90", "2022:04:30 09:16:10"),
    "launch pad": ("NIKON D90", "2021:11:03 05:58:00"),
    "officer": ("Google Pixel 7", "2024:02:11 12:00:00"),
}

_ORIGINALS: dict[str, tuple[str, str]] = {  # origin: file name, the way it is stored where that is unusual
    "astronaut": ("astronaut.jpg", ""),
    "photographer": ("photographer.png", "grayscale"),
    "officer": ("Officer Portrait.JPG", ""),
    "cat": ("cat.jpg", ""),
    "horse": ("horse.png", "transparent"),
    "galaxies": ("galaxies.jpg", ""),
    "deep field": ("deep field, 2.jpg", ""),
    "craters": ("craters.jpg", "grayscale"),
    "lunar rocks": ("lunar_rocks_16bit.png", "16-bit"),
    "launch pad": ("launch pad.jpg", ""),
    "shuttle": ("shuttle.jpg", ""),
    "brick": ("brick.jpg", "grayscale"),
    "grass": ("grass.jpg", "grayscale"),
    "gravel": ("gravel 100%.jpg", "grayscale"),
    "lawn": ("lawn.jpg", "grayscale"),
    "glands": ("glands.jpg", ""),
    "stroma": ("stroma.webp", ""),
    "cell": ("cell.tif", "grayscale"),
    "optic disc": ("retina_001.jpg", ""),
    "macula": ("retina_002.jpg", ""),
    "vessels": ("retina_003.jpg", ""),
    "brain": ("brain.png", "grayscale"),
    "pagoda": ("pagoda.jpg", ""),
    "skyline": ("skyline.jpg", "grayscale"),
    "lake": ("lake.jpg", ""),
    "hills": ("hills.png", "grayscale"),
    "dahlia": ("IMG_2041.jpg", "burst 0"),
    "garden": ("jardín d'été.jpg", ""),
    "coffee": ("coffee.jpg", ""),
    "engine": ("engine.jpg", ""),
    "front wheel": ("front wheel #1.jpg", ""),
    "shelves": ("shelves.jpeg", ""),
    "chairs": ("chairs_cmyk.jpg", "cmyk"),
    "coins": ("coins.jpg", "grayscale"),
    "helmet": ("helmet.png", "wrong suffix"),
    "badge": ("badge.gif", "palette"),
    "flag": ("旗.jpg", ""),
    "ribbons": ("ribbons.jpg", ""),
    "gift": ("gift.png", "transparent"),
    "page": ("page.jpg", "grayscale"),
    "handwriting": ("handwriting.jpg", "grayscale"),
}

_SAME_FILE = (  # origin, file name, label where it is another one, whether it lies in the other split
    ("cat", "cat (1).jpg", "", True),
    ("coffee", "espresso.jpg", "", True),
    ("pagoda", "temple.jpg", "", True),
    ("astronaut", "IMG_0007.jpg", "", True),
    ("coins", "coins_copy.jpg", "texture", False),
    ("shuttle", "shuttle.jpg", "vehicle", False),
    ("garden", "garden.jpg", "landscape", False),
    ("page", "scan 1.jpg", "object", True),
    ("galaxies", "galaxies - Copy.jpg", "", False),
    ("gravel", "gravel copy.jpg", "", False),
    ("gravel", "gravel copy 2.jpg", "", False),
    ("engine", "motor.jpg", "", False),
)

_SAME_PIXELS = (  # origin, file name, label where it is another one, whether it lies in the other split
    ("cat", "cat.png", "", False),
    ("ribbons", "ribbons.bmp", "", False),
    ("ribbons", "ribbons.webp", "", True),
    ("officer", "officer.jpg", "", False),
    ("launch pad", "pad39.jpg", "", True),
    ("skyline", "skyline.png", "landscape", False),
    ("stroma", "stroma.png", "", True),
    ("handwriting", "handwriting.tif", "", False),
    ("helmet", "helmet (2).png", "people", False),
    ("brain", "brain.webp", "", False),
    ("lake", "lake_meta.jpg", "", False),
    ("cell", "cell.bmp", "", True),
)

_NEAR = (  # origin, file name, edit, whether it lies in the other split
    ("astronaut", "astronaut_small.jpg", "resize", False),
    ("astronaut", "astronaut_flip.jpg", "mirror", False),
    ("photographer", "photographer_q30.jpg", "jpeg", False),
    ("photographer", "photographer_crop.jpg", "crop", True),
    ("officer", "officer_gray.jpg", "gray", False),
    ("officer", "officer_framed.jpg", "border", False),
    ("cat", "cat_warm.jpg", "tone", False),
    ("cat", "cat_crop.jpg", "crop", True),
    ("cat", "cat_caption.jpg", "text", False),
    ("galaxies", "galaxies_flip.jpg", "mirror", False),
    ("craters", "craters_small.jpg", "resize", False),
    ("launch pad", "launch_turned.jpg", "rotate", False),
    ("launch pad", "launch_caption.jpg", "text", True),
    ("brick", "brick_q30.jpg", "jpeg", False),
    ("grass", "grass_soft.jpg", "blur", False),
    ("glands", "glands_tone.jpg", "tone", False),
    ("glands", "glands_crop.jpg", "crop", True),
    ("optic disc", "retina_001_gray.jpg", "gray", False),
    ("macula", "retina_002_flip.jpg", "mirror", False),
    ("pagoda", "pagoda_web.webp", "resize", False),
    ("pagoda", "pagoda_postcard.jpg", "border", True),
    ("pagoda", "pagoda_turned.jpg", "rotate", False),
    ("lake", "lake_q30.jpg", "jpeg", False),
    ("hills", "hills_soft.png", "blur", False),
    ("coffee", "coffee_crop.jpg", "crop", False),
    ("coffee", "coffee_gray.jpg", "gray", True),
    ("coffee", "coffee_phone.jpg", "exif rotation", False),
    ("engine", "engine_right.jpg", "viewpoint", False),
    ("front wheel", "front wheel_flip.jpg", "mirror", False),
    ("shelves", "shelves_caption.jpg", "text", False),
    ("coins", "coins_turned.jpg", "rotate", False),
    ("page", "page_small.png", "resize", False),
    ("shuttle", "shuttle_crop.jpg", "crop", False),
    ("badge", "badge_caption.jpg", "text", False),
    ("gift", "gift_card.jpg", "border", True),
    ("brain", "brain_slide.jpg", "border", False),
    ("handwriting", "handwriting_crop.jpg", "crop", False),
    ("hills", "hills_crop.jpg", "crop", False),
    ("garden", "garden_evening.jpg", "tone", True),
    ("brick", "brick_turned.jpg", "rotate", False),
    ("stroma", "stroma_flip.jpg", "mirror", False),
    ("engine", "engine_soft.jpg", "blur", False),
    ("dahlia", "IMG_2042.jpg", "burst 1", False),
    ("dahlia", "IMG_2043.jpg", "burst 2", False),
    ("dahlia", "IMG_2044.jpg", "burst 3", False),
    ("dahlia", "IMG_2045.jpg", "burst 4", False),
    ("dahlia", "IMG_2046.jpg", "burst 5", False),
)

_POOR = (  # origin, file name, kind, edit
    ("uniform", "uniform.jpg", "dark", "underexposed"),
    ("flag stripes", "flag night.jpg", "dark", "underexposed"),
    ("stars", "stars.jpg", "dark", "underexposed"),
    ("arcade", "retina_004.jpg", "bright", "overexposed"),
    ("plain", "moon_plain.jpg", "bright", "overexposed"),
    ("sky", "sky.jpg", "bright", ""),
    ("clock", "clock.jpg", "blurry", ""),
    ("tail", "motorcycle.jpg", "blurry", "out of focus"),
    ("treetop", "treetop.jpg", "blurry", "out of focus"),
    ("leaves", "leaves.png", "low_information", "flat"),
    ("hologram", "hologram.png", "low_information", "flat"),
    ("blank", "blank.png", "low_information", "blank"),
    ("floor", "floor.jpg", "odd_aspect_ratio", "elongated"),
    ("bud", "bud.jpg", "odd_aspect_ratio", "upright strip"),
    ("face a", "face_a.png", "odd_size", ""),
    ("face b", "face_b.png", "odd_size", ""),
    ("sign", "sign.png", "odd_size", ""),
    ("aneurysms", "thumb.png", "odd_size", "tiny"),
    ("faint galaxies", "faint galaxies.jpg", "grayscale", "no color"),
    ("stripes", "stripes.jpg", "grayscale", "no color"),
)

_OUTLIERS = (  # origin, file name, label
    ("noise", "static.png", "texture"),
    ("chart", "chart.png", "document"),
    ("code", "code.png", "document"),
    ("text page", "report.png", "document"),
    ("color wheel", "wheel.jpg", "object"),
    ("phantom", "phantom.png", "medical"),
    ("depth map", "depth.jpg", "vehicle"),
    ("logo", "logo.jpg", "object"),
)

_BROKEN = (  # file name, label, edit, the photograph whose bytes were damaged
    ("upload_0.jpg", "animal", "empty", "cat"),
    ("cat_download.jpg", "animal", "truncated", "cat"),
    ("notes.jpg", "document", "text", "page"),
    ("brain_damaged.png", "medical", "damaged", "brain"),
    ("pagoda_link.png", "building", "web page", "pagoda"),
    ("recovered.jpg", "landscape", "zeros", "lake"),
)


def plan_sample(random_state: int) -> tuple[Picture, ...]:
    """Return every picture of the collection, originals first; the seed decides what is test."""
    originals = {picture.origin: picture for picture in _place(_list_originals(), random_state)}
    others = [*_list_poor(), *_list_outliers(), *_list_broken()]
    return (*originals.values(), *_list_twins(originals), *_place(others, random_state))


def render_truth(pictures: Iterable[Picture]) -> str:
    """Return the table of truth as CSV."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([field.name for field in fields(Picture)])
    writer.writerows(astuple(picture) for picture in pictures)
    return lines.getvalue()


def _list_originals() -> Iterator[Picture]:
    for origin, (name, edit) in _ORIGINALS.items():
        yield Picture(name, origin, "original", edit, "", PHOTOGRAPHS[origin].label, "")


def _list_twins(originals: dict[str, Picture]) -> Iterator[Picture]:
    for origin, name, label, is_leak in _SAME_FILE:
        yield _twin(originals[origin], name, tier="identical file", edit="", label=label, is_leak=is_leak)
    for origin, name, label, is_leak in _SAME_PIXELS:
        edit = "metadata" if name.endswith(".jpg") else "container"
        yield _twin(originals[origin], name, tier="identical pixels", edit=edit, label=label, is_leak=is_leak)
    for origin, name, edit, is_leak in _NEAR:
        yield _twin(originals[origin], name, tier="near", edit=edit, label="", is_leak=is_leak)


def _list_poor() -> Iterator[Picture]:
    for origin, name, kind, edit in _POOR:
        label = PHOTOGRAPHS[origin].label if origin in PHOTOGRAPHS else "document"
        yield Picture(name, origin, kind, edit, "", label, "")


def _list_outliers() -> Iterator[Picture]:
    for origin, name, label in _OUTLIERS:
        yield Picture(name, origin, "outlier", "", "", label, "")


def _list_broken() -> Iterator[Picture]:
    for name, label, edit, origin in _BROKEN:
        yield Picture(name, origin, "broken", edit, "", label, "")


def _twin(original: Picture, name: str, *, tier: str, edit: str, label: str, is_leak: bool) -> Picture:
    split = {"train": "test", "test": "train"}[original.split] if is_leak else original.split
    twin = Picture(name, original.origin, tier, edit, split, label or original.label, tier)
    return _with_path(twin)


def _place(pictures: Iterable[Picture], random_state: int) -> Iterator[Picture]:
    """Put every third picture of a label, in an order drawn by the seed, into the test split."""
    by_label = defaultdict(list)
    for picture in pictures:
        by_label[picture.label].append(picture)
    for of_label in by_label.values():
        drawn = sorted(of_label, key=lambda picture: _draw(picture.image_id, random_state))
        tested = {picture.image_id for picture in drawn[1::3]}
        for picture in of_label:
            yield _with_path(replace(picture, split="test" if picture.image_id in tested else "train"))


def _draw(name: str, random_state: int) -> str:
    """Return a random key, the same on every platform and with every version of every library."""
    return hashlib.sha256(f"{random_state}/{name}".encode()).hexdigest()


def _with_path(picture: Picture) -> Picture:
    return replace(picture, image_id=f"{picture.split}/{picture.label}/{picture.image_id}")
