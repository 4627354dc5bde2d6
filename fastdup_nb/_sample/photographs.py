"""Real photographs out of installed packages: whole ones, and disjoint cuts that show different things."""

from __future__ import annotations

import gzip
import importlib.resources
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from .._optional import import_optional
from ..errors import MissingExtraError

__all__ = ["PHOTOGRAPHS", "Photograph", "check_packages", "load_other_view", "load_photograph"]

_FOLDERS = {"skimage": "data", "sklearn": "datasets/images", "matplotlib": "mpl-data/sample_data"}
_LONGEST = 600  # pixels; larger photographs are reduced to this
_SHORTEST = 400  # pixels; smaller cuts are enlarged towards this, at most twice
_TINY = 60  # pixels; what is this small stays so


@dataclass(frozen=True)
class Photograph:
    """One picture to start from: its label, the package and file it is in, and the part of it that is shown."""

    name: str
    label: str
    source: str
    box: tuple[int, int, int, int] | None = None


PHOTOGRAPHS = {
    photograph.name: photograph
    for photograph in (
        Photograph("astronaut", "people", "skimage:astronaut.png", (110, 0, 335, 265)),
        Photograph("photographer", "people", "skimage:camera.png", (40, 30, 330, 400)),
        Photograph("officer", "people", "matplotlib:grace_hopper.jpg", (112, 0, 385, 340)),
        Photograph("cat", "animal", "skimage:chelsea.png"),
        Photograph("horse", "animal", "skimage:horse.png"),
        Photograph("galaxies", "space", "skimage:hubble_deep_field.jpg", (0, 0, 490, 430)),
        Photograph("deep field", "space", "skimage:hubble_deep_field.jpg", (640, 440, 840, 620)),
        Photograph("craters", "space", "skimage:moon.png", (0, 0, 512, 250)),
        Photograph("lunar rocks", "space", "skimage:moon.png", (140, 262, 512, 512)),
        Photograph("launch pad", "space", "skimage:rocket.jpg"),
        Photograph("shuttle", "space", "skimage:astronaut.png", (342, 0, 512, 290)),
        Photograph("brick", "texture", "skimage:brick.png"),
        Photograph("grass", "texture", "skimage:grass.png"),
        Photograph("gravel", "texture", "skimage:gravel.png"),
        Photograph("lawn", "texture", "skimage:camera.png", (335, 330, 512, 512)),
        Photograph("glands", "medical", "skimage:ihc.png", (0, 0, 512, 250)),
        Photograph("stroma", "medical", "skimage:ihc.png", (190, 262, 512, 512)),
        Photograph("cell", "medical", "skimage:cell.png", (270, 240, 550, 520)),
        Photograph("optic disc", "medical", "skimage:retina.jpg", (60, 380, 560, 1000)),
        Photograph("macula", "medical", "skimage:retina.jpg", (580, 420, 1080, 980)),
        Photograph("vessels", "medical", "skimage:retina.jpg", (400, 1000, 1050, 1380)),
        Photograph("brain", "medical", "matplotlib:s1045.ima.gz"),
        Photograph("pagoda", "building", "sklearn:china.jpg", (105, 8, 395, 285)),
        Photograph("skyline", "building", "skimage:camera.png", (335, 110, 512, 240)),
        Photograph("lake", "landscape", "sklearn:china.jpg", (400, 100, 640, 427)),
        Photograph("hills", "landscape", "matplotlib:jacksboro_fault_dem.npz"),
        Photograph("dahlia", "plant", "sklearn:flower.jpg", (150, 70, 480, 350)),
        Photograph("garden", "plant", "sklearn:china.jpg", (0, 290, 398, 427)),
        Photograph("coffee", "food", "skimage:coffee.png"),
        Photograph("engine", "vehicle", "skimage:motorcycle_left.png", (270, 170, 475, 440)),
        Photograph("front wheel", "vehicle", "skimage:motorcycle_left.png", (480, 200, 700, 436)),
        Photograph("shelves", "object", "skimage:motorcycle_left.png", (480, 0, 741, 190)),
        Photograph("chairs", "object", "skimage:motorcycle_left.png", (0, 0, 260, 118)),
        Photograph("coins", "object", "skimage:coins.png"),
        Photograph("helmet", "object", "skimage:astronaut.png", (290, 345, 512, 512)),
        Photograph("badge", "object", "skimage:astronaut.png", (100, 300, 285, 470)),
        Photograph("flag", "object", "matplotlib:grace_hopper.jpg", (0, 20, 110, 340)),
        Photograph("ribbons", "object", "matplotlib:grace_hopper.jpg", (300, 450, 500, 600)),
        Photograph("gift", "object", "matplotlib:Minduka_Present_Blue_Pack.png"),
        Photograph("page", "document", "skimage:page.png"),
        Photograph("handwriting", "document", "skimage:text.png"),
        # shown only in a poor state
        Photograph("uniform", "people", "matplotlib:grace_hopper.jpg", (112, 350, 295, 600)),
        Photograph("stars", "space", "skimage:hubble_deep_field.jpg", (510, 0, 1000, 430)),
        Photograph("faint galaxies", "space", "skimage:hubble_deep_field.jpg", (0, 445, 490, 872)),
        Photograph("arcade", "medical", "skimage:retina.jpg", (400, 40, 1050, 370)),
        Photograph("aneurysms", "medical", "skimage:microaneurysms.png"),
        Photograph("bud", "plant", "sklearn:flower.jpg", (230, 360, 560, 427)),
        Photograph("leaves", "plant", "sklearn:flower.jpg", (0, 0, 145, 427)),
        Photograph("treetop", "plant", "sklearn:china.jpg", (0, 60, 100, 285)),
        Photograph("sky", "landscape", "sklearn:china.jpg", (400, 0, 640, 90)),
        Photograph("hologram", "medical", "skimage:cell.png", (0, 0, 260, 230)),
        Photograph("clock", "object", "skimage:clock_motion.png"),
        Photograph("flag stripes", "object", "skimage:astronaut.png", (0, 0, 105, 260)),
        Photograph("face a", "people", "skimage:lfw_subset.npy", (75, 50, 100, 75)),
        Photograph("face b", "people", "skimage:lfw_subset.npy", (50, 100, 75, 125)),
        Photograph("sign", "object", "skimage:lfw_subset.npy", (150, 225, 175, 250)),
        Photograph("tail", "vehicle", "skimage:motorcycle_left.png", (100, 120, 265, 430)),
        Photograph("stripes", "object", "matplotlib:grace_hopper.jpg", (0, 350, 110, 600)),
        Photograph("plain", "space", "skimage:moon.png", (0, 262, 135, 512)),
        Photograph("floor", "vehicle", "skimage:motorcycle_left.png", (0, 440, 741, 500)),
        # drawn or computed by others, unlike a photograph
        Photograph("color wheel", "object", "skimage:color.png"),
        Photograph("phantom", "medical", "skimage:phantom.png"),
        Photograph("depth map", "vehicle", "skimage:motorcycle_disp.npz"),
        Photograph("logo", "object", "skimage:logo.png"),
    )
}


def load_photograph(name: str) -> Image.Image:
    """Return the photograph of this name: mode L, RGB or RGBA, about 400 to 600 pixels on its longer side."""
    return _fit(_load_cut(PHOTOGRAPHS[name].source, PHOTOGRAPHS[name].box))


def load_other_view() -> Image.Image:
    """Return the engine as the second camera of the stereo pair saw it, a hand's breadth to the right."""
    return _fit(_load_cut("skimage:motorcycle_right.png", (225, 170, 430, 440)))


def _load_cut(source: str, box: tuple[int, int, int, int] | None) -> Image.Image:
    image = _open(source)
    return image if box is None else image.crop(box)


def _fit(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    scale = min(_LONGEST / longest, max(1.0, min(2.0, _SHORTEST / longest)))
    if scale == 1 or longest < _TINY:
        return image
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _open(source: str) -> Image.Image:
    data = BytesIO(_read(source))
    if source.endswith(".gz"):
        return _to_gray(np.frombuffer(gzip.decompress(data.getvalue()), dtype=">u2").reshape(256, 256))
    if source.endswith(".npz"):
        return _draw_arrays(np.load(data))
    if source.endswith(".npy"):
        return _to_gray(_tile(np.load(data)))
    image = Image.open(data)
    image.load()
    return image


def check_packages() -> None:
    """Raise MissingExtraError unless all packages the photographs come from are installed."""
    for package in _FOLDERS:
        import_optional(package, extra="sample", purpose="Writing the sample collection")


def _read(source: str) -> bytes:
    package, name = source.split(":")
    file = importlib.resources.files(package) / _FOLDERS[package] / name
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        message = (
            f"The installed {package} came without its file {_FOLDERS[package]}/{name}. "
            'The packages from PyPI have it: pip install --force-reinstall "fastdup-nb[sample]"'
        )
        raise MissingExtraError(message) from error


def _draw_arrays(arrays: Any) -> Image.Image:
    """Return shaded relief of an elevation model, or the depth of a disparity map."""
    if "elevation" not in arrays:
        return _to_gray(np.where(np.isfinite(arrays["arr_0"]), arrays["arr_0"], 0.0))
    down, right = np.gradient(arrays["elevation"].astype(np.float64))
    return _to_gray(right + down)


def _to_gray(values: np.ndarray[Any, Any]) -> Image.Image:
    low, high = np.percentile(values, [0.5, 99.5])
    scaled = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return Image.fromarray(np.round(scaled * 255).astype(np.uint8))


def _tile(faces: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return (200, 25, 25) faces as one picture of 10 rows and 20 columns."""
    return faces.reshape(10, 20, 25, 25).swapaxes(1, 2).reshape(250, 500)
